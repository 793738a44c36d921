package sim

import (
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
)

// Begins reports whether a datapath may begin connections like the packet's, which got the result, by itself, where what answers it allows
// that too (SeedOf). They have to be between two ports of this host: another one is told of a connection before its first packet leaves.
func (r *Result) Begins(p *packet.Packet) bool {
	return r.isSeeded() && !r.Known && r.Alike != 0 && flow.Opens(p) && len(r.Actions.Outputs) == 1 &&
		r.Actions.Outputs[0].Local() && r.Actions.Outputs[0].Port != view.MetadataPort && r.Actions.Rewrite.Fields&flow.FieldFamily == 0
}

// isSeeded reports whether nothing has to be done for another packet like it but its actions, and to remember its connection here.
func (r *Result) isSeeded() bool { return r.repeats() && len(r.StatePeers) == 0 }

// repeats reports whether nothing has to be done for another packet like it but its actions, and to remember its connection.
func (r *Result) repeats() bool {
	return r.Verdict == Forward && r.Followed && r.Cache && r.Hard == 0 && len(r.Learn)+len(r.Found)+len(r.Emit) == 0
}

// SeedOf returns what a datapath may make the flows of connections of that are like one: its first packet, for which Begins holds, had the key
// and got the result r, and what answers it has the other key, and would get the result back. The seed has no number yet, and where r has a
// Source no ports.
func SeedOf(first flow.Key, r *Result, answer flow.Key, back *Result) (flow.Flow, bool) {
	returning := r.Alike.Exchanged()
	f := flow.Flow{Actions: r.Actions, Seed: &flow.Seed{Answers: back.Actions}}
	own, ownBack := r.Alike, returning // the ports that are those of each connection all the way
	if !r.Source.Router.IsZero() {
		if to, ok := back.Actions.Rewrite.Of(answer.Header()); !ok || to.DstPort != first.SrcPort {
			return flow.Flow{}, false
		}
		own, ownBack = own&^flow.SrcPort, ownBack&^flow.DstPort
		f.Actions.Rewrite.Fields |= flow.FieldSrcPort // also where it was given its own
		f.Seed.Answers.Rewrite.Fields |= flow.FieldDstPort
	}
	if !back.isSeeded() || !back.Source.Router.IsZero() || returning&^back.Alike != 0 || writes(&r.Actions, own) || writes(&back.Actions, ownBack) {
		return flow.Flow{}, false
	}
	for _, s := range back.State {
		if !slices.Contains(r.State, s) {
			return flow.Flow{}, false // of another connection, whose answers look alike
		}
	}
	f.Key, f.Seed.Answer = first.Wide(r.Alike), answer.Wide(returning)
	return f, true
}

// writes reports whether the actions write one of the ports.
func writes(a *flow.Actions, ports flow.Ports) bool {
	fields := a.Rewrite.Fields
	return fields&flow.FieldSrcPort != 0 && ports&flow.SrcPort != 0 || fields&flow.FieldDstPort != 0 && ports&flow.DstPort != 0
}
