package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// A later fragment does not have the ports by which connections are known. Where they matter it is treated as the first fragment of its
// packet: Input.First has that one's header, or the fragment waits for it. Which packet it is of is not in a flow's key, so that such
// answers, and those to the first fragments that they follow, are for one packet only.

// Datagram names a packet that comes in fragments.
type Datagram struct {
	InPort   topology.PortID
	Src, Dst netip.Addr
	Proto    uint8
	ID       uint32
}

// DatagramOf returns the packet that p, a fragment, is of.
func DatagramOf(p *packet.Packet, in topology.PortID) Datagram {
	return Datagram{InPort: in, Src: p.SrcIP, Dst: p.DstIP, Proto: p.Proto, ID: p.FragmentID}
}

// asFirst makes a later fragment one that has its first's ports.
func (w *walk) asFirst(first *packet.Header) {
	w.packet.SrcPort, w.packet.DstPort, w.packet.Fragment = first.SrcPort, first.DstPort, packet.FragmentFirst
	w.entered, w.later = w.packet.Header, true
	w.result.Cache = false
}

// onWire returns the header as a packet has it.
func (w *walk) onWire(h packet.Header) packet.Header {
	if w.later {
		h.SrcPort, h.DstPort, h.Fragment = 0, 0, packet.FragmentLater
	}
	return h
}

// withoutPorts reports whether the packet is a later fragment whose first is not known.
func (w *walk) withoutPorts() bool { return w.packet.Fragment == packet.FragmentLater }

// decidedByPorts notes that what is decided of a fragment depends on its packet's ports, so that every first one is to be seen by
// those who see the later ones.
func (w *walk) decidedByPorts() {
	if w.packet.Fragment != packet.Unfragmented {
		w.result.Cache = false
	}
}

// awaitFirst ends the walk of a later fragment until its first has come, or drops it where that has not.
func (w *walk) awaitFirst(at device) {
	w.result.Cache = false
	if w.in.GiveUp || w.made {
		w.stop(Drop, at, "drops the packet: it is a later fragment, and the first one, which has the ports, has not come")
		w.result.Cache = false
		return
	}
	was := w.asEntered()
	w.wait(Want{First: DatagramOf(&was, w.in.InPort)})
	w.step(at, "needs to know its ports: the packet waits for the first fragment")
}

// translatesPorts reports whether the rule, which the packet meets, translates connections that packets with its addresses may be of.
func (w *walk) translatesPorts(action topology.RuleAction, at *place) bool {
	switch action {
	case topology.ActionSNAT:
		return !w.crossedHere()
	case topology.ActionDNAT, topology.ActionReverseSNAT:
		return true
	case topology.ActionForwarding:
		if at.router == nil {
			return false
		}
		w.tagAddr(flow.TagForwarding, at.router.ID, w.packet.DstIP)
		return at.router.Forwards(w.packet.DstIP)
	case topology.ActionReverseDNAT:
		w.tag(flow.TagForwarding, at.router.ID)
		return at.router.ForwardsTo(w.packet.SrcIP)
	}
	return false
}
