// Package sim computes what the virtual network does with a packet.
//
// Simulate is a pure function: no clock, no kernel, no locks. The same call, printed, is `midonet trace`. What it cannot decide it
// returns as a value (Result.Verdict Error with a step that says why), never as a panic; what it needs remembered (a learned MAC)
// it returns too.
//
// The order of stages is the original's (midolman PacketWorkflow.scala, Simulator.scala): responders first (DHCP), then the metadata
// service, then the device chain from the ingress port, at most MaxDevices devices. The ingress port's own checks come before both, so that a port that is
// down gets no lease either.
//
// The tags of a result name everything that it depended on; package view says which tags a change touches. The two halves of that
// promise are tested against each other: an answer that a change alters has a tag that the change touches.
package sim

import (
	"net/netip"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// MaxDevices is how many virtual devices one packet may pass (midolman: Simulator.MaxDevicesTraversed).
const MaxDevices = 12

// Flow life times, as midolman has them (FlowExpirationIndexer.scala). A flow that relies on State is simulated again at half of the
// State's life, so that the State lives on while the flow is used.
const (
	IdleForward  = 60 * time.Second // drops as well
	IdleStateful = 30 * time.Second
	HardError    = 5 * time.Second
)

// Input is a packet at the edge of the virtual network.
type Input struct {
	InPort topology.PortID
	Frame  []byte
	// Segment, where not 0, is the octets of the largest IP packet that the frame is to be cut into on its way: its sender left that to
	// hardware (TSO). 0: the frame is one packet.
	Segment int
	// First is, of a later fragment, the header that the first one of its packet had where it came in; nil: not known.
	First *packet.Header
	// Trace asks for Result.Steps. The words cost more than the simulation does, so that it is off for ordinary packets.
	Trace bool
	// State is what this host remembers of connections; nil: nothing.
	State State
	// Arriving says that InPort has come from another host, and that what is known of its connections is still being told.
	Arriving bool
	// GiveUp says that what an earlier Result wanted for this packet did not come: the answer is to be as if it never did.
	GiveUp bool
	// Ways, where not nil, is where the ways of earlier packets are found and this one's is kept. They change no answer.
	Ways *Ways
	// Room, where not nil, is what Result.Tags, State and StatePeers are written into. They hold until it is used again.
	Room *Room
	// Hush asks for the packet to be dropped where it would be sent to all ports of a bridge: its sender has done too much of that.
	Hush bool
	// Mute asks for no ICMP errors about the packet: its port has caused too many.
	Mute bool
}

// Room is memory for one simulation after the other: most of what they need, and none of it lives for long. The zero Room is ready. It is not
// safe for use by several goroutines.
type Room struct{ walk walk }

// Responder answers packets that are meant for a service of the agent itself, before they enter the virtual network. It is asked about
// those alone for which flow.Cacheable does not hold.
type Responder interface {
	// Respond returns the frames to send back out of the ingress port and whether the packet was consumed. It is pure.
	Respond(v *view.View, in Input) (Response, bool)
}

// Response is a responder's answer.
type Response struct {
	Frames [][]byte
	Tags   []flow.Tag
	Step   Step
}

// State is what a host remembers of connections. Simulate reads it; what it wants remembered is in Result.State.
type State interface {
	Value(flow.StateKey) (flow.StateValue, bool)
	// FreePort returns a source port, of first … last, for a connection whose source the router translates to addr: one of a
	// block that this host holds and that no other connection of c's protocol to c's destination has. c is the connection as it
	// leaves, but for the source. ok is false where this host holds no block with such a port.
	FreePort(router topology.RouterID, addr netip.Addr, first, last uint16, c flow.Conn) (port uint16, ok bool)
}

// Want is something that a packet waits for. One of the fields is set.
type Want struct {
	Neighbour NeighbourWant     // that somebody has the address; Result.Emit has the question
	Block     BlockWant         // a block of translation ports
	Router    topology.RouterID // the router and what is behind it, which this host has not been sent
	First     Datagram          // the first fragment of a packet, which has the ports
	Arrival   topology.PortID   // what other hosts know of connections of this port, which has come to this one (Input.Arriving)
}

// WantKind is which field of a Want is set.
type WantKind uint8

// The kinds of wants.
const (
	WantNeighbour WantKind = iota
	WantBlock
	WantRouter
	WantFirst
	WantArrival
)

// Kind returns which of the fields is set.
func (w *Want) Kind() WantKind {
	switch {
	case !w.Router.IsZero():
		return WantRouter
	case !w.Block.Router.IsZero():
		return WantBlock
	case !w.First.InPort.IsZero():
		return WantFirst
	case !w.Arrival.IsZero():
		return WantArrival
	}
	return WantNeighbour
}

// NeighbourWant names an address on the link of a router port.
type NeighbourWant struct {
	Router topology.RouterID
	Port   topology.PortID
	Addr   netip.Addr
}

// BlockWant names what a block is for: ports of first … last.
type BlockWant struct {
	Router      topology.RouterID
	Addr        netip.Addr
	First, Last uint16
}

// Verdict is what becomes of the packet.
type Verdict uint8

// The verdicts.
const (
	Forward  Verdict = 1 + iota // send by Result.Actions; the answer holds for the whole flow where Result.Cache is set
	Drop                        // the virtual network drops it
	Consumed                    // a device or responder answered it; Result.Emit has the answer
	Wait                        // Result.Wants has to come first; then the packet is to be simulated again
	Error                       // it cannot be decided or the topology is inconsistent: dropped for a short time only
)

// Emit is a packet made by a virtual device, or changed beyond what a flow can, to be sent without another simulation.
type Emit struct {
	Outputs []flow.Output
	Frame   []byte
}

// Resolved is a neighbour that a packet on a router port's link told of.
type Resolved struct {
	Router topology.RouterID
	Port   topology.PortID
	Addr   netip.Addr
	MAC    mac.Addr
}

// Learned is a station seen behind a port and not known from Neutron.
type Learned struct {
	Bridge topology.BridgeID
	MAC    mac.Addr
	Port   topology.PortID
}

// Step is one line of the walk through the virtual network.
type Step struct {
	Device string // "port 6fa459ea", "bridge blue", "dhcp 10.0.0.0/24"
	Text   string // what it did and why, in words
}

// Result is what Simulate found.
type Result struct {
	Verdict Verdict
	// Actions are for Forward. A flood has one output for each port that it reaches.
	Actions flow.Actions
	// Cache says that every packet with the same flow.Key gets this result, so that it may be installed as a flow; Tags, Idle and
	// Hard are then the flow's.
	Cache bool
	// Any says which ports the answer has nothing to do with, where Input.Ways is set: every packet with the same flow.Key.Wide(Any) gets
	// it, but for those that the Actions do not fit.
	Any flow.Ports
	// Tags are in the order in which the walk met what they name, and one that it met again may be there again.
	Tags  []flow.Tag
	Idle  time.Duration
	Hard  time.Duration
	Emit  []Emit
	Learn []Learned
	Found []Resolved
	Wants []Want // with the verdict Wait
	// State is what the answer made or relied on, to be remembered for as long as the flow lives: on this host, and before the
	// packet leaves on the hosts with the underlay addresses StatePeers, where packets of the connection may come in.
	// Of a packet that waits for an Arrival the latter are the hosts that were told of its connection, if there is one.
	State      []flow.State
	StatePeers []netip.Addr
	Steps      []Step // where Input.Trace is set
	// Followed says that the answer was found by the way of an earlier packet.
	Followed bool
	// Alike says, of an answer that was found so and that its connection's state has a part in, which ports set the packet apart from others
	// that get the same Actions: those of whose connections as much is remembered. That is nothing, unless Known is set; else it is what the
	// first packet of theirs left, of which Alike said the same. Of UDP, whose packets do not tell whether they are the first, it is all
	// others, whatever is remembered but for what Apart says.
	Alike flow.Ports
	// Source, where it is not zero, is what the source's port was chosen of: it alone is another one for others that are alike, and SourceTo
	// the address that they were for then.
	Source   BlockWant
	SourceTo netip.Addr
	// Apart are, of UDP, the addresses from one to the other of which nothing may be remembered by which answers are translated, for others to be
	// alike: they might be such. They have no ports. It is not to be written to.
	Apart []flow.Conn
	// Known says that something was remembered of the packet's connection.
	Known bool
	// Hushed says that the packet is dropped because of Input.Hush.
	Hushed bool
	// Told says that Emit has an ICMP error about the packet.
	Told bool
}
