package worker

import (
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func TestFoundNeighbours(t *testing.T) {
	table, host, now := newFoundTable(), id.New[topology.Host](), time.Now()
	r := sim.Resolved{Router: id.New[topology.Router](), Port: id.New[topology.Port](), Addr: netip.MustParseAddr("10.0.0.9"),
		MAC: mac.MustParse("02:00:00:00:00:09")}
	record := table.find(r, host, now)
	if record == nil || record.MAC != r.MAC || record.Host != host || !table.owns(record) {
		t.Fatalf("found %+v", record)
	}
	if again := table.find(r, host, now.Add(foundStale-time.Second)); again != nil {
		t.Error("the same neighbour is news")
	}
	if gone, stale := table.expire(now.Add(foundStale)); len(gone.Deletes)+len(stale) > 0 {
		t.Errorf("a neighbour that was seen since: %v, %v", gone, stale)
	}
	seen := now.Add(foundStale - time.Second)
	_, stale := table.expire(seen.Add(foundStale))
	if len(stale) != 1 || stale[0] != (sim.NeighbourWant{Router: r.Router, Port: r.Port, Addr: r.Addr}) {
		t.Errorf("to be asked: %v", stale)
	}
	r.MAC[5] = 0x0a
	if moved := table.find(r, host, seen); moved == nil || moved.MAC != r.MAC || moved.Key() != record.Key() {
		t.Errorf("a neighbour with another MAC: %+v", moved)
	}
	gone, _ := table.expire(seen.Add(foundLife))
	if len(gone.Deletes) != 1 || gone.Deletes[0] != record.Key() || len(table.perPort) != 0 {
		t.Errorf("after its life: %v, %v", gone, table.perPort)
	}
}

func TestALinkCanTellOfSoManyNeighbours(t *testing.T) {
	table, host, now := newFoundTable(), id.New[topology.Host](), time.Now()
	r := sim.Resolved{Port: id.New[topology.Port](), MAC: mac.MustParse("02:00:00:00:00:09")}
	for n := range maxFoundPerPort + 1 {
		r.Addr = netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)})
		if kept := table.find(r, host, now) != nil; kept != (n < maxFoundPerPort) {
			t.Fatalf("neighbour %d: kept %v", n+1, kept)
		}
	}
	r.Port = id.New[topology.Port]()
	if table.find(r, host, now) == nil {
		t.Error("another link finds no room")
	}
}
