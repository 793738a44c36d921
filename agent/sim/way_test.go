package sim_test

import (
	"fmt"
	"maps"
	"net/netip"
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
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// remembering is a State that keeps what simulations make. Its ports run out now and then.
type remembering map[flow.StateKey]flow.StateValue

func (s remembering) Value(k flow.StateKey) (flow.StateValue, bool) {
	v, ok := s[k]
	return v, ok
}

func (s remembering) FreePort(_ topology.RouterID, _ netip.Addr, first, _ uint16, c flow.Conn) (uint16, bool) {
	return first + c.SrcPort%7 + uint16(len(s)), c.SrcPort%11 != 0
}

// anyQuestion draws a packet that others differ from in ports alone, or not even in those; often it answers one that was let through.
func anyQuestion(t *rapid.T, from []sim.Input, through []sim.Input) sim.Input {
	in := rapid.SampledFrom(from).Draw(t, "question")
	if len(through) > 0 && rapid.IntRange(0, 2).Draw(t, "answer") == 0 {
		in = rapid.SampledFrom(through).Draw(t, "answered")
	}
	var p packet.Packet
	if packet.Parse(in.Frame, &p) != nil || p.Proto != packet.ProtoTCP && p.Proto != packet.ProtoUDP {
		return in
	}
	h := p.Header
	if rapid.IntRange(0, 2).Draw(t, "another connection") > 0 {
		h.SrcPort = rapid.SampledFrom([]uint16{1025, 1026, 1027, 1035, 80}).Draw(t, "source port")
		h.DstPort = rapid.SampledFrom([]uint16{80, 22, 8080, 8081, 1025, 68}).Draw(t, "port")
	}
	h.TTL = rapid.SampledFrom([]uint8{64, 64, 64, 2, 1}).Draw(t, "TTL")
	in.Frame = h.Frame(make([]byte, rapid.SampledFrom([]int{0, 0, 0, 50, 1400}).Draw(t, "size")))
	in.Hush, in.Mute = rapid.IntRange(0, 9).Draw(t, "hush") == 0, rapid.IntRange(0, 9).Draw(t, "mute") == 0
	in.GiveUp = rapid.IntRange(0, 9).Draw(t, "give up") == 0
	in.Segment = rapid.SampledFrom([]int{0, 0, 0, 0, 1400}).Draw(t, "segment")
	return in
}

// answerTo returns what the port that the packet is forwarded to may send back; false where that is not on this host.
func answerTo(in sim.Input, r *sim.Result) (sim.Input, bool) {
	var p packet.Packet
	if packet.Parse(in.Frame, &p) != nil || len(r.Actions.Outputs) != 1 || !r.Actions.Outputs[0].Local() {
		return in, false
	}
	h, ok := r.Actions.Rewrite.Of(p.Header)
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort, h.TTL = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort, 64
	return sim.Input{InPort: r.Actions.Outputs[0].Port, Frame: h.Frame(nil), State: in.State}, ok
}

// same reports whether two results are one, their tags in any order.
func same(a, b sim.Result) bool {
	set := func(tags []flow.Tag) map[flow.Tag]bool {
		has := map[flow.Tag]bool{}
		for _, t := range tags {
			has[t] = true
		}
		return has
	}
	tags := maps.Equal(set(a.Tags), set(b.Tags))
	for _, r := range []*sim.Result{&a, &b} {
		r.Tags, r.Followed, r.Any, r.Alike, r.Source, r.SourceTo, r.Apart = nil, false, 0, 0, sim.BlockWant{}, netip.Addr{}, nil
		r.State, r.StatePeers = append([]flow.State{}, r.State...), append([]netip.Addr{}, r.StatePeers...)
	}
	return tags && reflect.DeepEqual(a, b)
}

// wideFlows are what a datapath has of wide keys.
type wideFlows map[flow.Key]sim.Result

func (f wideFlows) add(in sim.Input, r sim.Result) {
	var p packet.Packet
	if packet.Parse(in.Frame, &p) == nil && r.Cache && r.Any != 0 {
		r.Tags = slices.Clone(r.Tags)
		f[flow.KeyOf(&p, in.InPort).Wide(r.Any)] = r
	}
}

// removeTouched does what the worker does when a change touches the tags.
func (f wideFlows) removeTouched(touched []flow.Tag) {
	maps.DeleteFunc(f, func(_ flow.Key, r sim.Result) bool {
		return slices.ContainsFunc(r.Tags, func(t flow.Tag) bool {
			return slices.ContainsFunc(touched, func(change flow.Tag) bool { return change.Touches(t) })
		})
	})
}

// check compares what a walk made of the packet with the flows that a datapath may take it to have, and returns how many there are.
func (f wideFlows) check(t interface{ Fatalf(string, ...any) }, in sim.Input, walked *sim.Result) (found int) {
	var p packet.Packet
	if packet.Parse(in.Frame, &p) != nil || in.Hush || in.GiveUp { // which the worker says of a miss
		return 0
	}
	for _, key := range flow.KeyOf(&p, in.InPort).Wider() {
		r, ok := f[key]
		a := &r.Actions
		if !ok || datapath.Refuses(a, &p, datapath.Offload{}) || a.MTU > 0 && in.Segment > a.MTU {
			continue
		}
		found++
		if r.Verdict != walked.Verdict || !walked.Cache || !reflect.DeepEqual(r.Actions, walked.Actions) {
			t.Fatalf("%+v\nis, by the flow of a wide key\n%+v\nand walked\n%+v", in, r, *walked)
		}
	}
	return found
}

// TestWaysAreWalks sends packets of many connections through topologies that change, and has each answered twice: by a walk, and with the
// ways of the packets before. Where an answer is said to have nothing to do with ports, it is that of all packets of the wide key for as long
// as no change touches its tags.
func TestWaysAreWalks(t *testing.T) {
	questions := layer3Questions(t)
	first := viewtest.View(topologyOf(t, "testdata/nat.txtar"))
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		v, states, through := first, remembering{}, []sim.Input(nil)
		ways, room, wide := new(sim.Ways), new(sim.Room), wideFlows{}
		for range rapid.IntRange(0, 5).Draw(t, "changes before") {
			v, _ = v.Apply(layer3Change(t, v))
		}
		some := rapid.SliceOfN(rapid.SampledFrom(questions), 1, 3).Draw(t, "questions")
		for range rapid.IntRange(1, 60).Draw(t, "packets") {
			if rapid.IntRange(0, 29).Draw(t, "change") == 0 {
				var touched []flow.Tag
				v, touched = v.Apply(layer3Change(t, v))
				wide.removeTouched(touched)
			}
			in := anyQuestion(t, some, through)
			in.State = states
			walked := sim.Simulate(v, in)
			in.Ways, in.Room = ways, room
			got := sim.Simulate(v, in)
			if !same(got, walked) {
				t.Fatalf("%+v\nis, by the way of an earlier packet: %v,\n%+v\nand walked\n%+v", in, got.Followed, got, walked)
			}
			seen["wide"] += wide.check(t, in, &walked)
			wide.add(in, got)
			if got.Followed {
				seen[got.Verdict.String()]++
				if len(got.State) > 1 {
					seen["translated"]++
				}
			}
			for _, s := range walked.State {
				states[s.Key] = s.Value
			}
			if answer, ok := answerTo(in, &walked); ok {
				through = append(through, answer)
			}
		}
	})
	t.Logf("by ways: %v", seen)
	for _, kind := range []string{"forward", "drop", "translated", "wide"} {
		if seen[kind] == 0 {
			t.Errorf("no packet by the way of another was %s: the property was not put to the test", kind)
		}
	}
}

// TestWaysThatPortsDecide has packets of which only ports, or what is in their place, say that they do not go one way.
func TestWaysThatPortsDecide(t *testing.T) {
	const translated = `
host h1 192.0.2.1 metadata
bridge blue
bridge ext external
port vm1 blue key 11
port vm2 ext key 12 source fa:16:3e:00:00:02@203.0.113.7 egress all ingress some
bind vm1 h1 tap1
bind vm2 h1 tap2
mac blue fa:16:3e:00:00:01 vm1
mac ext fa:16:3e:00:00:02 vm2
neighbour ext 203.0.113.7 fa:16:3e:00:00:02 vm2
router r1 out post
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b
port r1e ext peer r1-ext device r1
rport r1-ext r1 fa:16:3e:aa:00:03 203.0.113.5/24 peer r1e
mac blue fa:16:3e:aa:00:01 r1b
mac ext fa:16:3e:aa:00:03 r1e
route r1 203.0.113.0/24 port r1-ext
chain all accept
`
	some := func(pattern string) (packets []string) {
		for n := range 12 {
			packets = append(packets, fmt.Sprintf(pattern, 5000+n))
		}
		return packets
	}
	service := view.MetadataAddr(11, topology.MetadataIPv4).String()
	const toRouter = " smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01"
	for name, c := range map[string]struct {
		topology string
		packets  []string
	}{
		"a source port that source NAT has chosen": {
			translated + "chain post snat target=203.0.113.5@1024-2047\nchain some accept sport=1026-1028",
			some("vm1 tcp 10.0.0.3:5001 > 203.0.113.7:%d" + toRouter),
		},
		"a port that destination NAT has chosen": {
			translated + "chain post dnat target=203.0.113.7@1024-1031\nchain some accept dport=1026-1028",
			some("vm1 tcp 10.0.0.3:%d > 203.0.113.7:80" + toRouter),
		},
		"what is in the place of ports": {
			translated + "chain some accept icmp",
			[]string{"vm1 icmp 10.0.0.3 > 203.0.113.7 id 7" + toRouter, "vm1 icmp 10.0.0.3 > 203.0.113.7 type 13 code 7" + toRouter,
				"vm1 icmp 10.0.0.3 > 203.0.113.7 type 3 code 1" + toRouter},
		},
		"a port that is dropped": {
			translated + "port vm1 blue key 11 in not\nchain not drop sport=5003; drop dport=5005\nchain some accept",
			append(some("vm1 udp 10.0.0.3:%d > 203.0.113.7:80"+toRouter), some("vm1 udp 10.0.0.3:7 > 203.0.113.7:%d"+toRouter)...),
		},
		"what is asked of the metadata service": {
			translated + "chain some accept",
			[]string{"vm1 tcp 10.0.0.3:5001 > 169.254.169.254:80" + toRouter, "vm1 tcp 10.0.0.3:5001 > 169.254.169.254:81" + toRouter,
				"vm1 tcp 10.0.0.3:5002 > 169.254.169.254:80" + toRouter},
		},
		"what the metadata service answers": {
			translated + "chain some accept",
			[]string{"metadata tcp " + service + ":80 > 10.0.0.3:5001", "metadata tcp " + service + ":81 > 10.0.0.3:5001",
				"metadata tcp " + service + ":80 > 10.0.0.3:5002"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, states, ways, wide := viewtest.View(c.topology), remembering{}, new(sim.Ways), wideFlows{}
			for _, text := range slices.Repeat(c.packets, 3) {
				port, description, _ := strings.Cut(text, " ")
				d, err := packet.ParseDescription(description)
				if err != nil {
					t.Fatal(err)
				}
				in := sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: d.Frame(), State: states}
				if port == "metadata" {
					in.InPort = view.MetadataPort
				}
				walked := sim.Simulate(v, in)
				in.Ways = ways
				got := sim.Simulate(v, in)
				if !same(got, walked) {
					t.Errorf("%s is\n%+v\nand walked\n%+v", text, got, walked)
				}
				wide.check(t, in, &walked)
				wide.add(in, got)
				for _, s := range walked.State {
					states[s.Key] = s.Value
				}
			}
		})
	}
}

// TestWaysAreFollowed has the packets of one connection after the other through two routers, and their answers, take the ways of the second.
func TestWaysAreFollowed(t *testing.T) {
	v, states, ways := viewtest.View(twoRouters+"bind vm3 h1 tap3\n"), remembering{}, new(sim.Ways)
	for n := range uint16(4) {
		h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
			SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("203.0.113.9"), Proto: packet.ProtoTCP, SrcPort: 3004 + n, DstPort: 80, TTL: 64}
		in := sim.Input{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil), State: states, Ways: ways}
		for range 2 {
			r := sim.Simulate(v, in)
			if r.Verdict != sim.Forward || len(r.State) < 3 || r.Followed != (n > 1) {
				t.Errorf("connection %d: %s with %d states, by the way of another: %v", n, r.Verdict, len(r.State), r.Followed)
			}
			for _, s := range r.State {
				states[s.Key] = s.Value
			}
			in, _ = answerTo(in, &r)
			in.Ways = ways
		}
	}
}

// TestGivingUpIsNoWay has a packet wait for a neighbour that did not answer others, whose senders were told so one by one.
func TestGivingUpIsNoWay(t *testing.T) {
	v, ways := viewtest.View("host h1 192.0.2.1\nport up ext\nbind up h1 eth1\nbridge ext external\nrouter r1\nport r1e ext peer r1-ext device r1\n"+
		"rport r1-ext r1 fa:16:3e:aa:00:03 203.0.113.5/24 peer r1e\nmac ext fa:16:3e:aa:00:03 r1e\nmac ext fa:16:3e:00:00:01 up\n"+
		"route r1 203.0.113.0/24 port r1-ext\n"), new(sim.Ways)
	d, err := packet.ParseDescription("udp 203.0.113.7:1 > 203.0.113.9:2 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:03")
	if err != nil {
		t.Fatal(err)
	}
	in := sim.Input{InPort: viewtest.ID[topology.Port]("up"), Frame: d.Frame(), Ways: ways, GiveUp: true}
	for range 3 {
		if r := sim.Simulate(v, in); r.Verdict != sim.Drop || r.Cache {
			t.Fatalf("given up: %s, for all such packets: %v", r.Verdict, r.Cache)
		}
	}
	in.GiveUp = false
	if r := sim.Simulate(v, in); r.Verdict != sim.Wait {
		t.Errorf("the next packet: %s", r.Verdict)
	}
}
