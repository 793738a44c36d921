package worker

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
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
	"midonet.org/midonet/topology"
)

// side is one of two hosts that an underlay joins, whose agents serve when they are told to.
type side struct {
	*Worker
	t        rapid.TB
	datapath *fake.Datapath
	clock    *clock
	far      *fake.Interface // of the host's one workload
	file     string          // that the states are in; empty: none
	name     string
	underlay netip.Addr
	served   uint64
	misses   uint64 // when they were last asked for
}

// sides are h1 with vm1 and h2 with vm2, which know the topology, and what is between them.
func sides(t rapid.TB, text string) (s [2]*side, between *fake.Underlay) {
	t.Helper()
	return sidesIn(t, text, "")
}

// sidesIn are sides whose agents may be followed by others, for which the states are in files whose names begin so.
func sidesIn(t rapid.TB, text, file string) (s [2]*side, between *fake.Underlay) {
	t.Helper()
	between = &fake.Underlay{}
	for i, name := range []string{"h1", "h2"} {
		clock := newClock()
		underlay := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		d := fake.New(fake.Config{Underlay: between, Endpoints: []netip.Addr{underlay}, Now: clock.Now})
		s[i] = &side{t: t, datapath: d, clock: clock, far: d.AddInterface("tap0"), name: name, underlay: underlay}
		if file != "" {
			s[i].file = file + name
		}
		s[i].begin()
		s[i].Apply(view.Delta{Puts: viewtest.MustParse(text)})
	}
	return s, between
}

// begin makes an agent that has not heard of the topology.
func (s *side) begin() {
	s.t.Helper()
	host := viewtest.ID[topology.Host](s.name)
	table, err := flowstate.Open(flowstate.Config{Path: s.file, Host: host, Size: 1 << 10, Random: rand.New(rand.NewPCG(1, 2)).IntN}, s.clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	s.Worker = New(Config{Host: host, HostName: s.name, Datapath: s.datapath, Cluster: quietCluster{}, State: table,
		Log: slog.New(slog.DiscardHandler), Now: s.clock.Now})
	if err := s.withholdPorts(); err != nil {
		s.t.Fatal(err)
	}
	s.SetInterfaces([]Interface{{Index: 1, PeerNamespace: -1, Interface: topology.Interface{Name: "tap0", Up: true}}})
	if err := s.SetUnderlay([]netip.Addr{s.underlay}, 1500); err != nil {
		s.t.Fatal(err)
	}
}

// catchUp serves what waits for the agent.
func (s *side) catchUp() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	batch := make([]datapath.Miss, batchSize)
	for s.waits() > 0 {
		n, err := s.datapath.Receive(ctx, batch)
		if err != nil {
			s.t.Fatal(err)
		}
		s.served += uint64(n)
		s.serve(batch[:n])
	}
}

// waits returns how much waits for the agent.
func (s *side) waits() uint64 {
	s.t.Helper()
	c, err := s.datapath.Counters()
	if err != nil {
		s.t.Fatal(err)
	}
	return c.Misses + c.Born + c.States - s.served
}

// missed returns how many packets the datapath had no flow for since it was last asked.
func (s *side) missed() uint64 {
	c, err := s.datapath.Counters()
	if err != nil {
		s.t.Fatal(err)
	}
	was := s.misses
	s.misses = c.Misses
	return c.Misses - was
}

// check fails the test unless every flow is what a simulation says now, and in the book.
func (s *side) check() {
	s.t.Helper()
	flows := 0
	err := s.datapath.Entries(func(e datapath.Entry) bool {
		flows++
		r := sim.Simulate(s.view, sim.Input{InPort: e.Key.InPort, Frame: e.Key.Frame(), State: s.cfg.State})
		if want := s.deliverable(r.Actions); !equal(want, e.Actions) {
			s.t.Errorf("flow %s: the cache says %s, the topology %s", e.Key, e.Actions, want)
		}
		if s.flows.tagsOf(e.Key) == nil {
			s.t.Errorf("flow %s is not in the book", e.Key)
		}
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if flows != s.flows.len() {
		s.t.Errorf("%d flows are installed, and %d in the book", flows, s.flows.len())
	}
}

// asking returns the n-th connection's first packet and what answers it.
func asking(proto uint8, n int) (first, answer []byte) {
	h := packet.Header{SrcMAC: [6]byte{2, 0, 0, 0, 0, 1}, DstMAC: [6]byte{2, 0, 0, 0, 0, 2}, EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("10.0.0.4"), Proto: proto, SrcPort: uint16(1025 + n), DstPort: 80, TTL: 64}
	first = h.Frame(nil)
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort
	return first, h.Frame(nil)
}

// passes sends the frame from one workload to the other, with the agents asleep where asked is false, and reports whether it comes.
func passes(from, to *side, frame []byte, asked bool) bool {
	from.t.Helper()
	from.far.Send(frame)
	if asked {
		from.catchUp()
		to.catchUp()
	}
	got := to.far.Receive(0)
	if got != nil && !bytes.Equal(got, frame) {
		from.t.Fatalf("got\n%x, want\n%x", got, frame)
	}
	return got != nil
}

// converse opens the n-th connection and answers it.
func converse(t *testing.T, s [2]*side, proto uint8, n int, asked bool) {
	t.Helper()
	first, answer := asking(proto, n)
	if !passes(s[0], s[1], first, asked) || !passes(s[1], s[0], answer, asked) {
		t.Fatalf("connection %d is cut off", n)
	}
}

// warm opens connections until the datapaths know how they are begun.
func warm(t *testing.T, s [2]*side, proto uint8) {
	t.Helper()
	for n := range 6 {
		converse(t, s, proto, n, true)
	}
	s[0].missed()
	s[1].missed()
}

var openings = strings.NewReplacer("192.0.2.1", "192.0.2.1 openings", "192.0.2.2", "192.0.2.2 openings").Replace(answersOnly)

// TestConnectionsAcrossHosts opens connections between two hosts: no agent is asked, and afterwards both know of them.
func TestConnectionsAcrossHosts(t *testing.T) {
	for name, proto := range map[string]uint8{"TCP": packet.ProtoTCP, "UDP": packet.ProtoUDP} {
		t.Run(name, func(t *testing.T) {
			s, _ := sides(t, openings)
			if !s[0].Report().Openings {
				t.Error("the host does not say that it knows openings")
			}
			warm(t, s, proto)
			before := [2]flowstate.Stats{s[0].cfg.State.Stats(), s[1].cfg.State.Stats()}
			const connections = 100
			for n := range connections {
				converse(t, s, proto, 100+n, false)
			}
			for i, side := range s {
				side.catchUp()
				side.check()
				if n := side.missed(); n != 0 {
					t.Errorf("%d packets were misses at h%d", n, i+1)
				}
				if got := side.cfg.State.Stats(); got.States != before[i].States+connections || got.Flows != before[i].Flows+connections {
					t.Errorf("h%d remembers %d states of %d flows, after %d of %d", i+1, got.States, got.Flows, before[i].States, before[i].Flows)
				}
			}
			if got := [2]uint64{s[0].counters.born.Load(), s[1].counters.opened.Load()}; got[0] < connections || got[0] != got[1] {
				t.Errorf("%d connections were begun, and %d heard of", got[0], got[1])
			}

			// The states live on both hosts for as long as the flows are used, and are told again.
			for round := range 6 {
				for n := range connections {
					first, answer := asking(proto, 100+n)
					if !passes(s[0], s[1], first, false) || !passes(s[1], s[0], answer, false) {
						t.Fatalf("connection %d is cut off in round %d", n, round)
					}
				}
				for _, side := range s {
					side.clock.advance(sim.IdleStateful - time.Second)
					if err := side.sweep(); err != nil {
						t.Fatal(err)
					}
					s[0].catchUp()
					s[1].catchUp()
					side.check()
				}
			}
			if got := s[1].cfg.State.Stats(); got.Late != 0 || got.Malformed != 0 || got.States < connections {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestConnectionsWithoutOpenings are those that the first agent is asked for: to a host that does not know of openings, and to ports whose answers
// may come in elsewhere.
func TestConnectionsWithoutOpenings(t *testing.T) {
	for name, text := range map[string]string{
		"an agent of before": answersOnly,
		"a group of ports": strings.Replace(openings, "port vm2 blue", "port vm2 blue group g", 1) +
			"host h3 192.0.2.3 openings\nportgroup g stateful\nport vm3 blue key 13 group g\nbind vm3 h3 tap0\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := sides(t, text)
			warm(t, s, packet.ProtoTCP)
			converse(t, s, packet.ProtoTCP, 100, true)
			if n := s[0].missed(); n != 1 || s[0].seeds.book.len()+s[1].answers.book.len() != 0 {
				t.Errorf("%d misses, seeds of %d and %d", n, s[0].seeds.book.len(), s[1].answers.book.len())
			}
		})
	}
}

// TestOpeningsThatGoAstray has first packets lost and come twice.
func TestOpeningsThatGoAstray(t *testing.T) {
	s, between := sides(t, openings)
	warm(t, s, packet.ProtoTCP)
	first, answer := asking(packet.ProtoTCP, 100)
	between.Copies = func(uint32) int { return 0 }
	if passes(s[0], s[1], first, true) {
		t.Fatal("the first packet comes, so that this test shows nothing")
	}
	between.Copies = nil
	if !passes(s[0], s[1], first, true) { // again: by the flow, and without a word
		t.Error("the connection's first packet does not come when it is sent again")
	}
	if passes(s[1], s[0], answer, true) {
		t.Error("h2 lets in answers to what it has not heard of")
	}
	s[0].tell()
	s[1].catchUp()
	if !passes(s[1], s[0], answer, true) {
		t.Error("h2 has been told, and the answer does not come in")
	}
	s[0].tell() // there is no more
	if c, _ := s[1].datapath.Counters(); c.States != s[1].served-c.Misses-c.Born {
		t.Error("h2 is told twice")
	}

	between.Copies = func(uint32) int { return 2 }
	first, answer = asking(packet.ProtoTCP, 101)
	for _, p := range []struct {
		from, to *side
		frame    []byte
	}{{s[0], s[1], first}, {s[1], s[0], answer}} {
		if !passes(p.from, p.to, p.frame, true) || p.to.far.Receive(0) == nil {
			t.Fatal("a packet is not there twice")
		}
	}
	s[0].check()
	s[1].check()
}

// TestOpeningsAfterAChange changes what the two hosts know, together or one alone, when they have seeds: these go, and connections are what the
// topology says.
func TestOpeningsAfterAChange(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		at     []int
		seeds  [2]int
		passes bool
	}{
		"what does not matter":                          {"chain other accept", []int{0, 1}, [2]int{1, 1}, true},
		"h2 alone knows another rule":                   {"chain none accept tcp", []int{1}, [2]int{1, 1}, true},
		"answers have another way at h2 alone":          {"port vm1 blue key 13 source 02:00:00:00:00:01@10.0.0.3 egress all ingress none", []int{1}, [2]int{1, 0}, false},
		"h1 lets nothing out":                           {"chain all", []int{0}, [2]int{0, 1}, false},
		"h2 is an older one again":                      {"host h2 192.0.2.2", []int{0}, [2]int{0, 1}, true},
		"the first workload is not the one that it was": {"port vm1 blue key 11 source 02:00:00:00:00:01@10.0.0.9 egress all ingress none", []int{0, 1}, [2]int{0, 0}, false},
		"the second workload is down":                   {"port vm2 blue key 12 down", []int{0, 1}, [2]int{0, 0}, false},
		"the second host is reached by another address": {"host h2 192.0.2.9 openings", []int{0}, [2]int{0, 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := sides(t, openings)
			warm(t, s, packet.ProtoTCP)
			for _, i := range c.at {
				s[i].Apply(view.Delta{Puts: viewtest.MustParse(c.change)})
			}
			if got := [2]int{s[0].seeds.book.len(), s[1].answers.book.len()}; got != c.seeds {
				t.Errorf("%v seeds are left, want %v", got, c.seeds)
			}
			first, answer := asking(packet.ProtoTCP, 100)
			through := passes(s[0], s[1], first, true) && passes(s[1], s[0], answer, true)
			if through != c.passes {
				t.Errorf("a connection is made: %v, want %v", through, c.passes)
			}
			s[0].check()
			s[1].check()
		})
	}
}

// TestOpeningsHeardOfLate has h2's agent hear of a connection when what it knows has changed: the answer's flow, which the datapath has made, is
// what it says now.
func TestOpeningsHeardOfLate(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		passes bool
	}{
		"nothing that matters":       {"chain other accept", true},
		"answers are sent elsewhere": {"port vm1 blue key 13 source 02:00:00:00:00:01@10.0.0.3 egress all ingress none", false},
		"it is another workload":     {"port vm2 blue key 12 source 02:00:00:00:00:02@10.0.0.8 egress none ingress all", false},
		"it is plugged in at h1":     {"bind vm2 h1 tap9", false},
		"answers are let in anyway":  {"port vm2 blue key 12", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := sides(t, openings)
			warm(t, s, packet.ProtoTCP)
			first, answer := asking(packet.ProtoTCP, 100)
			if !passes(s[0], s[1], first, false) {
				t.Fatal("the first packet does not come")
			}
			s[1].Apply(view.Delta{Puts: viewtest.MustParse(c.change)})
			s[1].catchUp()
			if passes(s[1], s[0], answer, true) != c.passes {
				t.Errorf("the answer passes: %v, want %v", !c.passes, c.passes)
			}
			s[1].check()
		})
	}
}

// TestOpeningsWithoutSeedsOfAnswers has h2 forget how answers look: it serves each when it hears of the connection, and knows again soon.
func TestOpeningsWithoutSeedsOfAnswers(t *testing.T) {
	s, _ := sides(t, openings)
	warm(t, s, packet.ProtoTCP)
	s[1].withdrawSeeds([]flow.Tag{portTag(viewtest.ID[topology.Port]("vm2"))})
	if n := s[1].answers.book.len(); n != 0 {
		t.Fatalf("%d seeds are left", n)
	}
	first, answer := asking(packet.ProtoTCP, 100)
	if !passes(s[0], s[1], first, false) || passes(s[1], s[0], answer, false) {
		t.Fatal("the answer is no miss, so that this test shows nothing")
	}
	s[1].catchUp() // the word first
	if s[0].far.Receive(0) == nil {
		t.Error("the answer does not come in though h2 has heard of the connection")
	}
	if n := s[1].answers.book.len(); n != 1 {
		t.Errorf("there are %d seeds of answers", n)
	}
	converse(t, s, packet.ProtoTCP, 101, false)
	s[1].catchUp()
	s[1].check()
}

// TestOpeningsBehindTheirAnswers: what h2 has not let in because nobody had asked passes when it hears that somebody has.
func TestOpeningsBehindTheirAnswers(t *testing.T) {
	s, _ := sides(t, openings)
	warm(t, s, packet.ProtoUDP)
	first, answer := asking(packet.ProtoUDP, 100)
	if passes(s[1], s[0], answer, true) {
		t.Fatal("h2 lets in answers that nobody has asked for")
	}
	if !passes(s[0], s[1], first, true) || !passes(s[1], s[0], answer, true) {
		t.Error("the answer does not come in")
	}
	s[1].check()
}

// TestQuestionsWithoutAnswers: h2's agent is not told of each that may be answered, and knows of it a little later.
func TestQuestionsWithoutAnswers(t *testing.T) {
	s, _ := sides(t, openings)
	warm(t, s, packet.ProtoUDP)
	s[0].tell()
	s[1].catchUp()
	opened, known := s[1].counters.opened.Load(), s[1].cfg.State.Stats().States
	const questions = 50
	for n := range questions {
		if first, _ := asking(packet.ProtoUDP, 100+n); !passes(s[0], s[1], first, true) {
			t.Fatalf("question %d does not come", n)
		}
	}
	if got := s[1].counters.opened.Load(); got != opened || s[1].cfg.State.Stats().States != known {
		t.Errorf("h2 has heard of %d questions, and remembers %d states more", got-opened, s[1].cfg.State.Stats().States-known)
	}
	s[0].tell()
	s[1].catchUp()
	if got := s[1].cfg.State.Stats().States; got != known+questions {
		t.Errorf("h2 has been told, and remembers %d states more of %d questions", got-known, questions)
	}
	for n := range questions {
		if _, answer := asking(packet.ProtoUDP, 100+n); !passes(s[1], s[0], answer, false) {
			t.Fatalf("answer %d does not come in", n)
		}
	}
	s[1].catchUp()
	s[1].check()
	if got := s[1].counters.opened.Load(); got != opened+questions || s[1].missed() != 0 {
		t.Errorf("h2 has heard of %d connections with an answer, want %d", got-opened, questions)
	}
}

// TestLaterIsNotLong tells what h2 was to be told later when it is enough for a message, and by itself after a moment.
func TestLaterIsNotLong(t *testing.T) {
	s, _ := sides(t, openings)
	warm(t, s, packet.ProtoTCP)
	s[0].tell()
	s[1].catchUp()
	told := func() uint64 { return s[1].cfg.State.Stats().Messages }
	before := told()
	for n := range laterStates {
		if s[1].catchUp(); told() != before {
			t.Fatalf("h2 is told after %d connections", n)
		}
		converse(t, s, packet.ProtoTCP, 100+n, true)
	}
	if s[1].catchUp(); told() != before+1 {
		t.Errorf("h2 got %d messages of %d connections", told()-before, laterStates)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s[0].tellLater(ctx) }()
	converse(t, s, packet.ProtoTCP, 99, true)
	awaitTrue(t, "h2 is told", func() bool { s[1].catchUp(); return told() == before+2 })
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Error(err)
	}
}
