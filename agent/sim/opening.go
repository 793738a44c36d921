package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
)

// AnswerState returns the key of what is remembered of a connection whose answers have the key and are to be let in: StateReturn, at the
// device that they enter first. False where the port is not known.
func AnswerState(v *view.View, answer flow.Key) (flow.StateKey, bool) {
	p := v.Port(answer.InPort)
	if p == nil {
		return flow.StateKey{}, false
	}
	c := flow.Conn{Proto: answer.Proto, Src: answer.SrcIP, Dst: answer.DstIP, SrcPort: answer.SrcPort, DstPort: answer.DstPort}
	return flow.StateKey{Kind: flow.StateReturn, Device: deviceOf(p), Conn: c}, true
}

// LeavingSeed returns what a datapath may begin connections to another host of, like that of the packet, which had the key and got the
// result. All that the other host is to know of them has to follow from their first packets: that their answers are to be let in
// (AnswerState). The seed has no number yet.
func LeavingSeed(v *view.View, p *packet.Packet, first flow.Key, r *Result) (flow.Flow, bool) {
	if !flow.Opens(p) || !r.leads() {
		return flow.Flow{}, false
	}
	out, _ := r.Actions.Rewrite.Of(p.Header) // within a family there always is one
	state, known := AnswerState(v, flow.AnswerKey(out, r.Actions.Outputs[0].Port))
	if !known || r.State[0].Key != state {
		return flow.Flow{}, false
	}
	return flow.Flow{Key: first.Wide(r.Alike), Actions: r.Actions, Seed: &flow.Seed{Kind: flow.Leaves}}, true
}

// AnswersSeed returns what a datapath may make the flows of answers of to connections that another host has begun, like the answer that has
// the key and would get the result. Nothing but to let them in may have to do with their connections. The seed has no number yet.
func AnswersSeed(v *view.View, answer flow.Key, r *Result) (flow.Flow, bool) {
	state, known := AnswerState(v, answer)
	if !known || !r.leads() || r.State[0].Key != state {
		return flow.Flow{}, false
	}
	return flow.Flow{Key: answer.Wide(r.Alike), Actions: r.Actions, Seed: &flow.Seed{Kind: flow.Answers}}, true
}

// leads reports whether nothing has to be done for another packet that is like it (Alike) but to send it to the same port of another host, and
// to remember one thing of its connection, here and there.
func (r *Result) leads() bool {
	a := &r.Actions
	return r.repeats() && r.Alike != 0 && len(a.Outputs) == 1 && a.Rewrite.Fields&flow.FieldFamily == 0 && !writes(a, r.Alike) &&
		len(r.State) == 1 && len(r.StatePeers) == 1 && r.StatePeers[0] == a.Outputs[0].Peer
}
