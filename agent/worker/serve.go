package worker

import (
	"slices"
	"sync"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// serve answers a batch of misses: it installs the flows that were found and then sends the packets on. A packet is sent after
// its flow is in the cache, so that the next packet of the flow finds it there.
func (w *Worker) serve(misses []datapath.Miss) {
	packets := len(misses)
	for i := range misses {
		if misses[i].Born != nil {
			packets--
		}
	}
	w.counters.misses.Add(uint64(packets))
	w.settle(w.answer(misses, false))
}

// answer serves packets, which give up what they waited for or have not waited, and returns the tags of the flows that what it learned
// on the way touches.
func (w *Worker) answer(misses []datapath.Miss, giveUp bool) (touched []flow.Tag) {
	b := batches.Get().(*batch)
	defer b.free()
	b.giveUp = giveUp
	w.decide(b, misses)
	w.execute(b.packets)
	return b.touched
}

func (w *Worker) execute(packets []datapath.Packet) {
	if len(packets) == 0 {
		return
	}
	if err := w.cfg.Datapath.Execute(packets); err != nil {
		w.counters.errors.Add(1)
		w.log.Debug("sending missed packets on", "packets", len(packets), "error", err)
	}
}

// decide finds what becomes of the packets, in their order, and installs the flows.
func (w *Worker) decide(b *batch, misses []datapath.Miss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.complete {
		w.counters.drop(dropNoView, len(misses))
		return
	}
	b.now = w.cfg.Now()
	w.makeRoom(2 * len(misses)) // a connection's first packet brings the flow of its answer
	for i := range misses {
		w.decideOne(b, misses[i])
	}
	w.install(b.flows)
	w.plant(b.seeds)
	b.packets = slices.Insert(b.packets, 0, w.messages(b.states)...) // whoever sees the answers knows of them before
	if w.later.len() >= laterStates {
		b.packets = append(b.packets, w.messages(w.later)...)
		w.later.free()
	}
	b.touched = append(b.touched, w.learn(b.learned, b.found)...)
	for _, r := range w.cfg.State.Scarce() { // so that there is one for connections that begin while the cluster is away
		w.wantAhead(sim.BlockWant{Router: r.Router, Addr: r.Addr, First: r.First, Last: r.Last}, b.now)
	}
}

// batch is what is found out about some misses.
type batch struct {
	giveUp  bool // what the packets want will not come
	now     time.Time
	known   map[flow.PackedKey]int // of the keys whose answer holds for all their packets, and of packets of wide ones: where in flows it is
	flows   []flow.Flow            // to be installed: keys and actions; the rest is in the book
	seeds   []flow.Flow            // likewise, behind the flows
	packets []datapath.Packet
	states  letters
	learned []sim.Learned
	found   []sim.Resolved
	touched []flow.Tag
	room    *sim.Room
	frame   []byte // of the present simulation, where it is of a key alone
}

// frameOf returns a frame that has the key's fields, which is good until the next one is asked for.
func (b *batch) frameOf(key flow.Key) []byte {
	b.frame = key.AppendFrame(b.frame[:0])
	return b.frame
}

// batches are kept for the next misses: one is tens of kilobytes, and a thousand are taken each second.
var batches = sync.Pool{New: func() any { return &batch{known: map[flow.PackedKey]int{}, states: letters{}, room: new(sim.Room)} }}

// free is called when nobody looks at the batch any more.
func (b *batch) free() {
	clear(b.known)
	b.states.free()
	clear(b.flows)
	clear(b.seeds)
	clear(b.packets) // they point to frames
	*b = batch{known: b.known, flows: b.flows[:0], seeds: b.seeds[:0], packets: b.packets[:0], states: b.states, room: b.room,
		frame: b.frame}
	batches.Put(b)
}

func (w *Worker) decideOne(b *batch, m datapath.Miss) {
	if m.State {
		w.hear(b, m.Frame)
		return
	}
	if m.Born != nil {
		w.hearOfBirth(b, m.Born)
		return
	}
	if !w.isPlugged(m.InPort) {
		w.counters.drop(dropUnplugged, 1) // it waited while its port was unplugged
		return
	}
	var p packet.Packet
	if packet.Parse(m.Frame, &p) != nil {
		w.counters.drop(dropMalformed, 1)
		return
	}
	w.learned.touch(source{m.InPort, p.SrcMAC}, b.now)
	if p.Fragment == packet.FragmentFirst {
		of := sim.DatagramOf(&p, m.InPort)
		w.datagrams.note(&p, of, b.now)
		defer func() { // behind the first
			for _, later := range w.waiting.take(sim.Want{First: of}) {
				w.decideOne(b, later)
			}
		}()
	}
	key := flow.KeyOf(&p, m.InPort)
	actions, ok := b.answered(&key)
	if !ok || datapath.Refuses(&actions, &p, m.Offload) {
		now := b.now
		in := w.inputOf(&m, &p, now)
		in.Hush, in.Mute = w.floods.exceeded(m.InPort, now), w.refusals.exceeded(m.InPort, now)
		in.GiveUp, in.Room = b.giveUp, b.room
		r := w.simulate(in)
		if in.Arriving && r.Verdict == sim.Wait && w.nobodyKnows(m.InPort, &r, now) {
			in.Arriving = false
			r = w.simulate(in)
		}
		if r.Verdict == sim.Forward && len(r.Emit) > 0 && m.Offload.ChecksumPartial {
			m.Frame, m.Offload = m.Offload.Complete(m.Frame)
			in.Frame = m.Frame
			r = w.simulate(in) // what is sent beside the datapath is sent as it is
		}
		b.found = append(b.found, r.Found...)
		if r.Verdict == sim.Wait {
			w.hold(b, m, &r)
			return
		}
		if !w.mayAsk(m.InPort, r.Actions, now) {
			w.counters.drop(dropQuestions, 1)
			return
		}
		actions = w.deliverable(r.Actions)
		r.Cache = r.Cache && w.mayInstall(&actions)
		_, stale, err := w.remember(b.states, key, &r, now)
		b.withdraw(stale)
		if err != nil {
			w.counters.drop(dropNoState, 1)
			return
		}
		w.spendCopies(m.InPort, len(actions.Outputs), now)
		if r.Told {
			w.refusals.spend(m.InPort, 1, now)
		}
		b.learned = append(b.learned, r.Learn...)
		b.packets = append(b.packets, emitted(r.Emit)...)
		if r.Cache {
			if r.Hard == 0 && slices.ContainsFunc(r.Learn, func(l sim.Learned) bool { return w.learned.full(l.Port) }) {
				r.Hard = learnedLife // there may be room then
			}
			w.record(b, key, &r, actions)
			w.prepare(b, &p, key, &r)
		}
	}
	if !actions.Drop() {
		b.packets = append(b.packets, datapath.Packet{InPort: m.InPort, Frame: m.Frame, Offload: m.Offload, Actions: actions})
	}
}

// answered returns the answer that an earlier packet of the batch had.
func (b *batch) answered(key *flow.Key) (flow.Actions, bool) {
	if len(b.flows) == 0 {
		return flow.Actions{}, false
	}
	i, ok := b.known[key.Pack()]
	if !ok {
		return flow.Actions{}, false
	}
	return b.flows[i].Actions, true
}

// mayInstall reports whether there can be a flow with the actions. One with too many outputs, and what waited for the first fragments in
// a batch beyond the room that was made for it, stays with the agent, packet by packet.
func (w *Worker) mayInstall(actions *flow.Actions) bool {
	return len(actions.Outputs) <= datapath.MaxOutputs && w.flows.len() < w.cfg.MaxFlows
}

// put has the flow installed with the batch, in the place of one with its key.
func (b *batch) put(key flow.Key, actions flow.Actions) {
	packed := key.Pack()
	if at, known := b.known[packed]; known && b.flows[at].Key == key {
		b.flows[at].Actions = actions
		return
	}
	b.known[packed] = len(b.flows)
	b.flows = append(b.flows, flow.Flow{Key: key, Actions: actions})
}

// withdraw takes back flows that are to be installed with the batch.
func (b *batch) withdraw(stale []flow.Key) {
	if len(stale) == 0 {
		return
	}
	b.flows = slices.DeleteFunc(b.flows, func(f flow.Flow) bool { return slices.Contains(stale, f.Key) })
	clear(b.known)
	for i := range b.flows {
		b.known[b.flows[i].Key.Pack()] = i
	}
}

// record enters the flow for the result of a simulation of a packet with the key into the book, to be installed with the batch. The book
// comes first: a flow that is in the book only is harmless, one that is in the datapath only would never be invalidated.
func (w *Worker) record(b *batch, key flow.Key, r *sim.Result, actions flow.Actions) {
	wide := key.Wide(r.Any)
	packed := wide.Pack()
	at, known := b.known[packed]
	if !known { // by another packet of the wide key
		at = len(b.flows)
		w.flows.add(wide, w.tagsOf(r), b.now, r.Idle, r.Hard)
		b.flows = append(b.flows, flow.Flow{Key: wide, Actions: actions})
		b.known[packed] = at
	}
	if r.Any != 0 {
		b.known[key.Pack()] = at
	}
}

// inputOf returns what the simulator is told of a missed packet.
func (w *Worker) inputOf(m *datapath.Miss, p *packet.Packet, now time.Time) sim.Input {
	in := sim.Input{InPort: m.InPort, Frame: m.Frame, Segment: m.Offload.Segment(p), Arriving: w.arrivals.of(m.InPort)}
	if p.Fragment == packet.FragmentLater {
		in.First = w.datagrams.first(sim.DatagramOf(p, m.InPort), now)
	}
	return in
}

// simulate runs the packet through the present view and counts what comes out.
func (w *Worker) simulate(in sim.Input) sim.Result {
	start := w.counters.elapsed()
	if in.Ways = &w.ways; in.State == nil {
		in.State = w.cfg.State
	}
	r := sim.Simulate(w.view, in, w.cfg.Responders...)
	w.counters.simulated(&r, w.counters.elapsed()-start)
	return r
}

// deliverable returns the actions without outputs to ports of this host whose interface is not there now. They would fail, and a
// flow with them would be refused.
func (w *Worker) deliverable(a flow.Actions) flow.Actions {
	missing := 0
	for _, o := range a.Outputs {
		if w.missing(o) {
			missing++
		}
	}
	if missing == 0 {
		return a
	}
	present := make([]flow.Output, 0, len(a.Outputs)-missing)
	for _, o := range a.Outputs {
		if !w.missing(o) {
			present = append(present, o)
		}
	}
	a.Outputs = present
	return a
}

// missing reports whether the output is a port of this host that is not plugged in.
func (w *Worker) missing(o flow.Output) bool {
	if !o.Local() {
		return false
	}
	return !w.isPlugged(o.Port)
}

func (w *Worker) isPlugged(p topology.PortID) bool {
	_, plugged := w.plugged[p]
	return plugged
}

// tagsOf returns the tags of a flow for the result: beside the result's own, which are written behind, every local port that it leads to,
// or would lead to if the port were plugged in. That is the one thing that the answer depends on and the view does not know.
func (w *Worker) tagsOf(r *sim.Result) []flow.Tag {
	for _, o := range r.Actions.Outputs {
		if o.Local() {
			r.Tags = append(r.Tags, portTag(o.Port))
		}
	}
	return r.Tags
}

func portTag(p topology.PortID) flow.Tag { return flow.Tag{Class: flow.TagPort, ID: p} }

// makeRoom takes flows out of the book and the datapath, so that there is room for so many more.
func (w *Worker) makeRoom(flows int) {
	crowded := w.flows.shrink(w.cfg.MaxFlows - flows)
	w.counters.evictions.Add(uint64(len(crowded)))
	w.removeFlows(crowded)
}

// install puts the flows, which are in the book, into the datapath. Where it does not take all of them, others may still be in their place, of
// which the book knows nothing: these go.
func (w *Worker) install(flows []flow.Flow) {
	if len(flows) == 0 {
		return
	}
	w.counters.installs.Add(uint64(len(flows)))
	if err := w.cfg.Datapath.Install(flows); err != nil {
		w.counters.errors.Add(1)
		w.log.Warn("installing flows", "flows", len(flows), "error", err)
		keys := make([]flow.Key, len(flows))
		for i := range flows {
			keys[i] = flows[i].Key
			w.flows.remove(keys[i])
		}
		w.removeFlows(keys)
	}
}

// plant puts the seeds into the datapath that their book still has: it may have let go of some that were given earlier in the batch. Where the
// datapath does not take all of them there are none.
func (w *Worker) plant(seeds []flow.Flow) {
	seeds = slices.DeleteFunc(seeds, func(f flow.Flow) bool { return !w.keptIn(&f).has(f.Seed.Number) })
	if len(seeds) == 0 {
		return
	}
	if err := w.cfg.Datapath.Install(seeds); err != nil {
		w.counters.errors.Add(1)
		w.log.Warn("installing seeds", "seeds", len(seeds), "error", err)
		for i := range seeds {
			s, name := w.keptIn(&seeds[i]), nameOf(&seeds[i])
			s.book.remove(name)
			w.dropSeeds(s, []flow.Key{name})
		}
	}
}

func emitted(frames []sim.Emit) []datapath.Packet {
	packets := make([]datapath.Packet, len(frames))
	for i, e := range frames {
		packets[i] = datapath.Packet{Frame: e.Frame, Actions: flow.Actions{Outputs: e.Outputs}}
	}
	return packets
}

// learn records stations seen behind this host's ports and neighbours found on the links of routers, in the view at once and for the
// next report. It returns the tags of the flows that this touches.
func (w *Worker) learn(seen []sim.Learned, found []sim.Resolved) []flow.Tag {
	var d view.Delta
	var lost []topology.Key
	lose := func(k topology.Key) {
		lost = append(lost, k)
		d.Puts = slices.DeleteFunc(d.Puts, func(o topology.Object) bool { return o.Key() == k }) // of this batch
	}
	keep := func(o topology.Object) {
		w.overrule(o)
		d.Puts = append(d.Puts, o)
		lost = slices.DeleteFunc(lost, func(k topology.Key) bool { return o.Key() == k }) // the same
	}
	for _, l := range seen {
		record, gone := w.learned.learn(l, w.cfg.Host, w.cfg.Now())
		switch {
		case record != nil:
			keep(record)
		case gone:
			lose(topology.NewLearnedMAC(l.Bridge, l.MAC, l.Port, w.cfg.Host).Key())
		}
	}
	use := w.needs()
	for _, f := range found {
		record, gone := w.found.find(f, w.cfg.Host, w.cfg.Now(), use)
		if gone != nil {
			lose(gone.Key())
		}
		if record != nil {
			keep(record)
		}
	}
	return w.retreat(lost, d)
}
