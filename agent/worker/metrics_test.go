package worker

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// TestDropsAreCountedByReason: for each reason there is a way to be dropped for it, and an operator sees that one and no other, by the
// metrics and in what the host reports.
func TestDropsAreCountedByReason(t *testing.T) {
	ways := map[string]func(t *testing.T) *rig{
		"no_view": func(t *testing.T) *rig {
			b := newRig(t, 2)
			b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
			return b
		},
		"unplugged": func(t *testing.T) *rig {
			b := newRig(t, 2)
			b.Apply(b.network.snapshot())
			b.miss(b.remote, udp(b.remote, b.local[1], 1))
			return b
		},
		"malformed": func(t *testing.T) *rig {
			b := newRig(t, 2)
			b.Apply(b.network.snapshot())
			b.miss(b.local[0], udp(b.local[0], b.local[1], 1)[:20])
			return b
		},
		"virtual": func(t *testing.T) *rig {
			b := newTextRig(t, 64, strings.Replace(answersOnly, "bind vm2 h2 tap0", "bind vm2 h1 tap1", 1))
			h := packet.Header{SrcMAC: mac.MustParse("02:00:00:00:00:02"), DstMAC: mac.MustParse("02:00:00:00:00:01"),
				EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr("10.0.0.4"), DstIP: netip.MustParseAddr("10.0.0.3"), Proto: packet.ProtoUDP}
			b.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port]("vm2"), Frame: h.Frame(nil)}})
			return b
		},
		"error": func(t *testing.T) *rig {
			b := newRig(t, 2)
			b.Apply(b.network.snapshot())
			b.Apply(view.Delta{Deletes: []topology.Key{b.network.bridge.Key()}})
			b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
			return b
		},
		"flood_rate": func(t *testing.T) *rig {
			b := newRig(t, 1)
			for i := range 1000 {
				b.network.plug(b.other, fmt.Sprintf("far%d", i))
			}
			b.Apply(b.network.snapshot())
			from, all := netip.AddrPortFrom(b.local[0].addr, 2000), netip.MustParseAddrPort("255.255.255.255:2000")
			for range 2 * floodRate / 1000 {
				b.miss(b.local[0], packet.WrapUDP(b.local[0].mac, mac.Broadcast, from, all, []byte("x")))
			}
			return b
		},
		"metadata_rate": func(t *testing.T) *rig {
			b := newMetadataRig(t, 1)
			for n := range uint16(2 * questionRate) {
				b.miss(b.local[0], question(b.local[0], 1025+n))
			}
			return b
		},
		"no_room_to_wait": func(t *testing.T) *rig {
			b := newTextRig(t, 64, twoRouters+"block r1 203.0.113.5 1024 h1\n")
			for n := range byte(maxWaitingPerRoom/4 + 1) {
				b.serve(datagramOut(t, n)[1:])
			}
			return b
		},
		"no_room_for_connection": func(t *testing.T) *rig {
			b := newTextRig(t, 8, twoRouters+"block r1 203.0.113.5 1024 h1\n")
			b.serve(firstPackets(8))
			return b
		},
	}
	if len(ways) != len(dropNames) {
		t.Errorf("%d ways to be dropped, for %d reasons", len(ways), len(dropNames))
	}
	for reason, drop := range ways {
		t.Run(reason, func(t *testing.T) {
			b := drop(t)
			for other, n := range drops(t, b.Worker) {
				if (n > 0) != (other == reason) {
					t.Errorf("%v packets are counted as dropped for %s", n, other)
				}
			}
			if told := b.Facts().Counts.Drops; len(told) != 1 || told[0].Reason != reason {
				t.Errorf("the host reports %v", told)
			}
		})
	}
}

// TestPortsThatTheCacheGivesAreShown: what of a host's blocks the flow cache gives to connections by itself is in the metrics and in what the host
// reports, until nobody can have one of the ports any more.
func TestPortsThatTheCacheGivesAreShown(t *testing.T) {
	r := newTextRig(t, 256, natWorld+"bind out h1 tap1\n")
	shown := func() (lots, lent float64) {
		return gathered(t, r.Worker, "midonet_agent_port_lots")[""], gathered(t, r.Worker, "midonet_agent_ports_lent")[""]
	}
	for port := range uint16(6) {
		r.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port]("vm1"), Frame: going(packet.ProtoTCP, 1, 3000+port, 80)}})
	}
	lots, lent := shown()
	if want := len(r.lots); want == 0 || lots != float64(want) || lent == 0 || lent > topology.NATBlockSize {
		t.Errorf("%v ports in %v lots are shown, there are %d lots", lent, lots, want)
	}
	if c := r.Facts().Counts; float64(c.Lent) != lent || c.Blocks != 2 {
		t.Errorf("the host reports %d ports of %d blocks, want %v of 2", c.Lent, c.Blocks, lent)
	}
	r.Apply(view.Delta{Puts: viewtest.MustParse("port vm1 blue down")})
	r.clock.advance(lotRest)
	if err := r.sweep(); err != nil {
		t.Fatal(err)
	}
	if lots, lent = shown(); lots != 0 || lent != 0 {
		t.Errorf("when the workload has gone %v ports in %v lots are shown", lent, lots)
	}
}

// drops returns what the metrics count as dropped, by reason.
func drops(t *testing.T, w *Worker) map[string]float64 {
	t.Helper()
	return gathered(t, w, "midonet_agent_drops_total")
}

// gathered returns the metric with the name, by its label's value where it has one.
func gathered(t *testing.T, w *Worker, name string) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(w); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			label := ""
			if l := m.GetLabel(); len(l) > 0 {
				label = l[0].GetValue()
			}
			counted[label] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return counted
}
