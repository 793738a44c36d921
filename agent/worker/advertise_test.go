package worker

import (
	"testing"
	"time"

	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

func TestTurnsToAdvertise(t *testing.T) {
	a, now, port := advertisements{}, time.Now(), id.New[topology.Port]()
	plugged := map[topology.PortID]plug{port: {}}
	speaks := func(at time.Time) bool { return len(a.due(at, plugged)) == 1 }
	if !speaks(now) {
		t.Fatal("nothing is said when a port comes")
	}
	for range firstAdvertisements - 1 {
		if speaks(now.Add(firstInterval - 1)) {
			t.Error("too soon")
		}
		now = now.Add(firstInterval)
		if !speaks(now) {
			t.Error("the first advertisements do not follow each other")
		}
	}
	if speaks(now.Add(sim.MinAdvertise-1)) || !speaks(now.Add(sim.MaxAdvertise)) {
		t.Error("later ones are not within the RFC's bounds")
	}
	now = now.Add(sim.MaxAdvertise)
	a.change(view.Delta{Puts: []topology.Object{&topology.Port{ID: id.New[topology.Port]()}}})
	if speaks(now) {
		t.Error("a port that advertises nothing changed what is said")
	}
	a.change(view.Delta{Puts: []topology.Object{&topology.Port{ID: id.New[topology.Port](), Advertise: &topology.Advertisement{}}}})
	if !speaks(now) {
		t.Error("a change is not told")
	}
	a.due(now, nil)
	if len(a) != 0 {
		t.Error("a port that is gone has a turn")
	}
}
