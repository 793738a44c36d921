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
	if os.Geteuid() != 0 {
		b.Skip("needs root for BPF")
	}
	d := &Datapath{ports: map[topology.PortID]*plug{}, byIndex: map[uint32]topology.PortID{}}
	spec, err := loadBpf()
	if err != nil {
		b.Fatal(err)
	}
	spec.Maps[bpfMapFlows].MaxEntries = 1 << 17
	dir := filepath.Join(b.TempDir(), "bpf")
	if err := mountBPF(dir); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	d.dir = dir
	if err := d.load(Config{MaxFlows: 1 << 17}.withDefaults()); err != nil {
		b.Fatal(err)
	}
	defer d.objects.Close()
	in := id.New[topology.Port]()
	d.ports[in] = &plug{Port: datapath.Port{ID: in}, ifindex: loopback, kind: outputLocalPeer}
	frame := udpHeader(1, 1).Frame(make([]byte, 18))
	var p packet.Packet
	if err := packet.Parse(frame, &p); err != nil {
		b.Fatal(err)
	}
	out := []flow.Output{{Port: in}}
	if err := d.Install([]flow.Flow{{Key: flow.KeyOf(&p, in), Actions: flow.Actions{Outputs: out}}}); err != nil {
		b.Fatal(err)
	}
	_, took, err := d.objects.FromPort.Benchmark(frame, b.N, b.ResetTimer)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took.Nanoseconds()), "ns/packet")
	if c, err := d.Counters(); err != nil || c.Misses+c.MissesLost > 0 {
		b.Fatalf("counters %+v, %v, want hits alone", c, err)
	}
}
