package packet

import (
	"encoding/binary"
	"net/netip"
)

// Sizes of the network headers, without options, and of IPv6's fragment header.
const ipv4Len, ipv6Len, fragmentLen = 20, 40, 8

// MinIPv6MTU is the largest packet that every IPv6 link carries (RFC 8200 section 5).
const MinIPv6MTU = 1280

func (p *Packet) parseIPv4() error {
	b := p.Frame[p.L3:]
	if len(b) < ipv4Len {
		return truncated("IPv4", ipv4Len, len(b))
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) // a frame over 65,535 octets that the sender left to hardware to cut (Linux: BIG TCP)
	}
	switch {
	case b[0]>>4 != 4:
		return malformed("IPv4", "version %d", b[0]>>4)
	case header < ipv4Len || header > total:
		return malformed("IPv4", "header length %d in a packet of %d octets", header, total)
	case total > len(b):
		return truncated("IPv4", total, len(b))
	}
	p.TOS, p.TTL, p.Proto = b[1], b[8], b[9]
	p.SrcIP, p.DstIP = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	p.setFragment(uint32(binary.BigEndian.Uint16(b[4:])), binary.BigEndian.Uint16(b[6:])&0x1fff, b[6]&0x20 != 0)
	p.L4, p.End = p.L3+header, p.L3+total
	return p.parseTransport()
}

// setFragment notes the packet's place among fragments.
func (p *Packet) setFragment(id uint32, offset uint16, more bool) {
	p.FragmentID, p.FragmentOffset, p.MoreFragments, p.Fragment = id, offset, more, fragmentOf(offset, more)
}

// fragmentOf tells the place of a fragment from its offset (in units of 8 octets) and the more-fragments flag.
func fragmentOf(offset uint16, more bool) uint8 {
	switch {
	case offset != 0:
		return FragmentLater
	case more:
		return FragmentFirst
	}
	return Unfragmented
}

func (p *Packet) parseIPv6() error {
	b := p.Frame[p.L3:]
	if len(b) < ipv6Len {
		return truncated("IPv6", ipv6Len, len(b))
	}
	if b[0]>>4 != 6 {
		return malformed("IPv6", "version %d", b[0]>>4)
	}
	total := ipv6Len + int(binary.BigEndian.Uint16(b[4:]))
	if total == ipv6Len && b[6] == extHopByHop {
		total = len(b) // a jumbogram (RFC 2675), or BIG TCP
	}
	if total > len(b) {
		return truncated("IPv6", total, len(b))
	}
	p.TOS = uint8(binary.BigEndian.Uint16(b) >> 4)
	p.Proto, p.TTL = b[6], b[7]
	p.SrcIP, p.DstIP = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	p.L4, p.End = p.L3+ipv6Len, p.L3+total
	if err := p.skipExtensions(); err != nil {
		return err
	}
	return p.parseTransport()
}

// IPv6 extension headers that are stepped over (RFC 8200 section 4; RFC 4302 for authentication).
const (
	extHopByHop    uint8 = 0
	extRouting     uint8 = 43
	extFragment    uint8 = 44
	extAuth        uint8 = 51
	extDestination uint8 = 60
)

// MaxExtensions is how many IPv6 extension headers are stepped over: each kind once and the destination options twice, as
// RFC 8200 section 4.1 recommends, with some room. A packet with more is malformed.
const MaxExtensions = 8

// skipExtensions moves L4 behind the extension headers and sets Proto and Fragment.
func (p *Packet) skipExtensions() error {
	for range MaxExtensions {
		size, err := p.extension()
		if err != nil || size == 0 {
			return err
		}
		p.Proto = p.Frame[p.L4]
		p.L4 += size
		if p.Fragment == FragmentLater {
			return nil
		}
	}
	if size, err := p.extension(); err != nil || size == 0 {
		return err
	}
	return malformed("IPv6", "more than %d extension headers", MaxExtensions)
}

func isExtension(proto uint8) bool {
	switch proto {
	case extHopByHop, extRouting, extFragment, extAuth, extDestination:
		return true
	}
	return false
}

// extension returns the size of the extension header at L4, 0 where Proto says that there is none. It notes a fragment header.
func (p *Packet) extension() (int, error) {
	if !isExtension(p.Proto) {
		return 0, nil
	}
	b := p.Frame[p.L4:p.End]
	if len(b) < 8 {
		return 0, truncated("IPv6 extension header", 8, len(b))
	}
	size := 8 + int(b[1])*8
	switch p.Proto {
	case extAuth:
		size = 8 + int(b[1])*4
	case extFragment:
		size = fragmentLen
		field := binary.BigEndian.Uint16(b[2:])
		p.setFragment(binary.BigEndian.Uint32(b[4:]), field>>3, field&1 != 0)
	}
	if size > len(b) {
		return 0, truncated("IPv6 extension header", size, len(b))
	}
	return size, nil
}

// Least sizes of the transport headers.
const tcpLen, udpLen, sctpLen, icmpLen, echoLen = 20, 8, 12, 4, 8

// parseTransport reads ports or type and code; a protocol that has neither is payload.
func (p *Packet) parseTransport() error {
	p.Payload = p.L4
	if p.Fragment == FragmentLater {
		return nil
	}
	switch p.Proto {
	case ProtoTCP:
		return p.parseTCP()
	case ProtoUDP:
		return p.parsePorts("UDP", udpLen)
	case ProtoSCTP:
		return p.parsePorts("SCTP", sctpLen)
	case ProtoICMP:
		if p.EtherType == EtherTypeIPv4 {
			return p.parseICMP("ICMP")
		}
	case ProtoICMPv6:
		if p.EtherType == EtherTypeIPv6 {
			return p.parseICMPv6()
		}
	}
	return nil
}

func (p *Packet) parsePorts(layer string, size int) error {
	b := p.Frame[p.L4:p.End]
	if len(b) < size {
		return truncated(layer, size, len(b))
	}
	p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.Payload = p.L4 + size
	return nil
}

func (p *Packet) parseTCP() error {
	if err := p.parsePorts("TCP", tcpLen); err != nil {
		return err
	}
	size := int(p.Frame[p.L4+12]>>4) * 4
	switch {
	case size < tcpLen:
		return malformed("TCP", "header length %d", size)
	case p.L4+size > p.End && p.Fragment == Unfragmented:
		return truncated("TCP", size, p.End-p.L4)
	}
	p.Payload = min(p.L4+size, p.End)
	return nil
}

func (p *Packet) parseICMP(layer string) error {
	b := p.Frame[p.L4:p.End]
	if len(b) < icmpLen {
		return truncated(layer, icmpLen, len(b))
	}
	p.SrcPort, p.DstPort = uint16(b[0]), uint16(b[1])
	p.Payload = p.L4 + icmpLen
	if !p.echoType() {
		return nil
	}
	if len(b) < echoLen {
		return truncated(layer+" echo", echoLen, len(b))
	}
	p.DstPort = binary.BigEndian.Uint16(b[4:])
	p.Payload = p.L4 + echoLen
	return nil
}

func (p *Packet) parseICMPv6() error {
	if err := p.parseICMP("ICMPv6"); err != nil {
		return err
	}
	if p.Fragment != Unfragmented {
		return nil // neighbour discovery is never fragmented (RFC 6980)
	}
	switch p.SrcPort {
	case NDNeighbourSolicitation, NDNeighbourAdvertisement:
		return p.parseNeighbour()
	}
	return nil
}
