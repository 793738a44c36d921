package datapathtest

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// outside6 is what sources of IPv6 become in these tests.
var outside6 = netip.MustParseAddr("2001:db8:2::5")

func outsideOf(h packet.Header) netip.Addr {
	if h.SrcIP.Is4() {
		return outside
	}
	return outside6
}

// originating returns a seed of connections like that of the packet, from s to a station of another host, whose sources become outsideOf and one of the
// ports.
func (s *station) originating(h packet.Header, number uint64, to *station, peer netip.Addr, tracked bool, ports ...uint16) flow.Flow {
	f := s.leaving(h, flow.BothPorts, to, peer)
	f.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldSrcIP | flow.FieldSrcPort | flow.FieldTTL, SrcIP: outsideOf(h), SrcPort: 1, Hops: 1}
	f.Seed.Number, f.Seed.Ports, f.Seed.Router, f.Seed.Tracked = number, ports, id.New[topology.Router](), tracked
	return f
}

// bringing returns the seed of what the station answers to those.
func (s *station) bringing(h packet.Header, number uint64, to *station, peer netip.Addr) flow.Flow {
	f := s.answering(with(h, func(h *packet.Header) { h.SrcIP = outsideOf(*h) }), flow.BothPorts, to, peer)
	f.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldDstIP | flow.FieldDstPort, DstIP: h.SrcIP, DstPort: 2}
	f.Seed.Number, f.Seed.Behind = number, h.SrcIP
	return f
}

// originates has the station begin a connection of the seed to another host, and returns what comes out there.
func (s *station) originates(of flow.Flow, h packet.Header, frame []byte, port uint16) packet.Header {
	s.t.Helper()
	s.send(frame)
	m := receive(s.t, s.host)
	if want := (datapath.Birth{Seed: of.Seed.Number, First: s.flow(frame).Key, Port: port}); m.Born == nil || *m.Born != want {
		s.t.Fatalf("%+v was received, want the birth %+v", m, want)
	}
	return with(h, func(h *packet.Header) { h.SrcIP, h.SrcPort, h.TTL = outsideOf(*h), port, h.TTL-1 })
}

// expectOriginated takes the next miss, which tells of a connection to this station that was the origin.
func (s *station) expectOriginated(number uint64, origin flow.Origin, answer packet.Header) flow.Key {
	s.t.Helper()
	m := receive(s.t, s.host)
	want := datapath.Birth{Seed: number, Answer: s.flow(answer.Frame(payload)).Key, Origin: origin}
	if m.Born == nil || *m.Born != want || !m.Born.Opened() || !m.InPort.IsZero() {
		s.t.Fatalf("%+v was received, want the birth %+v", m, want)
	}
	return m.Born.Answer
}

func originOf(of flow.Flow, h packet.Header) flow.Origin {
	return flow.Origin{Router: of.Seed.Router, Tracked: of.Seed.Tracked,
		Src: netip.AddrPortFrom(h.SrcIP, h.SrcPort), Dst: netip.AddrPortFrom(h.DstIP, h.DstPort)}
}

// testOrigins begins connections across two hosts whose sources are translated: neither agent is asked, both are told, the packet comes out as if
// nothing had been behind it, and its answer finds back.
func testOrigins(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		a, b := plug(t, hosts[0], 11), plug(t, hosts[1], datapath.MaxTunnelKey)
		attend(t, hosts[0], time.Hour)
		back := hosts[0].IPv4
		for i, c := range []struct {
			of      packet.Header
			flags   byte
			payload []byte
			tracked bool
		}{
			{ipv4(packet.ProtoTCP, 4000, 80), syn, payload, true},
			{ipv6(packet.ProtoTCP, 4000, 80), syn, payload, false},
			{ipv4(packet.ProtoUDP, 4000, 80), 0, []byte{1}, false},
			{ipv6(packet.ProtoUDP, 4000, 80), 0, []byte{1, 2, 3}, true},
			{ipv4(packet.ProtoUDP, 4000, 80), 0, make([]byte, 1300), true},
			{with(ipv4(packet.ProtoTCP, 4000, 80), tagged(5)), syn, payload, true},
		} {
			seed := a.originating(c.of, 1<<42+uint64(i), b, peer, c.tracked, 3000, 4001)
			answers := b.bringing(c.of, 1<<43+uint64(i), a, back)
			another := b.bringing(with(c.of, func(h *packet.Header) { h.SrcIP = h.SrcIP.Next() }), 1<<44+uint64(i), b, back) // of the same key
			another.Actions.Outputs = nil
			a.install(seed)
			b.install(answers)
			b.install(another)
			for n, port := range []uint16{3000, 4001} {
				is := with(c.of, func(h *packet.Header) { h.SrcPort = 4000 + uint16(n) }) // the second has its own
				frame := is.Frame(c.payload)
				if c.flags != 0 {
					frame = flagged(is, c.flags)
				}
				before := [2]datapath.Counters{counters(t, hosts[0]), counters(t, hosts[1])}
				out := a.originates(seed, is, frame, port)
				if c.flags != 0 {
					b.expect(flagged(out, c.flags))
				} else {
					b.expect(out.Frame(c.payload))
				}
				if c.flags != 0 {
					b.expectOriginated(answers.Seed.Number, originOf(seed, is), answerTo(out))
				}
				b.send(answerTo(out).Frame(payload))
				a.expect(with(answerTo(is), func(h *packet.Header) { h.TTL = out.TTL }).Frame(payload))
				if c.flags == 0 { // it was not sure to come
					b.expectOriginated(answers.Seed.Number, originOf(seed, is), answerTo(out))
				}
				expectCounters(t, hosts[1], before[1], datapath.Counters{Hits: 1, States: 1})
				remove(t, hosts[1], b.flow(answerTo(out).Frame(payload)).Key)
				a.send(is.Frame(payload)) // by the flow, and told of no more
				b.expect(out.Frame(payload))
				expectCounters(t, hosts[0], before[0], datapath.Counters{Hits: 2, Born: 1})
				remove(t, hosts[0], a.flow(frame).Key)
			}
			withdraw(t, hosts[1], answers)
			is := with(c.of, func(h *packet.Header) { h.DstPort++ })
			frame := is.Frame(payload)
			if c.flags != 0 {
				frame = flagged(is, c.flags)
			}
			out := a.originates(seed, is, frame, 3000)
			if b.Receive(t, patience) == nil {
				t.Fatal("the first packet does not come out")
			}
			b.expectOriginated(0, originOf(seed, is), answerTo(out)) // no seed is there for such
			b.send(answerTo(out).Frame(payload))
			b.expectMiss(answerTo(out).Frame(payload))
			withdraw(t, hosts[0], seed)
			withdraw(t, hosts[1], another)
			expectKeys(t, hosts[1])
			remove(t, hosts[0], a.flow(frame).Key)
		}
	})
}

// testOriginsNeedRoom begins connections by packets that are as large as the way carries, and by larger ones: an origin would not fit behind these.
func testOriginsNeedRoom(t *testing.T, newHarness NewHarness) {
	hosts := newHarness(t, Options{})
	a, b := plug(t, hosts[0], 11), plug(t, hosts[1], 12)
	attend(t, hosts[0], time.Hour)
	header := ipv4(packet.ProtoUDP, 4000, 80)
	seed := a.originating(header, 1<<42, b, hosts[1].IPv4, true, 3000, 3001)
	large := make([]byte, 1000)
	seed.Actions.MTU = 20 + 8 + len(large) + datapath.OriginSize
	a.install(seed)
	b.expect(a.originates(seed, header, header.Frame(large), 3000).Frame(large))
	b.expectOriginated(0, originOf(seed, header), answerTo(with(header, func(h *packet.Header) { h.SrcIP, h.SrcPort = outside, 3000 })))
	larger := with(header, func(h *packet.Header) { h.SrcPort++ }).Frame(make([]byte, len(large)+1))
	a.send(larger)
	a.expectMiss(larger)
}

// testOriginsOfAnything sends packets that are said to have origins: what is malformed goes nowhere, what begins nothing comes out like others.
func testOriginsOfAnything(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		b := plug(t, hosts[1], 12)
		to := b.remote(peer)
		to.TunnelKey = datapath.OriginTunnelKey
		origin := flow.Origin{Src: netip.MustParseAddrPort("10.0.0.1:4000"), Dst: netip.MustParseAddrPort("10.0.0.2:80")}
		send := func(frame []byte) {
			t.Helper()
			execute(t, hosts[0], datapath.Packet{Frame: frame, Actions: flow.Actions{Outputs: []flow.Output{to}}})
		}
		for _, frame := range [][]byte{
			ipv4(packet.ProtoICMP, 8, 0).Frame(payload), ipv4(packet.ProtoUDP, 68, 67).Frame(payload), ethernet(0x88b5).Frame(payload),
			with(ipv4(packet.ProtoUDP, 4000, 80), first).Frame(payload),
		} {
			send(datapath.AppendOrigin(frame, 12, origin))
			b.expect(frame)
		}
		spoilt := datapath.AppendOrigin(udp4(), 12, origin)
		spoilt[len(spoilt)-1]++
		telling := datapath.AppendOrigin(udp4(), 12, origin)
		tells, sum := telling[len(telling)-4:], telling[len(telling)-2:]
		binary.BigEndian.PutUint16(sum, binary.BigEndian.Uint16(sum)+binary.BigEndian.Uint16(tells)) // tells nothing, and is whole
		clear(tells[:2])
		for _, frame := range [][]byte{spoilt, telling, udp4(), datapath.AppendOrigin(nil, 12, origin)} {
			send(frame)
		}
		send(datapath.AppendOrigin(udp4(), 13, origin))
		send(datapath.AppendOrigin(udp4(), datapath.StateTunnelKey, origin))
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{TunnelUnknown: 2, Errors: 4})
		send(datapath.AppendOrigin(udp4(), 12, origin)) // of no router: the agent sees to that
		b.expect(udp4())
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{TunnelUnknown: 2, Errors: 4, States: 1})
	})
}
