package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Translation between IPv4 and IPv6 (RFC 7915): a packet keeps its transport header and payload, and gets the other family's network
// header. Options of IPv4 and extension headers of IPv6 are left out, but for what tells a fragment.

// MaxCutIPv4 is the size up to which what was IPv6 becomes an IPv4 packet that may be cut (RFC 7915 section 5.1): its sender cannot be
// told to make smaller ones.
const MaxCutIPv4 = MinIPv6MTU - ipv6Len + ipv4Len

// In returns the header of the packet as one of the addresses' family, which is the other one; false where there is none: fragments of
// ICMP, whose checksum covers their whole length, and messages that the other family has no counterpart of. An error's type and code
// are translated; what it says besides is WithQuote's.
func (h Header) In(src, dst netip.Addr) (Header, bool) {
	v := h
	v.SrcIP, v.DstIP, v.EtherType = src, dst, etherTypeOf(src)
	if h.Proto != ProtoICMP && h.Proto != ProtoICMPv6 {
		return v, true
	}
	if (h.Proto == ProtoICMP) != (h.EtherType == EtherTypeIPv4) || h.Fragment != Unfragmented {
		return v, false
	}
	v.Proto = ProtoICMP
	if src.Is6() {
		v.Proto = ProtoICMPv6
	}
	if h.IsEcho() {
		v.SrcPort = echoTypes[h.SrcPort]
		return v, true
	}
	e, ok := h.errorIn6()
	if v.Proto == ProtoICMP {
		e, ok = h.errorIn4()
	}
	v.SrcPort, v.DstPort = e.kind, e.code
	return v, ok
}

var echoTypes = map[uint16]uint16{
	ICMPEcho: ICMPv6Echo, ICMPEchoReply: ICMPv6EchoReply, ICMPv6Echo: ICMPEcho, ICMPv6EchoReply: ICMPEchoReply,
}

// errorKind is type and code of an ICMP error.
type errorKind struct{ kind, code uint16 }

// errorIn6 returns the kind of the ICMP error in ICMPv6 (RFC 7915 section 4.2).
func (h *Header) errorIn6() (errorKind, bool) {
	switch {
	case h.SrcPort == ICMPTimeExceeded:
		return errorKind{ICMPv6TimeExceeded, h.DstPort}, true
	case h.SrcPort == ICMPBadParameter && (h.DstPort == 0 || h.DstPort == 2):
		return errorKind{ICMPv6BadParameter, 0}, true
	case h.SrcPort != ICMPUnreachable:
		return errorKind{}, false
	}
	switch h.DstPort {
	case 2:
		return errorKind{ICMPv6BadParameter, 1}, true
	case 3:
		return errorKind{ICMPv6Unreachable, 4}, true
	case 4:
		return errorKind{ICMPv6TooBig, 0}, true
	case 9, 10, 13, 15:
		return errorKind{ICMPv6Unreachable, 1}, true
	case 14:
		return errorKind{}, false
	}
	return errorKind{ICMPv6Unreachable, 0}, h.DstPort <= 12
}

// errorIn4 returns the kind of the ICMPv6 error in ICMP (RFC 7915 section 5.2).
func (h *Header) errorIn4() (errorKind, bool) {
	switch h.SrcPort {
	case ICMPv6TooBig:
		return errorKind{ICMPUnreachable, 4}, true
	case ICMPv6TimeExceeded:
		return errorKind{ICMPTimeExceeded, h.DstPort}, true
	case ICMPv6BadParameter:
		if h.DstPort == 1 {
			return errorKind{ICMPUnreachable, 2}, true
		}
		return errorKind{ICMPBadParameter, 0}, h.DstPort == 0
	case ICMPv6Unreachable:
		switch h.DstPort {
		case 0, 2, 3:
			return errorKind{ICMPUnreachable, 1}, true
		case 1:
			return errorKind{ICMPUnreachable, 10}, true
		case 4:
			return errorKind{ICMPUnreachable, 3}, true
		}
	}
	return errorKind{}, false
}

// Growth returns how many octets longer the packet is in the other family.
func (p *Packet) Growth() int {
	own := p.L4 - p.L3
	if p.EtherType == EtherTypeIPv6 {
		return ipv4Len - own
	}
	if p.Fragment != Unfragmented {
		return ipv6Len + fragmentLen - own
	}
	return ipv6Len - own
}

// Plain reports whether the packet becomes one of the other family by an exchange of its network header and an update of its checksum:
// no options, no fragment, no UDP without a checksum, which IPv6 does not know.
func (p *Packet) Plain() bool {
	size := ipv6Len
	if p.EtherType == EtherTypeIPv4 {
		size = ipv4Len
	}
	return p.L3 == ethernetLen && p.L4-p.L3 == size && p.Fragment == Unfragmented && !p.lacksChecksum()
}

// lacksChecksum reports whether the packet is UDP over IPv4 without a checksum.
func (p *Packet) lacksChecksum() bool {
	return p.Proto == ProtoUDP && p.EtherType == EtherTypeIPv4 && p.Fragment != FragmentLater &&
		binary.BigEndian.Uint16(p.Frame[p.L4+6:]) == 0
}

// Translatable reports whether With can write the packet as one of the other family: of a UDP datagram without a checksum that comes in
// fragments nobody knows it (RFC 7915 section 4.5).
func (p *Packet) Translatable() bool { return p.Fragment == Unfragmented || !p.lacksChecksum() }

// translated returns the packet's frame in h's family.
func (p *Packet) translated(h Header) []byte {
	b := make([]byte, 0, ethernetLen+ipv6Len+fragmentLen+p.End-p.L4)
	b = p.appendNetwork(b, h, p.End-p.L4)
	at := len(b)
	b = append(b, p.Frame[p.L4:p.End]...)
	cross(b[at:], &p.Header, &h, p.End-p.L4, p.lacksChecksum())
	if h.SrcPort == p.SrcPort && h.DstPort == p.DstPort || h.Fragment == FragmentLater {
		return b
	}
	var in Packet
	if Parse(b, &in) != nil {
		return b // it is our own
	}
	return in.With(h)
}

// appendNetwork appends an Ethernet header and h's network header for so many octets.
func (p *Packet) appendNetwork(b []byte, h Header, size int) []byte {
	b = b[:ethernetLen]
	putEthernet(b, h.DstMAC, h.SrcMAC, h.EtherType)
	if h.EtherType == EtherTypeIPv4 {
		return appendIPv4Header(b, &h, size, p.identification(size), p.FragmentOffset, p.MoreFragments)
	}
	return appendIPv6Header(b, &h, size, p.FragmentID, p.FragmentOffset, p.MoreFragments)
}

// identification returns what tells the fragments of a packet that becomes IPv4 from those of others. One that is not cut has a number
// that the sender's next packets do not have; 0 where nobody may cut it.
func (p *Packet) identification(size int) uint16 {
	switch {
	case p.Fragment != Unfragmented:
		return uint16(p.FragmentID)
	case ipv4Len+size > MaxCutIPv4:
		return 0
	}
	return max(1, Checksum(p.Frame[p.L4:p.End]))
}

// appendIPv4Header appends a header whose DF is set where there is no identification.
func appendIPv4Header(b []byte, h *Header, size int, id, offset uint16, more bool) []byte {
	at := len(b)
	switch {
	case more:
		offset |= 0x2000
	case id == 0 && offset == 0:
		offset = 0x4000
	}
	b = append(b, 0x45, h.TOS)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4Len+size))
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, offset)
	b = append(b, h.TTL, h.Proto, 0, 0)
	b = append(append(b, h.SrcIP.AsSlice()...), h.DstIP.AsSlice()...)
	binary.BigEndian.PutUint16(b[at+10:], Checksum(b[at:]))
	return b
}

// appendIPv6Header appends a header, and where h is a fragment a fragment header.
func appendIPv6Header(b []byte, h *Header, size int, id uint32, offset uint16, more bool) []byte {
	next := h.Proto
	if h.Fragment != Unfragmented {
		next, size = extFragment, size+fragmentLen
	}
	b = append(b, 0x60|h.TOS>>4, h.TOS<<4, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	b = append(b, next, h.TTL)
	b = append(append(b, h.SrcIP.AsSlice()...), h.DstIP.AsSlice()...)
	if h.Fragment == Unfragmented {
		return b
	}
	b = binary.BigEndian.AppendUint16(append(b, h.Proto, 0), fragmentField6(offset, more))
	return binary.BigEndian.AppendUint32(b, id)
}

// cross makes a transport header, of which some or all is here, one of the other family: the type of ICMP, and the checksum where it is
// here. size is how long the packet says that header and payload are. A checksum that is missing is computed.
func cross(l4 []byte, from, to *Header, size int, missing bool) {
	if from.Fragment == FragmentLater {
		return
	}
	acc := uint64(^fold(pseudoSum(from.SrcIP, from.DstIP, from.Proto, size))) + pseudoSum(to.SrcIP, to.DstIP, to.Proto, size)
	if at := checksumAt(from.Proto); at == 0 || len(l4) < at+2 {
		return
	} else if missing {
		c := transportSum(to.SrcIP, to.DstIP, to.Proto, l4)
		binary.BigEndian.PutUint16(l4[at:], nonZero(c))
	} else {
		crossChecksum(l4, l4[at:at+2], from, to, acc)
	}
}

func crossChecksum(l4, field []byte, from, to *Header, acc uint64) {
	icmp := from.Proto == ProtoICMP || from.Proto == ProtoICMPv6
	if icmp {
		was := binary.BigEndian.Uint16(l4)
		l4[0], l4[1] = uint8(to.SrcPort), uint8(to.DstPort)
		if to.echoType() {
			l4[1] = 0
		}
		acc += uint64(^was) + uint64(binary.BigEndian.Uint16(l4))
	}
	old := binary.BigEndian.Uint16(field)
	if from.Proto == ProtoUDP && old == 0 {
		return
	}
	c := ^fold(uint64(^old) + acc)
	switch {
	case from.Proto == ProtoUDP:
		c = nonZero(c)
	case icmp && c == 0 && to.Proto == ProtoICMP && allZero(l4[:2]) && allZero(l4[4:]):
		c = 0xffff // as edit.ports has it
	}
	binary.BigEndian.PutUint16(field, c)
}

// nonZero is how UDP writes a checksum that comes out as 0 (RFC 768).
func nonZero(c uint16) uint16 {
	if c == 0 {
		return 0xffff
	}
	return c
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// checksumAt returns where the checksum that a change of the family touches stands in a transport header; 0: there is none.
func checksumAt(proto uint8) int {
	switch proto {
	case ProtoTCP:
		return 16
	case ProtoUDP:
		return 6
	case ProtoICMP, ProtoICMPv6:
		return 2
	}
	return 0
}

// In returns the quote as one of the addresses' family, which is the other one; false where it cannot be one. Its ports stay.
func (q Quote) In(src, dst netip.Addr) (Quote, bool) {
	v := q
	v.Src, v.Dst = src, dst
	switch {
	case q.Later || isExtension(q.Proto):
		return v, false
	case q.Proto == ProtoICMP && src.Is6():
		v.Proto = ProtoICMPv6
	case q.Proto == ProtoICMPv6 && src.Is4():
		v.Proto = ProtoICMP
	}
	return v, true
}

// translatedError returns the error p as one of h's family, which quotes q: a network header like the one that was quoted, and what
// followed it.
func (p *Packet) translatedError(h Header, q Quote) []byte {
	ip := p.Frame[q.l3:min(q.l4, p.End)]
	rest := bytes.Clone(p.Frame[min(q.l4, p.End):p.End])
	was, size := readNetwork(ip)
	if len(rest) > 0 {
		was.SrcPort = uint16(rest[0]) // of ICMP
	}
	is, _ := was.In(q.Src, q.Dst)
	cross(rest, &was, &is, size, false)
	b := make([]byte, 0, ipv6Len+len(rest))
	if is.EtherType == EtherTypeIPv4 {
		b = appendIPv4Header(b, &is, size, 0, 0, false)
	} else {
		b = appendIPv6Header(b, &is, size, 0, 0, false)
	}
	return h.Error(p.errorValue(h), append(b, rest...))
}

// readNetwork returns what a network header says, which is no fragment's, and how long it says that the rest is.
func readNetwork(ip []byte) (h Header, size int) {
	if ip[0]>>4 == 4 {
		return Header{
			EtherType: EtherTypeIPv4, SrcIP: netip.AddrFrom4([4]byte(ip[12:])), DstIP: netip.AddrFrom4([4]byte(ip[16:])),
			Proto: ip[9], TOS: ip[1], TTL: ip[8],
		}, int(binary.BigEndian.Uint16(ip[2:])) - len(ip)
	}
	return Header{
		EtherType: EtherTypeIPv6, SrcIP: netip.AddrFrom16([16]byte(ip[8:])), DstIP: netip.AddrFrom16([16]byte(ip[24:])),
		Proto: ip[6], TOS: uint8(binary.BigEndian.Uint16(ip) >> 4), TTL: ip[7],
	}, int(binary.BigEndian.Uint16(ip[4:]))
}

// errorValue returns the second word of the error p's ICMP header as it is in h's family. An MTU is that of the other family, and of IPv6
// no smaller than every link's.
func (p *Packet) errorValue(h Header) uint32 {
	word := binary.BigEndian.Uint32(p.Frame[p.L4+4:])
	switch {
	case h.EtherType == EtherTypeIPv6 && h.SrcPort == ICMPv6TooBig:
		return max(word&0xffff+ipv6Len-ipv4Len, MinIPv6MTU)
	case h.EtherType == EtherTypeIPv4 && p.SrcPort == ICMPv6TooBig:
		return min(word, 0xffff) - min(word, ipv6Len-ipv4Len)
	case h.EtherType == EtherTypeIPv6 && h.SrcPort == ICMPv6BadParameter:
		if h.DstPort == 1 {
			return nextHeaderAt
		}
		return uint32(pointers6[min(word>>24, 20)])
	case h.EtherType == EtherTypeIPv4 && h.SrcPort == ICMPBadParameter:
		return uint32(pointers4[min(word, 40)]) << 24
	}
	return 0
}

// nextHeaderAt is where an IPv6 header says what follows it.
const nextHeaderAt = 6

// Where the field at an octet of one header stands in the other (RFC 7915 figures 3 and 6); what has no counterpart, at the front.
var (
	pointers6 = [21]uint8{0: 0, 1: 1, 2: 4, 3: 4, 8: 7, 9: 6, 12: 8, 13: 8, 14: 8, 15: 8, 16: 24, 17: 24, 18: 24, 19: 24}
	pointers4 = func() (p [41]uint8) {
		p[1], p[4], p[5], p[6], p[7] = 1, 2, 2, 9, 8
		for i := 8; i < 24; i++ {
			p[i], p[i+16] = 12, 16
		}
		return p
	}()
)
