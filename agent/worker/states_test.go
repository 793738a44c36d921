package worker

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// answersOnly has a client on h1 and a server on h2 that may send nothing but answers.
const answersOnly = `
host h1 192.0.2.1
host h2 192.0.2.2
bridge blue
port vm1 blue key 11 source 02:00:00:00:00:01@10.0.0.3 egress all ingress none
port vm2 blue key 12 source 02:00:00:00:00:02@10.0.0.4 egress none ingress all
bind vm1 h1 tap0
bind vm2 h2 tap0
mac blue 02:00:00:00:00:01 vm1
mac blue 02:00:00:00:00:02 vm2
chain all accept ip4
chain none
`

// connection is one of vm1 with vm2, and what h1 tells h2 of it.
type connection struct {
	answer []byte
	told   [][]byte
	heard  bool
}

// opens has h1 serve the first packet of the n-th connection.
func (b *rig) opens(t *rapid.T, n int) *connection {
	h := packet.Header{SrcMAC: mac.MustParse("02:00:00:00:00:01"), DstMAC: mac.MustParse("02:00:00:00:00:02"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("10.0.0.4"), Proto: packet.ProtoTCP, SrcPort: uint16(1025 + n), DstPort: 80, TTL: 64}
	b.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)}})
	c := &connection{}
	for i, p := range b.sent() {
		if state := p.Actions.Outputs[0].TunnelKey == datapath.StateTunnelKey; state {
			c.told = append(c.told, p.Frame)
		} else if i == 0 {
			t.Fatal("the packet leaves before the word of it")
		}
	}
	if len(c.told) == 0 {
		t.Fatal("h2 is told nothing")
	}
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort
	c.answer = h.Frame(nil)
	return c
}

// answers reports whether the server's answer leaves h2: by a flow that is there, or as a miss.
func (b *rig) answers(c *connection) bool {
	in := viewtest.ID[topology.Port]("vm2")
	var p packet.Packet
	if err := packet.Parse(c.answer, &p); err != nil {
		b.t.Fatal(err)
	}
	if e, ok := b.datapath.flows[flow.KeyOf(&p, in)]; ok {
		return !e.Actions.Drop()
	}
	b.sent()
	b.serve([]datapath.Miss{{InPort: in, Frame: c.answer}})
	return len(b.sent()) > 0
}

// TestStateMessagesInAnyOrder: what h1 tells of connections comes to h2 late, twice and in any order, between answers. An answer passes as
// soon as its connection was heard of, whatever was decided about it before, and from then on. The hosts' clocks are years apart.
func TestStateMessagesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h1, h2 := newTextRig(t, 256, answersOnly), newTextRigOf(t, "h2", "192.0.2.2", 256, answersOnly)
		h2.clock.advance(time.Duration(rapid.IntRange(-20, 20).Draw(rt, "years")) * 365 * 24 * time.Hour)
		var connections []*connection
		type event struct{ connection, message int } // message -1: an answer
		var events []event
		for n := range rapid.IntRange(1, 5).Draw(rt, "connections") {
			c := h1.opens(rt, n)
			connections = append(connections, c)
			for m := range c.told {
				for range rapid.IntRange(1, 3).Draw(rt, "copies") {
					events = append(events, event{n, m})
				}
			}
			for range rapid.IntRange(0, 3).Draw(rt, "answers") {
				events = append(events, event{n, -1})
			}
		}
		for _, e := range rapid.Permutation(events).Draw(rt, "order") {
			c := connections[e.connection]
			switch {
			case e.message >= 0:
				h2.serve([]datapath.Miss{{State: true, Frame: c.told[e.message]}})
				c.heard = true
			case h2.answers(c) != c.heard:
				rt.Fatalf("an answer of connection %d passes %v, and it was heard of %v", e.connection, !c.heard, c.heard)
			}
		}
		for n, c := range connections {
			if !h2.answers(c) {
				rt.Errorf("answers of connection %d do not pass in the end", n)
			}
		}
	})
}

// TestAnswersThatCameTooSoon: what is dropped because nobody asked for it passes as soon as somebody has, on the same host as well.
func TestAnswersThatCameTooSoon(t *testing.T) {
	oneHost := strings.Replace(answersOnly, "bind vm2 h2 tap0", "bind vm2 h1 tap1", 1)
	h := packet.Header{SrcMAC: mac.MustParse("02:00:00:00:00:01"), DstMAC: mac.MustParse("02:00:00:00:00:02"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("10.0.0.4"), Proto: packet.ProtoUDP, SrcPort: 1025, DstPort: 80, TTL: 64}
	question := datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)}
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort
	answer := datapath.Miss{InPort: viewtest.ID[topology.Port]("vm2"), Frame: h.Frame(nil)}
	c := &connection{answer: answer.Frame}
	for name, batches := range map[string][][]datapath.Miss{"one after the other": {{answer}, {question}}, "in one batch": {{answer, question}}} {
		r := newTextRig(t, 256, oneHost)
		for _, batch := range batches {
			r.serve(batch)
		}
		sent := r.sent()
		if len(sent) != 1 || sent[0].InPort != question.InPort {
			t.Errorf("%s: %d packets were sent on, want the question: nobody has asked when the answer comes", name, len(sent))
		}
		if !r.answers(c) {
			t.Errorf("%s: somebody has asked, and the answer does not pass", name)
		}
		if got, installed := r.flows.len(), len(r.datapath.keys()); got != 2 || installed != 2 {
			t.Errorf("%s: %d flows are recorded and %d installed, want the question's and the answer's", name, got, installed)
		}
	}
}
