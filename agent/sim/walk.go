package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Simulate returns what becomes of a packet that enters the virtual network of v.
func Simulate(v *view.View, in Input, responders ...Responder) Result {
	room := in.Room
	if room == nil {
		room = new(Room)
	}
	w := &room.walk
	w.begin(v)
	w.in = in
	if err := packet.Parse(in.Frame, &w.packet); err != nil {
		w.stop(Drop, w.portDevice(in.InPort), "drops the packet: %v", err)
	} else {
		w.take(responders)
	}
	w.result.Tags, w.result.State, w.result.StatePeers = w.tags, w.states, w.peers
	return w.result
}

// begin makes the walk that of another packet. Nothing is left of the last one but the memory that it took.
func (w *walk) begin(v *view.View) {
	w.progress = progress{}
	w.view = v
	w.tags, w.states, w.peers, w.asked, w.acts = w.tags[:0], w.states[:0], w.peers[:0], w.asked[:0], w.acts[:0]
}

// newWalk returns the walk of a packet that is not in anybody's room.
func newWalk(v *view.View, in Input) *walk {
	w := new(walk)
	w.view, w.in = v, in
	return w
}

// take walks the packet, which has been parsed, to the end.
func (w *walk) take(responders []Responder) {
	w.entered = w.packet.Header
	w.result.Cache = flow.Cacheable(&w.packet)
	if w.in.First != nil && w.withoutPorts() {
		w.asFirst(w.in.First)
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
		w.states, w.peers = w.states[:0], w.peers[:0] // nothing follows that would need them
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
	progress
	reused
}

// progress is what is known of the packet and of its way so far. Small things come first: instructions for what is within 128 octets are shorter,
// and a walk goes through more code than the processor's first cache has room for, so that it waits for that more than for any data.
type progress struct {
	view  *view.View
	at    *topology.Port // where the packet came into the present device
	maker *walk          // of made
	notes notes

	later bool // it is a later fragment, and packet and entered are as its first would have them
	// dstRewritten says that the destination has been translated since the packet entered the present device.
	dstRewritten bool
	// made says that a device of the network made the packet, for one that maker walks with: it is an answer, and nobody is told
	// what becomes of it.
	made bool
	// assumed says that the packet has a source which its connection may not have.
	assumed   bool
	tracked   bool   // whether somebody has asked for the answer
	answer    answer // whether the packet belongs to a known connection
	mayCircle bool   // the present evaluation may come to a chain that it has asked
	hops      uint8  // routers passed so far
	devices   int    // entered so far
	mtu       int    // the largest packet that the way so far carries, counted as it came in; 0: no limit
	growth    int    // octets by which it is longer than as it came in: translated between the families
	// arrivedGrowth is growth where the packet came into the present router.
	arrivedGrowth int

	packet  packet.Packet // Header is as it is here; Frame is as it came in
	in      Input
	entered packet.Header // the packet's as it came in
	arrived packet.Header // as it came into the present router
	source  [16]byte      // the device that the packet entered first, where its connection is looked for
	stated  flow.Conn     // whose states were last asked about
	quote   quote         // of an ICMP error
	// traversed has the bridges and routers that the packet has entered, of which devices are in use.
	traversed [MaxDevices]topology.BridgeID
	result    Result
}

// reused is memory that one walk leaves to the next.
type reused struct {
	tags   []flow.Tag    // of the result
	states []flow.State  // of the result
	peers  []netip.Addr  // of the result
	asked  []*view.Chain // the chains that the present evaluation has asked
	acts   []act         // of notes
	// outputs has those of results, which are never written to again, and room for those of the next ones.
	outputs []flow.Output
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
			w.tellIngress(p, at.Interface)
		}
		w.source = deviceOf(p)
		return p
	}
	return nil
}

func (w *walk) tellIngress(p *topology.Port, from string) {
	w.step(w.portDevice(p.ID), "lets in %s from interface %s of %s", describe(&w.packet), from, w.here())
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
		w.tags = append(w.tags, answer.Tags...)
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

// pass counts a device on the way, and reports whether there have not been too many.
func (w *walk) pass(id topology.BridgeID) bool {
	if w.devices == MaxDevices {
		return false
	}
	w.traversed[w.devices] = id
	w.devices++
	return true
}

// circles ends the walk of a packet that has passed too many devices.
func (w *walk) circles(at device) {
	w.stop(Error, at, "drops the packet: it has passed %d devices already", MaxDevices)
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

// The tags of what the walk meets, as often as it does. One that follows a way has them from there, but for those of states.

// tag is not to be inlined: some thirty copies of it would be a tenth of all the code that a walk goes through (see progress).
//
//go:noinline
func (w *walk) tag(class flow.TagClass, id [16]byte) {
	if !w.notes.follows {
		t := w.newTag()
		t.Class, t.ID = class, id
	}
}

// newTag returns the next tag, to be filled in: one that is made elsewhere and copied is an eighth of a walk.
func (w *walk) newTag() *flow.Tag {
	w.tags = append(w.tags, flow.Tag{})
	return &w.tags[len(w.tags)-1]
}

func (w *walk) tagAddr(class flow.TagClass, id [16]byte, addr netip.Addr) {
	if !w.notes.follows {
		t := w.newTag()
		t.Class, t.ID = class, id
		t.SetAddr(addr)
	}
}

func (w *walk) tagStation(bridge topology.BridgeID, hw mac.Addr) {
	if !w.notes.follows {
		w.tags = append(w.tags, flow.StationTag(bridge, hw))
	}
}

// tagState adds the tag of the connection's states, where it is not the one that was asked about just before.
func (w *walk) tagState(c *flow.Conn) {
	if w.stated != *c {
		w.stated = *c
		w.tags = append(w.tags, flow.StateTag(c))
	}
}
