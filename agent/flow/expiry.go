package flow

import (
	"container/heap"
	"math"
	"time"
)

// Expiry says when flows have been there, or unused, for long enough. Time is passed in. A use moves nothing: a flow's deadline is
// looked at again only when its old one has come, so that reporting uses is cheap.
//
// It is not safe for use by several goroutines.
type Expiry struct {
	base  time.Time // of the times below, kept as durations because there are a million of each
	flows map[PackedKey]*deadline
	queue deadlines
}

type deadline struct {
	key      PackedKey
	position int           // in the queue; -1 where the flow never expires
	due      time.Duration // when to look again: never later than the flow's true end
	used     time.Duration
	idle     time.Duration // 0 for no matter how long
	end      time.Duration // the hard end; forever for none
}

const forever = time.Duration(math.MaxInt64)

// NewExpiry returns an empty Expiry.
func NewExpiry() *Expiry { return &Expiry{flows: make(map[PackedKey]*deadline)} }

// Len returns the number of flows.
func (e *Expiry) Len() int { return len(e.flows) }

// Add starts to watch a flow that is installed, or installed again, at now. Neither idle nor hard count where they are 0.
func (e *Expiry) Add(key Key, now time.Time, idle, hard time.Duration) {
	if e.base.IsZero() {
		e.base = now
	}
	packed := key.Pack()
	d := e.flows[packed]
	if d == nil {
		d = &deadline{key: packed, position: -1}
		e.flows[packed] = d
	}
	d.used, d.idle, d.end = now.Sub(e.base), idle, forever
	if hard > 0 {
		d.end = d.used + hard
	}
	d.due = d.expiry()
	switch watched := d.position >= 0; {
	case d.due == forever && watched:
		heap.Remove(&e.queue, d.position)
	case d.due == forever:
	case watched:
		heap.Fix(&e.queue, d.position)
	default:
		heap.Push(&e.queue, d)
	}
}

// Used notes that a packet used the flow at the given time.
func (e *Expiry) Used(key Key, at time.Time) {
	if d := e.flows[key.Pack()]; d != nil {
		d.used = max(d.used, at.Sub(e.base))
	}
}

// Remove stops watching a flow; one that is not there is no error.
func (e *Expiry) Remove(key Key) {
	packed := key.Pack()
	d := e.flows[packed]
	if d == nil {
		return
	}
	delete(e.flows, packed)
	if d.position >= 0 {
		heap.Remove(&e.queue, d.position)
	}
}

// Expired stops watching flows whose time is over at now and returns their keys: all of them, or limit where there are more.
func (e *Expiry) Expired(now time.Time, limit int) []Key { return e.take(now.Sub(e.base), limit) }

// Soonest stops watching the n flows whose time would be over first and returns their keys.
func (e *Expiry) Soonest(n int) []Key { return e.take(forever, n) }

// take removes from the queue what is due by the given time, soonest first. A deadline that a use has put off goes back.
func (e *Expiry) take(by time.Duration, limit int) []Key {
	var taken []Key
	for len(taken) < limit && len(e.queue) > 0 && e.queue[0].due <= by {
		d := e.queue[0]
		if due := d.expiry(); due > d.due {
			d.due = due
			heap.Fix(&e.queue, 0)
			continue
		}
		heap.Pop(&e.queue)
		delete(e.flows, d.key)
		taken = append(taken, d.key.Key())
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

// deadlines is a heap.Interface, soonest first.
type deadlines []*deadline

func (q deadlines) Len() int           { return len(q) }
func (q deadlines) Less(i, j int) bool { return q[i].due < q[j].due }

func (q deadlines) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].position, q[j].position = i, j
}

// Push is called by package heap.
func (q *deadlines) Push(x any) {
	d := x.(*deadline)
	d.position = len(*q)
	*q = append(*q, d)
}

// Pop is called by package heap.
func (q *deadlines) Pop() any {
	last := len(*q) - 1
	d := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	d.position = -1
	return d
}
