package worker

import (
	"math/rand/v2"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
)

// maxTries is how often it is looked in one view whether there can be a seed of a key: its connection's way has to be known, and the answer's.
const maxTries = 4

// maxTried is how many keys are remembered of which there was none.
const maxTried = datapath.MaxSeeds

// seeds is what the datapath begins connections of, by itself. They have tags as flows have, and go before those that they have made.
type seeds struct {
	book    *book // by wide keys
	numbers map[flow.Key]uint64
	seeds   map[uint64]flow.Flow // by number
	tried   map[flow.Key]int     // how often there was none in the present view
	last    uint64               // number. The first is any: an earlier agent's seeds had others
}

func newSeeds() *seeds {
	return &seeds{book: newBook(), numbers: map[flow.Key]uint64{}, seeds: map[uint64]flow.Flow{}, tried: map[flow.Key]int{}, last: rand.Uint64() >> 1}
}

// of returns the seed with the number, of which a flow with the key was made; false where it has gone.
func (s *seeds) of(number uint64, key flow.Key) (flow.Flow, bool) {
	f, ok := s.seeds[number]
	return f, ok && key.Wide(f.Key.Any) == f.Key
}

// try reports whether it is to be looked whether there can be a seed of the wide key.
func (s *seeds) try(wide flow.Key) bool {
	if _, made := s.numbers[wide]; made || s.tried[wide] == maxTries {
		return false
	}
	if len(s.tried) == maxTried {
		clear(s.tried)
	}
	s.tried[wide]++
	return true
}

// add numbers the seed and keeps it.
func (s *seeds) add(f flow.Flow, tags []flow.Tag, now time.Time) {
	s.last++
	f.Seed.Number = s.last
	s.numbers[f.Key], s.seeds[s.last] = s.last, f
	s.book.add(f.Key, tags, now, sim.IdleForward, 0)
	delete(s.tried, f.Key)
}

// forget lets go of seeds that the book has let go of.
func (s *seeds) forget(keys []flow.Key) []flow.Key {
	for _, k := range keys {
		delete(s.seeds, s.numbers[k])
		delete(s.numbers, k)
	}
	return keys
}

// removeSeeds takes seeds out of the datapath, those that take lets go of in their book, some at a time. The caller does not hold the mutex.
func (w *Worker) removeSeeds(take func(book *book, limit int) []flow.Key) {
	for _, s := range []*seeds{w.seeds, w.answers} {
		for n := removeChunk; n == removeChunk; {
			w.mu.Lock()
			keys := take(s.book, removeChunk)
			w.dropSeeds(keys)
			w.mu.Unlock()
			n = len(keys)
		}
	}
}

// dropSeeds takes the seeds of every kind with these keys out of the datapath, which does not tell them apart there.
func (w *Worker) dropSeeds(keys []flow.Key) {
	for _, s := range []*seeds{w.seeds, w.answers} {
		for _, k := range s.forget(keys) {
			s.book.remove(k)
		}
	}
	w.removeFlows(keys)
}

// withdrawSeeds removes the seeds with one of the tags.
func (w *Worker) withdrawSeeds(tags []flow.Tag) {
	w.removeSeeds(func(book *book, limit int) []flow.Key { return book.invalidate(tags, limit) })
}

// expireSeeds removes the seeds of which nothing has been made for a while.
func (w *Worker) expireSeeds(now time.Time) {
	w.removeSeeds(func(book *book, limit int) []flow.Key { return book.expired(now, limit) })
}

// begins reports whether there may be a seed of connections like that of the packet, which got the result.
func (w *Worker) begins(p *packet.Packet, key flow.Key, r *sim.Result) bool {
	return r.Begins(p) && !w.missing(r.Actions.Outputs[0]) && w.seeds.try(key.Wide(r.Alike))
}

// sow gives the datapath a seed of connections like one whose first packet got the result r, and whose answer gets the result back.
func (w *Worker) sow(b *batch, first flow.Key, r *sim.Result, answer flow.Key, back *sim.Result) {
	f, ok := sim.SeedOf(first, r, answer, back)
	if !ok {
		return
	}
	tags := r.Tags
	for _, t := range back.Tags {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	w.give(b, w.seeds, f, tags)
}

// give gives the datapath a seed with the tags, to be kept among those.
func (w *Worker) give(b *batch, to *seeds, f flow.Flow, tags []flow.Tag) {
	tags = slices.DeleteFunc(tags, func(t flow.Tag) bool { return t.Class == flow.TagState }) // which are of the one connection
	f.Actions.Outputs, f.Seed.Answers.Outputs = slices.Clone(f.Actions.Outputs), slices.Clone(f.Seed.Answers.Outputs)
	w.dropSeeds(to.book.shrink(datapath.MaxSeeds - 1))
	to.add(f, tags, b.now)
	b.seeds = append(b.seeds, f)
}

// hearOfBirth does for a connection that the datapath has begun what is done for those whose first packets it hands up, but for sending
// the packet: it is simulated, and what answers it, by the present view. Where the flows are not those that the datapath has made of the seed
// they are replaced, or removed.
func (w *Worker) hearOfBirth(b *batch, birth *datapath.Birth) {
	if birth.Opened() {
		w.hearOfOpening(b, birth)
		return
	}
	w.counters.born.Add(1)
	f, made := w.seeds.of(birth.Seed, birth.First)
	if made {
		w.seeds.book.expiry.Used(f.Key, b.now)
	} else {
		f.Seed = new(flow.Seed)
	}
	w.learned.touch(source{birth.First.InPort, birth.First.SrcMAC}, b.now)
	known := w.flows.has(birth.First) || w.flows.has(birth.Answer) // before: the datapath has kept them
	if made && f.Seed.Kind == flow.Leaves {                        // which the first packet has told of
		w.acknowledge(b, w.later, birth.First, &f.Actions, !known)
		w.remind()
		return
	}
	w.acknowledge(b, b.states, birth.First, &f.Actions, made && !known)
	if !birth.Answer.InPort.IsZero() {
		w.acknowledge(b, b.states, birth.Answer, &f.Seed.Answers, made && !known)
	}
}

// acknowledge enters a flow into the book that the datapath has, with these actions where made is set. It is what the simulation of a packet
// with its key says. What others are to be told is added to the letters.
func (w *Worker) acknowledge(b *batch, l letters, key flow.Key, has *flow.Actions, made bool) {
	r := w.simulate(sim.Input{InPort: key.InPort, Frame: key.Frame(), Room: &b.room})
	b.found, b.learned = append(b.found, r.Found...), append(b.learned, r.Learn...)
	actions := w.deliverable(r.Actions)
	var err error
	var stale []flow.Key
	if r.Cache = r.Cache && r.Verdict != sim.Wait && w.isPlugged(key.InPort) && w.mayInstall(&actions); r.Cache {
		stale, err = w.remember(l, key, &r, b.now)
		b.withdraw(stale)
	}
	if !r.Cache || err != nil {
		w.flows.remove(key)
		w.removeFlows([]flow.Key{key})
		b.withdraw([]flow.Key{key})
		return
	}
	w.flows.add(key, w.tagsOf(&r), b.now, r.Idle, r.Hard)
	if !made || !same(&actions, has) {
		b.put(key, actions)
	}
}

// same reports whether the simulator gave two actions that are one.
func same(a, b *flow.Actions) bool {
	return a.Rewrite == b.Rewrite && a.MTU == b.MTU && slices.Equal(a.Outputs, b.Outputs)
}
