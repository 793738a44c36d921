package sim

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
)

// OpenedStates returns what is remembered of a connection whose answers have the key where they come in, and which was the origin where it began,
// zero where that is the same: that answers are to be let in at the device that they enter first (StateReturn), and how they are translated. False
// where the port is not known, or there is no such connection.
func OpenedStates(v *view.View, answer flow.Key, origin flow.Origin) ([]flow.State, bool) {
	p := v.Port(answer.InPort)
	if p == nil {
		return nil, false
	}
	c := flow.Conn{Proto: answer.Proto, Src: answer.SrcIP, Dst: answer.DstIP, SrcPort: answer.SrcPort, DstPort: answer.DstPort}
	var states []flow.State
	if origin.Router.IsZero() || origin.Tracked {
		states = append(states, flow.State{Key: flow.StateKey{Kind: flow.StateReturn, Device: deviceOf(p), Conn: c}})
	}
	if origin.Router.IsZero() {
		return states, true
	}
	began := flow.Conn{Proto: c.Proto, Src: origin.Src.Addr(), Dst: origin.Dst.Addr(), SrcPort: origin.Src.Port(), DstPort: origin.Dst.Port()}
	if began.Src.Is4() != c.Dst.Is4() || began.Dst.Is4() != c.Src.Is4() {
		return nil, false
	}
	source := flow.State{Key: flow.StateKey{Kind: flow.StateSNAT, Device: origin.Router, Conn: began},
		Value: flow.StateValue{Addr: c.Dst, Port: c.DstPort}}
	return append(states, source, source.WayBack()), true // as walk.keepSource
}

// LeavingSeed returns what a datapath may begin connections to another host of, like that of the packet, which had the key and got the
// result. All that the other host is to know of them has to follow from their first packets (OpenedStates). The seed has no number yet, and
// where r has a Source no ports.
func LeavingSeed(v *view.View, p *packet.Packet, first flow.Key, r *Result) (flow.Flow, bool) {
	own, origin := r.Alike, originOf(first, r) // the ports that are those of each connection all the way
	f := flow.Flow{Key: first.Wide(r.Alike), Actions: r.Actions, Seed: &flow.Seed{Kind: flow.Leaves}}
	if !r.Source.Router.IsZero() {
		if r.Known {
			return flow.Flow{}, false
		}
		own &^= flow.SrcPort
		f.Actions.Rewrite.Fields |= flow.FieldSrcPort // also where it was given its own
		f.Seed.Router, f.Seed.Tracked = origin.Router, origin.Tracked
	}
	if !flow.Opens(p) || !r.leads(own) {
		return flow.Flow{}, false
	}
	out, _ := r.Actions.Rewrite.Of(p.Header) // within a family there always is one
	states, known := OpenedStates(v, flow.AnswerKey(out, r.Actions.Outputs[0].Port), origin)
	if !known || !sameStates(states, r.State) {
		return flow.Flow{}, false
	}
	return f, true
}

// originOf returns what the other host is to be told of the connection whose first packet had the key and got the result; zero where that follows from
// the packet.
func originOf(first flow.Key, r *Result) flow.Origin {
	if r.Source.Router.IsZero() {
		return flow.Origin{}
	}
	return flow.Origin{
		Router: r.Source.Router, Src: netip.AddrPortFrom(first.SrcIP, first.SrcPort), Dst: netip.AddrPortFrom(first.DstIP, first.DstPort),
		Tracked: slices.ContainsFunc(r.State, func(s flow.State) bool { return s.Key.Kind == flow.StateReturn }),
	}
}

// AnswersSeed returns what a datapath may make the flows of answers of to connections that another host has begun, like the answer that has
// the key and would get the result, to one of the origin. Nothing but to let them in, and to translate them back, may have to do with their connections.
// The seed has no number yet.
func AnswersSeed(v *view.View, answer flow.Key, origin flow.Origin, r *Result) (flow.Flow, bool) {
	own := r.Alike
	f := flow.Flow{Key: answer.Wide(r.Alike), Actions: r.Actions, Seed: &flow.Seed{Kind: flow.Answers}}
	if !origin.Router.IsZero() {
		if to, ok := r.Actions.Rewrite.Of(answer.Header()); !ok || netip.AddrPortFrom(to.DstIP, to.DstPort) != origin.Src || own&flow.DstPort == 0 {
			return flow.Flow{}, false
		}
		own &^= flow.DstPort
		f.Actions.Rewrite.Fields |= flow.FieldDstPort
		f.Seed.Behind = origin.Src.Addr()
	}
	states, known := OpenedStates(v, answer, origin)
	if !known || !r.leads(own) || !r.Source.Router.IsZero() || !sameStates(states, r.State) {
		return flow.Flow{}, false
	}
	return f, true
}

// leads reports whether nothing has to be done for another packet that is like it (Alike) but to send it to the same port of another host, and
// to remember of its connection what that host does, where the ports are to stay what they are.
func (r *Result) leads(own flow.Ports) bool {
	a := &r.Actions
	return r.repeats() && r.Alike != 0 && len(a.Outputs) == 1 && a.Rewrite.Fields&flow.FieldFamily == 0 && !writes(a, own) &&
		len(r.State) > 0 && len(r.StatePeers) == 1 && r.StatePeers[0] == a.Outputs[0].Peer
}

// sameStates compares two that have each state once.
func sameStates(a, b []flow.State) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s flow.State) bool { return !slices.Contains(b, s) })
}
