package agents

import (
	"errors"
	"slices"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func host(n string, name string, alive bool) *model.Agent {
	return &model.Agent{ID: id.MustParse[model.Agent]("aaaaaaaa-0000-4000-8000-00000000000" + n), Host: name, Alive: alive}
}

func TestAgentsAreLookedAt(t *testing.T) {
	p := New(func() []*model.Agent {
		return []*model.Agent{host("1", "a", true), host("2", "b", false), host("3", "c", true)}
	})
	for _, c := range []struct {
		q    plugin.Query
		want []string
	}{
		{plugin.Query{}, []string{"a", "b", "c"}},
		{plugin.Query{Filters: []plugin.Filter{{Attr: "alive", Values: []string{"True"}}}}, []string{"a", "c"}},
		{plugin.Query{Filters: []plugin.Filter{{Attr: "host", Values: []string{"b", "c"}}}}, []string{"b", "c"}},
		{plugin.Query{Sort: []plugin.SortKey{{Attr: "host", Desc: true}}, Limit: 2}, []string{"c", "b"}},
		{plugin.Query{Sort: []plugin.SortKey{{Attr: "id"}}, Limit: 1, Marker: "aaaaaaaa-0000-4000-8000-000000000001"}, []string{"b"}},
		{plugin.Query{Sort: []plugin.SortKey{{Attr: "id"}}, Limit: 2, PageReverse: true, Marker: "aaaaaaaa-0000-4000-8000-000000000003"},
			[]string{"a", "b"}},
	} {
		found, err := p.List(t.Context(), nil, c.q)
		var names []string
		for _, a := range found {
			names = append(names, a.Host)
		}
		if err != nil || !slices.Equal(names, c.want) {
			t.Errorf("%+v: %v, %v; want %v", c.q, names, err, c.want)
		}
	}
	if _, err := p.List(t.Context(), nil, plugin.Query{Marker: "x"}); !errs.Is(err, errs.NotFound) {
		t.Errorf("an unknown marker: %v", err)
	}
}

func TestAgentsAreNotChanged(t *testing.T) {
	p := New(func() []*model.Agent { return []*model.Agent{host("1", "a", true)} })
	const known, other = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-00000000000f"
	_, update := p.Update(t.Context(), nil, known, plugin.Body[model.Agent]{})
	if !errs.Is(update, errs.Unsupported) || !errs.Is(p.Delete(t.Context(), nil, known), errs.Unsupported) {
		t.Errorf("a change: %v", update)
	}
	if err := p.Delete(t.Context(), nil, other); err == nil || err.Error() != "Agent "+other+" could not be found." {
		t.Errorf("another: %v", err)
	}
	if _, err := p.Create(t.Context(), nil, nil); !errors.Is(err, plugin.ErrNoMethod) {
		t.Errorf("a new one: %v", err)
	}
}

func TestZones(t *testing.T) {
	z := NewZones([]string{"nova", "east"})
	found, err := z.List(t.Context(), nil, plugin.Query{Filters: []plugin.Filter{{Attr: "resource", Values: []string{"network"}}}})
	if err != nil || len(found) != 2 || found[0].Name != "nova" || found[1].State != "available" {
		t.Errorf("%v, %v", found, err)
	}
	if zone, err := z.Get(t.Context(), nil, "east"); err != nil || zone.Name != "east" {
		t.Errorf("%v, %v", zone, err)
	}
	if _, err := z.Get(t.Context(), nil, "west"); err == nil || err.Error() != "AvailabilityZone west could not be found." {
		t.Errorf("west: %v", err)
	}
}
