package packet

import "encoding/binary"

// Cut returns the fragments, none with an IPv4 packet of more than mtu octets, that carry the packet of the frame on (RFC 791 section
// 3.2). p must be IPv4 and the frame have p's layout. A fragment is cut again.
func (p *Packet) Cut(frame []byte, mtu int) [][]byte {
	header, data := frame[:p.L4], frame[p.L4:p.End]
	room := (mtu - (p.L4 - p.L3)) &^ 7
	if room <= 0 {
		return nil
	}
	field := binary.BigEndian.Uint16(header[p.L3+6:])
	var fragments [][]byte
	for at := 0; at < len(data); at += room {
		part := data[at:min(at+room, len(data))]
		f := append(append(make([]byte, 0, len(header)+len(part)), header...), part...)
		own := field + uint16(at/8)
		if at+room < len(data) {
			own |= 0x2000
		}
		ip := f[p.L3:p.L4]
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(part)))
		binary.BigEndian.PutUint16(ip[6:], own)
		binary.BigEndian.PutUint16(ip[10:], 0)
		binary.BigEndian.PutUint16(ip[10:], Checksum(ip))
		fragments = append(fragments, f)
	}
	return fragments
}
