package worker

import (
	"context"
	"slices"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
)

// laterInterval is how long what need not be told at once waits for more. Connections to other hosts that the datapath begins are told of by
// their first packet. The message is for when that is lost; then a second one follows after a second at the earliest (RFC 6298 section 2),
// or whenever an application thinks fit.
const laterInterval = 100 * time.Millisecond

// laterStates is how many states wait at most: they fill a message.
const laterStates = 64

// prepareLeaving gives the datapath a seed of connections to another host that are like that of the packet, which got the result, and reports
// whether there is one now.
func (w *Worker) prepareLeaving(b *batch, first *packet.Packet, key flow.Key, r *sim.Result) bool {
	f, ok := sim.LeavingSeed(w.view, first, key, r)
	if !ok || !w.knowsOpenings(f.Actions.Outputs[0]) || !w.seeds.try(f.Key) {
		return false
	}
	w.give(b, w.seeds, f, slices.Clone(r.Tags))
	return true
}

// knowsOpenings reports whether the host of the output does.
func (w *Worker) knowsOpenings(o flow.Output) bool {
	at, _ := w.view.Location(o.Port)
	h := w.view.Host(at.Host)
	return h != nil && h.Openings
}

// hearOfOpening does for a connection that another host has begun what is done when that host tells of one, and for its answer where one is
// sure to come, of which the datapath may have made the flow already, what is done for the first one. The other host knows of the connection.
func (w *Worker) hearOfOpening(b *batch, birth *datapath.Birth) {
	w.counters.opened.Add(1)
	key := birth.Answer
	state, ok := sim.AnswerState(w.view, key)
	if !ok || !w.isPlugged(key.InPort) {
		w.flows.remove(key)
		w.removeFlows([]flow.Key{key})
		return
	}
	known := w.flows.has(key) // before: the datapath has kept it
	stale := w.decidedWithout([]flow.State{{Key: state}})
	w.removeFlows(stale)
	b.withdraw(stale)
	w.cfg.State.LearnOpened(state, b.now)
	if birth.Seed == 0 {
		if key.Proto != packet.ProtoTCP {
			return // it may never be answered
		}
		if r, ok := w.foresee(b, nil, key); ok {
			w.prepareAnswers(b, key, &r)
		}
		return
	}
	f, made := w.answers.of(birth.Seed, key)
	if made {
		w.answers.book.expiry.Used(f.Key, b.now)
	}
	w.acknowledge(b, nil, key, &f.Actions, made && !known)
}

// prepareAnswers gives the datapath a seed of answers that are like the one with the key, which would get the result.
func (w *Worker) prepareAnswers(b *batch, key flow.Key, r *sim.Result) {
	if f, ok := sim.AnswersSeed(w.view, key, r); ok && w.answers.try(f.Key) {
		w.give(b, w.answers, f, slices.Clone(r.Tags))
	}
}

// remind sees to it that what is to be told later is.
func (w *Worker) remind() {
	leave(w.reminded)
}

// tellLater tells other hosts what they are told later, until ctx ends.
func (w *Worker) tellLater(ctx context.Context) error {
	for {
		select {
		case <-w.reminded:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-time.After(laterInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
		w.tell()
	}
}

// tell tells other hosts what waits.
func (w *Worker) tell() {
	w.mu.Lock()
	packets := w.messages(w.later)
	w.later.free()
	w.mu.Unlock()
	w.execute(packets)
}
