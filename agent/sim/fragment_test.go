package sim

import (
	"testing"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

// inFragments returns a datagram as fragments, the first of them first.
func inFragments(t *testing.T, text string) (first *packet.Packet, later []*packet.Packet) {
	t.Helper()
	whole := parsed(t, frameOf(t, text))
	whole = parsed(t, whole.Header.Frame(make([]byte, 2500)))
	whole.Frame[18], whole.Frame[19] = 0x12, 0x34 // IPv4's identification, over which the checksum is not looked at
	fragments := whole.Cut(whole.Frame, 1000)
	for _, f := range fragments[1:] {
		later = append(later, parsed(t, f))
	}
	return parsed(t, fragments[0]), later
}

// TestLaterFragmentsFollowTheFirst: what is translated or let in by its ports, in fragments: the later ones wait for the first, and go
// where it went, with its addresses.
func TestLaterFragmentsFollowTheFirst(t *testing.T) {
	for _, c := range []struct{ name, from, packet, to string }{
		{"source NAT", "vm2", "udp 10.0.0.4:1025 > 198.51.100.7:53 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "up"},
		{"source NAT of an echo", "vm2", "icmp 10.0.0.4 > 198.51.100.7 id 77 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01", "up"},
		{"forwarded port", "up", "tcp 198.51.100.7:1025 > 203.0.113.5:8080 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03", "vm3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			first, later := inFragments(t, c.packet)
			r := l.simulate(c.from, later[0].Frame)
			want := Want{First: DatagramOf(first, viewtest.ID[topology.Port](c.from))}
			if r.Verdict != Wait || r.Cache || len(r.Wants) != 1 || r.Wants[0] != want {
				t.Fatalf("a later fragment alone: %s, cached %v, it wants %+v, not %+v", r.Verdict, r.Cache, r.Wants, want)
			}
			if r = l.give(c.from, later[0], nil, true); r.Verdict != Drop || r.Cache {
				t.Errorf("whose first does not come: %s, cached %v", r.Verdict, r.Cache)
			}
			if r = l.simulate(c.from, first.Frame); r.Verdict != Forward || r.Cache {
				t.Fatalf("the first: %s, cached %v", r.Verdict, r.Cache)
			}
			at, went := l.send(c.from, first.Frame)
			if went == nil || at != c.to {
				t.Fatalf("the first comes out at %s", at)
			}
			for _, f := range later {
				r := l.give(c.from, f, &first.Header, false)
				if r.Verdict != Forward || r.Cache || len(r.Actions.Outputs) != 1 || l.view.Port(r.Actions.Outputs[0].Port).Name != c.to {
					t.Fatalf("a later one: %s, cached %v, to %v", r.Verdict, r.Cache, r.Actions.Outputs)
				}
				h, _ := r.Actions.Rewrite.Of(f.Header)
				is := parsed(t, f.With(h))
				if is.SrcIP != went.SrcIP || is.DstIP != went.DstIP || is.DstMAC != went.DstMAC || is.SrcPort != 0 || is.Fragment != packet.FragmentLater {
					t.Errorf("a later one becomes %+v, the first %+v", is.Header, went.Header)
				}
			}
		})
	}
}

// give simulates a later fragment, of which the first is known or not.
func (l *lab) give(port string, p *packet.Packet, first *packet.Header, giveUp bool) Result {
	return Simulate(l.view, Input{InPort: viewtest.ID[topology.Port](port), Frame: p.Frame, State: l.state, First: first, GiveUp: giveUp})
}

// TestAnswersInFragments: a security group lets in answers in fragments, and nothing else that it has no rule for; a rule of ports lets in
// the later ones by itself.
func TestAnswersInFragments(t *testing.T) {
	const question = "udp 10.0.0.3:1025 > 10.0.0.4:53 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02"
	const answer = "udp 10.0.0.4:53 > 10.0.0.3:1025 smac fa:16:3e:00:00:02 dmac fa:16:3e:00:00:01"
	l := newLab(t)
	first, later := inFragments(t, answer)
	if r := l.simulate("vm2", first.Frame); r.Verdict != Drop {
		t.Fatalf("what nobody asked for: %s", r.Verdict)
	}
	if r := l.give("vm2", later[0], &first.Header, false); r.Verdict != Drop || r.Cache {
		t.Errorf("a later fragment of that: %s, cached %v", r.Verdict, r.Cache)
	}
	if at, p := l.send("vm1", frameOf(t, question)); p == nil {
		t.Fatalf("the question: %s", at)
	}
	if r := l.simulate("vm2", first.Frame); r.Verdict != Forward || r.Cache {
		t.Errorf("the first fragment of the answer: %s, cached %v", r.Verdict, r.Cache)
	}
	if r := l.simulate("vm2", later[0].Frame); r.Verdict != Wait || r.Wants[0].First.ID != later[0].FragmentID {
		t.Errorf("a later one alone: %s", r.Verdict)
	}
	if r := l.give("vm2", later[0], &first.Header, false); r.Verdict != Forward || r.Cache || len(r.State) == 0 {
		t.Errorf("a later one: %s, cached %v, with %d states", r.Verdict, r.Cache, len(r.State))
	}
	if r := l.give("vm2", later[0], nil, true); r.Verdict != Drop || r.Cache {
		t.Errorf("whose first does not come: %s, cached %v", r.Verdict, r.Cache)
	}
	_, served := inFragments(t, "tcp 10.0.0.4:1025 > 10.0.0.3:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:00:00:01")
	if r := l.simulate("vm2", served[0].Frame); r.Verdict != Forward || !r.Cache {
		t.Errorf("what a rule lets in: %s, cached %v", r.Verdict, r.Cache)
	}
}

// TestFragmentsThatNobodyTranslates go their way without a look at their ports.
func TestFragmentsThatNobodyTranslates(t *testing.T) {
	l := newLab(t)
	l.apply("port vm1 blue key 11\nport vm3 green key 13")
	for _, text := range []string{
		"vm2 udp 10.0.0.4:1025 > 10.0.0.3:53 smac fa:16:3e:00:00:02 dmac fa:16:3e:00:00:01",
		"vm1 udp 10.0.0.3:1025 > 198.51.100.7:53 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01", // by its floating address
	} {
		first, later := inFragments(t, text[4:])
		for _, p := range append(later, first) {
			if r := l.simulate(text[:3], p.Frame); r.Verdict != Forward || !r.Cache {
				t.Errorf("%s: a fragment: %s, cached %v", text, r.Verdict, r.Cache)
			}
		}
	}
}

// TestNoNeighbourDiscoveryInFragments: what no workload may say on its link, it may not say in fragments either, whatever its groups let
// it send.
func TestNoNeighbourDiscoveryInFragments(t *testing.T) {
	v := viewtest.View(`
host h1 192.0.2.1
bridge blue
port vm1 blue key 11 source fa:16:3e:00:00:01@fd00::3 egress all
port free blue key 12
bind vm1 h1 tap1
bind free h1 tap2
chain all accept ip6
`)
	for text, want := range map[string]Verdict{
		"type 133": Drop, "type 134": Drop, "type 137": Drop, "type 128 id 5": Forward,
	} {
		first, later := inFragments(t, "icmp fe80::f816:3eff:fe00:1 > ff02::1 "+text+" ttl 255 smac fa:16:3e:00:00:01")
		if r := Simulate(v, Input{InPort: viewtest.ID[topology.Port]("vm1"), Frame: first.Frame}); r.Verdict != want {
			t.Errorf("%s, the first fragment: %s, want %s", text, r.Verdict, want)
		}
		r := Simulate(v, Input{InPort: viewtest.ID[topology.Port]("vm1"), Frame: later[0].Frame, First: &first.Header})
		if r.Verdict != want {
			t.Errorf("%s, a later one behind it: %s, want %s", text, r.Verdict, want)
		}
	}
}
