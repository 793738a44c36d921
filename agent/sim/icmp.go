package sim

import (
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// icmpError is what a router tells the sender of a packet, in both families.
type icmpError struct {
	type4, code4 uint16
	type6, code6 uint16
	value        uint32
}

// The errors, by RFC 792, RFC 1812 section 5.2.7 and RFC 4443.
var (
	noRoute         = icmpError{type4: packet.ICMPUnreachable, code4: 0, type6: packet.ICMPv6Unreachable, code6: 0}
	noHost          = icmpError{type4: packet.ICMPUnreachable, code4: 1, type6: packet.ICMPv6Unreachable, code6: 3}
	portUnreachable = icmpError{type4: packet.ICMPUnreachable, code4: 3, type6: packet.ICMPv6Unreachable, code6: 4}
	tooBig          = icmpError{type4: packet.ICMPUnreachable, code4: 4, type6: packet.ICMPv6TooBig}
	prohibited      = icmpError{type4: packet.ICMPUnreachable, code4: 13, type6: packet.ICMPv6Unreachable, code6: 1}
	expired         = icmpError{type4: packet.ICMPTimeExceeded, type6: packet.ICMPv6TimeExceeded}
)

// muted is how long an answer holds of which nobody was told because of Input.Mute.
const muted = time.Second

// refuse drops the packet at a router, and tells its sender why where that may be told. The answer is for this packet only: the next
// one's sender is to be told as well, until Input.Mute says that its port has been told enough (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4).
func (w *walk) refuse(in *topology.Port, e icmpError, at device, format string, args ...any) {
	w.stop(Drop, at, format, args...)
	if !w.mayTell() {
		return
	}
	if w.notes.open = false; w.in.Mute {
		w.result.Hard = muted
		w.step(at, "tells nobody: its port has been told enough for now")
		return
	}
	w.result.Cache, w.result.Told = false, true
	src := addressFor(in, w.arrived.SrcIP)
	if !src.IsValid() {
		return
	}
	h := packet.Header{SrcMAC: in.MAC, DstMAC: w.arrived.SrcMAC, SrcIP: src, DstIP: w.arrived.SrcIP, SrcPort: e.type4, DstPort: e.code4}
	if src.Is6() {
		h.SrcPort, h.DstPort = e.type6, e.code6
	}
	w.step(at, "tells %s so: icmp type %d code %d", h.DstIP, h.SrcPort, h.DstPort)
	var was packet.Packet
	if packet.Parse(w.frameAs(w.arrived), &was) != nil {
		return // it is the packet that was parsed before
	}
	w.sendBack(in, h.Error(e.value, was.Frame[was.L3:was.End]))
}

// mayTell reports whether an error may be sent about the packet (RFC 1122 section 3.2.2, RFC 4443 section 2.4): not about another, nor
// what is for a group, a later fragment, or from no one station.
func (w *walk) mayTell() bool {
	h := &w.arrived
	return !w.made && !w.later && !h.IsError() && h.Fragment != packet.FragmentLater && !h.DstMAC.IsMulticast() && !h.DstIP.IsMulticast() &&
		h.DstIP != limitedBroadcast && !h.SrcIP.IsUnspecified() && !h.SrcIP.IsMulticast() && !h.SrcIP.IsLoopback() &&
		h.SrcIP != limitedBroadcast
}

// quote is what an ICMP error says of the packet that it is about, where that has been asked.
type quote struct {
	packet.Quote
	read    bool
	ok      bool
	changed bool
}

// quoted returns what the packet, an ICMP error, is about; nil where it is none or says too little. What is quoted is not in a flow's
// key, so that the answer holds for this packet only.
func (w *walk) quoted() *packet.Quote {
	if !w.quote.read {
		w.quote.read = true
		p := w.asEntered()
		w.quote.Quote, w.quote.ok = p.Quoted()
		if w.quote.ok {
			w.result.Cache = false
		}
	}
	if !w.quote.ok {
		return nil
	}
	return &w.quote.Quote
}

// connOf returns the connection that the quoted packet is of; false where it is of none that is tracked.
func connOf(q *packet.Quote) (flow.Conn, bool) {
	c := flow.Conn{Proto: q.Proto, Src: q.Src, Dst: q.Dst, SrcPort: q.SrcPort, DstPort: q.DstPort}
	if q.HasPorts {
		return c, true
	}
	h := packet.Header{Proto: q.Proto, SrcIP: q.Src, DstIP: q.Dst}
	return c, !q.Later && flow.Tracked(&h) && !flow.Translated(&h)
}
