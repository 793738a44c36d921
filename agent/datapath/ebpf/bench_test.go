package ebpf

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// BenchmarkHit is what from_port takes for a packet with a flow, without what the kernel does before and after: the program runs
// on loopback, which a test run takes where no interface is named.
//
// A run works on what the run before it left behind. So that every run is a hit, all fields are written with the value that they
// have, which costs what another value does, and the TTL loses nothing.
func BenchmarkHit(b *testing.B) {
	const macs = flow.FieldSrcMAC | flow.FieldDstMAC
	const addresses = flow.FieldSrcIP | flow.FieldDstIP
	const ports = flow.FieldSrcPort | flow.FieldDstPort
	udp4, tcp4, udp6, tcp6 := udpHeader(1, 1), udpHeader(1, 1), udpHeader(1, 1), udpHeader(1, 1)
	for _, h := range []*packet.Header{&udp6, &tcp6} {
		h.EtherType, h.SrcIP, h.DstIP = packet.EtherTypeIPv6, netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")
	}
	tcp4.Proto, tcp6.Proto = packet.ProtoTCP, packet.ProtoTCP
	for _, c := range []struct {
		name   string
		header packet.Header
		fields flow.Fields
		any    flow.Ports
	}{
		{"plain", udp4, 0, 0},
		{"plain, any ports", udp4, 0, flow.BothPorts},
		{"routed", udp4, macs | flow.FieldTTL, 0},
		{"floating", udp4, macs | flow.FieldSrcIP | flow.FieldTTL, 0},
		{"translated/UDP4", udp4, macs | addresses | ports | flow.FieldTTL, 0},
		{"translated/TCP4", tcp4, macs | addresses | ports | flow.FieldTTL, 0},
		{"translated/UDP6", udp6, macs | addresses | ports | flow.FieldTTL, 0},
		{"translated/TCP6", tcp6, macs | addresses | ports | flow.FieldTTL, 0},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkHit(b, c.header, c.fields, c.any) })
	}
}

func benchmarkHit(b *testing.B, h packet.Header, fields flow.Fields, any flow.Ports) {
	d, in := loopbackDatapath(b)
	frame := h.Frame(make([]byte, 18))
	var p packet.Packet
	check(b, packet.Parse(frame, &p))
	actions := flow.Actions{Outputs: []flow.Output{{Port: in}}, Rewrite: flow.Rewrite{
		Fields: fields, SrcMAC: h.SrcMAC, DstMAC: h.DstMAC, SrcIP: h.SrcIP, DstIP: h.DstIP, SrcPort: h.SrcPort, DstPort: h.DstPort,
	}}
	check(b, d.Install([]flow.Flow{{Key: flow.KeyOf(&p, in).Wide(any), Actions: actions}}))
	_, took, err := d.objects.FromPort.Benchmark(frame, b.N, b.ResetTimer)
	check(b, err)
	b.ReportMetric(float64(took.Nanoseconds()), "ns/packet")
	if c, err := d.Counters(); err != nil || c.Misses+c.MissesLost > 0 {
		b.Fatalf("counters %+v, %v, want hits alone", c, err)
	}
}

// loopbackDatapath is a datapath without devices or attachments, which takes lo for a port.
func loopbackDatapath(b *testing.B) (*Datapath, topology.PortID) {
	b.Helper()
	if os.Geteuid() != 0 {
		b.Skip("needs root for BPF")
	}
	in := id.New[topology.Port]()
	d := &Datapath{
		dir:   filepath.Join(b.TempDir(), "bpf"),
		ports: map[topology.PortID]*plug{in: {Port: datapath.Port{ID: in}, ifindex: loopback, kind: outputLocalPeer}},
	}
	check(b, mountBPF(d.dir))
	b.Cleanup(func() { unix.Unmount(d.dir, unix.MNT_DETACH) })
	check(b, d.load(Config{}.withDefaults()))
	b.Cleanup(func() { d.objects.Close() })
	return d, in
}
