package tag_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/neutron/tag"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

var blue = &auth.Caller{RequestID: "req", ProjectID: "blue"}

// server is the core plugin and that of tags on one database.
type server struct {
	*ml2.Plugin
	tags *tag.Plugin
	t    *testing.T
}

func open(t *testing.T) server {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return server{ml2.New(db, journal.New(db), ml2.DefaultConfig(), slog.New(slog.DiscardHandler)), tag.New(db), t}
}

// network makes a network with the tags.
func (s server) network(name string, tags ...string) *model.Network {
	s.t.Helper()
	made, err := s.Networks().Create(s.t.Context(), blue, []plugin.Body[model.Network]{{Value: model.Network{Name: name}}})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.tags.Set(s.t.Context(), blue, "networks", made[0].ID.String(), tags); err != nil {
		s.t.Fatal(err)
	}
	return made[0]
}

// want checks a network's tags, by every way to read them, and its revision.
func (s server) want(n *model.Network, revision int64, tags ...string) {
	s.t.Helper()
	alone, err := s.tags.Get(s.t.Context(), blue, "networks", n.ID.String())
	if err != nil {
		s.t.Fatal(err)
	}
	shown, err := s.Networks().Get(s.t.Context(), blue, n.ID.String())
	if err != nil {
		s.t.Fatal(err)
	}
	if !slices.Equal(alone, tags) || !slices.Equal(shown.Tags, tags) || shown.RevisionNumber != revision {
		s.t.Errorf("tags %q, shown %q at revision %d; want %q at %d", alone, shown.Tags, shown.RevisionNumber, tags, revision)
	}
}

// TestTagsOfANetwork follows the revisions that Neutron 21 shows: one for each request that changes something.
func TestTagsOfANetwork(t *testing.T) {
	s, ctx := open(t), t.Context()
	n := s.network("net")
	id := n.ID.String()
	change := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	s.want(n, 1)
	change(s.tags.Set(ctx, blue, "networks", id, []string{"b", "a"}))
	s.want(n, 2, "a", "b")
	change(s.tags.Add(ctx, blue, "networks", id, "c"))
	change(s.tags.Add(ctx, blue, "networks", id, "c"))
	s.want(n, 3, "a", "b", "c")
	change(s.tags.Remove(ctx, blue, "networks", id, "a"))
	s.want(n, 4, "b", "c")
	change(s.tags.Set(ctx, blue, "networks", id, []string{"c", "b"}))
	s.want(n, 4, "b", "c")
	odd := []string{"", " ", `"`, "B", "b", "b ", "ü"}
	change(s.tags.Set(ctx, blue, "networks", id, odd))
	s.want(n, 5, odd...)
	change(s.tags.Set(ctx, blue, "networks", id, nil))
	change(s.tags.Set(ctx, blue, "networks", id, nil))
	s.want(n, 6)
	for want, err := range map[string]error{
		"Tag a could not be found.": s.tags.Remove(ctx, blue, "networks", id, "a"),
		"Resource networks 7d5e1ea3-6d37-4e5a-9e5c-0d8a4b1f0001 could not be found.": s.tags.Add(ctx, blue, "networks",
			"7d5e1ea3-6d37-4e5a-9e5c-0d8a4b1f0001", "x"),
	} {
		if !errs.Is(err, errs.NotFound) || err.Error() != want {
			t.Errorf("fault %v, want %s", err, want)
		}
	}
}

func TestFilters(t *testing.T) {
	s := open(t)
	s.network("ab", "a", "b")
	s.network("abc", "a", "b", "c")
	s.network("c", "c")
	s.network("A", "A", "a,b")
	s.network("none")
	many := strings.Repeat("a,b,", 500) + "c"
	for i := range 2000 {
		many += fmt.Sprintf(",%d", i)
	}
	for _, c := range []struct {
		attr   string
		values []string
		want   []string
	}{
		{"tags", []string{"a"}, []string{"ab", "abc"}},
		{"tags", []string{"a,b"}, []string{"ab", "abc"}},
		{"tags", []string{"a", "c"}, []string{"abc"}},
		{"tags", []string{"c,c"}, []string{"abc", "c"}},
		{"tags", []string{""}, nil},
		{"tags", []string{many}, nil},
		{"not-tags", []string{many}, []string{"A", "ab", "abc", "c", "none"}},
		{"tags-any", []string{many}, []string{"ab", "abc", "c"}},
		{"tags-any", []string{"a,c"}, []string{"ab", "abc", "c"}},
		{"tags-any", []string{"x"}, nil},
		{"not-tags", []string{"a,b"}, []string{"A", "c", "none"}},
		{"not-tags", []string{"c"}, []string{"A", "ab", "none"}},
		{"not-tags-any", []string{"a", "c"}, []string{"A", "none"}},
	} {
		items, err := s.Networks().List(t.Context(), blue, plugin.Query{
			Filters: []plugin.Filter{{Attr: c.attr, Values: c.values}}, Sort: []plugin.SortKey{{Attr: "name"}}})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range items {
			names = append(names, n.Name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(c.want, names); diff != "" {
			t.Errorf("%s=%.60q (-want +got):\n%s", c.attr, c.values, diff)
		}
	}
}

// TestTagsGoWithTheirResource: another with the identifier, were there one, would have none.
func TestTagsGoWithTheirResource(t *testing.T) {
	s := open(t)
	n := s.network("net", "a")
	if err := s.Networks().Delete(t.Context(), blue, n.ID.String()); err != nil {
		t.Fatal(err)
	}
	if left, err := s.tags.Get(t.Context(), blue, "networks", n.ID.String()); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestPortsAreBornWithTags(t *testing.T) {
	s, n := open(t), (*model.Network)(nil)
	n = s.network("net")
	made, err := s.Ports().Create(t.Context(), blue, []plugin.Body[model.Port]{
		{Value: model.Port{NetworkID: n.ID, Tagged: model.Tagged{Tags: []string{"b", "a"}}}}, {Value: model.Port{NetworkID: n.ID}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"a", "b"}, nil} {
		shown, err := s.Ports().Get(t.Context(), blue, made[i].ID.String())
		if err != nil || !slices.Equal(shown.Tags, want) {
			t.Errorf("port %d: %q, %v; want %q", i, shown.Tags, err, want)
		}
	}
}

// TestManyAtOnce: whoever adds and removes at the same time, each change counts once, and the same tag from two is no fault.
func TestManyAtOnce(t *testing.T) {
	s := open(t)
	n := s.network("net")
	id := n.ID.String()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if err := s.tags.Add(t.Context(), blue, "networks", id, fmt.Sprint(i%4)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s.want(n, 5, "0", "1", "2", "3")
}
