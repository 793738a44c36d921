// Package packet reads and writes Ethernet frames: just the headers that a virtual network looks at.
//
// Parse fills a Packet from a frame without allocating; a frame that ends too early or contradicts itself is an error that says
// where. Header.Frame and the other builders make frames whose lengths and checksums are right, so that what they make can be
// put on a wire. Nothing here knows a network: no ports, no bridges.
//
// Parsing goes as far as a flow key needs: one 802.1Q tag, ARP (RFC 826), IPv4 (RFC 791), IPv6 with its extension headers
// (RFC 8200), the ports of TCP, UDP and SCTP, type and code of ICMP and ICMPv6, and neighbour discovery (RFC 4861).
package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"midonet.org/midonet/mac"
)

// EtherTypes (IEEE 802 registry), host order.
const (
	EtherTypeIPv4 uint16 = 0x0800
	EtherTypeARP  uint16 = 0x0806
	EtherTypeVLAN uint16 = 0x8100 // 802.1Q customer tag
	EtherTypeQinQ uint16 = 0x88a8 // 802.1ad service tag
	EtherTypeIPv6 uint16 = 0x86dd
)

// IP protocol numbers (IANA).
const (
	ProtoICMP   uint8 = 1
	ProtoTCP    uint8 = 6
	ProtoUDP    uint8 = 17
	ProtoICMPv6 uint8 = 58
	ProtoSCTP   uint8 = 132
)

// VLANPresent is set in Header.VLAN when the frame has a tag, so that the priority tag (VLAN id 0) differs from no tag.
const VLANPresent uint16 = 1 << 12

// Values of Header.Fragment.
const (
	Unfragmented  uint8 = 0
	FragmentFirst uint8 = 1 // the first of several: has the transport header
	FragmentLater uint8 = 2 // has no transport header
)

// Header is the fields by which packets are told apart. Fields that a packet does not have are zero.
type Header struct {
	DstMAC, SrcMAC mac.Addr
	// VLAN is the outermost tag's VLAN id with VLANPresent set; 0 without a tag. A tag of either EtherTypeVLAN or EtherTypeQinQ
	// counts.
	VLAN uint16
	// EtherType is that of what follows the tag. A second tag is not followed: its EtherType stands here and the fields below are
	// zero. Values below 1536 are IEEE 802.3 lengths.
	EtherType uint16

	SrcIP, DstIP netip.Addr // IPv4 or IPv6; the zero Addr for other frames
	Proto        uint8      // IPv4 protocol or the last next-header value of IPv6's extension headers
	Fragment     uint8      // one of the Fragment constants
	TOS          uint8      // IPv4 TOS or IPv6 traffic class
	TTL          uint8      // or hop limit

	// SrcPort and DstPort are those of TCP, UDP and SCTP; for ICMP and ICMPv6 the type and the code, but for echo and its reply, whose
	// code says nothing, the type and the identifier. 0 for later fragments.
	SrcPort, DstPort uint16
}

// Types of ICMP (RFC 792) and ICMPv6 (RFC 4443) echo.
const (
	ICMPEchoReply   uint16 = 0
	ICMPEcho        uint16 = 8
	ICMPv6Echo      uint16 = 128
	ICMPv6EchoReply uint16 = 129
)

// IsEcho reports whether the packet is an echo request or reply of either family that has its header.
func (h *Header) IsEcho() bool { return h.Fragment != FragmentLater && h.echoType() }

// IsEchoRequest reports whether the packet is an ICMP echo request, which is never an answer.
func (h *Header) IsEchoRequest() bool {
	return h.IsEcho() && (h.SrcPort == ICMPEcho || h.SrcPort == ICMPv6Echo)
}

func (h *Header) echoType() bool {
	switch {
	case h.Proto == ProtoICMP && h.EtherType == EtherTypeIPv4:
		return h.SrcPort == ICMPEcho || h.SrcPort == ICMPEchoReply
	case h.Proto == ProtoICMPv6 && h.EtherType == EtherTypeIPv6:
		return h.SrcPort == ICMPv6Echo || h.SrcPort == ICMPv6EchoReply
	}
	return false
}

// Packet is a parsed frame.
type Packet struct {
	Header
	// Frame is what was parsed. The packet does not copy it.
	Frame []byte
	// L3 and L4 are offsets into Frame of the network and transport headers; Payload is the offset behind the last header that was
	// understood and End that of the octet after the payload (link-layer padding lies behind it).
	L3, L4, Payload, End int

	// Of fragments: what tells those of one packet from those of others, where this one begins, in units of 8 octets, and whether more
	// follow. IPv4 has a number in every packet.
	FragmentID     uint32
	FragmentOffset uint16
	MoreFragments  bool

	ARP ARP       // for EtherTypeARP
	ND  Neighbour // for neighbour solicitations and advertisements
}

// Tagged reports whether the frame has an 802.1Q tag.
func (h *Header) Tagged() bool { return h.VLAN&VLANPresent != 0 }

// IsIP reports whether the packet is IPv4 or IPv6.
func (h *Header) IsIP() bool { return h.SrcIP.IsValid() }

// OpensTCP reports whether the packet asks for a TCP connection (RFC 9293: SYN without ACK).
func (p *Packet) OpensTCP() bool {
	const flags, syn, ack = 13, 0x02, 0x10
	return p.Proto == ProtoTCP && p.Fragment == Unfragmented && p.Frame[p.L4+flags]&(syn|ack) == syn
}

// Data returns the octets behind the last header, without link-layer padding.
func (p *Packet) Data() []byte { return p.Frame[p.Payload:p.End] }

// IsBridgeReserved reports whether the group address is one of the sixteen that no bridge forwards (IEEE 802.1Q table 8-1):
// spanning tree, LACP, 802.1X, LLDP.
func IsBridgeReserved(dst mac.Addr) bool {
	return [5]byte(dst[:5]) == [5]byte{0x01, 0x80, 0xc2, 0x00, 0x00} && dst[5] < 0x10
}

// ErrTruncated is in the tree of every error for a frame that ends inside a header or before the length it declares.
var ErrTruncated = errors.New("truncated")

// ErrMalformed is in the tree of every error for a frame whose fields contradict each other.
var ErrMalformed = errors.New("malformed")

func truncated(layer string, need, have int) error {
	return fmt.Errorf("%s: %w: needs %d octets, has %d", layer, ErrTruncated, need, have)
}

func malformed(layer, format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", layer, ErrMalformed, fmt.Sprintf(format, args...))
}

const ethernetLen = 14

// Parse reads the frame, from the Ethernet header on and without FCS, into p. On error p holds what was read before it.
func Parse(frame []byte, p *Packet) error {
	*p = Packet{Frame: frame, End: len(frame)}
	if len(frame) < ethernetLen {
		return truncated("Ethernet", ethernetLen, len(frame))
	}
	p.DstMAC, p.SrcMAC = mac.Addr(frame[0:6]), mac.Addr(frame[6:12])
	p.EtherType = binary.BigEndian.Uint16(frame[12:])
	p.L3 = ethernetLen
	if isTag(p.EtherType) {
		if err := p.parseTag(); err != nil {
			return err
		}
	}
	p.Payload = p.L3
	switch p.EtherType {
	case EtherTypeARP:
		return p.parseARP()
	case EtherTypeIPv4:
		return p.parseIPv4()
	case EtherTypeIPv6:
		return p.parseIPv6()
	}
	return nil
}

func isTag(etherType uint16) bool { return etherType == EtherTypeVLAN || etherType == EtherTypeQinQ }

func (p *Packet) parseTag() error {
	if len(p.Frame) < ethernetLen+4 {
		return truncated("802.1Q", 4, len(p.Frame)-ethernetLen)
	}
	p.VLAN = binary.BigEndian.Uint16(p.Frame[14:])&0x0fff | VLANPresent
	p.EtherType = binary.BigEndian.Uint16(p.Frame[16:])
	p.L3 = ethernetLen + 4
	return nil
}
