package datapathtest

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/mac"
)

func testMissThenHit(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	frame := udp4()
	before := counters(t, h)

	a.send(frame)
	m := a.expectMiss(frame)
	b.expectNothing()
	f := a.flow(frame, b.local())
	a.install(f)
	execute(t, h, datapath.Packet{InPort: m.InPort, Frame: m.Frame, Offload: m.Offload, Actions: f.Actions})
	b.expect(frame)
	a.send(frame)
	b.expect(frame)

	expectCounters(t, h, before, datapath.Counters{Hits: 1, Misses: 1})
	all := entries(t, h)
	if len(all) != 1 {
		t.Fatalf("entries %v, want one", all)
	}
	e := all[0]
	if e.Stats.Packets != 1 || e.Stats.Bytes != uint64(len(frame)) || e.Stats.LastUsed > patience {
		t.Errorf("stats %+v, want 1 packet of %d octets just now", e.Stats, len(frame))
	}
	if e.Key != f.Key {
		t.Errorf("key %v, want %v", e.Key, f.Key)
	}
	if diff := cmp.Diff(f.Actions.Outputs, e.Actions.Outputs, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
		t.Errorf("outputs (-installed +found)\n%s", diff)
	}
}

// testKeys sends every case: a miss when there are flows for all others, and a hit with its own.
func testKeys(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	var flows []flow.Flow
	for _, c := range cases {
		flows = append(flows, a.flow(c.frame, b.local()))
	}
	if err := h.Datapath.Install(flows); err != nil {
		t.Fatalf("Install: %v", err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, b := *a, *b
			a.t, b.t = t, t
			a.send(c.frame)
			b.expect(c.frame)
			if err := h.Datapath.Remove([]flow.Key{flows[i].Key}); err != nil {
				t.Fatalf("Remove: %v", err)
			}
			a.send(c.frame)
			a.expectMiss(c.frame)
			a.install(flows[i])
		})
	}
	if got := len(entries(t, h)); got != len(cases) {
		t.Errorf("%d entries, want %d", got, len(cases))
	}
}

// testWideKeys sends packets that a flow of a wide key is for, and such that it is not for.
func testWideKeys(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	for _, c := range []struct {
		name      string
		any       flow.Ports
		of        packet.Header
		hit, miss []packet.Header
	}{
		{"any ports", flow.BothPorts, ipv4(packet.ProtoTCP, 4000, 80),
			[]packet.Header{ipv4(packet.ProtoTCP, 4000, 80), ipv4(packet.ProtoTCP, 0, 67), ipv4(packet.ProtoTCP, 65535, 1)},
			[]packet.Header{ipv4(packet.ProtoUDP, 4000, 80), ipv4(packet.ProtoSCTP, 4000, 80), with(ipv4(packet.ProtoTCP, 4000, 80), func(h *packet.Header) { h.TOS = 0xb8 })}},
		{"any source port", flow.SrcPort, ipv6(packet.ProtoUDP, 4000, 80),
			[]packet.Header{ipv6(packet.ProtoUDP, 1, 80), ipv6(packet.ProtoUDP, 65535, 80)}, []packet.Header{ipv6(packet.ProtoUDP, 4000, 81)}},
		{"any destination port", flow.DstPort, ipv4(packet.ProtoUDP, 4000, 80),
			[]packet.Header{ipv4(packet.ProtoUDP, 4000, 1), ipv4(packet.ProtoUDP, 4000, 65535)}, []packet.Header{ipv4(packet.ProtoUDP, 4001, 80)}},
		{"fragments", flow.BothPorts, ipv4(packet.ProtoUDP, 4000, 80), nil,
			[]packet.Header{with(ipv4(packet.ProtoUDP, 4000, 80), first), with(ipv4(packet.ProtoUDP, 0, 0), later)}},
		{"DHCP", flow.BothPorts, ipv4(packet.ProtoUDP, 4000, 80), []packet.Header{ipv4(packet.ProtoUDP, 66, 69)},
			[]packet.Header{ipv4(packet.ProtoUDP, 68, 4000), ipv4(packet.ProtoUDP, 4000, 67), ipv4(packet.ProtoUDP, 4000, 546), ipv4(packet.ProtoUDP, 547, 4000)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := *a, *b
			a.t, b.t = t, t
			wide := a.flow(c.of.Frame(payload), b.local())
			wide.Key = wide.Key.Wide(c.any)
			a.install(wide)
			for _, header := range c.hit {
				a.send(header.Frame(payload))
				b.expect(header.Frame(payload))
			}
			for _, header := range c.miss {
				a.send(header.Frame(payload))
				a.expectMiss(header.Frame(payload))
			}
			all := entries(t, h)
			if len(all) != 1 || all[0].Key != wide.Key || all[0].Stats.Packets != uint64(len(c.hit)) {
				t.Errorf("entries %+v, want one of %s with %d packets", all, wide.Key, len(c.hit))
			}

			// A packet's own flow comes first.
			own := a.flow(c.of.Frame(payload))
			a.install(own)
			a.send(c.of.Frame(payload))
			b.expectNothing()
			if err := h.Datapath.Remove([]flow.Key{own.Key, wide.Key}); err != nil {
				t.Fatalf("Remove: %v", err)
			}
			a.send(c.of.Frame(payload))
			a.expectMiss(c.of.Frame(payload))
		})
	}
}

func testARPIsNeverCached(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	frame := ethernet(packet.EtherTypeARP).Frame(make([]byte, 46))
	copy(frame[14:], []byte{0, 1, 8, 0, 6, 4, 0, 1})
	a.install(flow.Flow{
		Key:     flow.Key{InPort: a.port.ID, SrcMAC: mac.Addr(frame[6:12]), DstMAC: mac.Addr(frame[0:6]), EtherType: packet.EtherTypeARP},
		Actions: flow.Actions{Outputs: []flow.Output{b.local()}},
	})
	a.send(frame)
	a.expectMiss(frame)
	b.expectNothing()
}

// testMalformedIsAMiss sends frames that have no key; the agent may look at them, and the datapath goes on.
func testMalformedIsAMiss(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a := plug(t, h, 0)
	version := udp4()
	version[14] = 0x55
	header := udp4()
	header[14] = 0x44
	for _, frame := range [][]byte{
		udp4()[:20], udp4()[:36], version, header, ipv4(packet.ProtoICMP, 8, 1).Frame(nil)[:39],
		ipv6(packet.ProtoUDP, 1, 2).Frame(payload)[:50], ipv6Extensions(packet.MaxExtensions + 1), ipv6Extensions(2)[:60],
	} {
		a.send(frame)
		a.expectMiss(frame)
	}
}

func testOutputs(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a := plug(t, h, 0)
	var group []*station
	var outputs []flow.Output
	for range datapath.MaxOutputs {
		s := plug(t, h, 0)
		group, outputs = append(group, s), append(outputs, s.local())
	}
	frame := udp4()
	f := a.flow(frame, outputs...)
	f.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldDstMAC, DstMAC: mac.MustParse("ac:ca:ba:00:00:09")}
	want := bytes.Clone(frame)
	copy(want, f.Actions.Rewrite.DstMAC[:])
	a.install(f)
	a.send(frame)
	for _, s := range group {
		s.expect(want)
	}
	for _, s := range group {
		s.expectNothing()
	}
}

func testExecuteHasNoOutputLimit(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	var group []*station
	var outputs []flow.Output
	for range datapath.MaxOutputs*2 + 1 {
		s := plug(t, h, 0)
		group, outputs = append(group, s), append(outputs, s.local())
	}
	before := counters(t, h)
	unplugged := flow.Output{Port: datapath.Port{}.ID}
	execute(t, h, datapath.Packet{Frame: udp4(), Actions: flow.Actions{Outputs: append(slices.Clone(outputs), unplugged)}})
	for _, s := range group {
		s.expect(udp4())
	}
	expectCounters(t, h, before, datapath.Counters{Errors: 1})
}

// testExecuteStepsOver sends good packets between ones that no interface can carry or that lack what is to be rewritten.
func testExecuteStepsOver(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a := plug(t, h, 0)
	good := datapath.Packet{Frame: udp4(), Actions: flow.Actions{Outputs: []flow.Output{a.local()}}}
	empty, short, noPorts := good, good, good
	empty.Frame, short.Frame = nil, udp4()[:5]
	noPorts.Frame = ethernet(0x88b5).Frame(payload)
	noPorts.Actions.Rewrite = flow.Rewrite{Fields: flow.FieldDstPort, DstPort: 1}
	before := counters(t, h)
	if err := h.Datapath.Execute([]datapath.Packet{empty, good, short, good, noPorts, good}); err != nil {
		t.Fatalf("Execute: %v", err)
	}
	for range 3 {
		a.expect(udp4())
	}
	a.expectNothing()
	expectCounters(t, h, before, datapath.Counters{Errors: 3})
}

func testDrop(t *testing.T, newHarness NewHarness) {
	h := one(t, newHarness)
	a, b := plug(t, h, 0), plug(t, h, 0)
	f := a.flow(udp4())
	a.install(f)
	before := counters(t, h)
	a.send(udp4())
	expectCounters(t, h, before, datapath.Counters{Hits: 1})
	b.expectNothing()
	if all := entries(t, h); len(all) != 1 || !all[0].Actions.Drop() || all[0].Stats.Packets != 1 {
		t.Errorf("entries %+v, want a drop with one packet", all)
	}
	execute(t, h, datapath.Packet{Frame: udp4(), Actions: flow.Actions{}})
	b.expectNothing()
}
