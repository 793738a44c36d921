package l3

import (
	"slices"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// TestZonesThatRoutersAskFor: a zone that has a host may be asked for, and a router is in all that there are.
func TestZonesThatRoutersAskFor(t *testing.T) {
	f := newFixture(t)
	asking := body(model.Router{AvailabilityZoneHints: []string{"west", "east"}}, "availability_zone_hints")
	wantFault(t, refused(f.Routers(), alice, asking), errs.NotFound, "AvailabilityZoneNotFound")
	var hosts []*store.Host
	for _, zone := range []string{"north", "west", "east"} {
		hosts = append(hosts, &store.Host{ID: id.New[model.Agent](), Name: zone, Zone: zone})
	}
	if err := f.db.Tx(ctx, func(tx *store.Tx) error { return store.SetHosts(tx, hosts, model.Time{}) }); err != nil {
		t.Fatal(err)
	}
	made := one(t, f.Routers(), alice, asking)
	found, err := f.Routers().Get(ctx, alice, made.ID.String())
	for _, r := range []*model.Router{made, found} {
		if err != nil || !slices.Equal(r.AvailabilityZoneHints, []string{"east", "west"}) ||
			!slices.Equal(r.AvailabilityZones, []string{"east", "north", "west"}) {
			t.Errorf("hints %v, zones %v, %v", r.AvailabilityZoneHints, r.AvailabilityZones, err)
		}
	}
}
