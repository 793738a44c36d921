package flow

import (
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

// Seed is what a datapath makes the flows of a connection of, without asking anybody. A Flow that has one has a wide key, and its Actions are
// those of the flows that are made, each of which has a key of its own.
type Seed struct {
	// Number, which is not 0, tells the seed from all others that the key has had and will have.
	Number uint64
	Kind   SeedKind
	// Answer is, of a seed that Joins, the key of what answers. It lacks the ports in Any: those are the first packet's, exchanged.
	Answer Key
	// Answers is what is done with answers; of a seed that Joins.
	Answers Actions
}

// SeedKind says which flows are made of a seed, and when.
type SeedKind uint8

const (
	// Joins is for connections between two ports of the host: a packet with the seed's key that can be a connection's first (Opens) has
	// a flow made for it and those that follow, and one for what answers.
	Joins SeedKind = iota
	// Leaves is for connections to another host, where the Actions' one output leads to: the same without a flow for what answers. The
	// first packet tells that host of the connection.
	Leaves
	// Answers is for TCP connections from other hosts: when one tells of a connection whose answers have the seed's key, a flow is made
	// for them.
	Answers
)

// AnswerTo returns, of a seed that Joins, the key of what answers the packets with the key.
func (s *Seed) AnswerTo(first Key) Key {
	k := s.Answer
	if k.Any = 0; s.Answer.Any&SrcPort != 0 {
		k.SrcPort = first.DstPort
	}
	if s.Answer.Any&DstPort != 0 {
		k.DstPort = first.SrcPort
	}
	return k
}

// AnswerKey returns the key of what answers the packet with the header as it comes out at the port, where nobody rewrites either.
func AnswerKey(out packet.Header, at topology.PortID) Key {
	return KeyOf(&packet.Packet{Header: out}, at).Reversed(at)
}

// Reversed returns the key of what answers the packets with the key where nobody rewrites either, if it enters at the port.
func (k Key) Reversed(in topology.PortID) Key {
	k.InPort, k.SrcMAC, k.DstMAC, k.SrcIP, k.DstIP, k.SrcPort, k.DstPort = in, k.DstMAC, k.SrcMAC, k.DstIP, k.SrcIP, k.DstPort, k.SrcPort
	return k
}

// Exchanged returns the ports of an answer that those of the packet become.
func (p Ports) Exchanged() Ports {
	return p&SrcPort<<1 | p&DstPort>>1
}

// Opens reports whether the packet can be the first of a connection that is made of a seed: it asks for one of TCP, or it is of UDP, which
// does not tell.
func Opens(p *packet.Packet) bool {
	switch p.Proto {
	case packet.ProtoTCP:
		return p.OpensTCP()
	case packet.ProtoUDP:
		return p.Fragment == packet.Unfragmented && !isDHCP(p.SrcPort) && !isDHCP(p.DstPort)
	}
	return false
}
