package flow

import (
	"encoding/binary"
	"math/bits"
	"net/netip"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Tag names something that an answer depended on. When that thing changes, every flow with a tag that it touches is removed. An answer
// through two routers has some forty, and an agent keeps them for each flow: there is no pointer in a tag.
type Tag struct {
	// ID is the object's identifier; what it names depends on Class.
	ID [16]byte
	// narrow is one station of a bridge or one address.
	narrow words
	Class  TagClass
	// Bits is 0 for classes without an address, and of an answer's tag the length of the longest prefix that decided: a change to a
	// shorter one is of no consequence. With a change to the addresses of a prefix it is that prefix's length.
	Bits uint8
	// form says what is in narrow.
	form form
}

// words are up to sixteen octets, the first one the highest of hi.
type words struct{ hi, lo uint64 }

func wordsOf(hw mac.Addr) words {
	return words{hi: uint64(binary.BigEndian.Uint32(hw[:]))<<32 | uint64(binary.BigEndian.Uint16(hw[4:]))<<16}
}

func (w words) octets() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:], w.hi)
	binary.BigEndian.PutUint64(b[8:], w.lo)
	return b
}

type form uint8

const (
	formNone form = iota
	formMAC
	formIPv4
	formIPv6
)

// Addr returns the address to which the tag is narrowed; the zero Addr for classes without.
func (t Tag) Addr() netip.Addr {
	switch t.form {
	case formIPv4:
		b := t.narrow.octets()
		return netip.AddrFrom4([4]byte(b[:4]))
	case formIPv6:
		return netip.AddrFrom16(t.narrow.octets())
	}
	return netip.Addr{}
}

// SetAddr narrows the tag to the address.
func (t *Tag) SetAddr(addr netip.Addr) {
	switch {
	case addr.Is4():
		a := addr.As4()
		t.form, t.narrow = formIPv4, words{hi: uint64(binary.BigEndian.Uint32(a[:])) << 32}
	case addr.IsValid():
		a := addr.As16()
		t.form, t.narrow = formIPv6, words{binary.BigEndian.Uint64(a[:]), binary.BigEndian.Uint64(a[8:])}
	default:
		t.form, t.narrow = formNone, words{}
	}
}

// MAC returns the station to which the tag is narrowed; zero for classes without.
func (t Tag) MAC() mac.Addr {
	if t.form != formMAC {
		return mac.Addr{}
	}
	b := t.narrow.octets()
	return mac.Addr(b[:6])
}

func (t *Tag) hasAddr() bool { return t.form >= formIPv4 }

// Touches reports whether the change t concerns an answer that has the tag a.
func (t Tag) Touches(a Tag) bool {
	if t.Class != a.Class || t.form != a.form || t.ID != a.ID {
		return false
	}
	if !t.hasAddr() {
		return t.narrow == a.narrow
	}
	return a.Bits <= t.Bits && t.prefix().Contains(a.Addr())
}

func (t Tag) prefix() netip.Prefix { return netip.PrefixFrom(t.Addr(), int(t.Bits)) }

// TagClass is what a Tag's ID names.
type TagClass uint8

// The classes of tag.
const (
	TagBridge    TagClass = 1 + iota // the bridge's own fields
	TagPort                          // the port's fields, its binding, its egress host's endpoints; of a router's, whether it is active
	TagMAC                           // where one MAC is on a bridge: ID is the bridge
	TagFlood                         // the set of ports that a flood of the bridge reaches: ID is the bridge
	TagHost                          // a host's endpoints
	TagTunnel                        // everything sent through tunnels from this host (our own endpoints)
	TagDHCP                          // a DHCP subnet or its reservations
	TagNeighbour                     // who has Addr: ID is the bridge or the router's port

	TagRouter     // the router's own fields
	TagRoute      // where a router sends what is for Addr: ID is the router
	TagChain      // the rules of a chain
	TagGroup      // whether Addr is in a group of addresses
	TagFloating   // what a router exchanges Addr for, floating or fixed: ID is the router
	TagForwarding // what becomes of one port of an address: ID is the router, Addr is made by ForwardingTag; or whether any is; without Addr of any address
	TagPortGroup  // a port group and the hosts of its members
	TagState      // the States of a connection: ID is made by StateTag
)

// AddrTag returns the tag of an answer that depends on one address.
func AddrTag(class TagClass, id [16]byte, addr netip.Addr) Tag {
	t := Tag{Class: class, ID: id}
	t.SetAddr(addr)
	return t
}

// StationTag returns the tag of an answer that depends on where a station of the bridge is, and of a change to that.
func StationTag(bridge topology.BridgeID, hw mac.Addr) Tag {
	return Tag{Class: TagMAC, ID: bridge, form: formMAC, narrow: wordsOf(hw)}
}

// PrefixTag returns the tag of a change to a prefix.
func PrefixTag(class TagClass, id [16]byte, p netip.Prefix) Tag {
	t := AddrTag(class, id, p.Addr())
	t.Bits = uint8(p.Bits())
	return t
}

// HostTag returns the tag of a change to one address.
func HostTag(class TagClass, id [16]byte, addr netip.Addr) Tag {
	return PrefixTag(class, id, netip.PrefixFrom(addr, addr.BitLen()))
}

// ForwardingTag returns the tag of an answer that depends on whether the port of the address is forwarded.
func ForwardingTag(router topology.RouterID, addr netip.Addr, proto uint8, port uint16) Tag {
	return AddrTag(TagForwarding, router, portAddr(addr, proto, port))
}

// ForwardingTags returns the tags of a change to the forwarding of a range of ports.
func ForwardingTags(router topology.RouterID, addr netip.Addr, proto uint8, ports topology.PortRange) []Tag {
	var tags []Tag
	for first, last := int(ports.First), int(ports.Last); first <= last; {
		size := 1 << min(bits.TrailingZeros16(uint16(first)), 16)
		for size > last-first+1 {
			size /= 2
		}
		p := netip.PrefixFrom(portAddr(addr, proto, uint16(first)), 128-bits.Len(uint(size-1)))
		tags = append(tags, PrefixTag(TagForwarding, router, p))
		first += size
	}
	return tags
}

// portAddr makes an address of a transport port, so that ranges of ports are prefixes. Two IPv6 addresses may share one: that costs
// a simulation more than needed.
func portAddr(addr netip.Addr, proto uint8, port uint16) netip.Addr {
	a := addr.As16()
	for i := range 8 {
		a[i] ^= a[i+8]
	}
	a[8] = proto
	clear(a[9:14])
	binary.BigEndian.PutUint16(a[14:], port)
	return netip.AddrFrom16(a)
}

// StateTag returns the tag of an answer that depends on whether a state of the connection is there, and of its coming and going. All of one
// connection, as it is between two translations, have one tag, whichever way its packets go and whichever device keeps them: so a flow
// has one to three, and a state that comes late costs no more than a miss of each of the connection's flows.
func StateTag(c *Conn) Tag { return stateTag(connSum(c)) }

// connSum returns that of a connection's states.
func connSum(c *Conn) sum {
	a, b := foldedEnd(c.Proto, c.Src, c.SrcPort), foldedEnd(c.Proto, c.Dst, c.DstPort)
	return sum{fold(a, sumSeeds[2]) + fold(b, sumSeeds[2]), fold(a, sumSeeds[3]) + fold(b, sumSeeds[3])}
}

// foldedEnd returns a word that all of one end is in.
func foldedEnd(proto uint8, addr netip.Addr, port uint16) uint64 {
	b := addr.As16()
	small := uint64(addr.BitLen()) | uint64(proto)<<8 | uint64(port)<<16
	return fold(binary.LittleEndian.Uint64(b[:])^sumSeeds[0], binary.LittleEndian.Uint64(b[8:])^sumSeeds[1]) ^ small
}
