// Package datapath is the contract of the flow cache that moves packets, and (in package datapathtest) the suite that every
// implementation passes: datapath/ebpf in the kernel, datapath/fake in Go.
//
// A datapath knows ports by number only of its own; to the agent a port is a topology.PortID plugged into an interface. A packet
// that enters at a port is looked up by its flow.Key. A hit does the flow's actions. A miss is handed to Receive and the packet
// waits in the agent's hands: the agent installs a flow, or not, and sends the packet on with Execute. A packet that comes from
// another host names its egress port by tunnel key and is delivered without a lookup; an unknown tunnel key is counted and dropped.
//
// What a flow writes costs the same however many of a Rewrite's fields there are. The ports of TCP and UDP and the identifier of
// ICMP echo can be written, those of SCTP cannot: its checksum covers the whole packet and would have to be computed anew. Its
// addresses can, since that checksum has no pseudo-header (RFC 9260 section 6.8). A later fragment has its own flow, which may
// change addresses; the first fragment's checksum follows them.
//
// A packet that has no flow of its own key has that of one of its wider keys (flow.Key.Wider).
//
// A packet that has no flow and can be a connection's first is looked for among the seeds (flow.Seed), by its wider keys in their order: the
// datapath makes both flows of the connection, sends the packet on, and tells the agent of it by Receive (Miss.Born). Flows that are there
// are not replaced. Being told counts as a miss, for a port's rate and share: a packet whose word would be lost is lost itself, and nothing
// is made. So the agent hears of each connection, or the datapath removes its flows again, or the agent dies before, and the next one finds
// them.
//
// Of a seed with ports (flow.Seed.Ports) the connection gets one of them before anything is made; when there is none left for it the packet is
// a miss. A port that was given stays with its source port for as long as the seed is there, and may be forgotten then: the next connection from
// it gets another one. Such connections are begun for as long as the agent has promised to be there (Attend), since others may have the
// ports after that. A seed that is installed in the place of another, also with the same key, has ports of its own; of the other's some may be
// given until Install or Withdraw returns.
//
// Of a connection to another host either datapath makes one flow. The first packet says by its tunnel key (Opening) that it is one: that
// answers to it are to pass, which agents else tell each other, follows from the packet itself. Where its source is translated, what it was before
// follows the packet (OriginTunnelKey), if that is no larger than its way carries and none that is to be cut into segments; else it is a miss.
// Where it comes out the datapath takes that off, makes the
// flow of the answer, by a seed that waits for it (flow.Answers), and tells its agent of it; or of the answer's key alone where there is no
// such seed, before a miss of that answer. Of UDP an answer is not sure to come: where there is a seed, and no flow yet, both are
// done when one does, within AwaitedFor.
// Being told counts as a part of a state message
// (OpeningsPerState); where there is no room the packet is delivered all the same, and nothing is made.
//
// The cache may forget a flow at any time (least recently used first, when full), and a seed too: that costs a miss and nothing else.
package datapath

import (
	"context"
	"net/netip"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// MaxOutputs is how many outputs an installed flow may have. A flood to more is done packet by packet by Execute, which has no
// limit.
const MaxOutputs = 8

// MaxSeeds is how many seeds there may be. One more is refused.
const MaxSeeds = 4096

// StateTunnelKey is the tunnel key of what agents tell each other of connections. No port has it: such packets are handed to the
// agent of the host that they come to.
const StateTunnelKey = 1<<24 - 1

// Opening is the part of a tunnel key, beside that of the port, by which a packet says that its connection has been begun of a seed. It is
// for hosts that know it (topology.Host.Openings); to others there is no port with such a key.
const Opening = 1 << 23

// OpeningsPerState is how many connections of other hosts an agent may be told of in the place of one state message, which tells of many.
const OpeningsPerState = 8

// AwaitedFor is how long an answer to a connection of UDP that another host has begun is known to be one without the agent: as long as Linux keeps such
// a connection (nf_conntrack_udp_timeout). MaxAwaited is how many are; those that have waited longest are forgotten first, which costs a miss.
const (
	AwaitedFor = 30 * time.Second
	MaxAwaited = 1 << 14
)

// OriginTunnelKey is the tunnel key of packets that say so of a connection whose source is translated: behind the frame is what it was before (60
// octets: struct origin of ebpf/bpf/types.h), and the tunnel key of the port. It is for hosts that know it (topology.Host.Origins).
const OriginTunnelKey = StateTunnelKey - 1

// MaxTunnelKey is the largest tunnel key that a port can have; VXLAN's network identifier has 24 bits (RFC 7348).
const MaxTunnelKey = OriginTunnelKey&^Opening - 1

// Port is an interface of this host plugged into a virtual port.
type Port struct {
	ID        topology.PortID
	Interface string // name in the agent's network namespace
	TunnelKey uint32 // packets from other hosts with this key are delivered to the interface; 0: none are
	// Watched asks for delivery through the interface itself, where packet sockets see what is sent to the port, rather than past it.
	Watched bool
}

// Packet is a frame and what to do with it.
type Packet struct {
	// InPort is the port that the frame entered at; the zero ID for a frame that the agent made itself.
	InPort  topology.PortID
	Frame   []byte // from the Ethernet header on, without FCS; checksums complete unless Offload says otherwise
	Offload Offload
	Actions flow.Actions
}

// Offload is what the sender left for later hardware to do with a missed packet; Execute passes it on.
type Offload struct {
	// ChecksumPartial: a checksum holds only the pseudo-header's sum. The octets from ChecksumStart on are still to be summed, and
	// the complement of that written ChecksumOffset behind ChecksumStart (16 in TCP, 6 in UDP). It need not be the outermost
	// transport header's: the sender may tunnel.
	ChecksumPartial bool
	ChecksumStart   uint16 // from the start of the frame
	ChecksumOffset  uint16
	// SegmentSize, where not 0, is the TCP or UDP payload size to cut the frame into.
	SegmentSize uint16
}

// Miss is a packet that the agent has to look at.
type Miss struct {
	InPort  topology.PortID
	Frame   []byte // valid until the next Receive
	Offload Offload
	// State says that another host's agent sent it with StateTunnelKey. InPort is then zero.
	State bool
	// Born, where not nil, says that this is no packet but a connection that the datapath has begun. Frame is then nil. It is good until
	// the next Receive.
	Born *Birth
}

// Birth is a connection that was begun of a seed. Its flows are in the cache when it is told of, unless they have been removed or forgotten
// since, or others had their keys.
type Birth struct {
	Seed uint64 // the Number of the seed; 0: another host has begun it, and its answer has been made no flow
	// First and Answer are the keys of its packets and of what answers them. That which is another host's business is the zero Key.
	First, Answer flow.Key
	// Port is what its source port has become, of a seed with ports.
	Port uint16
	// Origin is what it was where another host has begun it, if its source has been translated.
	Origin flow.Origin
}

// Opened reports whether it was another host that has begun the connection.
func (b *Birth) Opened() bool { return b.First.InPort.IsZero() }

// Entry is an installed flow as the datapath has it. The outputs may stand in another order than they were installed in, and
// those to other hosts have the zero Port: the datapath keeps their tunnel key alone. An MTU that no IP packet exceeds is 0.
type Entry struct {
	Key     flow.Key
	Actions flow.Actions
	Stats   flow.Stats
}

// Counters are totals since the datapath was made; they grow across restarts of the agent where the datapath outlives it.
type Counters struct {
	Hits          uint64 // packets forwarded or dropped by a flow
	Misses        uint64 // packets handed up
	MissesLost    uint64 // misses, and births, that found the queue full or the port over its rate or share
	Born          uint64 // connections that were begun of seeds here
	States        uint64 // packets with StateTunnelKey handed up, and connections of other hosts that the agent was told of
	StatesLost    uint64 // likewise, that found the queue full or were more than the agent takes
	TunnelUnknown uint64 // tunnelled packets whose key names no port here
	Errors        uint64 // packets, or copies of one, that an action failed for
}

// Datapath is a flow cache. All methods are safe for use by several goroutines, except Receive, which one goroutine calls.
type Datapath interface {
	// SetPort plugs the interface into the port, or changes its tunnel key, or whether it is watched. Packets flow from then on. The flows and seeds
	// that enter or leave by a port that was there may have gone afterwards, where packets are delivered to it in another way. An interface that
	// does not exist is an errs.NotFound; one that another port has, or such a tunnel key, is an errs.Conflict.
	SetPort(p Port) error
	// RemovePorts unplugs the ports and removes the flows that enter or leave by them, all in one pass over the flows, during which
	// the other methods go on working. Removing what is not there is no error.
	RemovePorts(ports ...topology.PortID) error
	// Ports returns what is plugged in, also by an earlier run of the agent.
	Ports() ([]Port, error)

	// Install adds or replaces flows, and seeds. A flow that names a port which is not plugged in here, or with more than MaxOutputs outputs,
	// is refused with an error, and the others are installed all the same. A packet whose TTL a flow would bring to 0, that is larger
	// than the flow's MTU, or that the flow cannot translate to the other family (Refuses), is a miss.
	Install(flows []flow.Flow) error
	// Remove deletes the flows with these keys; keys that are not there are no error.
	Remove(keys []flow.Key) error
	// Withdraw deletes the seeds of these kinds with these keys; those that are not there are no error. What a seed has made stays.
	Withdraw(seeds []flow.Flow) error
	// Entries calls fn for each flow, not for seeds, until it returns false. Flows that change meanwhile may be missed or seen twice.
	Entries(fn func(Entry) bool) error

	// Receive waits for misses and fills buf with at least one and as many as are there. It returns ctx's error when ctx ends.
	// Ports that make more misses than are taken share what is taken; a port that makes few loses none to them.
	Receive(ctx context.Context, buf []Miss) (int, error)
	// Attend promises that there is an agent for so long: until then connections get ports of seeds.
	Attend(time.Duration) error
	// Execute sends packets by their own actions, without a lookup. A packet that cannot be sent is counted in Errors; so is one
	// that its own actions do not fit. An output with StateTunnelKey leads to the other host's agent.
	Execute(packets []Packet) error

	// SetSource sets the underlay addresses that tunnelled packets are sent from; the kernel chooses for a family without one.
	SetSource(endpoints []netip.Addr) error

	Counters() (Counters, error)
	// Close releases the agent's hold. What is installed goes on forwarding in a datapath that outlives its agent.
	Close() error
}
