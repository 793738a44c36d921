package worker

import (
	"net/netip"
	"time"

	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// Life of what this host finds out of the neighbours of routers (midolman's agent.arptable: stale_timeout, expiration_timeout): after
// foundStale without a sign of it a neighbour is asked again, after foundLife it is gone.
const (
	foundStale = 60 * time.Second
	foundLife  = 90 * time.Second
)

// maxFoundPerPort bounds what one link can make every host of a router remember by inventing addresses.
const maxFoundPerPort = 1024

// link names an address on the link of a router port.
type link struct {
	Port topology.PortID
	Addr netip.Addr
}

// foundTable is the router neighbours that this host has found. As with learned stations it is the truth about them.
type foundTable struct {
	byLink  map[link]*found
	perPort map[topology.PortID]int
}

type found struct {
	record *topology.RouterNeighbour
	seen   time.Time
}

func newFoundTable() *foundTable {
	return &foundTable{byLink: map[link]*found{}, perPort: map[topology.PortID]int{}}
}

// find records what a simulation saw at now, and returns the record where it is new or another than before, else nil.
func (t *foundTable) find(r sim.Resolved, host topology.HostID, now time.Time) *topology.RouterNeighbour {
	at := link{r.Port, r.Addr}
	record := topology.NewRouterNeighbour(r.Router, r.Port, r.Addr, r.MAC, host)
	known := t.byLink[at]
	switch {
	case known != nil && *known.record == *record:
		known.seen = now
		return nil
	case known == nil && t.perPort[r.Port] >= maxFoundPerPort:
		return nil
	case known == nil:
		t.perPort[r.Port]++
	}
	t.byLink[at] = &found{record: record, seen: now}
	return record
}

// owns reports whether the record with the key is of this table.
func (t *foundTable) owns(n *topology.RouterNeighbour) bool {
	known := t.byLink[link{n.Port, n.Addr}]
	return known != nil && known.record.Key() == n.Key()
}

func (t *foundTable) forget(at link) {
	if t.byLink[at] == nil {
		return
	}
	delete(t.byLink, at)
	if t.perPort[at.Port]--; t.perPort[at.Port] == 0 {
		delete(t.perPort, at.Port)
	}
}

// expire drops the records that showed no sign for foundLife, and returns what takes them out of the view and which others are to be
// asked whether they are still there.
func (t *foundTable) expire(now time.Time) (gone view.Delta, stale []sim.NeighbourWant) {
	for at, f := range t.byLink {
		silence := now.Sub(f.seen)
		switch {
		case silence >= foundLife:
			gone.Deletes = append(gone.Deletes, f.record.Key())
			t.forget(at)
		case silence >= foundStale:
			stale = append(stale, sim.NeighbourWant{Router: f.record.Router, Port: at.Port, Addr: at.Addr})
		}
	}
	return gone, stale
}

// records returns every record.
func (t *foundTable) records() []*topology.RouterNeighbour {
	all := make([]*topology.RouterNeighbour, 0, len(t.byLink))
	for _, f := range t.byLink {
		all = append(all, f.record)
	}
	return all
}
