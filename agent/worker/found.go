package worker

import (
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Life of what this host finds out of the neighbours of routers (midolman's agent.arptable: stale_timeout, expiration_timeout): after
// foundStale without a sign of it a neighbour is asked again, after foundLife it is gone.
const (
	foundStale = 60 * time.Second
	foundLife  = 90 * time.Second
)

// What one link can make every host of a router remember. Where a link tells of more, the new take the place of others (room), of which one that
// has come is kept for foundHold at least, unless its station has more than its share: so inventing addresses changes no more than
// some hundred neighbours a second for all hosts, and a station that does it loses its own.
const (
	maxFoundPerPort = 1024
	foundHold       = 4 * time.Second // packets wait for three
	// foundPause is how long no room is looked for in vain.
	foundPause = 5 * time.Millisecond
)

// link names an address on the link of a router port.
type link struct {
	Port topology.PortID
	Addr netip.Addr
}

// foundTable is the router neighbours that this host has found. As with learned stations it is the truth about them.
type foundTable struct {
	byLink map[link]*found
	ports  map[topology.PortID]*foundPort
}

// foundPort is what was found on the link of one port.
type foundPort struct {
	byAddr   map[netip.Addr]*found
	stations map[mac.Addr]int // how many addresses each has
	full     time.Time        // when room was looked for in vain
	most     int              // how many addresses the station with the most of them had then
}

type found struct {
	record *topology.RouterNeighbour
	came   time.Time
	seen   time.Time
}

func newFoundTable() *foundTable {
	return &foundTable{byLink: map[link]*found{}, ports: map[topology.PortID]*foundPort{}}
}

// needs says which neighbours the table is not to lose.
type needs struct {
	hops  func(topology.RouterID, topology.PortID) []netip.Addr // next hops of the router's routes out of the port
	inUse func(link) bool                                       // by flows of this host
}

func (w *Worker) needs() needs {
	return needs{
		hops: func(r topology.RouterID, p topology.PortID) []netip.Addr {
			if router := w.view.Router(r); router != nil {
				return router.NextHops(p)
			}
			return nil
		},
		inUse: func(at link) bool { return w.flows.tags.Has(flow.AddrTag(flow.TagNeighbour, at.Port, at.Addr)) },
	}
}

// find records what a simulation saw at now, and returns the record where it is new or another than before, else nil; and the one whose place it
// took, if any.
func (t *foundTable) find(r sim.Resolved, host topology.HostID, now time.Time, use needs) (record, gone *topology.RouterNeighbour) {
	at := link{r.Port, r.Addr}
	record = topology.NewRouterNeighbour(r.Router, r.Port, r.Addr, r.MAC, host)
	known := t.byLink[at]
	if known != nil && *known.record == *record {
		known.seen = now
		return nil, nil
	}
	p := t.ports[r.Port]
	switch {
	case known != nil:
		t.forget(at)
	case p != nil && len(p.byAddr) >= maxFoundPerPort:
		if gone = p.room(r, now, use); gone == nil {
			return nil, nil
		}
		t.forget(link{gone.Port, gone.Addr})
	}
	t.add(at, &found{record: record, came: now, seen: now})
	return record, gone
}

func (t *foundTable) add(at link, f *found) {
	p := t.ports[at.Port]
	if p == nil {
		p = &foundPort{byAddr: map[netip.Addr]*found{}, stations: map[mac.Addr]int{}}
		t.ports[at.Port] = p
	}
	t.byLink[at], p.byAddr[at.Addr] = f, f
	p.stations[f.record.MAC]++
}

// room returns the neighbour whose place a new one may take; nil where there is none. It is one of the station that has the most addresses, there one
// that no flow uses, there the one without a sign for the longest; never a next hop of the router's routes.
func (p *foundPort) room(r sim.Resolved, now time.Time, use needs) *topology.RouterNeighbour {
	mine := p.stations[r.MAC] + 1
	if now.Sub(p.full) < foundPause && p.most <= mine {
		return nil
	}
	hops := use.hops(r.Router, r.Port)
	if slices.Contains(hops, r.Addr) {
		mine = 0 // more than any station's share is what it is needed for
	}
	var victim *found
	var used bool
	for addr, f := range p.byAddr {
		if slices.Contains(hops, addr) {
			continue
		}
		of, most := p.stations[f.record.MAC], 0
		if victim != nil {
			most = p.stations[victim.record.MAC]
		}
		if of < most {
			continue
		}
		inUse := use.inUse(link{r.Port, addr})
		if of > most || used && !inUse || used == inUse && f.seen.Before(victim.seen) {
			victim, used = f, inUse
		}
	}
	switch {
	case victim == nil:
		return nil
	case p.stations[victim.record.MAC] > mine, now.Sub(victim.came) >= foundHold:
		return victim.record
	}
	p.full, p.most = now, p.stations[victim.record.MAC]
	return nil
}

// owns reports whether the record with the key is of this table.
func (t *foundTable) owns(n *topology.RouterNeighbour) bool {
	known := t.byLink[link{n.Port, n.Addr}]
	return known != nil && known.record.Key() == n.Key()
}

func (t *foundTable) forget(at link) {
	known := t.byLink[at]
	if known == nil {
		return
	}
	delete(t.byLink, at)
	p := t.ports[at.Port]
	if delete(p.byAddr, at.Addr); len(p.byAddr) == 0 {
		delete(t.ports, at.Port)
	}
	if p.stations[known.record.MAC]--; p.stations[known.record.MAC] == 0 {
		delete(p.stations, known.record.MAC)
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
