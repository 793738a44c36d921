package flow

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/prefix"
	"midonet.org/midonet/agent/slot"
)

// TagIndex finds the installed flows that a change touches: tag → flows, and flow → tags to forget a flow. An agent has a hundred
// thousand flows with up to forty tags each, and most flows have most of their tags in common with others: so tags are kept in bundles,
// each bundle once. A flow has two, of its tags with an address and of those without, and beside them its states' tags, which nobody
// shares. Bundles are told apart by a sum of 128 bits. Flows go by their numbers (Keys).
//
// It is not safe for use by several goroutines.
type TagIndex struct {
	flows   joined[sum] // flows, joined with bundles and with states
	bundles joined[Tag] // bundles, by their slots in flows, joined with their tags
	// places finds the tags that have an address by it, since a change may be to a prefix: the slots of tags, by all of the tag but
	// its address, and by its address. More than one tag has an address when prefixes of several lengths decided.
	places map[Tag]prefix.Map[[]uint32]
}

// joined is numbered things and tags, each tag kept once, and joined by edges of 20 octets.
type joined[T comparable] struct {
	heads slot.Pages[uint32] // of the things' chains
	tags  interned[T]
	edges slot.Pages[edge]
}

// edge joins one thing and one tag. It is in two chains: a single one of the thing's edges and a double one of the tag's. Chains end
// with 0; edge 0 is never used.
type edge struct {
	of, tag    uint32
	nextOfIts  uint32
	nextOfTag  uint32
	priorOfTag uint32
}

// NewTagIndex returns an empty index.
func NewTagIndex() *TagIndex {
	return &TagIndex{
		flows:   newJoined(sum.hash),
		bundles: newJoined(Tag.hash),
		places:  make(map[Tag]prefix.Map[[]uint32]),
	}
}

func newJoined[T comparable](hash func(T) uint64) joined[T] {
	x := joined[T]{tags: interned[T]{hash: hash}}
	x.edges.Take()
	return x
}

// Add records the tags of a flow, in place of those that it had. It does not keep the slice.
func (x *TagIndex) Add(flow uint32, tags []Tag) {
	x.Remove(flow)
	var bundles [2]sum // without an address, with one
	for i := range tags {
		if t := &tags[i]; t.Class == TagState {
			x.flows.join(flow, stateSum(t))
		} else {
			bundles[t.bundle()].add(t)
		}
	}
	for which, bundle := range bundles {
		if bundle == (sum{}) {
			continue
		}
		if b, added := x.flows.join(flow, bundle); added {
			x.addBundle(b, which, tags)
		}
	}
}

// addBundle records those of the tags that are in the bundle.
func (x *TagIndex) addBundle(bundle uint32, which int, tags []Tag) {
	for i := range tags {
		tag := tags[i]
		if tag.Class == TagState || tag.bundle() != which {
			continue
		}
		if t, added := x.bundles.join(bundle, tag); added && tag.hasAddr() {
			x.place(tag, t)
		}
	}
}

// Remove forgets a flow, and bundles that it was the last to have. One that is not there is no error.
func (x *TagIndex) Remove(flow uint32) {
	x.flows.forget(flow, func(_ sum, bundle uint32) {
		x.bundles.forget(bundle, func(tag Tag, t uint32) {
			if tag.hasAddr() {
				x.displace(tag, t)
			}
		})
	})
}

// Invalidate forgets flows that one of the changes touches and returns them, each once: all of them, or limit where there are more.
func (x *TagIndex) Invalidate(changes []Tag, limit int) []uint32 {
	var found []uint32
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

// invalidate forgets flows that have the tag and appends them to found, up to limit in all.
func (x *TagIndex) invalidate(tag Tag, found []uint32, limit int) []uint32 {
	if tag.Class == TagState {
		if s, ok := x.flows.tags.find(stateSum(&tag)); ok {
			found = x.invalidateOf(s, found, limit)
		}
		return found
	}
	if t, ok := x.bundles.tags.find(tag); ok {
		for bundle, ok := x.bundles.first(t); ok && len(found) < limit; bundle, ok = x.bundles.first(t) {
			found = x.invalidateOf(bundle, found, limit)
		}
	}
	return found
}

// invalidateOf is invalidate for the slot of a bundle or a state.
func (x *TagIndex) invalidateOf(of uint32, found []uint32, limit int) []uint32 {
	for flow, ok := x.flows.first(of); ok && len(found) < limit; flow, ok = x.flows.first(of) {
		found = append(found, flow)
		x.Remove(flow)
	}
	return found
}

// touched returns tags that the change touches and that flows have: all of them, or limit where there are more.
func (x *TagIndex) touched(change Tag, limit int) []Tag {
	if !change.hasAddr() {
		if x.Has(change) {
			return []Tag{change}
		}
		return nil
	}
	var tags []Tag
	x.places[placeOf(change)].Within(change.prefix(), func(slots []uint32) bool {
		for _, t := range slots {
			if tag := x.bundles.tags.at(t).value; change.Touches(tag) {
				tags = append(tags, tag)
			}
		}
		return len(tags) < limit
	})
	return tags
}

// sum is what a bundle is known by, over its tags in any order, and a state.
type sum [2]uint64

// stateSum returns that of the state that the tag names.
func stateSum(t *Tag) sum {
	return sum{binary.LittleEndian.Uint64(t.ID[:]), binary.LittleEndian.Uint64(t.ID[8:])}
}

// stateTag is stateSum's inverse.
func stateTag(s sum) Tag {
	t := Tag{Class: TagState}
	binary.LittleEndian.PutUint64(t.ID[:], s[0])
	binary.LittleEndian.PutUint64(t.ID[8:], s[1])
	return t
}

func (s *sum) add(t *Tag) {
	a, b := t.folded()
	s[0] += fold(a^sumSeeds[1], b^sumSeeds[0])
	s[1] += fold(a^sumSeeds[3], b^sumSeeds[2])
}

func (s sum) hash() uint64 { return s[0] }

func (t Tag) hash() uint64 {
	a, b := t.folded()
	return fold(a^sumSeeds[1], b^sumSeeds[0])
}

// folded returns two words that all of the tag is in.
func (t *Tag) folded() (a, b uint64) {
	small := uint64(t.Class) | uint64(t.Bits)<<8 | uint64(t.form)<<16
	return fold(binary.LittleEndian.Uint64(t.ID[:])^sumSeeds[0], binary.LittleEndian.Uint64(t.ID[8:])^sumSeeds[1]) ^ small,
		fold(t.narrow.hi^sumSeeds[2], t.narrow.lo^sumSeeds[3])
}

// sumSeeds make sums that nobody can foresee. Package maphash would do as well, at ten times the price for each of forty tags.
var sumSeeds = [4]uint64{rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64()}

// fold mixes two words, as wyhash does.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// bundle returns which of a flow's bundles the tag is in.
func (t *Tag) bundle() int {
	if t.hasAddr() {
		return 1
	}
	return 0
}

// placeOf returns the tag without its address.
func placeOf(t Tag) Tag {
	t.narrow, t.Bits = words{}, 0
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
	if tag.Class == TagState {
		return x.flows.has(stateSum(&tag))
	}
	return x.bundles.has(tag)
}

// Tags returns the tags of a flow, in no order.
func (x *TagIndex) Tags(flow uint32) []Tag {
	var tags []Tag
	for _, of := range x.flows.of(flow) {
		bundled := x.bundles.of(of)
		for _, t := range bundled {
			tags = append(tags, x.bundles.tags.at(t).value)
		}
		if len(bundled) == 0 {
			tags = append(tags, stateTag(x.flows.tags.at(of).value))
		}
	}
	return tags
}

func (x *joined[T]) has(tag T) bool {
	_, ok := x.tags.find(tag)
	return ok
}

// first returns one of the things that have the tag in the slot, if any has. A slot that has been released has none.
func (x *joined[T]) first(t uint32) (thing uint32, ok bool) {
	e := x.tags.at(t).head
	return x.edges.At(e).of, e != 0
}

// of returns the slots of the thing's tags.
func (x *joined[T]) of(thing uint32) (tags []uint32) {
	for e := *x.heads.Reach(thing); e != 0; {
		it := x.edges.At(e)
		tags = append(tags, it.tag)
		e = it.nextOfIts
	}
	return tags
}

// join gives the thing the tag, and returns the tag's slot and whether nothing had it.
func (x *joined[T]) join(thing uint32, tag T) (t uint32, added bool) {
	t, added = x.tags.slot(tag)
	of := &x.tags.at(t).head
	first := *of
	if first != 0 && x.edges.At(first).of == thing {
		return t, false // it has the tag twice: nothing was joined to the tag since the first time
	}
	e, its := x.edges.Take(), x.heads.Reach(thing)
	*x.edges.At(e) = edge{of: thing, tag: t, nextOfIts: *its, nextOfTag: first}
	x.edges.At(first).priorOfTag = e // edge 0's fields are never read
	*its, *of = e, e
	return t, added
}

// forget takes the thing's edges out of their tags' chains and frees them, and tags that nothing has any more. Each of these is told, and
// its slot, before it goes.
func (x *joined[T]) forget(thing uint32, gone func(T, uint32)) {
	its := x.heads.Reach(thing)
	for e := *its; e != 0; {
		it := *x.edges.At(e)
		if it.priorOfTag != 0 {
			x.edges.At(it.priorOfTag).nextOfTag = it.nextOfTag
		} else {
			x.tags.at(it.tag).head = it.nextOfTag
		}
		x.edges.At(it.nextOfTag).priorOfTag = it.priorOfTag
		if x.tags.at(it.tag).head == 0 {
			gone(x.tags.at(it.tag).value, it.tag)
			x.tags.release(it.tag)
		}
		x.edges.Free(e)
		e = it.nextOfIts
	}
	*its = 0
}

// interned gives each value a small number while it is in use, and keeps the head of an edge chain for it.
type interned[V comparable] struct {
	hash  func(V) uint64 // of a value: what a pointer leads to would be allocated
	slots slot.Index
	used  slot.Pages[item[V]]
}

type item[V any] struct {
	value V
	head  uint32
}

func (n *interned[V]) at(s uint32) *item[V] { return n.used.At(s) }

// find returns the value's number, where it has one.
func (n *interned[V]) find(v V) (s uint32, ok bool) { return n.findHashed(n.hash(v), &v) }

func (n *interned[V]) findHashed(hash uint64, v *V) (s uint32, ok bool) {
	return n.slots.Find(hash, func(s uint32) bool { return n.at(s).value == *v })
}

// slot returns the value's number and whether it is a new one.
func (n *interned[V]) slot(v V) (s uint32, added bool) {
	hash := n.hash(v)
	if s, ok := n.findHashed(hash, &v); ok {
		return s, false
	}
	s = n.used.Take()
	n.at(s).value = v
	n.slots.Add(hash, s)
	return s, true
}

func (n *interned[V]) release(s uint32) {
	n.slots.Remove(n.hash(n.at(s).value), s)
	n.used.Free(s)
}
