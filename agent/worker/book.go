package worker

import (
	"time"

	"midonet.org/midonet/agent/flow"
)

// book is what the worker knows of the flows that it installed: which tags each has and when its time is over. The datapath may
// have forgotten some of them; those look unused and leave the book when their idle time is over.
type book struct {
	tags   *flow.TagIndex
	expiry *flow.Expiry
}

func newBook() *book { return &book{tags: flow.NewTagIndex(), expiry: flow.NewExpiry()} }

func (b *book) len() int { return b.expiry.Len() }

// add records a flow that is installed at now, in place of what was known of its key.
func (b *book) add(key flow.Key, tags []flow.Tag, now time.Time, idle, hard time.Duration) {
	b.tags.Add(key, tags)
	b.expiry.Add(key, now, idle, hard)
}

// has reports whether the flow is in the book.
func (b *book) has(key flow.Key) bool { return b.expiry.Has(key) }

func (b *book) remove(key flow.Key) {
	b.tags.Remove(key)
	b.expiry.Remove(key)
}

// invalidate forgets flows that have one of the tags, limit at most, and returns their keys.
func (b *book) invalidate(tags []flow.Tag, limit int) []flow.Key {
	keys := b.tags.Invalidate(tags, limit)
	for _, k := range keys {
		b.expiry.Remove(k)
	}
	return keys
}

// expired forgets flows whose time is over, limit at most, and returns their keys.
func (b *book) expired(now time.Time, limit int) []flow.Key {
	return b.untag(b.expiry.Expired(now, limit))
}

// shrink forgets the flows above limit, those whose time would be over first, and returns their keys.
func (b *book) shrink(limit int) []flow.Key { return b.untag(b.expiry.Soonest(b.len() - limit)) }

func (b *book) untag(keys []flow.Key) []flow.Key {
	for _, k := range keys {
		b.tags.Remove(k)
	}
	return keys
}
