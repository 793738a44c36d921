package worker

import (
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
)

// prepare has the flow of a packet with the key followed by that of its answer, where one is sure to come or the two show what connections
// like theirs can be begun of.
func (w *Worker) prepare(b *batch, first *packet.Packet, key flow.Key, r *sim.Result) {
	if w.prepareLeaving(b, first, key, r) {
		return
	}
	begins := w.begins(first, key, r)
	if !begins && !first.OpensTCP() {
		return
	}
	actions := w.deliverable(r.Actions)
	if begins {
		r.Tags, r.State = slices.Clone(r.Tags), slices.Clone(r.State) // whose room is the answer's next
	}
	answer, back, expected := w.expect(b, first, &actions)
	if begins && expected {
		w.sow(b, key, r, answer, &back)
	}
}

// expect installs, beside the flow of a connection's first packet to a port of this host, the flow of what that port answers, which of TCP
// would be the next miss: whether it accepts the connection or refuses it, the answer's key is the same. It returns the key, and the result
// of the simulation. The answer is simulated like
// any other packet, on the states that the first has just made, so that its flow has its own tags. Where the network would learn
// something from the answer, or do anything but forward it, and where the book has no room, it is left to come. The metadata service
// answers to a MAC of its own, by the next miss.
func (w *Worker) expect(b *batch, first *packet.Packet, actions *flow.Actions) (key flow.Key, r sim.Result, ok bool) {
	if len(actions.Outputs) != 1 || actions.Rewrite.Fields&flow.FieldFamily != 0 {
		return key, r, false
	}
	if to := actions.Outputs[0]; !to.Local() || to.Port == view.MetadataPort {
		return key, r, false
	}
	h, _ := actions.Rewrite.Of(first.Header) // within a family there always is one
	key = flow.AnswerKey(h, actions.Outputs[0].Port)
	r, ok = w.foresee(b, b.states, key)
	return key, r, ok
}

// foresee installs the flow of an answer with the key before it comes, and returns the result of its simulation. What others are to be told
// is added to the letters. False where it is left to come, or does not go all the way.
func (w *Worker) foresee(b *batch, l letters, key flow.Key) (r sim.Result, ok bool) {
	r = w.simulate(sim.Input{InPort: key.InPort, Frame: b.frameOf(key), Room: b.room})
	answers := w.deliverable(r.Actions)
	if r.Verdict != sim.Forward || !r.Cache || !w.mayInstall(&answers) || answers.Drop() || len(r.Learn)+len(r.Found)+len(r.Emit) > 0 {
		return r, false
	}
	if r.Any != 0 && w.flows.has(key.Wide(r.Any)) {
		return r, false // it is there
	}
	_, stale, err := w.remember(l, key, &r, b.now)
	b.withdraw(stale)
	if err != nil {
		return r, false
	}
	w.record(b, key, &r, answers)
	return r, len(answers.Outputs) == len(r.Actions.Outputs)
}
