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

// TagIndex finds the installed flows that a change touches: tag → keys, and key → tags to forget a flow. An agent has a hundred
// thousand flows with up to forty tags each, and most flows have most of their tags in common with others: so tags are kept in bundles,
// each bundle once. A flow has two, of its tags with an address and of those without, and beside them its states' tags, which nobody
// shares. Bundles are told apart by a sum of 128 bits.
//
// It is not safe for use by several goroutines.
type TagIndex struct {
	flows   joined[PackedKey, sum] // flows, joined with bundles and with states
	bundles joined[sum, Tag]       // bundles, joined with their tags
	// places finds the tags that have an address by it, since a change may be to a prefix: the slots of tags, by all of the tag but
	// its address, and by its address. More than one tag has an address when prefixes of several lengths decided.
	places map[Tag]prefix.Map[[]uint32]
}

// joined is keys and tags, each kept once, and joined by edges of 20 octets.
type joined[K, T comparable] struct {
	keys  interned[K]
	tags  interned[T]
	edges slot.Pages[edge]
}

// edge joins one key and one tag. It is in two chains: a single one of the key's edges and a double one of the tag's. Chains end
// with 0; edge 0 is never used.
type edge struct {
	key, tag   uint32
	nextOfKey  uint32
	nextOfTag  uint32
	priorOfTag uint32
}

// NewTagIndex returns an empty index.
func NewTagIndex() *TagIndex {
	return &TagIndex{
		flows:   newJoined(PackedKey.Hash, sum.hash),
		bundles: newJoined(sum.hash, Tag.hash),
		places:  make(map[Tag]prefix.Map[[]uint32]),
	}
}

func newJoined[K, T comparable](hashKey func(K) uint64, hashTag func(T) uint64) joined[K, T] {
	x := joined[K, T]{keys: interned[K]{hash: hashKey}, tags: interned[T]{hash: hashTag}}
	x.edges.Take()
	return x
}

// Len returns the number of keys in the index.
func (x *TagIndex) Len() int { return x.flows.keys.slots.Len() }

// Add records the tags of a flow, in place of those that it had. It does not keep the slice.
func (x *TagIndex) Add(key Key, tags []Tag) {
	packed := key.Pack()
	k, added := x.flows.keys.slot(packed)
	if !added {
		x.forget(k)
		k, _ = x.flows.keys.slot(packed)
	}
	var bundles [2]sum // without an address, with one
	for i := range tags {
		if t := &tags[i]; t.Class == TagState {
			x.flows.join(k, stateSum(t))
		} else {
			bundles[t.bundle()].add(t)
		}
	}
	for which, bundle := range bundles {
		if bundle == (sum{}) {
			continue
		}
		if _, added := x.flows.join(k, bundle); added {
			x.addBundle(bundle, which, tags)
		}
	}
}

// addBundle records those of the tags that are in the bundle.
func (x *TagIndex) addBundle(bundle sum, which int, tags []Tag) {
	b, _ := x.bundles.keys.slot(bundle)
	for i := range tags {
		tag := tags[i]
		if tag.Class == TagState || tag.bundle() != which {
			continue
		}
		if t, added := x.bundles.join(b, tag); added && tag.hasAddr() {
			x.place(tag, t)
		}
	}
}

// Remove forgets a flow; one that is not there is no error.
func (x *TagIndex) Remove(key Key) {
	x.remove(key.Pack())
}

func (x *TagIndex) remove(key PackedKey) {
	if k, ok := x.flows.keys.find(key); ok {
		x.forget(k)
	}
}

// forget forgets a flow, and bundles that it was the last to have.
func (x *TagIndex) forget(k uint32) {
	x.flows.forget(k, func(bundle sum, _ uint32) {
		if b, ok := x.bundles.keys.find(bundle); ok {
			x.bundles.forget(b, func(tag Tag, t uint32) {
				if tag.hasAddr() {
					x.displace(tag, t)
				}
			})
		}
	})
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
	if tag.Class == TagState {
		return x.invalidateOf(stateSum(&tag), found, limit)
	}
	for bundle, ok := x.bundles.first(tag); ok && len(found) < limit; bundle, ok = x.bundles.first(tag) {
		found = x.invalidateOf(bundle, found, limit)
	}
	return found
}

// invalidateOf is invalidate for a bundle or a state.
func (x *TagIndex) invalidateOf(of sum, found []Key, limit int) []Key {
	for key, ok := x.flows.first(of); ok && len(found) < limit; key, ok = x.flows.first(of) {
		found = append(found, key.Key())
		x.remove(key)
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
func (x *TagIndex) Tags(key Key) []Tag {
	var tags []Tag
	for _, of := range x.flows.of(key.Pack()) {
		if bundled := x.bundles.of(of); len(bundled) > 0 {
			tags = append(tags, bundled...)
		} else {
			tags = append(tags, stateTag(of))
		}
	}
	return tags
}

func (x *joined[K, T]) has(tag T) bool {
	_, ok := x.tags.find(tag)
	return ok
}

// first returns one of the keys that have the tag, if any has.
func (x *joined[K, T]) first(tag T) (key K, ok bool) {
	t, ok := x.tags.find(tag)
	if !ok {
		return key, false
	}
	return x.keys.at(x.edges.At(x.tags.at(t).head).key).value, true
}

// of returns the key's tags.
func (x *joined[K, T]) of(key K) (tags []T) {
	k, ok := x.keys.find(key)
	if !ok {
		return nil
	}
	for e := x.keys.at(k).head; e != 0; {
		it := x.edges.At(e)
		tags = append(tags, x.tags.at(it.tag).value)
		e = it.nextOfKey
	}
	return tags
}

// join gives the key the tag, and returns the tag's slot and whether no key had it.
func (x *joined[K, T]) join(k uint32, tag T) (t uint32, added bool) {
	t, added = x.tags.slot(tag)
	first := x.tags.at(t).head
	if first != 0 && x.edges.At(first).key == k {
		return t, false // the key has the tag twice: nothing was joined to the tag since the first time
	}
	e := x.edges.Take()
	*x.edges.At(e) = edge{key: k, tag: t, nextOfKey: x.keys.at(k).head, nextOfTag: first}
	x.edges.At(first).priorOfTag = e // edge 0's fields are never read
	x.keys.at(k).head, x.tags.at(t).head = e, e
	return t, added
}

// forget takes the key's edges out of their tags' chains and frees them, the key, and tags without keys. Each of these is told, and
// its slot, before it goes.
func (x *joined[K, T]) forget(k uint32, gone func(T, uint32)) {
	for e := x.keys.at(k).head; e != 0; {
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
		e = it.nextOfKey
	}
	x.keys.release(k)
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
