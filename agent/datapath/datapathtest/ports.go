package datapathtest

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// outside is what sources become in these tests.
var outside = netip.MustParseAddr("203.0.113.5")

// translating returns a seed of connections like that of the packet, from s to the station, whose sources become outside and one of the ports.
func (s *station) translating(h packet.Header, number uint64, to *station, ports ...uint16) flow.Flow {
	f := s.seed(h, flow.BothPorts, to)
	f.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldSrcIP | flow.FieldSrcPort | flow.FieldTTL, SrcIP: outside, SrcPort: 1, Hops: 1}
	f.Seed.Number, f.Seed.Ports = number, ports
	f.Seed.Answer.DstIP = outside
	f.Seed.Answers.Rewrite = flow.Rewrite{Fields: flow.FieldDstIP | flow.FieldDstPort, DstIP: h.SrcIP, DstPort: 2}
	return f
}

// translates has the station begin a connection to another, and returns the port that its source gets; 0 where the packet is a miss.
func (s *station) translates(of flow.Flow, h packet.Header, to *station) uint16 {
	s.t.Helper()
	s.send(h.Frame(payload))
	m := receive(s.t, s.host)
	if m.Born == nil {
		return 0
	}
	first := s.flow(h.Frame(payload)).Key
	port := m.Born.Port
	_, answer, _ := of.Given(first, port)
	if want := (datapath.Birth{Seed: of.Seed.Number, First: first, Answer: answer, Port: port}); *m.Born != want {
		s.t.Fatalf("%+v is born, want %+v", *m.Born, want)
	}
	out := with(h, func(h *packet.Header) { h.SrcIP, h.SrcPort, h.TTL = outside, port, h.TTL-1 })
	to.expect(out.Frame(payload))
	back := answerTo(out)
	to.send(back.Frame(payload))
	s.expect(with(back, func(b *packet.Header) { b.DstIP, b.DstPort = h.SrcIP, h.SrcPort }).Frame(payload))
	return port
}

// testSeedsGivePorts begins connections that get ports: each source port has one, whatever it speaks to, and no two have the same.
func testSeedsGivePorts(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	header := ipv4(packet.ProtoUDP, 4000, 80)
	seed := a.translating(header, 1<<41, b, 1024, 1030, 65535)
	a.install(seed)
	from := func(src, dst uint16) packet.Header {
		return with(header, func(h *packet.Header) { h.SrcPort, h.DstPort = src, dst })
	}
	if got := a.translates(seed, from(5000, 80), b); got != 0 {
		t.Fatalf("port %d is given where nobody has promised that there is an agent", got)
	}
	attend(t, h, time.Hour)
	given := map[uint16]uint16{}
	owner := map[uint16]uint16{}
	for _, c := range [][2]uint16{{5000, 80}, {5001, 80}, {5000, 81}, {5001, 0}, {5002, 80}, {5000, 65535}} {
		port := a.translates(seed, from(c[0], c[1]), b)
		if was, ok := given[c[0]]; ok && was != port {
			t.Errorf("source port %d gets %d, and had %d", c[0], port, was)
		}
		if other, ok := owner[port]; ok && other != c[0] || port != 1024 && port != 1030 && port != 65535 {
			t.Errorf("source port %d gets %d, which %d has", c[0], port, other)
		}
		given[c[0]], owner[port] = port, c[0]
	}
	before := counters(t, h)
	if got := a.translates(seed, from(5003, 80), b); got != 0 {
		t.Errorf("port %d is given of three that are", got)
	}
	expectCounters(t, h, before, datapath.Counters{Misses: 1})
	if got := a.translates(seed, from(5002, 90), b); got != given[5002] {
		t.Errorf("a source port with a port gets %d when all are given, want %d", got, given[5002])
	}

	// The next seed has ports of its own, and another number.
	next := a.translating(header, 1<<41+1, b, 2000, 2001)
	a.install(next)
	if got := a.translates(next, from(5000, 90), b); got != 2000 {
		t.Errorf("port %d is given of the next seed", got)
	}
	if got := a.translates(next, from(2001, 90), b); got != 2001 { // its own
		t.Errorf("port %d is given, want 2001", got)
	}
	attend(t, h, -time.Second) // the datapath's clock is a coarse one
	if got := a.translates(next, from(5000, 91), b); got != 0 {
		t.Errorf("port %d is given when the agent has not promised to be there", got)
	}
	attend(t, h, time.Hour)
	if got := a.translates(next, from(5000, 91), b); got != 2000 {
		t.Errorf("port %d is given, want 2000", got)
	}
	many := a.translating(header, 1<<41+2, b, make([]uint16, flow.MaxSeedPorts+1)...)
	if err := h.Datapath.Install([]flow.Flow{many}); err == nil {
		t.Errorf("a seed with %d ports: no error", len(many.Seed.Ports))
	}
}

func attend(t *testing.T, h *Host, length time.Duration) {
	t.Helper()
	if err := h.Datapath.Attend(length); err != nil {
		t.Fatalf("Attend: %v", err)
	}
}

// testPortsAreGivenOnce has several senders at once open connections from the same source ports, more than there are ports.
func testPortsAreGivenOnce(t *testing.T, newHarness NewHarness) {
	h := newHarness(t, Options{MaxFlows: 1 << 14, MissRate: 1_000_000, MissBurst: 100_000})[0]
	a, b := plug(t, h, 0), plug(t, h, 0)
	attend(t, h, time.Hour)
	const senders, sources, destinations = 2, flow.MaxSeedPorts + 4, 3
	header := ipv4(packet.ProtoUDP, 4000, 80)
	ports := make([]uint16, flow.MaxSeedPorts)
	for i := range ports {
		ports[i] = uint16(1024 + i)
	}
	seed := a.translating(header, 1<<41, b, ports...)
	a.install(seed)
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for dst := range uint16(destinations) {
				for src := range uint16(sources) {
					h := with(header, func(h *packet.Header) { h.SrcPort, h.DstPort = 3000+src, 100*uint16(sender)+dst })
					a.Send(t, h.Frame(payload))
				}
			}
		})
	}
	sending.Wait()
	given, owner := map[uint16]uint16{}, map[uint16]uint16{}
	born, missed := 0, 0
	deadline := time.Now().Add(patience)
	c := counters(t, h)
	for ; c.Born+c.Misses+c.MissesLost < senders*sources*destinations && time.Now().Before(deadline); c = counters(t, h) {
		time.Sleep(time.Millisecond)
	}
	for range c.Born + c.Misses {
		m := receive(t, h)
		if m.Born == nil {
			missed++
			continue
		}
		born++
		src, port := m.Born.First.SrcPort, m.Born.Port
		if was, ok := given[src]; ok && was != port {
			t.Errorf("source port %d has %d and %d", src, was, port)
		}
		if other, ok := owner[port]; ok && other != src {
			t.Errorf("port %d is given to %d and %d", port, other, src)
		}
		given[src], owner[port] = port, src
	}
	if len(given) < flow.MaxSeedPorts-4 || missed == 0 {
		t.Errorf("%d of %d ports were given, %d connections begun and %d missed", len(given), flow.MaxSeedPorts, born, missed)
	}
}
