package worker

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
)

// expect installs, beside the flow of a TCP connection's first packet to a port of this host, the flow of what that port answers, which
// would be the next miss: whether it accepts the connection or refuses it, the answer's key is the same. The answer is simulated like
// any other packet, on the states that the first has just made, so that its flow has its own tags. Where the network would learn
// something from the answer, or do anything but forward it, and where the book has no room, it is left to come. The metadata service
// answers to a MAC of its own, by the next miss.
func (w *Worker) expect(b *batch, first *packet.Packet, actions *flow.Actions) {
	if !first.OpensTCP() || len(actions.Outputs) != 1 || actions.Rewrite.Fields&flow.FieldFamily != 0 {
		return
	}
	if to := actions.Outputs[0]; !to.Local() || to.Port == view.MetadataPort {
		return
	}
	h, _ := actions.Rewrite.Of(first.Header) // within a family there always is one
	key := flow.Key{
		InPort: actions.Outputs[0].Port, SrcMAC: h.DstMAC, DstMAC: h.SrcMAC, EtherType: h.EtherType, VLAN: h.VLAN,
		SrcIP: h.DstIP, DstIP: h.SrcIP, Proto: h.Proto, TOS: h.TOS, SrcPort: h.DstPort, DstPort: h.SrcPort,
	}
	r := w.simulate(sim.Input{InPort: key.InPort, Frame: key.Frame(), Room: &b.room})
	answers := w.deliverable(r.Actions)
	if r.Verdict != sim.Forward || !r.Cache || !w.mayInstall(&answers) || answers.Drop() || len(r.Learn)+len(r.Found)+len(r.Emit) > 0 {
		return
	}
	stale, err := w.remember(b.states, key, &r, b.now)
	b.withdraw(stale)
	if err == nil {
		w.record(b, key, &r, answers)
	}
}
