package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// enter lets the packet into the device that has the port.
func (w *walk) enter(p *topology.Port) {
	w.at, w.dstRewritten = p, false
	if !p.Router.IsZero() {
		w.arrived, w.arrivedGrowth = w.packet.Header, w.growth
	}
	if !w.allowed(p, p.InChain) {
		return
	}
	if p.Router.IsZero() {
		w.enterBridge(p.Bridge)
	} else {
		w.enterRouter(p)
	}
}

// leave sends the packet out of a port of the present device, whose tag is there: over a virtual wire, or out of the virtual network.
func (w *walk) leave(p *topology.Port) {
	switch {
	case !p.AdminUp:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: it is administratively down")
	case !w.allowed(p, p.OutChain):
	case p.Interior():
		w.cross(p)
	case w.receivedBy(p):
		w.leaveNetwork(p)
	}
}

// cross follows the wire of an interior port.
func (w *walk) cross(p *topology.Port) {
	w.tag(flow.TagPort, p.Peer)
	peer := w.view.Port(p.Peer)
	if peer == nil || !peer.Router.IsZero() && w.view.Router(peer.Router) == nil {
		w.wantRouter(p, peer)
		return
	}
	switch {
	case peer.Peer != p.ID:
		w.stop(Error, w.portDevice(p.ID), "is wired to %s, which is not wired to it", w.portDevice(p.Peer))
	case !peer.AdminUp:
		w.stop(Drop, w.portDevice(p.Peer), "drops the packet: it is administratively down")
	default:
		if w.in.Trace {
			w.tellWire(p, peer)
		}
		w.enter(peer)
	}
}

func (w *walk) tellWire(p, peer *topology.Port) {
	w.step(w.portDevice(p.ID), "is wired to %s", w.portDevice(peer.ID))
}

// wantRouter ends the walk at a wire whose other end this host has not been sent.
func (w *walk) wantRouter(p, peer *topology.Port) {
	router, err := topology.RouterID{}, error(nil)
	if peer != nil {
		router = peer.Router
	} else if router, err = parseRouter(p.Device); err != nil {
		w.stop(Error, w.portDevice(p.ID), "is wired to port %s, which is not known here", p.Peer.Short())
		return
	}
	w.tag(flow.TagRouter, router)
	name := device{kind: "router", id: topology.BridgeID(router)}
	if w.in.GiveUp {
		w.stop(Error, name, "is not known here")
		return
	}
	w.wait(Want{Router: router})
	w.step(name, "has not been sent to this host: the packet waits for it")
}

// wait ends the walk for now.
func (w *walk) wait(want Want) {
	w.result.Verdict, w.result.Cache = Wait, false
	w.result.Wants = append(w.result.Wants, want)
}

// leaveNetwork sends the packet to the interface that is plugged into the port.
func (w *walk) leaveNetwork(p *topology.Port) {
	at, bound := w.view.Location(p.ID)
	if !bound {
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: no interface is plugged into it")
		return
	}
	out, ok := w.output(p, at)
	if !ok {
		return
	}
	w.remember(p, out)
	w.forwardTo(out)
}

// output returns what reaches the port's interface; false with the result set where nothing does.
func (w *walk) output(p *topology.Port, at view.Location) (flow.Output, bool) {
	if at.Local {
		if w.in.Trace {
			w.tellInterface(p, at)
		}
		return flow.Output{Port: p.ID}, true
	}
	w.tag(flow.TagTunnel, [16]byte{})
	w.tag(flow.TagHost, at.Host)
	out, problem := w.tunnel(p, at)
	if problem != "" {
		w.stop(Error, w.portDevice(p.ID), "cannot be reached on %s: %s", w.hostName(at.Host), problem)
		return out, false
	}
	if w.in.Trace {
		w.tellTunnel(p, at, out)
	}
	return out, true
}

func (w *walk) tellInterface(p *topology.Port, at view.Location) {
	w.step(w.portDevice(p.ID), "lets it out to interface %s of %s", at.Interface, w.here())
}

func (w *walk) tellTunnel(p *topology.Port, at view.Location, out flow.Output) {
	w.step(w.portDevice(p.ID), "is on %s, interface %s: through the tunnel to %s with key %d", w.hostName(at.Host), at.Interface, out.Peer, out.TunnelKey)
}

// tunnel returns the output that reaches a port of another host, or what stands in the way.
func (w *walk) tunnel(p *topology.Port, at view.Location) (out flow.Output, problem string) {
	self := w.view.Host(w.view.Self())
	switch {
	case p.TunnelKey == 0:
		return out, "it has no tunnel key yet"
	case self == nil || len(self.Endpoints) == 0:
		return out, "this host has no tunnel endpoint"
	case len(at.Endpoints) == 0:
		return out, "that host has no tunnel endpoint"
	}
	// The family of our first endpoint is preferred, so that an operator chooses it by the order of the addresses.
	for _, own := range self.Endpoints {
		for _, peer := range at.Endpoints {
			if own.Is4() == peer.Is4() {
				return flow.Output{Port: p.ID, Peer: peer, TunnelKey: p.TunnelKey}, ""
			}
		}
	}
	return out, "the two hosts have no tunnel endpoints of one address family"
}
