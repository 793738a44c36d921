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

// meets reports whether the packet meets the condition here (the original's Condition.scala). Each field that counts must hold, or must
// not where it is inverted.
func (w *walk) meets(c *topology.Condition, looks view.Looks, at *place) bool {
	if looks&view.LooksAtFragment != 0 && !fragmentAllowed(c.Fragments, w.packet.Fragment) {
		return false
	}
	for left := looks &^ view.LooksAtFragment; left != 0; left &= left - 1 {
		if !w.meetsPart(c, left&-left, at) {
			return c.NotAll
		}
	}
	return !c.NotAll
}

// meetsPart reports whether what the condition says of one part holds.
func (w *walk) meetsPart(c *topology.Condition, part view.Looks, at *place) bool {
	switch part {
	case view.LooksAtFrame:
		return w.meetsFrame(c)
	case view.LooksAtProto:
		return holds(c, w.packet.IsIP() && w.packet.Proto == c.Proto, topology.NotProto)
	case view.LooksAtAddresses:
		return w.meetsAddresses(c)
	case view.LooksAtPorts:
		return w.meetsPorts(c)
	case view.LooksAtPlace:
		return w.meetsPlace(c, at)
	case view.LooksAtMembers:
		return w.meetsMembers(c)
	case view.LooksAtWay:
		return w.meetsWay(c, at)
	case view.LooksAtConnection:
		return w.meetsConnection(c)
	case view.LooksAtQuote:
		return w.meetsQuote(c)
	}
	return true
}

// holds reports whether what is so of a field is as the condition wants it.
func holds(c *topology.Condition, is bool, field topology.ConditionField) bool {
	return is != (c.Not&field != 0)
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

func (w *walk) meetsFrame(c *topology.Condition) bool {
	p := &w.packet
	return (c.EtherType == 0 || holds(c, p.EtherType == c.EtherType, topology.NotEtherType)) &&
		(!c.NoVLAN || !p.Tagged()) &&
		(c.VLAN == 0 || p.VLAN == c.VLAN|packet.VLANPresent) &&
		(!c.MatchTOS || holds(c, p.IsIP() && p.TOS == c.TOS, topology.NotTOS)) &&
		(c.SrcMAC.IsZero() || holds(c, sameMAC(p.SrcMAC, c.SrcMAC, c.SrcMACMask), topology.NotSrcMAC)) &&
		(c.DstMAC.IsZero() || holds(c, sameMAC(p.DstMAC, c.DstMAC, c.DstMACMask), topology.NotDstMAC))
}

func (w *walk) meetsAddresses(c *topology.Condition) bool {
	return (!c.Src.IsValid() || holds(c, c.Src.Contains(sourceOf(&w.packet)), topology.NotSrc)) &&
		(!c.Dst.IsValid() || holds(c, c.Dst.Contains(destinationOf(&w.packet)), topology.NotDst))
}

// meetsQuote looks at the packet that an ICMP error is about, as the error had it when it entered the virtual network. What is no such error quotes
// nothing, and so is between no addresses.
func (w *walk) meetsQuote(c *topology.Condition) bool {
	if w.entered.IsError() {
		w.result.Cache = false // another of the same flow may quote another packet, or enough of it
	}
	q := w.quoted()
	want := c.ICMPData
	return (!want.Src.IsValid() || holds(c, q != nil && want.Src.Contains(q.Src), topology.NotICMPSrc)) &&
		(!want.Dst.IsValid() || holds(c, q != nil && want.Dst.Contains(q.Dst), topology.NotICMPDst))
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
	if !hasPorts(p) {
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

// meetsPlace looks at where the packet is.
func (w *walk) meetsPlace(c *topology.Condition, at *place) bool {
	return (len(c.InPorts) == 0 || holds(c, slices.Contains(c.InPorts, at.in), topology.NotInPorts)) &&
		(len(c.OutPorts) == 0 || holds(c, slices.Contains(c.OutPorts, at.out), topology.NotOutPorts)) &&
		(!c.DstRewritten || holds(c, w.dstRewritten, topology.NotDstRewritten))
}

// meetsMembers looks at the groups of addresses that the packet's are in.
func (w *walk) meetsMembers(c *topology.Condition) bool {
	return (c.SrcGroup.IsZero() || holds(c, w.inGroup(c.SrcGroup, sourceOf(&w.packet)), topology.NotSrcGroup)) &&
		(c.DstGroup.IsZero() || holds(c, w.inGroup(c.DstGroup, destinationOf(&w.packet)), topology.NotDstGroup))
}

// meetsWay looks at the port groups of the ports on the packet's way, and at the devices that it has entered.
func (w *walk) meetsWay(c *topology.Condition, at *place) bool {
	return (c.PortGroup.IsZero() || holds(c, w.hasPort(c.PortGroup, w.in.InPort), topology.NotPortGroup)) &&
		(c.InPortGroup.IsZero() || holds(c, w.hasPort(c.InPortGroup, at.in), topology.NotInPortGroup)) &&
		(c.OutPortGroup.IsZero() || holds(c, w.hasPort(c.OutPortGroup, at.out), topology.NotOutPortGroup)) &&
		(c.Traversed.IsZero() || holds(c, slices.Contains(w.traversed[:w.devices], topology.BridgeID(c.Traversed)), topology.NotTraversed))
}

// meetsConnection looks at which way the packet goes in its connection.
func (w *walk) meetsConnection(c *topology.Condition) bool {
	w.tracked = true
	if w.withoutPorts() {
		w.result.Cache = false // its first may be an answer
	}
	w.notes.parted = true
	return w.isAnswer() == c.ReturnFlow
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
