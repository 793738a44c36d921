package worker

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// rig is one worker over a recording datapath, and a network with some workloads on its host and one on another host.
type rig struct {
	*Worker
	t        testing.TB
	datapath *recorder
	clock    *clock
	network  *network
	host     topology.HostID
	other    topology.HostID
	local    []endpoint
	remote   endpoint
}

func newRig(t testing.TB, locals int) *rig {
	b := &rig{
		t: t, datapath: newRecorder(), clock: newClock(), network: newNetwork(),
		host: id.New[topology.Host](), other: id.New[topology.Host](),
	}
	b.network.addHost(b.other, netip.MustParseAddr("192.0.2.2"))
	for i := range locals {
		b.local = append(b.local, b.network.plug(b.host, fmt.Sprintf("tap%d", i)))
	}
	b.remote = b.network.plug(b.other, "tap0")
	b.Worker = b.restart()
	return b
}

// restart returns another worker over the same datapath, which knows the host's interfaces and no topology.
func (b *rig) restart() *Worker {
	b.t.Helper()
	w := New(Config{
		Host: b.host, HostName: "host1", Datapath: b.datapath, Cluster: quietCluster{}, State: openStates(b.t, "", b.host, b.clock.Now()),
		Log: slog.New(slog.DiscardHandler), Now: b.clock.Now,
	})
	w.SetInterfaces(b.interfaces())
	if err := w.SetUnderlay([]netip.Addr{netip.MustParseAddr("192.0.2.1")}, 1500); err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *rig) interfaces() []Interface {
	var all []Interface
	for i, e := range b.local {
		all = append(all, Interface{Index: i + 1, Interface: topology.Interface{Name: e.iface, Up: true}})
	}
	return all
}

// miss serves one missed packet from each given frame's port.
func (b *rig) miss(from endpoint, frames ...[]byte) {
	misses := make([]datapath.Miss, len(frames))
	for i, f := range frames {
		misses[i] = datapath.Miss{InPort: from.port, Frame: f}
	}
	b.serve(misses)
}

// sent returns the packets executed since the last call.
func (b *rig) sent() []datapath.Packet {
	b.datapath.mu.Lock()
	defer b.datapath.mu.Unlock()
	p := b.datapath.executed
	b.datapath.executed = nil
	return p
}

// checkFlows fails the test unless every flow in the datapath is what a simulation says now, and the book has it.
func checkFlows(t testing.TB, w *Worker, d *recorder) {
	t.Helper()
	for _, k := range d.keys() {
		r := sim.Simulate(w.view, sim.Input{InPort: k.InPort, Frame: k.Frame(), State: w.cfg.State})
		if want := w.deliverable(r.Actions); !equal(want, d.flows[k].Actions) {
			t.Errorf("flow %s: the cache says %s, the topology %s", k, d.flows[k].Actions, want)
		}
		if w.flows.tagsOf(k) == nil {
			t.Errorf("flow %s is not in the book, so that no change would remove it", k)
		}
	}
}

func TestMissIsSimulatedInstalledAndSentOn(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1000), udp(b.local[0], b.local[1], 1000), udp(b.local[0], b.remote, 1000))

	sent := b.sent()
	if len(sent) != 3 {
		t.Fatalf("%d packets were sent on, want 3", len(sent))
	}
	if got := b.counters.simulations.Load(); got != 2 {
		t.Errorf("%d simulations for two keys", got)
	}
	if got := len(b.datapath.keys()); got != 2 {
		t.Errorf("%d flows, want 2", got)
	}
	local := flow.Actions{Outputs: []flow.Output{{Port: b.local[1].port}}}
	tunnel := flow.Actions{Outputs: []flow.Output{{Port: b.remote.port, Peer: netip.MustParseAddr("192.0.2.2"), TunnelKey: 3}}}
	for i, want := range []flow.Actions{local, local, tunnel} {
		if !equal(sent[i].Actions, want) {
			t.Errorf("packet %d was sent %s, want %s", i, sent[i].Actions, want)
		}
	}
	checkFlows(t, b.Worker, b.datapath)
}

func TestNothingIsDecidedBeforeTheFirstView(t *testing.T) {
	b := newRig(t, 2)
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1000))
	if len(b.sent()) != 0 || len(b.datapath.keys()) != 0 {
		t.Error("a packet was sent or a flow installed without a topology")
	}
	if got := b.counters.drops[dropNoView].Load(); got != 1 {
		t.Errorf("%d packets counted as dropped without a view, want 1", got)
	}
}

func TestChangedPortLosesItsFlowsAndNoOthers(t *testing.T) {
	const ports, peers = 60, 40
	b := newRig(t, ports)
	b.Apply(b.network.snapshot())
	for i, from := range b.local {
		for j := range peers {
			b.miss(from, udp(from, b.local[(i+j+1)%ports], 1000))
		}
	}
	if got := len(b.datapath.keys()); got != ports*peers {
		t.Fatalf("%d flows, want %d", got, ports*peers)
	}
	victim := b.local[7]
	var want []flow.Key
	for _, k := range b.datapath.keys() {
		if k.InPort != victim.port && k.DstMAC != victim.mac {
			want = append(want, k)
		}
	}
	down := *object[*topology.Port](b.network, topology.Key{Kind: topology.KindPort, ID: victim.port})
	down.AdminUp = false
	b.Apply(view.Delta{Puts: []topology.Object{&down}})

	if diff := cmp.Diff(keySet(want), keySet(b.datapath.keys())); diff != "" {
		t.Errorf("flows after the change (-want +got):\n%s", diff)
	}
	if got := b.counters.invalidations.Load(); got != 2*peers {
		t.Errorf("%d flows invalidated, want the %d from and to the port", got, 2*peers)
	}
	checkFlows(t, b.Worker, b.datapath)
}

func keySet(keys []flow.Key) map[string]bool {
	set := make(map[string]bool, len(keys))
	for _, k := range keys {
		set[k.String()] = true
	}
	return set
}

func TestOutputToAnAbsentInterfaceWaitsForIt(t *testing.T) {
	b := newRig(t, 2)
	b.SetInterfaces(b.interfaces()[:1]) // tap1 is not there yet
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1000))
	if got := b.sent(); len(got) != 0 {
		t.Fatalf("sent %v to an interface that does not exist", got)
	}
	checkFlows(t, b.Worker, b.datapath)

	b.SetInterfaces(b.interfaces())
	if got := b.datapath.keys(); len(got) != 0 {
		t.Fatalf("the drop flow %v outlived the arrival of the interface", got)
	}
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1000))
	if got := b.sent(); len(got) != 1 {
		t.Errorf("%d packets sent to the interface that came, want 1", len(got))
	}
}

func TestInterfaceMadeAgainIsPluggedInAgain(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1000))
	b.datapath.ports = map[topology.PortID]datapath.Port{} // what the kernel does when interfaces go
	again := b.interfaces()
	for i := range again {
		again[i].Index += 100
	}
	b.SetInterfaces(again)
	if got := len(b.datapath.ports); got != 2 {
		t.Errorf("%d ports plugged in, want 2", got)
	}
	if got := b.datapath.keys(); len(got) != 0 {
		t.Errorf("flows to the former interface are left: %v", got)
	}
}

func TestPortStates(t *testing.T) {
	b := newRig(t, 3)
	interfaces := b.interfaces()[:2] // tap2 does not exist
	interfaces[1].Up = false
	b.SetInterfaces(interfaces)
	b.Apply(b.network.snapshot())
	got := b.Facts().Ports
	want := map[topology.PortID]bool{b.local[0].port: true, b.local[1].port: false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("port states (-want +got):\n%s", diff)
	}
}

func TestPortThatCannotBePluggedInIsTriedAgain(t *testing.T) {
	b := newRig(t, 1)
	b.datapath.interfaces = func(string) bool { return false }
	b.Apply(b.network.snapshot())
	if b.Facts().Ports[b.local[0].port] {
		t.Error("a port that the datapath refused is active")
	}
	if s, _ := b.Status(); len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "no interface tap0") {
		t.Errorf("the status says %q, want why the port is not plugged in", s.Problems)
	}
	b.datapath.interfaces = func(string) bool { return true }
	if err := b.sweep(); err != nil {
		t.Fatal(err)
	}
	if !b.Facts().Ports[b.local[0].port] {
		t.Error("the port was not tried again")
	}
}

// TestPortThatCannotBePluggedInIsTakenOut: of a port of this agent, or an earlier one, the datapath keeps nothing that the agent does not know of.
func TestPortThatCannotBePluggedInIsTakenOut(t *testing.T) {
	for name, restarted := range map[string]bool{"this agent's": false, "an earlier agent's": true} {
		t.Run(name, func(t *testing.T) {
			b := newRig(t, 2)
			b.Apply(b.network.snapshot())
			b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
			b.datapath.interfaces = func(string) bool { return false }
			w := b.Worker
			if restarted {
				w = b.restart()
			}
			changed := *object[*topology.Port](b.network, topology.Key{Kind: topology.KindPort, ID: b.local[1].port})
			changed.TunnelKey += 100
			w.Apply(view.Delta{Puts: append(b.network.snapshot().Puts, &changed)})
			if p, there := b.datapath.ports[b.local[1].port]; there {
				t.Errorf("the datapath has %+v, and the agent does not", p)
			}
			if !restarted && len(b.datapath.keys()) != 0 {
				t.Errorf("flows lead to it: %v", b.datapath.keys())
			}
		})
	}
}

func TestFlowsExpireWhenIdle(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1), udp(b.local[0], b.local[2], 2))
	b.clock.advance(sim.IdleForward)
	for _, k := range b.datapath.keys() {
		if k.DstMAC == b.local[2].mac {
			e := b.datapath.flows[k]
			e.Stats.LastUsed = time.Second
			b.datapath.flows[k] = e
		} else {
			e := b.datapath.flows[k]
			e.Stats.LastUsed = sim.IdleForward
			b.datapath.flows[k] = e
		}
	}
	if err := b.sweep(); err != nil {
		t.Fatal(err)
	}
	if got := b.datapath.keys(); len(got) != 1 || got[0].DstMAC != b.local[2].mac {
		t.Errorf("flows after a minute are %v, want the used one", got)
	}
	checkFlows(t, b.Worker, b.datapath)
}

// told reports whether Changed has a token, and takes it.
func (b *rig) told() bool {
	select {
	case <-b.Changed():
		return true
	default:
		return false
	}
}

func TestChangedTellsOfPortsAndOfNothingElse(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	if !b.told() {
		t.Error("two ports were plugged in and nobody was told")
	}
	b.network.objects = nil
	b.network.plug(b.other, "tap7")
	b.Apply(b.network.snapshot())
	b.SetInterfaces(append(b.interfaces(), Interface{Index: 99, Interface: topology.Interface{Name: "eth9", Up: true}}))
	if b.told() {
		t.Error("a port of another host or another interface made this one report")
	}
	down := b.interfaces()
	down[0].Up = false
	b.SetInterfaces(down)
	if !b.told() {
		t.Error("an interface went down and nobody was told")
	}
}

func TestPortThatCannotBePluggedInAgainLosesItsFlows(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1), udp(b.local[0], b.local[2], 2))
	b.datapath.interfaces = func(name string) bool { return name != "tap1" }
	moved := b.interfaces()
	moved[1].PeerNamespace = 5 // the other end moved, so that tap1 has to be plugged in again
	b.SetInterfaces(moved)
	if b.Facts().Ports[b.local[1].port] {
		t.Error("tap1 is active and not in the datapath")
	}
	if got := b.datapath.keys(); len(got) != 1 || got[0].DstMAC != b.local[2].mac {
		t.Errorf("flows are %v, want the one to tap2", got)
	}
}

// tagsOf returns the tags of a flow; none where it is not in the book.
func (b *book) tagsOf(key flow.Key) []flow.Tag {
	n, ok := b.keys.Find(key)
	if !ok {
		return nil
	}
	return b.tags.Tags(n)
}
