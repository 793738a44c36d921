package packet

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"

	"midonet.org/midonet/mac"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Frame returns a frame with the header's fields around the payload: what Parse reads back as the same Header. Lengths and
// checksums are computed. A TTL of 0 becomes 64. An IPv6 fragment gets a fragment header; the payload of a later fragment follows
// the network header at an offset of 8 octets.
func (h Header) Frame(payload []byte) []byte {
	return h.AppendFrame(make([]byte, 0, ethernetLen+4+ipv6Len+8+tcpLen+len(payload)), payload)
}

// AppendFrame appends the frame that Frame returns.
func (h Header) AppendFrame(b, payload []byte) []byte {
	l2 := len(b)
	b = append(b, make([]byte, ethernetLen)...)
	if h.Tagged() {
		putEthernet(b[l2:], h.DstMAC, h.SrcMAC, EtherTypeVLAN)
		b = binary.BigEndian.AppendUint16(b, h.VLAN&0x0fff)
		b = binary.BigEndian.AppendUint16(b, h.EtherType)
	} else {
		putEthernet(b[l2:], h.DstMAC, h.SrcMAC, h.EtherType)
	}
	if h.TTL == 0 {
		h.TTL = 64
	}
	switch h.EtherType {
	case EtherTypeIPv4:
		return h.appendIPv4(b, payload)
	case EtherTypeIPv6:
		return h.appendIPv6(b, payload)
	}
	return append(b, payload...)
}

// WrapUDP returns a frame that carries payload in UDP over IPv4 or IPv6, whichever the addresses are.
func WrapUDP(srcMAC, dstMAC mac.Addr, src, dst netip.AddrPort, payload []byte) []byte {
	h := Header{
		SrcMAC: srcMAC, DstMAC: dstMAC, EtherType: etherTypeOf(src.Addr()), Proto: ProtoUDP,
		SrcIP: src.Addr(), DstIP: dst.Addr(), SrcPort: src.Port(), DstPort: dst.Port(),
	}
	return h.Frame(payload)
}

func etherTypeOf(a netip.Addr) uint16 {
	if a.Is4() {
		return EtherTypeIPv4
	}
	return EtherTypeIPv6
}

func putEthernet(b []byte, dst, src mac.Addr, etherType uint16) {
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], etherType)
}

// fragmentField returns a fragment's offset (in units of 8 octets) and whether more follow.
func (h *Header) fragmentField() (offset uint16, more bool) {
	switch h.Fragment {
	case FragmentFirst:
		return 0, true
	case FragmentLater:
		return 1, false
	}
	return 0, false
}

func (h *Header) appendIPv4(b, payload []byte) []byte {
	l3 := len(b)
	offset, more := h.fragmentField()
	if more {
		offset |= 0x2000
	}
	b = append(b, 0x45, h.TOS, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, offset)
	b = append(b, h.TTL, h.Proto, 0, 0)
	b = append(b, h.SrcIP.AsSlice()...)
	b = append(b, h.DstIP.AsSlice()...)
	b = h.appendTransport(b, payload)
	binary.BigEndian.PutUint16(b[l3+2:], uint16(len(b)-l3))
	binary.BigEndian.PutUint16(b[l3+10:], Checksum(b[l3:l3+ipv4Len]))
	return b
}

func (h *Header) appendIPv6(b, payload []byte) []byte {
	l3 := len(b)
	next := h.Proto
	if h.Fragment != Unfragmented {
		next = extFragment
	}
	b = append(b, 0x60|h.TOS>>4, h.TOS<<4, 0, 0, 0, 0, next, h.TTL)
	b = append(b, h.SrcIP.AsSlice()...)
	b = append(b, h.DstIP.AsSlice()...)
	if h.Fragment != Unfragmented {
		offset, more := h.fragmentField()
		b = binary.BigEndian.AppendUint16(append(b, h.Proto, 0), fragmentField6(offset, more))
		b = append(b, 0, 0, 0, 0)
	}
	b = h.appendTransport(b, payload)
	binary.BigEndian.PutUint16(b[l3+4:], uint16(len(b)-l3-ipv6Len))
	return b
}

// appendTransport appends the transport header, the payload, and the checksum where the whole segment is here.
func (h *Header) appendTransport(b, payload []byte) []byte {
	if h.Fragment == FragmentLater {
		return append(b, payload...)
	}
	l4, checksum := len(b), 0
	switch {
	case h.Proto == ProtoTCP:
		b, checksum = appendPorts(b, h, tcpLen), 16
		b[l4+12] = tcpLen / 4 << 4
		b[l4+13] = 0x02 // SYN: the packet that opens a connection
		b[l4+14] = 0xff // window
	case h.Proto == ProtoUDP:
		b, checksum = appendPorts(b, h, udpLen), 6
		binary.BigEndian.PutUint16(b[l4+4:], uint16(udpLen+len(payload)))
	case h.Proto == ProtoSCTP:
		b = append(appendPorts(b, h, sctpLen), payload...)
		binary.LittleEndian.PutUint32(b[l4+8:], crc32.Checksum(b[l4:], castagnoli)) // RFC 9260 appendix A
		return b
	case h.Proto == ProtoICMP && h.EtherType == EtherTypeIPv4, h.Proto == ProtoICMPv6 && h.EtherType == EtherTypeIPv6:
		b, checksum = h.appendICMP(b), 2
	}
	b = append(b, payload...)
	if checksum != 0 && h.Fragment == Unfragmented {
		c := transportSum(h.SrcIP, h.DstIP, h.Proto, b[l4:])
		if c == 0 && h.Proto == ProtoUDP {
			c = 0xffff // 0 would say that there is none (RFC 768)
		}
		binary.BigEndian.PutUint16(b[l4+checksum:], c)
	}
	return b
}

// appendICMP appends type and code or, of echo, type, identifier and the sequence number 0.
func (h *Header) appendICMP(b []byte) []byte {
	if h.echoType() {
		return append(b, uint8(h.SrcPort), 0, 0, 0, uint8(h.DstPort>>8), uint8(h.DstPort), 0, 0)
	}
	return append(b, uint8(h.SrcPort), uint8(h.DstPort), 0, 0)
}

func appendPorts(b []byte, h *Header, size int) []byte {
	l4 := len(b)
	b = append(b, make([]byte, size)...)
	binary.BigEndian.PutUint16(b[l4:], h.SrcPort)
	binary.BigEndian.PutUint16(b[l4+2:], h.DstPort)
	return b
}

// multicastMAC returns the Ethernet group address of an IP multicast group (RFC 1112 section 6.4, RFC 2464 section 7).
func multicastMAC(group netip.Addr) mac.Addr {
	a := group.As16()
	if group.Is4() {
		return mac.Addr{0x01, 0x00, 0x5e, a[13] & 0x7f, a[14], a[15]}
	}
	return mac.Addr{0x33, 0x33, a[12], a[13], a[14], a[15]}
}
