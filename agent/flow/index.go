package flow

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/prefix"
)

// TagIndex finds the installed flows that a change touches: tag → keys, and key → tags to forget a flow. It keeps each key and each
// tag once and joins them by edges of 20 octets, because an agent has a hundred thousand flows with up to forty tags each.
//
// It is not safe for use by several goroutines.
type TagIndex struct {
	keys  interned[Key]
	tags  interned[Tag]
	edges edges
	free  uint32 // head of the chain of free edges, by nextOfKey
	// places finds the tags that have an address by it, since a change may be to a prefix: the slots of tags, by all of the tag but
	// its address, and by its address. More than one tag has an address when prefixes of several lengths decided.
	places map[Tag]prefix.Map[[]uint32]
}

// edge joins one key and one tag. It is in two chains: a single one of the key's edges and a double one of the tag's. Chains end
// with 0; edge 0 is never used.
type edge struct {
	key, tag   uint32
	nextOfKey  uint32
	nextOfTag  uint32
	priorOfTag uint32
}

// edges are numbered from 0 and kept in pages: one slice of all would be copied whole when it grows, while packets wait.
type edges struct {
	pages [][]edge
	len   uint32
}

// edgesPage is how many edges a page has.
const edgesPage = 1 << 12

func (s *edges) at(n uint32) *edge { return &s.pages[n/edgesPage][n%edgesPage] }

// grow returns the number of an edge more.
func (s *edges) grow() uint32 {
	if s.len%edgesPage == 0 {
		s.pages = append(s.pages, make([]edge, edgesPage))
	}
	s.len++
	return s.len - 1
}

// NewTagIndex returns an empty index.
func NewTagIndex() *TagIndex {
	x := &TagIndex{keys: newInterned[Key](), tags: newInterned[Tag](), places: make(map[Tag]prefix.Map[[]uint32])}
	x.edges.grow()
	return x
}

// Len returns the number of keys in the index.
func (x *TagIndex) Len() int { return len(x.keys.slots) }

// Add records the tags of a flow, in place of those that it had.
func (x *TagIndex) Add(key Key, tags []Tag) {
	x.Remove(key)
	k, _ := x.keys.slot(key)
	for _, tag := range tags {
		t, added := x.tags.slot(tag)
		if added && tag.hasAddr() {
			x.place(tag, t)
		}
		x.join(k, t)
	}
}

// Remove forgets a flow; one that is not there is no error.
func (x *TagIndex) Remove(key Key) {
	if k, ok := x.keys.slots[key]; ok {
		x.forget(k)
	}
}

// Invalidate forgets flows that one of the changes touches and returns their keys, each once: all of them, or limit where there are
// more.
func (x *TagIndex) Invalidate(changes []Tag, limit int) []Key {
	var found []Key
	for _, change := range changes {
		for tags := x.touched(change, limit); len(tags) > 0; tags = x.touched(change, limit) {
			for _, tag := range tags {
				if found = x.invalidate(tag, found, limit); len(found) == limit {
					return found
				}
			}
		}
	}
	return found
}

// invalidate forgets flows that have the tag and appends their keys to found, up to limit in all.
func (x *TagIndex) invalidate(tag Tag, found []Key, limit int) []Key {
	for t, ok := x.tags.slots[tag]; ok && len(found) < limit; t, ok = x.tags.slots[tag] {
		k := x.edges.at(x.tags.heads[t]).key
		found = append(found, x.keys.values[k])
		x.forget(k)
	}
	return found
}

// touched returns tags that the change touches and that flows have: all of them, or limit where there are more.
func (x *TagIndex) touched(change Tag, limit int) []Tag {
	if !change.hasAddr() {
		if _, there := x.tags.slots[change]; there {
			return []Tag{change}
		}
		return nil
	}
	var tags []Tag
	x.places[placeOf(change)].Within(change.prefix(), func(slots []uint32) bool {
		for _, t := range slots {
			if tag := x.tags.values[t]; change.Touches(tag) {
				tags = append(tags, tag)
			}
		}
		return len(tags) < limit
	})
	return tags
}

// placeOf returns the tag without its address.
func placeOf(t Tag) Tag {
	t.narrow, t.Bits = [16]byte{}, 0
	return t
}

func addrOf(t Tag) netip.Prefix { return netip.PrefixFrom(t.Addr(), t.Addr().BitLen()) }

func (x *TagIndex) place(tag Tag, t uint32) {
	at := x.places[placeOf(tag)]
	slots, _ := at.Get(addrOf(tag))
	x.places[placeOf(tag)] = at.With(addrOf(tag), append(slices.Clone(slots), t))
}

func (x *TagIndex) displace(tag Tag, t uint32) {
	at := x.places[placeOf(tag)]
	slots, _ := at.Get(addrOf(tag))
	if slots = slices.DeleteFunc(slices.Clone(slots), func(s uint32) bool { return s == t }); len(slots) > 0 {
		x.places[placeOf(tag)] = at.With(addrOf(tag), slots)
	} else if at = at.Without(addrOf(tag)); at.Len() > 0 {
		x.places[placeOf(tag)] = at
	} else {
		delete(x.places, placeOf(tag))
	}
}

// Has reports whether a flow has the tag.
func (x *TagIndex) Has(tag Tag) bool {
	_, ok := x.tags.slots[tag]
	return ok
}

// Tags returns the tags of a flow, in no order.
func (x *TagIndex) Tags(key Key) []Tag {
	k, ok := x.keys.slots[key]
	if !ok {
		return nil
	}
	var tags []Tag
	for e := x.keys.heads[k]; e != 0; {
		it := x.edges.at(e)
		tags = append(tags, x.tags.values[it.tag])
		e = it.nextOfKey
	}
	return tags
}

func (x *TagIndex) join(k, t uint32) {
	if last := x.tags.heads[t]; last != 0 && x.edges.at(last).key == k {
		return // the flow has the tag twice: nothing was joined to the tag since the first time
	}
	e := x.newEdge()
	first := x.tags.heads[t]
	*x.edges.at(e) = edge{key: k, tag: t, nextOfKey: x.keys.heads[k], nextOfTag: first}
	x.edges.at(first).priorOfTag = e // edge 0's fields are never read
	x.keys.heads[k], x.tags.heads[t] = e, e
}

func (x *TagIndex) newEdge() uint32 {
	if e := x.free; e != 0 {
		x.free = x.edges.at(e).nextOfKey
		return e
	}
	return x.edges.grow()
}

// forget takes the key's edges out of their tags' chains and frees them, the key, and tags without flows.
func (x *TagIndex) forget(k uint32) {
	for e := x.keys.heads[k]; e != 0; {
		it := *x.edges.at(e)
		if it.priorOfTag != 0 {
			x.edges.at(it.priorOfTag).nextOfTag = it.nextOfTag
		} else {
			x.tags.heads[it.tag] = it.nextOfTag
		}
		x.edges.at(it.nextOfTag).priorOfTag = it.priorOfTag
		if x.tags.heads[it.tag] == 0 {
			if tag := x.tags.values[it.tag]; tag.hasAddr() {
				x.displace(tag, it.tag)
			}
			x.tags.release(it.tag)
		}
		*x.edges.at(e) = edge{nextOfKey: x.free}
		x.free = e
		e = it.nextOfKey
	}
	x.keys.release(k)
}

// interned gives each value a small number while it is in use, and keeps the head of an edge chain for it.
type interned[V comparable] struct {
	slots  map[V]uint32
	values []V
	heads  []uint32
	unused []uint32
}

func newInterned[V comparable]() interned[V] { return interned[V]{slots: make(map[V]uint32)} }

// slot returns the value's number and whether it is a new one.
func (n *interned[V]) slot(v V) (s uint32, added bool) {
	if s, ok := n.slots[v]; ok {
		return s, false
	}
	if last := len(n.unused) - 1; last >= 0 {
		s, n.unused = n.unused[last], n.unused[:last]
		n.values[s] = v
	} else {
		s = uint32(len(n.values))
		n.values, n.heads = append(n.values, v), append(n.heads, 0)
	}
	n.slots[v] = s
	return s, true
}

func (n *interned[V]) release(s uint32) {
	delete(n.slots, n.values[s])
	var none V
	n.values[s], n.heads[s] = none, 0
	n.unused = append(n.unused, s)
}
