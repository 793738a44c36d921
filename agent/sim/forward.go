package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// outputsAtOnce is for how many results there is memory made at once.
const outputsAtOnce = 16

// forwardTo is forward with one output.
func (w *walk) forwardTo(out flow.Output) {
	if len(w.outputs) == cap(w.outputs) {
		w.outputs = make([]flow.Output, 0, outputsAtOnce)
	}
	w.outputs = append(w.outputs, out)
	n := len(w.outputs)
	w.forward(w.outputs[n-1 : n : n])
}

// forward ends the walk with the outputs: with the actions of a flow, or where a flow cannot make the change with the changed frames.
func (w *walk) forward(outputs []flow.Output) {
	if w.portsOfSCTP() && w.packet.Fragment != packet.Unfragmented {
		w.stop(Drop, w.portDevice(outputs[0].Port), "drops the packet: a fragment of SCTP, whose ports have been translated, has no checksum")
		return
	}
	w.result.Verdict, w.result.Idle = Forward, IdleForward
	if len(w.states) > 0 {
		w.result.Idle = IdleStateful
	}
	if w.made || !w.beyondFlow() {
		w.result.Actions = flow.Actions{Rewrite: w.rewrite(), Outputs: outputs, MTU: w.mtu}
		return
	}
	w.result.Cache = false
	frames := [][]byte{w.frame()}
	if w.tooLarge() {
		w.step(w.portDevice(outputs[0].Port), "receives it in fragments of at most %d octets", w.mtu+w.growth)
		frames = cut(frames[0], w.mtu+w.growth)
	}
	for _, f := range frames {
		w.result.Emit = append(w.result.Emit, Emit{Outputs: outputs, Frame: f})
	}
}

func cut(frame []byte, mtu int) [][]byte {
	var p packet.Packet
	if packet.Parse(frame, &p) != nil {
		return nil // it is the packet that was parsed before
	}
	return p.Cut(frame, mtu)
}

// beyondFlow reports whether the packet changes in a way that a flow's rewrite cannot say: what an ICMP error quotes, SCTP's checksum
// over its ports, the packet's size, more than the network header where it becomes one of the other family.
func (w *walk) beyondFlow() bool {
	if w.crossed() {
		if was := w.asEntered(); !was.Plain() {
			return true
		}
	}
	return w.quote.changed || w.portsOfSCTP() || w.tooLarge()
}

// portsOfSCTP reports whether ports of SCTP change, and with them a checksum over the whole packet.
func (w *walk) portsOfSCTP() bool {
	p := &w.packet
	return p.Proto == packet.ProtoSCTP && (p.SrcPort != w.entered.SrcPort || p.DstPort != w.entered.DstPort)
}

// tooLarge reports whether the packet is to be cut: fits has let it pass, so that it may be.
func (w *walk) tooLarge() bool { return w.mtu > 0 && w.size() > w.mtu }

// rewrite returns what differs between the packet as it came in and as it is here.
func (w *walk) rewrite() flow.Rewrite {
	p, was := &w.packet, &w.entered
	r := flow.Rewrite{Hops: w.hops}
	set := func(differs bool, f flow.Fields) bool {
		if differs {
			r.Fields |= f
		}
		return differs
	}
	if set(p.SrcMAC != was.SrcMAC, flow.FieldSrcMAC) {
		r.SrcMAC = p.SrcMAC
	}
	if set(p.DstMAC != was.DstMAC, flow.FieldDstMAC) {
		r.DstMAC = p.DstMAC
	}
	set(w.crossed(), flow.FieldFamily)
	if set(p.SrcIP != was.SrcIP, flow.FieldSrcIP) {
		r.SrcIP = p.SrcIP
	}
	if set(p.DstIP != was.DstIP, flow.FieldDstIP) {
		r.DstIP = p.DstIP
	}
	set(w.hops > 0, flow.FieldTTL)
	if w.later {
		return r // the ports are those of its first
	}
	if p.IsEcho() {
		if set(p.DstPort != was.DstPort, flow.FieldEchoID) {
			r.EchoID = p.DstPort
		}
		return r
	}
	if set(p.SrcPort != was.SrcPort, flow.FieldSrcPort) {
		r.SrcPort = p.SrcPort
	}
	if set(p.DstPort != was.DstPort, flow.FieldDstPort) {
		r.DstPort = p.DstPort
	}
	return r
}
