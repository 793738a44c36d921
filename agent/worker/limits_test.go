package worker

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// narrowWay is a router between two networks, of which the second carries smaller packets.
const narrowWay = `
bridge blue
bridge green
port vm1 blue
port vm2 green
bind vm1 h1 tap0
bind vm2 h1 tap1
mac blue fa:16:3e:00:00:01 vm1
mac green fa:16:3e:00:00:02 vm2
neighbour green fd01::2 fa:16:3e:00:00:02 vm2
router r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 fd00::1/64 peer r1b mtu 1450
port r1g green peer r1-green device r1
rport r1-green r1 fa:16:3e:aa:00:02 fd01::1/64 peer r1g mtu 1300
mac blue fa:16:3e:aa:00:01 r1b
mac green fa:16:3e:aa:00:02 r1g
route r1 fd00::/64 port r1-blue
route r1 fd01::/64 port r1-green
`

// TestSizesInABatch: packets of one flow that come together, of which not all fit. What has been found for one that fits is not done to
// one that does not; a frame that hardware will cut is as large as its segments are.
func TestSizesInABatch(t *testing.T) {
	r := newTextRig(t, 64, narrowWay)
	tcp := func(size int, offload datapath.Offload) datapath.Miss {
		h := packet.Header{
			SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv6,
			SrcIP: netip.MustParseAddr("fd00::9"), DstIP: netip.MustParseAddr("fd01::2"), Proto: packet.ProtoTCP, SrcPort: 1025, DstPort: 80,
		}
		return datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(make([]byte, size-60)), Offload: offload}
	}
	segments := func(size uint16) datapath.Offload {
		return datapath.Offload{ChecksumPartial: true, ChecksumStart: 54, ChecksumOffset: 16, SegmentSize: size - 60}
	}
	for _, c := range []struct {
		what   string
		first  datapath.Miss
		second datapath.Miss
		tooBig bool
	}{
		{"as large as the way carries", tcp(60, datapath.Offload{}), tcp(1300, datapath.Offload{}), false},
		{"an octet larger", tcp(60, datapath.Offload{}), tcp(1301, datapath.Offload{}), true},
		{"segments as large as the way carries", tcp(60, datapath.Offload{}), tcp(9000, segments(1300)), false},
		{"segments an octet larger", tcp(60, datapath.Offload{}), tcp(9000, segments(1301)), true},
		{"segments alone", tcp(9000, segments(1300)), tcp(9000, segments(1300)), false},
	} {
		r.serve([]datapath.Miss{c.first, c.second})
		sent := r.sent()
		if len(sent) != 2 || sent[0].Offload != c.first.Offload {
			t.Fatalf("%s: %d packets were sent", c.what, len(sent))
		}
		if told := isTooBig(t, sent[1].Frame, 1300); told != c.tooBig {
			t.Errorf("%s: the sender is told so: %v, want %v", c.what, told, c.tooBig)
		}
	}
	if n := len(r.datapath.keys()); n != 1 {
		t.Errorf("%d flows, want the one of what fits", n)
	}
}

// isTooBig reports whether the frame is an ICMPv6 "packet too big" with this MTU.
func isTooBig(t *testing.T, frame []byte, mtu uint32) bool {
	t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		t.Fatal(err)
	}
	return p.Proto == packet.ProtoICMPv6 && p.SrcPort == packet.ICMPv6TooBig && binary.BigEndian.Uint32(p.Frame[p.L4+4:]) == mtu
}

// TestExpiredPacketsLeaveNoFlow: that one packet's TTL is over says nothing of the next one's, also where nobody may be told.
func TestExpiredPacketsLeaveNoFlow(t *testing.T) {
	r := newTextRig(t, 64, narrowWay)
	h := packet.Header{
		SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv6,
		SrcIP: netip.MustParseAddr("fd00::9"), DstIP: netip.MustParseAddr("fd01::2"), Proto: packet.ProtoUDP, Fragment: packet.FragmentLater, TTL: 1,
	}
	r.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(make([]byte, 64))}})
	if n := len(r.datapath.keys()); n != 0 {
		t.Errorf("%d flows: later fragments are dropped for what was wrong with one", n)
	}
}
