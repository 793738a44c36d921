package ml2

import (
	"slices"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// hostsIn makes hosts that are in the zones.
func (f *fixture) hostsIn(zones ...string) {
	f.t.Helper()
	var hosts []*store.Host
	for _, zone := range zones {
		hosts = append(hosts, &store.Host{ID: id.New[model.Agent](), Name: "host", Zone: zone})
	}
	if err := f.db.Tx(f.t.Context(), func(tx *store.Tx) error { return store.SetHosts(tx, hosts, model.Time{}) }); err != nil {
		f.t.Fatal(err)
	}
}

func asking(zones ...string) plugin.Body[model.Network] {
	return body(model.Network{AvailabilityZoneHints: zones}, "availability_zone_hints")
}

// TestZonesThatNetworksAskFor: a zone that has a host may be asked for, and a network is in all that there are.
func TestZonesThatNetworksAskFor(t *testing.T) {
	f := newFixture(t)
	_, err := f.Networks().Create(t.Context(), alice, []plugin.Body[model.Network]{asking("east")})
	wantFault(t, err, errs.NotFound, "AvailabilityZoneNotFound", "AvailabilityZone east could not be found.")
	if n := one(t, f.Networks(), alice, asking()); len(n.AvailabilityZoneHints)+len(n.AvailabilityZones) != 0 {
		t.Errorf("without hosts: %v, %v", n.AvailabilityZoneHints, n.AvailabilityZones)
	}
	f.hostsIn("west", "east", "", "west")
	for _, c := range []struct {
		asked, defaults, want []string
	}{
		{nil, nil, []string{}},
		{[]string{"west", "east"}, nil, []string{"east", "west"}},
		{nil, []string{"west"}, []string{"west"}},
		{[]string{"east"}, []string{"west"}, []string{"east"}},
	} {
		f.cfg.DefaultZones = c.defaults
		n := one(t, f.Networks(), alice, asking(c.asked...))
		found, err := f.Networks().Get(t.Context(), alice, n.ID.String())
		for _, n := range []*model.Network{n, found} {
			if err != nil || !slices.Equal(n.AvailabilityZoneHints, c.want) || !slices.Equal(n.AvailabilityZones, []string{"east", "west"}) {
				t.Errorf("%v, by default %v: hints %v, zones %v, %v", c.asked, c.defaults, n.AvailabilityZoneHints, n.AvailabilityZones, err)
			}
		}
	}
	f.cfg.DefaultZones = []string{"north"}
	_, err = f.Networks().Create(t.Context(), alice, []plugin.Body[model.Network]{asking()})
	wantFault(t, err, errs.NotFound, "AvailabilityZoneNotFound", "AvailabilityZone north could not be found.")
}
