package auth

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// maxCached bounds the cache: with some 500 octets a token, under 10 MB.
const maxCached = 16384

// tokenKey identifies a token in memory without being it.
type tokenKey [sha256.Size]byte

func keyOf(secret string) tokenKey { return sha256.Sum256([]byte(secret)) }

// cache remembers what Keystone said of tokens, for a while. When it is full the one that was used longest ago goes.
type cache struct {
	keep time.Duration // 0 or less: nothing is remembered
	size int
	now  func() time.Time

	mu    sync.Mutex
	byKey map[tokenKey]*list.Element
	used  *list.List // of *cached, the latest first
}

type cached struct {
	key   tokenKey
	token *token
	until time.Time
}

func newCache(keep time.Duration, now func() time.Time) *cache {
	return &cache{keep: keep, size: maxCached, now: now, byKey: map[tokenKey]*list.Element{}, used: list.New()}
}

// get returns the token, nil where it is not remembered.
func (c *cache) get(key tokenKey) *token {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return nil
	}
	entry := e.Value.(*cached)
	if !c.now().Before(entry.until) {
		c.remove(e)
		return nil
	}
	c.used.MoveToFront(e)
	return entry.token
}

func (c *cache) put(key tokenKey, t *token) {
	if c.keep <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[key]; ok {
		c.remove(e)
	}
	c.byKey[key] = c.used.PushFront(&cached{key, t, c.now().Add(c.keep)})
	if c.used.Len() > c.size {
		c.remove(c.used.Back())
	}
}

func (c *cache) remove(e *list.Element) {
	delete(c.byKey, e.Value.(*cached).key)
	c.used.Remove(e)
}
