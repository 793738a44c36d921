package sim

import (
	"net/netip"
	"slices"
	"sync"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Simulate returns what becomes of a packet that enters the virtual network of v.
func Simulate(v *view.View, in Input, responders ...Responder) Result {
	w := newWalk(v, in)
	defer w.free()
	if err := packet.Parse(in.Frame, &w.packet); err != nil {
		w.stop(Drop, w.portDevice(in.InPort), "drops the packet: %v", err)
		w.keepRoom()
		return w.result
	}
	w.entered = w.packet.Header
	w.result.Cache = flow.Cacheable(&w.packet)
	if in.First != nil && w.withoutPorts() {
		w.asFirst(in.First)
	}
	switch {
	case !w.hasWays():
		w.start(responders)
	case !w.follow():
		w.notes.open = true
		w.start(responders)
		w.keepWay()
	}
	w.result.Known = w.notes.known
	switch {
	case w.assumed:
		w.awaitArrival()
		w.states = w.states[:0]
	case w.result.Verdict != Forward:
		w.states, w.result.StatePeers = w.states[:0], nil // nothing follows that would need them
	}
	w.keepRoom()
	return w.result
}

// keepRoom puts what the walk has collected into the result: in the caller's room, or else in memory of its own.
func (w *walk) keepRoom() {
	if room := w.in.Room; room != nil {
		*room = Room{tags: w.tags.List(), states: w.states, peers: w.result.StatePeers}
		w.result.Tags, w.result.State = w.tags.List(), w.states
		w.tags.Reset(nil)
		w.states = nil
		return
	}
	w.result.Tags = slices.Clone(w.tags.List())
	if len(w.states) > 0 {
		w.result.State = slices.Clone(w.states)
	}
}

// start lets the packet in and takes it to whoever is first to look at it.
func (w *walk) start(responders []Responder) {
	if w.in.InPort == view.MetadataPort {
		w.fromMetadata()
		return
	}
	switch p := w.ingress(); {
	case p == nil || !w.isOn(p) || w.respond(responders):
	case w.asksMetadata(p):
		w.toMetadata(p)
	case w.sentBy(p):
		w.enter(p)
	}
}

// walk is one packet on its way through the virtual network.
type walk struct {
	view   *view.View
	in     Input
	result Result
	tags   flow.TagSet   // of the result
	states []flow.State  // of the result
	asked  []*view.Chain // the chains that the present evaluation has visited

	packet  packet.Packet // Header is as it is here; Frame is as it came in
	entered packet.Header // as it came in
	later   bool          // it is a later fragment, and packet and entered are as its first would have them
	quote   quote         // of an ICMP error

	at      *topology.Port // where the packet came into the present device
	arrived packet.Header  // as it came into the present router
	growth  int            // octets by which it is longer than as it came in: translated between the families
	// arrivedGrowth is growth where the packet came into the present router.
	arrivedGrowth int
	devices       int // entered so far
	// traversed has the bridges and routers that the packet has entered, of which devices are in use.
	traversed [MaxDevices]topology.BridgeID
	hops      uint8 // routers passed so far
	mtu       int   // the largest packet that the way so far carries, counted as it came in; 0: no limit
	// dstRewritten says that the destination has been translated since the packet entered the present device.
	dstRewritten bool

	// made says that a device of the network made the packet, for one that maker walks with: it is an answer, and nobody is told
	// what becomes of it.
	made  bool
	maker *walk
	// assumed says that the packet has a source which its connection may not have.
	assumed bool
	// source is the device that the packet entered first, where its connection is looked for; answer whether it belongs to a known one;
	// tracked whether anyone asked.
	source  [16]byte
	answer  answer
	tracked bool

	notes notes
}

// walks are kept for the next packet: a walk is a kilobyte, and hundreds of thousands are taken each second.
var walks = sync.Pool{New: func() any { return new(walk) }}

func newWalk(v *view.View, in Input) *walk {
	w := walks.Get().(*walk)
	w.view, w.in = v, in
	if in.Room != nil {
		w.tags.Reset(in.Room.tags)
		w.states, w.result.StatePeers = in.Room.states[:0], in.Room.peers[:0]
	}
	return w
}

func (w *walk) free() {
	tags := w.tags.List()
	*w = walk{states: w.states[:0], asked: w.asked[:0], notes: notes{acts: w.notes.acts[:0]}}
	w.tags.Reset(tags)
	walks.Put(w)
}

// ingress checks that the packet may enter and returns the port that it enters at; nil when it may not, with the result set.
func (w *walk) ingress() *topology.Port {
	w.tag(flow.TagPort, w.in.InPort)
	p := w.view.Port(w.in.InPort)
	if p == nil {
		w.stop(Error, w.portDevice(w.in.InPort), "is not known here")
		return nil
	}
	at, bound := w.view.Location(p.ID)
	switch {
	case !bound:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: no interface is plugged into it")
	case !at.Local:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: it is plugged into an interface of %s, not of this host", w.hostName(at.Host))
	case !p.AdminUp:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: it is administratively down")
	case w.packet.SrcMAC.IsMulticast():
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: its source %s is a group address", w.packet.SrcMAC)
	default:
		if w.in.Trace {
			w.step(w.portDevice(p.ID), "lets in %s from interface %s of %s", describe(&w.packet), at.Interface, w.here())
		}
		w.source = deviceOf(p)
		return p
	}
	return nil
}

// isOn reports whether the network that the port is on is switched on. Where it is not nobody answers, DHCP (neutron/agent/dhcp/agent.py,
// configure_dhcp_for_network) and the metadata service neither.
func (w *walk) isOn(p *topology.Port) bool {
	if p.Bridge.IsZero() {
		return true
	}
	w.tag(flow.TagBridge, p.Bridge)
	b := w.view.Bridge(p.Bridge)
	if b == nil || b.AdminUp {
		return true
	}
	w.stop(Drop, bridgeDevice(b), "drops the packet: it is administratively down")
	return false
}

// deviceOf returns the identifier of the bridge or router that has the port.
func deviceOf(p *topology.Port) [16]byte {
	if !p.Router.IsZero() {
		return p.Router
	}
	return p.Bridge
}

// routerOf returns the router that has the port, nil where it is a bridge's or the router is not here.
func (w *walk) routerOf(p *topology.Port) *view.Router {
	if p.Router.IsZero() {
		return nil
	}
	return w.view.Router(p.Router)
}

// respond offers the packet to the agent's own services and reports whether one took it.
func (w *walk) respond(responders []Responder) bool {
	if w.result.Cache {
		return false
	}
	for _, r := range responders {
		answer, taken := r.Respond(w.view, w.in)
		if !taken {
			continue
		}
		w.result.Verdict = Consumed
		w.tags.Append(answer.Tags)
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
	if w.devices < MaxDevices {
		w.traversed[w.devices] = at.id
		w.devices++
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

// consume ends the walk: a device has taken the packet for itself.
func (w *walk) consume() { w.result.Verdict, w.result.Cache = Consumed, false }

// The tags of what the walk meets. One that follows a way has them from there, but for those of states.

func (w *walk) tag(class flow.TagClass, id [16]byte) {
	if !w.notes.follows {
		w.tags.Add(class, id)
	}
}

func (w *walk) tagAddr(class flow.TagClass, id [16]byte, addr netip.Addr) {
	if !w.notes.follows {
		w.tags.AddAddr(class, id, addr, 0)
	}
}

func (w *walk) tagStation(bridge topology.BridgeID, hw mac.Addr) {
	if !w.notes.follows {
		w.tags.AddStation(bridge, hw)
	}
}
