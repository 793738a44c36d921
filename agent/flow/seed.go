package flow

import "midonet.org/midonet/agent/packet"

// Seed is what a datapath makes the two flows of a connection of, without asking anybody. A Flow that has one has a wide key; it is for no
// packet but those with that key that can be a connection's first (Opens). Such a packet and those that follow it get a flow with their own
// key and the Flow's Actions, and what answers them one that is described here.
type Seed struct {
	// Number tells the seed from all others that the key has had and will have.
	Number uint64
	// Answer is the key of what answers. It lacks the ports in Any: those are the first packet's, exchanged.
	Answer Key
	// Answers is what is done with answers.
	Answers Actions
}

// AnswerTo returns the key of what answers the packets with the key.
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
