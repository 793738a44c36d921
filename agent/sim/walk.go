package sim

import (
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Simulate returns what becomes of a packet that enters the virtual network of v.
func Simulate(v *view.View, in Input, responders ...Responder) Result {
	w := walk{view: v, in: in}
	if err := packet.Parse(in.Frame, &w.packet); err != nil {
		w.stop(Drop, w.portDevice(in.InPort), "drops the packet: %v", err)
		return w.result
	}
	w.result.Cache = flow.Cacheable(&w.packet)
	w.result.Tags = make([]flow.Tag, 0, 8)
	if p := w.ingress(); p != nil && !w.respond(responders) {
		w.enterBridge(p.Bridge)
	}
	return w.result
}

// walk is one packet on its way through the virtual network.
type walk struct {
	view    *view.View
	in      Input
	packet  packet.Packet
	devices int // passed so far
	result  Result
}

// ingress checks that the packet may enter and returns the port that it enters at; nil when it may not, with the result set.
func (w *walk) ingress() *topology.Port {
	w.tag(flow.TagPort, w.in.InPort)
	self := w.portDevice(w.in.InPort)
	p := w.view.Port(w.in.InPort)
	if p == nil {
		w.stop(Error, self, "is not known here")
		return nil
	}
	at, bound := w.view.Location(p.ID)
	switch {
	case !bound:
		w.stop(Drop, self, "drops the packet: no interface is plugged into it")
	case !at.Local:
		w.stop(Drop, self, "drops the packet: it is plugged into an interface of %s, not of this host", w.hostName(at.Host))
	case !p.AdminUp:
		w.stop(Drop, self, "drops the packet: it is administratively down")
	case w.packet.SrcMAC.IsMulticast():
		w.stop(Drop, self, "drops the packet: its source %s is a group address", w.packet.SrcMAC)
	default:
		if w.in.Trace {
			w.step(self, "lets in %s from interface %s of %s", describe(&w.packet), at.Interface, w.here())
		}
		return p
	}
	return nil
}

// respond offers the packet to the agent's own services and reports whether one took it.
func (w *walk) respond(responders []Responder) bool {
	for _, r := range responders {
		answer, taken := r.Respond(w.view, w.in)
		if !taken {
			continue
		}
		w.result.Verdict, w.result.Cache = Consumed, false
		w.result.Tags = append(w.result.Tags, answer.Tags...)
		for _, frame := range answer.Frames {
			w.emit(frame)
		}
		if w.in.Trace {
			w.result.Steps = append(w.result.Steps, answer.Step)
		}
		return true
	}
	return false
}

// emit sends a frame that a device made back to where the packet came from.
func (w *walk) emit(frame []byte) {
	w.result.Emit = append(w.result.Emit, Emit{Outputs: []flow.Output{{Port: w.in.InPort}}, Frame: frame})
}

// pass counts a device on the way; after too many the packet is going in circles.
func (w *walk) pass(at device) bool {
	if w.devices++; w.devices <= MaxDevices {
		return true
	}
	w.stop(Error, at, "drops the packet: it has passed %d devices already", MaxDevices)
	return false
}

// stop ends the walk without an output: Drop for what the virtual network wants, Error for what may be right in a moment.
func (w *walk) stop(verdict Verdict, at device, format string, args ...any) {
	w.result.Verdict, w.result.Actions = verdict, flow.Actions{}
	if verdict == Error {
		w.result.Hard = HardError
	} else {
		w.result.Idle = IdleForward
	}
	w.step(at, format, args...)
}

// forward ends the walk with the outputs.
func (w *walk) forward(outputs []flow.Output) {
	w.result.Verdict, w.result.Idle = Forward, IdleForward
	w.result.Actions = flow.Actions{Outputs: outputs}
}

func (w *walk) tag(class flow.TagClass, id [16]byte) {
	w.result.Tags = append(w.result.Tags, flow.Tag{Class: class, ID: id})
}

func (w *walk) tagStation(bridge topology.BridgeID, hw mac.Addr) {
	w.result.Tags = append(w.result.Tags, flow.Tag{Class: flow.TagMAC, ID: bridge, MAC: hw})
}
