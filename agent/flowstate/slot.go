package flowstate

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"

	"midonet.org/midonet/agent/flow"
)

// packed is a state in a fixed number of octets, the same on every machine: it is what a slot of the file holds, without its
// checksum. Addresses take 16 octets, IPv4 in the first four.
//
//	0 kind          20 source             56 value's family
//	1 protocol      36 destination        57 0
//	2 families      52 source port        58 value's port
//	3 0             54 destination port   60 value's address
//	4 device
type packed [76]byte

// packedKey is the part of it that names the state.
type packedKey [56]byte

// packedConn is the part of it that names the connection.
type packedConn [38]byte

// Families of an address.
const (
	noFamily uint8 = iota
	ipv4
	ipv6
)

func family(a netip.Addr) uint8 {
	switch {
	case a.Is4():
		return ipv4
	case a.Is6():
		return ipv6
	}
	return noFamily
}

// address is the inverse of netip.Addr's AsSlice, given the family.
func address(b []byte, family uint8) netip.Addr {
	switch family {
	case ipv4:
		return netip.AddrFrom4([4]byte(b))
	case ipv6:
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.Addr{}
}

func (p *packed) kind() flow.StateKind { return flow.StateKind(p[0]) }
func (p *packed) proto() uint8         { return p[1] }
func (p *packed) device() [16]byte     { return [16]byte(p[4:20]) }
func (p *packed) source() netip.Addr   { return address(p[20:36], p[2]&3) }
func (p *packed) dstPort() uint16      { return binary.BigEndian.Uint16(p[54:]) }

func packKey(k flow.StateKey) (p packedKey) {
	c := &k.Conn
	p[0], p[1], p[2] = uint8(k.Kind), c.Proto, family(c.Src)|family(c.Dst)<<2
	copy(p[4:], k.Device[:])
	putAddress(p[20:36], c.Src)
	putAddress(p[36:52], c.Dst)
	binary.BigEndian.PutUint16(p[52:], c.SrcPort)
	binary.BigEndian.PutUint16(p[54:], c.DstPort)
	return p
}

// setDstPort changes the destination's port, and with it the source's where the two are an echo's identifier.
func (p *packedKey) setDstPort(port uint16) {
	binary.BigEndian.PutUint16(p[54:], port)
	if (flow.Conn{Proto: p[1]}).IsEcho() {
		binary.BigEndian.PutUint16(p[52:], port)
	}
}

// anyPort returns the key without its source's port: of answers, that of the destination that they come from.
func (p packedKey) anyPort() packedKey {
	p[52], p[53] = 0, 0
	return p
}

// ends returns the key with nothing but the protocol and the addresses.
func (p packedKey) ends() packedKey {
	var ends packedKey
	ends[1], ends[2] = p[1], p[2]
	copy(ends[20:52], p[20:52])
	return ends
}

func putAddress(b []byte, a netip.Addr) {
	switch family(a) {
	case ipv4:
		v := a.As4()
		copy(b, v[:])
	case ipv6:
		v := a.As16()
		copy(b, v[:])
	}
}

func pack(s flow.State) (p packed) {
	key := packKey(s.Key)
	copy(p[:], key[:])
	p[56] = family(s.Value.Addr)
	binary.BigEndian.PutUint16(p[58:], s.Value.Port)
	putAddress(p[60:], s.Value.Addr)
	return p
}

// keySeed makes hashes of keys, which nobody can foresee.
var keySeed = maphash.MakeSeed()

func (k *packedKey) hash() uint64 { return maphash.Bytes(keySeed, k[:]) }

func (p *packed) key() packedKey { return packedKey(p[:56]) }

func (p *packed) conn() packedConn { return (*packedKey)(p[:56]).conn() }

func (k *packedKey) conn() (c packedConn) {
	c[0], c[1] = k[1], k[2]
	copy(c[2:], k[20:56])
	return c
}

func (p *packed) value() flow.StateValue {
	return flow.StateValue{Addr: address(p[60:76], p[56]), Port: binary.BigEndian.Uint16(p[58:])}
}

func (p *packed) state() flow.State {
	return flow.State{
		Key: flow.StateKey{
			Kind: p.kind(), Device: p.device(),
			Conn: flow.Conn{
				Proto: p[1], Src: p.source(), Dst: address(p[36:52], p[2]>>2),
				SrcPort: binary.BigEndian.Uint16(p[52:]), DstPort: p.dstPort(),
			},
		},
		Value: p.value(),
	}
}
