package sim

import (
	"net/netip"
	"os"
	"testing"

	"golang.org/x/tools/txtar"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

// memory is a State that remembers what walks ask for.
type memory struct {
	states map[flow.StateKey]flow.StateValue
	first  uint16 // by how much more than the first port that may be given FreePort gives
}

// FreePort gives any port.
func (m *memory) FreePort(_ topology.RouterID, _ netip.Addr, first, _ uint16, _ flow.Conn) (uint16, bool) {
	return first + m.first, true
}

func (m *memory) Value(k flow.StateKey) (flow.StateValue, bool) {
	v, ok := m.states[k]
	return v, ok
}

// lab sends packets through the network of a script, in which everything is plugged into one host.
type lab struct {
	t     *testing.T
	view  *view.View
	state *memory
}

func newLab(t *testing.T) *lab {
	t.Helper()
	return labOf(t, "testdata/nat.txtar", "bind vm3 h1 tap3\nbind up h1 eth1")
}

// labOf is the network of the script with more objects.
func labOf(t *testing.T, script, more string) *lab {
	t.Helper()
	data, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	v := viewtest.View(string(txtar.Parse(data).Files[0].Data))
	v, _ = v.Apply(view.Delta{Puts: viewtest.MustParse(more)})
	return &lab{t, v, &memory{states: make(map[flow.StateKey]flow.StateValue)}}
}

// send sends a frame into a port and returns the one frame that comes out, and where.
func (l *lab) send(port string, frame []byte) (string, *packet.Packet) {
	l.t.Helper()
	r := Simulate(l.view, Input{InPort: viewtest.ID[topology.Port](port), Frame: frame, State: l.state})
	for _, s := range r.State {
		l.state.states[s.Key] = s.Value
	}
	out, sent := r.Actions.Outputs, frame
	if len(out) > 0 {
		var p packet.Packet
		if err := packet.Parse(frame, &p); err != nil {
			l.t.Fatal(err)
		}
		is, _ := r.Actions.Rewrite.Of(p.Header)
		sent = p.With(is)
	} else if len(r.Emit) == 1 {
		out, sent = r.Emit[0].Outputs, r.Emit[0].Frame
	}
	if len(out) != 1 {
		return r.Verdict.String(), nil
	}
	var p packet.Packet
	if err := packet.Parse(sent, &p); err != nil {
		l.t.Fatal(err)
	}
	return l.view.Port(out[0].Port).Name, &p
}

// answerTo returns the frame with which whoever got p answers it.
func answerTo(p *packet.Packet) []byte {
	if p.IsEcho() {
		return p.EchoReply()
	}
	h := p.Header
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = p.DstMAC, p.SrcMAC, p.DstIP, p.SrcIP, p.DstPort, p.SrcPort
	h.TTL = 64
	return h.Frame(nil)
}

// TestAnswersComeBack sends the first packet of a connection and its answer: the answer reaches the sender from whom the packet was for,
// whatever was translated on the way, and is let in by the security groups.
func TestAnswersComeBack(t *testing.T) {
	for _, c := range []struct{ name, from, packet, to, as string }{
		{"routed", "vm1", "tcp 10.0.0.3:1025 > 10.0.1.3:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01", "vm3", "10.0.0.3"},
		{"floating address out", "vm1", "tcp 10.0.0.3:1025 > 198.51.100.7:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01", "up", "203.0.113.9"},
		{"floating address in", "up", "tcp 198.51.100.7:1025 > 203.0.113.9:80 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03", "vm1", "198.51.100.7"},
		{"source NAT", "vm2", "tcp 10.0.0.4:1025 > 198.51.100.7:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "up", "203.0.113.5"},
		{"source NAT behind a security group", "vm3", "udp 10.0.1.3:1025 > 198.51.100.7:53 smac fa:16:3e:00:00:03 dmac fa:16:3e:aa:00:02", "up", "203.0.113.5"},
		{"source NAT of an echo", "vm2", "icmp 10.0.0.4 > 198.51.100.7 id 77 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "up", "203.0.113.5"},
		{"source NAT of SCTP", "vm2", "sctp 10.0.0.4:5 > 198.51.100.7:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "up", "203.0.113.5"},
		{"east-west by a floating address", "vm2", "tcp 10.0.0.4:1025 > 203.0.113.9:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "vm1", "203.0.113.5"},
		{"one's own floating address", "vm1", "tcp 10.0.0.3:1025 > 203.0.113.9:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01", "vm1", "203.0.113.9"},
		{"forwarded port", "up", "tcp 198.51.100.7:1025 > 203.0.113.5:8080 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03", "vm3", "198.51.100.7"},
		{"forwarded port from inside", "vm2", "tcp 10.0.0.4:1025 > 203.0.113.5:8080 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "vm3", "203.0.113.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			var first packet.Packet
			if err := packet.Parse(frameOf(t, c.packet), &first); err != nil {
				t.Fatal(err)
			}
			at, got := l.send(c.from, first.Frame)
			if got == nil || at != c.to || got.SrcIP != netip.MustParseAddr(c.as) {
				t.Fatalf("it comes out at %s: %+v; want it at %s from %s", at, got, c.to, c.as)
			}
			at, back := l.send(c.to, answerTo(got))
			if back == nil || at != c.from || back.SrcIP != first.DstIP || back.DstIP != first.SrcIP || back.DstMAC != first.SrcMAC {
				t.Fatalf("the answer comes out at %s: %+v", at, back)
			}
			if first.IsEcho() && back.DstPort != first.DstPort || !first.IsEcho() && (back.SrcPort != first.DstPort || back.DstPort != first.SrcPort) {
				t.Errorf("the answer has ports %d and %d", back.SrcPort, back.DstPort)
			}
		})
	}
}

// TestErrorsComeBack lets a station outside answer with an ICMP error: it reaches the sender, about the packet that the sender knows.
func TestErrorsComeBack(t *testing.T) {
	for name, text := range map[string]string{
		"floating address": "vm1 udp 10.0.0.3:1025 > 198.51.100.7:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"source NAT":       "vm2 udp 10.0.0.4:1025 > 198.51.100.7:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"echo":             "vm2 icmp 10.0.0.4 > 198.51.100.7 id 77 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			var first packet.Packet
			if err := packet.Parse(frameOf(t, text[4:]), &first); err != nil {
				t.Fatal(err)
			}
			_, got := l.send(text[:3], first.Frame)
			if got == nil {
				t.Fatal("it does not come out")
			}
			e := packet.Header{SrcMAC: got.DstMAC, DstMAC: got.SrcMAC, SrcIP: netip.MustParseAddr("192.0.2.77"), DstIP: got.SrcIP,
				SrcPort: packet.ICMPUnreachable, DstPort: 1}
			at, back := l.send("up", e.Error(0, got.Frame[got.L3:got.End]))
			if back == nil || at != text[:3] || back.DstIP != first.SrcIP {
				t.Fatalf("the error comes out at %s: %+v", at, back)
			}
			q, ok := back.Quoted()
			want := flow.ConnOf(&first.Header)
			if c, _ := connOf(&q); !ok || c != want {
				t.Errorf("it is about %v, want %v", c, want)
			}
			if packet.Checksum(back.Frame[back.L4:back.End]) != 0 || packet.Checksum(back.Frame[back.L3:back.L4]) != 0 {
				t.Error("its checksums are wrong")
			}
		})
	}
}

// TestEchoRequestIsNoAnswer: whoever is pinged may not ping back for that, under the identifier of the echo that it got.
func TestEchoRequestIsNoAnswer(t *testing.T) {
	l := newLab(t)
	_, got := l.send("vm2", frameOf(t, "icmp 10.0.0.4 > 198.51.100.7 id 77 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01"))
	if got == nil || got.SrcIP != netip.MustParseAddr("203.0.113.5") {
		t.Fatalf("the echo request comes out as %+v", got)
	}
	back := got.Header
	back.SrcMAC, back.DstMAC, back.SrcIP, back.DstIP = got.DstMAC, got.SrcMAC, got.DstIP, got.SrcIP
	if at, answer := l.send("up", back.Frame(nil)); at != "up" || answer == nil || answer.SrcIP != back.DstIP {
		t.Errorf("an echo request to the gateway comes out at %s: %+v; want the router's own answer", at, answer)
	}
	if at, answer := l.send("up", answerTo(got)); at != "vm2" || answer.DstPort != 77 {
		t.Errorf("the answer comes out at %s: %+v", at, answer)
	}
}
