package datapathtest

import (
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// leaving returns a seed of the connections that s may open to a station of another host by packets which differ from one with the header in
// the ports any, and answering the seed of what the station answers to those: nothing is rewritten.
func (s *station) leaving(h packet.Header, any flow.Ports, to *station, peer netip.Addr) flow.Flow {
	f := s.flow(h.Frame(payload), to.remote(peer))
	f.Key = f.Key.Wide(any)
	f.Seed = &flow.Seed{Number: 1<<40 + uint64(any), Kind: flow.Leaves}
	return f
}

func (s *station) answering(h packet.Header, any flow.Ports, to *station, peer netip.Addr) flow.Flow {
	f := s.flow(answerTo(h).Frame(payload), to.remote(peer))
	f.Key = f.Key.Wide(any.Exchanged())
	f.Seed = &flow.Seed{Number: 1<<50 + uint64(any), Kind: flow.Answers}
	return f
}

// expectLeaving takes the next miss, which tells of a connection to another host that the frame from this station has begun.
func (s *station) expectLeaving(of flow.Flow, frame []byte) datapath.Birth {
	s.t.Helper()
	m := receive(s.t, s.host)
	want := datapath.Birth{Seed: of.Seed.Number, First: s.flow(frame).Key}
	if m.Born == nil || *m.Born != want || m.Born.Opened() || m.InPort != s.port.ID || m.State || m.Frame != nil {
		s.t.Fatalf("%+v of %s was received, want the birth %+v", m, s.port.ID, want)
	}
	return *m.Born
}

// expectOpened takes the next miss, which tells of a connection from another host to this station whose answers look like the frame. The
// number is that of the seed of the answer's flow.
func (s *station) expectOpened(number uint64, answer []byte) datapath.Birth {
	s.t.Helper()
	m := receive(s.t, s.host)
	want := datapath.Birth{Seed: number, Answer: s.flow(answer).Key}
	if m.Born == nil || *m.Born != want || !m.Born.Opened() || !m.InPort.IsZero() || m.State || m.Frame != nil {
		s.t.Fatalf("%+v was received, want the birth %+v", m, want)
	}
	return *m.Born
}

// testOpening begins connections across two hosts: neither agent is asked, both are told, and what tells the second is the first packet.
func testOpening(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		a, b := plug(t, hosts[0], 11), plug(t, hosts[1], datapath.MaxTunnelKey)
		back := hosts[0].IPv4
		for _, c := range []struct {
			of    packet.Header
			any   flow.Ports
			flags byte
			is    packet.Header
		}{
			{ipv4(packet.ProtoTCP, 4000, 80), flow.BothPorts, syn, ipv4(packet.ProtoTCP, 1, 65535)},
			{ipv6(packet.ProtoTCP, 4000, 80), flow.SrcPort, syn, ipv6(packet.ProtoTCP, 65535, 80)},
			{ipv4(packet.ProtoUDP, 4000, 80), flow.DstPort, 0, ipv4(packet.ProtoUDP, 4000, 0)},
			{ipv6(packet.ProtoUDP, 4000, 80), flow.BothPorts, 0, ipv6(packet.ProtoUDP, 1, 2)},
			{with(ipv4(packet.ProtoTCP, 4000, 80), tagged(5)), flow.SrcPort, syn, with(ipv4(packet.ProtoTCP, 4001, 80), tagged(5))},
		} {
			seed, answers := a.leaving(c.of, c.any, b, peer), b.answering(c.of, c.any, a, back)
			a.install(seed)
			b.install(answers)
			frame, answer := c.is.Frame(payload), answerTo(c.is).Frame(payload)
			if c.flags != 0 {
				frame = flagged(c.is, c.flags)
			}
			before := [2]datapath.Counters{counters(t, hosts[0]), counters(t, hosts[1])}
			a.send(frame)
			b.expect(frame)
			first := a.expectLeaving(seed, frame)
			expectKeys(t, hosts[0], first.First)
			a.send(c.is.Frame(payload)) // by the flow, and told of no more
			b.expect(c.is.Frame(payload))
			expectCounters(t, hosts[0], before[0], datapath.Counters{Hits: 2, Born: 1})
			told := func() {
				t.Helper()
				opened := b.expectOpened(answers.Seed.Number, answer)
				expectKeys(t, hosts[1], opened.Answer)
			}
			if c.flags != 0 {
				told()
			} else { // it is not sure to come
				expectKeys(t, hosts[1])
				expectCounters(t, hosts[1], before[1], datapath.Counters{})
			}
			b.send(answer)
			a.expect(answer)
			if c.flags == 0 {
				told()
			}
			b.send(answer)
			a.expect(answer)
			expectCounters(t, hosts[1], before[1], datapath.Counters{Hits: 2, States: 1})
			remove(t, hosts[1], b.flow(answer).Key)
			b.send(answer) // nobody waits for another one
			b.expectMiss(answer)
			withdraw(t, hosts[0], seed)
			remove(t, hosts[0], first.First)
			withdraw(t, hosts[1], answers)
			a.send(frame)
			a.expectMiss(frame)
			b.send(answer)
			b.expectMiss(answer)
		}
	})
}

// testOpeningWithoutAnswers begins connections to a host that has no seed of their answers: it hears of each before its answer is a miss.
func testOpeningWithoutAnswers(t *testing.T, newHarness NewHarness) {
	hosts := newHarness(t, Options{})
	a, b := plug(t, hosts[0], 11), plug(t, hosts[1], 12)
	header := ipv4(packet.ProtoTCP, 4000, 80)
	frame, answer := header.Frame(payload), answerTo(header).Frame(payload)
	seed, answers := a.leaving(header, flow.SrcPort, b, hosts[1].IPv4), b.answering(header, flow.SrcPort, a, hosts[0].IPv4)
	a.install(seed)
	unasked := with(answerTo(header), func(h *packet.Header) { h.DstPort++ }).Frame(payload)
	begin := func() {
		t.Helper()
		a.send(frame)
		b.expect(frame)
		remove(t, hosts[0], a.expectLeaving(seed, frame).First)
	}
	begin()
	b.send(answer)
	b.expectOpened(0, answer)
	b.expectMiss(answer)
	expectKeys(t, hosts[1])

	b.install(answers)
	b.send(unasked) // a seed of answers is none of what begins
	b.expectMiss(unasked)
	drop := b.flow(answer)
	b.install(drop) // which stays
	begin()
	b.expectOpened(answers.Seed.Number, answer)
	b.send(answer)
	a.expectNothing()

	remove(t, hosts[1], drop.Key)
	if err := hosts[1].Datapath.RemovePorts(b.port.ID); err != nil {
		t.Fatalf("RemovePorts: %v", err)
	}
	if err := hosts[1].Datapath.SetPort(b.port); err != nil {
		t.Fatalf("SetPort: %v", err)
	}
	begin()
	b.expectOpened(0, answer)
}

// testAwaitedAnswers begins connections of UDP to a host that has a seed of their answers, which is not there any more, or another port is, when one comes.
func testAwaitedAnswers(t *testing.T, newHarness NewHarness) {
	hosts := newHarness(t, Options{})
	a, b := plug(t, hosts[0], 11), plug(t, hosts[1], 12)
	header := ipv4(packet.ProtoUDP, 4000, 80)
	frame, answer := header.Frame(payload), answerTo(header).Frame(payload)
	seed, answers := a.leaving(header, flow.SrcPort, b, hosts[1].IPv4), b.answering(header, flow.SrcPort, a, hosts[0].IPv4)
	a.install(seed)
	begin := func() {
		t.Helper()
		b.install(answers)
		a.send(frame)
		b.expect(frame)
		remove(t, hosts[0], a.expectLeaving(seed, frame).First)
	}
	begin()
	unasked := with(answerTo(header), func(h *packet.Header) { h.DstPort++ }).Frame(payload)
	b.send(unasked)
	b.expectMiss(unasked)
	withdraw(t, hosts[1], answers)
	b.send(answer)
	b.expectOpened(0, answer)
	b.expectMiss(answer)

	begin()
	if err := hosts[1].Datapath.RemovePorts(b.port.ID); err != nil {
		t.Fatalf("RemovePorts: %v", err)
	}
	if err := hosts[1].Datapath.SetPort(b.port); err != nil {
		t.Fatalf("SetPort: %v", err)
	}
	b.install(answers)
	b.send(answer)
	b.expectMiss(answer)
	expectKeys(t, hosts[1])

	drop := b.flow(answer) // of one that came before it was asked for: the agent is to look at it
	b.install(drop)
	begin()
	b.expectOpened(answers.Seed.Number, answer)
	expectKeys(t, hosts[1], drop.Key)
}

// testOpeningOfAnything sends packets that are said to begin connections, and cannot: they come out like others.
func testOpeningOfAnything(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		b := plug(t, hosts[1], 12)
		to := b.remote(peer)
		to.TunnelKey |= datapath.Opening
		for _, frame := range [][]byte{
			ipv4(packet.ProtoICMP, 8, 0).Frame(payload), ipv4(packet.ProtoUDP, 68, 67).Frame(payload), ethernet(0x88b5).Frame(payload),
			with(ipv4(packet.ProtoUDP, 4000, 80), first).Frame(payload),
		} {
			execute(t, hosts[0], datapath.Packet{Frame: frame, Actions: flow.Actions{Outputs: []flow.Output{to}}})
			b.expect(frame)
		}
		to.TunnelKey++
		execute(t, hosts[0], datapath.Packet{Frame: udp4(), Actions: flow.Actions{Outputs: []flow.Output{to}}})
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{TunnelUnknown: 1})
	})
}

// testOpeningsAreBounded begins more connections to a host at once than its agent takes words of: their packets come out, and nothing is made
// of those of which it is not told.
func testOpeningsAreBounded(t *testing.T, newHarness NewHarness) {
	const burst, flood = 3, 100
	const most = burst * datapath.OpeningsPerState
	hosts := newHarness(t, Options{StateBurst: burst, MissRate: 1, MissBurst: 2 * flood})
	a, b := plug(t, hosts[0], 11), plug(t, hosts[1], 12)
	header := ipv4(packet.ProtoTCP, 4000, 80)
	a.install(a.leaving(header, flow.SrcPort, b, hosts[1].IPv4))
	b.install(b.answering(header, flow.SrcPort, a, hosts[0].IPv4))
	begun := time.Now()
	for i := range flood {
		frame := with(header, func(h *packet.Header) { h.SrcPort = uint16(5000 + i) }).Frame(payload)
		a.send(frame)
		b.expect(frame)
	}
	c := counters(t, hosts[1])
	if c.States < most || c.States > let(burst, begun)*datapath.OpeningsPerState || c.States+c.StatesLost != flood || c.MissesLost != 0 {
		t.Errorf("%+v, want about %d of %d connections told of", c, most, flood)
	}
	var told []flow.Key
	for range c.States {
		told = append(told, receive(t, hosts[1]).Born.Answer)
	}
	expectKeys(t, hosts[1], told...)
}
