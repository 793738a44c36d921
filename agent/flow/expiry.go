package flow

import (
	"math"
	"slices"
	"time"

	"midonet.org/midonet/agent/slot"
)

// Expiry says when flows, which go by their numbers (Keys), have been there, or unused, for long enough. Time is passed in. A use moves nothing: a
// flow's deadline is looked at again only when its old one has come, so that reporting uses is cheap.
//
// Deadlines stand in a list for each second, so that a flow comes and goes at the same price however many there are. (In a heap of a hundred
// thousand, the one that goes first is followed by some thirty others, each somewhere else in memory.)
//
// It is not safe for use by several goroutines.
type Expiry struct {
	base    time.Time // of the times below, kept as durations because there are a million of each
	flows   slot.Pages[deadline]
	seconds []line // of flows that expire, by when to look again
	first   int    // the second of seconds[0]
}

// line is the flows to look at again in one second, or later where that is too far ahead, in the order in which they were put there.
type line struct{ oldest, newest uint32 } // 0: none

// ahead is how many seconds have a line of their own at most.
const ahead = 4096

type deadline struct {
	before, after uint32        // in its line
	listed        bool          // in a line; a flow that never expires is not
	at            int           // the second whose line it is
	due           time.Duration // when to look again: never later than the flow's true end
	used          time.Duration
	idle          time.Duration // 0 for no matter how long
	end           time.Duration // the hard end; forever for none
}

const forever = time.Duration(math.MaxInt64)

// NewExpiry returns an empty Expiry.
func NewExpiry() *Expiry { return &Expiry{} }

// Add starts to watch a flow that is installed, or installed again, at now. Neither idle nor hard count where they are 0.
func (e *Expiry) Add(flow uint32, now time.Time, idle, hard time.Duration) {
	if e.base.IsZero() {
		e.base = now
	}
	d := e.flows.Reach(flow)
	d.used, d.idle, d.end = now.Sub(e.base), idle, forever
	if hard > 0 {
		d.end = d.used + hard
	}
	e.leave(flow)
	if d.due = d.expiry(); d.due != forever {
		e.enter(flow)
	}
}

// Used notes that a packet used the flow, which is watched, at the given time.
func (e *Expiry) Used(flow uint32, at time.Time) {
	d := e.flows.At(flow)
	d.used = max(d.used, at.Sub(e.base))
}

// Expired stops watching flows whose time is over at now and returns them: all of them, or limit where there are more.
func (e *Expiry) Expired(now time.Time, limit int) []uint32 { return e.take(now.Sub(e.base), limit) }

// Soonest stops watching the n flows whose time would be over first, to within a second, and returns them.
func (e *Expiry) Soonest(n int) []uint32 { return e.take(forever, n) }

// take takes out what is due by the given time, second by second.
func (e *Expiry) take(by time.Duration, limit int) (taken []uint32) {
	for len(taken) < limit && len(e.seconds) > 0 && secondOf(by) >= e.first {
		taken = e.takeFirst(by, limit, taken)
		if e.seconds[0].oldest != 0 {
			break
		}
		e.seconds = e.seconds[1:]
		e.first++
	}
	return taken
}

// takeFirst takes out of the first line what is due by the given time, and appends it to taken up to the limit. A deadline that a use has
// put off, and one that was too far ahead, goes where it belongs now.
func (e *Expiry) takeFirst(by time.Duration, limit int, taken []uint32) []uint32 {
	for s := e.seconds[0].oldest; s != 0 && len(taken) < limit; {
		d := e.flows.At(s)
		next := d.after
		switch due := d.expiry(); {
		case due > d.due, by != forever && secondOf(due) > e.first:
			e.leave(s)
			d.due = due
			e.enter(s)
			if next == 0 && d.at == e.first { // behind the last of the same line
				next = s
			}
		case due <= by:
			taken = append(taken, s)
			e.leave(s)
		}
		s = next
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

func secondOf(t time.Duration) int { return int(t / time.Second) }

// enter puts the flow at the end of the line of its due time.
func (e *Expiry) enter(s uint32) {
	d := e.flows.At(s)
	d.listed, d.at = true, secondOf(d.due)
	switch {
	case len(e.seconds) == 0:
		e.first = min(d.at, secondOf(d.used)) // which none that comes later is before
	case d.at < e.first:
		e.seconds = slices.Insert(e.seconds, 0, make([]line, e.first-d.at)...)
		e.first = d.at
	}
	d.at = min(d.at, e.first+ahead-1)
	for len(e.seconds) <= d.at-e.first {
		e.seconds = append(e.seconds, line{})
	}
	l := &e.seconds[d.at-e.first]
	if d.before, d.after = l.newest, 0; l.newest != 0 {
		e.flows.At(l.newest).after = s
	} else {
		l.oldest = s
	}
	l.newest = s
}

// Remove stops watching a flow; one that is not watched is no error.
func (e *Expiry) Remove(flow uint32) { e.leave(flow) }

// leave takes the flow out of its line, if it is in one.
func (e *Expiry) leave(s uint32) {
	d := e.flows.Reach(s)
	if !d.listed {
		return
	}
	l := &e.seconds[d.at-e.first]
	if d.before != 0 {
		e.flows.At(d.before).after = d.after
	} else {
		l.oldest = d.after
	}
	if d.after != 0 {
		e.flows.At(d.after).before = d.before
	} else {
		l.newest = d.before
	}
	d.before, d.after, d.listed = 0, 0, false
}
