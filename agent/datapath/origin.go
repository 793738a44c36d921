package datapath

import (
	"encoding/binary"
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// OriginSize is how many octets follow a frame with OriginTunnelKey:
//
//	 0 tunnel key of the port that the frame is for
//	 4 router
//	20 source address, IPv4 in the first four octets and zeros
//	36 destination address
//	52 source port
//	54 destination port
//	56 1; 2 where it is Tracked
//	58 what makes the ones'-complement sum of it all 0xffff
//
// in network order. So a checksum over all that follows, which the frame's sender has left to hardware, comes out as if it were not there, also
// behind an odd number of octets.
const OriginSize = 60

const originTold, originTracked = 1, 2

// AppendOrigin returns the frame with the origin behind it.
func AppendOrigin(frame []byte, tunnelKey uint32, o flow.Origin) []byte {
	b := make([]byte, OriginSize)
	binary.BigEndian.PutUint32(b, tunnelKey)
	copy(b[4:], o.Router[:])
	copy(b[20:], o.Src.Addr().AsSlice())
	copy(b[36:], o.Dst.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[52:], o.Src.Port())
	binary.BigEndian.PutUint16(b[54:], o.Dst.Port())
	if b[57] = originTold; o.Tracked {
		b[57] = originTracked
	}
	binary.BigEndian.PutUint16(b[58:], packet.Checksum(b))
	return append(frame, b...)
}

// CutOrigin returns the frame without the origin, which is left as it is; false where there is none.
func CutOrigin(b []byte) (frame, origin []byte, ok bool) {
	at := len(b) - OriginSize
	if at < ethernetLen || packet.Checksum(b[at:]) != 0 || [2]byte(b[at+56:]) == [2]byte{} {
		return b, nil, false
	}
	return b[:at], b[at:], true
}

// ParseOrigin reads an origin of a connection of that family.
func ParseOrigin(b []byte, ipv4 bool) (tunnelKey uint32, o flow.Origin) {
	end := func(address, port []byte) netip.AddrPort {
		a := netip.AddrFrom16([16]byte(address[:16]))
		if ipv4 {
			a = netip.AddrFrom4([4]byte(address[:4]))
		}
		return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port))
	}
	return binary.BigEndian.Uint32(b), flow.Origin{
		Router: topology.RouterID(b[4:20]), Src: end(b[20:], b[52:]), Dst: end(b[36:], b[54:]),
		Tracked: binary.BigEndian.Uint16(b[56:]) == originTracked,
	}
}

// ethernetLen is the least that an interface carries.
const ethernetLen = 14
