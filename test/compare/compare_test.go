// Package compare asks a real neutron-server and our server the same, and fails for each difference that has no row in docs/divergences.md.
//
// What is asked is generated from our own definitions, so that no attribute can be forgotten: lists by every filter, sort key and field with values
// of every kind, bodies with each attribute set to each of many values, good and bad, requests of every method on every path, tags of every
// collection, and the actions. A resource that is served and is not in the world (see world_test.go) fails the test.
//
// Four laboratories share the questions, each with two servers and a world of its own. Even so it takes Debian's neutron-server tens of
// minutes to answer all of it: `make compare`. That asks once more, with -new-defaults, what depends on who asks. A part of it, such as
// MIDONET_CONFORMANCE=1 go test ./test/compare -run 'TestSameAnswers/core/bodies/port$', takes minutes.
package compare

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/test/original"
)

// review is for whoever looks at what the rows of known cover.
var review = flag.String("review", "", "a file to append each known difference to, behind the row that explains it")

// laboratory is the two servers, with the same world in them.
type laboratory struct {
	theirs, ours *side
	*tally

	mu    sync.Mutex           // of what follows
	found map[string][]finding // by kind, since the last report
}

// finding is a difference.
type finding struct{ request, theirs, ours string }

// shown is how many differences of a kind are told.
const shown = 2

// part is some of what is asked: of a place, or at once.
type part struct {
	name string
	of   func(*laboratory, *testing.T, place) // nil: at once
	once func(*laboratory, *testing.T)
}

// laboratories are the parts by the laboratory in which they are asked, one after the other. What is asked next depends on what was asked before.
var laboratories = map[string][]part{
	"core":   {{name: "bodies", of: inCore((*laboratory).askBodies)}},
	"others": {{name: "bodies", of: outsideCore((*laboratory).askBodies)}},
	"walks":  {{name: "walks", once: (*laboratory).askWalks}},
	"looking": {
		{name: "lists", of: (*laboratory).askLists},
		{name: "documents", once: (*laboratory).askDocuments},
		{name: "topologies", once: (*laboratory).askTopologies},
		{name: "methods", of: (*laboratory).askMethods},
		{name: "conditions", of: (*laboratory).askConditions},
		{name: "callers", of: (*laboratory).askCallers},
		{name: "quotas", once: (*laboratory).askQuotas},
		{name: "actions", once: (*laboratory).askActions},
		{name: "tags", of: (*laboratory).askTags},
	},
}

// core are the nouns of the resources with the most attributes, whose bodies take half of the time.
var core = []string{"network", "subnet", "port"}

type askAt func(*laboratory, *testing.T, place)

func inCore(ask askAt) askAt {
	return func(l *laboratory, t *testing.T, p place) {
		if slices.Contains(core, p.def.Noun()) {
			ask(l, t, p)
		}
	}
}

func outsideCore(ask askAt) askAt {
	return func(l *laboratory, t *testing.T, p place) {
		if !slices.Contains(core, p.def.Noun()) {
			ask(l, t, p)
		}
	}
}

func TestSameAnswers(t *testing.T) {
	if os.Getenv("MIDONET_CONFORMANCE") == "" {
		t.Skip("runs with MIDONET_CONFORMANCE=1 (make compare)")
	}
	theirs := prepareOriginals(t)
	whole := &tally{explained: make([]atomic.Int64, len(exceptions()))}
	if *review != "" {
		file, err := os.OpenFile(*review, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		check(t, err)
		t.Cleanup(func() { check(t, file.Close()) })
		whole.review = file
	}
	t.Cleanup(func() { whole.report(t) }) // after the laboratories
	for name, parts := range laboratories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &laboratory{theirs: newSide(theirs.start(t, name)), ours: newSide(startOurs(t)), tally: whole, found: map[string][]finding{}}
			l.buildWorld(t)
			l.checkServed(t)
			for _, p := range parts {
				l.askPart(t, p)
			}
		})
	}
}

// tally is of all laboratories.
type tally struct {
	explained []atomic.Int64 // how many differences each of the exceptions has explained
	review    *os.File       // where they are written to; nil: nowhere
	asked     atomic.Int64   // parts, by places
}

// report fails the test for each known difference that there is not, where everything was asked.
func (w *tally) report(t *testing.T) {
	var all int64
	for _, parts := range laboratories {
		for _, p := range parts {
			if p.of == nil {
				all++
				continue
			}
			all += int64(len(world()))
		}
	}
	for i, k := range exceptions() {
		switch n := w.explained[i].Load(); {
		case n > 0:
			t.Logf("%d differences: %s (%s)", n, k.row, k.request)
		case w.asked.Load() == all && !*newDefaults && k.row != fleeting:
			t.Errorf("no difference is one of: %s (%s | %s | %s)", k.row, k.request, k.theirs, k.ours)
		}
	}
}

// askPart is one part, each place a subtest of its own.
func (l *laboratory) askPart(t *testing.T, p part) {
	t.Run(p.name, func(t *testing.T) {
		if p.of == nil {
			defer l.report(t)
			l.asked.Add(1)
			p.once(l, t)
			return
		}
		for _, at := range world() {
			t.Run(at.def.Noun(), func(t *testing.T) {
				defer l.report(t)
				l.asked.Add(1)
				p.of(l, t, at)
			})
		}
	})
}

// checkServed holds the world to what the server serves.
func (l *laboratory) checkServed(t *testing.T) {
	t.Helper()
	var document struct{ Resources []struct{ Collection string } }
	check(t, json.Unmarshal([]byte(l.ours.ask(t, request{method: "GET", path: "/v2.0/", caller: operator}).raw), &document))
	places := world()
	for _, r := range document.Resources {
		if !slices.ContainsFunc(places, func(p place) bool { return p.def.Collection == r.Collection }) {
			t.Errorf("%s is served, and is not in the world", r.Collection)
		}
	}
	for _, def := range apidef.All() {
		if def.Name != "auto_allocated_topology" && !slices.ContainsFunc(places, func(p place) bool { return p.def.Noun() == def.Noun() }) {
			t.Errorf("%s is defined, and is not in the world", def.Noun())
		}
	}
}

// ask asks both, notes a difference that is not known, and returns the answers.
func (l *laboratory) ask(t *testing.T, r request) (theirs, ours answer) {
	t.Helper()
	return l.asks(t, r, nil)
}

// asker is who asks where nobody is named: the operator, and by the new rules an administrator who is a member of the project that the path is about.
func asker(path string) original.Caller {
	if *newDefaults {
		return administrator(ownerOf(step{path: path}))
	}
	return operator
}

// asks is ask for answers that are made alike first.
func (l *laboratory) asks(t *testing.T, r request, alike func(string) string) (theirs, ours answer) {
	t.Helper()
	if r.caller.Project == "" {
		r.caller = asker(r.path)
	}
	var asking sync.WaitGroup
	asking.Go(func() { theirs = l.theirs.ask(t, r) })
	ours = l.ours.ask(t, r)
	asking.Wait()
	if alike != nil {
		theirs.text, ours.text = alike(theirs.text), alike(ours.text)
	}
	if n, o := difference(theirs, ours); n != o {
		l.note(finding{r.String(), n, o})
	}
	return theirs, ours
}

// look asks what changes nothing, several at a time.
func (l *laboratory) look(t *testing.T, requests []request, alike func(string) string) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(8)
	for _, r := range requests {
		group.Go(func() error {
			l.asks(t, r, alike)
			return nil
		})
	}
	_ = group.Wait() // of errors there are none
}

func (l *laboratory) note(f finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, k := range exceptions() {
		if k.explains(f) {
			l.explained[i].Add(1)
			if l.review != nil {
				fmt.Fprintf(l.review, "%s\n  %.400s\n  neutron-server: %.300s\n  ours:           %.300s\n", k.row, f.request, f.theirs, f.ours)
			}
			return
		}
	}
	kind := particular.ReplaceAllString(f.theirs, "_") + "\n" + particular.ReplaceAllString(f.ours, "_")
	l.found[kind] = append(l.found[kind], f)
}

// particular is what differs between findings of a kind.
var particular = regexp.MustCompile(`'[^']*'|"[^"]*"|\d+|\$\w+`)

// report fails the test for what was found since the last report.
func (l *laboratory) report(t *testing.T) {
	t.Helper()
	for _, findings := range l.found {
		for _, f := range findings[:min(shown, len(findings))] {
			t.Errorf("%.400s\n  neutron-server: %.500s\n  ours:           %.500s", f.request, f.theirs, f.ours)
		}
		if more := len(findings) - shown; more > 0 {
			t.Errorf("and %d more like that", more)
		}
	}
	clear(l.found)
}

// made returns the identifiers of the resources in an answer to a POST that succeeded, by the definition's primary key.
func made(def *apidef.Resource, a answer) (ids []string) {
	if a.status != 201 {
		return nil
	}
	var body map[string]json.RawMessage
	var one map[string]any
	var several []map[string]any
	if json.Unmarshal([]byte(a.raw), &body) != nil {
		return nil
	}
	if json.Unmarshal(body[def.Name], &one) == nil {
		several = append(several, one)
	}
	if body[def.Collection] != nil && json.Unmarshal(body[def.Collection], &several) != nil {
		return nil
	}
	for _, item := range several {
		if id, ok := item[def.PrimaryKey()].(string); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// post asks both to make something, and takes away what was made.
func (l *laboratory) post(t *testing.T, p place, r request) {
	t.Helper()
	theirs, ours := l.ask(t, r)
	for _, id := range made(p.def, theirs) {
		l.theirs.discard(t, p.path()+"/"+id)
	}
	for _, id := range made(p.def, ours) {
		l.ours.discard(t, p.path()+"/"+id)
	}
}

// wrapped is a body with one resource.
func wrapped(def *apidef.Resource, attrs string) string { return `{"` + def.Name + `":` + attrs + `}` }

// object writes attributes, given as JSON, with one set or, where value is empty, left out.
func object(attrs map[string]string, name, value string) string {
	var fields []string
	for k, v := range attrs {
		if k != name {
			fields = append(fields, `"`+k+`":`+v)
		}
	}
	slices.Sort(fields)
	if value != "" {
		fields = append(fields, `"`+name+`":`+value)
	}
	return "{" + strings.Join(fields, ",") + "}"
}
