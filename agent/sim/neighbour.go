package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// answerNeighbour answers who-has questions of both families from what is known of the bridge, so that they need not be flooded
// through the cloud. It reports whether it did; where it did not, the packet goes on as any other.
//
// Questions sent to one station (a neighbour cache being refreshed) go to that station, except that those to the agent's own services
// have no one else to answer them.
func (w *walk) answerNeighbour(b *view.Bridge) bool {
	p := &w.packet
	if w.made || p.Tagged() || !p.DstMAC.IsMulticast() && p.DstMAC != view.DHCPServerMAC && p.DstMAC != view.MetadataMAC {
		return false
	}
	switch {
	case p.ARP.Operation == packet.ARPRequest && !p.ARP.Gratuitous():
		n, ok := w.neighbour(b, p.ARP.TargetIP)
		if ok {
			w.emit(p.ARP.Reply(n.MAC))
		}
		return ok
	case p.ValidSolicitation():
		n, ok := w.neighbour(b, p.ND.Target)
		if ok {
			w.emit(p.NeighbourReply(n.MAC, w.isRouter(n.Port)))
		}
		return ok
	}
	return false
}

// neighbour returns who has the address, for an answer to whoever is behind the ingress port. Nobody is told about addresses behind
// their own port: a station that probes its own address before it uses it (RFC 5227, RFC 4862) would take the answer for a
// conflict.
func (w *walk) neighbour(b *view.Bridge, addr netip.Addr) (view.Neighbour, bool) {
	n, known := w.neighbourOf(b, addr)
	switch {
	case !known:
		w.step(bridgeDevice(b), "does not know who has %s", addr)
		return n, false
	case n.Port == w.in.InPort || n.MAC == w.packet.SrcMAC:
		w.step(bridgeDevice(b), "does not answer for %s: it is the asking port's own", addr)
		return n, false
	}
	w.consume()
	if w.in.Trace {
		w.step(bridgeDevice(b), "answers in the name of %s: %s is at %s", w.owner(n), addr, n.MAC)
	}
	return n, true
}

// neighbourOf returns who has the address on the bridge: what Neutron knows, and of link-local addresses also what follows from a
// router's MAC.
func (w *walk) neighbourOf(b *view.Bridge, addr netip.Addr) (view.Neighbour, bool) {
	w.tagAddr(flow.TagNeighbour, b.ID, addr)
	if n, known := w.view.Neighbour(b.ID, addr); known {
		return n, true
	}
	if view.IsMetadata(addr) && w.servesMetadata() {
		return w.view.MetadataNeighbour(addr)
	}
	hw, ok := packet.FromLinkLocal(addr)
	if !ok {
		return view.Neighbour{}, false
	}
	w.tagStation(b.ID, hw)
	at, known := b.Station(hw)
	return view.Neighbour{MAC: hw, Port: at.Port}, known && w.isRouter(at.Port)
}

// isRouter reports whether the bridge's port is wired to a router's.
func (w *walk) isRouter(id topology.PortID) bool {
	w.tag(flow.TagPort, id)
	if p := w.view.Port(id); p != nil && p.Interior() {
		w.tag(flow.TagPort, p.Peer)
	}
	return LeadsToRouter(w.view, id)
}

func (w *walk) owner(n view.Neighbour) string {
	switch {
	case !n.Port.IsZero():
	case n.MAC == view.MetadataMAC:
		return "the metadata service"
	default:
		return "the DHCP server"
	}
	return w.portDevice(n.Port).String()
}

// tellRouters lets the routers on the bridge hear what is said to all: a flood does not reach them. They answer solicitations, and
// learn of stations that have taken over an address which they send to.
func (w *walk) tellRouters(b *view.Bridge) {
	solicited := w.packet.ValidRouterSolicitation()
	addr, hw := announced(&w.packet)
	if w.packet.Tagged() || !solicited && !addr.IsValid() {
		return
	}
	for _, id := range w.view.Interior(b.ID) {
		p := w.view.Port(w.view.Port(id).Peer)
		switch {
		case p == nil || p.Router.IsZero() || !p.AdminUp:
		case solicited:
			w.advertiseTo(p)
		default:
			if was, known := w.view.RouterNeighbour(p.ID, addr); known && was != hw {
				w.found(p, addr, hw)
			}
		}
	}
}

// announced returns what a gratuitous ARP packet or an unsolicited neighbour advertisement says; the zero Addr for other packets.
func announced(p *packet.Packet) (netip.Addr, mac.Addr) {
	switch {
	case p.ARP.Operation != 0 && p.ARP.Gratuitous() && !p.ARP.SenderIP.IsUnspecified():
		return p.ARP.SenderIP, p.ARP.SenderMAC
	case p.ValidAdvertisement() && !p.ND.LinkLayer.IsZero():
		return p.ND.Target, p.ND.LinkLayer
	}
	return netip.Addr{}, mac.Addr{}
}
