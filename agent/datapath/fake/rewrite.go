package fake

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

var errNoSuchHeader = errors.New("the packet has not the header to be rewritten")

const macFields = flow.FieldSrcMAC | flow.FieldDstMAC

// editor changes a packet's headers in place. Checksums are updated by what changed (RFC 1624).
type editor struct {
	*packet.Packet
	partial bool // the transport checksum, not that of a header inside, holds the pseudo-header's sum, not complemented
}

// rewrite changes p.Frame; the other fields of p stay as they were parsed.
func rewrite(p *packet.Packet, r *flow.Rewrite, o datapath.Offload) error {
	e := editor{p, o.ChecksumPartial && int(o.ChecksumStart) == p.L4}
	has := func(f flow.Fields) bool { return r.Fields&f != 0 }
	if has(^macFields) && !p.IsIP() {
		return errNoSuchHeader
	}
	if has(flow.FieldSrcPort|flow.FieldDstPort) && !e.portsCanChange() {
		return errNoSuchHeader
	}
	if has(flow.FieldEchoID) && !p.IsEcho() {
		return errNoSuchHeader
	}
	for _, change := range []struct {
		field flow.Fields
		write func()
	}{
		{flow.FieldDstMAC, func() { copy(p.Frame, r.DstMAC[:]) }},
		{flow.FieldSrcMAC, func() { copy(p.Frame[6:], r.SrcMAC[:]) }},
		{flow.FieldSrcIP, func() { e.address(0, r.SrcIP) }},
		{flow.FieldDstIP, func() { e.address(1, r.DstIP) }},
		{flow.FieldSrcPort, func() { e.half(0, r.SrcPort) }},
		{flow.FieldDstPort, func() { e.half(2, r.DstPort) }},
		{flow.FieldEchoID, func() { e.half(4, r.EchoID) }},
		{flow.FieldTOS, func() { e.tos(r.TOS) }},
		{flow.FieldTTL, func() { e.takeHops(r.Hops) }},
	} {
		if has(change.field) {
			change.write()
		}
	}
	return nil
}

// portsCanChange is true of TCP and UDP alone: the kernel's datapath cannot update SCTP's CRC.
func (e editor) portsCanChange() bool {
	return e.Fragment != packet.FragmentLater && (e.Proto == packet.ProtoTCP || e.Proto == packet.ProtoUDP)
}

// address writes the source (index 0) or destination (1) address.
func (e editor) address(index int, a netip.Addr) {
	value := a.AsSlice()
	at := e.L3 + 8 + index*len(value)
	if e.ipv4() {
		at = e.L3 + 12 + index*len(value)
	}
	old := append([]byte(nil), e.Frame[at:at+len(value)]...)
	copy(e.Frame[at:], value)
	if e.ipv4() {
		e.update(e.L3+10, old, value, false)
	}
	if e.Proto != packet.ProtoICMP { // whose checksum has no pseudo-header
		e.updateTransport(old, value, true)
	}
}

func (e editor) ipv4() bool { return e.EtherType == packet.EtherTypeIPv4 }

// half writes a number of 16 bits at an offset from the transport header.
func (e editor) half(offset int, value uint16) {
	field := e.Frame[e.L4+offset : e.L4+offset+2]
	old := append([]byte(nil), field...)
	binary.BigEndian.PutUint16(field, value)
	e.updateTransport(old, field, false)
}

func (e editor) tos(tos uint8) {
	word := e.Frame[e.L3 : e.L3+2]
	old := append([]byte(nil), word...)
	if e.ipv4() {
		word[1] = tos
		e.update(e.L3+10, old, word, false)
		return
	}
	binary.BigEndian.PutUint16(word, binary.BigEndian.Uint16(word)&0xf00f|uint16(tos)<<4)
}

func (e editor) takeHops(hops uint8) {
	if !e.ipv4() {
		e.Frame[e.L3+7] -= hops
		return
	}
	word := e.Frame[e.L3+8 : e.L3+10]
	old := append([]byte(nil), word...)
	word[0] -= hops
	e.update(e.L3+10, old, word, false)
}

// updateTransport follows a change of the transport header, or of the pseudo-header.
func (e editor) updateTransport(old, new []byte, pseudo bool) {
	if e.Fragment == packet.FragmentLater || e.partial && !pseudo {
		return
	}
	switch e.Proto {
	case packet.ProtoTCP:
		e.update(e.L4+16, old, new, e.partial)
	case packet.ProtoUDP:
		e.updateUDP(old, new)
	case packet.ProtoICMP:
		if e.ipv4() {
			e.update(e.L4+2, old, new, e.partial)
		}
	case packet.ProtoICMPv6:
		if !e.ipv4() {
			e.update(e.L4+2, old, new, e.partial)
		}
	}
}

// updateUDP keeps 0, which means no checksum, and never makes one that is 0 (RFC 768).
func (e editor) updateUDP(old, new []byte) {
	at := e.L4 + 6
	field := e.Frame[at : at+2]
	if binary.BigEndian.Uint16(field) == 0 && !e.partial {
		return
	}
	e.update(at, old, new, e.partial)
	if binary.BigEndian.Uint16(field) == 0 && !e.partial {
		binary.BigEndian.PutUint16(field, 0xffff)
	}
}

// update changes the checksum at an offset of the frame for octets that changed from old to new, of one even length: equation 3
// of RFC 1624, and without the complements for a partial sum.
func (e editor) update(at int, old, new []byte, partial bool) {
	field := e.Frame[at : at+2]
	sum := uint32(binary.BigEndian.Uint16(field))
	if !partial {
		sum ^= 0xffff
	}
	for i := 0; i < len(old); i += 2 {
		sum += uint32(^binary.BigEndian.Uint16(old[i:])) + uint32(binary.BigEndian.Uint16(new[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if !partial {
		sum ^= 0xffff
	}
	binary.BigEndian.PutUint16(field, uint16(sum))
}
