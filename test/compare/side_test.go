package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/test/original"
)

// request is asked of both servers. Path and body may name, as $net1, what the world has.
type request struct {
	method, path, body string
	caller             original.Caller
	header             map[string]string
}

func (r request) String() string {
	text := r.method + " " + r.path
	for k, v := range r.header {
		text += " " + k + ": " + v
	}
	if r.body != "" {
		text += " " + r.body
	}
	if !slices.Equal(r.caller.Roles, operator.Roles) && r.caller.Project != operator.Project { // an administrator is who asks for most
		text += " AS " + r.caller.Project
	}
	if len(r.caller.Roles) == 1 {
		text += " " + r.caller.Roles[0]
	}
	return text
}

// The callers: an administrator, and members of two projects.
var (
	operator = original.Caller{Project: "ops", Roles: []string{"admin", "member", "reader"}}
	blue     = original.Caller{Project: "blue", Roles: []string{"member", "reader"}}
	red      = original.Caller{Project: "red", Roles: []string{"member", "reader"}}
)

// patience is how long an answer may take. What neutron-server finds to be twice in its database it tries again ten times, with pauses that add up
// to a minute, and those who come to the same rows wait meanwhile: such questions are not asked.
const patience = 3 * time.Minute

// side is one of the servers, with the identifiers of what the world has there.
type side struct {
	base   string
	client http.Client
	ids    map[string]string // by name
}

// newSide returns the side at a URL. Each request has a connection of its own: on one that is kept, the two small packets in which neutron-server
// answers wait 40 ms for each other.
func newSide(base string) *side {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	return &side{base: base, client: client, ids: map[string]string{}}
}

func answers(base string) bool {
	resp, err := http.Get(base)
	if err != nil {
		time.Sleep(20 * time.Millisecond)
		return false
	}
	resp.Body.Close()
	return true
}

// answer is what a server gave: as it came, and with names in place of what differs from run to run.
type answer struct {
	status    int
	raw, text string
}

func (s *side) expand(text string) string {
	return os.Expand(text, func(name string) string { return s.ids[name] })
}

func (s *side) ask(t *testing.T, r request) answer {
	t.Helper()
	hr, err := http.NewRequest(r.method, s.base+s.expand(r.path), strings.NewReader(s.expand(r.body)))
	if err != nil {
		t.Errorf("%v: %v", r, err)
		return answer{}
	}
	if r.body != "" {
		hr.Header.Set("Content-Type", "application/json")
	}
	for k, v := range r.header {
		hr.Header.Set(k, v)
	}
	r.caller.Identify(hr)
	resp, err := s.client.Do(hr)
	for tries := 1; err != nil && r.method == "GET" && tries < 5; tries++ { // neutron-server resets what it answers before it has read all of it
		resp, err = s.client.Do(hr)
	}
	if err != nil {
		t.Errorf("%v: %v", r, err) // from one of several goroutines
		return answer{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%v: %v", r, err)
	}
	text := addresses.ReplaceAllStringFunc(original.Normalise(string(body), s.ids), func(address string) string {
		if dotted := strings.ReplaceAll(address, "-", "."); chosen[dotted] || strings.Contains(r.path+r.body, dotted) {
			return address
		}
		return "<drawn>"
	})
	text = objects.ReplaceAllStringFunc(text, func(object string) string {
		keys := strings.Split(object[1:len(object)-1], ", ")
		slices.Sort(keys)
		return "{" + strings.Join(keys, ", ") + "}"
	})
	text = lists.ReplaceAllStringFunc(text, func(list string) string {
		objects := strings.Split(list[2:len(list)-2], "}, {")
		slices.Sort(objects)
		return "[{" + strings.Join(objects, "}, {") + "}]"
	})
	text = ruled.ReplaceAllStringFunc(text, func(list string) string {
		words := strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune("(), ", c) })
		slices.Sort(words)
		return strings.Join(words, " ")
	})
	text = revisions.ReplaceAllString(text, "current revision is <n>")
	text = keys.ReplaceAllStringFunc(text, func(list string) string {
		start := strings.Index(list, "[") + 1
		names := strings.Split(list[start:len(list)-1], ", ")
		slices.Sort(names)
		return list[:start] + strings.Join(names, ", ") + "]"
	})
	text = unknown.ReplaceAllStringFunc(text, func(list string) string {
		start := strings.Index(list, "'") + 1
		names := strings.Split(list[start:len(list)-1], ", ")
		slices.Sort(names)
		return list[:start] + strings.Join(names, ", ") + "'"
	})
	return answer{resp.StatusCode, string(body), text}
}

// discard deletes what a question has made, whosever it is.
func (s *side) discard(t *testing.T, path string) {
	t.Helper()
	for _, project := range []string{operator.Project, blue.Project, red.Project} {
		a := s.ask(t, request{method: "DELETE", path: path, caller: administrator(project)})
		if a.status < 300 || !*newDefaults {
			return
		}
	}
}

// unknown are names of attributes, from a set of Python's, which has no order.
var unknown = regexp.MustCompile(`Unrecognized attribute\(s\) '[^']*'`)

// ruled are the rules and the attributes that a refusal lists, in the order of a set of Python's.
var ruled = regexp.MustCompile(`\(rule:[\w:]+( and rule:[\w:]+)+\)|provider network attributes: [\w:]+(, [\w:]+)+`)

// revisions are numbers of changes, see comparable.
var revisions = regexp.MustCompile(`current revision is \d+`)

// keys are those of a dictionary that Python has told, likewise.
var keys = regexp.MustCompile(`must be a dictionary with keys: \[[^\]]*\]`)

// addresses are those of the world's subnets, which both servers draw at random unless one is asked for, and the names that are made of them.
var addresses = regexp.MustCompile(`\b((10[.-]0[.-][12]|172[.-]24[.-]4|192[.-]168[.-]0)[.-][0-9]{1,3}|10[.-]16[.-][0-9]{1,3}[.-]([2-9]|[1-9][0-9]{1,2}))\b`)

// objects are those that Python has written into a text, with their keys in the order of the request, or in none.
var objects = regexp.MustCompile(`\{'[^{}]*\}`)

// lists are those of such objects, in the order of a set of Python's or of the database.
var lists = regexp.MustCompile(`\[\{'[^\[\]{}]*\}(, \{'[^\[\]{}]*\})+\]`)

// chosen are the addresses that the world's steps ask for, and the networks' own.
var chosen = func() map[string]bool {
	all := map[string]bool{}
	for _, made := range steps {
		for _, address := range addresses.FindAllString(made.attrs, -1) {
			all[address] = true
		}
	}
	for _, subnet := range []string{"10.0.1.", "10.0.2.", "172.24.4.", "192.168.0."} {
		for _, host := range []string{"0", "1", "255"} {
			all[subnet+host] = true
		}
	}
	return all
}()

// short is an answer in a line: of a fault, its status, type and words.
func (a answer) short() string {
	var fault struct {
		NeutronError struct{ Type, Message, Detail string }
	}
	if json.Unmarshal([]byte(a.text), &fault) == nil && fault.NeutronError.Type != "" {
		e := fault.NeutronError
		return strings.TrimSpace(describe(a.status, e.Type+": "+e.Message+" "+e.Detail))
	}
	return describe(a.status, strings.Join(strings.Fields(a.text), " "))
}

// difference returns how the answers differ, each in a line; empty where they do not. Of resources, only what differs is told.
func difference(theirs, ours answer) (n, o string) {
	if theirs.status != ours.status {
		return theirs.short(), ours.short()
	}
	var w, g any
	if json.Unmarshal([]byte(theirs.text), &w) != nil || json.Unmarshal([]byte(ours.text), &g) != nil {
		if theirs.text == ours.text {
			return "", ""
		}
		return theirs.short(), ours.short()
	}
	whole(w)
	whole(g)
	if lacks := absent(w, g, ""); lacks != "" {
		return describe(theirs.status, "with"+lacks), describe(ours.status, "without"+lacks)
	}
	w, g = original.Common(w, g)
	if reflect.DeepEqual(w, g) {
		return "", ""
	}
	if theirs.status >= 300 {
		return theirs.short(), ours.short()
	}
	n, o = apart(w, g, "")
	return describe(theirs.status, n), describe(ours.status, o)
}

// inside are lists of resources, in answers that have no more of them.
var inside = []string{"subnets", "tags", "fixed_ips", "dns_assignment", "port_forwardings", "security_groups", "security_group_rules",
	"subnet_ip_availability"}

// whole makes an answer comparable, and leaves a list of resources that it is in its order.
func whole(v any) {
	body, _ := v.(map[string]any)
	for _, e := range body {
		if list, ok := e.([]any); ok && len(list) > 0 && isObject(list[0]) {
			comparable(e)
			return
		}
	}
	comparable(v)
}

func isObject(v any) bool {
	_, is := v.(map[string]any)
	return is
}

// comparable takes away what test/replay compares where it is steady: how often a resource was changed, which depends on what was asked before, and
// the order of lists inside of resources. Rules within a group show inner affairs of the original's.
func comparable(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "revision_number")
		if _, isRule := v["security_group_id"]; isRule {
			delete(v, "standard_attr_id")
			delete(v, "security_group:tenant_id") // what a rule of policy has looked up
			delete(v, "tags")
			if v["description"] == nil { // see original.Common, which comes after the order
				v["description"] = ""
			}
		}
		for key, e := range v {
			comparable(e)
			if list, ok := e.([]any); ok && v["id"] != nil || slices.Contains(inside, key) {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(compact(a), compact(b)) })
			}
		}
	case []any:
		for _, e := range v {
			comparable(e)
		}
	}
}

// absent names the attributes of resources that the original shows and we do not, which original.Common passes over.
func absent(w, g any, at string) (names string) {
	switch w := w.(type) {
	case map[string]any:
		g, _ := g.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if _, shown := g[k]; !shown && g["id"] != nil && k != "flavor_id" { // of l3-flavors, which are not here
				names += " " + at + "." + k
			}
			names += absent(w[k], g[k], at+"."+k)
		}
	case []any:
		g, _ := g.([]any)
		for i := range min(len(w), len(g)) {
			names += absent(w[i], g[i], fmt.Sprint(at, "[", i, "]"))
		}
	}
	return names
}

// apart returns the parts of two values that are not in the other.
func apart(w, g any, at string) (n, o string) {
	switch w := w.(type) {
	case map[string]any:
		g, ok := g.(map[string]any)
		if !ok {
			break
		}
		for _, k := range keysOf(w, g) {
			if !reflect.DeepEqual(w[k], g[k]) {
				a, b := apart(w[k], g[k], at+"."+k)
				n, o = n+a, o+b
			}
		}
		return n, o
	case []any:
		g, ok := g.([]any)
		if !ok {
			break
		}
		if len(w) != len(g) {
			return at + "=" + compact(without(w, g)) + " ", at + "=" + compact(without(g, w)) + " "
		}
		for i := range w {
			if !reflect.DeepEqual(w[i], g[i]) {
				a, b := apart(w[i], g[i], fmt.Sprint(at, "[", i, "]"))
				n, o = n+a, o+b
			}
		}
		return n, o
	}
	return at + "=" + compact(w) + " ", at + "=" + compact(g) + " "
}

// without are the items of a list that another has not.
func without(list, other []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(e any) bool {
		return slices.ContainsFunc(other, func(o any) bool { return reflect.DeepEqual(e, o) })
	})
}

func keysOf(w, g map[string]any) []string {
	var keys []string
	for k := range w {
		keys = append(keys, k)
	}
	for k := range g {
		if _, ok := w[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func compact(v any) string {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // it came from JSON
	}
	return strings.TrimSpace(text.String())
}
