package packet

import (
	"encoding/binary"
	"net/netip"
)

// Types of ICMP errors (RFC 792) and ICMPv6 errors (RFC 4443).
const (
	ICMPUnreachable  uint16 = 3
	ICMPSourceQuench uint16 = 4
	ICMPRedirect     uint16 = 5
	ICMPTimeExceeded uint16 = 11
	ICMPBadParameter uint16 = 12

	ICMPv6Unreachable  uint16 = 1
	ICMPv6TooBig       uint16 = 2
	ICMPv6TimeExceeded uint16 = 3
	ICMPv6BadParameter uint16 = 4
)

// IsError reports whether the packet is an ICMP error of either family, or a redirect: what no error may be sent about.
func (h *Header) IsError() bool {
	if h.Fragment == FragmentLater {
		return false
	}
	switch {
	case h.Proto == ProtoICMP && h.EtherType == EtherTypeIPv4:
		return h.SrcPort >= ICMPUnreachable && h.SrcPort <= ICMPRedirect || h.SrcPort == ICMPTimeExceeded || h.SrcPort == ICMPBadParameter
	case h.Proto == ProtoICMPv6 && h.EtherType == EtherTypeIPv6:
		return h.SrcPort < ICMPv6Echo || h.SrcPort == NDRedirect
	}
	return false
}

// Length returns the octets of the IP packet, from its header on.
func (p *Packet) Length() int { return p.End - p.L3 }

// DontFragment reports whether no router may cut the packet: IPv4's DF, and always of IPv6.
func (p *Packet) DontFragment() bool {
	return p.EtherType != EtherTypeIPv4 || p.Frame[p.L3+6]&0x40 != 0
}

// Sizes up to which an ICMP error quotes the packet that it is about, headers and all (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
const (
	maxError4 = 576
	maxError6 = 1280
)

// Error returns an ICMP error from h about the packet whose octets, from the network header on, are given. h says the addresses
// and, as SrcPort and DstPort, type and code. value is the second word of the ICMP header: an MTU, a pointer, or 0.
func (h Header) Error(value uint32, about []byte) []byte {
	h.Proto, h.EtherType, h.TOS = ProtoICMP, EtherTypeIPv4, 0xc0 // internetwork control (RFC 1812 section 4.3.2.5)
	room := maxError4 - ipv4Len - echoLen
	if h.SrcIP.Is6() {
		h.Proto, h.EtherType, h.TOS = ProtoICMPv6, EtherTypeIPv6, 0
		room = maxError6 - ipv6Len - echoLen
	}
	return h.Frame(append(binary.BigEndian.AppendUint32(nil, value), about[:min(len(about), room)]...))
}

// Quote is what an ICMP error says of the packet that it is about, as that packet was where the error was made.
type Quote struct {
	Proto            uint8
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16 // of echo both are the identifier
	HasPorts         bool   // of a protocol that has them, or echo
	Later            bool   // it is a later fragment
	l3, l4           int    // offsets into the error's frame
}

// Quoted returns what the error p quotes; false where it quotes too little. A later fragment has no ports.
func (p *Packet) Quoted() (q Quote, ok bool) {
	if !p.IsError() {
		return q, false
	}
	q.l3 = p.L4 + echoLen
	b := p.Frame[min(q.l3, p.End):p.End]
	switch {
	case p.EtherType == EtherTypeIPv4 && len(b) >= ipv4Len && b[0]>>4 == 4:
		q.Proto, q.Src, q.Dst = b[9], netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		q.l4 = q.l3 + int(b[0]&0x0f)*4
		q.Later = binary.BigEndian.Uint16(b[6:])&0x1fff != 0
	case p.EtherType == EtherTypeIPv6 && len(b) >= ipv6Len && b[0]>>4 == 6:
		q.Proto, q.Src, q.Dst = b[6], netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		q.l4 = q.l3 + ipv6Len
	default:
		return q, false
	}
	if l4 := p.Frame[min(q.l4, p.End):p.End]; !q.Later && len(l4) >= 8 {
		q.readPorts(l4, p.EtherType)
	}
	return q, true
}

func (q *Quote) readPorts(l4 []byte, etherType uint16) {
	switch q.Proto {
	case ProtoTCP, ProtoUDP, ProtoSCTP:
		q.SrcPort, q.DstPort, q.HasPorts = binary.BigEndian.Uint16(l4), binary.BigEndian.Uint16(l4[2:]), true
	case ProtoICMP, ProtoICMPv6:
		h := Header{EtherType: etherType, Proto: q.Proto, SrcPort: uint16(l4[0])}
		if h.IsEcho() {
			q.SrcPort = binary.BigEndian.Uint16(l4[4:])
			q.DstPort, q.HasPorts = q.SrcPort, true
		}
	}
}

// WithQuote returns a copy of the error p's frame with the header h, as With does, and with q in the place of what it quoted. The quoted
// packet's own checksums follow where they are quoted (RFC 5508 section 4.2), and the error's is computed anew. Of another family h and q
// are as Header.In and Quote.In have made them.
func (p *Packet) WithQuote(h Header, q Quote) []byte {
	if h.EtherType != p.EtherType {
		return p.translatedError(h, q)
	}
	b := p.With(h)
	e := edit{Packet: &Packet{Header: Header{EtherType: p.EtherType, Proto: q.Proto}, L3: q.l3, L4: q.l4, End: p.End}, b: b}
	if q.l4+checksumEnd(q.Proto) > p.End {
		e.Fragment = FragmentLater // its checksum is not here
	}
	e.addresses(Header{SrcIP: q.Src, DstIP: q.Dst})
	if q.HasPorts {
		e.quotedPorts(q)
	}
	binary.BigEndian.PutUint16(b[p.L4+2:], 0)
	binary.BigEndian.PutUint16(b[p.L4+2:], transportSum(h.SrcIP, h.DstIP, p.Proto, b[p.L4:p.End]))
	return b
}

// quotedPorts writes into what may be no more than eight octets of a transport header.
func (e edit) quotedPorts(q Quote) {
	l4 := e.b[e.L4:e.End]
	if q.Proto == ProtoICMP || q.Proto == ProtoICMPv6 {
		e.replace(l4[4:6], binary.BigEndian.AppendUint16(nil, q.SrcPort), false, true)
		return
	}
	e.replace(l4[0:2], binary.BigEndian.AppendUint16(nil, q.SrcPort), false, true)
	e.replace(l4[2:4], binary.BigEndian.AppendUint16(nil, q.DstPort), false, true)
}

// checksumEnd returns how much of a transport header has its checksum in it.
func checksumEnd(proto uint8) int {
	if proto == ProtoTCP {
		return 18
	}
	return 8
}

// EchoReply returns the frame that answers the echo request p, of which nothing has been cut off: from the one it was for to the one
// who sent it.
func (p *Packet) EchoReply() []byte {
	h := p.Header
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.TTL = p.DstMAC, p.SrcMAC, p.DstIP, p.SrcIP, 64
	b := p.With(h)
	l4 := b[p.L4:p.End]
	l4[0] = uint8(ICMPEchoReply)
	if p.Proto == ProtoICMPv6 {
		l4[0] = uint8(ICMPv6EchoReply)
	}
	l4[1], l4[2], l4[3] = 0, 0, 0
	binary.BigEndian.PutUint16(l4[2:], transportSum(h.SrcIP, h.DstIP, h.Proto, l4))
	return b
}
