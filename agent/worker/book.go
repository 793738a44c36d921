package worker

import (
	"time"

	"midonet.org/midonet/agent/flow"
)

// book is what the worker knows of the flows that it installed: which tags each has and when its time is over. The datapath may
// have forgotten some of them; those look unused and leave the book when their idle time is over.
type book struct {
	keys   *flow.Keys // of the flows in the book; they have their numbers in the others
	tags   *flow.TagIndex
	expiry *flow.Expiry
	gone   func(flows []uint32) // nil, or is told of flows that leave the book before others have their numbers
}

func newBook(gone func(flows []uint32)) *book {
	return &book{keys: flow.NewKeys(), tags: flow.NewTagIndex(), expiry: flow.NewExpiry(), gone: gone}
}

func (b *book) len() int { return b.keys.Len() }

// number returns the flow's number; a new one where it is not in the book, to which it is to be added then, or to be removed from.
func (b *book) number(key flow.Key) (n uint32, added bool) { return b.keys.Number(key) }

// add records a flow that is installed at now, in place of what was known of its key.
func (b *book) add(key flow.Key, tags []flow.Tag, now time.Time, idle, hard time.Duration) {
	n, _ := b.keys.Number(key)
	b.enter(n, tags, now, idle, hard)
}

// enter is add for the flow with the number.
func (b *book) enter(n uint32, tags []flow.Tag, now time.Time, idle, hard time.Duration) {
	b.tags.Add(n, tags)
	b.expiry.Add(n, now, idle, hard)
}

// used notes that a packet used the flow at the given time; one that is not in the book is no error.
func (b *book) used(key flow.Key, at time.Time) {
	if n, ok := b.keys.Find(key); ok {
		b.expiry.Used(n, at)
	}
}

// has reports whether the flow is in the book.
func (b *book) has(key flow.Key) bool {
	_, ok := b.keys.Find(key)
	return ok
}

func (b *book) remove(key flow.Key) {
	if n, ok := b.keys.Find(key); ok {
		b.expiry.Remove(n)
		b.free([]uint32{n}, b.tags.Remove)
	}
}

// invalidate forgets flows that have one of the tags, limit at most, and returns their keys.
func (b *book) invalidate(tags []flow.Tag, limit int) []flow.Key {
	return b.free(b.tags.Invalidate(tags, limit), b.expiry.Remove)
}

// expired forgets flows whose time is over, limit at most, and returns their keys.
func (b *book) expired(now time.Time, limit int) []flow.Key {
	return b.free(b.expiry.Expired(now, limit), b.tags.Remove)
}

// shrink forgets the flows above limit, those whose time would be over first, and returns their keys.
func (b *book) shrink(limit int) []flow.Key {
	return b.free(b.expiry.Soonest(b.len()-limit), b.tags.Remove)
}

// free forgets flows that one of the two has forgotten, and the other one forgets by remove. It returns their keys.
func (b *book) free(flows []uint32, remove func(flow uint32)) []flow.Key {
	if b.gone != nil {
		b.gone(flows)
	}
	keys := make([]flow.Key, len(flows))
	for i, n := range flows {
		remove(n)
		keys[i] = b.keys.Free(n)
	}
	return keys
}
