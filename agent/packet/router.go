package packet

import (
	"encoding/binary"
	"net/netip"
	"time"

	"midonet.org/midonet/mac"
)

// LinkLocal returns the link-local IPv6 address that follows from a MAC (RFC 4291 appendix A, modified EUI-64).
func LinkLocal(hw mac.Addr) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]})
}

// FromLinkLocal returns the MAC that LinkLocal makes the address from; false for any other address.
func FromLinkLocal(a netip.Addr) (mac.Addr, bool) {
	b := a.As16()
	hw := mac.Addr{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]}
	return hw, a.Is6() && LinkLocal(hw) == a
}

// Solicitation returns the frame in which hw, with the address src, asks all who might know for the MAC of target.
func Solicitation(hw mac.Addr, src, target netip.Addr) []byte {
	group := SolicitedNode(target)
	h := Header{SrcMAC: hw, DstMAC: multicastMAC(group), EtherType: EtherTypeIPv6, SrcIP: src, DstIP: group,
		Proto: ProtoICMPv6, TTL: ndHopLimit, SrcPort: NDNeighbourSolicitation}
	return h.Frame(neighbourBody(0, target, optSourceLink, hw))
}

// ValidAdvertisement reports whether p is a neighbour advertisement that RFC 4861 section 7.1.2 lets a node believe.
func (p *Packet) ValidAdvertisement() bool {
	return p.Proto == ProtoICMPv6 && p.EtherType == EtherTypeIPv6 && p.SrcPort == NDNeighbourAdvertisement && p.DstPort == 0 &&
		p.TTL == ndHopLimit && p.ND.Target.IsValid() && !p.ND.Target.IsMulticast() &&
		(!p.DstIP.IsMulticast() || p.ND.Flags&NDSolicited == 0) &&
		transportSum(p.SrcIP, p.DstIP, p.Proto, p.Frame[p.L4:p.End]) == 0
}

// ValidRouterSolicitation reports whether p is a router solicitation that RFC 4861 section 6.1.1 lets a router answer.
func (p *Packet) ValidRouterSolicitation() bool {
	return p.Proto == ProtoICMPv6 && p.EtherType == EtherTypeIPv6 && p.Fragment == Unfragmented &&
		p.SrcPort == NDRouterSolicitation && p.DstPort == 0 && p.TTL == ndHopLimit && p.End-p.L4 >= 8 &&
		transportSum(p.SrcIP, p.DstIP, p.Proto, p.Frame[p.L4:p.End]) == 0
}

// RouterAdvertisement is what a router says to the hosts of a link (RFC 4861 section 4.2).
type RouterAdvertisement struct {
	HopLimit       uint8
	Managed, Other bool
	Lifetime       time.Duration // as a default router; 0: it is none
	MTU            int           // octets; 0: not sent
	Prefixes       []AdvertisedPrefix
	DNS            []netip.Addr // RFC 8106
	DNSLifetime    time.Duration
}

// AdvertisedPrefix is an on-link prefix (RFC 4861 section 4.6.2).
type AdvertisedPrefix struct {
	Prefix           netip.Prefix
	Autonomous       bool
	Valid, Preferred time.Duration
}

// ToAll returns the advertisement from hw to all hosts of the link.
func (a RouterAdvertisement) ToAll(hw mac.Addr) []byte { return a.Frame(hw, allNodesMAC, allNodes) }

// Frame returns the advertisement from hw to one host.
func (a RouterAdvertisement) Frame(hw, dstMAC mac.Addr, dst netip.Addr) []byte {
	h := Header{SrcMAC: hw, DstMAC: dstMAC, EtherType: EtherTypeIPv6, SrcIP: LinkLocal(hw), DstIP: dst,
		Proto: ProtoICMPv6, TTL: ndHopLimit, SrcPort: NDRouterAdvertisement}
	flags := uint8(0)
	if a.Managed {
		flags |= 0x80
	}
	if a.Other {
		flags |= 0x40
	}
	b := binary.BigEndian.AppendUint16([]byte{a.HopLimit, flags}, uint16(a.Lifetime/time.Second))
	b = append(b, make([]byte, 8)...) // reachable time and retransmission timer: unspecified
	b = append(append(b, optSourceLink, linkLayerUnits), hw[:]...)
	if a.MTU > 0 {
		b = binary.BigEndian.AppendUint32(append(b, 5, 1, 0, 0), uint32(a.MTU))
	}
	for _, p := range a.Prefixes {
		b = p.append(b)
	}
	return h.Frame(a.appendDNS(b))
}

func (p AdvertisedPrefix) append(b []byte) []byte {
	flags := uint8(0x80) // on-link
	if p.Autonomous {
		flags |= 0x40
	}
	b = append(b, 3, 4, uint8(p.Prefix.Bits()), flags)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Valid/time.Second))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Preferred/time.Second))
	b = append(b, 0, 0, 0, 0)
	return append(b, p.Prefix.Masked().Addr().AsSlice()...)
}

func (a RouterAdvertisement) appendDNS(b []byte) []byte {
	if len(a.DNS) == 0 {
		return b
	}
	b = append(b, 25, uint8(1+2*len(a.DNS)), 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(a.DNSLifetime/time.Second))
	for _, server := range a.DNS {
		b = append(b, server.AsSlice()...)
	}
	return b
}
