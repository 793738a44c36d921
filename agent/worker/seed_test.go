package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// begins does what a datapath does with the packet, for which there is the seed, and returns its word of it.
func (r *recorder) begins(t testing.TB, of flow.Flow, m datapath.Miss) datapath.Miss {
	r.mu.Lock()
	defer r.mu.Unlock()
	born := birth(t, of, m)
	for key, actions := range map[flow.Key]flow.Actions{born.Born.First: of.Actions, born.Born.Answer: of.Seed.Answers} {
		if _, there := r.flows[key]; !there {
			r.flows[key] = datapath.Entry{Key: key, Actions: actions}
		}
	}
	return born
}

// TestSeedsAreSown opens some connections of each kind, which show whether the datapath may begin the next ones.
func TestSeedsAreSown(t *testing.T) {
	open := filtered + "\nchain web accept tcp; accept udp"
	local := strings.Replace(twoRouters, "bind vm3 h2 tap0", "bind vm3 h1 tap1", 1) + "block r1 203.0.113.5 1024 h1\n"
	outside := strings.Replace(local, "port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web",
		"port vm1 ext key 11 source fa:16:3e:00:00:01@203.0.113.20 egress all ingress web\nmac ext fa:16:3e:00:00:01 vm1\nneighbour ext 203.0.113.20 fa:16:3e:00:00:01 vm1", 1)
	l2 := "10.0.0.1:%d > 10.0.0.2:80 smac 02:01:00:00:00:00 dmac 02:02:00:00:00:00"
	floating := "203.0.113.20:%d > 203.0.113.9:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:bb:00:03"
	for name, c := range map[string]struct {
		topology, packets string
		any               flow.Ports // 0: there is no seed
		answer            flow.Ports
	}{
		"to a port that a group lets in":         {filtered, "tcp " + l2, flow.SrcPort, flow.DstPort},
		"to any port":                            {open, "tcp " + l2, flow.BothPorts, flow.BothPorts},
		"UDP":                                    {open, "udp " + l2, flow.BothPorts, flow.BothPorts},
		"by a floating address":                  {outside, "tcp " + floating, flow.SrcPort, flow.DstPort},
		"UDP by a floating address":              {outside + "chain web accept udp\n", "udp " + floating, flow.BothPorts, flow.BothPorts},
		"echo":                                   {filtered + "\nchain web accept", "icmp 10.0.0.1 > 10.0.0.2 id %d smac 02:01:00:00:00:00 dmac 02:02:00:00:00:00", 0, 0},
		"what is dropped":                        {filtered, "udp " + l2, 0, 0},
		"by a port that source NAT has chosen":   {local, "tcp 10.0.0.3:%d > 203.0.113.9:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01", flow.SrcPort, flow.DstPort},
		"to another host":                        {twoRouters, "tcp 10.0.0.3:%d > 203.0.113.9:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01", 0, 0},
		"without state: the flow has a wide key": {strings.ReplaceAll(filtered, "egress all", "egress all stateless"), "tcp " + l2, 0, 0},
		"told to other members of a group of ports": {strings.Replace(filtered, "port vm1 blue", "port vm1 blue group g", 1) +
			"\nhost h2 192.0.2.2\nportgroup g stateful\nport vm9 blue group g\nbind vm9 h2 tap0", "tcp " + l2, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTextRig(t, 64, c.topology)
			for port := range 6 {
				d, err := packet.ParseDescription(fmt.Sprintf(c.packets, 2000+port))
				if err != nil {
					t.Fatal(err)
				}
				r.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port]("vm1"), Frame: d.Frame()}})
			}
			if n := len(r.datapath.seeds); n > 1 || (n == 1) != (c.any != 0) || n != r.seeds.book.len() {
				t.Fatalf("seeds %v, %d in the book", r.datapath.seeds, r.seeds.book.len())
			}
			for _, f := range r.datapath.seeds {
				if f.Key.Any != c.any || f.Seed.Answer.Any != c.answer || f.Seed.Number == 0 {
					t.Errorf("the seed is of %s, and of answers %s, want any of %d and %d", f.Key, f.Seed.Answer, c.any, c.answer)
				}
				for _, tag := range r.seeds.book.tagsOf(f.Key) {
					if tag.Class == flow.TagState && tag != answersTag(flow.Conn{Proto: packet.ProtoUDP, Src: server, Dst: netip.MustParseAddr("10.0.1.3")}) {
						t.Errorf("a connection of its own says when the seed goes: %v", tag)
					}
				}
			}
			checkFlows(t, r.Worker, r.datapath)
		})
	}
}

// TestBirthsAreHeardOf: what the datapath has begun is in the book, with its states, and is not installed again.
func TestBirthsAreHeardOf(t *testing.T) {
	r := newTextRig(t, 64, filtered)
	seed := r.sown(packet.ProtoTCP)
	installs, misses, states := r.counters.installs.Load(), r.counters.misses.Load(), r.cfg.State.Stats()
	born := r.datapath.begins(t, seed, opening(packet.ProtoTCP, 2000))
	r.sent()
	r.serve([]datapath.Miss{born})
	if n := r.counters.installs.Load() - installs; n != 0 || r.counters.misses.Load() != misses || r.counters.born.Load() != 1 || len(r.sent()) != 0 {
		t.Errorf("%d flows were installed", n)
	}
	if s := r.cfg.State.Stats(); s.States != states.States+1 || s.Flows != states.Flows+2 {
		t.Errorf("%d states of %d flows, after %d of %d", s.States, s.Flows, states.States, states.Flows)
	}
	if !r.flows.has(born.Born.First) || !r.flows.has(born.Born.Answer) || r.flows.len() != len(r.datapath.keys()) {
		t.Errorf("the book has %d flows, of %v", r.flows.len(), r.datapath.keys())
	}
	checkFlows(t, r.Worker, r.datapath)

	// Told of again, by another CPU's program, nothing changes. A change takes the seed and all of them.
	r.serve([]datapath.Miss{born})
	checkFlows(t, r.Worker, r.datapath)
	r.Apply(view.Delta{Puts: viewtest.MustParse("port vm1 blue down")})
	if len(r.datapath.seeds)+len(r.datapath.keys())+r.seeds.book.len()+len(r.seeds.seeds)+len(r.seeds.numbers) != 0 {
		t.Errorf("%v and the seeds %v outlive the port", r.datapath.keys(), r.datapath.seeds)
	}
}

// TestBirthsOfAnOldView changes the topology when the datapath has begun a connection and its word waits to be read.
func TestBirthsOfAnOldView(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		kept   int
	}{
		"that does not matter":             {"chain other accept", 2},
		"by which it is still allowed":     {"chain web accept tcp dport=80; accept udp", 2},
		"by which it is not allowed":       {"chain web accept tcp dport=22", 1}, // what answers it is as it was
		"by which answers are not":         {"port vm1 blue source 02:01:00:00:00:00@10.0.0.1 egress all stateless", 1},
		"by which nothing looks at states": {"port vm1 blue\nport vm2 blue", 2},
		"that unplugs who answers":         {"bind vm2 h2 tap1", 0},
		"that unplugs the first":           {"bind vm1 h2 tap1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTextRig(t, 64, filtered)
			seed := r.sown(packet.ProtoTCP)
			born := r.datapath.begins(t, seed, opening(packet.ProtoTCP, 2000))
			r.Apply(view.Delta{Puts: viewtest.MustParse(c.change)})
			for _, k := range []flow.Key{born.Born.First, born.Born.Answer} { // which the removal of a port may have missed
				r.datapath.flows[k] = datapath.Entry{Key: k, Actions: map[bool]flow.Actions{true: seed.Actions, false: seed.Seed.Answers}[k == born.Born.First]}
			}
			r.serve([]datapath.Miss{born})
			checkFlows(t, r.Worker, r.datapath)
			forwards := 0
			for _, k := range []flow.Key{born.Born.First, born.Born.Answer} {
				if e, ok := r.datapath.flows[k]; ok && !e.Actions.Drop() {
					forwards++
				}
			}
			if forwards != c.kept {
				t.Errorf("%d of the connection's flows forward, want %d: %v", forwards, c.kept, r.datapath.flows)
			}
		})
	}
}

// TestBirthsThatAreNotWhatTheSeedSays: another seed's, flows that were there before, and what there is no room for.
func TestBirthsThatAreNotWhatTheSeedSays(t *testing.T) {
	drop := func(r *rig, k flow.Key) { r.datapath.flows[k] = datapath.Entry{Key: k} }
	for name, c := range map[string]struct {
		is   func(r *rig, born *datapath.Birth)
		gone bool
	}{
		"a seed that has gone": {func(r *rig, born *datapath.Birth) { born.Seed--; drop(r, born.First); drop(r, born.Answer) }, false},
		"a seed of others": {func(r *rig, born *datapath.Birth) {
			other := r.datapath.seeds[born.First.Wide(flow.SrcPort)]
			other.Key.DstPort, other.Seed = 443, &flow.Seed{Answer: other.Seed.Answer, Answers: other.Seed.Answers}
			r.seeds.add(other, []flow.Tag{portTag(born.First.InPort)}, r.clock.Now())
			born.Seed = other.Seed.Number
			drop(r, born.First)
			drop(r, born.Answer)
		}, false},
		"an answer that came before it": {func(r *rig, born *datapath.Birth) {
			r.serve([]datapath.Miss{{InPort: born.Answer.InPort, Frame: born.Answer.Frame()}})
		}, false},
		"a first packet that was a miss": {func(r *rig, born *datapath.Birth) {
			r.serve([]datapath.Miss{{InPort: born.First.InPort, Frame: born.First.Frame()}})
			drop(r, born.First)
		}, false},
		"no room for what it is remembered": {func(r *rig, born *datapath.Birth) { r.fillStates() }, true},
		"no room in the book":               {func(r *rig, born *datapath.Birth) { r.cfg.MaxFlows = 0 }, true},
		"a port that has gone": {func(r *rig, born *datapath.Birth) {
			delete(r.plugged, born.First.InPort)
			delete(r.plugged, born.Answer.InPort)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTextRig(t, 4, filtered)
			seed := r.sown(packet.ProtoTCP)
			m := opening(packet.ProtoTCP, 2000)
			born := birth(t, seed, m)
			if name != "an answer that came before it" {
				born = r.datapath.begins(t, seed, m)
			}
			c.is(r, born.Born)
			r.datapath.begins(t, seed, m)
			r.serve([]datapath.Miss{born})
			_, first := r.datapath.flows[born.Born.First]
			_, answer := r.datapath.flows[born.Born.Answer]
			if first == c.gone || answer == c.gone {
				t.Errorf("flows of the first packet: %v, of answers: %v", first, answer)
			}
			if r.isPlugged(born.Born.First.InPort) {
				checkFlows(t, r.Worker, r.datapath)
			}
		})
	}
}

// fillStates has other connections take the room for what is remembered.
func (b *rig) fillStates() {
	for port := uint16(10); b.cfg.State.Stats().Refused == 0; port++ {
		b.serve([]datapath.Miss{opening(packet.ProtoTCP, port)})
	}
}

// TestSeedsGoWhenNothingComesOfThem, and stay while connections do.
func TestSeedsGoWhenNothingComesOfThem(t *testing.T) {
	r := newTextRig(t, 64, filtered)
	seed := r.sown(packet.ProtoTCP)
	for port := range uint16(4) {
		r.clock.advance(sim.IdleForward - time.Second)
		if err := r.sweep(); err != nil {
			t.Fatal(err)
		}
		if len(r.datapath.seeds) != 1 {
			t.Fatalf("the seed of %d connections has gone", port)
		}
		r.serve([]datapath.Miss{r.datapath.begins(t, seed, opening(packet.ProtoTCP, 2000+port))})
	}
	r.clock.advance(sim.IdleForward)
	if err := r.sweep(); err != nil {
		t.Fatal(err)
	}
	if len(r.datapath.seeds)+r.seeds.book.len() != 0 {
		t.Errorf("seeds %v stay", r.datapath.seeds)
	}
	if next := r.sown(packet.ProtoTCP); next.Seed.Number == seed.Seed.Number {
		t.Error("the next seed has the number of the last")
	}
}

// TestSeedsGoWhenAPortIsDeliveredToInAnotherWay: the datapath has dropped them as well.
func TestSeedsGoWhenAPortIsDeliveredToInAnotherWay(t *testing.T) {
	r := newTextRig(t, 64, filtered)
	r.sown(packet.ProtoTCP)
	_, unwatch, err := r.Watch(viewtest.ID[topology.Port]("vm2").String())
	if err != nil {
		t.Fatal(err)
	}
	defer unwatch()
	if len(r.datapath.seeds)+r.seeds.book.len() != 0 {
		t.Errorf("seeds %v stay", r.datapath.seeds)
	}
}

// TestSeedsStayKnownWhileDeliveryChanges has connections opened while their workload's port is watched and not watched any more: what the book has of
// seeds the datapath has, which would not be given them again.
func TestSeedsStayKnownWhileDeliveryChanges(t *testing.T) {
	r := newTextRig(t, 1<<10, filtered)
	stop := make(chan struct{})
	var serving sync.WaitGroup
	for n := range uint16(8) { // which wait for each other, so that one comes between any two holds of the mutex
		serving.Go(func() {
			for port := n + 1; ; port += 8 {
				select {
				case <-stop:
					return
				default:
					r.serve([]datapath.Miss{opening(packet.ProtoTCP, port)})
				}
			}
		})
	}
	defer func() { close(stop); serving.Wait() }()
	known := func() int { // in the book
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, f := range r.seeds.seeds {
			if _, there := r.datapath.seeds[f.Key]; !there {
				t.Fatalf("the datapath has lost the seed of %s", f.Key)
			}
		}
		return len(r.seeds.seeds)
	}
	for range 200 {
		for known() == 0 {
			runtime.Gosched()
		}
		_, unwatch, err := r.Watch(viewtest.ID[topology.Port]("vm2").String())
		if err != nil {
			t.Fatal(err)
		}
		unwatch()
	}
}

// TestSeedsThatEndInTheirBatch are of what turns out, in the batch in which they are given, to be answers: the datapath, of which the book would not
// know it, is given none.
func TestSeedsThatEndInTheirBatch(t *testing.T) {
	r := newTextRig(t, 256, natWorld+`
host h2 192.0.2.2
bind vm2 h2 tap0
bind out h1 tap1
forwarding w1 r1 r1-ext udp 203.0.113.10:8080-8080 10.0.0.3:80
floating f1 r1 r1-ext 203.0.113.9 10.0.0.3
chain web accept udp
`)
	vm, out := viewtest.ID[topology.Port]("vm1"), viewtest.ID[topology.Port]("out")
	var misses []datapath.Miss
	for port := range uint16(6) {
		misses = append(misses, datapath.Miss{InPort: vm, Frame: going(packet.ProtoUDP, 1, 3000+port, 53)})
	}
	h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:09"), DstMAC: mac.MustParse("fa:16:3e:aa:00:03"), EtherType: packet.EtherTypeIPv4,
		SrcIP: server, DstIP: netip.MustParseAddr("203.0.113.10"), Proto: packet.ProtoUDP, SrcPort: 5000, DstPort: 8080, TTL: 64}
	before := r.seeds.last
	r.serve(append(misses, datapath.Miss{InPort: out, Frame: h.Frame(nil)}))
	if r.seeds.last == before {
		t.Fatal("no seed was given, so that this test shows nothing")
	}
	if in := len(r.datapath.seeds); in != r.seeds.book.len() {
		t.Errorf("the datapath has %d seeds, and the book %d", in, r.seeds.book.len())
	}
}

// TestWhatTheDatapathDoesNotTake is in no book, and nothing that was in its place stays.
func TestWhatTheDatapathDoesNotTake(t *testing.T) {
	r := newTextRig(t, 64, filtered)
	m := opening(packet.ProtoTCP, 1)
	r.datapath.flows[keyOf(t, m)] = datapath.Entry{Key: keyOf(t, m)} // a drop
	r.datapath.full = true
	for port := range uint16(6) {
		r.serve([]datapath.Miss{opening(packet.ProtoTCP, 1+port)})
	}
	if in := len(r.datapath.keys()) + len(r.datapath.seeds); in != 0 || r.seeds.book.len()+len(r.seeds.seeds)+r.flows.len() != 0 {
		t.Errorf("the datapath has %d flows and seeds, and the book %d flows and %d seeds", in, r.flows.len(), r.seeds.book.len())
	}
	r.datapath.full = false
	r.sown(packet.ProtoTCP)
}

// TestSeedsAreBounded has connections to more ports than there may be seeds: those of which nothing has come for the longest time go.
func TestSeedsAreBounded(t *testing.T) {
	r := newTextRig(t, 1<<16, filtered)
	first := r.sown(packet.ProtoTCP)
	for port := range datapath.MaxSeeds {
		f := flow.Flow{Key: flow.Key{Proto: packet.ProtoTCP, DstPort: uint16(1000 + port), Any: flow.SrcPort}, Seed: new(flow.Seed)}
		r.clock.advance(time.Microsecond)
		r.dropSeeds(r.seeds, r.seeds.book.shrink(datapath.MaxSeeds-1))
		r.seeds.add(f, []flow.Tag{{Class: flow.TagPort}}, r.clock.Now())
		r.plant([]flow.Flow{f})
	}
	if n := len(r.datapath.seeds); n != datapath.MaxSeeds || r.seeds.book.len() != n || len(r.seeds.seeds) != n || len(r.seeds.numbers) != n {
		t.Errorf("%d seeds, %d in the book", n, r.seeds.book.len())
	}
	if _, there := r.datapath.seeds[first.Key]; there {
		t.Error("the oldest is still there")
	}
	for port := range 10 * maxTried {
		r.seeds.try(flow.Key{SrcPort: uint16(port), DstPort: uint16(port >> 16), Any: flow.BothPorts})
	}
	if n := len(r.seeds.tried); n > maxTried {
		t.Errorf("%d keys are remembered of which there was no seed", n)
	}
}

// TestConnectionsBegunWithoutAnAgentAreAdopted, in whatever order the next agent finds their flows.
func TestConnectionsBegunWithoutAnAgentAreAdopted(t *testing.T) {
	for range 20 {
		r := newTextRig(t, 64, filtered+"port vm1 blue source 02:01:00:00:00:00@10.0.0.1 egress all ingress web\n")
		seed := r.sown(packet.ProtoTCP)
		const unheard = 8
		for port := range uint16(unheard) {
			r.datapath.begins(t, seed, opening(packet.ProtoTCP, 2000+port))
		}
		flows := len(r.datapath.keys())
		second := r.restart()
		second.Apply(r.network.snapshot())
		if err := second.adopt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(r.datapath.keys()); n != flows || second.flows.len() != flows || second.counters.adopted.Load() != uint64(flows) {
			t.Fatalf("%d of %d flows are kept, %d are in the book", n, flows, second.flows.len())
		}
		checkFlows(t, second, r.datapath)
		second.Apply(view.Delta{Puts: viewtest.MustParse("port vm1 blue down")})
		if n := len(r.datapath.keys()); n != 0 {
			t.Fatalf("%d flows outlive the port", n)
		}
	}
}

// seedRig is a worker over a datapath that makes flows of seeds, whose word it reads when the test says.
type seedRig struct {
	*Worker
	t        *rapid.T
	datapath *fake.Datapath
	clock    *clock
	taken    uint64 // of what the datapath has told
}

func (r *seedRig) counted() datapath.Counters {
	c, err := r.datapath.Counters()
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// read serves what waits, so many batches of one at most.
func (r *seedRig) read(most int) {
	buf := make([]datapath.Miss, 1)
	for ; most > 0 && r.taken < r.counted().Misses+r.counted().Born; most-- {
		if _, err := r.cfg.Datapath.Receive(context.Background(), buf); err != nil {
			r.t.Fatal(err)
		}
		r.taken++
		r.serve(buf)
	}
}

// check fails the test unless each flow is in the book and what a simulation says, and each seed makes what it says of a new connection.
func (r *seedRig) check() {
	r.t.Helper()
	if err := r.datapath.Entries(func(e datapath.Entry) bool {
		got := sim.Simulate(r.view, sim.Input{InPort: e.Key.InPort, Frame: e.Key.Frame(), State: r.cfg.State})
		if want := r.deliverable(got.Actions); !equal(want, e.Actions) || !r.flows.has(e.Key) {
			r.t.Fatalf("flow %s, in the book: %v, does\n%s\nand the topology says\n%s", e.Key, r.flows.has(e.Key), e.Actions, want)
		}
		return true
	}); err != nil {
		r.t.Fatal(err)
	}
	for _, f := range r.seeds.seeds {
		key := f.Key
		if key.Any = 0; f.Key.Any&flow.SrcPort != 0 {
			key.SrcPort = 60000
		}
		if f.Key.Any&flow.DstPort != 0 {
			key.DstPort = 60001
		}
		got := sim.Simulate(r.view, sim.Input{InPort: key.InPort, Frame: key.Frame(), State: sim.EmptyState{}})
		if len(f.Seed.Ports) > 0 {
			f.Actions.Rewrite.SrcPort = got.Actions.Rewrite.SrcPort
		}
		if !same(&got.Actions, &f.Actions) {
			r.t.Fatalf("the seed of %s does\n%s\nand the topology says\n%s", f.Key, f.Actions, got.Actions)
		}
	}
}

// TestSeedsUnderChanges sends packets through a datapath with seeds while the topology changes and ports come and go, and reads its word of
// them sooner or later. Whenever all is read, the datapath does what the topology says.
func TestSeedsUnderChanges(t *testing.T) {
	const world = filtered + "\nport vm3 blue\nbind vm3 h1 tap2\nmac blue 02:03:00:00:00:00 vm3\n"
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		r := &seedRig{t: t, datapath: fake.New(fake.Config{MaxFlows: 1 << 10}), clock: newClock()}
		states, err := flowstate.Open(flowstate.Config{Size: 1 << 10}, r.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		host := viewtest.ID[topology.Host]("h1")
		r.Worker = New(Config{Host: host, HostName: "h1", Datapath: r.datapath, Cluster: quietCluster{}, State: states,
			Log: slog.New(slog.DiscardHandler), Now: r.clock.Now})
		var taps []Interface
		for i := range 3 {
			name := fmt.Sprintf("tap%d", i)
			r.datapath.AddInterface(name)
			taps = append(taps, Interface{Index: i + 1, PeerNamespace: -1, Interface: topology.Interface{Name: name, Up: true}})
		}
		r.SetInterfaces(taps)
		r.Apply(view.Delta{Puts: viewtest.MustParse(world)})
		for range rapid.IntRange(20, 150).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 49).Draw(t, "step"); {
			case step < 42:
				from := rapid.SampledFrom([]byte{1, 1, 1, 1, 2, 3}).Draw(t, "from")
				to := rapid.SampledFrom([]byte{2, 2, 2, 2, 1, 3}).Draw(t, "to")
				h := packet.Header{SrcMAC: [6]byte{2, from}, DstMAC: [6]byte{2, to}, EtherType: packet.EtherTypeIPv4, SrcIP: netip.AddrFrom4([4]byte{10, 0, 0, from}),
					DstIP: netip.AddrFrom4([4]byte{10, 0, 0, to}), Proto: rapid.SampledFrom([]uint8{packet.ProtoTCP, packet.ProtoUDP}).Draw(t, "protocol"),
					SrcPort: rapid.Uint16Range(2000, 2040).Draw(t, "source port"), DstPort: rapid.SampledFrom([]uint16{80, 80, 22}).Draw(t, "port"), TTL: 64}
				if rapid.IntRange(0, 4).Draw(t, "answer") == 4 {
					h.SrcPort, h.DstPort = h.DstPort, h.SrcPort
				}
				r.datapath.Inject(viewtest.ID[topology.Port](fmt.Sprintf("vm%d", from)), h.Frame(nil))
			case step < 44:
				r.Apply(view.Delta{Puts: viewtest.MustParse(rapid.SampledFrom([]string{"chain web accept tcp dport=80", "chain web accept", "chain web accept udp", "chain all accept",
					"chain all accept tcp; accept udp dport=80", "port vm1 blue", "port vm1 blue source 02:01:00:00:00:00@10.0.0.1 egress all ingress web",
					"bind vm2 h2 tap1", "bind vm2 h1 tap1", "port vm2 blue down", "port vm2 blue source 02:02:00:00:00:00@10.0.0.2 egress all ingress web"}).Draw(t, "change"))})
			case step < 45:
				r.SetInterfaces(taps[:rapid.IntRange(1, 3).Draw(t, "interfaces")])
			case step < 46:
				r.clock.advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
				if err := r.sweep(); err != nil {
					t.Fatal(err)
				}
			case step < 48:
				r.read(rapid.IntRange(0, 3).Draw(t, "read"))
			default:
				r.read(1 << 20)
				r.check()
			}
		}
		r.read(1 << 20)
		r.check()
		seen["born"] += int(r.counted().Born)
		seen["heard of"] += int(r.counters.born.Load())
		seen["hits"] += int(r.counted().Hits)
	})
	t.Logf("%v", seen)
	if seen["born"] == 0 || seen["born"] != seen["heard of"] {
		t.Errorf("%v: as many are to be heard of as are born, and some", seen)
	}
}
