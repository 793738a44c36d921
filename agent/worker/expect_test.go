package worker

import (
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// TestAnswersAreExpected opens a connection through two routers, with source NAT and a floating address, to a workload of the same host,
// and looks for what that one answers among the flows. What the network makes of the answer then is what the flow already does.
func TestAnswersAreExpected(t *testing.T) {
	r := newTextRig(t, 64, strings.Replace(twoRouters, "bind vm3 h2 tap0", "bind vm3 h1 tap1", 1)+"block r1 203.0.113.5 1024 h1\n")
	r.serve(firstPackets(1))
	first := r.sent()
	if len(first) != 1 {
		t.Fatalf("%d packets sent, want the first of the connection", len(first))
	}
	h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:03"), DstMAC: first[0].Actions.Rewrite.SrcMAC, EtherType: packet.EtherTypeIPv4,
		SrcIP: first[0].Actions.Rewrite.DstIP, DstIP: first[0].Actions.Rewrite.SrcIP, Proto: packet.ProtoTCP,
		SrcPort: 80, DstPort: first[0].Actions.Rewrite.SrcPort, TTL: 64}
	answer := datapath.Miss{InPort: viewtest.ID[topology.Port]("vm3"), Frame: h.Frame(nil)}
	var p packet.Packet
	if err := packet.Parse(answer.Frame, &p); err != nil {
		t.Fatal(err)
	}
	key := flow.KeyOf(&p, answer.InPort)
	if keys := r.datapath.keys(); len(keys) != 2 || !slices.Contains(keys, key) {
		t.Fatalf("the flows are of %v, want the first packet's and %s", keys, key)
	}
	expected, tags := r.datapath.flows[key].Actions, r.flows.tagsOf(key)
	r.invalidate([]flow.Tag{portTag(viewtest.ID[topology.Port]("vm1"))})
	if n := r.flows.len(); n != 0 {
		t.Errorf("%d flows outlive a change of the port that both lead by", n)
	}
	r.serve([]datapath.Miss{answer})
	if got := r.datapath.flows[key].Actions; !equal(got, expected) || got.MTU != expected.MTU {
		t.Errorf("the answer's flow does\n%v, and was expected to do\n%v", got, expected)
	}
	for _, tag := range r.flows.tagsOf(key) {
		if !slices.Contains(tags, tag) {
			t.Errorf("the expected flow lacks the tag %v", tag)
		}
	}
}

// TestWhatMayNotComeIsNotExpected: only a connection that is opened has an answer that the flow for it is sure to be used by, and a
// station that is not known yet shows itself by its packets.
func TestWhatMayNotComeIsNotExpected(t *testing.T) {
	r := newRig(t, 2)
	r.Apply(r.network.snapshot())
	a, b := r.local[0], r.local[1]
	r.miss(a, udp(a, b, 1))
	if n := r.flows.len(); n != 1 {
		t.Errorf("%d flows for a datagram, want its own", n)
	}
	h := packet.Header{SrcMAC: a.mac, DstMAC: mac.MustParse("02:00:00:00:00:99"), EtherType: packet.EtherTypeIPv4,
		SrcIP: a.addr, DstIP: b.addr, Proto: packet.ProtoTCP, SrcPort: 1025, DstPort: 80, TTL: 64}
	r.miss(a, h.Frame(nil)) // to a station that nobody knows: flooded, of two ports to the other one
	if n := r.flows.len(); n != 2 {
		t.Errorf("%d flows with a flooded connection's, want one for each packet: who answers is to be learned", n)
	}
}
