package ebpf

import (
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
func BenchmarkHit(b *testing.B) {
	d, in := loopbackDatapath(b)
	frame := udpHeader(1, 1).Frame(make([]byte, 18))
	var p packet.Packet
	check(b, packet.Parse(frame, &p))
	actions := flow.Actions{Outputs: []flow.Output{{Port: in}}}
	check(b, d.Install([]flow.Flow{{Key: flow.KeyOf(&p, in), Actions: actions}}))
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
