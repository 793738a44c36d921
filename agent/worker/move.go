package worker

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/datapath"
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

// handOver returns the packets that tell the new hosts of ports what is remembered of their connections, so that these live on.
func (w *Worker) handOver(moved []*topology.Binding) []datapath.Packet {
	l := letters{}
	for _, b := range moved {
		h := w.view.Host(b.Host)
		if h == nil {
			continue
		}
		if peer, ok := meeting(w.self.Endpoints, h.Endpoints); ok {
			l.add([]netip.Addr{peer}, w.cfg.State.StatesOf(Moving(w.view, b.Port)))
		}
	}
	return w.messages(l)
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

// Moving returns what is known of a port that moves to another host. Its workload's addresses are those that Neutron knows, and those by
// which the routers of its network show it to others.
func Moving(v *view.View, id topology.PortID) flowstate.Moving {
	m := flowstate.Moving{Port: id, Forwards: func(netip.Addr) bool { return false }}
	p := v.Port(id)
	if p == nil {
		return m
	}
	m.Bridge = p.Bridge
	m.Forwards = func(a netip.Addr) bool {
		if p.Security != nil {
			return slices.ContainsFunc(p.Security.Sources, func(s topology.AddressPair) bool { return s.Prefix.Contains(a) })
		}
		n, known := v.Neighbour(p.Bridge, a)
		return !known || n.Port == id
	}
	routers := routersOf(v, p.Bridge)
	own := func(fixed netip.Addr) bool {
		n, known := v.Neighbour(p.Bridge, fixed)
		return known && n.Port == id || m.Forwards(fixed)
	}
	for o := range v.Objects() {
		switch o := o.(type) {
		case *topology.Neighbour:
			if o.Port == id {
				m.Addresses = append(m.Addresses, o.Addr)
			}
		case *topology.FloatingIP:
			if slices.Contains(routers, o.Router) && own(o.Fixed) {
				m.Addresses = append(m.Addresses, o.Addr)
			}
		case *topology.PortForwarding:
			if slices.Contains(routers, o.Router) && own(o.Fixed) {
				m.Addresses = append(m.Addresses, o.Addr)
			}
		}
	}
	return m
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
