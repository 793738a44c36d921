package sim

import (
	"encoding/binary"
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// A floating address of IPv6 may stand for a fixed one of IPv4 (networking-midonet's fip64). The router then translates between the
// families (RFC 7915), and the workload sees each client by an address of topology.NAT64Pool: stateful NAT64 (RFC 6146), but that a
// client keeps its ports, since it has an address of its own.
//
// Which one that is, is remembered by three states of addresses alone, so that they hold for every protocol and for fragments: of the
// client and the floating address as they come in (StateSNAT), and of the fixed address and the client's as answers have them
// (StateReverseSNAT the client, StateReverseDNAT the floating address). In states a client's address is the pool's first one with a
// number in the place of a port: hosts lease numbers as they do the ports of any translated address, so that no two hosts give one
// address to two clients.

// Numbers of clients. The pool has room for more than there are blocks.
const firstClient, lastClient = 1024, 65535

var poolBase = topology.NAT64Pool.Addr()

// clientAddr returns the address by which workloads see the client with the number.
func clientAddr(number uint16) netip.Addr {
	a := poolBase.As4()
	binary.BigEndian.PutUint16(a[2:], number)
	return netip.AddrFrom4(a)
}

// clientNumber is clientAddr's inverse.
func clientNumber(a netip.Addr) (number uint16, ok bool) {
	b := a.As16()
	number = binary.BigEndian.Uint16(b[14:])
	return number, a.Is4() && clientAddr(number) == a
}

// passage is one client's way to one workload through a router.
type passage struct {
	client   netip.Addr
	number   uint16 // by which the workload knows the client
	floating *topology.FloatingIP
}

// inward and outward are the connections, of addresses alone, that the states are of.
func (p *passage) inward() flow.Conn { return flow.Conn{Src: p.client, Dst: p.floating.Addr} }

func (p *passage) outward() flow.Conn {
	return flow.Conn{Src: p.floating.Fixed, Dst: poolBase, DstPort: p.number}
}

// keepPassage notes both directions.
func (w *walk) keepPassage(at *place, p *passage) {
	in, out := p.inward(), p.outward()
	w.keep(flow.StateSNAT, at.device, &in, flow.StateValue{Addr: poolBase, Port: p.number})
	w.keep(flow.StateReverseSNAT, at.device, &out, flow.StateValue{Addr: p.client})
	w.keep(flow.StateReverseDNAT, at.device, &out, flow.StateValue{Addr: p.floating.Addr})
}

// toIPv4 takes a packet for an IPv6 floating address to the IPv4 workload behind it: waiting with the result set where it does not get
// there.
func (w *walk) toIPv4(at *place, f *topology.FloatingIP) outcome {
	p := passage{client: w.packet.SrcIP, floating: f}
	var q *packet.Quote
	if w.packet.IsError() {
		if q = w.quoted(); q == nil || q.Src != f.Addr {
			return w.notTranslated(at, "is an error about nothing that %s has sent", f.Addr)
		}
		p.client = q.Dst // whichever router on the way to it has made the error
	}
	if o := w.numberOf(at, &p, q == nil); o != accepted {
		return o
	}
	client := clientAddr(p.number)
	if q != nil && !w.translateQuote(q, f.Fixed, client) {
		return w.notTranslated(at, "is an error about a fragment")
	}
	return w.become(at, &p, client, f.Fixed)
}

// numberOf finds the client's number, or gives it one.
func (w *walk) numberOf(at *place, p *passage, give bool) outcome {
	in := p.inward()
	v, known := w.value(flow.StateSNAT, at.device, &in)
	p.number = v.Port
	switch {
	case known:
		return accepted
	case !give:
		return w.notTranslated(at, "is an error about what was sent to %s, which has not asked for it", p.client)
	}
	if w.mayBeKnown() {
		p.number = firstClient
		return accepted
	}
	if w.in.State != nil {
		if n, ok := w.in.State.FreePort(at.router.ID, poolBase, firstClient, lastClient, flow.Conn{Dst: p.floating.Fixed}); ok {
			p.number = n
			return accepted
		}
	}
	name := device{kind: "router", id: topology.BridgeID(at.device)}
	if w.in.GiveUp || w.made {
		w.stop(Error, name, "drops the packet: no address of %s is free for its sender", topology.NAT64Pool)
		return waiting
	}
	w.wait(Want{Block: BlockWant{Router: at.router.ID, Addr: poolBase, First: firstClient, Last: lastClient}})
	w.step(name, "has no free address of %s on this host for its sender: the packet waits for some", topology.NAT64Pool)
	return waiting
}

// toClient takes what an IPv4 workload sends to an address of the pool to the IPv6 client that it stands for; undecided where the
// workload has no IPv6 floating address.
func (w *walk) toClient(at *place) outcome {
	number, ok := clientNumber(w.packet.DstIP)
	if !ok || at.router == nil {
		return undecided
	}
	fixed := w.packet.SrcIP
	var q *packet.Quote
	if w.packet.IsError() {
		if q = w.quoted(); q == nil || q.Src != w.packet.DstIP {
			return undecided
		}
		fixed = q.Dst // whichever router on the way to it has made the error
	}
	if !w.hasFloating6(at, fixed) {
		return undecided
	}
	answer := flow.Conn{Src: fixed, Dst: poolBase, DstPort: number}
	client, known := w.value(flow.StateReverseSNAT, at.device, &answer)
	p := passage{client: client.Addr, number: number}
	if floating, also := w.value(flow.StateReverseDNAT, at.device, &answer); known && also {
		p.floating = w.floating(at, floating.Addr)
	}
	if p.floating == nil || p.floating.Fixed != fixed {
		return w.notTranslated(at, "is for %s, which no client has now", w.packet.DstIP)
	}
	if q != nil && !w.translateQuote(q, p.client, p.floating.Addr) {
		return w.notTranslated(at, "is an error about a fragment")
	}
	return w.become(at, &p, p.floating.Addr, p.client)
}

// hasFloating6 reports whether the router exchanges an IPv6 floating address for the fixed IPv4 one.
func (w *walk) hasFloating6(at *place, fixed netip.Addr) bool {
	w.tagAddr(flow.TagFloating, at.router.ID, fixed)
	for _, f := range at.router.FloatingIPsOf(fixed) {
		if fixed.Is4() && f.Addr.Is6() {
			return true
		}
	}
	return false
}

// translateQuote makes what an error quotes one of the other family, from src to dst.
func (w *walk) translateQuote(q *packet.Quote, src, dst netip.Addr) bool {
	v, ok := q.In(src, dst)
	*q, w.quote.changed = v, true
	return ok
}

// become makes the packet one of the other family.
func (w *walk) become(at *place, p *passage, src, dst netip.Addr) outcome {
	was := w.asEntered()
	h, ok := w.packet.In(src, dst)
	switch {
	case w.crossed():
		return w.notTranslated(at, "has been translated between IPv4 and IPv6 once already")
	case !ok:
		return w.notTranslated(at, "is of a kind that the other family does not have, or a fragment of ICMP")
	case !was.Translatable():
		w.result.Cache = false
		return w.notTranslated(at, "is a fragment of a datagram without a checksum, which IPv6 asks for")
	}
	w.growth = was.Growth()
	w.packet.Header, w.dstRewritten = h, true
	w.keepPassage(at, p)
	return accepted
}

// notTranslated drops a packet that cannot be translated between the families.
func (w *walk) notTranslated(at *place, format string, args ...any) outcome {
	w.stop(Drop, device{kind: "router", id: topology.BridgeID(at.device)}, "drops the packet: it "+format, args...)
	return waiting
}

// crossed reports whether the packet is of another family than it came in as.
func (w *walk) crossed() bool { return w.packet.EtherType != w.entered.EtherType }

// crossedHere reports whether the present router has made it one.
func (w *walk) crossedHere() bool { return w.crossed() && w.arrived.EtherType == w.entered.EtherType }

// asEntered returns the packet as it came in.
func (w *walk) asEntered() packet.Packet {
	p := w.packet
	p.Header = w.onWire(w.entered)
	return p
}
