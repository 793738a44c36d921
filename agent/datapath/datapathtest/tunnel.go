package datapathtest

import (
	"net/netip"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
)

// underlays calls test for each address family of the underlay, with the source addresses set and left to the kernel.
func underlays(t *testing.T, newHarness NewHarness, test func(t *testing.T, hosts [2]*Host, peer netip.Addr)) {
	for _, c := range []struct {
		name string
		peer func(*Host) netip.Addr
		set  bool
	}{
		{"IPv4", func(h *Host) netip.Addr { return h.IPv4 }, true},
		{"IPv6", func(h *Host) netip.Addr { return h.IPv6 }, true},
		{"IPv4 without source", func(h *Host) netip.Addr { return h.IPv4 }, false},
		{"IPv6 without source", func(h *Host) netip.Addr { return h.IPv6 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			hosts := newHarness(t, Options{})
			if c.set {
				if err := hosts[0].Datapath.SetSource([]netip.Addr{hosts[0].IPv4, hosts[0].IPv6}); err != nil {
					t.Fatalf("SetSource: %v", err)
				}
			}
			test(t, hosts, c.peer(hosts[1]))
		})
	}
}

// testTunnel is a packet's life across two hosts: miss, packet-out through the tunnel, flow, hit.
func testTunnel(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		a, b := plug(t, hosts[0], 11), plug(t, hosts[1], datapath.MaxTunnelKey)
		for _, frame := range [][]byte{
			udp4(), ipv6(packet.ProtoTCP, 4000, 80).Frame(payload), with(ipv4(packet.ProtoUDP, 4000, 80), tagged(5)).Frame(payload),
			ipv4(packet.ProtoUDP, 4001, 80).Frame(make([]byte, 1400)),
		} {
			a.send(frame)
			m := a.expectMiss(frame)
			f := a.flow(frame, b.remote(peer))
			a.install(f)
			execute(t, hosts[0], datapath.Packet{InPort: m.InPort, Frame: m.Frame, Offload: m.Offload, Actions: f.Actions})
			b.expect(frame)
			a.send(frame)
			b.expect(frame)
		}
		expectCounters(t, hosts[0], datapath.Counters{}, datapath.Counters{Hits: 4, Misses: 4})
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{})
	})
}

func testTunnelKeyUnknown(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		b := plug(t, hosts[1], 5)
		execute(t, hosts[0], datapath.Packet{
			Frame: udp4(), Actions: flow.Actions{Outputs: []flow.Output{{Peer: peer, TunnelKey: 6}}},
		})
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{TunnelUnknown: 1})
		b.expectNothing()

		b.port.TunnelKey = 6
		if err := hosts[1].Datapath.SetPort(b.port); err != nil {
			t.Fatalf("SetPort: %v", err)
		}
		execute(t, hosts[0], datapath.Packet{
			Frame: udp4(), Actions: flow.Actions{Outputs: []flow.Output{{Peer: peer, TunnelKey: 6}, {Peer: peer, TunnelKey: 5}}},
		})
		b.expect(udp4())
		b.expectNothing()
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{TunnelUnknown: 2})
	})
}

// testLocalAndTunnel floods to stations here and there, by a flow and by a packet-out, with a rewrite.
func testLocalAndTunnel(t *testing.T, newHarness NewHarness) {
	hosts := newHarness(t, Options{})
	a, b, c := plug(t, hosts[0], 0), plug(t, hosts[0], 0), plug(t, hosts[0], 0)
	d, e := plug(t, hosts[1], 21), plug(t, hosts[1], 22)
	header := ipv4(packet.ProtoTCP, 4000, 80)
	frame := header.Frame(payload)
	f := a.flow(frame, b.local(), d.remote(hosts[1].IPv4), c.local(), e.remote(hosts[1].IPv6))
	f.Actions.Rewrite = rewriteOf(header, allFields)
	want := apply(f.Actions.Rewrite, header).Frame(payload)
	a.install(f)
	a.send(frame)
	execute(t, hosts[0], datapath.Packet{InPort: a.port.ID, Frame: frame, Actions: f.Actions})
	for _, s := range []*station{b, c, d, e} {
		s.expect(want)
		s.expect(want)
		s.expectNothing()
	}
	a.expectNothing()
}
