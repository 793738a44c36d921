package sim

import (
	"encoding/binary"
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// translate does what a translating rule says: accepted where it has translated, undecided where it does not apply to the packet.
//
// Of an ICMP error the packet that it quotes is translated back, so that its receiver knows it, and its own address with it (RFC 5508
// section 4.2).
func (w *walk) translate(c *view.Chain, r *topology.Rule, at *place) outcome {
	if w.in.Trace {
		return w.tellTranslation(c, r, at)
	}
	return w.translateBy(r, at)
}

// tellTranslation is translate, in words too.
func (w *walk) tellTranslation(c *view.Chain, r *topology.Rule, at *place) outcome {
	src, dst := w.ends()
	crossed := w.crossed()
	o := w.translateBy(r, at)
	if o == accepted {
		nowSrc, nowDst := w.ends()
		if crossed != w.crossed() {
			w.step(chainDevice(c), "rule %s makes it a packet of %s", r.ID.Short(), familyName(w.packet.SrcIP))
		}
		if nowSrc != src {
			w.step(chainDevice(c), "rule %s translates the source %s to %s (%s)", r.ID.Short(), src, nowSrc, translations[r.Action])
		}
		if nowDst != dst {
			w.step(chainDevice(c), "rule %s translates the destination %s to %s (%s)", r.ID.Short(), dst, nowDst, translations[r.Action])
		}
	}
	return o
}

func familyName(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

var translations = map[topology.RuleAction]string{
	topology.ActionDNAT: "destination NAT", topology.ActionSNAT: "source NAT",
	topology.ActionReverseDNAT: "back from destination NAT", topology.ActionReverseSNAT: "back from source NAT",
	topology.ActionFloatDNAT: "floating address", topology.ActionFloatSNATExact: "floating address of that port",
	topology.ActionFloatSNAT: "floating address", topology.ActionForwarding: "port forwarding",
}

// ends returns source and destination in words, with their ports where they have such. An echo's identifier stands with its source.
func (w *walk) ends() (src, dst string) {
	p := &w.packet
	switch {
	case p.IsEcho():
		return netip.AddrPortFrom(p.SrcIP, p.DstPort).String(), p.DstIP.String()
	case !flow.Translated(&p.Header):
		return p.SrcIP.String(), p.DstIP.String()
	}
	return netip.AddrPortFrom(p.SrcIP, p.SrcPort).String(), netip.AddrPortFrom(p.DstIP, p.DstPort).String()
}

func (w *walk) translateBy(r *topology.Rule, at *place) outcome {
	if !w.packet.IsIP() {
		return undecided
	}
	switch r.Action {
	case topology.ActionFloatDNAT:
		return w.fromFloating(at)
	case topology.ActionFloatSNAT, topology.ActionFloatSNATExact:
		return w.toFloating(r, at)
	}
	if w.packet.IsError() {
		return w.translateError(r, at)
	}
	if w.packet.Fragment != packet.Unfragmented && w.translatesPorts(r.Action, at) {
		w.decidedByPorts()
		if w.withoutPorts() {
			w.awaitFirst(device{kind: "router", id: topology.BridgeID(at.device)})
			return waiting
		}
	}
	if !flow.Translated(&w.packet.Header) {
		return undecided
	}
	return w.act(translates, r, at)
}

func (w *walk) translateConnection(r *topology.Rule, at *place, c *flow.Conn) outcome {
	switch r.Action {
	case topology.ActionSNAT:
		return w.sourceNAT(r, at, c)
	case topology.ActionDNAT:
		return w.destinationNAT(r, at, c)
	case topology.ActionForwarding:
		return w.forwardPort(at, c)
	case topology.ActionReverseSNAT:
		return w.reverseSource(at, c)
	case topology.ActionReverseDNAT:
		return w.reverseDestination(at, c)
	}
	return undecided
}

// setSource and setDestination write an address and port, of an echo the identifier.
func (w *walk) setSource(v flow.StateValue) {
	w.packet.SrcIP, w.notes.srcMoved = v.Addr, true
	if w.packet.IsEcho() {
		w.packet.DstPort = v.Port
	} else {
		w.packet.SrcPort = v.Port
	}
}

func (w *walk) setDestination(v flow.StateValue) {
	w.packet.DstIP, w.packet.DstPort, w.dstRewritten, w.notes.dstMoved = v.Addr, v.Port, true, true
}

// sourceNAT gives the connection a source of its own: the one that it has, or a new one. The source of what this router has made a packet
// of the other family is its own already.
func (w *walk) sourceNAT(r *topology.Rule, at *place, c *flow.Conn) outcome {
	if w.crossedHere() {
		return undecided
	}
	v, known := w.value(flow.StateSNAT, at.device, c)
	if !known {
		var o outcome
		if v, o = w.newSource(r, at, c); o != accepted {
			return o
		}
	}
	w.setSource(v)
	w.keepSource(at, c, v)
	return accepted
}

// keepSource notes both directions of a source translation.
func (w *walk) keepSource(at *place, c *flow.Conn, v flow.StateValue) {
	answers := c.WithSource(v).Reverse()
	w.keep(flow.StateSNAT, at.device, c, v)
	w.keep(flow.StateReverseSNAT, at.device, &answers, flow.StateValue{Addr: c.Src, Port: c.SrcPort})
}

// keepDestination notes both directions of a destination translation.
func (w *walk) keepDestination(at *place, c *flow.Conn, v flow.StateValue) {
	answers := c.WithDestination(v).Reverse()
	w.keep(flow.StateDNAT, at.device, c, v)
	w.keep(flow.StateReverseDNAT, at.device, &answers, flow.StateValue{Addr: c.Dst, Port: c.DstPort})
}

// newSource chooses a source for a connection's first packet: waiting with the result set where no port can be had.
func (w *walk) newSource(r *topology.Rule, at *place, c *flow.Conn) (v flow.StateValue, o outcome) {
	t, addr, ok := chooseTarget(r.Targets, c)
	if !ok {
		return v, undecided
	}
	if t.FirstPort == 0 {
		return flow.StateValue{Addr: addr, Port: c.SrcPort}, accepted
	}
	if w.mayBeKnown() {
		return flow.StateValue{Addr: addr, Port: t.FirstPort}, accepted
	}
	if w.in.State != nil {
		if port, ok := w.in.State.FreePort(at.device, addr, t.FirstPort, t.LastPort, *c); ok {
			return flow.StateValue{Addr: addr, Port: port}, accepted
		}
	}
	name := device{kind: "router", id: topology.BridgeID(at.device)}
	if w.in.GiveUp || w.made {
		w.stop(Error, name, "drops the packet: no port of %s is free for it", addr)
		return v, waiting
	}
	w.wait(Want{Block: BlockWant{Router: at.device, Addr: addr, First: t.FirstPort, Last: t.LastPort}})
	w.step(name, "has no free port of %s on this host: the packet waits for a block", addr)
	return v, waiting
}

// mayBeKnown reports whether the packet's connection may have begun on another host, from which its port has just come, so that it is not to be
// given another port than it has. A TCP connection says when it begins. The walk goes on as if it had one, to learn who knows.
func (w *walk) mayBeKnown() bool {
	if !w.in.Arriving || w.in.GiveUp || w.made || w.packet.OpensTCP() {
		return false
	}
	w.assumed, w.notes.open = true, false
	return true
}

// awaitArrival has a packet wait that has been walked with a source that it may not have.
func (w *walk) awaitArrival() {
	if w.result.Verdict == Wait {
		w.peers = w.peers[:0]
		return // first for what is on its way
	}
	w.result = Result{Learn: w.result.Learn, Found: w.result.Found}
	w.wait(Want{Arrival: w.in.InPort})
}

// destinationNAT sends the connection to one of the rule's targets, always the same.
func (w *walk) destinationNAT(r *topology.Rule, at *place, c *flow.Conn) outcome {
	v, known := w.value(flow.StateDNAT, at.device, c)
	if !known {
		t, addr, ok := chooseTarget(r.Targets, c)
		if !ok {
			return undecided
		}
		v = flow.StateValue{Addr: addr, Port: c.DstPort}
		if t.FirstPort != 0 && !c.IsEcho() {
			v.Port = t.FirstPort + uint16(hashOf(c)>>16%(uint64(t.LastPort-t.FirstPort)+1))
		}
	}
	w.setDestination(v)
	w.keepDestination(at, c, v)
	return accepted
}

// forwardPort sends the connection where a port forwarding says.
func (w *walk) forwardPort(at *place, c *flow.Conn) outcome {
	v, ok := w.forwarded(at, c)
	if !ok {
		return undecided
	}
	w.setDestination(v)
	w.keepDestination(at, c, v)
	return accepted
}

// forwarded returns where a port forwarding sends the connection; false where none does.
func (w *walk) forwarded(at *place, c *flow.Conn) (v flow.StateValue, ok bool) {
	if at.router == nil || c.IsEcho() {
		return v, false
	}
	if !at.router.Forwards(c.Dst) {
		w.tagAddr(flow.TagForwarding, at.router.ID, c.Dst)
		return v, false
	}
	w.looksAt(flow.DstPort)
	if !w.notes.follows {
		w.tags = append(w.tags, flow.ForwardingTag(at.router.ID, c.Dst, c.Proto, c.DstPort))
	}
	f := at.router.Forwarding(c.Dst, c.Proto, c.DstPort)
	if f == nil {
		return v, false
	}
	return flow.StateValue{Addr: f.Fixed, Port: f.FixedPort + (c.DstPort - f.Ports.First)}, true
}

// answered is value for what answers alone have. An echo request is none, though it may have the identifier of one the other way.
func (w *walk) answered(kind flow.StateKind, device [16]byte, c *flow.Conn) (flow.StateValue, bool) {
	if w.packet.IsEchoRequest() {
		return flow.StateValue{}, false
	}
	return w.value(kind, device, c)
}

// reverseSource takes an answer back to the connection's first source. Where that has got another port meanwhile, since the same ends have begun
// another connection or a host knew nothing of this one, the answer to the earlier port passes and changes nothing of what is remembered of the later.
func (w *walk) reverseSource(at *place, c *flow.Conn) outcome {
	v, known := w.answered(flow.StateReverseSNAT, at.device, c)
	if !known {
		return undecided
	}
	got := flow.StateValue{Addr: c.Dst, Port: c.DstPort}
	first := c.Reverse().WithSource(v)
	later, known := w.value(flow.StateSNAT, at.device, &first)
	w.setDestination(v)
	if !known || later == got {
		w.keepSource(at, &first, got)
	}
	return accepted
}

// reverseDestination gives an answer the source that the connection was first for.
func (w *walk) reverseDestination(at *place, c *flow.Conn) outcome {
	v, known := w.answered(flow.StateReverseDNAT, at.device, c)
	if !known {
		return undecided
	}
	w.setSource(v)
	first := c.Reverse().WithDestination(v)
	w.keepDestination(at, &first, flow.StateValue{Addr: c.Src, Port: c.SrcPort})
	return accepted
}

// chooses reports whether the rule chooses an address or a port for each connection.
func chooses(r *topology.Rule) bool {
	if r.Action != topology.ActionSNAT && r.Action != topology.ActionDNAT {
		return false
	}
	return len(r.Targets) != 1 || r.Targets[0].FirstPort != 0 || r.Targets[0].Last.IsValid() && r.Targets[0].Last != r.Targets[0].First
}

// chooseTarget returns one of the targets and one of its addresses: for a connection always the same, whichever host is asked.
func chooseTarget(targets []topology.NATTarget, c *flow.Conn) (t topology.NATTarget, addr netip.Addr, ok bool) {
	if len(targets) == 0 {
		return t, addr, false
	}
	one := func(t topology.NATTarget) bool { return t.First == t.Last || !t.Last.IsValid() }
	if t = targets[0]; len(targets) == 1 && one(t) {
		return t, t.First, t.First.Is4() == c.Src.Is4()
	}
	h := hashOf(c)
	if t = targets[h%uint64(len(targets))]; one(t) {
		return t, t.First, t.First.Is4() == c.Src.Is4()
	}
	return t, nth(t.First, t.Last, h>>32), t.First.Is4() == c.Src.Is4()
}

// nth returns one of the addresses first … last, of which the low 64 bits differ at most.
func nth(first, last netip.Addr, n uint64) netip.Addr {
	a, b := first.As16(), last.As16()
	low := binary.BigEndian.Uint64(a[8:])
	if span := binary.BigEndian.Uint64(b[8:]) - low + 1; span != 0 {
		n %= span
	}
	binary.BigEndian.PutUint64(a[8:], low+n)
	if first.Is4() {
		return netip.AddrFrom16(a).Unmap()
	}
	return netip.AddrFrom16(a)
}
