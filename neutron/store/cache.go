package store

import "sync"

// cacheSize is how many octets a server keeps of what it has read, about: some twenty thousand ports.
const cacheSize = 64 << 20

// cache keeps the resources that lists and looks at single ones have read, each under the version that it had (see shared.go). It forgets
// what was not asked for longest: what is asked for is among the young; when those are half of all there may be, they become the old, and those
// that were old are gone.
type cache struct {
	mu         sync.Mutex
	limit      int
	young, old map[cacheKey]*cached
	size       int // octets of the young ones
	sizeOfOld  int
	hits       uint64
	misses     uint64
}

// Memory is how much is remembered of what was read, and what it was good for.
type Memory struct {
	Octets       int    // about
	Hits, Misses uint64 // resources that came from memory, and that were read
}

// Memory returns the present figures.
func (db *DB) Memory() Memory {
	c := db.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	return Memory{c.size + c.sizeOfOld, c.hits, c.misses}
}

// cacheKey names a resource as one kind of reader has it.
type cacheKey struct {
	table    any    // the *table of its kind
	finished string // see Shared
	id       string
}

// cached is a resource as it is in one version. It is the keeper of its sealed forms.
type cached struct {
	in      *cache
	version int64
	items   [2]any // *model.Sealed of those with whom it is not shared, and of those with whom it is; nil: not asked for yet
	octets  int
}

// Grew implements model.Keeper.
func (k *cached) Grew(octets int) {
	k.in.mu.Lock()
	defer k.in.mu.Unlock()
	k.octets += octets
	k.in.size += octets // one that is old now was young when it was asked for
}

func newCache(limit int) *cache {
	return &cache{limit: limit, young: map[cacheKey]*cached{}, old: map[cacheKey]*cached{}}
}

// known reports whether some version of a resource is there.
func (c *cache) known(k cacheKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(k) != nil
}

// find returns what is known of a resource, which makes it young again.
func (c *cache) find(k cacheKey) *cached {
	if known := c.young[k]; known != nil {
		return known
	}
	known := c.old[k]
	if known != nil {
		delete(c.old, k)
		c.sizeOfOld -= known.octets
		c.keep(k, known)
	}
	return known
}

// keep makes a resource one of the young.
func (c *cache) keep(k cacheKey, new *cached) {
	if c.size+new.octets > c.limit/2 {
		c.old, c.sizeOfOld = c.young, c.size
		c.young, c.size = map[cacheKey]*cached{}, 0
	}
	if before := c.young[k]; before != nil {
		c.size -= before.octets
	}
	c.young[k] = new
	c.size += new.octets
}

// put keeps a resource of that version; the one that was there is of an earlier one, or of another reader's time, which does no harm.
func (c *cache) put(k cacheKey, version int64, shared int, octets int, seal func(*cached) any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.find(k)
	if known == nil || known.version != version {
		known = &cached{in: c, version: version}
	}
	item := seal(known)
	c.misses++
	known.items[shared] = item
	known.octets += octets
	c.keep(k, known)
	return item
}
