package datapathtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// Flags of TCP (RFC 9293 section 3.1).
const fin, syn, rst, push, ack = 0x01, 0x02, 0x04, 0x08, 0x10

// flagged returns a TCP packet with the flags.
func flagged(h packet.Header, flags byte) []byte {
	frame := h.Frame(payload)
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		panic(err)
	}
	at, sum := p.L4+13, p.L4+16
	was := binary.BigEndian.Uint16(frame[at-1:])
	frame[at] = flags
	now := binary.BigEndian.Uint16(frame[at-1:])
	update := uint32(^binary.BigEndian.Uint16(frame[sum:])) + uint32(^was) + uint32(now) // RFC 1624
	update = update>>16 + update&0xffff
	binary.BigEndian.PutUint16(frame[sum:], ^uint16(update>>16+update&0xffff))
	return frame
}

// answerTo returns the header of what answers a packet with the header.
func answerTo(h packet.Header) packet.Header {
	h.SrcMAC, h.DstMAC, h.SrcIP, h.DstIP, h.SrcPort, h.DstPort = h.DstMAC, h.SrcMAC, h.DstIP, h.SrcIP, h.DstPort, h.SrcPort
	return h
}

// seed returns a seed of the connections that s may open to another station by packets which differ from one with the header in the ports
// any: nothing is rewritten.
func (s *station) seed(h packet.Header, any flow.Ports, to *station) flow.Flow {
	f, back := s.flow(h.Frame(payload), to.local()), to.flow(answerTo(h).Frame(payload), s.local())
	f.Key = f.Key.Wide(any)
	f.Seed = &flow.Seed{Number: 1<<40 + uint64(any), Answer: back.Key.Wide(any.Exchanged()), Answers: back.Actions}
	return f
}

// expectBirth takes the next miss, which tells of the connection that the frame from this station has begun.
func (s *station) expectBirth(of flow.Flow, frame []byte) datapath.Birth {
	s.t.Helper()
	m := receive(s.t, s.host)
	first := s.flow(frame).Key
	want := datapath.Birth{Seed: of.Seed.Number, First: first, Answer: of.Seed.AnswerTo(first)}
	if m.Born == nil || *m.Born != want || m.InPort != s.port.ID || m.State || m.Frame != nil {
		s.t.Fatalf("%+v of %s was received, want the birth %+v", m, s.port.ID, want)
	}
	return *m.Born
}

func testSeeds(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, c := range []struct {
		name  string
		of    packet.Header
		any   flow.Ports
		flags byte // of TCP
		is    packet.Header
		born  bool
	}{
		{"TCP, any ports", ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, syn, ipv4(packet.ProtoTCP, 1, 65535), true},
		{"TCP of IPv6, any source port", ipv6(packet.ProtoTCP, 4000, 80), flow.SrcPort, syn, ipv6(packet.ProtoTCP, 65535, 80), true},
		{"TCP, any destination port", ipv4(packet.ProtoTCP, 4000, 80), flow.DstPort, syn, ipv4(packet.ProtoTCP, 4000, 0), true},
		{"UDP, any ports", ipv4(packet.ProtoUDP, 4000, 80), flow.BothPorts, 0, ipv4(packet.ProtoUDP, 0, 0), true},
		{"UDP of IPv6, any source port", ipv6(packet.ProtoUDP, 4000, 80), flow.SrcPort, 0, ipv6(packet.ProtoUDP, 4001, 80), true},
		{"with congestion notification", ipv4(packet.ProtoTCP, 4000, 80), flow.SrcPort, syn | 0xc0, ipv4(packet.ProtoTCP, 4001, 80), true},
		{"another port", ipv4(packet.ProtoTCP, 4000, 80), flow.SrcPort, syn, ipv4(packet.ProtoTCP, 4000, 81), false},
		{"an answer", ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, syn | ack, ipv4(packet.ProtoTCP, 4001, 80), false},
		{"in the middle", ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, ack | push, ipv4(packet.ProtoTCP, 4001, 80), false},
		{"at the end", ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, fin | ack, ipv4(packet.ProtoTCP, 4001, 80), false},
		{"reset", ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, rst, ipv4(packet.ProtoTCP, 4001, 80), false},
		{"TOS", ipv4(packet.ProtoUDP, 4000, 80), flow.BothPorts, 0, with(ipv4(packet.ProtoUDP, 4000, 80), func(h *packet.Header) { h.TOS = 0xb8 }), false},
		{"first fragment", ipv4(packet.ProtoUDP, 4000, 80), flow.BothPorts, 0, with(ipv4(packet.ProtoUDP, 4001, 80), first), false},
		{"DHCP", ipv4(packet.ProtoUDP, 4000, 80), flow.BothPorts, 0, ipv4(packet.ProtoUDP, 4000, 67), false},
		{"SCTP", ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, 0, ipv4(packet.ProtoSCTP, 4001, 80), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := *a, *b
			a.t, b.t = t, t
			seed, frame := a.seed(c.of, c.any, &b), c.is.Frame(payload)
			if c.flags != 0 {
				frame = flagged(c.is, c.flags)
			}
			a.install(seed)
			before := counters(t, h)
			a.send(frame)
			if !c.born {
				a.expectMiss(frame)
				expectCounters(t, h, before, datapath.Counters{Misses: 1})
				withdraw(t, h, seed)
				expectKeys(t, h)
				return
			}
			b.expect(frame)
			birth := a.expectBirth(seed, frame)
			b.send(answerTo(c.is).Frame(payload))
			a.expect(answerTo(c.is).Frame(payload))
			a.send(c.is.Frame(payload))
			b.expect(c.is.Frame(payload))
			expectCounters(t, h, before, datapath.Counters{Hits: 3, Born: 1})
			packets := []uint64{}
			for _, key := range []flow.Key{birth.First, birth.Answer} {
				for _, e := range entries(t, h) {
					if e.Key == key && e.Stats.LastUsed <= patience {
						packets = append(packets, e.Stats.Packets)
					}
				}
			}
			if !slices.Equal(packets, []uint64{2, 1}) {
				t.Errorf("the connection's flows have had %d packets, want 2 and 1", packets)
			}
			withdraw(t, h, seed)
			remove(t, h, birth.First, birth.Answer)
			expectKeys(t, h)
			a.send(frame)
			a.expectMiss(frame)
		})
	}
}

func remove(t *testing.T, h *Host, keys ...flow.Key) {
	t.Helper()
	if err := h.Datapath.Remove(keys); err != nil {
		t.Fatalf("Remove: %v", err)
	}
}

func withdraw(t *testing.T, h *Host, seeds ...flow.Flow) {
	t.Helper()
	if err := h.Datapath.Withdraw(seeds); err != nil {
		t.Fatalf("Withdraw: %v", err)
	}
}

// testSeedsOfFixedPorts forwards a port, as a router does, by a seed of connections from any port to it.
func testSeedsOfFixedPorts(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	asked, given := ipv4(packet.ProtoTCP, 4000, 8080), ipv4(packet.ProtoTCP, 4000, 80)
	seed := a.seed(asked, flow.SrcPort, b)
	seed.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldDstPort | flow.FieldTTL, DstPort: 80, Hops: 1}
	given.TTL--
	seed.Seed.Answer.SrcPort, seed.Seed.Answers.Rewrite = 80, flow.Rewrite{Fields: flow.FieldSrcPort, SrcPort: 8080}
	a.install(seed)
	for _, port := range []uint16{5000, 5001} {
		asked.SrcPort, given.SrcPort = port, port
		a.send(flagged(asked, syn))
		b.expect(flagged(given, syn))
		a.expectBirth(seed, flagged(asked, syn))
		b.send(answerTo(given).Frame(payload))
		a.expect(with(answerTo(asked), func(h *packet.Header) { h.TTL = given.TTL }).Frame(payload))
	}
	last := with(asked, func(h *packet.Header) { h.TTL, h.SrcPort = 1, 5002 })
	a.send(flagged(last, syn)) // it would expire
	a.expectMiss(flagged(last, syn))
	seed.Actions.MTU = len(payload)
	seed.Seed.Number++
	a.install(seed) // in the place of the other
	large := with(asked, func(h *packet.Header) { h.SrcPort = 5002 })
	a.send(flagged(large, syn))
	a.expectMiss(flagged(large, syn))
	seed.Actions.MTU = 1500
	a.install(seed)
	a.send(flagged(large, syn))
	b.expect(flagged(with(given, func(h *packet.Header) { h.SrcPort = 5002 }), syn))
	a.expectBirth(seed, flagged(large, syn))
}

// testSeedsComeLast has seeds beside flows: a packet's own flow and wide ones come first, and flows that are there stay what they are.
func testSeedsComeLast(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	header := ipv4(packet.ProtoUDP, 4000, 80)
	frame := header.Frame(payload)
	seed, answer := a.seed(header, flow.SrcPort, b), b.flow(answerTo(header).Frame(payload))
	a.install(seed)
	a.install(answer) // a drop
	for _, own := range []flow.Key{a.flow(frame).Key, a.flow(frame).Key.Wide(flow.DstPort)} {
		a.install(flow.Flow{Key: own})
		before := counters(t, h)
		a.send(frame)
		expectCounters(t, h, before, datapath.Counters{Hits: 1})
		remove(t, h, own)
	}
	b.expectNothing()
	a.send(frame)
	b.expect(frame)
	birth := a.expectBirth(seed, frame)
	b.send(answerTo(header).Frame(payload))
	a.expectNothing()
	expectKeys(t, h, birth.First, birth.Answer)

	// Of two seeds the one with the wider key is the packet's.
	wider := a.seed(header, flow.BothPorts, b)
	a.install(wider)
	header.SrcPort++
	a.send(header.Frame(payload))
	b.expect(header.Frame(payload))
	a.expectBirth(wider, header.Frame(payload))
}

// testSeedsGo removes seeds, and ports that they lead to and from. What they have made stays, or goes with the port.
func testSeedsGo(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	header := ipv4(packet.ProtoUDP, 4000, 80)
	next := func() []byte { header.SrcPort++; return header.Frame(payload) }
	seed := a.seed(header, flow.BothPorts, b)
	a.install(seed)
	a.send(next())
	b.expect(header.Frame(payload))
	birth := a.expectBirth(seed, header.Frame(payload))
	withdraw(t, h, seed)
	expectKeys(t, h, birth.First, birth.Answer)
	a.send(next())
	a.expectMiss(header.Frame(payload))
	for _, gone := range []*station{b, a} {
		a.install(seed)
		if err := h.Datapath.RemovePorts(gone.port.ID); err != nil {
			t.Fatalf("RemovePorts: %v", err)
		}
		expectKeys(t, h)
		if err := h.Datapath.Install([]flow.Flow{seed}); err == nil {
			t.Error("a seed of a port that is not plugged in: no error")
		}
		if err := h.Datapath.SetPort(gone.port); err != nil {
			t.Fatalf("SetPort: %v", err)
		}
		a.send(next())
		a.expectMiss(header.Frame(payload))
	}
}

// testSeedsBound installs as many seeds as there may be, and one more.
func testSeedsBound(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	seeds := make([]flow.Flow, datapath.MaxSeeds+1)
	for i := range seeds {
		seeds[i] = a.seed(ipv4(packet.ProtoUDP, 4000, uint16(1000+i)), flow.SrcPort, b)
	}
	if err := h.Datapath.Install(seeds[:datapath.MaxSeeds]); err != nil {
		t.Fatalf("Install of %d seeds: %v", datapath.MaxSeeds, err)
	}
	last := seeds[datapath.MaxSeeds]
	if err := h.Datapath.Install([]flow.Flow{last, seeds[0]}); err == nil {
		t.Errorf("Install of one seed more than %d: no error", datapath.MaxSeeds)
	}
	withdraw(t, h, seeds[1])
	a.install(last)
	frame := ipv4(packet.ProtoUDP, 1, uint16(1000+datapath.MaxSeeds)).Frame(payload)
	a.send(frame)
	b.expect(frame)
	a.expectBirth(last, frame)
}

// testBirthsAreBounded begins more connections at once than a port may. Nothing is made of those of which the agent is not told.
func testBirthsAreBounded(t *testing.T, newHarness NewHarness) {
	const burst, flood = 10, 50
	h := newHarness(t, Options{MissRate: 1, MissBurst: burst})[0]
	a, b := plug(t, h, 0), plug(t, h, 0)
	a.install(a.seed(ipv4(packet.ProtoUDP, 4000, 80), flow.SrcPort, b))
	begun := time.Now()
	for i := range flood {
		a.send(ipv4(packet.ProtoUDP, uint16(5000+i), 80).Frame(payload))
	}
	deadline := time.Now().Add(patience)
	c := counters(t, h)
	for ; c.Born+c.MissesLost < flood && time.Now().Before(deadline); c = counters(t, h) {
		time.Sleep(time.Millisecond)
	}
	if c.Born < burst || c.Born > let(burst, begun) || c.Born+c.MissesLost != flood || c.Misses != 0 {
		t.Errorf("%+v, want about %d of %d connections begun", c, burst+1, flood)
	}
	var told, made []flow.Key
	for range c.Born {
		m := receive(t, h)
		told = append(told, m.Born.First, m.Born.Answer)
	}
	for _, e := range entries(t, h) {
		made = append(made, e.Key)
	}
	order := func(x, y flow.Key) int {
		p, q := x.Pack(), y.Pack()
		return bytes.Compare(p[:], q[:])
	}
	slices.SortFunc(told, order)
	slices.SortFunc(made, order)
	if !slices.Equal(told, made) {
		t.Errorf("the flows are of\n%v, and told of are\n%v", made, told)
	}
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	if n, err := h.Datapath.Receive(ctx, make([]datapath.Miss, 1)); err == nil {
		t.Errorf("%d more were received", n)
	}
}
