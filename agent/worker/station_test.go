package worker

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// stranger returns a workload behind the same port as e that Neutron knows nothing of: a container, or a nested machine.
func stranger(e endpoint) endpoint {
	s := e
	s.mac = stationMAC(1 << 20)
	return s
}

// toward returns the outputs of the packets sent on since the last call.
func (b *rig) toward() []flow.Output {
	var all []flow.Output
	for _, p := range b.sent() {
		all = append(all, p.Actions.Outputs...)
	}
	return all
}

func TestStationIsLearnedAndSentToDirectly(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	hidden := stranger(b.local[0])
	b.miss(b.local[1], udp(b.local[1], hidden, 1))
	if got := b.toward(); len(got) != 3 {
		t.Fatalf("a frame to an unknown station went to %v, want all other ports", got)
	}
	<-b.Changed() // of Apply and the like
	b.miss(hidden, udp(hidden, b.local[1], 2))
	b.sent()
	select {
	case <-b.Changed():
	default:
		t.Error("nobody was told to report the station")
	}
	if got := b.Facts().Learned; len(got) != 1 || got[0].Port != b.local[0].port || got[0].MAC != hidden.mac {
		t.Fatalf("learned %v, want the station behind tap0", got)
	}
	b.miss(b.local[1], udp(b.local[1], hidden, 1))
	if got := b.toward(); len(got) != 1 || got[0].Port != b.local[0].port {
		t.Errorf("a frame to the learned station went to %v, want tap0", got)
	}
	checkFlows(t, b.Worker, b.datapath)
}

func TestStationLivesAsLongAsItsFlowsAreUsed(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	hidden := stranger(b.local[0])
	b.miss(hidden, udp(hidden, b.local[1], 1))
	b.miss(hidden, udp(hidden, b.local[1], 1)) // the first packet's flow went when the station was learned
	for range 5 {
		b.clock.advance(10 * time.Second) // the recorder says that the flow was used just now
		if err := b.sweep(); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.Facts().Learned) != 1 {
		t.Fatal("a station that sends all the time was forgotten")
	}
	for k, e := range b.datapath.flows {
		e.Stats.LastUsed = learnedLife
		b.datapath.flows[k] = e
	}
	b.clock.advance(learnedLife)
	if err := b.sweep(); err != nil {
		t.Fatal(err)
	}
	if got := b.Facts().Learned; len(got) != 0 {
		t.Errorf("a silent station is remembered: %v", got)
	}
	checkFlows(t, b.Worker, b.datapath)
}

func TestEchoesOfOneselfAreIgnored(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	hidden := stranger(b.local[0])
	b.miss(hidden, udp(hidden, b.local[1], 1))
	mine := b.Facts().Learned[0]

	// The cluster missed a report: it takes the station away, and shows the host with an address that it no longer has.
	b.Apply(view.Delta{
		Puts:    []topology.Object{&topology.Host{ID: b.host}},
		Deletes: []topology.Key{mine.Key()},
	})
	if len(b.Facts().Learned) != 1 || b.view.Object(mine.Key()) == nil {
		t.Error("the host forgot its own station because the cluster did")
	}
	if got := b.view.Host(b.host); got != b.self {
		t.Errorf("the host believes the cluster about itself: %+v", got)
	}
	// A record of an earlier life of this agent is not believed either.
	old := topology.NewLearnedMAC(b.network.bridge.ID, stationMAC(1<<21), b.local[0].port, b.host)
	b.Apply(view.Delta{Puts: []topology.Object{old}})
	if b.view.Object(old.Key()) != nil {
		t.Error("the host believes an echo of what it has forgotten")
	}
}

func TestStationThatMovedToAnotherHostIsForgotten(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	hidden := stranger(b.local[0])
	b.miss(hidden, udp(hidden, b.local[1], 1))
	moved := topology.NewLearnedMAC(b.network.bridge.ID, hidden.mac, b.remote.port, b.other)
	b.Apply(view.Delta{Puts: []topology.Object{moved}})
	if got := b.Facts().Learned; len(got) != 0 {
		t.Errorf("still reports %v", got)
	}
	at, ok := b.view.Station(b.network.bridge.ID, hidden.mac)
	if !ok || at.Port != b.remote.port {
		t.Errorf("the station is at %v, want behind the other host's port", at)
	}
	checkFlows(t, b.Worker, b.datapath)
}

// TestWhatOthersSayHoldsAgain: a station that the cluster has at another host sends here, once or behind a port that goes. The cluster does not
// say again what it has said all the time.
func TestWhatOthersSayHoldsAgain(t *testing.T) {
	for name, ends := range map[string]func(*rig){
		"silent": func(b *rig) {
			b.clock.advance(learnedLife)
			if err := b.sweep(); err != nil {
				b.t.Fatal(err)
			}
		},
		"unplugged": func(b *rig) { b.SetInterfaces(b.interfaces()[1:]) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newRig(t, 2)
			b.Apply(b.network.snapshot())
			hidden := stranger(b.local[0])
			there := topology.NewLearnedMAC(b.network.bridge.ID, hidden.mac, b.remote.port, b.other)
			b.Apply(view.Delta{Puts: []topology.Object{there}})
			b.miss(hidden, udp(hidden, b.local[1], 1))
			if at, _ := b.view.Station(b.network.bridge.ID, hidden.mac); at.Port != hidden.port {
				t.Fatalf("the station that has sent here is at %v", at)
			}
			ends(b)
			if at, _ := b.view.Station(b.network.bridge.ID, hidden.mac); at.Port != b.remote.port || len(b.Facts().Learned) != 0 {
				t.Errorf("then it is at %v, and learned are %v, want it where the other host has it", at, b.Facts().Learned)
			}
			checkFlows(t, b.Worker, b.datapath)
			b.Apply(view.Delta{Deletes: []topology.Key{there.Key()}})
			if at, known := b.view.Station(b.network.bridge.ID, hidden.mac); known {
				t.Errorf("when it has gone there it is at %v", at)
			}
		})
	}
}

// TestWhatComesBackIsSaidAnew: a station and a router's neighbour are here, then at another host, and here again before this one has made
// another report. The cluster, to which this host would seem to say what it did all the time, gets a report without them first.
func TestWhatComesBackIsSaidAnew(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	hidden := stranger(b.local[0])
	neighbour := sim.Resolved{Router: id.New[topology.Router](), Port: id.New[topology.Port](), Addr: netip.MustParseAddr("10.0.0.9"), MAC: hidden.mac}
	here := func() {
		b.miss(hidden, udp(hidden, b.local[1], 1))
		b.mu.Lock()
		defer b.mu.Unlock()
		b.learn(nil, []sim.Resolved{neighbour})
	}
	says := func(what string, stations int) {
		t.Helper()
		if f := b.Report(); len(f.Learned) != stations || len(f.Found) != stations {
			t.Errorf("%s it reports %v and %v, want %d of each", what, f.Learned, f.Found, stations)
		}
	}
	here()
	says("at first", 1)
	select {
	case <-b.Changed():
	default:
	}
	b.Apply(view.Delta{Puts: []topology.Object{
		topology.NewLearnedMAC(b.network.bridge.ID, hidden.mac, b.remote.port, b.other),
		topology.NewRouterNeighbour(neighbour.Router, neighbour.Port, neighbour.Addr, stationMAC(1), b.other),
	}})
	select {
	case <-b.Changed():
	default:
		t.Error("nobody was told to report that they have gone")
	}
	here()
	says("when they are back", 0)
	select {
	case <-b.Changed():
	default:
		t.Error("nobody was told to report them again")
	}
	says("then", 1)
	mine := b.Facts()
	b.SayAnew([]topology.Key{mine.Learned[0].Key(), mine.Found[0].Key(), {Kind: topology.KindLearnedMAC, ID: [16]byte{1}}})
	says("when the cluster has them elsewhere all the same", 0)
	says("and then", 1)
	says("from then on", 1)
}

// TestAPortWithManyStationsLearnsNoMore, and does not leave one that has moved there where it was; when others fall silent there is room again, also
// for a station that sends by one flow all the time.
func TestAPortWithManyStationsLearnsNoMore(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	here, there := stranger(b.local[0]), stranger(b.local[1])
	b.miss(there, udp(there, b.local[2], 1))
	b.mu.Lock()
	for n := range maxLearnedPerPort {
		b.learn([]sim.Learned{{Bridge: b.network.bridge.ID, MAC: stationMAC(1000 + n), Port: here.port}}, nil)
	}
	b.mu.Unlock()
	b.miss(here, udp(here, b.local[2], 1))
	b.miss(here, udp(here, b.local[2], 1)) // the first packet's flow went when the station left its other port
	b.sent()
	b.miss(b.local[2], udp(b.local[2], here, 1))
	if got := b.toward(); len(got) != 3 {
		t.Errorf("a frame to the station that was not learned went to %v, want all other ports", got)
	}
	if got := b.Facts().Learned; len(got) != maxLearnedPerPort || b.learned.refused != 2 {
		t.Errorf("%d stations are learned and %d were refused, want %d and 2", len(got), b.learned.refused, maxLearnedPerPort)
	}
	checkFlows(t, b.Worker, b.datapath)

	b.clock.advance(learnedLife) // the recorder says that the flow was used just now
	if err := b.sweep(); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(b.datapath.keys(), func(k flow.Key) bool { return k.SrcMAC == here.mac }) {
		t.Error("the flow of the station that was not learned goes on")
	}
	b.miss(here, udp(here, b.local[2], 1))
	if got := b.Facts().Learned; len(got) != 1 || got[0].MAC != here.mac {
		t.Errorf("when there is room again, learned are %v, want the station", got)
	}
}

// TestStationsAreKnownToTheNextAgent: who sends by flows that are kept is no miss, and is learned from them, if it has sent lately.
func TestStationsAreKnownToTheNextAgent(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	talks, silent := stranger(b.local[0]), stranger(b.local[0])
	silent.mac = stationMAC(1 << 21)
	for _, s := range []endpoint{talks, silent} {
		b.miss(s, udp(s, b.local[1], 1))
		b.miss(s, udp(s, b.local[1], 1)) // the first packet's flow went when the station was learned
	}
	for k, e := range b.datapath.flows {
		if k.SrcMAC == silent.mac {
			e.Stats.LastUsed = learnedLife
			b.datapath.flows[k] = e
		}
	}
	b.Worker = b.restart()
	b.Apply(b.network.snapshot())
	if err := b.adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.Facts().Learned; len(got) != 1 || got[0].MAC != talks.mac {
		t.Errorf("the next agent has learned %v, want the station that sends", got)
	}
	checkFlows(t, b.Worker, b.datapath)
}

// TestManyPortsInOneBatch shows that one port's packets do not decide over another's in the same batch.
func TestManyPortsInOneBatch(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	garbage := datapath.Miss{InPort: b.local[0].port, Frame: []byte{1, 2, 3}}
	unknown := datapath.Miss{InPort: id.New[topology.Port](), Frame: udp(b.local[0], b.local[1], 1)}
	good := datapath.Miss{InPort: b.local[1].port, Frame: udp(b.local[1], b.local[0], 1)}
	b.serve([]datapath.Miss{garbage, unknown, good, garbage})
	if got := b.toward(); len(got) != 1 || got[0].Port != b.local[0].port {
		t.Errorf("sent to %v, want the good packet alone to tap0", got)
	}
	if b.counters.drops[dropMalformed].Load() != 2 || b.counters.drops[dropUnplugged].Load() != 1 {
		t.Errorf("%d malformed and %d of no port counted, want 2 and 1",
			b.counters.drops[dropMalformed].Load(), b.counters.drops[dropUnplugged].Load())
	}
}
