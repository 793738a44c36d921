package packet

import (
	"net/netip"

	"midonet.org/midonet/mac"
)

// ICMPv6 types of neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810), as Header.SrcPort has them.
const (
	MLDQuery                 uint16 = 130
	NDRouterSolicitation     uint16 = 133
	NDRouterAdvertisement    uint16 = 134
	NDNeighbourSolicitation  uint16 = 135
	NDNeighbourAdvertisement uint16 = 136
	NDRedirect               uint16 = 137
	MLDv2Report              uint16 = 143
)

// Flags of a neighbour advertisement (RFC 4861 section 4.4).
const (
	NDRouter    uint8 = 0x80
	NDSolicited uint8 = 0x40
	NDOverride  uint8 = 0x20
)

// Neighbour is a neighbour solicitation or advertisement; Header.SrcPort says which.
type Neighbour struct {
	Flags  uint8 // of an advertisement
	Target netip.Addr
	// LinkLayer is the source (solicitation) or target (advertisement) link-layer address option; zero where there is none.
	LinkLayer mac.Addr
}

const (
	neighbourLen   = 24 // ICMPv6 header, flags, target
	ndHopLimit     = 255
	optSourceLink  = 1
	optTargetLink  = 2
	linkLayerUnits = 1 // size in units of 8 octets of the option for a 48-bit address
)

var (
	allNodes        = netip.MustParseAddr("ff02::1")
	allNodesMAC     = multicastMAC(allNodes)
	solicitedPrefix = netip.MustParsePrefix("ff02::1:ff00:0/104")
)

func (p *Packet) parseNeighbour() error {
	b := p.Frame[p.L4:p.End]
	if len(b) < neighbourLen {
		return truncated("neighbour discovery", neighbourLen, len(b))
	}
	p.ND = Neighbour{Flags: b[4], Target: netip.AddrFrom16([16]byte(b[8:24]))}
	p.Payload = p.L4 + neighbourLen
	want := uint8(optSourceLink)
	if p.SrcPort == NDNeighbourAdvertisement {
		want = optTargetLink
	}
	for opts := b[neighbourLen:]; len(opts) > 0; {
		if len(opts) < 2 || opts[1] == 0 {
			return malformed("neighbour discovery", "option of no length")
		}
		size := int(opts[1]) * 8
		if size > len(opts) {
			return truncated("neighbour discovery option", size, len(opts))
		}
		if opts[0] == want && opts[1] == linkLayerUnits {
			p.ND.LinkLayer = mac.Addr(opts[2:8])
		}
		opts = opts[size:]
	}
	return nil
}

// ValidSolicitation reports whether p is a neighbour solicitation that RFC 4861 section 7.1.1 lets a node answer.
func (p *Packet) ValidSolicitation() bool {
	if p.Proto != ProtoICMPv6 || p.EtherType != EtherTypeIPv6 || p.SrcPort != NDNeighbourSolicitation || p.DstPort != 0 {
		return false
	}
	if p.TTL != ndHopLimit || !p.ND.Target.IsValid() || p.ND.Target.IsMulticast() {
		return false
	}
	if p.SrcIP.IsUnspecified() && (!solicitedPrefix.Contains(p.DstIP) || !p.ND.LinkLayer.IsZero()) {
		return false
	}
	return transportSum(p.SrcIP, p.DstIP, p.Proto, p.Frame[p.L4:p.End]) == 0
}

// NeighbourReply returns the frame that answers the solicitation p: the target's link-layer address is hw. A solicitation from
// the unspecified address (duplicate address detection, RFC 4862) is answered to all nodes and unsolicited. A host forgets a default
// router whose answers do not say that it is one (RFC 4861 section 7.2.5).
func (p *Packet) NeighbourReply(hw mac.Addr, router bool) []byte {
	h := Header{
		SrcMAC: hw, DstMAC: p.SrcMAC, EtherType: EtherTypeIPv6,
		SrcIP: p.ND.Target, DstIP: p.SrcIP,
		Proto: ProtoICMPv6, TTL: ndHopLimit, SrcPort: NDNeighbourAdvertisement,
	}
	flags := NDOverride | NDSolicited
	if p.SrcIP.IsUnspecified() {
		h.DstMAC, h.DstIP, flags = allNodesMAC, allNodes, NDOverride
	} else if !p.ND.LinkLayer.IsZero() {
		h.DstMAC = p.ND.LinkLayer
	}
	if router {
		flags |= NDRouter
	}
	return h.Frame(neighbourBody(flags, p.ND.Target, optTargetLink, hw))
}

// Announcement returns the unsolicited advertisement to all nodes that the address is at hw, which takes the place of what they know.
func Announcement(hw mac.Addr, addr netip.Addr, router bool) []byte {
	asked := Packet{ND: Neighbour{Target: addr}, Header: Header{SrcIP: netip.IPv6Unspecified()}}
	return asked.NeighbourReply(hw, router)
}

// neighbourBody returns what follows the checksum of a solicitation or advertisement, with one link-layer address option.
func neighbourBody(flags uint8, target netip.Addr, option uint8, hw mac.Addr) []byte {
	b := make([]byte, 0, neighbourLen-icmpLen+8)
	b = append(b, flags, 0, 0, 0)
	b = append(b, target.AsSlice()...)
	b = append(b, option, linkLayerUnits)
	return append(b, hw[:]...)
}

// SolicitedNode returns the multicast address on which the holder of the IPv6 address listens (RFC 4291 section 2.7.1).
func SolicitedNode(addr netip.Addr) netip.Addr {
	group, a := solicitedPrefix.Addr().As16(), addr.As16()
	copy(group[13:], a[13:])
	return netip.AddrFrom16(group)
}
