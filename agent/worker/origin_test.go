package worker

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
)

// wayOutWorld is natWorld on two hosts: the way out is on the second.
var wayOutWorld = strings.NewReplacer(
	"host h1 192.0.2.1", "host h1 192.0.2.1 openings origins\nhost h2 192.0.2.2 openings origins",
	"port vm1 blue", "port vm1 blue key 11", "port vm2 blue", "port vm2 blue key 13", "port out ext", "port out ext key 12",
	"bind vm2 h1 tap1\n", "", "bind out h1 tap2", "bind out h2 tap0",
).Replace(natWorld)

// asks opens a connection of vm1 to the server, or sends one of its packets, and returns what comes out of h2; nil where nothing does.
func asks(s [2]*side, proto uint8, src uint16, asked bool) []byte {
	s[0].far.Send(going(proto, 1, src, 80))
	if asked {
		s[0].catchUp()
		s[1].catchUp()
	}
	return s[1].far.Receive(0)
}

// isAnswered has the server answer the packet, and reports whether that comes to who has asked from the port.
func isAnswered(s [2]*side, frame []byte, src uint16, asked bool) bool {
	s[0].t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil || p.SrcIP != public {
		s[0].t.Fatalf("%x comes out: %v", frame, err)
	}
	h := p.Header
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort, h.TTL = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort, 64
	s[1].far.Send(h.Frame(nil))
	if asked {
		s[1].catchUp()
		s[0].catchUp()
	}
	back := s[0].far.Receive(0)
	if back == nil {
		return false
	}
	if err := packet.Parse(back, &p); err != nil || p.DstIP != netip.MustParseAddr("10.0.0.3") || p.DstPort != src || p.SrcIP != server {
		s[0].t.Fatalf("the answer comes back to %v", &p.Header)
	}
	return true
}

// goesOut opens connections of vm1 to the server, so many from the port on, and has them answered.
func goesOut(t *testing.T, s [2]*side, proto uint8, src, connections uint16, asked bool) {
	t.Helper()
	for n := src; n < src+connections; n++ {
		if out := asks(s, proto, n, asked); out == nil || !isAnswered(s, out, n, asked) {
			t.Fatalf("connection %d is cut off", n)
		}
	}
}

func sourceOf(t *testing.T, frame []byte) uint16 {
	t.Helper()
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		t.Fatal(err)
	}
	return p.SrcPort
}

func wayOutSides(t *testing.T, text string) ([2]*side, *fake.Underlay) {
	s, between := sides(t, text)
	for _, side := range s {
		side.attend()
	}
	return s, between
}

func warmOut(t *testing.T, s [2]*side, proto uint8) {
	t.Helper()
	goesOut(t, s, proto, 2000, 6, true)
	s[0].missed()
	s[1].missed()
}

// TestSourceNATAcrossHosts opens connections whose sources the first host translates and which leave by another: no agent is asked, and afterwards both
// know of them.
func TestSourceNATAcrossHosts(t *testing.T) {
	for name, text := range map[string]string{
		"tracked": wayOutWorld,
		"by a workload that may be sent anything": strings.Replace(wayOutWorld, "port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web",
			"port vm1 blue key 11", 1),
	} {
		for proto, kind := range map[uint8]string{packet.ProtoTCP: "TCP", packet.ProtoUDP: "UDP"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				s, _ := wayOutSides(t, text)
				if !s[0].Report().Origins {
					t.Error("the host does not say that it knows origins")
				}
				warmOut(t, s, proto)
				before := [2]int{s[0].cfg.State.Stats().States, s[1].cfg.State.Stats().States}
				const connections = 40
				seen := map[uint16]bool{}
				for n := range uint16(connections) {
					out := asks(s, proto, 3000+n, false)
					if out == nil || !isAnswered(s, out, 3000+n, false) {
						t.Fatalf("connection %d is cut off", n)
					}
					port := sourceOf(t, out)
					if seen[port] {
						t.Errorf("port %d is given twice", port)
					}
					seen[port] = true
				}
				for i, side := range s {
					side.catchUp()
					side.check()
					if n := side.missed(); n != 0 {
						t.Errorf("%d packets were misses at h%d", n, i+1)
					}
				}
				if got := [2]int{s[0].cfg.State.Stats().States - before[0], s[1].cfg.State.Stats().States - before[1]}; got[0] != got[1] || got[0] < 2*connections {
					t.Errorf("%v states are new", got)
				}
				s[0].tell()
				s[1].catchUp() // nothing new: what the first packets have told is what the agent tells
				if got := s[1].cfg.State.Stats(); got.States != before[1]+s[0].cfg.State.Stats().States-before[0] || got.Malformed != 0 {
					t.Errorf("after the first host's message %+v", got)
				}
				goesOut(t, s, proto, 4000, 20, true) // most of a lot: it is replaced in time
				for range 6 {                        // for as long as the flows are used
					for n := range uint16(connections) {
						out := asks(s, proto, 3000+n, false)
						if out == nil || !isAnswered(s, out, 3000+n, false) {
							t.Fatalf("connection %d is cut off", n)
						}
					}
					for _, side := range s {
						side.clock.advance(sim.IdleStateful - time.Second)
						if err := side.sweep(); err != nil {
							t.Fatal(err)
						}
						side.attend()
						s[0].catchUp()
						s[1].catchUp()
						side.check()
					}
				}
			})
		}
	}
}

// TestSourceNATWithoutOrigins are connections that the first agent is asked for.
func TestSourceNATWithoutOrigins(t *testing.T) {
	for name, text := range map[string]string{
		"an agent of before": strings.Replace(wayOutWorld, "192.0.2.2 openings origins", "192.0.2.2 openings", 1),
		"another uplink": strings.Replace(wayOutWorld, "port out ext key 12", "port out ext key 12 group g", 1) +
			"host h3 192.0.2.3 openings origins\nportgroup g stateful\nport out2 ext key 14 group g\nbind out2 h3 tap0\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := wayOutSides(t, text)
			warmOut(t, s, packet.ProtoTCP)
			goesOut(t, s, packet.ProtoTCP, 3000, 1, true)
			if n := s[0].missed(); n != 1 || s[0].seeds.book.len()+s[1].answers.book.len() != 0 {
				t.Errorf("%d misses, seeds of %d and %d", n, s[0].seeds.book.len(), s[1].answers.book.len())
			}
		})
	}
}

// TestOriginsThatGoAstray has first packets lost and come twice.
func TestOriginsThatGoAstray(t *testing.T) {
	s, between := wayOutSides(t, wayOutWorld)
	warmOut(t, s, packet.ProtoTCP)
	between.Copies = func(uint32) int { return 0 }
	if asks(s, packet.ProtoTCP, 3000, true) != nil {
		t.Fatal("the first packet comes, so that this test shows nothing")
	}
	between.Copies = nil
	out := asks(s, packet.ProtoTCP, 3000, true) // again: by the flow, and without a word
	if out == nil {
		t.Fatal("the connection's first packet does not come when it is sent again")
	}
	if isAnswered(s, out, 3000, true) {
		t.Error("h2 lets in answers to what it has not heard of")
	}
	s[0].tell()
	s[1].catchUp()
	if !isAnswered(s, out, 3000, true) {
		t.Error("h2 has been told, and the answer does not come in")
	}
	between.Copies = func(uint32) int { return 2 }
	if out = asks(s, packet.ProtoTCP, 3001, true); out == nil || s[1].far.Receive(0) == nil {
		t.Fatal("the first packet is not there twice")
	}
	between.Copies = nil
	if !isAnswered(s, out, 3001, true) {
		t.Error("the answer does not come in")
	}
	s[0].check()
	s[1].check()
}
