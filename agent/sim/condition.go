package sim

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// meets reports whether the packet meets the condition here (the original's Condition.scala).
func (w *walk) meets(c *topology.Condition, at *place) bool {
	return fragmentAllowed(c.Fragments, w.packet.Fragment) && (w.meetsHeader(c) && w.meetsPlace(c, at)) != c.NotAll
}

func fragmentAllowed(policy topology.FragmentPolicy, fragment uint8) bool {
	switch policy {
	case topology.FragmentsNone:
		return fragment == packet.Unfragmented
	case topology.FragmentsHeader:
		return fragment != packet.FragmentLater
	case topology.FragmentsLater:
		return fragment == packet.FragmentLater
	}
	return true
}

// meetsHeader looks at what a flow's key has. Each field that counts must hold, or must not where it is inverted.
func (w *walk) meetsHeader(c *topology.Condition) bool {
	p := &w.packet
	holds := func(is bool, field topology.ConditionField) bool { return is != (c.Not&field != 0) }
	switch {
	case c.EtherType != 0 && !holds(p.EtherType == c.EtherType, topology.NotEtherType),
		c.MatchProto && !holds(p.IsIP() && p.Proto == c.Proto, topology.NotProto),
		!c.SrcMAC.IsZero() && !holds(p.SrcMAC == c.SrcMAC, topology.NotSrcMAC),
		!c.DstMAC.IsZero() && !holds(p.DstMAC == c.DstMAC, topology.NotDstMAC),
		c.Src.IsValid() && !holds(c.Src.Contains(sourceOf(p)), topology.NotSrc),
		c.Dst.IsValid() && !holds(c.Dst.Contains(destinationOf(p)), topology.NotDst):
		return false
	}
	return w.meetsPorts(c)
}

// meetsPorts compares ports or, of ICMP, type and code. A packet that has none meets every range: what is known of it is all right.
func (w *walk) meetsPorts(c *topology.Condition) bool {
	p := &w.packet
	if !c.SrcPorts.Set && !c.DstPorts.Set || !hasPorts(p) {
		return true
	}
	src, dst := p.SrcPort, p.DstPort
	if p.IsEcho() {
		dst = 0 // the code; the key has the identifier in its place
	}
	return (!c.SrcPorts.Set || c.SrcPorts.Contains(src) != (c.Not&topology.NotSrcPorts != 0)) &&
		(!c.DstPorts.Set || c.DstPorts.Contains(dst) != (c.Not&topology.NotDstPorts != 0))
}

func hasPorts(p *packet.Packet) bool {
	switch p.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP, packet.ProtoICMP, packet.ProtoICMPv6:
		return p.Fragment != packet.FragmentLater
	}
	return false
}

// meetsPlace looks at where the packet is, and at what it belongs to.
func (w *walk) meetsPlace(c *topology.Condition, at *place) bool {
	holds := func(is bool, field topology.ConditionField) bool { return is != (c.Not&field != 0) }
	switch {
	case len(c.InPorts) > 0 && !holds(slices.Contains(c.InPorts, at.in), topology.NotInPorts),
		len(c.OutPorts) > 0 && !holds(slices.Contains(c.OutPorts, at.out), topology.NotOutPorts),
		c.DstRewritten && !holds(w.dstRewritten, topology.NotDstRewritten),
		!c.SrcGroup.IsZero() && !holds(w.inGroup(c.SrcGroup, sourceOf(&w.packet)), topology.NotSrcGroup),
		!c.DstGroup.IsZero() && !holds(w.inGroup(c.DstGroup, destinationOf(&w.packet)), topology.NotDstGroup):
		return false
	}
	if !c.ForwardFlow && !c.ReturnFlow {
		return true
	}
	w.tracked = true
	return w.isAnswer() == c.ReturnFlow
}

func (w *walk) inGroup(id topology.AddrGroupID, a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	w.addTag(flow.AddrTag(flow.TagGroup, id, a))
	return w.view.InGroup(id, a)
}

// sourceOf and destinationOf return the network addresses of IP and ARP packets.
func sourceOf(p *packet.Packet) netip.Addr {
	if p.EtherType == packet.EtherTypeARP {
		return p.ARP.SenderIP
	}
	return p.SrcIP
}

func destinationOf(p *packet.Packet) netip.Addr {
	if p.EtherType == packet.EtherTypeARP {
		return p.ARP.TargetIP
	}
	return p.DstIP
}
