package view

import (
	"hash/maphash"
	"iter"
	"math/bits"
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

// node is a branch where entries is empty and a leaf otherwise. A leaf has the entries of one hash: nearly always one.
type node[K comparable, V any] struct {
	bitmap   uint32 // which of the 32 ways are in children
	children []*node[K, V]
	hash     uint64
	entries  []entry[K, V]
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

const levelBits = 5

// seed makes the order of iteration, and nothing else, differ between runs. Tables of one process share it.
var seed = maphash.MakeSeed()

// get returns the key's value.
func (t table[K, V]) get(key K) (value V, ok bool) {
	hash := maphash.Comparable(seed, key)
	n := t.root
	for shift := 0; n != nil; shift += levelBits {
		if n.entries != nil {
			if n.hash == hash {
				for i := range n.entries {
					if n.entries[i].key == key {
						return n.entries[i].value, true
					}
				}
			}
			break
		}
		way := uint32(1) << (hash >> shift & 31)
		if n.bitmap&way == 0 {
			break
		}
		n = n.children[bits.OnesCount32(n.bitmap&(way-1))]
	}
	return value, false
}

// with returns the table in which key has the value.
func (t table[K, V]) with(key K, value V) table[K, V] {
	leaf := &node[K, V]{hash: maphash.Comparable(seed, key), entries: []entry[K, V]{{key, value}}}
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
	for i := range n.entries {
		if !yield(n.entries[i].key, n.entries[i].value) {
			return false
		}
	}
	for _, c := range n.children {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// with returns n, at the depth of shift, with the leaf's entry in it, and whether its key is new.
func (n *node[K, V]) with(leaf *node[K, V], shift int) (*node[K, V], bool) {
	if n.entries != nil {
		if n.hash == leaf.hash {
			return n.merged(leaf.entries[0])
		}
		return join(n, leaf, shift), true
	}
	way := uint32(1) << (leaf.hash >> shift & 31)
	i := bits.OnesCount32(n.bitmap & (way - 1))
	if n.bitmap&way == 0 {
		c := &node[K, V]{bitmap: n.bitmap | way, children: make([]*node[K, V], len(n.children)+1)}
		copy(c.children, n.children[:i])
		copy(c.children[i+1:], n.children[i:])
		c.children[i] = leaf
		return c, true
	}
	child, added := n.children[i].with(leaf, shift+levelBits)
	return n.replaced(i, child), added
}

// merged returns a leaf with the entry added, or in place of the one with its key.
func (n *node[K, V]) merged(e entry[K, V]) (*node[K, V], bool) {
	entries := append([]entry[K, V](nil), n.entries...)
	for i := range entries {
		if entries[i].key == e.key {
			entries[i] = e
			return &node[K, V]{hash: n.hash, entries: entries}, false
		}
	}
	return &node[K, V]{hash: n.hash, entries: append(entries, e)}, true
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
	c := &node[K, V]{bitmap: n.bitmap, children: append([]*node[K, V](nil), n.children...)}
	c.children[i] = child
	return c
}

// without returns n without the key, which it has; nil when nothing is left.
func (n *node[K, V]) without(hash uint64, key K, shift int) *node[K, V] {
	if n.entries != nil {
		return n.unmerged(key)
	}
	way := uint32(1) << (hash >> shift & 31)
	i := bits.OnesCount32(n.bitmap & (way - 1))
	child := n.children[i].without(hash, key, shift+levelBits)
	switch {
	case child != nil && child.entries != nil && len(n.children) == 1:
		return child // a leaf moves up where it is alone
	case child != nil:
		return n.replaced(i, child)
	case len(n.children) == 1:
		return nil
	case len(n.children) == 2 && n.children[1-i].entries != nil:
		return n.children[1-i]
	}
	c := &node[K, V]{bitmap: n.bitmap &^ way, children: make([]*node[K, V], 0, len(n.children)-1)}
	c.children = append(append(c.children, n.children[:i]...), n.children[i+1:]...)
	return c
}

func (n *node[K, V]) unmerged(key K) *node[K, V] {
	if len(n.entries) == 1 {
		return nil
	}
	c := &node[K, V]{hash: n.hash}
	for _, e := range n.entries {
		if e.key != key {
			c.entries = append(c.entries, e)
		}
	}
	return c
}
