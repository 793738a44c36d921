package view

import (
	"iter"
	"sync/atomic"
)

// table is an immutable map: with and without return a changed copy that shares all but a handful of small nodes with the old one.
// It is a hash trie (Bagwell, "Ideal Hash Trees", 2001) with 16 ways a level. The zero table is empty.
//
// A radix tree over octet strings would do as well; in this one a lookup among ten thousand ports is two or three probes without an
// allocation. A simulation makes some fifty.
type table[V any] struct {
	root *node[V]
	size int
}

// node is a branch where it has ways and a leaf otherwise. A leaf has one entry; leaves of one hash, should there ever be two, hang
// together by same.
type node[V any] struct {
	ways *[ways]*node[V] // nil where nothing goes that way. They are not packed: a lookup would take longer to count which is which.

	hash  uint64
	key   key
	value V
	same  *node[V]
}

// ways is how many a level has, which wayBits bits of a hash tell apart.
const ways, wayBits = 16, 4

// get returns the key's value.
func (t table[V]) get(key key) (value V, ok bool) {
	if n := t.leaf(key); n != nil {
		return n.value, true
	}
	return value, false
}

// leaf returns the key's leaf, nil where there is none.
func (t table[V]) leaf(key key) *node[V] {
	hash := key.hash()
	n := t.root
	for rest := hash; n != nil && n.ways != nil; rest >>= wayBits {
		n = n.ways[rest%ways]
	}
	for n != nil && (n.hash != hash || n.key != key) {
		n = n.same
	}
	return n
}

// index is a table by identifiers, of which walks ask for the same few again and again: most look-ups find the leaf where the last one did.
type index[V any] struct {
	table[V]
	found *found[V] // nil while the table changes
}

// found has leaves of one table by their identifiers' first octets. It is safe for use by several goroutines.
type found[V any] [256]atomic.Pointer[node[V]]

// near returns the identifier's leaf where it is where it was found last, else nil: then search is to be asked.
func (x *index[V]) near(id key) *node[V] {
	if x.found != nil {
		if n := x.found[uint8(id.hi)].Load(); n != nil && n.key == id {
			return n
		}
	}
	return nil
}

// search returns the identifier's value, or none where it has no.
func (x *index[V]) search(id key, none V) V {
	n := x.leaf(id)
	if n == nil {
		return none
	}
	if x.found != nil {
		x.found[uint8(id.hi)].Store(n)
	}
	return n.value
}

// with returns the table in which key has the value.
func (t table[V]) with(key key, value V) table[V] {
	root, added := t.root.with(&node[V]{hash: key.hash(), key: key, value: value}, 0)
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
	if n.ways == nil {
		return yield(n.key, n.value) && n.same.walk(yield)
	}
	for _, c := range n.ways {
		if !c.walk(yield) {
			return false
		}
	}
	return true
}

// with returns n, which is behind so many bits of the leaf's hash, with the leaf in it, and whether its key is new.
func (n *node[V]) with(leaf *node[V], depth int) (*node[V], bool) {
	switch {
	case n == nil:
		return leaf, true
	case n.ways == nil && n.hash != leaf.hash:
		return join(n, leaf, depth), true
	case n.ways == nil:
		rest, found := n.dropped(leaf.key)
		leaf.same = rest
		return leaf, !found
	}
	way := leaf.hash >> depth % ways
	child, added := n.ways[way].with(leaf, depth+wayBits)
	return n.replaced(way, child), added
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

// join returns the branch over two leaves of different hashes.
func join[V any](a, b *node[V], depth int) *node[V] {
	n := &node[V]{ways: new([ways]*node[V])}
	wa, wb := a.hash>>depth%ways, b.hash>>depth%ways
	if wa == wb {
		n.ways[wa] = join(a, b, depth+wayBits)
	} else {
		n.ways[wa], n.ways[wb] = a, b
	}
	return n
}

func (n *node[V]) replaced(way uint64, child *node[V]) *node[V] {
	c := *n.ways
	c[way] = child
	return &node[V]{ways: &c}
}

// without returns n without the key, which it has; nil when nothing is left. A leaf that is left alone takes its branch's place.
func (n *node[V]) without(hash uint64, key key, depth int) *node[V] {
	if n.ways == nil {
		rest, _ := n.dropped(key)
		return rest
	}
	way := hash >> depth % ways
	c := n.replaced(way, n.ways[way].without(hash, key, depth+wayBits))
	var only *node[V]
	for _, child := range c.ways {
		switch {
		case child == nil:
		case only != nil || child.ways != nil:
			return c
		default:
			only = child
		}
	}
	return only
}
