package sim_test

import (
	"net/netip"
	"testing"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// twoRouters has two tenant routers on an external network, with source NAT, floating addresses and security groups: a packet between
// them passes three bridges, both routers and all their chains.
var twoRouters = `
host h1 192.0.2.1
host h2 192.0.2.2
bridge blue
bridge green
bridge ext external
port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web
port vm3 green key 13 source fa:16:3e:00:00:03@10.0.1.3 egress all ingress web
bind vm1 h1 tap1
bind vm3 h2 tap3
mac blue fa:16:3e:00:00:01 vm1
mac green fa:16:3e:00:00:03 vm3
neighbour blue 10.0.0.3 fa:16:3e:00:00:01 vm1
neighbour green 10.0.1.3 fa:16:3e:00:00:03 vm3
router r1 in pre-r1 forward forward-r1 out post-r1
router r2 in pre-r2 forward forward-r2 out post-r2
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b mtu 1450
port r1e ext peer r1-ext device r1
rport r1-ext r1 fa:16:3e:aa:00:03 203.0.113.5/24 peer r1e mtu 1500
port r2g green peer r2-green device r2
rport r2-green r2 fa:16:3e:bb:00:01 10.0.1.1/24 peer r2g mtu 1450
port r2e ext peer r2-ext device r2
rport r2-ext r2 fa:16:3e:bb:00:03 203.0.113.6/24 peer r2e mtu 1500
mac blue fa:16:3e:aa:00:01 r1b
mac green fa:16:3e:bb:00:01 r2g
mac ext fa:16:3e:aa:00:03 r1e
mac ext fa:16:3e:bb:00:03 r2e
neighbour ext 203.0.113.5 fa:16:3e:aa:00:03 r1e
neighbour ext 203.0.113.9 fa:16:3e:bb:00:03 r2e
route r1 203.0.113.5 local r1-ext
route r1 10.0.0.1 local r1-blue
route r1 10.0.0.0/24 port r1-blue
route r1 203.0.113.0/24 port r1-ext
route r1 0.0.0.0/0 port r1-ext via 203.0.113.1
route r2 203.0.113.6 local r2-ext
route r2 10.0.1.1 local r2-green
route r2 10.0.1.0/24 port r2-green
route r2 203.0.113.0/24 port r2-ext
route r2 0.0.0.0/0 port r2-ext via 203.0.113.1
chain all accept ip4; accept ip6
chain web accept icmp; accept tcp dport=22 srcgroup=trusted; accept tcp dport=443; accept tcp dport=80
floating f1 r2 r2-ext 203.0.113.9 10.0.1.3
` + viewtest.GatewayChains("r1", "r1-ext", "203.0.113.5") + viewtest.GatewayChains("r2", "r2-ext", "203.0.113.6")

// BenchmarkFirstPackets is the way of a connection's first packet through two routers with security groups, source NAT in one and a
// floating address in the other.
//
// With ways each of them but two follows an earlier one, as when a workload opens many connections to another.
func BenchmarkFirstPackets(b *testing.B) {
	b.Run("walked", func(b *testing.B) { benchmarkFirstPackets(b, nil) })
	b.Run("with ways", func(b *testing.B) { benchmarkFirstPackets(b, new(sim.Ways)) })
}

func benchmarkFirstPackets(b *testing.B, ways *sim.Ways) {
	v := viewtest.View(twoRouters)
	in := make([]sim.Input, 1024)
	for i := range in {
		h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
			SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("203.0.113.9"), Proto: packet.ProtoTCP, SrcPort: uint16(i), DstPort: 80}
		in[i] = sim.Input{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil), State: sim.EmptyState{}}
	}
	if r := sim.Simulate(v, in[0]); r.Verdict != sim.Forward || r.Actions.Rewrite.Hops != 2 || len(r.State) != 3 {
		b.Fatalf("%s with %d hops and %d states, want two routers and one source NAT passed", r.Verdict, r.Actions.Rewrite.Hops, len(r.State))
	}
	b.ReportAllocs()
	i, room := 0, new(sim.Room) // as the worker has it
	for b.Loop() {
		first := in[i%len(in)]
		first.Room, first.Ways = room, ways
		r := sim.Simulate(v, first)
		if i++; r.Followed != (ways != nil && i > 2) {
			b.Fatalf("packet %d is taken the way of another: %v", i, r.Followed)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "simulations/s")
}
