package ebpf

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// established is a flow that packets take, by the address that the workload sends them to.
type established struct {
	name    string
	to      netip.Addr
	rewrite flow.Rewrite // its MACs are filled in where it writes them
	any     flow.Ports
	socket  int
	took    []time.Duration // for each burst
}

const (
	// burst is how many packets are sent and then taken, so that all are where a cache is that has just been used.
	burst = 16
	// bursts is how many of each flow are sent in one operation of the benchmark.
	bursts = 32

	payload   = 22 // octets: a frame of 64
	benchPort = 9000
)

// BenchmarkEstablished shows whether a packet of a flow costs the same whatever its way is: a UDP packet from one workload to another,
// through both stacks of the kernel, two veths and the program, from the system call that sends it to the one that takes it, all on one
// CPU. The flows differ in what is written alone. They take turns, burst by burst, so that whatever else the machine does falls on all of
// them alike. Of each flow the burst counts that all but a hundredth took longer than.
func BenchmarkEstablished(b *testing.B) {
	const macs, hops = flow.FieldSrcMAC | flow.FieldDstMAC, flow.FieldTTL
	receiver, outside := netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("203.0.113.5")
	flows := []*established{
		{name: "L2"},
		{name: "L2 again"}, // what of a difference is the measurement's
		{name: "L2 any ports", any: flow.BothPorts},
		{name: "routed", rewrite: flow.Rewrite{Fields: macs | hops, Hops: 1}},
		{name: "source NAT", rewrite: flow.Rewrite{Fields: macs | hops | flow.FieldSrcIP | flow.FieldSrcPort, SrcIP: outside, SrcPort: 1024, Hops: 1}},
		{name: "floating", rewrite: flow.Rewrite{Fields: macs | hops | flow.FieldDstIP, DstIP: receiver, Hops: 1}},
		{name: "two routers", rewrite: flow.Rewrite{Fields: macs | hops | flow.FieldSrcIP | flow.FieldDstIP | flow.FieldSrcPort | flow.FieldDstPort,
			SrcIP: outside, SrcPort: 1024, DstIP: receiver, DstPort: benchPort, Hops: 2}},
	}
	l := newEstablishedLab(b, flows)
	pin(b)
	for b.Loop() {
		for range bursts {
			for _, f := range flows {
				f.took = append(f.took, l.send(b, f))
			}
		}
	}
	if c, err := l.Counters(); err != nil || c.Hits < uint64(len(flows)*len(flows[0].took)*burst) {
		b.Fatalf("counters %+v, %v, want a hit for each of %d packets", c, err, len(flows)*len(flows[0].took)*burst)
	}
	perPacket := func(f *established) float64 {
		slices.Sort(f.took)
		return float64(f.took[len(f.took)/100].Nanoseconds()) / burst
	}
	plain := perPacket(flows[0])
	for _, f := range flows {
		b.Logf("%-13s %6.0f ns a packet  %+5.1f%%", f.name, perPacket(f), (perPacket(f)/plain-1)*100)
	}
	b.ReportMetric(plain, "L2-ns/packet")
	b.ReportMetric((perPacket(flows[len(flows)-1])/plain-1)*100, "%-above-L2")
}

// establishedLab is two workloads of a host, and a socket of the second one.
type establishedLab struct {
	datapath.Datapath
	socket int
	room   [payload]byte
}

// newEstablishedLab gives each of the flows an address to send to and a socket that does.
func newEstablishedLab(b *testing.B, flows []*established) *establishedLab {
	needRoot(b)
	h := newHost(b, Config{MaxFlows: 1024})
	l := &establishedLab{Datapath: h.open(b)}
	from, to := newNamespace(b), newNamespace(b)
	fromName, fromLink := h.newVeth(b, from)
	toName, toLink := h.newVeth(b, to)
	in, out := id.New[topology.Port](), id.New[topology.Port]()
	check(b, l.SetPort(datapath.Port{ID: in, Interface: fromName, TunnelKey: 1}))
	check(b, l.SetPort(datapath.Port{ID: out, Interface: toName, TunnelKey: 2}))
	address := func(link netlink.Link, a netip.Addr) {
		check(b, netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(24, 32)}}))
	}
	to.do(b, func() {
		for i, f := range flows {
			f.to = netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + i)})
			address(toLink, f.to)
		}
		l.socket = udpSocket(b)
		check(b, unix.Bind(l.socket, &unix.SockaddrInet4{Port: benchPort}))
		check(b, unix.SetsockoptTimeval(l.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}))
	})
	b.Cleanup(func() { unix.Close(l.socket) })
	src := netip.MustParseAddr("10.0.0.1")
	from.do(b, func() { address(fromLink, src) })
	for i, f := range flows {
		h := packet.Header{EtherType: packet.EtherTypeIPv4, Proto: packet.ProtoUDP, SrcIP: src, DstIP: f.to,
			SrcMAC: mac.Addr(fromLink.Attrs().HardwareAddr), DstMAC: mac.Addr(toLink.Attrs().HardwareAddr),
			SrcPort: uint16(1025 + i), DstPort: benchPort}
		if f.rewrite.Fields&flow.FieldDstMAC != 0 {
			f.rewrite.SrcMAC, f.rewrite.DstMAC = mac.Addr{2, 0, 0, 0, 0, 2}, h.DstMAC
			h.DstMAC = mac.Addr{2, 0, 0, 0, 0, 1} // the router's
		}
		from.do(b, func() {
			check(b, netlink.NeighAdd(&netlink.Neigh{LinkIndex: fromLink.Attrs().Index, State: netlink.NUD_PERMANENT,
				IP: f.to.AsSlice(), HardwareAddr: h.DstMAC[:]}))
			f.socket = udpSocket(b)
			check(b, unix.Bind(f.socket, &unix.SockaddrInet4{Port: int(h.SrcPort)}))
			check(b, unix.Connect(f.socket, &unix.SockaddrInet4{Addr: f.to.As4(), Port: benchPort}))
		})
		b.Cleanup(func() { unix.Close(f.socket) })
		p := packet.Packet{Header: h}
		check(b, l.Install([]flow.Flow{{Key: flow.KeyOf(&p, in).Wide(f.any),
			Actions: flow.Actions{Rewrite: f.rewrite, Outputs: []flow.Output{{Port: out}}}}}))
	}
	return l
}

func udpSocket(b *testing.B) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	check(b, err)
	return fd
}

// pin keeps the goroutine, to its end and with it the thread's, on one CPU: what it sends is received there too.
func pin(b *testing.B) {
	runtime.LockOSThread()
	var any, one unix.CPUSet
	check(b, unix.SchedGetaffinity(0, &any))
	for cpu := 0; one.Count() == 0; cpu++ {
		if any.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	check(b, unix.SchedSetaffinity(0, &one))
}

// send sends a burst of the flow, takes it and returns how long that took.
func (l *establishedLab) send(b *testing.B, f *established) time.Duration {
	start := time.Now()
	for range burst {
		if _, err := unix.Write(f.socket, l.room[:]); err != nil {
			b.Fatal(err)
		}
	}
	for range burst {
		if n, err := unix.Read(l.socket, l.room[:]); err != nil || n != payload {
			b.Fatal(fmt.Errorf("%s: %d octets, %w", f.name, n, err))
		}
	}
	return time.Since(start)
}
