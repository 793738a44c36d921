package worker

import (
	"bytes"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/topology"
)

// Bounds on packets that wait for something: a neighbour's answer, a block of ports, a router that this host has not been sent.
const (
	maxWaiting        = 4096
	maxWaitingPerPort = 128         // so that a workload that scans a network leaves room for the others
	maxWaitingPerWant = 64          // all fragments of a packet have room
	wantInterval      = time.Second // RFC 4861 section 10: RETRANS_TIMER
	maxAsks           = 3           // likewise: MAX_UNICAST_SOLICIT
)

// waiting is the packets that wait, by the first thing that each waits for.
type waiting struct {
	lines   map[sim.Want]*line
	perPort map[topology.PortID]int
	size    int
}

// line is the packets that wait for one thing.
type line struct {
	misses []datapath.Miss // copies: the datapath's buffers are its own
	tags   []flow.Tag      // what their results depended on
	asks   int
	due    time.Time // when to ask again
}

func newWaiting() *waiting {
	return &waiting{lines: map[sim.Want]*line{}, perPort: map[topology.PortID]int{}}
}

// add keeps a packet whose simulation had the result, at now. first says that nothing waited for the same thing before, so that it has
// to be asked for; kept is false where the packet has no room.
func (q *waiting) add(m datapath.Miss, r *sim.Result, now time.Time) (first, kept bool) {
	if q.size >= maxWaiting || q.perPort[m.InPort] >= maxWaitingPerPort {
		return false, false
	}
	want := r.Wants[0]
	l := q.lines[want]
	if first = l == nil; first {
		l = &line{asks: 1, due: now.Add(wantInterval)}
		q.lines[want] = l
	}
	if len(l.misses) >= maxWaitingPerWant {
		return first, false
	}
	m.Frame = bytes.Clone(m.Frame)
	l.misses = append(l.misses, m)
	for _, t := range r.Tags {
		if !slices.Contains(l.tags, t) {
			l.tags = append(l.tags, t)
		}
	}
	q.size++
	q.perPort[m.InPort]++
	return first, true
}

// take takes out the packets of a line.
func (q *waiting) take(want sim.Want) []datapath.Miss {
	l := q.lines[want]
	if l == nil {
		return nil
	}
	delete(q.lines, want)
	for _, m := range l.misses {
		q.size--
		if q.perPort[m.InPort]--; q.perPort[m.InPort] == 0 {
			delete(q.perPort, m.InPort)
		}
	}
	return l.misses
}

// touched takes out the packets whose answer may have changed with what has one of the tags.
func (q *waiting) touched(tags []flow.Tag) []datapath.Miss {
	if len(q.lines) == 0 || len(tags) == 0 {
		return nil
	}
	type thing struct {
		class flow.TagClass
		id    [16]byte
	}
	changed := make(map[thing][]flow.Tag, len(tags))
	for _, t := range tags {
		changed[thing{t.Class, t.ID}] = append(changed[thing{t.Class, t.ID}], t)
	}
	touches := func(a flow.Tag) bool {
		return slices.ContainsFunc(changed[thing{a.Class, a.ID}], func(t flow.Tag) bool { return t.Touches(a) })
	}
	var ready []datapath.Miss
	for want, l := range q.lines {
		if slices.ContainsFunc(l.tags, touches) {
			ready = append(ready, q.take(want)...)
		}
	}
	return ready
}

// blocked takes out the packets that wait for a block of the router's address.
func (q *waiting) blocked(b *topology.NATBlock) []datapath.Miss {
	var ready []datapath.Miss
	for want := range q.lines {
		if want.Block.Router == b.Router && want.Block.Addr == b.Addr {
			ready = append(ready, q.take(want)...)
		}
	}
	return ready
}

// overdue returns the things that were asked for long enough ago to ask again; what has been asked for often enough is given up, and
// its packets are taken out.
func (q *waiting) overdue(now time.Time) (again []sim.Want, givenUp []datapath.Miss) {
	for want, l := range q.lines {
		switch {
		case now.Before(l.due):
		case l.asks >= maxAsks:
			givenUp = append(givenUp, q.take(want)...)
		default:
			l.asks++
			l.due = now.Add(wantInterval)
			again = append(again, want)
		}
	}
	return again, givenUp
}
