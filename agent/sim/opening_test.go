package sim_test

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

// openingWorld is seedWorld on two hosts: vm2 and vm3 are on the second, and one more outside of the router.
var openingWorld = strings.NewReplacer(
	"host h1 192.0.2.1", "host h1 192.0.2.1 openings\nhost h2 192.0.2.2 openings\nhost h3 192.0.2.3 openings",
	"port vm1 blue", "port vm1 blue key 1", "port vm2 blue", "port vm2 blue key 2", "port vm3 green", "port vm3 green key 3", "port vm4 ext", "port vm4 ext key 4",
	"bind vm2 h1", "bind vm2 h2", "bind vm3 h1", "bind vm3 h2",
).Replace(seedWorld) + `
port vm5 ext key 5
bind vm5 h2 tap5
mac ext fa:16:3e:00:00:05 vm5
neighbour ext 203.0.113.21 fa:16:3e:00:00:05 vm5
`

// openingHost is a host that connections are begun at, or that they come to.
type openingHost struct {
	view *view.View
	ways *sim.Ways
	bed  seedbed
}

func newOpeningHost(name string) *openingHost {
	v := viewtest.To(view.New(viewtest.ID[topology.Host](name)), viewtest.MustParse(openingWorld))
	return &openingHost{view: v, ways: new(sim.Ways), bed: seedbed{}}
}

func (h *openingHost) change(line string) {
	var touched []flow.Tag
	h.view, touched = h.view.Apply(view.Delta{Puts: viewtest.MustParse(line)})
	h.bed.removeTouched(touched)
}

// add adds a seed that a result with the tags gave, apart of answers with the addresses.
func (b seedbed) add(f flow.Flow, tags []flow.Tag, apart []flow.Conn) {
	b[f.Key] = seeded{f, slices.DeleteFunc(slices.Clone(tags), func(t flow.Tag) bool { return t.Class == flow.TagState }), apart}
}

// of returns the seed of a packet with the key.
func (b seedbed) of(key flow.Key) (seeded, bool) {
	for _, wide := range key.Wider() {
		if s, ok := b[wide]; ok {
			return s, true
		}
	}
	return seeded{}, false
}

// answerAway returns what answers the packet, which the result sends to another host, there.
func answerAway(p *packet.Packet, r *sim.Result) (sim.Input, bool) {
	if r.Verdict != sim.Forward || len(r.Actions.Outputs) != 1 || r.Actions.Outputs[0].Local() {
		return sim.Input{}, false
	}
	h, ok := r.Actions.Rewrite.Of(p.Header)
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort, h.TTL = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort, 64
	return sim.Input{InPort: r.Actions.Outputs[0].Port, Frame: h.Frame(nil)}, ok
}

// checkOpening compares what a walk at the first host made of the packet, and one at the second of its answer, with what the datapaths would make
// of them, and what the second would learn of the first packet with what the first host's agent would tell.
func checkOpening(t *rapid.T, first, second *openingHost, in sim.Input, walked *sim.Result, seen map[string]int) {
	p, key := keyOf(t, in)
	if !flow.Opens(&p) || walked.Known && p.Proto == packet.ProtoTCP {
		return
	}
	s, ok := first.bed.of(key)
	if !ok || slices.ContainsFunc(s.apart, in.State.(remembering).answers) || datapath.Refuses(&s.Actions, &p, datapath.Offload{}) {
		return
	}
	if walked.Verdict == sim.Wait && len(s.Seed.Ports) > 0 {
		return // for a port, which the datapath has
	}
	actions, _, _ := s.Given(key, leavesBy(key, walked))
	if walked.Verdict != sim.Forward || !walked.Cache || !doesTheSame(key, actions, walked.Actions) {
		t.Fatalf("%+v\nbegins, by the seed\n%+v\nand walked\n%+v", in, s.Flow, *walked)
	}
	if seen[packet.ProtoName(p.Proto)]++; walked.Known {
		seen["known"]++
		return
	}
	answer, ok := answerAway(&p, walked)
	if !ok {
		t.Fatalf("%+v\nis not answered, and has the seed\n%+v", in, s.Flow)
	}
	_, returning := keyOf(t, answer)
	origin := tells(s.Seed, key)
	learned, ok := sim.OpenedStates(second.view, returning, origin)
	if !ok || !maps.Equal(remembering{}.with(&sim.Result{State: learned}), remembering{}.with(walked)) || len(walked.StatePeers) != 1 || walked.StatePeers[0] != walked.Actions.Outputs[0].Peer {
		t.Fatalf("%+v\nlets the second host learn %v, and %v are to be told of %v", in, learned, walked.StatePeers, walked.State)
	}
	answer.State = remembering{}.with(&sim.Result{State: learned})
	back := sim.Simulate(second.view, answer)
	if a, ok := second.bed.of(returning); ok && a.Seed.Behind == origin.Src.Addr() {
		if back.Verdict != sim.Forward || !back.Cache || !doesTheSame(returning, a.GivenBack(returning, origin), back.Actions) {
			t.Fatalf("%+v\nis answered, by the seed\n%+v\nand walked\n%+v", in, a.Flow, back)
		}
		seen["answered"]++
		if a.Seed.Behind.IsValid() {
			seen["translated sources are answered, "+packet.ProtoName(p.Proto)]++
		}
	}
	if s.Actions.Rewrite.Fields&flow.FieldDstIP != 0 {
		seen["addresses are translated"]++
	}
	if s.Actions.Rewrite.Fields&flow.FieldTTL != 0 {
		seen["it is routed"]++
	}
}

// leavesBy returns the source port of the packet, which had the key and got the result, as it leaves.
func leavesBy(key flow.Key, r *sim.Result) uint16 {
	h, _ := r.Actions.Rewrite.Of(key.Header())
	return h.SrcPort
}

// tells returns what the first packet of a connection of the seed tells, which has the key.
func tells(s *flow.Seed, key flow.Key) flow.Origin {
	if s.Router.IsZero() {
		return flow.Origin{}
	}
	return flow.Origin{Router: s.Router, Tracked: s.Tracked,
		Src: netip.AddrPortFrom(key.SrcIP, key.SrcPort), Dst: netip.AddrPortFrom(key.DstIP, key.DstPort)}
}

// TestOpeningsAreWalks sends packets of many connections from one host to another through topologies that change, and holds what the datapaths
// would make of the seeds of earlier ones to walks.
func TestOpeningsAreWalks(t *testing.T) {
	const blue, ext = " dmac fa:16:3e:aa:00:01", " smac fa:16:3e:00:00:04 dmac fa:16:3e:aa:00:03"
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		first, second := newOpeningHost("h1"), newOpeningHost("h2")
		states, through := remembering{}, []sim.Input(nil)
		some := rapid.SliceOfN(rapid.SampledFrom([]string{
			"vm1 10.0.0.3:1 > 10.0.0.4:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02", "vm1 10.0.0.3:1 > 10.0.1.3:80 smac fa:16:3e:00:00:01" + blue,
			"vm4 203.0.113.20:1 > 203.0.113.9:80" + ext, "vm4 203.0.113.20:1 > 203.0.113.10:8080" + ext,
			"vm1 10.0.0.3:1 > 203.0.113.9:80 smac fa:16:3e:00:00:01" + blue, "vm1 10.0.0.3:1 > 203.0.113.21:80 smac fa:16:3e:00:00:01" + blue,
		}), 2, 3).Draw(t, "ends")
		for range rapid.IntRange(40, 120).Draw(t, "packets") {
			if rapid.IntRange(0, 39).Draw(t, "change") == 39 {
				line := rapid.SampledFrom([]string{"chain web accept tcp dport=80", "chain web accept", "chain web drop returning; accept",
					"floating f1 r1 r1-ext 203.0.113.9 10.0.0.4", "floating f1 r1 r1-ext 203.0.113.9 10.0.1.3", "route r1 10.0.1.3/32 blackhole", "port vm2 blue key 2",
					"bind vm3 h1 tap3", "host h2 192.0.2.9 openings", "rport r1-green r1 fa:16:3e:aa:00:02 10.0.1.1/24 peer r1g mtu 1400",
					"chain forward-r1 drop tcp returning", "portgroup g stateful", "port vm1 blue key 1 group g"}).Draw(t, "line")
				first.change(line)
				second.change(line)
			}
			if rapid.IntRange(0, 3).Draw(t, "the other way") == 3 {
				question := anyOpening(t, []string{"vm2 10.0.0.4:1 > 10.0.0.3:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:00:00:01"}, nil)
				p, _ := keyOf(t, question)
				question.State = states
				r := sim.Simulate(second.view, question)
				if answer, ok := answerAway(&p, &r); ok {
					states, through = states.with(&r), append(through, answer)
				}
			}
			in := anyOpening(t, some, through)
			in.State = states
			walked := sim.Simulate(first.view, in)
			checkOpening(t, first, second, in, &walked, seen)
			p, key := keyOf(t, in)
			in.Ways = first.ways
			r := sim.Simulate(first.view, in)
			origin := flow.Origin{}
			if f, ok := sim.LeavingSeed(first.view, &p, key, &r); ok {
				if origin = tells(f.Seed, key); !origin.Router.IsZero() {
					f.Seed.Ports = []uint16{r.Source.First} // and any other
				}
				first.bed.add(f, r.Tags, r.Apart)
			}
			if answer, ok := answerAway(&p, &walked); ok {
				answer.State, answer.Ways = remembering{}.with(&walked), second.ways
				back := sim.Simulate(second.view, answer)
				_, returning := keyOf(t, answer)
				if f, ok := sim.AnswersSeed(second.view, returning, origin, &back); ok {
					second.bed.add(f, back.Tags, back.Apart)
				}
			}
			states = states.with(&walked)
		}
	})
	t.Logf("begun: %v", seen)
	for _, kind := range []string{"tcp", "udp", "known", "answered", "it is routed", "addresses are translated",
		"translated sources are answered, tcp", "translated sources are answered, udp"} {
		if seen[kind] == 0 {
			t.Errorf("no connection was begun by a seed where %s: the property was not put to the test", kind)
		}
	}
}
