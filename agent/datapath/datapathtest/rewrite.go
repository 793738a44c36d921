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

func testRewrite(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, c := range []struct {
		name   string
		header packet.Header
		fields flow.Fields
	}{
		{"MACs", ipv4(packet.ProtoUDP, 4000, 80), flow.FieldSrcMAC | flow.FieldDstMAC},
		{"MACs of another protocol", ethernet(0x88b5), flow.FieldSrcMAC | flow.FieldDstMAC},
		{"IPv4 UDP all", ipv4(packet.ProtoUDP, 4000, 80), allFields},
		{"IPv4 TCP all", ipv4(packet.ProtoTCP, 4000, 80), allFields},
		{"IPv4 TCP source", ipv4(packet.ProtoTCP, 4000, 80), flow.FieldSrcIP | flow.FieldSrcPort},
		{"IPv4 ICMP", ipv4(packet.ProtoICMP, 3, 1), allFields &^ portFields},
		{"IPv4 echo", ipv4(packet.ProtoICMP, 8, 7), allFields&^portFields | flow.FieldEchoID},
		{"IPv4 echo reply", ipv4(packet.ProtoICMP, 0, 7), flow.FieldEchoID},
		{"IPv4 SCTP", ipv4(packet.ProtoSCTP, 4000, 80), allFields &^ portFields},
		{"IPv4 GRE", ipv4(47, 0, 0), allFields &^ portFields},
		{"IPv4 first fragment", with(ipv4(packet.ProtoUDP, 4000, 80), first), flow.FieldDstMAC | flow.FieldTOS},
		{"IPv4 later fragment", with(ipv4(packet.ProtoTCP, 0, 0), later), allFields &^ portFields},
		{"IPv4 VLAN", with(ipv4(packet.ProtoUDP, 4000, 80), tagged(9)), allFields},
		{"IPv6 UDP all", ipv6(packet.ProtoUDP, 4000, 80), allFields},
		{"IPv6 TCP all", ipv6(packet.ProtoTCP, 4000, 80), allFields},
		{"IPv6 ICMPv6", ipv6(packet.ProtoICMPv6, 1, 4), allFields &^ portFields},
		{"IPv6 echo", ipv6(packet.ProtoICMPv6, 128, 7), allFields&^portFields | flow.FieldEchoID},
		{"IPv6 SCTP", ipv6(packet.ProtoSCTP, 4000, 80), allFields &^ portFields},
		{"IPv6 TTL", ipv6(packet.ProtoUDP, 4000, 80), flow.FieldTTL},
		{"IPv6 later fragment", with(ipv6(packet.ProtoTCP, 0, 0), later), allFields &^ portFields},
		{"IPv6 VLAN", with(ipv6(packet.ProtoTCP, 4000, 80), tagged(9)), allFields},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := *a, *b
			a.t, b.t = t, t
			frame := c.header.Frame(payload)
			f := a.flow(frame, b.local())
			f.Actions.Rewrite = rewriteOf(c.header, c.fields)
			want := apply(f.Actions.Rewrite, c.header).Frame(payload)
			a.install(f)
			a.send(frame)
			b.expect(want)
			execute(t, h, datapath.Packet{Frame: frame, Actions: f.Actions})
			b.expect(want)
		})
	}
}

const (
	portFields = flow.FieldSrcPort | flow.FieldDstPort
	allFields  = flow.FieldSrcMAC | flow.FieldDstMAC | flow.FieldSrcIP | flow.FieldDstIP | portFields | flow.FieldTOS | flow.FieldTTL
)

func rewriteOf(h packet.Header, fields flow.Fields) flow.Rewrite {
	r := flow.Rewrite{
		Fields: fields, SrcPort: 60001, DstPort: 443, TOS: 0x28, EchoID: 60002, Hops: 3,
		SrcMAC: mac.MustParse("ac:ca:ba:00:00:03"), DstMAC: mac.MustParse("ac:ca:ba:00:00:04"),
	}
	if h.SrcIP.Is4() {
		r.SrcIP, r.DstIP = netip.MustParseAddr("203.0.113.200"), netip.MustParseAddr("198.51.100.7")
	} else if h.SrcIP.Is6() {
		r.SrcIP, r.DstIP = netip.MustParseAddr("2001:db8:aaaa::ffff"), netip.MustParseAddr("2001:db8:bbbb:1::2")
	}
	return r
}

// apply is what a rewrite means, on the description of a frame: building it anew computes every checksum from nothing.
func apply(r flow.Rewrite, h packet.Header) packet.Header {
	change(r.Fields, flow.FieldSrcMAC, &h.SrcMAC, r.SrcMAC)
	change(r.Fields, flow.FieldDstMAC, &h.DstMAC, r.DstMAC)
	change(r.Fields, flow.FieldSrcIP, &h.SrcIP, r.SrcIP)
	change(r.Fields, flow.FieldDstIP, &h.DstIP, r.DstIP)
	change(r.Fields, flow.FieldSrcPort, &h.SrcPort, r.SrcPort)
	change(r.Fields, flow.FieldDstPort, &h.DstPort, r.DstPort)
	change(r.Fields, flow.FieldEchoID, &h.DstPort, r.EchoID)
	change(r.Fields, flow.FieldTOS, &h.TOS, r.TOS)
	change(r.Fields, flow.FieldTTL, &h.TTL, h.TTL-r.Hops)
	return h
}

func change[T any](fields, field flow.Fields, to *T, value T) {
	if fields&field != 0 {
		*to = value
	}
}

// testRewriteAnything changes random fields of random packets to random values; the sender gives odd checksums their chance.
func testRewriteAnything(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	rapid.Check(t, func(r *rapid.T) {
		header := drawHeader(r)
		if header.SrcIP.Is6() {
			header.SrcIP, header.DstIP = drawIPv6(r), drawIPv6(r)
		} else {
			header.SrcIP, header.DstIP = drawIPv4(r), drawIPv4(r)
		}
		frame := header.Frame(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(r, "payload"))
		f := a.flow(frame, b.local())
		f.Actions.Rewrite = drawRewrite(r, header)
		a.install(f)
		a.send(frame)
		b.expect(apply(f.Actions.Rewrite, header).Frame(frame[len(header.Frame(nil)):]))
		if err := h.Datapath.Remove([]flow.Key{f.Key}); err != nil {
			r.Fatal(err)
		}
	})
}

// testRewriteToZeros makes an echo reply one of nothing but zeros, whose checksum the change alone does not tell.
func testRewriteToZeros(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, body := range [][]byte{nil, make([]byte, 7), []byte("more")} {
		header := ipv4(packet.ProtoICMP, 0, 5)
		f := a.flow(header.Frame(body), b.local())
		f.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldEchoID}
		a.install(f)
		a.send(header.Frame(body))
		b.expect(apply(f.Actions.Rewrite, header).Frame(body))
	}
}

func drawHeader(r *rapid.T) packet.Header {
	h := rapid.SampledFrom([]packet.Header{
		ipv4(packet.ProtoUDP, 0, 0), ipv4(packet.ProtoTCP, 0, 0), ipv4(packet.ProtoICMP, 8, 0), ipv4(packet.ProtoICMP, 0, 0),
		ipv6(packet.ProtoUDP, 0, 0), ipv6(packet.ProtoTCP, 0, 0), ipv6(packet.ProtoICMPv6, 128, 0), ipv6(packet.ProtoICMPv6, 129, 0),
	}).Draw(r, "kind")
	if !h.IsEcho() {
		h.SrcPort = rapid.Uint16().Draw(r, "source port")
	}
	h.DstPort = rapid.Uint16().Draw(r, "destination port")
	h.TOS, h.TTL = rapid.Uint8().Draw(r, "tos"), rapid.Uint8Range(20, 255).Draw(r, "ttl")
	if rapid.Bool().Draw(r, "tag") {
		h.VLAN = packet.VLANPresent | 7
	}
	return h
}

func drawIPv4(r *rapid.T) netip.Addr {
	return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(r, "address")))
}

func drawIPv6(r *rapid.T) netip.Addr {
	return netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "address")))
}

func drawRewrite(r *rapid.T, h packet.Header) flow.Rewrite {
	can := allFields
	if h.IsEcho() {
		can = allFields&^portFields | flow.FieldEchoID
	}
	w := flow.Rewrite{
		Fields: flow.Fields(rapid.Uint16().Draw(r, "fields")) & can, SrcMAC: mac.Addr{2, 4, 6}, DstMAC: mac.Addr{2, 4, 8},
		SrcPort: rapid.Uint16().Draw(r, "new source port"), DstPort: rapid.Uint16().Draw(r, "new destination port"),
		EchoID: rapid.Uint16().Draw(r, "new identifier"), TOS: rapid.Uint8().Draw(r, "new tos"), Hops: rapid.Uint8Range(0, 19).Draw(r, "hops"),
	}
	if h.SrcIP.Is4() {
		w.SrcIP, w.DstIP = drawIPv4(r), drawIPv4(r)
	} else {
		w.SrcIP, w.DstIP = drawIPv6(r), drawIPv6(r)
	}
	return w
}

// testRewriteFragments translates a packet that was cut in two: the first part by addresses and ports, the second by addresses. Put
// together they are the whole packet, translated; its checksum is in the first part.
func testRewriteFragments(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, proto := range []uint8{packet.ProtoUDP, packet.ProtoTCP} {
		header := ipv4(proto, 4000, 80)
		r := rewriteOf(header, allFields)
		whole, translated := header.Frame(payload), apply(r, header).Frame(payload)
		for i, part := range cut(whole) {
			f := a.flow(part, b.local())
			f.Actions.Rewrite = r
			if i > 0 {
				f.Actions.Rewrite.Fields &^= portFields
			}
			a.install(f)
			a.send(part)
			b.expect(cut(translated)[i])
		}
	}
}

// cut makes two fragments of an IPv4 frame (RFC 791 section 3.2).
func cut(frame []byte) [2][]byte {
	const l3, l4, size = 14, 34, 32
	part := func(from, to int, field uint16) []byte {
		b := append(bytes.Clone(frame[:l4]), frame[l4+from:l4+to]...)
		binary.BigEndian.PutUint16(b[l3+2:], uint16(len(b)-l3))
		binary.BigEndian.PutUint16(b[l3+6:], field)
		binary.BigEndian.PutUint16(b[l3+10:], 0)
		binary.BigEndian.PutUint16(b[l3+10:], packet.Checksum(b[l3:l4]))
		return b
	}
	const moreFragments = 0x2000
	return [2][]byte{part(0, size, moreFragments), part(size, len(frame)-l4, size/8)}
}

// testRewriteWithoutChecksum sends UDP whose sender made no checksum: none is made up.
func testRewriteWithoutChecksum(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	header := ipv4(packet.ProtoUDP, 4000, 80)
	without := func(h packet.Header) []byte {
		const checksum = 34 + 6
		frame := h.Frame(payload)
		frame[checksum], frame[checksum+1] = 0, 0
		return frame
	}
	f := a.flow(without(header), b.local())
	f.Actions.Rewrite = rewriteOf(header, allFields)
	a.install(f)
	a.send(without(header))
	b.expect(without(apply(f.Actions.Rewrite, header)))
}

// testRewriteRefused asks for fields that the packets have not, or that cannot be changed.
func testRewriteRefused(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	before := counters(t, h)
	for i, c := range []struct {
		frame  []byte
		fields flow.Fields
	}{
		{ipv4(packet.ProtoSCTP, 4000, 80).Frame(payload), flow.FieldSrcPort},
		{ipv4(packet.ProtoICMP, 8, 1).Frame(payload), flow.FieldDstPort},
		{with(ipv4(packet.ProtoUDP, 0, 0), later).Frame(payload), flow.FieldDstPort},
		{ipv4(packet.ProtoUDP, 4000, 80).Frame(payload), flow.FieldEchoID},
		{ipv4(packet.ProtoICMP, 3, 1).Frame(payload), flow.FieldEchoID},
		{ethernet(0x88b5).Frame(payload), flow.FieldSrcIP},
	} {
		f := a.flow(c.frame, b.local())
		f.Actions.Rewrite = rewriteOf(ipv4(0, 0, 0), c.fields)
		a.install(f)
		a.send(c.frame)
		expectCounters(t, h, before, datapath.Counters{Hits: uint64(i) + 1, Errors: uint64(i) + 1})
	}
	b.expectNothing()
}

// testTTLExpires passes routers with packets that survive the last one, and with ones that do not.
func testTTLExpires(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, header := range []packet.Header{ipv4(packet.ProtoUDP, 4000, 80), ipv6(packet.ProtoUDP, 4000, 80)} {
		for _, hops := range []uint8{1, 5} {
			frame := header.Frame(payload)
			f := a.flow(frame, b.local())
			f.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldTTL, Hops: hops}
			a.install(f)
			header.TTL = hops + 1
			a.send(header.Frame(payload))
			last := header
			last.TTL = 1
			b.expect(last.Frame(payload))
			header.TTL = hops
			frame = header.Frame(payload)
			a.send(frame)
			m := a.expectMiss(frame)
			before := counters(t, h)
			execute(t, h, datapath.Packet{Frame: m.Frame, Actions: f.Actions})
			expectCounters(t, h, before, datapath.Counters{Errors: 1})
			b.expectNothing()
		}
	}
}

// testMTU sends packets as large as the way can carry, and ones that are an octet larger.
func testMTU(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, header := range []packet.Header{
		ipv4(packet.ProtoUDP, 4000, 80), ipv6(packet.ProtoTCP, 4000, 80), with(ipv4(packet.ProtoUDP, 4000, 80), tagged(9)),
	} {
		fits := header.Frame(make([]byte, 1000))
		var p packet.Packet
		if err := packet.Parse(fits, &p); err != nil {
			t.Fatal(err)
		}
		f := a.flow(fits, b.local())
		f.Actions.MTU = p.End - p.L3
		a.install(f)
		a.send(fits)
		b.expect(fits)
		large := header.Frame(make([]byte, 1001))
		a.send(large)
		m := a.expectMiss(large)
		before := counters(t, h)
		execute(t, h, datapath.Packet{Frame: m.Frame, Actions: f.Actions})
		expectCounters(t, h, before, datapath.Counters{Errors: 1})
		b.expectNothing()
	}
	other := a.flow(ethernet(0x88b5).Frame(make([]byte, 1000)), b.local())
	other.Actions.MTU = 100 // of IP packets alone
	a.install(other)
	a.send(ethernet(0x88b5).Frame(make([]byte, 1000)))
	b.expect(ethernet(0x88b5).Frame(make([]byte, 1000)))
	for _, e := range entries(t, h) {
		if e.Key == other.Key && e.Actions.MTU != 100 {
			t.Errorf("entry %+v, want the MTU 100", e)
		}
	}
}
