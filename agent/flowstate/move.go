package flowstate

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// Moving is a port that moves to another host, or has come there.
type Moving struct {
	Port      topology.PortID
	Bridge    topology.BridgeID
	Addresses []netip.Addr // of its workload
	// Forwards says whether the workload may send what comes from an address of neither its own nor anybody else's on the bridge, as a
	// router, a tunnel's end or a host of containers does.
	Forwards func(netip.Addr) bool
}

// StatesOf returns what another host has to know of a port of this host that moves there: what the flows that came in by it use, and what
// a Search finds. It looks at every state.
func (t *Table) StatesOf(m Moving) []flow.State {
	s := NewSearch([]Moving{m})
	for i := range t.users.of(m.Port) {
		if p, ok := t.slots.get(int(i)); ok {
			s.take(0, &p)
		}
	}
	for !t.Continue(s, t.used()) {
	}
	return s.States(0)
}

// maxPasses is how often a Search goes over the states: a connection that is translated at so many routers, one after the other, is
// found with all its translations.
const maxPasses = 4

// Search looks for what another host has to know of ports: what concerns connections from their workloads' addresses as they enter,
// those of which they may send answers on behalf of others, and what is made of both on their way. It looks at some states at a time, so
// that others are served in between; what is new or forgotten meanwhile it may find or not.
type Search struct {
	found     []findings // of each port
	addresses map[netip.Addr][]int
	bridges   map[[16]byte][]int
	moving    []Moving
	conns     map[packedConn][]int // of which all states are wanted, for which ports
	grown     bool                 // conns has, in this pass
	slot      int                  // where it goes on
	pass      int
}

// findings are the states of a port, in the order in which they were found.
type findings struct {
	states []flow.State
	known  map[packedKey]struct{}
}

// NewSearch returns a search for the ports that has not begun.
func NewSearch(moving []Moving) *Search {
	s := &Search{moving: moving, found: make([]findings, len(moving)), addresses: map[netip.Addr][]int{}, bridges: map[[16]byte][]int{},
		conns: map[packedConn][]int{}}
	for i, m := range moving {
		s.found[i].known = map[packedKey]struct{}{}
		s.bridges[m.Bridge] = append(s.bridges[m.Bridge], i)
		for _, a := range m.Addresses {
			s.addresses[a] = append(s.addresses[a], i)
		}
	}
	return s
}

// States returns what was found of the i-th port.
func (s *Search) States(i int) []flow.State { return s.found[i].states }

// Continue looks at the next limit states, and reports whether the search has come to its end.
func (t *Table) Continue(s *Search, limit int) (end bool) {
	last := min(t.used(), s.slot+limit)
	for ; s.slot < last; s.slot++ {
		if p, ok := t.slots.get(s.slot); ok {
			s.look(&p)
		}
	}
	if s.slot < t.used() {
		return false
	}
	s.pass++
	again := s.grown && s.pass < maxPasses
	s.slot, s.grown = 0, false
	return !again
}

// look takes the state for the ports that it is of.
func (s *Search) look(p *packed) {
	src := p.source()
	for _, i := range s.addresses[src] {
		s.take(i, p)
	}
	if p.kind() == flow.StateReturn {
		for _, i := range s.bridges[p.device()] {
			if s.moving[i].Forwards(src) {
				s.follow(i, p.conn()) // by routers behind the bridge it may have been translated
			}
		}
	}
	for _, i := range s.conns[p.conn()] {
		s.take(i, p)
	}
}

// take keeps the state for the i-th port, and looks for what becomes of the connection where it is a translation.
func (s *Search) take(i int, p *packed) {
	f, key := &s.found[i], p.key()
	if _, known := f.known[key]; known {
		return
	}
	state := p.state()
	f.known[key] = struct{}{}
	f.states = append(f.states, state)
	if c, translated := state.Behind(); translated {
		behind := packKey(flow.StateKey{Conn: c})
		s.follow(i, behind.conn())
	}
}

// follow wants all states of the connection for the i-th port.
func (s *Search) follow(i int, c packedConn) {
	if !slices.Contains(s.conns[c], i) {
		s.conns[c] = append(s.conns[c], i)
		s.grown = true
	}
}
