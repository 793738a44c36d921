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
	maxWaitingOctets  = 16 << 20
	maxWaitingPerRoom = 64                    // all fragments of a packet, and no more: a workload that scans a network leaves room for the others
	maxOctetsPerRoom  = 256 << 10             // four of the largest packets that a workload leaves to hardware to cut
	maxWaitingPerWant = 4 * maxWaitingPerRoom // so that one port leaves room for others behind the same gateway
	waitingShare      = 8                     // no room has more than this part of what is left to all
	waitingOverhead   = 512                   // octets that a packet costs beside its own, with what it waits for
	wantInterval      = time.Second           // RFC 4861 section 10: RETRANS_TIMER
	maxAsks           = 3                     // likewise: MAX_UNICAST_SOLICIT
)

// waiting is the packets that wait, by the first thing that each waits for.
type waiting struct {
	lines map[sim.Want]*line
	rooms map[room]load
	load  load // of all rooms
}

// room is shared by the packets of a port that wait for one kind of thing: an uplink is the port of all machines outside, of which one that sends
// fragments without their first, or scans a network, is not to be in the way of others' first packets to routers that were not sent.
type room struct {
	port topology.PortID
	kind sim.WantKind
}

// load is what waits, and the memory that it takes.
type load struct{ packets, octets int }

func (l load) with(frame []byte) load {
	return load{l.packets + 1, l.octets + len(frame) + waitingOverhead}
}
func (l load) without(frame []byte) load {
	return load{l.packets - 1, l.octets - len(frame) - waitingOverhead}
}

// fits reports whether a room may have so much, when all of them have that much. What a room may have becomes less with what is left, so that
// there is something left for one that has nothing (dynamic thresholds, Choudhury and Hahne 1998).
func (l load) fits(all load) bool {
	return l.packets <= maxWaitingPerRoom && l.octets <= min(maxOctetsPerRoom, (maxWaitingOctets-all.octets)/waitingShare)
}

// line is the packets that wait for one thing.
type line struct {
	misses []datapath.Miss // copies: the datapath's buffers are its own
	tags   []flow.Tag      // what their results depended on
	asks   int
	due    time.Time // when to ask again
}

func newWaiting() *waiting {
	return &waiting{lines: map[sim.Want]*line{}, rooms: map[room]load{}}
}

// add keeps a packet whose simulation had the result, at now. first says that nothing waited for the same thing before, so that it has
// to be asked for; kept is false where the packet has no room.
func (q *waiting) add(m datapath.Miss, r *sim.Result, now time.Time) (first, kept bool) {
	want := r.Wants[0]
	in := room{m.InPort, want.Kind()}
	mine, all := q.rooms[in].with(m.Frame), q.load.with(m.Frame)
	if !mine.fits(all) {
		return false, false
	}
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
	q.rooms[in], q.load = mine, all
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
		in := room{m.InPort, want.Kind()}
		q.load = q.load.without(m.Frame)
		if q.rooms[in] = q.rooms[in].without(m.Frame); q.rooms[in].packets == 0 {
			delete(q.rooms, in)
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
