package worker

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flowstate"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// twoRouters has two tenant routers on an external network: source NAT in the first, a floating address in the second, security groups
// at both ends. The workload that is reached is on another host.
var twoRouters = `
host h2 192.0.2.2
bridge blue
bridge green
bridge ext external
port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 egress all ingress web
port vm3 green key 13 source fa:16:3e:00:00:03@10.0.1.3 egress all ingress web
bind vm1 h1 tap0
bind vm3 h2 tap0
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
route r1 10.0.0.0/24 port r1-blue
route r1 203.0.113.0/24 port r1-ext
route r2 10.0.1.0/24 port r2-green
route r2 203.0.113.0/24 port r2-ext
chain all accept ip4; accept ip6
chain web accept icmp; accept tcp dport=443; accept tcp dport=80
floating f1 r2 r2-ext 203.0.113.9 10.0.1.3
` + viewtest.GatewayChains("r1", "r1-ext", "203.0.113.5") + viewtest.GatewayChains("r2", "r2-ext", "203.0.113.6")

// newTextRig is an agent of host h1 that knows the topology and has room for so many states.
func newTextRig(t testing.TB, states int, text string) *rig {
	t.Helper()
	return newTextRigOf(t, "h1", "192.0.2.1", states, text)
}

// newTextRigOf is an agent of the host with that name and underlay address.
func newTextRigOf(t testing.TB, name, underlay string, states int, text string) *rig {
	t.Helper()
	host := viewtest.ID[topology.Host](name)
	r := &rig{t: t, datapath: newRecorder(), clock: newClock(), host: host, local: []endpoint{{iface: "tap0"}, {iface: "tap1"}}}
	table, err := flowstate.Open(flowstate.Config{Host: host, Size: states}, r.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Worker = New(Config{Host: host, HostName: name, Datapath: r.datapath, Cluster: quietCluster{}, State: table,
		Log: slog.New(slog.DiscardHandler), Now: r.clock.Now})
	r.SetInterfaces(r.interfaces())
	if err := r.SetUnderlay([]netip.Addr{netip.MustParseAddr(underlay)}, 1500); err != nil {
		t.Fatal(err)
	}
	r.network = &network{objects: viewtest.MustParse(text)}
	r.Apply(r.network.snapshot())
	return r
}

// newRoutedRig is an agent that knows twoRouters and has blocks for so many translated connections.
func newRoutedRig(b *testing.B, connections int) *rig {
	b.Helper()
	var text strings.Builder
	text.WriteString(twoRouters)
	for first := 1024; first < 1024+connections; first += topology.NATBlockSize {
		fmt.Fprintf(&text, "block r1 203.0.113.5 %d h1\n", first)
	}
	return newTextRig(b, 4*connections, text.String())
}

// BenchmarkRoutedMisses measures what the first packet of a connection costs through two routers, security groups, source NAT and a
// floating address: from the batch to the states that are kept, the message to the host of the answers, the installed flow and the
// packet on its way. Every miss is of a new connection. The datapath aside, misses/s is how many such connections an agent serves.
func BenchmarkRoutedMisses(b *testing.B) {
	for _, size := range []int{1, 16, batchSize} {
		b.Run(fmt.Sprintf("batches of %d", size), func(b *testing.B) { benchmarkRoutedMisses(b, size) })
	}
}

func benchmarkRoutedMisses(b *testing.B, size int) {
	const connections = 1 << 14
	misses := firstPackets(connections)
	var r *rig
	b.ReportAllocs()
	for done := 0; done < b.N; done += size {
		at := done % (connections - size + 1)
		if at < size { // each connection is new to its agent
			b.StopTimer()
			if r != nil {
				r.checkAllSent(done)
			}
			r = newRoutedRig(b, connections)
			b.StartTimer()
		}
		r.serve(misses[at : at+size])
		r.datapath.executed = r.datapath.executed[:0]
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "misses/s")
}

// checkAllSent fails where a miss came to nothing: dropping is cheaper than serving.
func (b *rig) checkAllSent(served int) {
	b.t.Helper()
	misses, installs := b.counters.misses.Load(), b.counters.installs.Load()
	if misses != installs {
		b.t.Fatalf("%d flows for %d misses, after %d", installs, misses, served)
	}
	if followed := b.counters.followed.Load(); followed != misses-2 {
		b.t.Fatalf("%d of %d packets were taken the way of another", followed, misses)
	}
}

// firstPackets are of so many connections from vm1 to the floating address.
func firstPackets(connections int) []datapath.Miss {
	misses := make([]datapath.Miss, connections)
	for i := range misses {
		h := packet.Header{SrcMAC: mac.MustParse("fa:16:3e:00:00:01"), DstMAC: mac.MustParse("fa:16:3e:aa:00:01"),
			EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("203.0.113.9"),
			Proto: packet.ProtoTCP, SrcPort: uint16(i + 1), DstPort: 80}
		misses[i] = datapath.Miss{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)}
	}
	return misses
}
