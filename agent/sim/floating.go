package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// fromFloating changes a floating destination to the fixed address behind it. It needs no state, so that it is done to every kind of
// packet, fragments too. Between the families it does, which is another matter, and another direction.
func (w *walk) fromFloating(at *place) outcome {
	f := w.floating(at, w.packet.DstIP)
	switch {
	case f == nil:
		return w.toClient(at)
	case f.Addr.Is6() && f.Fixed.Is4():
		return w.toIPv4(at, f)
	case f.Fixed.Is4() != f.Addr.Is4():
		return undecided
	}
	if w.packet.IsError() {
		if q := w.quoted(); q != nil && q.Src == f.Addr {
			q.Src, w.quote.changed = f.Fixed, true
		}
	}
	w.packet.DstIP, w.dstRewritten = f.Fixed, true
	return accepted
}

// toFloating changes a fixed source to its floating address: that of the port that the packet leaves by, and of ActionFloatSNAT else any.
func (w *walk) toFloating(r *topology.Rule, at *place) outcome {
	fixed := w.packet.SrcIP
	var q *packet.Quote
	if w.packet.IsError() {
		if q = w.quoted(); q != nil {
			fixed = q.Dst // an error about what came in goes out under the address that it came to, whichever router made it
		}
	}
	f := w.floatingOf(at, fixed, r.Action == topology.ActionFloatSNATExact)
	if f == nil {
		return undecided
	}
	if q != nil {
		q.Dst, w.quote.changed = f.Addr, true
	}
	w.packet.SrcIP = f.Addr
	return accepted
}

// floating returns what the router exchanges the floating address for.
func (w *walk) floating(at *place, a netip.Addr) *topology.FloatingIP {
	if at.router == nil {
		return nil
	}
	w.tagAddr(flow.TagFloating, at.router.ID, a)
	return at.router.FloatingIP(a)
}

// floatingOf returns what the router exchanges the fixed address for on the way out.
func (w *walk) floatingOf(at *place, fixed netip.Addr, exact bool) *topology.FloatingIP {
	if at.router == nil {
		return nil
	}
	w.tagAddr(flow.TagFloating, at.router.ID, fixed)
	var any *topology.FloatingIP
	for _, f := range at.router.FloatingIPsOf(fixed) {
		switch {
		case f.Fixed.Is4() != f.Addr.Is4():
		case f.Port == at.out:
			return f
		case any == nil && !exact:
			any = f
		}
	}
	return any
}

// translateError translates an ICMP error that belongs to a translated connection.
func (w *walk) translateError(r *topology.Rule, at *place) outcome {
	q := w.quoted()
	if q == nil {
		return undecided
	}
	c, ok := connOf(q)
	if !ok {
		return undecided
	}
	v, ok := w.errorValue(r.Action, at, c)
	if !ok {
		return undecided
	}
	w.quote.changed = true
	switch r.Action {
	case topology.ActionSNAT, topology.ActionReverseDNAT:
		q.Dst, q.DstPort = v.Addr, v.Port
		w.packet.SrcIP = v.Addr
	default:
		q.Src, q.SrcPort = v.Addr, v.Port
		w.packet.DstIP, w.dstRewritten = v.Addr, true
	}
	if c.IsEcho() {
		q.SrcPort, q.DstPort = v.Port, v.Port
	}
	return accepted
}

// errorValue returns the translation that the rule would do to an answer to the quoted packet.
func (w *walk) errorValue(action topology.RuleAction, at *place, quoted flow.Conn) (flow.StateValue, bool) {
	answer := quoted.Reverse()
	kind := map[topology.RuleAction]flow.StateKind{
		topology.ActionSNAT: flow.StateSNAT, topology.ActionDNAT: flow.StateDNAT,
		topology.ActionReverseSNAT: flow.StateReverseSNAT, topology.ActionReverseDNAT: flow.StateReverseDNAT,
	}[action]
	if action == topology.ActionForwarding {
		return w.forwarded(at, &answer)
	}
	return w.value(kind, at.device, &answer)
}

// hashOf is connectionHash for a connection.
func hashOf(c *flow.Conn) uint64 {
	return connectionHash(&packet.Header{Proto: c.Proto, SrcIP: c.Src, DstIP: c.Dst, SrcPort: c.SrcPort, DstPort: c.DstPort})
}
