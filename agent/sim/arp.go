package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// speaksToPort takes what is said to a router's port on its link: ARP, neighbour discovery and router solicitations. It reports
// whether the packet was such.
func (w *walk) speaksToPort(r *view.Router, p *topology.Port) bool {
	in := &w.packet
	switch {
	case in.EtherType == packet.EtherTypeARP:
		w.takeARP(r, p)
	case in.ValidSolicitation():
		if w.answersFor(r, p, in.ND.Target) {
			w.consume()
			w.step(w.portDevice(p.ID), "answers: %s is at %s", in.ND.Target, p.MAC)
			w.sendBack(p, in.NeighbourReply(p.MAC, true))
		}
	case in.ValidAdvertisement():
		w.consume()
		hw := in.ND.LinkLayer
		if hw.IsZero() {
			hw = in.SrcMAC
		}
		w.found(p, in.ND.Target, hw)
	case in.ValidRouterSolicitation():
		w.consume()
		w.advertiseTo(p)
	default:
		return false
	}
	return true
}

func (w *walk) takeARP(r *view.Router, p *topology.Port) {
	a := w.packet.ARP
	switch {
	case a.Operation == packet.ARPRequest && !a.Gratuitous():
		// Whoever asks: Linux asks in the name of whichever of its addresses the packet comes from, on the link or not.
		if w.answersFor(r, p, a.TargetIP) {
			w.consume()
			w.step(w.portDevice(p.ID), "answers: %s is at %s", a.TargetIP, p.MAC)
			w.sendBack(p, a.Reply(p.MAC))
		}
	case a.Operation == packet.ARPReply || a.Gratuitous():
		w.consume()
		w.found(p, a.SenderIP, a.SenderMAC)
	default:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: it takes nothing but ARP requests and replies")
	}
}

// answersFor reports whether the address is the port's, its own or a floating one; where not it drops the question.
func (w *walk) answersFor(r *view.Router, p *topology.Port, a netip.Addr) bool {
	if hasAddress(p, a) || a == packet.LinkLocal(p.MAC) {
		return true
	}
	w.tagAddr(flow.TagFloating, p.Router, a)
	if f := r.FloatingIP(a); f != nil && f.Port == p.ID {
		return true
	}
	w.stop(Drop, w.portDevice(p.ID), "drops the question: it does not answer for %s", a)
	return false
}

// onLink reports whether the address is of one of the port's subnets.
func onLink(p *topology.Port, a netip.Addr) bool {
	for _, own := range p.Addresses {
		if own.Contains(a) {
			return true
		}
	}
	return a.Is6() && a.IsLinkLocalUnicast()
}

// found notes who has an address on the port's link, where it is of the link and not the router's, and Neutron does not know it.
func (w *walk) found(p *topology.Port, addr netip.Addr, hw mac.Addr) {
	if !onLink(p, addr) || hasAddress(p, addr) || hw.IsMulticast() || hw.IsZero() {
		w.step(w.portDevice(p.ID), "does not believe that %s is at %s", addr, hw)
		return
	}
	if peer := w.view.Port(p.Peer); peer != nil {
		if _, known := w.view.Neighbour(peer.Bridge, addr); known {
			return
		}
	}
	w.result.Found = append(w.result.Found, Resolved{Router: p.Router, Port: p.ID, Addr: addr, MAC: hw})
	w.step(w.portDevice(p.ID), "learns that %s is at %s", addr, hw)
}
