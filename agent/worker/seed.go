package worker

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// maxTries is how often it is looked in one view whether there can be a seed of a key: its connection's way has to be known, and the answer's.
const maxTries = 4

// maxTried is how many keys are remembered of which there was none.
const maxTried = datapath.MaxSeeds

// seeds is what the datapath begins connections of, by itself. They have tags as flows have, and go before those that they have made.
type seeds struct {
	book    *book // by names
	numbers map[flow.Key]uint64
	seeds   map[uint64]seed  // by number
	tried   map[flow.Key]int // how often there was none in the present view
	last    uint64           // number. The first is any: an earlier agent's seeds had others
}

type seed struct {
	flow.Flow
	name flow.Key
}

func newSeeds() *seeds {
	return &seeds{book: newBook(nil), numbers: map[flow.Key]uint64{}, seeds: map[uint64]seed{}, tried: map[flow.Key]int{}, last: rand.Uint64() >> 1}
}

// nameOf returns what a seed is known by here: its wide key, and where it is of answers to sources behind a translation, of which many have one key, a
// key that nothing else has.
func nameOf(f *flow.Flow) flow.Key {
	name := f.Key
	if f.Seed.Behind.IsValid() {
		name.InPort = id.Derive[topology.Port](name.InPort, f.Seed.Behind.String())
	}
	return name
}

// of returns the seed with the number, of which a flow with the key was made; false where it has gone.
func (s *seeds) of(number uint64, key flow.Key) (seed, bool) {
	f, ok := s.seeds[number]
	return f, ok && key.Wide(f.Key.Any) == f.Key
}

// has reports whether the seed with the number is there.
func (s *seeds) has(number uint64) bool {
	_, ok := s.seeds[number]
	return ok
}

// used notes that something was made of the seed.
func (s *seeds) used(f seed, now time.Time) { s.book.used(f.name, now) }

// try reports whether it is to be looked whether there can be a seed of the name.
func (s *seeds) try(name flow.Key) bool {
	if _, made := s.numbers[name]; made || s.tried[name] == maxTries {
		return false
	}
	if len(s.tried) == maxTried {
		clear(s.tried)
	}
	s.tried[name]++
	return true
}

// add numbers the seed and keeps it.
func (s *seeds) add(f flow.Flow, tags []flow.Tag, now time.Time) {
	s.last++
	f.Seed.Number = s.last
	name := nameOf(&f)
	s.numbers[name], s.seeds[s.last] = s.last, seed{f, name}
	s.book.add(name, tags, now, sim.IdleForward, 0)
	delete(s.tried, name)
}

// renumber returns a copy of the seed with the name that has another number, and is kept in its place.
func (s *seeds) renumber(name flow.Key) flow.Flow {
	f := s.seeds[s.numbers[name]]
	delete(s.seeds, s.numbers[name])
	s.last++
	made := *f.Seed
	made.Number = s.last
	f.Seed = &made
	s.numbers[name], s.seeds[s.last] = s.last, f
	return f.Flow
}

// forget lets go of seeds that the book has let go of, and returns them.
func (s *seeds) forget(names []flow.Key) []flow.Flow {
	gone := make([]flow.Flow, 0, len(names))
	for _, name := range names {
		number := s.numbers[name]
		gone = append(gone, s.seeds[number].Flow)
		delete(s.seeds, number)
		delete(s.numbers, name)
	}
	return gone
}

// keptIn returns the seeds that one of its kind is kept among.
func (w *Worker) keptIn(f *flow.Flow) *seeds {
	if f.Seed.Kind == flow.Answers {
		return w.answers
	}
	return w.seeds
}

// removeSeeds takes seeds out of the datapath, those that take lets go of in their book, some at a time. The caller does not hold the mutex.
func (w *Worker) removeSeeds(take func(book *book, limit int) []flow.Key) {
	for _, s := range []*seeds{w.seeds, w.answers} {
		for n := removeChunk; n == removeChunk; {
			w.mu.Lock()
			names := take(s.book, removeChunk)
			w.dropSeeds(s, names)
			w.mu.Unlock()
			n = len(names)
		}
	}
}

// dropSeedsOf takes the seeds with the tag out of the datapath, all at once. The caller holds the mutex.
func (w *Worker) dropSeedsOf(tag flow.Tag) {
	for _, s := range []*seeds{w.seeds, w.answers} {
		w.dropSeeds(s, s.book.invalidate([]flow.Tag{tag}, math.MaxInt))
	}
}

// dropSeeds takes some seeds, which their book has let go of, out of the datapath.
func (w *Worker) dropSeeds(s *seeds, names []flow.Key) {
	if len(names) == 0 {
		return
	}
	gone := s.forget(names)
	for i := range gone {
		if l := w.lots[gone[i].Seed.Number]; l != nil {
			l.gone = w.cfg.Now()
		}
	}
	if err := w.cfg.Datapath.Withdraw(gone); err != nil {
		w.counters.errors.Add(1)
		w.log.Warn("withdrawing seeds", "seeds", len(gone), "error", err)
	}
}

// withdrawSeeds removes the seeds with one of the tags.
func (w *Worker) withdrawSeeds(tags []flow.Tag) {
	w.removeSeeds(func(book *book, limit int) []flow.Key { return book.invalidate(tags, limit) })
}

// expireSeeds removes the seeds of which nothing has been made for a while.
func (w *Worker) expireSeeds(now time.Time) {
	w.removeSeeds(func(book *book, limit int) []flow.Key { return book.expired(now, limit) })
}

// answersTag is of seeds that go when answers are translated which come with the addresses of c from one to the other.
func answersTag(c flow.Conn) flow.Tag {
	c.SrcPort, c.DstPort = 0, 1 // in this direction alone
	return flow.StateTag(&c)
}

// withdrawAlike removes the seeds of packets that may be answers which the states have translated.
func (w *Worker) withdrawAlike(states []flow.State) {
	if w.seeds.book.len() == 0 {
		return
	}
	for _, s := range states {
		if k := &s.Key; k.Conn.Proto == packet.ProtoUDP && k.Kind.TranslatesAnswers() {
			if t := answersTag(k.Conn); w.seeds.book.tags.Has(t) {
				w.dropSeeds(w.seeds, w.seeds.book.invalidate([]flow.Tag{t}, math.MaxInt))
			}
		}
	}
}

// begins reports whether there may be a seed of connections like that of the packet, which got the result.
func (w *Worker) begins(p *packet.Packet, key flow.Key, r *sim.Result) bool {
	return r.Begins(p) && !w.missing(r.Actions.Outputs[0]) && w.tries(key.Wide(r.Alike), r)
}

// tries reports whether it is worth while to have a seed of the name, of connections like that of the packet, which got the result: others are begun as
// well, and none of its packets may be an answer.
func (w *Worker) tries(name flow.Key, r *sim.Result) bool {
	return !slices.ContainsFunc(r.Apart, w.cfg.State.Answers) && w.seeds.try(name)
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
	w.giveBeginning(b, f, tags, r)
}

// giveBeginning gives the datapath a seed with the tags that begins connections like one whose first packet got the result, and reports whether
// there are the ports for it.
func (w *Worker) giveBeginning(b *batch, f flow.Flow, tags []flow.Tag, r *sim.Result) bool {
	if r.Source.Router.IsZero() {
		w.give(b, w.seeds, f, tags, r.Apart)
		return true
	}
	ports := w.supply(f.Key, r.Source, r.SourceTo)
	if ports == nil {
		return false
	}
	f.Seed.Ports = ports.Ports
	w.give(b, w.seeds, f, tags, r.Apart)
	w.lots[w.seeds.numbers[f.Key]] = ports
	return true
}

// give gives the datapath a seed with the tags, to be kept among those, until answers are translated that are like its packets.
func (w *Worker) give(b *batch, to *seeds, f flow.Flow, tags []flow.Tag, apart []flow.Conn) {
	tags = slices.DeleteFunc(tags, func(t flow.Tag) bool { return t.Class == flow.TagState }) // which are of the one connection
	for _, c := range apart {
		tags = append(tags, answersTag(c))
	}
	f.Actions.Outputs, f.Seed.Answers.Outputs = slices.Clone(f.Actions.Outputs), slices.Clone(f.Seed.Answers.Outputs)
	w.dropSeeds(to, to.book.shrink(datapath.MaxSeeds-1))
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
		w.seeds.used(f, b.now)
	} else {
		f.Seed = new(flow.Seed)
	}
	w.learned.touch(source{birth.First.InPort, birth.First.SrcMAC}, b.now)
	known := w.flows.has(birth.First) || w.flows.has(birth.Answer) // before: the datapath has kept them
	actions, _, answers := f.Given(birth.First, birth.Port)
	told := b.states
	if made && f.Seed.Kind == flow.Leaves { // the first packet has
		told = w.later
		w.remind()
	}
	w.acknowledge(b, told, birth.First, w.givenBy(birth.Seed, birth.First.Proto, birth.Port), &actions, made && !known)
	b.withdraw(w.closeBefore())
	if !birth.Answer.InPort.IsZero() {
		w.acknowledge(b, b.states, birth.Answer, nil, &answers, made && !known)
	}
	if made && len(f.Seed.Ports) > 0 {
		w.replenish(b, birth.Seed)
	}
}

// acknowledge enters a flow into the book that the datapath has, with these actions where made is set. It is what the simulation of a packet
// with its key says, to which what is remembered is as the state has it, if it is not nil. What others are to be told is added to the letters.
func (w *Worker) acknowledge(b *batch, l letters, key flow.Key, state sim.State, has *flow.Actions, made bool) {
	r := w.simulate(sim.Input{InPort: key.InPort, Frame: b.frameOf(key), State: state, Room: b.room})
	b.found, b.learned = append(b.found, r.Found...), append(b.learned, r.Learn...)
	actions := w.deliverable(r.Actions)
	var number uint32
	var stale []flow.Key
	var err error
	if l != nil && !same(&actions, has) {
		l = b.states // at once: the first packet has told of something else
	}
	if r.Cache = r.Cache && r.Verdict != sim.Wait && w.isPlugged(key.InPort) && w.mayInstall(&actions); r.Cache {
		number, stale, err = w.remember(l, key, &r, b.now)
		b.withdraw(stale)
	}
	if !r.Cache || err != nil {
		w.refuse(b, key)
		return
	}
	if number == 0 {
		number, _ = w.flows.number(key)
	}
	w.flows.enter(number, w.tagsOf(&r), b.now, r.Idle, r.Hard)
	if !made || !same(&actions, has) {
		b.put(key, actions)
	}
}

// refuse removes a flow that the datapath has made, or that is to be installed with the batch.
func (w *Worker) refuse(b *batch, key flow.Key) {
	w.flows.remove(key)
	w.removeFlows([]flow.Key{key})
	b.withdraw([]flow.Key{key})
}

// same reports whether the simulator gave two actions that are one.
func same(a, b *flow.Actions) bool {
	return a.Rewrite == b.Rewrite && a.MTU == b.MTU && slices.Equal(a.Outputs, b.Outputs)
}
