package sim_test

import (
	"maps"
	"reflect"
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

// seedbed is what a datapath may begin connections of, each with the tags that it goes with.
type seedbed map[flow.Key]seeded

type seeded struct {
	flow.Flow
	tags  []flow.Tag
	apart []flow.Conn
}

// answers reports whether answers are translated that come with the addresses: a seed that is to be apart of these has gone.
func (s remembering) answers(c flow.Conn) bool {
	for k := range s {
		if k.Conn.Proto == c.Proto && k.Conn.Src == c.Src && k.Conn.Dst == c.Dst && (k.Kind == flow.StateReverseSNAT || k.Kind == flow.StateReverseDNAT) {
			return true
		}
	}
	return false
}

// with returns the states and what the result would have remembered beside them.
func (s remembering) with(r *sim.Result) remembering {
	both := maps.Clone(s)
	for _, x := range r.State {
		both[x.Key] = x.Value
	}
	return both
}

// keyOf returns the packet and its key.
func keyOf(t *rapid.T, in sim.Input) (p packet.Packet, key flow.Key) {
	if err := packet.Parse(in.Frame, &p); err != nil {
		t.Fatal(err)
	}
	return p, flow.KeyOf(&p, in.InPort)
}

// sow adds what there is to be made of a packet that was answered by ways, and of its answer.
func (b seedbed) sow(t *rapid.T, v *view.View, in sim.Input, r sim.Result, states remembering) {
	p, key := keyOf(t, in)
	if !r.Begins(&p) {
		return
	}
	r.Tags, r.State = slices.Clone(r.Tags), slices.Clone(r.State)
	answer, ok := answerTo(in, &r)
	if !ok {
		return
	}
	answer.Ways, answer.State = in.Ways, states.with(&r)
	back := sim.Simulate(v, answer)
	_, returning := keyOf(t, answer)
	if f, ok := sim.SeedOf(key, &r, returning, &back); ok {
		if !r.Source.Router.IsZero() {
			f.Seed.Ports = []uint16{r.Source.First} // and any other
		}
		tags := slices.DeleteFunc(append(r.Tags, back.Tags...), func(t flow.Tag) bool { return t.Class == flow.TagState })
		b[f.Key] = seeded{f, tags, r.Apart}
	}
}

// removeTouched does what the worker does when a change touches the tags.
func (b seedbed) removeTouched(touched []flow.Tag) {
	maps.DeleteFunc(b, func(_ flow.Key, s seeded) bool {
		return slices.ContainsFunc(s.tags, func(t flow.Tag) bool {
			return slices.ContainsFunc(touched, func(change flow.Tag) bool { return change.Touches(t) })
		})
	})
}

// doesTheSame reports whether the actions, of which the first may write what is so already, do the same with packets of the key.
func doesTheSame(key flow.Key, a, b flow.Actions) bool {
	x, _ := a.Rewrite.Of(key.Header())
	y, _ := b.Rewrite.Of(key.Header())
	if x != y || a.Rewrite.Fields&^(flow.FieldSrcPort|flow.FieldDstPort) != b.Rewrite.Fields&^(flow.FieldSrcPort|flow.FieldDstPort) || b.Rewrite.Fields&^a.Rewrite.Fields != 0 {
		return false
	}
	a.Rewrite, b.Rewrite = flow.Rewrite{Hops: a.Rewrite.Hops}, flow.Rewrite{Hops: b.Rewrite.Hops}
	return reflect.DeepEqual(a, b)
}

// check compares what a walk made of the packet, and makes of its answer, with what a datapath would make of it.
func (b seedbed) check(t *rapid.T, v *view.View, in sim.Input, walked *sim.Result, seen map[string]int) {
	p, key := keyOf(t, in)
	if !flow.Opens(&p) || in.Hush || in.GiveUp || walked.Known && p.Proto == packet.ProtoTCP {
		return
	}
	for _, wide := range key.Wider() {
		s, ok := b[wide]
		if !ok || slices.ContainsFunc(s.apart, in.State.(remembering).answers) || datapath.Refuses(&s.Actions, &p, datapath.Offload{}) || s.Actions.MTU > 0 && in.Segment > s.Actions.MTU {
			continue
		}
		if walked.Verdict == sim.Wait && len(s.Seed.Ports) > 0 {
			continue // for a port, which the datapath has
		}
		port := walked.Actions.Rewrite.SrcPort
		if walked.Actions.Rewrite.Fields&flow.FieldSrcPort == 0 {
			port = key.SrcPort // it has got its own
		}
		first, answerKey, answers := s.Given(key, port)
		if walked.Verdict != sim.Forward || !walked.Cache || !doesTheSame(key, first, walked.Actions) || len(walked.StatePeers) > 0 {
			t.Fatalf("%+v\nbegins, by the seed\n%+v\nand walked\n%+v", in, s.Flow, *walked)
		}
		if seen[packet.ProtoName(p.Proto)]++; walked.Known {
			seen["known"]++
			return // what is answered may be no answer: the agent sees to that
		}
		answer, ok := answerTo(in, walked)
		if !ok {
			t.Fatalf("%+v\nis not answered, and has the seed\n%+v", in, s.Flow)
		}
		answer.State = remembering{}.with(walked)
		back := sim.Simulate(v, answer)
		_, returning := keyOf(t, answer)
		if returning != answerKey {
			t.Fatalf("%+v\nis answered by\n%v\nand by the seed\n%v", in, returning, answerKey)
		}
		if back.Verdict != sim.Forward || !back.Cache || !doesTheSame(returning, answers, back.Actions) || len(back.StatePeers) > 0 {
			t.Fatalf("%+v\nbegins, by the seed\n%+v\nand what answers is, walked,\n%+v", in, s.Flow, back)
		}
		if len(s.Seed.Ports) > 0 {
			seen["sources get ports"]++
		}
		if s.Actions.Rewrite.Fields&flow.FieldDstPort != 0 {
			seen["ports are translated"]++
		}
		if s.Actions.Rewrite.Fields&flow.FieldDstIP != 0 {
			seen["addresses are translated"]++
		}
		return // the datapath looks for no other
	}
}

// seedWorld has four workloads of one host: two on a network, one on another, one outside of their router, which has a floating address and
// forwards ports.
var seedWorld = `
host h1 192.0.2.1
bridge blue
bridge green
bridge ext external
port vm1 blue source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web
port vm2 blue source fa:16:3e:00:00:02@10.0.0.4 egress all ingress web
port vm3 green source fa:16:3e:00:00:03@10.0.1.3 egress all ingress web
port vm4 ext source fa:16:3e:00:00:04@203.0.113.20 egress all ingress web
bind vm1 h1 tap1
bind vm2 h1 tap2
bind vm3 h1 tap3
bind vm4 h1 tap4
mac blue fa:16:3e:00:00:01 vm1
mac blue fa:16:3e:00:00:02 vm2
mac green fa:16:3e:00:00:03 vm3
mac ext fa:16:3e:00:00:04 vm4
neighbour blue 10.0.0.3 fa:16:3e:00:00:01 vm1
neighbour blue 10.0.0.4 fa:16:3e:00:00:02 vm2
neighbour green 10.0.1.3 fa:16:3e:00:00:03 vm3
neighbour ext 203.0.113.20 fa:16:3e:00:00:04 vm4
router r1 in pre-r1 forward forward-r1 out post-r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b
port r1g green peer r1-green device r1
rport r1-green r1 fa:16:3e:aa:00:02 10.0.1.1/24 peer r1g
port r1e ext peer r1-ext device r1
rport r1-ext r1 fa:16:3e:aa:00:03 203.0.113.5/24 peer r1e
mac blue fa:16:3e:aa:00:01 r1b
mac green fa:16:3e:aa:00:02 r1g
mac ext fa:16:3e:aa:00:03 r1e
route r1 10.0.0.0/24 port r1-blue
route r1 10.0.1.0/24 port r1-green
route r1 203.0.113.0/24 port r1-ext
floating f1 r1 r1-ext 203.0.113.9 10.0.1.3
forwarding w1 r1 r1-ext tcp 203.0.113.10:8080-8081 10.0.1.3:80
chain all accept ip4
chain web accept
` + viewtest.GatewayChains("r1", "r1-ext", "203.0.113.5")

// anyOpening draws the first packet of a connection that ports tell from others, or one that answers such.
func anyOpening(t *rapid.T, from []string, through []sim.Input) sim.Input {
	if len(through) > 0 && rapid.IntRange(0, 5).Draw(t, "answer") > 2 {
		return rapid.SampledFrom(through).Draw(t, "answered")
	}
	port, text, _ := strings.Cut(rapid.SampledFrom(from).Draw(t, "from and to"), " ")
	d, err := packet.ParseDescription(rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol") + " " + text)
	if err != nil {
		t.Fatal(err)
	}
	in := sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: d.Frame()}
	p, _ := keyOf(t, in)
	h := p.Header
	h.SrcPort = rapid.Uint16Range(1024, 1100).Draw(t, "source port")
	if h.DstPort != 8080 || rapid.IntRange(0, 9).Draw(t, "another port") == 9 {
		h.DstPort = rapid.SampledFrom([]uint16{80, 80, 22, 8080, 8081, 1025, 68}).Draw(t, "port")
	}
	h.TTL = rapid.SampledFrom([]uint8{64, 64, 64, 64, 1, 2}).Draw(t, "TTL")
	in.Frame = h.Frame(make([]byte, rapid.SampledFrom([]int{0, 0, 0, 50, 1470}).Draw(t, "size")))
	return in
}

// TestSeedsAreWalks sends packets of many connections through topologies that change, and holds what a datapath would make of the seeds of
// earlier ones to walks, for as long as no change touches the seeds' tags.
func TestSeedsAreWalks(t *testing.T) {
	const blue, ext = " dmac fa:16:3e:aa:00:01", " smac fa:16:3e:00:00:04 dmac fa:16:3e:aa:00:03"
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		v, states, through, ways, bed := viewtest.View(seedWorld), remembering{}, []sim.Input(nil), new(sim.Ways), seedbed{}
		some := rapid.SliceOfN(rapid.SampledFrom([]string{
			"vm1 10.0.0.3:1 > 10.0.0.4:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:02", "vm2 10.0.0.4:1 > 10.0.0.3:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:00:00:01",
			"vm1 10.0.0.3:1 > 10.0.1.3:80 smac fa:16:3e:00:00:01" + blue,
			"vm4 203.0.113.20:1 > 203.0.113.9:80" + ext, "vm4 203.0.113.20:1 > 203.0.113.10:8080" + ext,
			"vm1 10.0.0.3:1 > 203.0.113.20:80 smac fa:16:3e:00:00:01" + blue, "vm1 10.0.0.3:1 > 203.0.113.9:80 smac fa:16:3e:00:00:01" + blue,
		}), 2, 3).Draw(t, "ends")
		for range rapid.IntRange(40, 160).Draw(t, "packets") {
			if rapid.IntRange(0, 39).Draw(t, "change") == 39 {
				line := rapid.SampledFrom([]string{"chain web accept tcp dport=80", "chain web accept", "chain web accept udp; accept tcp dport=80", "chain all accept",
					"chain web drop returning; accept", "chain all accept ip4 forward", "floating f1 r1 r1-ext 203.0.113.9 10.0.0.4",
					"floating f1 r1 r1-ext 203.0.113.9 10.0.1.3", "forwarding w1 r1 r1-ext tcp 203.0.113.10:8080-8081 10.0.1.3:80",
					"forwarding w1 r1 r1-ext udp 203.0.113.10:8080-8081 10.0.1.3:22", "route r1 10.0.1.3/32 blackhole", "port vm2 blue", "bind vm3 h2 tap3",
					"rport r1-green r1 fa:16:3e:aa:00:02 10.0.1.1/24 peer r1g mtu 1400", "chain forward-r1 drop tcp returning", "chain forward-r1 drop udp returning"}).Draw(t, "line")
				var touched []flow.Tag
				v, touched = v.Apply(view.Delta{Puts: viewtest.MustParse(line)})
				bed.removeTouched(touched)
			}
			in := anyOpening(t, some, through)
			in.State = states
			walked := sim.Simulate(v, in)
			bed.check(t, v, in, &walked, seen)
			in.Ways = ways
			bed.sow(t, v, in, sim.Simulate(v, in), states)
			states = states.with(&walked)
			if answer, ok := answerTo(in, &walked); ok {
				through = append(through, answer)
			}
		}
	})
	t.Logf("begun: %v", seen)
	for _, kind := range []string{"tcp", "udp", "known", "sources get ports", "ports are translated", "addresses are translated"} {
		if seen[kind] == 0 {
			t.Errorf("no connection was begun by a seed where %s: the property was not put to the test", kind)
		}
	}
}
