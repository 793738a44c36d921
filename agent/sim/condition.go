package sim

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// meets reports whether the packet meets the condition here (the original's Condition.scala).
func (w *walk) meets(c *topology.Condition, looks view.Looks, at *place) bool {
	if !fragmentAllowed(c.Fragments, w.packet.Fragment) {
		return false
	}
	met := (looks&view.LooksAtHeader == 0 || w.meetsHeader(c)) && (looks&view.LooksAtPlace == 0 || w.meetsPlace(c, at)) &&
		(looks&view.LooksAtQuote == 0 || w.meetsQuote(c))
	return met != c.NotAll
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
		c.NoVLAN && p.Tagged(),
		c.VLAN != 0 && p.VLAN != c.VLAN|packet.VLANPresent,
		c.MatchTOS && !holds(p.IsIP() && p.TOS == c.TOS, topology.NotTOS),
		c.MatchProto && !holds(p.IsIP() && p.Proto == c.Proto, topology.NotProto),
		!c.SrcMAC.IsZero() && !holds(sameMAC(p.SrcMAC, c.SrcMAC, c.SrcMACMask), topology.NotSrcMAC),
		!c.DstMAC.IsZero() && !holds(sameMAC(p.DstMAC, c.DstMAC, c.DstMACMask), topology.NotDstMAC),
		c.Src.IsValid() && !holds(c.Src.Contains(sourceOf(p)), topology.NotSrc),
		c.Dst.IsValid() && !holds(c.Dst.Contains(destinationOf(p)), topology.NotDst):
		return false
	}
	return w.meetsPorts(c)
}

// meetsQuote looks at the packet that an ICMP error is about, as the error had it when it entered the virtual network. What is no such error quotes
// nothing, and so is between no addresses.
func (w *walk) meetsQuote(c *topology.Condition) bool {
	if w.entered.IsError() {
		w.result.Cache = false // another of the same flow may quote another packet, or enough of it
	}
	q := w.quoted()
	holds := func(want netip.Prefix, is func(*packet.Quote) netip.Addr, field topology.ConditionField) bool {
		return !want.IsValid() || (q != nil && want.Contains(is(q))) != (c.Not&field != 0)
	}
	return holds(c.ICMPData.Src, func(q *packet.Quote) netip.Addr { return q.Src }, topology.NotICMPSrc) &&
		holds(c.ICMPData.Dst, func(q *packet.Quote) netip.Addr { return q.Dst }, topology.NotICMPDst)
}

// sameMAC reports whether the addresses are the same in the bits of the mask, all where it is zero.
func sameMAC(a, b, mask mac.Addr) bool {
	for i := range a {
		if (a[i]^b[i])&mask[i] != 0 {
			return false
		}
	}
	return !mask.IsZero() || a == b
}

// meetsPorts compares ports or, of ICMP, type and code. A packet that has none meets every range: what is known of it is all right.
func (w *walk) meetsPorts(c *topology.Condition) bool {
	p := &w.packet
	if !c.SrcPorts.Set && !c.DstPorts.Set || !hasPorts(p) {
		return true
	}
	if c.SrcPorts.Set {
		w.looksAt(flow.SrcPort)
	}
	if c.DstPorts.Set {
		w.looksAt(flow.DstPort)
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
	case !w.meetsGroups(c, at):
		return false
	}
	if !c.ForwardFlow && !c.ReturnFlow {
		return true
	}
	w.tracked = true
	if w.withoutPorts() {
		w.result.Cache = false // its first may be an answer
	}
	w.notes.parted = true
	return w.isAnswer() == c.ReturnFlow
}

// meetsGroups looks at the port groups of the ports on the packet's way, and at the devices that it has entered.
func (w *walk) meetsGroups(c *topology.Condition, at *place) bool {
	holds := func(is bool, field topology.ConditionField) bool { return is != (c.Not&field != 0) }
	switch {
	case !c.PortGroup.IsZero() && !holds(w.hasPort(c.PortGroup, w.in.InPort), topology.NotPortGroup),
		!c.InPortGroup.IsZero() && !holds(w.hasPort(c.InPortGroup, at.in), topology.NotInPortGroup),
		!c.OutPortGroup.IsZero() && !holds(w.hasPort(c.OutPortGroup, at.out), topology.NotOutPortGroup),
		!c.Traversed.IsZero() && !holds(slices.Contains(w.traversed[:w.devices], topology.BridgeID(c.Traversed)), topology.NotTraversed):
		return false
	}
	return true
}

// hasPort reports whether the port is in the port group.
func (w *walk) hasPort(group topology.PortGroupID, id topology.PortID) bool {
	if id.IsZero() {
		return false
	}
	w.tag(flow.TagPort, id)
	p := w.view.Port(id)
	return p != nil && slices.Contains(p.Groups, group)
}

func (w *walk) inGroup(id topology.AddrGroupID, a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	w.tagAddr(flow.TagGroup, id, a)
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
