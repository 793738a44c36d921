// Package replay holds what a real neutron-server answered, and asks our server the same.
//
// Each file in testdata is a scenario: requests in order, each with the status and body that neutron-server 21 (Zed; core plugin ml2
// with port security, type driver local, service plugins router and port_forwarding, MariaDB, no Keystone) gave. Captured values stand
// for themselves in later requests ($net). The test sends the same requests to our API on a fresh database, SQLite's and MariaDB's.
// `go test ./test/replay -record http://127.0.0.1:PORT` asks a real server again and rewrites the files; read the difference before you
// commit it. A file that begins with a configuration is recorded from a server that has it. port_binding.http is recorded with the mechanism
// driver openvswitch and living agents of it on host1 to host3.
package replay

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var record = flag.String("record", "", "base URL of a real neutron-server whose answers replace the recorded ones")

// exchange is one request and the answer on record.
type exchange struct {
	title    string
	method   string
	path     string
	project  string   // of the caller; empty: the server has no Keystone
	roles    []string // of the caller
	body     string
	captures []capture
	status   int
	answer   string
}

// capture names a value of the answer.
type capture struct{ name, path string }

func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) { replay(t, file, startServer) })
	}
}

// TestBehindALoadBalancer asks the same of two processes that serve the API alone, in turn, beside the server that has the topology,
// all on one database: no answer may depend on which one gave the answer before.
func TestBehindALoadBalancer(t *testing.T) {
	if *record != "" {
		t.Skip("recording")
	}
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) { replay(t, file, startBalanced) })
	}
}

func replay(t *testing.T, file string, start func(t *testing.T, more ...string) string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	base := *record
	if base == "" {
		var configuration []string
		if scenario.exchanges[0].project != "" {
			configuration = append(configuration, keystoneConfiguration(t))
		}
		if scenario.configuration != "" {
			configuration = append(configuration, write(t, scenario.configuration))
		}
		base = start(t, configuration...)
	}
	vars := map[string]string{}
	for i := range scenario.exchanges {
		e := &scenario.exchanges[i]
		status, body := send(t, base, *e, vars)
		got := normalise(body, vars)
		switch {
		case *record != "":
			e.status, e.answer = status, got
		case status != e.status:
			t.Errorf("%s: status %d, neutron-server gave %d\n%s", e.title, status, e.status, got)
		default:
			compare(t, e.title, e.answer, got)
		}
	}
	if *record != "" {
		cleanUp(base, vars)
		if err := os.WriteFile(file, []byte(format(scenario)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ours lists attributes whose values differ on purpose, with the reason in docs/divergences.md or in the deployment: the record was
// made with the type driver local, which has no MTU overhead.
var ours = []string{"provider:network_type", "mtu", "binding:vif_type", "binding:vif_details", "vif_type", "vif_details"}

// oursOf lists attributes of one kind of resource that differ on purpose; an attribute of its own tells the kind. The original counts the
// steps that it takes to change a router, here a change is one; an address is translated as soon as it is associated, where the
// original waits for its agent.
var oursOf = map[string][]string{"external_gateway_info": {"revision_number"}, "floating_ip_address": {"revision_number", "status"}}

// differsOnPurpose reports whether an attribute of a resource is not compared.
func differsOnPurpose(resource map[string]any, attr string) bool {
	for kind, attrs := range oursOf {
		if _, is := resource[kind]; is && slices.Contains(attrs, attr) {
			return true
		}
	}
	return slices.Contains(ours, attr)
}

// compare reports where got differs from want. An attribute that only neutron-server has belongs to an extension that is not
// served here; one that both have must be equal.
func compare(t *testing.T, title, want, got string) {
	t.Helper()
	var w, g any
	if json.Unmarshal([]byte(want), &w) != nil || json.Unmarshal([]byte(got), &g) != nil {
		if want != got {
			t.Errorf("%s: answered %q, neutron-server %q", title, got, want)
		}
		return
	}
	w, g = common(w, g)
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s (-neutron-server +ours):\n%s", title, diff)
	}
}

// common drops from both sides what compare does not hold against us.
func common(w, g any) (any, any) {
	switch w := w.(type) {
	case map[string]any:
		if g, ok := g.(map[string]any); ok {
			return commonMaps(w, g)
		}
	case []any:
		if g, ok := g.([]any); ok && len(w) == len(g) {
			for i := range w {
				w[i], g[i] = common(w[i], g[i])
			}
		}
	}
	return w, g
}

func commonMaps(w, g map[string]any) (any, any) {
	resource := g["id"] != nil
	maps.DeleteFunc(g, func(k string, _ any) bool { _, recorded := w[k]; return !recorded && slices.Contains(since, k) })
	for k := range w {
		if _, served := g[k]; resource && !served || differsOnPurpose(g, k) {
			delete(w, k)
			delete(g, k)
			continue
		}
		if k == "description" && w[k] == nil && g[k] == "" {
			w[k] = "" // a rule that the original makes by itself has none
		}
		if g[k] != nil || w[k] != nil {
			w[k], g[k] = common(w[k], g[k])
		}
		if slices.Contains(unordered, k) {
			sortByText(w[k])
			sortByText(g[k])
		}
	}
	return w, g
}

// since are attributes of extensions that the servers of older records did not have. They are compared where they are on record.
var since = []string{"is_default", "dns_name", "dns_domain", "dns_assignment"}

// unordered are lists whose order means nothing in the original.
var unordered = []string{"allocation_pools", "security_group_rules", "addresses", "allowed_address_pairs"}

// sortByText orders a list whose order means nothing in the original.
func sortByText(v any) {
	if list, ok := v.([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
}

func send(t *testing.T, base string, e exchange, vars map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(e.method, base+expand(e.path, vars), strings.NewReader(expand(e.body, vars)))
	if err != nil {
		t.Fatalf("%s: %v", e.title, err)
	}
	if e.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	e.identify(req)
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		t.Fatalf("%s: %v", e.title, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", e.title, err)
	}
	for _, c := range e.captures {
		if v, ok := lookUp(body, c.path); ok {
			vars[c.name] = v
		} else {
			t.Errorf("%s: no %s in the answer %s", e.title, c.path, body)
		}
	}
	return resp.StatusCode, string(body)
}

func expand(s string, vars map[string]string) string {
	return os.Expand(s, func(name string) string { return vars[name] })
}

// lookUp finds a string by path, "ports.0.id".
func lookUp(body []byte, path string) (string, bool) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return "", false
	}
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(at) {
				return "", false
			}
			v = at[i]
		default:
			return "", false
		}
	}
	s, ok := v.(string)
	return s, ok
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	macs  = regexp.MustCompile(`fa:16:3e:[0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}`)
	hosts = regexp.MustCompile(`http://[a-z0-9.]+:\d+`)
	// eui64 is an address made from a generated MAC.
	eui64 = regexp.MustCompile(`f816:3eff:fe[0-9a-f]{2}:[0-9a-f]{1,4}`)
	// named is a list of captured identifiers inside a message; the original lists them in whatever order the database had them.
	named = regexp.MustCompile(`\$\w+(, ?\$\w+)+`)
)

// normalise puts names in place of what differs from run to run and formats the JSON.
func normalise(body string, vars map[string]string) string {
	for name, value := range vars { // whole ones: 10.0.0.1 is not in 10.0.0.19
		body = regexp.MustCompile(`\b`+regexp.QuoteMeta(value)+`\b`).ReplaceAllLiteralString(body, "$"+name)
	}
	body = uuids.ReplaceAllString(body, "<uuid>")
	body = times.ReplaceAllString(body, "<time>")
	body = macs.ReplaceAllString(body, "<mac>")
	body = hosts.ReplaceAllString(body, "<base>")
	body = eui64.ReplaceAllString(body, "<eui64>")
	body = named.ReplaceAllStringFunc(body, func(list string) string {
		return strings.Join(slices.Sorted(slices.Values(strings.Split(strings.ReplaceAll(list, " ", ""), ","))), ",")
	})
	var out bytes.Buffer
	if json.Indent(&out, []byte(body), "", "  ") != nil {
		return strings.TrimSpace(body)
	}
	return strings.TrimSpace(out.String())
}

// cleanUp deletes what a recording made, what needs others first; what is gone already does not matter.
func cleanUp(base string, vars map[string]string) {
	for _, collection := range []string{"floatingips", "routers", "ports", "subnets", "networks", "security-group-rules", "security-groups",
		"address-groups"} {
		for _, v := range vars {
			if req, err := http.NewRequest(http.MethodDelete, base+"/v2.0/"+collection+"/"+v, nil); err == nil && uuids.MatchString(v) {
				exchange{project: "ops", roles: []string{"admin"}}.identify(req)
				if resp, err := http.DefaultClient.Do(req); err == nil {
					resp.Body.Close()
				}
			}
		}
	}
}
