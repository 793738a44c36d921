package agents

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

// clock is the time of these tests.
var clock = time.Date(2026, 11, 23, 9, 0, 5, 0, time.UTC)

// told returns the collection of hosts of which the cluster has told.
func told(t *testing.T, hosts ...journal.Host) *Plugin {
	t.Helper()
	db, err := store.Open(context.Background(), storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	p := New(db, 75*time.Second)
	p.now = func() time.Time { return clock }
	if _, err := p.SetHosts(t.Context(), hosts); err != nil {
		t.Fatal(err)
	}
	return p
}

func host(n, name, zone string, alive bool) journal.Host {
	return journal.Host{ID: "aaaaaaaa-0000-4000-8000-00000000000" + n, Name: name, Zone: zone, Alive: alive}
}

func TestAHostIsAnAgent(t *testing.T) {
	away := host("1", "compute1", "", false)
	away.Endpoints = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	here := away
	here.Alive, here.Version, here.StartedAt, here.Zone = true, "7", clock.Add(-3605*time.Second), "east"
	const identity = `{"id":"aaaaaaaa-0000-4000-8000-000000000001","agent_type":"Midonet Agent","binary":"midolman","topic":"",` +
		`"host":"compute1","admin_state_up":true,"created_at":null,`
	for _, c := range []struct {
		host  journal.Host
		since time.Duration
		want  string
	}{
		{away, 0, `"started_at":null,"heartbeat_timestamp":null,"alive":false,` +
			`"configurations":{"tunnel_endpoints":["192.0.2.1","2001:db8::1"]},"description":null,"availability_zone":null}`},
		{here, 74 * time.Second, `"started_at":"2026-11-23 08:00:00","heartbeat_timestamp":"2026-11-23 09:00:05","alive":true,` +
			`"configurations":{"version":"7","tunnel_endpoints":["192.0.2.1","2001:db8::1"]},"description":null,"availability_zone":"east"}`},
		{here, 75 * time.Second, `"started_at":"2026-11-23 08:00:00","heartbeat_timestamp":"2026-11-23 09:00:05","alive":false,` +
			`"configurations":{"version":"7","tunnel_endpoints":["192.0.2.1","2001:db8::1"]},"description":null,"availability_zone":"east"}`},
	} {
		p := told(t, c.host)
		p.now = func() time.Time { return clock.Add(c.since) }
		a, err := p.Get(t.Context(), nil, c.host.ID)
		if err != nil {
			t.Fatal(err)
		}
		all := model.NewEncoder[model.Agent](func(string) bool { return true })
		if diff := cmp.Diff(identity+c.want, string(all.Append(nil, a))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestHostsComeAndGo: what is told is all that there is.
func TestHostsComeAndGo(t *testing.T) {
	p := told(t, host("1", "a", "east", true), host("2", "b", "west", true))
	if _, err := p.SetHosts(t.Context(), []journal.Host{host("2", "renamed", "west", false), host("3", "c", "", true)}); err != nil {
		t.Fatal(err)
	}
	found, err := p.List(t.Context(), nil, plugin.Query{})
	if err != nil || len(found) != 4 || found[0].Host != "c" || found[2].Host != "renamed" || found[2].Alive || found[3].Alive {
		t.Errorf("%+v, %v", found, err)
	}
	zones, err := NewZones(p.db).List(t.Context(), nil, plugin.Query{})
	if err != nil || len(zones) != 2 || zones[0].Name != "west" {
		t.Errorf("%+v, %v", zones, err)
	}
}

func TestAgentsAreLookedAt(t *testing.T) {
	p := told(t, host("1", "a", "", true), host("2", "b", "", false), host("3", "c", "", true))
	hosts := plugin.Filter{Attr: "agent_type", Values: []string{"Midonet Agent"}}
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
		c.q.Filters = append(c.q.Filters, hosts)
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

func TestAgentsAreDescribedAndDisabled(t *testing.T) {
	p := told(t, host("1", "a", "", true))
	const known = "aaaaaaaa-0000-4000-8000-000000000001"
	note := "rack 7"
	body := plugin.Body[model.Agent]{Value: model.Agent{Description: &note}, Given: map[string]bool{"description": true, "admin_state_up": true}}
	changed, err := p.Update(t.Context(), nil, known, body)
	if err != nil || changed.AdminStateUp || *changed.Description != note {
		t.Errorf("%+v, %v", changed, err)
	}
	if _, err := p.SetHosts(t.Context(), []journal.Host{host("1", "a", "", true)}); err != nil { // which says nothing of that
		t.Fatal(err)
	}
	if _, err := p.Update(t.Context(), nil, known, plugin.Body[model.Agent]{}); err != nil { // nor does this
		t.Fatal(err)
	}
	if a, err := p.Get(t.Context(), nil, known); err != nil || a.AdminStateUp || *a.Description != note {
		t.Errorf("%+v, %v", a, err)
	}
	dhcp := dhcpAgentID(changed.ID).String()
	if _, err := p.Update(t.Context(), nil, dhcp, body); !errs.Is(err, errs.Unsupported) {
		t.Errorf("a DHCP agent is disabled: %v", err)
	}
	delete(body.Given, "admin_state_up")
	if a, err := p.Update(t.Context(), nil, dhcp, body); err != nil || !a.AdminStateUp || *a.Description != note {
		t.Errorf("%+v, %v", a, err)
	}
	const other = "aaaaaaaa-0000-4000-8000-00000000000f"
	if _, err := p.Update(t.Context(), nil, other, body); err == nil || err.Error() != "Agent "+other+" could not be found." {
		t.Errorf("another: %v", err)
	}
	if _, err := p.Create(t.Context(), nil, nil); !errors.Is(err, plugin.ErrNoMethod) {
		t.Errorf("a new one: %v", err)
	}
}

// TestDeletedAgents: one that is deleted is gone until its host is alive; the host that is deleted and away is named to who can forget it.
func TestDeletedAgents(t *testing.T) {
	a, b := host("1", "a", "", false), host("2", "b", "", true)
	p := told(t, a, b)
	ids := func() (all []string) {
		found, err := p.List(t.Context(), nil, plugin.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, agent := range found {
			all = append(all, agent.ID.String())
		}
		return all
	}
	everything := ids()
	for _, agent := range everything {
		if err := p.Delete(t.Context(), nil, agent); err != nil {
			t.Fatal(err)
		}
		if err := p.Delete(t.Context(), nil, agent); err == nil || err.Error() != "Agent "+agent+" could not be found." {
			t.Errorf("again: %v", err)
		}
	}
	if left := ids(); len(left) != 0 {
		t.Errorf("there are still %v", left)
	}
	deleted, err := p.SetHosts(t.Context(), []journal.Host{a, b})
	if err != nil || !slices.Equal(deleted, []string{a.ID}) {
		t.Errorf("%v, %v", deleted, err)
	}
	if left := ids(); len(left) != 2 || slices.Contains(left, a.ID) || !slices.Contains(left, b.ID) {
		t.Errorf("there are %v", left)
	}
	a.Alive = true
	if deleted, err = p.SetHosts(t.Context(), []journal.Host{a, b}); err != nil || len(deleted) != 0 {
		t.Errorf("%v, %v", deleted, err)
	}
	if left := ids(); !slices.Equal(left, everything) {
		t.Errorf("there are %v", left)
	}
	if err := p.Delete(t.Context(), nil, a.ID); err != nil {
		t.Fatal(err)
	}
	for _, hosts := range [][]journal.Host{{b}, {host("1", "a", "", false), b}} { // forgotten, and joined anew
		if deleted, err = p.SetHosts(t.Context(), hosts); err != nil || len(deleted) != 0 {
			t.Errorf("%v, %v", deleted, err)
		}
	}
	if left := ids(); !slices.Equal(left, everything) {
		t.Errorf("there are %v", left)
	}
}

func TestZones(t *testing.T) {
	z := NewZones(told(t, host("1", "a", "nova", true), host("2", "b", "east", false), host("3", "c", "nova", false), host("4", "d", "", true)).db)
	found, err := z.List(t.Context(), nil, plugin.Query{Filters: []plugin.Filter{{Attr: "resource", Values: []string{"network"}}}})
	if err != nil || len(found) != 2 || found[0].Name != "east" || found[1].Name != "nova" || found[1].State != "available" {
		t.Errorf("%v, %v", found, err)
	}
	if zone, err := z.Get(t.Context(), nil, "east"); err != nil || zone.Name != "east" {
		t.Errorf("%v, %v", zone, err)
	}
	if _, err := z.Get(t.Context(), nil, "west"); err == nil || err.Error() != "AvailabilityZone west could not be found." {
		t.Errorf("west: %v", err)
	}
}
