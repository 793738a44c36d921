package packet

import (
	"encoding/binary"
	"net/netip"
)

// Checksum returns the Internet checksum of b (RFC 1071): the complement of the ones'-complement sum of its 16-bit words. Over
// data that holds its own right checksum the result is 0.
func Checksum(b []byte) uint16 { return ^fold(sum(0, b)) }

// sum adds the 16-bit words of b to acc; an odd last octet counts as the upper half of a word.
func sum(acc uint64, b []byte) uint64 {
	for len(b) >= 4 {
		acc += uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		acc += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint64(b[0]) << 8
	}
	return acc
}

func fold(acc uint64) uint16 {
	for acc > 0xffff {
		acc = acc>>16 + acc&0xffff
	}
	return uint16(acc)
}

// transportSum returns the checksum of a transport header and payload with the pseudo-header.
func transportSum(src, dst netip.Addr, proto uint8, segment []byte) uint16 {
	return ^fold(sum(pseudoSum(src, dst, proto, len(segment)), segment))
}

// pseudoSum returns the sum of the pseudo-header of RFC 793 or RFC 8200 section 8.1 for so many octets. ICMP over IPv4 has none.
func pseudoSum(src, dst netip.Addr, proto uint8, size int) uint64 {
	if proto == ProtoICMP {
		return 0
	}
	s, d := src.As16(), dst.As16()
	acc := uint64(proto) + uint64(size)
	if src.Is4() {
		return sum(sum(acc, s[12:]), d[12:])
	}
	return sum(sum(acc, s[:]), d[:])
}

// PseudoSum returns the folded sum of the pseudo-header for so many octets of transport header and payload; 0 where there is none.
func PseudoSum(h *Header, size int) uint16 { return fold(pseudoSum(h.SrcIP, h.DstIP, h.Proto, size)) }
