package worker

import (
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// newMetadataRig is a rig whose agent has a metadata service.
func newMetadataRig(t *testing.T, locals int) *rig {
	b := newRig(t, locals)
	b.cfg.Metadata, b.self.Metadata = "mn-metadata", true
	if err := b.SetUnderlay(b.self.Endpoints, 1500); err != nil {
		t.Fatal(err)
	}
	b.SetInterfaces(append(b.interfaces(), Interface{Index: 99, Interface: topology.Interface{Name: "mn-metadata", Up: true}}))
	b.Apply(b.network.snapshot())
	return b
}

// question is the first segment of a connection of the endpoint with the metadata service.
func question(from endpoint, port uint16) []byte {
	h := packet.Header{SrcMAC: from.mac, DstMAC: view.MetadataMAC, EtherType: packet.EtherTypeIPv4, SrcIP: from.addr,
		DstIP: topology.MetadataIPv4, Proto: packet.ProtoTCP, SrcPort: port, DstPort: topology.MetadataTCPPort, TTL: 64}
	return h.Frame(nil)
}

// TestMetadataFlows: a connection takes a flow each way, and the port that leads to the service is no port of the cloud.
func TestMetadataFlows(t *testing.T) {
	b := newMetadataRig(t, 1)
	w := b.local[0]
	b.miss(w, question(w, 1025))
	at := b.sent()
	if len(at) != 1 || at[0].Actions.Outputs[0].Port != view.MetadataPort {
		t.Fatalf("sent %+v, want one packet to the service", at)
	}
	h := packet.Header{SrcMAC: view.MetadataMAC, DstMAC: view.MetadataMAC, EtherType: packet.EtherTypeIPv4, SrcIP: at[0].Actions.Rewrite.DstIP,
		DstIP: w.addr, Proto: packet.ProtoTCP, SrcPort: topology.MetadataTCPPort, DstPort: 1025, TTL: 64}
	b.miss(endpoint{port: view.MetadataPort}, h.Frame(nil))
	back := b.sent()
	if len(back) != 1 || back[0].Actions.Outputs[0].Port != w.port || back[0].Actions.Rewrite.DstMAC != w.mac ||
		back[0].Actions.Rewrite.SrcIP != topology.MetadataIPv4 {
		t.Fatalf("sent %+v, want the answer to the workload", back)
	}
	if f := b.Facts(); !f.Metadata || len(f.Ports) != 1 {
		t.Errorf("reports %v and ports %v", f.Metadata, f.Ports)
	}
	checkFlows(t, b.Worker, b.datapath)
	b.SetInterfaces(b.interfaces()) // the cable is gone
	if keys := b.datapath.keys(); len(keys) != 1 || keys[0].InPort != view.MetadataPort {
		t.Errorf("flows to a cable that is gone: %v", keys) // those from it go with the port, which is the datapath's work
	}
}

// TestQuestionsAreBounded: a port that opens too many connections to the metadata service is let no more; others are, and so is the
// rest of what it sends.
func TestQuestionsAreBounded(t *testing.T) {
	b := newMetadataRig(t, 2)
	ask := func(from endpoint, port int) bool {
		b.sent()
		b.miss(from, question(from, uint16(port)))
		return len(b.sent()) == 1
	}
	let := 0
	for i := range 10 * questionRate {
		if ask(b.local[0], 1025+i) {
			let++
		}
	}
	if flows := len(b.datapath.keys()); flows != let {
		t.Errorf("%d connections by %d flows: what a flow lets through is not counted", let, flows)
	}
	if most := int(burst/time.Second)*questionRate + 1; let > most || let < most-2 {
		t.Errorf("%d connections at once, want about %d", let, most)
	}
	if b.counters.drops[dropQuestions].Load() != uint64(10*questionRate-let) {
		t.Errorf("counted %d, want the other %d", b.counters.drops[dropQuestions].Load(), 10*questionRate-let)
	}
	if !ask(b.local[1], 1025) {
		t.Error("another port may not ask")
	}
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
	if len(b.sent()) != 1 {
		t.Error("the port's other packets are not served any more")
	}
	b.clock.advance(time.Second)
	if !ask(b.local[0], 60000) {
		t.Error("after a second the port may still not ask")
	}
}

// TestViewIsPublished: what the metadata service looks its clients up in.
func TestViewIsPublished(t *testing.T) {
	b := newMetadataRig(t, 1)
	if p := b.View().MetadataClient(view.MetadataAddr(1, netip.IPv4Unspecified())); p == nil || p.ID != b.local[0].port {
		t.Errorf("behind the address of key 1 is %v", p)
	}
}
