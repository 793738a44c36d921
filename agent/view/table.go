package view

import (
	"iter"
	"math/bits"
	"slices"
)

// table is an immutable map: with and without return a changed copy that shares all but a handful of small nodes with the old one.
// It is a hash trie (Bagwell, "Ideal Hash Trees", 2001) with 32 ways a level. The zero table is empty.
//
// A radix tree over octet strings would do as well; in this one a lookup among ten thousand ports is two or three probes without an
// allocation. A simulation makes some fifty.
type table[V any] struct {
	root *node[V]
	size int
}

// node is a branch where its bitmap has a bit set and a leaf otherwise. A leaf has one entry; leaves of one hash, should there ever
// be two, hang together by same.
type node[V any] struct {
	bitmap   uint32 // which of the 32 ways are in children
	children []*node[V]

	hash  uint64
	key   key
	value V
	same  *node[V]
}

const levelBits = 5

// get returns the key's value.
func (t table[V]) get(key key) (value V, ok bool) {
	n := t.root
	if n == nil {
		return value, false
	}
	hash := key.hash()
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
func (t table[V]) with(key key, value V) table[V] {
	leaf := &node[V]{hash: key.hash(), key: key, value: value}
	if t.root == nil {
		return table[V]{leaf, 1}
	}
	root, added := t.root.with(leaf, 0)
	if added {
		return table[V]{root, t.size + 1}
	}
	return table[V]{root, t.size}
}

// without returns the table that lacks key.
func (t table[V]) without(key key) table[V] {
	if _, ok := t.get(key); !ok {
		return t
	}
	return table[V]{t.root.without(key.hash(), key, 0), t.size - 1}
}

// all yields every entry, in no order.
func (t table[V]) all() iter.Seq2[key, V] {
	return func(yield func(key, V) bool) { t.root.walk(yield) }
}

func (n *node[V]) walk(yield func(key, V) bool) bool {
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
func (n *node[V]) with(leaf *node[V], shift int) (*node[V], bool) {
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
		return &node[V]{bitmap: n.bitmap | way, children: slices.Insert(slices.Clone(n.children), i, leaf)}, true
	}
	child, added := n.children[i].with(leaf, shift+levelBits)
	return n.replaced(i, child), added
}

// dropped returns the leaves of n's hash but for the one of the key, and whether that was there.
func (n *node[V]) dropped(key key) (*node[V], bool) {
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
func join[V any](a, b *node[V], shift int) *node[V] {
	wa, wb := a.hash>>shift&31, b.hash>>shift&31
	switch {
	case wa == wb:
		return &node[V]{bitmap: 1 << wa, children: []*node[V]{join(a, b, shift+levelBits)}}
	case wa > wb:
		a, b = b, a
	}
	return &node[V]{bitmap: 1<<wa | 1<<wb, children: []*node[V]{a, b}}
}

func (n *node[V]) replaced(i int, child *node[V]) *node[V] {
	c := &node[V]{bitmap: n.bitmap, children: slices.Clone(n.children)}
	c.children[i] = child
	return c
}

// without returns n without the key, which it has; nil when nothing is left. A leaf that is left alone takes its branch's place.
func (n *node[V]) without(hash uint64, key key, shift int) *node[V] {
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
	return &node[V]{bitmap: n.bitmap &^ way, children: slices.Delete(slices.Clone(n.children), i, i+1)}
}
