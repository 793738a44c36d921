package datapathtest

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
)

const familyFields = flow.FieldFamily | flow.FieldSrcIP | flow.FieldDstIP | flow.FieldSrcMAC | flow.FieldDstMAC | flow.FieldTTL

// familyOf returns a rewrite of the header to the other family.
func familyOf(h packet.Header, fields flow.Fields) flow.Rewrite {
	r := flow.Rewrite{
		Fields: fields, SrcPort: 60001, DstPort: 443, TOS: 0x28, EchoID: 60002, Hops: 3,
		SrcMAC: mac.MustParse("ac:ca:ba:00:00:03"), DstMAC: mac.MustParse("ac:ca:ba:00:00:04"),
		SrcIP: netip.MustParseAddr("100.64.255.7"), DstIP: netip.MustParseAddr("10.0.0.9"),
	}
	if h.SrcIP.Is4() {
		r.SrcIP, r.DstIP = netip.MustParseAddr("2001:db8:ffff::ffff"), netip.MustParseAddr("2001:db8:bbbb:1::2")
	}
	return r
}

// applyFamily is apply for rewrites to the other family.
func applyFamily(t rapid.TB, r flow.Rewrite, h packet.Header) packet.Header {
	t.Helper()
	h, ok := h.In(r.SrcIP, r.DstIP)
	if !ok {
		t.Fatalf("%+v has no counterpart", h)
	}
	return apply(r, h)
}

// expectTranslated is expect for what has become a packet of the other family. One that was IPv6 may be cut where it is small, and has a
// number then.
func (s *station) expectTranslated(frame []byte) {
	s.t.Helper()
	got := s.Receive(s.t, patience)
	if got == nil {
		s.t.Fatalf("nothing arrived, want\n%x\ncounters %+v", frame, counters(s.t, s.host))
	}
	const l3, l4, longest = 14, 34, 14 + 1260
	if etherType := binary.BigEndian.Uint16(got[12:]); etherType == packet.EtherTypeIPv4 && len(got) >= l4 {
		id, field := binary.BigEndian.Uint16(got[l3+4:]), binary.BigEndian.Uint16(got[l3+6:])
		if packet.Checksum(got[l3:l4]) != 0 || (id != 0) != (len(frame) <= longest) || (field == 0x4000) != (len(frame) > longest) {
			s.t.Fatalf("of %d octets the identification is %d and the fragment field %#x\n%x", len(frame)-l3, id, field, got)
		}
		for _, f := range [][]byte{got, frame} {
			clear(f[l3+4 : l3+8])
			clear(f[l3+10 : l3+12])
		}
	}
	if !bytes.Equal(got, frame) {
		s.t.Fatalf("got\n%x, want\n%x", got, frame)
	}
}

// testFamily translates packets of one family to the other's.
func testFamily(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, c := range []struct {
		name   string
		header packet.Header
		fields flow.Fields
	}{
		{"IPv4 TCP", ipv4(packet.ProtoTCP, 4000, 80), familyFields},
		{"IPv4 TCP ports", ipv4(packet.ProtoTCP, 4000, 80), familyFields | portFields},
		{"IPv4 UDP", ipv4(packet.ProtoUDP, 4000, 80), familyFields},
		{"IPv4 UDP all", ipv4(packet.ProtoUDP, 4000, 80), familyFields | allFields},
		{"IPv4 echo", ipv4(packet.ProtoICMP, 8, 7), familyFields},
		{"IPv4 echo reply", ipv4(packet.ProtoICMP, 0, 7), familyFields | flow.FieldEchoID},
		{"IPv4 SCTP", ipv4(packet.ProtoSCTP, 4000, 80), familyFields},
		{"IPv4 GRE", ipv4(47, 0, 0), familyFields},
		{"IPv4 TOS", with(ipv4(packet.ProtoUDP, 4000, 80), func(h *packet.Header) { h.TOS = 0xb9 }), familyFields},
		{"IPv6 TCP", ipv6(packet.ProtoTCP, 4000, 80), familyFields},
		{"IPv6 TCP ports", ipv6(packet.ProtoTCP, 4000, 80), familyFields | portFields},
		{"IPv6 UDP", ipv6(packet.ProtoUDP, 4000, 80), familyFields},
		{"IPv6 UDP all", ipv6(packet.ProtoUDP, 4000, 80), familyFields | allFields},
		{"IPv6 echo", ipv6(packet.ProtoICMPv6, 128, 7), familyFields},
		{"IPv6 echo reply", ipv6(packet.ProtoICMPv6, 129, 7), familyFields | flow.FieldEchoID},
		{"IPv6 SCTP", ipv6(packet.ProtoSCTP, 4000, 80), familyFields},
		{"IPv6 GRE", ipv6(47, 0, 0), familyFields},
		{"IPv6 traffic class", with(ipv6(packet.ProtoUDP, 4000, 80), func(h *packet.Header) { h.TOS = 0xb9 }), familyFields},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := *a, *b
			a.t, b.t = t, t
			for _, body := range [][]byte{payload, make([]byte, 1260-20-20), make([]byte, 1260-20-7)} {
				frame := c.header.Frame(body)
				f := a.flow(frame, b.local())
				f.Actions.Rewrite = familyOf(c.header, c.fields)
				want := func() []byte { return applyFamily(t, f.Actions.Rewrite, c.header).Frame(body) }
				a.install(f)
				a.send(frame)
				b.expectTranslated(want())
				execute(t, h, datapath.Packet{Frame: frame, Actions: f.Actions})
				b.expectTranslated(want())
				for _, e := range entries(t, h) {
					if e.Key == f.Key && e.Actions.Rewrite.String() != f.Actions.Rewrite.String() {
						t.Errorf("the entry has %s, want %s", e.Actions.Rewrite, f.Actions.Rewrite)
					}
				}
			}
		})
	}
}

// testFamilyOfAnything translates random packets between random addresses.
func testFamilyOfAnything(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	rapid.Check(t, func(r *rapid.T) {
		header := drawHeader(r)
		header.VLAN = 0
		w := drawRewrite(r, header)
		if header.SrcIP.Is6() {
			header.SrcIP, header.DstIP = drawIPv6(r), drawIPv6(r)
			w.SrcIP, w.DstIP = drawIPv4(r), drawIPv4(r)
		} else {
			header.SrcIP, header.DstIP = drawIPv4(r), drawIPv4(r)
			w.SrcIP, w.DstIP = drawIPv6(r), drawIPv6(r)
		}
		w.Fields |= flow.FieldFamily | flow.FieldSrcIP | flow.FieldDstIP
		frame := header.Frame(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(r, "payload"))
		f := a.flow(frame, b.local())
		f.Actions.Rewrite = w
		a.install(f)
		a.send(frame)
		b.expectTranslated(applyFamily(r, w, header).Frame(frame[len(header.Frame(nil)):]))
		if err := h.Datapath.Remove([]flow.Key{f.Key}); err != nil {
			r.Fatal(err)
		}
	})
}

// testFamilyTunnel sends what has been translated to another host.
func testFamilyTunnel(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		a, b := plug(t, hosts[0], 11), plug(t, hosts[1], 12)
		for _, header := range []packet.Header{ipv4(packet.ProtoTCP, 4000, 80), ipv6(packet.ProtoUDP, 4000, 80), ipv6(packet.ProtoICMPv6, 128, 7)} {
			frame := header.Frame(payload)
			f := a.flow(frame, b.remote(peer))
			f.Actions.Rewrite = familyOf(header, familyFields)
			a.install(f)
			a.send(frame)
			b.expectTranslated(applyFamily(t, f.Actions.Rewrite, header).Frame(payload))
		}
	})
}

// testFamilyRefused: a packet that an exchange of the network header does not translate is a miss, and an error where it is to be done
// all the same.
func testFamilyRefused(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	without := ipv4(packet.ProtoUDP, 4000, 80).Frame(payload)
	clear(without[40:42])
	for _, frame := range [][]byte{without, ipv4Options(), ipv6Extensions(1), with(ipv6(packet.ProtoTCP, 4000, 80), tagged(9)).Frame(payload)} {
		f := a.flow(frame, b.local())
		f.Actions.Rewrite = familyOf(packet.Header{SrcIP: f.Key.SrcIP}, familyFields)
		a.install(f)
		a.send(frame)
		m := a.expectMiss(frame)
		before := counters(t, h)
		execute(t, h, datapath.Packet{Frame: m.Frame, Actions: f.Actions})
		expectCounters(t, h, before, datapath.Counters{Errors: 1})
		b.expectNothing()
	}
}
