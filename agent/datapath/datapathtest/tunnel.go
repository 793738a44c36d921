package datapathtest

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

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

// testStateMessages is what one host's agent tells another's: it comes from no port and as it was sent.
func testStateMessages(t *testing.T, newHarness NewHarness) {
	underlays(t, newHarness, func(t *testing.T, hosts [2]*Host, peer netip.Addr) {
		b := plug(t, hosts[1], datapath.MaxTunnelKey)
		for _, size := range []int{1, 100, 1400} {
			frame := ethernet(0x88b5).Frame(make([]byte, size))
			execute(t, hosts[0], datapath.Packet{Frame: frame, Actions: toAgent(peer)})
			m := receive(t, hosts[1])
			if !m.State || !m.InPort.IsZero() || !bytes.Equal(m.Frame, frame) {
				t.Fatalf("state %v from %s\n%x, want a state message\n%x", m.State, m.InPort, m.Frame, frame)
			}
		}
		b.expectNothing()
		expectCounters(t, hosts[0], datapath.Counters{}, datapath.Counters{})
		expectCounters(t, hosts[1], datapath.Counters{}, datapath.Counters{States: 3})
	})
}

func toAgent(peer netip.Addr) flow.Actions {
	return flow.Actions{Outputs: []flow.Output{{Peer: peer, TunnelKey: datapath.StateTunnelKey}}}
}

// testStateBound sends more state messages than are taken; what ports may miss does not depend on it, nor it on that.
func testStateBound(t *testing.T, newHarness NewHarness) {
	const burst, flood, misses = 20, 100, 5
	hosts := newHarness(t, Options{MissRate: 1, MissBurst: misses, StateBurst: burst})
	a := plug(t, hosts[1], 0)
	message := datapath.Packet{Frame: ethernet(0x88b5).Frame(payload), Actions: toAgent(hosts[1].IPv4)}
	begun := time.Now()
	execute(t, hosts[0], message) // alone: the hosts have to find each other first
	receive(t, hosts[1])
	if err := hosts[0].Datapath.Execute(slices.Repeat([]datapath.Packet{message}, flood)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for counters(t, hosts[1]).States+counters(t, hosts[1]).StatesLost < flood+1 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if c := counters(t, hosts[1]); c.States < burst || c.States > let(burst, begun) || c.States+c.StatesLost != flood+1 || c.MissesLost != 0 {
		t.Errorf("%+v, want about %d of %d state messages", c, burst, flood+1)
	}
	for range misses {
		a.send(udp4())
	}
	for n := 0; n < misses; {
		if m := receive(t, hosts[1]); !m.State {
			n++
		}
	}
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
