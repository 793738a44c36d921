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
	if !ok || !w.understands(f.Actions.Outputs[0], f.Seed) || !w.tries(f.Key, r) {
		return false
	}
	return w.giveBeginning(b, f, slices.Clone(r.Tags), r)
}

// understands reports whether the host of the output knows what the first packets of the seed's connections tell.
func (w *Worker) understands(o flow.Output, s *flow.Seed) bool {
	at, _ := w.view.Location(o.Port)
	h := w.view.Host(at.Host)
	return h != nil && h.Openings && (h.Origins || s.Router.IsZero())
}

// hearOfOpening does for a connection that another host has begun what is done when that host tells of one, and for its answer where one has come or is
// sure to, of which the datapath may have made the flow already, what is done for the first one. The other host knows of the connection.
func (w *Worker) hearOfOpening(b *batch, birth *datapath.Birth) {
	w.counters.opened.Add(1)
	key := birth.Answer
	states, ok := sim.OpenedStates(w.view, key, birth.Origin)
	if !ok || !w.isPlugged(key.InPort) {
		w.refuse(b, key)
		return
	}
	known := w.flows.has(key) // before: the datapath has kept it
	w.learnOpened(b, states)
	if birth.Seed == 0 {
		if key.Proto != packet.ProtoTCP && !w.answers.try(answersOf(key, birth.Origin)) {
			return // it may never be answered
		}
		if r, ok := w.foresee(b, nil, key); ok {
			w.prepareAnswers(b, key, birth.Origin, &r)
		}
		return
	}
	f, made := w.answers.of(birth.Seed, key)
	var has flow.Actions
	if made {
		w.answers.used(f, b.now)
		has = f.GivenBack(key, birth.Origin)
	}
	w.acknowledge(b, nil, key, nil, &has, made && !known)
}

// answersOf returns a name of the answers between two stations, one behind a translation maybe, whatever the ports: a bound of how often it is looked for a seed
// of answers that are not sure to come.
func answersOf(key flow.Key, origin flow.Origin) flow.Key {
	return nameOf(&flow.Flow{Key: key.Wide(flow.BothPorts), Seed: &flow.Seed{Behind: origin.Src.Addr()}})
}

// learnOpened remembers what there is to a connection that another host has begun. Of TCP it is a new one: the answers to one before it of the same ends
// that had another port are no more. Of UDP, which does not say when it begins, the other host makes it go on by the port that it had.
func (w *Worker) learnOpened(b *batch, states []flow.State) {
	stale := w.decidedWithout(states)
	w.removeFlows(stale)
	b.withdraw(stale)
	w.withdrawAlike(states)
	for _, s := range states {
		had, known := w.cfg.State.Value(s.Key)
		if s.Key.Kind == flow.StateSNAT && known && had != s.Value {
			if s.Key.Conn.Proto != packet.ProtoTCP {
				continue
			}
			b.withdraw(w.close(flow.State{Key: s.Key, Value: had}.WayBack().Key))
		}
		w.cfg.State.LearnOpened(s, b.now)
	}
}

// prepareAnswers gives the datapath a seed of answers that are like the one with the key, which would get the result, to connections like that of the
// origin.
func (w *Worker) prepareAnswers(b *batch, key flow.Key, origin flow.Origin, r *sim.Result) {
	if f, ok := sim.AnswersSeed(w.view, key, origin, r); ok && w.answers.try(nameOf(&f)) {
		w.give(b, w.answers, f, slices.Clone(r.Tags), nil) // what is made of it is of answers alone
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
