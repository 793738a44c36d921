package packet

import (
	"encoding/binary"
	"math/rand/v2"
)

// Cut returns the fragments, none with an IP packet of more than mtu octets, that carry the packet of the frame on (RFC 791 section
// 3.2, RFC 8200 section 4.5). The frame must have p's layout. A fragment is cut again. None where no fragment has room for anything.
func (p *Packet) Cut(frame []byte, mtu int) [][]byte {
	header := frame[:p.L4]
	if p.EtherType == EtherTypeIPv6 {
		header = p.fragmentHeader(header)
	}
	data := frame[p.L4:p.End]
	room := (mtu - (len(header) - p.L3)) &^ 7
	if room <= 0 {
		return nil
	}
	var fragments [][]byte
	for at := 0; at < len(data); at += room {
		part := data[at:min(at+room, len(data))]
		f := append(append(make([]byte, 0, len(header)+len(part)), header...), part...)
		p.place(f, len(header), p.FragmentOffset+uint16(at/8), p.MoreFragments || at+room < len(data))
		fragments = append(fragments, f)
	}
	return fragments
}

// fragmentHeader returns the headers with a fragment header at their end, and nothing else between it and the network header.
func (p *Packet) fragmentHeader(header []byte) []byte {
	id := p.FragmentID
	if p.Fragment == Unfragmented {
		id = rand.Uint32() // not guessed from outside (RFC 7739)
	}
	b := append(make([]byte, 0, p.L3+ipv6Len+fragmentLen), header[:p.L3+ipv6Len]...)
	b[p.L3+6] = extFragment
	return binary.BigEndian.AppendUint32(append(b, p.Proto, 0, 0, 0), id)
}

// place writes what a fragment with headers up to l4 says of itself.
func (p *Packet) place(f []byte, l4 int, offset uint16, more bool) {
	ip := f[p.L3:l4]
	if p.EtherType == EtherTypeIPv6 {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(f)-p.L3-ipv6Len))
		binary.BigEndian.PutUint16(f[l4-fragmentLen+2:], fragmentField6(offset, more))
		return
	}
	field := binary.BigEndian.Uint16(ip[6:])&0xc000 | offset
	if more {
		field |= 0x2000
	}
	binary.BigEndian.PutUint16(ip[2:], uint16(len(f)-p.L3))
	binary.BigEndian.PutUint16(ip[6:], field)
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip))
}

// fragmentField6 returns offset, in units of 8 octets, and flag as IPv6's fragment header has them.
func fragmentField6(offset uint16, more bool) uint16 {
	if more {
		return offset<<3 | 1
	}
	return offset << 3
}
