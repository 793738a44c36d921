// Package flow is the vocabulary of the flow cache: what identifies a flow, what is done with its packets, and the tags by which a
// change of the topology finds the flows that it touches.
//
// A flow is an answer that was computed once (package sim) and is given again to every packet with the same Key (package
// datapath). A Key is exact, so that the lookup is one hash probe whatever the topology is; or wide: it lacks ports, where the answer has
// nothing to do with them. Nothing else is matched by wildcard.
package flow

import (
	"net/netip"
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Key is what a packet is recognised by: where it came in and the header fields below. Fields that a packet does not have are
// zero. Two packets with equal keys get equal treatment, so everything that a simulation may look at is here, or the simulation
// says that its answer is for one packet only.
type Key struct {
	InPort    topology.PortID
	SrcMAC    mac.Addr
	DstMAC    mac.Addr
	EtherType uint16     // of the innermost tag's payload, host order
	VLAN      uint16     // 802.1Q TCI's VLAN id with bit 12 set when a tag is present; 0 without a tag
	SrcIP     netip.Addr // IPv4 or IPv6, by EtherType; the zero Addr for other frames. ARP is never cached.
	DstIP     netip.Addr
	Proto     uint8 // IPv4 protocol or the IPv6 upper-layer protocol
	Fragment  uint8 // one of the Fragment constants
	TOS       uint8 // IPv4 TOS or IPv6 traffic class
	// SrcPort and DstPort are those of TCP, UDP and SCTP; for ICMP and ICMPv6 SrcPort is the type and DstPort the code, or of echo
	// the identifier. 0 for later fragments.
	SrcPort uint16
	DstPort uint16
	// Any says which of the two are of no consequence, and 0: the key is a wide one (Wide).
	Any Ports
}

// Fragment values: whether a packet is part of a larger one (the MidoNet rule condition fragment_policy tells these apart).
const (
	Unfragmented  = packet.Unfragmented
	FragmentFirst = packet.FragmentFirst // has the transport header
	FragmentLater = packet.FragmentLater // has none
)

// Fields says which of a Rewrite's fields are written.
type Fields uint16

// The fields that a flow can rewrite.
const (
	FieldSrcMAC Fields = 1 << iota
	FieldDstMAC
	FieldSrcIP
	FieldDstIP
	FieldSrcPort
	FieldDstPort
	FieldTOS
	FieldTTL // decrement the TTL or hop limit
	FieldEchoID
	// FieldFamily: the packet becomes one of the other family, IPv4 or IPv6, which SrcIP and DstIP are of and which are both written: RFC
	// 7915, by an exchange of the network header. A packet for which that is not enough (packet.Packet.Plain) is a miss.
	FieldFamily
)

// Rewrite is the change that a flow makes to the headers; checksums follow.
type Rewrite struct {
	Fields           Fields
	SrcMAC, DstMAC   mac.Addr
	SrcIP, DstIP     netip.Addr // same family as the packet's, but with FieldFamily
	SrcPort, DstPort uint16
	EchoID           uint16 // of ICMP echo and its reply
	TOS              uint8
	Hops             uint8 // how much is taken from the TTL: the routers on the way; a packet with no more than that is a miss
}

// Of returns the header that the change makes of h; false where the other family has none like it.
func (r *Rewrite) Of(h packet.Header) (packet.Header, bool) {
	ok := true
	if r.Fields&FieldFamily != 0 {
		h, ok = h.In(r.SrcIP, r.DstIP)
	}
	write(r, FieldSrcMAC, &h.SrcMAC, r.SrcMAC)
	write(r, FieldDstMAC, &h.DstMAC, r.DstMAC)
	write(r, FieldSrcIP, &h.SrcIP, r.SrcIP)
	write(r, FieldDstIP, &h.DstIP, r.DstIP)
	write(r, FieldSrcPort, &h.SrcPort, r.SrcPort)
	write(r, FieldDstPort, &h.DstPort, r.DstPort)
	write(r, FieldEchoID, &h.DstPort, r.EchoID)
	write(r, FieldTOS, &h.TOS, r.TOS)
	write(r, FieldTTL, &h.TTL, h.TTL-r.Hops)
	return h, ok
}

func write[T any](r *Rewrite, field Fields, to *T, value T) {
	if r.Fields&field != 0 {
		*to = value
	}
}

// Output is one place that the packet goes to: a port of this host, or a port of another one through the tunnel.
type Output struct {
	// Port is the egress port, for people and for local delivery.
	Port topology.PortID
	// Peer is the underlay address of the host that has the port; the zero Addr when this host has it.
	Peer netip.Addr
	// TunnelKey names the egress port on the wire; 0 for local delivery.
	TunnelKey uint32
}

// Local reports whether the output is a port of this host.
func (o Output) Local() bool { return !o.Peer.IsValid() }

// Actions is what is done with each packet of a flow: rewrite, then send to every output. No outputs means drop.
type Actions struct {
	Rewrite Rewrite
	Outputs []Output
	// MTU, where not 0, is the largest IP packet, in octets, that the way can carry. A larger one (of one that is to be cut into
	// segments, a larger segment) is a miss, so that its sender can be told.
	MTU int
}

// Drop reports whether the packet goes nowhere.
func (a Actions) Drop() bool { return len(a.Outputs) == 0 }

// Flow is an entry of the cache.
type Flow struct {
	Key     Key
	Actions Actions
	// Seed, where not nil, says that the datapath is to make flows of this one, which is none itself.
	Seed *Seed
	Tags []Tag
	// Idle is how long the flow may stay unused. MidoNet's values are 60 s for plain flows and drops.
	Idle time.Duration
	// Hard, where positive, is how long it may stay at all, used or not (5 s for an error drop: the cause may have gone).
	Hard time.Duration
}

// Stats is what the datapath counted of a flow.
type Stats struct {
	Packets  uint64
	Bytes    uint64
	LastUsed time.Duration // before now
}
