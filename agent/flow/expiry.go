package flow

import (
	"container/heap"
	"math"
	"time"

	"midonet.org/midonet/agent/slot"
)

// Expiry says when flows have been there, or unused, for long enough. Time is passed in. A use moves nothing: a flow's deadline is
// looked at again only when its old one has come, so that reporting uses is cheap.
//
// It is not safe for use by several goroutines.
type Expiry struct {
	base  time.Time // of the times below, kept as durations because there are a million of each
	slots slot.Index
	flows slot.Pages[deadline]
	queue []uint32 // slots of flows that expire: a heap, the soonest first
}

type deadline struct {
	key      PackedKey
	position int32         // in the queue; unwatched where the flow never expires
	due      time.Duration // when to look again: never later than the flow's true end
	used     time.Duration
	idle     time.Duration // 0 for no matter how long
	end      time.Duration // the hard end; forever for none
}

const (
	forever   = time.Duration(math.MaxInt64)
	unwatched = -1
)

// NewExpiry returns an empty Expiry.
func NewExpiry() *Expiry { return &Expiry{} }

// Len returns the number of flows.
func (e *Expiry) Len() int { return e.slots.Len() }

// Add starts to watch a flow that is installed, or installed again, at now. Neither idle nor hard count where they are 0.
func (e *Expiry) Add(key Key, now time.Time, idle, hard time.Duration) {
	if e.base.IsZero() {
		e.base = now
	}
	s := e.slotFor(key)
	d := e.flows.At(s)
	d.used, d.idle, d.end = now.Sub(e.base), idle, forever
	if hard > 0 {
		d.end = d.used + hard
	}
	d.due = d.expiry()
	switch watched := d.position != unwatched; {
	case d.due == forever && watched:
		heap.Remove((*deadlines)(e), int(d.position))
	case d.due == forever:
	case watched:
		heap.Fix((*deadlines)(e), int(d.position))
	default:
		d.position = int32(len(e.queue))
		e.queue = append(e.queue, s)
		heap.Fix((*deadlines)(e), int(d.position))
	}
}

// slotFor returns the slot of the flow, a new one where it has none.
func (e *Expiry) slotFor(key Key) uint32 {
	packed := key.Pack()
	hash := packed.Hash()
	s, ok := e.find(&packed, hash)
	if ok {
		return s
	}
	s = e.flows.Take()
	*e.flows.At(s) = deadline{key: packed, position: unwatched}
	e.slots.Add(hash, s)
	return s
}

func (e *Expiry) find(key *PackedKey, hash uint64) (s uint32, ok bool) {
	return e.slots.Find(hash, func(s uint32) bool { return e.flows.At(s).key == *key })
}

// Used notes that a packet used the flow at the given time.
func (e *Expiry) Used(key Key, at time.Time) {
	packed := key.Pack()
	if s, ok := e.find(&packed, packed.Hash()); ok {
		d := e.flows.At(s)
		d.used = max(d.used, at.Sub(e.base))
	}
}

// Remove stops watching a flow; one that is not there is no error.
func (e *Expiry) Remove(key Key) {
	packed := key.Pack()
	hash := packed.Hash()
	s, ok := e.find(&packed, hash)
	if !ok {
		return
	}
	if at := e.flows.At(s).position; at != unwatched {
		heap.Remove((*deadlines)(e), int(at))
	}
	e.free(s, hash)
}

// free gives up the slot of a flow that is not in the queue.
func (e *Expiry) free(s uint32, hash uint64) {
	e.slots.Remove(hash, s)
	e.flows.Free(s)
}

// Expired stops watching flows whose time is over at now and returns their keys: all of them, or limit where there are more.
func (e *Expiry) Expired(now time.Time, limit int) []Key { return e.take(now.Sub(e.base), limit) }

// Soonest stops watching the n flows whose time would be over first and returns their keys.
func (e *Expiry) Soonest(n int) []Key { return e.take(forever, n) }

// take removes from the queue what is due by the given time, soonest first. A deadline that a use has put off goes back.
func (e *Expiry) take(by time.Duration, limit int) []Key {
	var taken []Key
	for len(taken) < limit && len(e.queue) > 0 {
		s := e.queue[0]
		d := e.flows.At(s)
		if d.due > by {
			break
		}
		if due := d.expiry(); due > d.due {
			d.due = due
			heap.Fix((*deadlines)(e), 0)
			continue
		}
		heap.Remove((*deadlines)(e), 0)
		taken = append(taken, d.key.Key())
		e.free(s, d.key.Hash())
	}
	return taken
}

// expiry returns when the flow's time is over if it is not used again.
func (d *deadline) expiry() time.Duration {
	if d.idle <= 0 {
		return d.end
	}
	return min(d.used+d.idle, d.end)
}

// deadlines is the queue of an Expiry as a heap.Interface.
type deadlines Expiry

func (q *deadlines) Len() int { return len(q.queue) }

func (q *deadlines) Less(i, j int) bool {
	return q.flows.At(q.queue[i]).due < q.flows.At(q.queue[j]).due
}

func (q *deadlines) Swap(i, j int) {
	q.queue[i], q.queue[j] = q.queue[j], q.queue[i]
	q.flows.At(q.queue[i]).position, q.flows.At(q.queue[j]).position = int32(i), int32(j)
}

// Push is not called: package heap is told of a new flow by Fix, so that its number need not be boxed.
func (q *deadlines) Push(any) {}

// Pop is called by package heap, and its result not looked at.
func (q *deadlines) Pop() any {
	last := len(q.queue) - 1
	q.flows.At(q.queue[last]).position = unwatched
	q.queue = q.queue[:last]
	return nil
}
