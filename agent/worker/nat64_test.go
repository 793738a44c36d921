package worker

import (
	"net/netip"
	"testing"

	"midonet.org/midonet/agent/datapath/fake"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// ipv6ToIPv4 is an IPv6 client on one host and an IPv4 workload, which has an IPv6 floating address, on another.
const ipv6ToIPv4 = `
host h1 192.0.2.1
host h2 192.0.2.2
bridge blue
bridge ext external
port client ext key 10
port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 egress none ingress web
bind client h1 tap0
bind vm1 h2 tap0
mac ext fa:16:3e:00:00:09 client
neighbour ext 2001:db8:71::99 fa:16:3e:00:00:09 client
mac blue fa:16:3e:00:00:01 vm1
neighbour blue 10.0.0.3 fa:16:3e:00:00:01 vm1
router r1 in pre1 out post1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b mtu 1450
port r1e ext peer r1-ext device r1
rport r1-ext r1 fa:16:3e:aa:00:03 2001:db8:71::5/64 peer r1e mtu 1500
mac blue fa:16:3e:aa:00:01 r1b
mac ext fa:16:3e:aa:00:03 r1e
route r1 10.0.0.0/24 port r1-blue
route r1 2001:db8:71::/64 port r1-ext
chain none drop
chain web accept tcp dport=80
floating f1 r1 r1-ext 2001:db8:71::9 10.0.0.3
chain pre1 float_dnat; forwarding
chain post1 rev_dnat; float_snat_exact; float_snat
block r1 100.64.0.0 4096 h1
`

// TestAddressesOfOtherFamiliesBetweenHosts: the host where the client's packets come in chooses the address by which the workload sees it,
// and the workload's host knows of it before the first packet is there. After a round trip or two, since what is installed in one
// batch with the word of the client is removed again, the cache has both directions.
func TestAddressesOfOtherFamiliesBetweenHosts(t *testing.T) {
	cable := &fake.Underlay{}
	objects := viewtest.MustParse(ipv6ToIPv4)
	var taps []tap
	var hosts []*testHost
	for _, name := range []string{"h1", "h2"} {
		h := &testHost{t: t, stateDir: t.TempDir(), id: viewtest.ID[topology.Host](name)}
		h.underlay = netip.AddrFrom4([4]byte{192, 0, 2, name[1] - '0'})
		h.datapath = fake.New(fake.Config{Underlay: cable, Endpoints: []netip.Addr{h.underlay}})
		far := h.datapath.AddInterface("tap0")
		h.taps = []Interface{{Index: 1, PeerNamespace: -1, Interface: topology.Interface{Name: "tap0", Up: true}}}
		h.start()
		h.Apply(view.Delta{Puts: objects})
		taps, hosts = append(taps, tap{endpoint: endpoint{iface: name}, Interface: far, t: t}), append(hosts, h)
	}
	client, vm := taps[0], taps[1]
	ask := packet.Header{
		SrcMAC: mac.MustParse("fa:16:3e:00:00:09"), DstMAC: mac.MustParse("fa:16:3e:aa:00:03"), EtherType: packet.EtherTypeIPv6,
		SrcIP: netip.MustParseAddr("2001:db8:71::99"), DstIP: netip.MustParseAddr("2001:db8:71::9"), Proto: packet.ProtoTCP, SrcPort: 40000, DstPort: 80,
	}
	simulations := func() uint64 { return hosts[0].counters.simulations.Load() + hosts[1].counters.simulations.Load() }
	cached := false
	for round := 0; round < 10 && !cached; round++ {
		before := simulations()
		client.Send(ask.Frame([]byte("ask")))
		got := vm.answer()
		if number := got.SrcIP.As4(); got.DstIP != netip.MustParseAddr("10.0.0.3") || got.TTL != 63 || string(got.Data()) != "ask" ||
			number[0] != 100 || number[1] != 64 || number[2] != 16 || number[3] >= topology.NATBlockSize {
			t.Fatalf("round %d: the workload gets %+v", round, got.Header)
		}
		answer := got.Header
		answer.SrcMAC, answer.DstMAC, answer.SrcIP, answer.DstIP = got.DstMAC, got.SrcMAC, got.DstIP, got.SrcIP
		answer.SrcPort, answer.DstPort, answer.TTL = got.DstPort, got.SrcPort, 64
		vm.Send(answer.Frame([]byte("answer")))
		back := client.answer()
		want := ask
		want.SrcMAC, want.DstMAC, want.SrcIP, want.DstIP, want.SrcPort, want.DstPort = ask.DstMAC, ask.SrcMAC, ask.DstIP, ask.SrcIP, 80, 40000
		want.TTL = 63
		if back.Header != want || string(back.Data()) != "answer" {
			t.Fatalf("round %d: the client gets %+v, want %+v", round, back.Header, want)
		}
		cached = simulations() == before
	}
	if !cached {
		t.Error("every packet is a miss")
	}
}
