// Package prefix is an immutable map from IP prefixes to values: which of many prefixes cover an address, and which are within one.
// It is what a routing table, a group of addresses and the tags of flows are looked up in.
package prefix

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Map maps prefixes of both families to values. With and Without return a changed copy that shares all but a few small nodes with
// the old one. It is a path-compressed binary trie (Morrison, "PATRICIA", 1968). The zero Map is empty. A prefix that is not valid is
// in no map.
type Map[V any] struct {
	v4, v6 *node[V]
	size   int
}

// bitString is the first n bits of an address, the rest 0. An IPv4 address is in the upper half of hi.
type bitString struct {
	hi, lo uint64
	n      uint8
}

// node is a prefix with a value, or the place where two part, or both.
type node[V any] struct {
	bitString
	full  bool // has a value
	value V
	child [2]*node[V]
}

// Len returns the number of prefixes.
func (m Map[V]) Len() int { return m.size }

// Get returns the value of exactly the prefix.
func (m Map[V]) Get(p netip.Prefix) (value V, ok bool) {
	if !p.IsValid() {
		return value, false
	}
	want := bitsOf(p.Addr(), p.Bits())
	for n := m.root(p.Addr()); n != nil && n.covers(want); n = n.child[want.bit(n.n)] {
		if n.n == want.n {
			return n.value, n.full
		}
	}
	return value, false
}

// Covering appends the values of the prefixes that the address is in to buf, the shortest prefix first.
func (m Map[V]) Covering(a netip.Addr, buf []V) []V {
	want := bitsOf(a, a.BitLen())
	for n := m.root(a); n != nil && n.covers(want); n = n.child[want.bit(n.n)] {
		if n.full {
			buf = append(buf, n.value)
		}
		if n.n == want.n {
			break
		}
	}
	return buf
}

// Contains reports whether the address is in any of the prefixes.
func (m Map[V]) Contains(a netip.Addr) bool {
	want := bitsOf(a, a.BitLen())
	for n := m.root(a); n != nil && n.covers(want); n = n.child[want.bit(n.n)] {
		if n.full {
			return true
		}
		if n.n == want.n {
			break
		}
	}
	return false
}

// Within calls fn with the value of each prefix that lies in p, p itself included, until fn returns false.
func (m Map[V]) Within(p netip.Prefix, fn func(V) bool) {
	want := bitsOf(p.Addr(), p.Bits())
	n := m.root(p.Addr())
	for n != nil && n.n < want.n && n.covers(want) {
		n = n.child[want.bit(n.n)]
	}
	if n != nil && want.covers(n.bitString) {
		n.walk(fn)
	}
}

// With returns the map in which the prefix has the value.
func (m Map[V]) With(p netip.Prefix, value V) Map[V] {
	if !p.IsValid() {
		return m
	}
	leaf := &node[V]{bitString: bitsOf(p.Addr(), p.Bits()), full: true, value: value}
	if _, there := m.Get(p); !there {
		m.size++
	}
	return m.rooted(p.Addr(), insert(m.root(p.Addr()), leaf))
}

// Without returns the map that lacks the prefix.
func (m Map[V]) Without(p netip.Prefix) Map[V] {
	if _, there := m.Get(p); !there {
		return m
	}
	m.size--
	return m.rooted(p.Addr(), remove(m.root(p.Addr()), bitsOf(p.Addr(), p.Bits())))
}

func (m Map[V]) root(a netip.Addr) *node[V] {
	if a.Is4() {
		return m.v4
	}
	return m.v6
}

func (m Map[V]) rooted(a netip.Addr, n *node[V]) Map[V] {
	if a.Is4() {
		m.v4 = n
	} else {
		m.v6 = n
	}
	return m
}

func (n *node[V]) walk(fn func(V) bool) bool {
	if n == nil {
		return true
	}
	return (!n.full || fn(n.value)) && n.child[0].walk(fn) && n.child[1].walk(fn)
}

func insert[V any](n, leaf *node[V]) *node[V] {
	if n == nil {
		return leaf
	}
	common := n.common(leaf.bitString)
	switch {
	case common == n.n && common == leaf.n:
		leaf.child = n.child
		return leaf
	case common == n.n:
		c := *n
		way := leaf.bit(n.n)
		c.child[way] = insert(n.child[way], leaf)
		return &c
	case common == leaf.n:
		leaf.child[n.bit(leaf.n)] = n
		return leaf
	}
	fork := &node[V]{bitString: leaf.first(common)}
	fork.child[leaf.bit(common)], fork.child[n.bit(common)] = leaf, n
	return fork
}

// remove returns n without the prefix, which it has.
func remove[V any](n *node[V], want bitString) *node[V] {
	c := *n
	if n.n == want.n {
		var none V
		c.full, c.value = false, none
	} else {
		way := want.bit(n.n)
		c.child[way] = remove(n.child[way], want)
	}
	switch {
	case c.full || c.child[0] != nil && c.child[1] != nil:
		return &c
	case c.child[0] != nil:
		return c.child[0]
	}
	return c.child[1]
}

func bitsOf(a netip.Addr, n int) bitString {
	if a.Is4() {
		b := a.As4()
		return bitString{hi: uint64(binary.BigEndian.Uint32(b[:])) << 32, n: uint8(n)}.masked()
	}
	b := a.As16()
	return bitString{hi: binary.BigEndian.Uint64(b[:]), lo: binary.BigEndian.Uint64(b[8:]), n: uint8(n)}.masked()
}

func (b bitString) masked() bitString {
	if b.n <= 64 {
		b.hi, b.lo = b.hi&^(^uint64(0)>>b.n), 0
	} else {
		b.lo &^= ^uint64(0) >> (b.n - 64)
	}
	return b
}

func (b bitString) first(n uint8) bitString {
	b.n = n
	return b.masked()
}

// bit returns bit i, counted from the left.
func (b bitString) bit(i uint8) int {
	if i < 64 {
		return int(b.hi >> (63 - i) & 1)
	}
	return int(b.lo >> (127 - i) & 1)
}

func (b bitString) covers(c bitString) bool { return b.n <= c.n && b.common(c) == b.n }

// common returns how many bits from the left b and c share.
func (b bitString) common(c bitString) uint8 {
	n := bits.LeadingZeros64(b.hi ^ c.hi)
	if n == 64 {
		n += bits.LeadingZeros64(b.lo ^ c.lo)
	}
	return min(uint8(n), b.n, c.n)
}
