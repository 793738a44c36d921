package flow

import (
	"container/heap"
	"time"
)

// Expiry says when flows have been there, or unused, for long enough. Time is passed in. A use moves nothing: a flow's deadline is
// looked at again only when its old one has come, so that reporting uses is cheap.
//
// It is not safe for use by several goroutines.
type Expiry struct {
	flows map[Key]*deadline
	queue deadlines
}

type deadline struct {
	key      Key
	position int       // in the queue
	due      time.Time // when to look again: never later than the flow's true end
	used     time.Time
	idle     time.Duration
	end      time.Time // the hard end; zero for none
}

// NewExpiry returns an empty Expiry.
func NewExpiry() *Expiry { return &Expiry{flows: make(map[Key]*deadline)} }

// Len returns the number of flows.
func (e *Expiry) Len() int { return len(e.flows) }

// Add starts to watch a flow that is installed, or installed again, at now. Neither idle nor hard count where they are 0.
func (e *Expiry) Add(key Key, now time.Time, idle, hard time.Duration) {
	d := e.flows[key]
	if d == nil {
		d = &deadline{key: key, position: -1}
		e.flows[key] = d
	}
	d.used, d.idle, d.end = now, idle, time.Time{}
	if hard > 0 {
		d.end = now.Add(hard)
	}
	due, ends := d.expiry()
	switch {
	case !ends && d.position >= 0:
		heap.Remove(&e.queue, d.position)
	case ends && d.position >= 0:
		d.due = due
		heap.Fix(&e.queue, d.position)
	case ends:
		d.due = due
		heap.Push(&e.queue, d)
	}
}

// Used notes that a packet used the flow at the given time.
func (e *Expiry) Used(key Key, at time.Time) {
	if d := e.flows[key]; d != nil && at.After(d.used) {
		d.used = at
	}
}

// Remove stops watching a flow; one that is not there is no error.
func (e *Expiry) Remove(key Key) {
	d := e.flows[key]
	if d == nil {
		return
	}
	delete(e.flows, key)
	if d.position >= 0 {
		heap.Remove(&e.queue, d.position)
	}
}

// Expired stops watching the flows whose time is over at now and returns their keys.
func (e *Expiry) Expired(now time.Time) []Key {
	var over []Key
	for len(e.queue) > 0 && !e.queue[0].due.After(now) {
		d := e.queue[0]
		if due, _ := d.expiry(); due.After(now) {
			d.due = due
			heap.Fix(&e.queue, 0)
			continue
		}
		heap.Pop(&e.queue)
		delete(e.flows, d.key)
		over = append(over, d.key)
	}
	return over
}

// Next returns when Expired may next have something to say; false when nothing ever expires.
func (e *Expiry) Next() (time.Time, bool) {
	if len(e.queue) == 0 {
		return time.Time{}, false
	}
	return e.queue[0].due, true
}

// expiry returns when the flow's time is over if it is not used again; false when it never is.
func (d *deadline) expiry() (time.Time, bool) {
	if d.idle <= 0 {
		return d.end, !d.end.IsZero()
	}
	due := d.used.Add(d.idle)
	if !d.end.IsZero() && d.end.Before(due) {
		due = d.end
	}
	return due, true
}

// deadlines is a heap.Interface, soonest first.
type deadlines []*deadline

func (q deadlines) Len() int           { return len(q) }
func (q deadlines) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

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
