package worker

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// movedAway returns the ports of this host that the delta binds to another one.
func (w *Worker) movedAway(d view.Delta) []*topology.Binding {
	var moved []*topology.Binding
	for _, o := range d.Puts {
		if b, ok := o.(*topology.Binding); ok && b.Host != w.cfg.Host {
			if at, bound := w.view.Location(b.Port); bound && at.Local {
				moved = append(moved, b)
			}
		}
	}
	return moved
}

// handOver has the new hosts of ports told what is remembered of their connections, so that these live on. A port that goes on before all
// was told here is for the new host to ask about.
func (w *Worker) handOver(moved []*topology.Binding) {
	for _, b := range moved {
		w.cfg.State.ForgetAccounts(b.Port)
		if w.arrivals.of(b.Port) {
			continue
		}
		if peer, ok := w.endpointOf(b.Host); ok {
			states := w.cfg.State.StatesOf(Moving(w.view, b.Port)[0])
			w.post.add(peer, flowstate.NewAccount(b.Port, states, true))
		}
	}
}

// endpointOf returns the underlay address at which the host hears this one.
func (w *Worker) endpointOf(id topology.HostID) (netip.Addr, bool) {
	h := w.view.Host(id)
	if h == nil {
		return netip.Addr{}, false
	}
	return meeting(w.self.Endpoints, h.Endpoints)
}

// meeting returns the first endpoint of the peer that is of a family which this host has one of, as the simulator chooses it.
func meeting(own, peers []netip.Addr) (netip.Addr, bool) {
	for _, o := range own {
		for _, p := range peers {
			if o.Is4() == p.Is4() {
				return p, true
			}
		}
	}
	return netip.Addr{}, false
}

// Moving returns what is known of ports that move to other hosts. The addresses of a port's workload are those that Neutron knows, and those
// by which the routers of its network show it to others.
func Moving(v *view.View, ids ...topology.PortID) []flowstate.Moving {
	moving := make([]flowstate.Moving, len(ids))
	at := map[topology.PortID]*flowstate.Moving{}
	behind := map[topology.RouterID][]int{}
	for i, id := range ids {
		m := &moving[i]
		*m, at[id] = flowstate.Moving{Port: id, Forwards: func(netip.Addr) bool { return false }}, m
		p := v.Port(id)
		if p == nil {
			continue
		}
		m.Bridge, m.Forwards = p.Bridge, func(a netip.Addr) bool { return forwards(v, p, a) }
		for _, r := range routersOf(v, p.Bridge) {
			behind[r] = append(behind[r], i)
		}
	}
	shows := func(router topology.RouterID, addr, fixed netip.Addr) {
		for _, i := range behind[router] {
			m := &moving[i]
			if n, known := v.Neighbour(m.Bridge, fixed); known && n.Port == m.Port || m.Forwards(fixed) {
				m.Addresses = append(m.Addresses, addr)
			}
		}
	}
	for o := range v.Objects() {
		switch o := o.(type) {
		case *topology.Neighbour:
			if m := at[o.Port]; m != nil {
				m.Addresses = append(m.Addresses, o.Addr)
			}
		case *topology.FloatingIP:
			shows(o.Router, o.Addr, o.Fixed)
		case *topology.PortForwarding:
			shows(o.Router, o.Addr, o.Fixed)
		}
	}
	return moving
}

// forwards says whether the workload behind the port may send what comes from an address of neither its own nor anybody else's.
func forwards(v *view.View, p *topology.Port, a netip.Addr) bool {
	if p.Security != nil {
		return slices.ContainsFunc(p.Security.Sources, func(s topology.AddressPair) bool { return s.Prefix.Contains(a) })
	}
	n, known := v.Neighbour(p.Bridge, a)
	return !known || n.Port == p.ID
}

// routersOf returns the routers that have an interface on the bridge.
func routersOf(v *view.View, id topology.BridgeID) (routers []topology.RouterID) {
	for _, wired := range v.Interior(id) {
		if peer := v.Port(v.Port(wired).Peer); peer != nil && !peer.Router.IsZero() {
			routers = append(routers, peer.Router)
		}
	}
	return routers
}
