package packet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
)

// With returns a copy of p's frame that has h's MACs, addresses, TOS, TTL, ports and echo identifier in the place of p's. Checksums are
// updated by what changed (RFC 1624), so that a wrong one stays wrong; SCTP's, which cannot be, is computed anew where ports change.
// What p does not have stays away: h is p.Header with other values, or one of the other family that Header.In has made of it.
func (p *Packet) With(h Header) []byte {
	if p.IsIP() && h.EtherType != p.EtherType {
		return p.translated(h)
	}
	b := bytes.Clone(p.Frame)
	copy(b, h.DstMAC[:])
	copy(b[6:], h.SrcMAC[:])
	if !p.IsIP() {
		return b
	}
	e := edit{Packet: p, b: b}
	e.addresses(h)
	e.lifetime(h)
	if p.Fragment != FragmentLater {
		e.ports(h)
	}
	return b
}

// edit is a copy of a packet's frame that is being changed.
type edit struct {
	*Packet
	b []byte
}

func (e edit) ipv4() bool { return e.EtherType == EtherTypeIPv4 }

func (e edit) addresses(h Header) {
	at, size := e.L3+8, 16
	if e.ipv4() {
		at, size = e.L3+12, 4
	}
	for i, a := range []netip.Addr{h.SrcIP, h.DstIP} {
		field := e.b[at+i*size : at+(i+1)*size]
		if value := a.AsSlice(); len(value) == size && !bytes.Equal(field, value) {
			e.replace(field, value, e.ipv4(), e.hasPseudoHeader())
		}
	}
}

// lifetime writes TOS and TTL.
func (e edit) lifetime(h Header) {
	ip := e.b[e.L3:]
	if !e.ipv4() {
		binary.BigEndian.PutUint16(ip, binary.BigEndian.Uint16(ip)&0xf00f|uint16(h.TOS)<<4)
		ip[7] = h.TTL
		return
	}
	e.replace(ip[0:2], []byte{ip[0], h.TOS}, true, false)
	e.replace(ip[8:10], []byte{h.TTL, ip[9]}, true, false)
}

// ports writes the ports or the identifier of an echo.
func (e edit) ports(h Header) {
	if h.SrcPort == e.SrcPort && h.DstPort == e.DstPort {
		return
	}
	l4 := e.b[e.L4:e.End]
	switch {
	case e.IsEcho():
		e.replace(l4[4:6], binary.BigEndian.AppendUint16(nil, h.DstPort), false, true)
		if slices.Max(l4) == 0 { // the one message whose checksum is 0xffff and not 0, which the change does not tell
			binary.BigEndian.PutUint16(l4[2:], 0xffff)
		}
	case e.Proto == ProtoTCP, e.Proto == ProtoUDP:
		e.replace(l4[0:2], binary.BigEndian.AppendUint16(nil, h.SrcPort), false, true)
		e.replace(l4[2:4], binary.BigEndian.AppendUint16(nil, h.DstPort), false, true)
	case e.Proto == ProtoSCTP:
		binary.BigEndian.PutUint16(l4, h.SrcPort)
		binary.BigEndian.PutUint16(l4[2:], h.DstPort)
		clear(l4[8:12])
		binary.LittleEndian.PutUint32(l4[8:], crc32.Checksum(l4, castagnoli))
	}
}

// hasPseudoHeader reports whether the transport checksum covers the addresses.
func (e edit) hasPseudoHeader() bool {
	return e.Proto == ProtoTCP || e.Proto == ProtoUDP || e.Proto == ProtoICMPv6 && !e.ipv4()
}

// replace writes the value, of an even number of octets, and updates the checksums that cover it.
func (e edit) replace(field, value []byte, inIPv4, inTransport bool) {
	if inIPv4 {
		update(e.b[e.L3+10:], field, value)
	}
	if inTransport && e.Fragment != FragmentLater {
		e.updateTransport(field, value)
	}
	copy(field, value)
}

func (e edit) updateTransport(was, is []byte) {
	switch e.Proto {
	case ProtoTCP:
		update(e.b[e.L4+16:], was, is)
	case ProtoICMP, ProtoICMPv6:
		update(e.b[e.L4+2:], was, is)
	case ProtoUDP:
		field := e.b[e.L4+6 : e.L4+8]
		if binary.BigEndian.Uint16(field) == 0 {
			return // none (RFC 768)
		}
		if update(field, was, is); binary.BigEndian.Uint16(field) == 0 {
			binary.BigEndian.PutUint16(field, 0xffff)
		}
	}
}

// update changes a checksum for octets that change: equation 3 of RFC 1624.
func update(checksum, was, is []byte) {
	acc := uint64(^binary.BigEndian.Uint16(checksum))
	for i := 0; i < len(was); i += 2 {
		acc += uint64(^binary.BigEndian.Uint16(was[i:])) + uint64(binary.BigEndian.Uint16(is[i:]))
	}
	binary.BigEndian.PutUint16(checksum, ^fold(acc))
}
