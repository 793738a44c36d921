package datapath

import (
	"bytes"
	"encoding/binary"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// Segment returns the octets of the largest IP packet that the parsed frame is to be cut into; 0 where it is one packet.
func (o Offload) Segment(p *packet.Packet) int {
	const tcpDataOffset, udpLen = 12, 8
	if o.SegmentSize == 0 || !p.IsIP() {
		return 0
	}
	l4, header := int(o.ChecksumStart), udpLen // the innermost headers, where the sender tunnels
	if at := l4 + tcpDataOffset; o.ChecksumOffset == tcpChecksum && at < len(p.Frame) {
		header = int(p.Frame[at]>>4) * 4
	}
	return min(len(p.Frame)-p.L3, l4-p.L3+header+int(o.SegmentSize))
}

// Complete returns a copy of the frame in which the checksum that was left to hardware is written, and what is left then.
func (o Offload) Complete(frame []byte) ([]byte, Offload) {
	b := bytes.Clone(frame)
	start, at := int(o.ChecksumStart), int(o.ChecksumStart)+int(o.ChecksumOffset)
	if !o.ChecksumPartial || at+2 > len(b) {
		return b, o
	}
	c := packet.Checksum(b[start:])
	if c == 0 && o.ChecksumOffset == udpChecksum {
		c = 0xffff // 0 would say that there is none (RFC 768)
	}
	binary.BigEndian.PutUint16(b[at:], c)
	return b, Offload{SegmentSize: o.SegmentSize}
}

// Where TCP and UDP have their checksums.
const tcpChecksum, udpChecksum = 16, 6

// Refuses reports whether the actions do not fit the packet, so that it is a miss: they would bring its TTL to 0, they translate it to
// the other family and its network header is not all that changes, or it, or a segment of it, is larger than their MTU.
func Refuses(a *flow.Actions, p *packet.Packet, o Offload) bool {
	if !p.IsIP() {
		return false
	}
	size := len(p.Frame) - p.L3
	if segment := o.Segment(p); segment > 0 {
		size = segment
	}
	return a.Rewrite.Fields&flow.FieldTTL != 0 && p.TTL <= a.Rewrite.Hops || a.Rewrite.Fields&flow.FieldFamily != 0 && !p.Plain() ||
		a.MTU > 0 && size > a.MTU
}
