package view

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// table is an immutable map: with and without return a changed copy that shares all but a handful of small nodes with the old one.
// It is a hash trie (Bagwell, "Ideal Hash Trees", 2001) with 32 ways a level. The zero table is empty.
//
// A radix tree over octet strings would do as well; this one is typed, and a lookup in a table of ten thousand ports is two or
// three probes without an allocation, which is most of what a simulation spends its time on.
type table[K comparable, V any] struct {
	root *node[K, V]
	size int
}

// node is a branch where its bitmap has a bit set and a leaf otherwise. A leaf has one entry; leaves of one hash, should there ever
// be two, hang together by same.
type node[K comparable, V any] struct {
	bitmap   uint32 // which of the 32 ways are in children
	children []*node[K, V]

	hash  uint64
	key   K
	value V
	same  *node[K, V]
}

const levelBits = 5

// seed makes the order of iteration, and nothing else, differ between runs. Tables of one process share it.
var seed = maphash.MakeSeed()

// get returns the key's value.
func (t table[K, V]) get(key K) (value V, ok bool) {
	hash := maphash.Comparable(seed, key)
	n := t.root
	for shift := 0; n != nil && n.bitmap != 0; shift += levelBits {
		way := uint32(1) << (hash >> shift & 31)
		if n.bitmap&way == 0 {
			return value, false
		}
		n = n.children[bits.OnesCount32(n.bitmap&(way-1))]
	}
	for ; n != nil && n.hash == hash; n = n.same {
		if n.key == key {
			return n.value, true
		}
	}
	return value, false
}

// with returns the table in which key has the value.
func (t table[K, V]) with(key K, value V) table[K, V] {
	leaf := &node[K, V]{hash: maphash.Comparable(seed, key), key: key, value: value}
	if t.root == nil {
		return table[K, V]{leaf, 1}
	}
	root, added := t.root.with(leaf, 0)
	if added {
		return table[K, V]{root, t.size + 1}
	}
	return table[K, V]{root, t.size}
}

// without returns the table that lacks key.
func (t table[K, V]) without(key K) table[K, V] {
	if _, ok := t.get(key); !ok {
		return t
	}
	return table[K, V]{t.root.without(maphash.Comparable(seed, key), key, 0), t.size - 1}
}

// all yields every entry, in no order.
func (t table[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.walk(yield) }
}

func (n *node[K, V]) walk(yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if n.bitmap == 0 {
		return yield(n.key, n.value) && n.same.walk(yield)
	}
	for _, c := range n.children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// with returns n, at the depth of shift, with the leaf in it, and whether its key is new.
func (n *node[K, V]) with(leaf *node[K, V], shift int) (*node[K, V], bool) {
	if n.bitmap == 0 {
		if n.hash != leaf.hash {
			return join(n, leaf, shift), true
		}
		rest, found := n.dropped(leaf.key)
		leaf.same = rest
		return leaf, !found
	}
	way := uint32(1) << (leaf.hash >> shift & 31)
	i := bits.OnesCount32(n.bitmap & (way - 1))
	if n.bitmap&way == 0 {
		return &node[K, V]{bitmap: n.bitmap | way, children: slices.Insert(slices.Clone(n.children), i, leaf)}, true
	}
	child, added := n.children[i].with(leaf, shift+levelBits)
	return n.replaced(i, child), added
}

// dropped returns the leaves of n's hash but for the one of the key, and whether that was there.
func (n *node[K, V]) dropped(key K) (*node[K, V], bool) {
	if n == nil {
		return nil, false
	}
	if n.key == key {
		return n.same, true
	}
	rest, found := n.same.dropped(key)
	c := *n
	c.same = rest
	return &c, found
}

// join returns the branch at the depth of shift over two leaves of different hashes.
func join[K comparable, V any](a, b *node[K, V], shift int) *node[K, V] {
	wa, wb := a.hash>>shift&31, b.hash>>shift&31
	switch {
	case wa == wb:
		return &node[K, V]{bitmap: 1 << wa, children: []*node[K, V]{join(a, b, shift+levelBits)}}
	case wa > wb:
		a, b = b, a
	}
	return &node[K, V]{bitmap: 1<<wa | 1<<wb, children: []*node[K, V]{a, b}}
}

func (n *node[K, V]) replaced(i int, child *node[K, V]) *node[K, V] {
	c := &node[K, V]{bitmap: n.bitmap, children: slices.Clone(n.children)}
	c.children[i] = child
	return c
}

// without returns n without the key, which it has; nil when nothing is left. A leaf that is left alone takes its branch's place.
func (n *node[K, V]) without(hash uint64, key K, shift int) *node[K, V] {
	if n.bitmap == 0 {
		rest, _ := n.dropped(key)
		return rest
	}
	way := uint32(1) << (hash >> shift & 31)
	i := bits.OnesCount32(n.bitmap & (way - 1))
	child := n.children[i].without(hash, key, shift+levelBits)
	switch {
	case child != nil && child.bitmap == 0 && len(n.children) == 1:
		return child
	case child != nil:
		return n.replaced(i, child)
	case len(n.children) == 1:
		return nil
	case len(n.children) == 2 && n.children[1-i].bitmap == 0:
		return n.children[1-i]
	}
	return &node[K, V]{bitmap: n.bitmap &^ way, children: slices.Delete(slices.Clone(n.children), i, i+1)}
}
