package flow

import (
	"net/netip"

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
	// Ports, where there are any, MaxSeedPorts at most, are what the source ports of connections become, of a seed that Joins or Leaves and has
	// SrcPort in Any: where the Actions write SrcPort each connection gets one of these in its place. Those that come from one source port have the
	// same one, and no others have it. Answers come to it, and where Answers write DstPort it is the connection's own source port that they get.
	// When all are given, connections from other ports are none that the datapath begins.
	Ports []uint16
	// Router, where it is not zero, is the one that translates sources, of a seed that Leaves: first packets tell the other host their Origin, which
	// is Tracked where the seed is.
	Router  topology.RouterID
	Tracked bool
	// Behind, where it is valid, is the source that connections had in their Origin, of a seed of Answers to such. It is as good as a part of the
	// key. Where the Actions write DstPort it is the Origin's source port that answers get.
	Behind netip.Addr
}

// Origin is what a connection was where it began, whose source is translated.
type Origin struct {
	Router   topology.RouterID // which has translated the source, and done so first of all that is translated
	Src, Dst netip.AddrPort
	// Tracked says that its answers are to be let in where they enter, beside that they are translated.
	Tracked bool
}

// MaxSeedPorts is how many ports a seed may have.
const MaxSeedPorts = 64

// SeedKind says which flows are made of a seed, and when.
type SeedKind uint8

const (
	// Joins is for connections between two ports of the host: a packet with the seed's key that can be a connection's first (Opens) has
	// a flow made for it and those that follow, and one for what answers.
	Joins SeedKind = iota
	// Leaves is for connections to another host, where the Actions' one output leads to: the same without a flow for what answers. The
	// first packet tells that host of the connection.
	Leaves
	// Answers is for connections from other hosts: when one tells of a connection whose answers have the seed's key, a flow is made for them; of
	// UDP when there is an answer.
	Answers
)

// Given returns, of a seed that Joins, the Actions for a connection's packets with the key, the key of what answers it, and the actions for that; of
// one that Leaves the first. Of a seed with Ports the connection has got the port.
func (f *Flow) Given(first Key, port uint16) (Actions, Key, Actions) {
	actions, answer, answers := f.Actions, f.Seed.AnswerTo(first), f.Seed.Answers
	if len(f.Seed.Ports) > 0 {
		answer.DstPort = port
		give(&actions.Rewrite, FieldSrcPort, &actions.Rewrite.SrcPort, port, first.SrcPort)
		give(&answers.Rewrite, FieldDstPort, &answers.Rewrite.DstPort, first.SrcPort, port)
	}
	return actions, answer, answers
}

// GivenBack returns, of a seed of Answers, the Actions for the answers with the key to a connection of the origin.
func (f *Flow) GivenBack(answer Key, to Origin) Actions {
	a := f.Actions
	if f.Seed.Behind.IsValid() {
		give(&a.Rewrite, FieldDstPort, &a.Rewrite.DstPort, to.Src.Port(), answer.DstPort)
	}
	return a
}

// give has packets get a port. That which they have need not be written.
func give(r *Rewrite, field Fields, at *uint16, port, has uint16) {
	if *at = port; port == has {
		r.Fields, *at = r.Fields&^field, 0
	}
}

// AnswerTo returns, of a seed that Joins and has no Ports, the key of what answers the packets with the key.
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
