package l3

import (
	"log/slog"
	"slices"
	"testing"

	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// TestNovaLearnsOfFloatingAddresses: it is told of the port that gets one, loses it to another, or loses it for good.
func TestNovaLearnsOfFloatingAddresses(t *testing.T) {
	db, err := store.Open(ctx, storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	config, j := ml2.DefaultConfig(), journal.New(db)
	config.NotifyNovaData = true
	core := ml2.New(db, j, config, slog.New(slog.DiscardHandler))
	f := &fixture{New(core, db, DefaultConfig()), t, core, j}
	w := f.cloud()
	server := func(device string) *model.Port {
		b := body(model.Port{NetworkID: w.vm.NetworkID, AdminStateUp: true, DeviceID: device, DeviceOwner: "compute:nova"}, "network_id")
		return one(t, core.Ports(), alice, b)
	}
	first, second := server("11111111-0000-4000-8000-000000000001"), server("11111111-0000-4000-8000-000000000002")
	want := func(ports ...*model.Port) {
		t.Helper()
		var told, wanted []string
		err := db.Tx(ctx, func(tx *store.Tx) error {
			events, err := store.PendingNovaEvents(tx, 100)
			told = nil
			for _, e := range events {
				told = append(told, e.Name+" "+e.Server+" "+e.Tag)
			}
			if err != nil {
				return err
			}
			return store.DeleteNovaEvents(tx, events)
		})
		for _, p := range ports {
			wanted = append(wanted, "network-changed "+p.DeviceID+" "+p.ID.String())
		}
		if err != nil || !slices.Equal(told, wanted) {
			t.Errorf("told %v, %v; want %v", told, err, wanted)
		}
	}
	want()
	fip := f.floating(alice, w.external, first)
	want(first)
	update := func(port model.PortID) {
		t.Helper()
		if _, err := f.FloatingIPs().Update(ctx, alice, fip.ID.String(), body(model.FloatingIP{PortID: port}, "port_id")); err != nil {
			t.Fatal(err)
		}
	}
	update(second.ID)
	want(first, second)
	update(model.PortID{})
	want(second)
	update(second.ID)
	want(second)
	if err := f.FloatingIPs().Delete(ctx, alice, fip.ID.String()); err != nil {
		t.Fatal(err)
	}
	want(second)
}
