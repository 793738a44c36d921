package sim

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// EmptyState is a State of a host that remembers nothing and may give any port: for a question what would become of a connection's first
// packet.
type EmptyState struct{}

// Value knows nothing.
func (EmptyState) Value(flow.StateKey) (flow.StateValue, bool) { return flow.StateValue{}, false }

// FreePort gives the first port.
func (EmptyState) FreePort(_ topology.RouterID, _ netip.Addr, first, _ uint16, _ flow.Conn) (uint16, bool) {
	return first, true
}

// answer says whether the packet belongs to a connection that came the other way.
type answer uint8

const (
	answerUnknown answer = iota
	answerYes
	answerNo
)

// isAnswer reports whether the packet is an answer to what the device that it entered first let out: of a known connection, an ICMP
// error about one, or made by a device of the network.
func (w *walk) isAnswer() bool {
	if w.answer != answerUnknown {
		return w.answer == answerYes
	}
	return w.act(asks, nil, &place{}) == accepted
}

// askWhetherAnswer looks for the packet's connection.
func (w *walk) askWhetherAnswer() outcome {
	w.answer = answerNo
	if c, ok := w.enteredAs(); ok && !w.entered.IsEchoRequest() { // which asks, though one the other way may have its identifier
		if _, known := w.value(flow.StateReturn, w.source, &c); known {
			w.answer = answerYes
			w.decidedByPorts()
			w.keep(flow.StateReturn, w.source, &c, flow.StateValue{})
			return accepted
		}
	}
	return undecided
}

// enteredAs returns the connection of the packet as it came in, of an ICMP error that of an answer to what it is about.
func (w *walk) enteredAs() (flow.Conn, bool) {
	if w.entered.IsError() {
		w.result.Cache = false // as quoted has it, but here before any translation
		p := w.packet
		p.Header = w.entered
		q, _ := p.Quoted()
		c, ok := connOf(&q)
		return c.Reverse(), ok
	}
	if !flow.Tracked(&w.entered) {
		return flow.Conn{}, false
	}
	return flow.ConnOf(&w.entered), true
}

// value looks a state up: what this walk has made, then what the host remembers.
func (w *walk) value(kind flow.StateKind, device [16]byte, c *flow.Conn) (flow.StateValue, bool) {
	w.touchesStates()
	w.tagState(c)
	for x := w; x != nil; x = x.maker {
		if s := x.kept(kind, device, c); s != nil {
			return s.Value, true
		}
	}
	if w.in.State == nil {
		return flow.StateValue{}, false
	}
	v, ok := w.in.State.Value(flow.StateKey{Kind: kind, Device: device, Conn: *c})
	w.notes.known = w.notes.known || ok
	return v, ok
}

// keep adds what is to be remembered for as long as the answer is used.
func (w *walk) keep(kind flow.StateKind, device [16]byte, c *flow.Conn, v flow.StateValue) {
	w.touchesStates()
	if w.kept(kind, device, c) == nil {
		w.states = append(w.states, flow.State{})
		s := &w.states[len(w.states)-1]
		s.Key.Kind, s.Key.Device, s.Key.Conn, s.Value = kind, device, *c, v
	}
}

// kept returns what is to be remembered under the key, nil where nothing is.
func (w *walk) kept(kind flow.StateKind, device [16]byte, c *flow.Conn) *flow.State {
	for i := range w.states {
		if k := &w.states[i].Key; k.Kind == kind && k.Device == device && k.Conn == *c {
			return &w.states[i]
		}
	}
	return nil
}

// remember is called where the packet leaves the network: it notes the connection, so that answers are known where they will come in,
// and which hosts have to know.
func (w *walk) remember(p *topology.Port, out flow.Output) {
	if w.made {
		return
	}
	if w.tracked && flow.Tracked(&w.packet.Header) && !w.packet.DstMAC.IsMulticast() && !w.isAnswer() { // whose tag tells when that changes
		w.act(letsAnswers, nil, &place{device: deviceOf(p)})
	}
	if len(w.states) == 0 {
		return
	}
	w.addPeer(out.Peer)
	w.addGroupPeers(p)
	if in := w.view.Port(w.in.InPort); in != nil {
		w.addGroupPeers(in)
	}
}

// letAnswers notes the packet's connection, so that answers are known where they come in at the device.
func (w *walk) letAnswers(device [16]byte) {
	answers := flow.ConnOf(&w.packet.Header).Reverse()
	w.tagState(&answers)
	w.keep(flow.StateReturn, device, &answers, flow.StateValue{})
}

func (w *walk) addPeer(peer netip.Addr) {
	if peer.IsValid() && !slices.Contains(w.peers, peer) {
		w.peers = append(w.peers, peer)
	}
}

// addGroupPeers adds the hosts of the other members of the port's stateful groups, at any of which answers may come in.
func (w *walk) addGroupPeers(p *topology.Port) {
	for _, id := range p.Groups {
		w.tag(flow.TagPortGroup, id)
		g, members := w.view.PortGroup(id)
		if g == nil || !g.Stateful {
			continue
		}
		for _, m := range members {
			if m != p.ID {
				w.addPeer(w.endpoint(m))
			}
		}
	}
}

// endpoint returns the underlay address of the host that has the port; the zero Addr where that is this host, or not known.
func (w *walk) endpoint(id topology.PortID) netip.Addr {
	at, bound := w.view.Location(id)
	self := w.view.Host(w.view.Self())
	if !bound || at.Local || self == nil {
		return netip.Addr{}
	}
	w.tag(flow.TagTunnel, [16]byte{})
	w.tag(flow.TagHost, at.Host)
	return reach(self, at)
}

// reach returns the endpoint of the other host that this one sends to: of a family that both have, the one that this host has first.
func reach(self *topology.Host, at view.Location) netip.Addr {
	for _, own := range self.Endpoints {
		for _, peer := range at.Endpoints {
			if own.Is4() == peer.Is4() {
				return peer
			}
		}
	}
	return netip.Addr{}
}
