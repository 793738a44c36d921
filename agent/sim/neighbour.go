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
// Questions sent to one station (a neighbour cache being refreshed) go to that station, except that the DHCP server's have no one
// else to answer them.
func (w *walk) answerNeighbour(b *topology.Bridge) bool {
	p := &w.packet
	if p.Tagged() || !p.DstMAC.IsMulticast() && p.DstMAC != view.DHCPServerMAC {
		return false
	}
	switch {
	case p.ARP.Operation == packet.ARPRequest && !p.ARP.Gratuitous():
		hw, ok := w.neighbour(b, p.ARP.TargetIP)
		if ok {
			w.emit(p.ARP.Reply(hw))
		}
		return ok
	case p.ValidSolicitation():
		hw, ok := w.neighbour(b, p.ND.Target)
		if ok {
			w.emit(p.NeighbourReply(hw))
		}
		return ok
	}
	return false
}

// neighbour returns who has the address, for an answer to whoever is behind the ingress port. Nobody is told about addresses behind
// their own port: a station that probes its own address before it uses it (RFC 5227, RFC 4862) would take the answer for a
// conflict.
func (w *walk) neighbour(b *topology.Bridge, addr netip.Addr) (mac.Addr, bool) {
	w.tag(flow.TagNeighbour, b.ID)
	n, known := w.view.Neighbour(b.ID, addr)
	switch {
	case !known:
		w.step(bridgeDevice(b), "does not know who has %s", addr)
		return mac.Addr{}, false
	case n.Port == w.in.InPort || n.MAC == w.packet.SrcMAC:
		w.step(bridgeDevice(b), "does not answer for %s: it is the asking port's own", addr)
		return mac.Addr{}, false
	}
	w.result.Verdict = Consumed
	if w.in.Trace {
		w.step(bridgeDevice(b), "answers in the name of %s: %s is at %s", w.owner(n), addr, n.MAC)
	}
	return n.MAC, true
}

func (w *walk) owner(n view.Neighbour) string {
	if n.Port.IsZero() {
		return "the DHCP server"
	}
	return w.portDevice(n.Port).String()
}
