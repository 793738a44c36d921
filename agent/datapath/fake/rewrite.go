package fake

import (
	"encoding/binary"
	"errors"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

var errNoSuchHeader = errors.New("the packet has not the header to be rewritten")

const macFields = flow.FieldSrcMAC | flow.FieldDstMAC

// rewrite changes p.Frame; the other fields of p stay as they were parsed.
func rewrite(p *packet.Packet, r *flow.Rewrite, o datapath.Offload) error {
	has := func(f flow.Fields) bool { return r.Fields&f != 0 }
	if has(^macFields) && !p.IsIP() || has(flow.FieldSrcPort|flow.FieldDstPort) && !portsCanChange(p) ||
		has(flow.FieldEchoID) && !p.IsEcho() {
		return errNoSuchHeader
	}
	h, ok := r.Of(p.Header)
	if !ok {
		return errNoSuchHeader
	}
	before := p.Frame
	p.Frame = p.With(h)
	if o.ChecksumPartial && int(o.ChecksumStart) == p.L4 {
		keepPartial(p, &h, before)
	}
	return nil
}

// portsCanChange is true of TCP and UDP alone: the kernel's datapath cannot update SCTP's CRC.
func portsCanChange(p *packet.Packet) bool {
	return p.Fragment != packet.FragmentLater && (p.Proto == packet.ProtoTCP || p.Proto == packet.ProtoUDP)
}

// keepPartial writes the transport checksum of a packet whose sender left it to hardware, from the frame as it was: it holds the sum of
// the pseudo-header, not complemented, which follows the addresses alone.
func keepPartial(p *packet.Packet, is *packet.Header, before []byte) {
	at, ok := map[uint8]int{packet.ProtoTCP: 16, packet.ProtoUDP: 6, packet.ProtoICMP: 2, packet.ProtoICMPv6: 2}[p.Proto]
	if !ok || p.Fragment == packet.FragmentLater {
		return
	}
	size := p.End - p.L4
	sum := uint64(binary.BigEndian.Uint16(before[p.L4+at:])) + uint64(^packet.PseudoSum(&p.Header, size)) + uint64(packet.PseudoSum(is, size))
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(p.Frame[len(p.Frame)-size+at:], uint16(sum))
}
