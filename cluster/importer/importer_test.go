package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

func (b *bench) objects() map[topology.Key]topology.Object {
	b.Helper()
	snapshot, err := b.store.View(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return snapshot.Objects
}

func (b *bench) topologyPort(n uint16) *topology.Port {
	b.Helper()
	o, ok := b.objects()[topology.Key{Kind: topology.KindPort, ID: port(n, model.NetworkID{}).ID}].(*topology.Port)
	if !ok {
		b.Fatalf("port %d is not there", n)
	}
	return o
}

func (b *bench) count(kind topology.Kind) int {
	b.Helper()
	n := 0
	for key := range b.objects() {
		if key.Kind == kind {
			n++
		}
	}
	return n
}

func TestTasksBecomeTopology(t *testing.T) {
	b := newBench(t)
	net := network(0)
	b.journal.putNetwork(net)
	b.journal.putSubnet(subnet(0, net.ID))
	b.journal.putPort(port(7, net.ID))
	last := b.journal.putPort(port(8, net.ID))
	b.drain()
	for kind, want := range map[topology.Kind]int{topology.KindBridge: 1, topology.KindDHCP: 1, topology.KindPort: 2, topology.KindDHCPHost: 2,
		topology.KindMACEntry: 2, topology.KindNeighbour: 2, topology.KindTunnelKey: 2, topology.KindSource: 4} {
		if got := b.count(kind); got != want {
			t.Errorf("%d objects of kind %v, want %d", got, kind, want)
		}
	}
	if b.topologyPort(7).TunnelKey == b.topologyPort(8).TunnelKey {
		t.Error("two ports have one tunnel key")
	}
	if status := b.importer.Status(); status.Applied != 4 || status.LastTaskID != last || b.journal.pending() != 0 {
		t.Errorf("status %+v with %d tasks pending; want 4 applied, the last %d, none pending", status, b.journal.pending(), last)
	}
}

// TestRandomTasks mixes tasks, restarts, and crashes between the commit and the removal from the journal.
func TestRandomTasks(t *testing.T) {
	b := newBench(t)
	want := map[[16]byte]bool{}
	for range 250 {
		for range 1 + rand.IntN(4) {
			id, exists := b.randomTask()
			want[id] = exists
		}
		switch rand.IntN(8) {
		case 0:
			b.journal.failDone = 1
			if _, err := b.importer.drain(t.Context(), b.state); err == nil {
				t.Fatal("the failure of Done was passed over")
			}
			b.restart()
			b.wantNoDifferences()
		case 1:
			b.restart()
		}
		b.drain()
		if status := b.importer.Status(); status.Repaired != 0 || len(status.Failed) != 0 {
			t.Fatalf("a restart found something to repair, or tasks failed: %+v", status)
		}
	}
	for id, exists := range want {
		if stored := b.objects()[topology.Key{Kind: topology.KindSource, ID: id}] != nil; stored != exists {
			t.Errorf("the Neutron object %x is stored: %v, want %v", id, stored, exists)
		}
	}
}

// randomTask appends a task of a small world, and returns its resource and whether that exists afterwards.
func (b *bench) randomTask() (id [16]byte, exists bool) {
	net := network(byte(rand.IntN(3)))
	sub, p := subnet(byte(rand.IntN(4)), net.ID), port(uint16(rand.IntN(12)), net.ID)
	resource := rand.IntN(3)
	if rand.IntN(4) == 0 {
		id = [][16]byte{net.ID, sub.ID, p.ID}[resource]
		text := []string{net.ID.String(), sub.ID.String(), p.ID.String()}[resource]
		b.journal.append(journal.Delete, []journal.DataType{journal.Network, journal.Subnet, journal.Port}[resource], text, nil)
		return id, false
	}
	switch resource {
	case 0:
		net.MTU = 1400 + rand.IntN(3)
		net.NetworkType = []string{"midonet", "midonet", "uplink"}[rand.IntN(3)]
		b.journal.putNetwork(net)
		return net.ID, true
	case 1:
		b.journal.putSubnet(sub)
		return sub.ID, true
	default:
		p.DeviceOwner = []string{"compute:nova", "network:dhcp", ""}[rand.IntN(3)]
		b.journal.putPort(p)
		return p.ID, true
	}
}

func TestTunnelKeysAreKeptAndNotReusedAtOnce(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.journal.putPort(port(1, network(0).ID))
	b.journal.putPort(port(2, network(0).ID))
	b.drain()
	first, second := b.topologyPort(1).TunnelKey, b.topologyPort(2).TunnelKey
	renamed := port(1, network(0).ID)
	renamed.Name = "renamed"
	b.journal.putPort(renamed)
	b.drain()
	b.restart()
	if got := b.topologyPort(1); got.TunnelKey != first || got.Name != "renamed" {
		t.Errorf("after an update the port is %+v, want the name renamed and the tunnel key %d", got, first)
	}
	b.journal.append(journal.Delete, journal.Port, port(2, network(0).ID).ID.String(), nil)
	b.drain()
	b.journal.putPort(port(3, network(0).ID))
	b.drain()
	if got := b.topologyPort(3).TunnelKey; got == second || got == first {
		t.Errorf("a new port got the key %d at once after another gave it up (%d and %d were in use)", got, first, second)
	}
	if n := b.count(topology.KindTunnelKey); n != 2 {
		t.Errorf("%d reservations for 2 ports", n)
	}
}

// TestWhatOperatorsMadeIsLeftAlone: no start and no comparison touches it, nor takes a tunnel key from it.
func TestWhatOperatorsMadeIsLeftAlone(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.drain()
	own := topology.PortID{7}
	made := []topology.Object{
		&topology.Bridge{Made: topology.Operators, ID: topology.BridgeID{9}, Name: "by hand"},
		&topology.Port{Made: topology.Operators, ID: own, Bridge: topology.BridgeID(network(0).ID), TunnelKey: 1},
		&topology.TunnelKey{Made: topology.Operators, Number: 1, Port: own},
		&topology.Overlay{Target: topology.Key{Kind: topology.KindBridge, ID: network(0).ID}, At: topology.Key{Kind: topology.KindBridge, ID: network(0).ID}},
	}
	_, err := b.store.Update(t.Context(), func(tx nsdb.Tx) error {
		for _, o := range made {
			tx.Put(o)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.wantNoDifferences()
	b.restart()
	b.journal.putPort(port(1, network(0).ID))
	b.drain()
	b.wantNoDifferences()
	snapshot, err := b.store.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range made {
		if !same(snapshot.Objects[o.Key()], o) {
			t.Errorf("%v is now %+v", o.Key(), snapshot.Objects[o.Key()])
		}
	}
	if got := b.topologyPort(1).TunnelKey; got == 1 || b.importer.Status().Repaired != 0 {
		t.Errorf("the port has the key %d, with %d repairs", got, b.importer.Status().Repaired)
	}
}

func TestTunnelKeysRunOut(t *testing.T) {
	keys := newTunnelKeys()
	for n := uint32(1); n <= maxTunnelKey; n++ {
		if !keys.take(topology.PortID{0: 1, 12: byte(n >> 16), 13: byte(n >> 8), 14: byte(n)}, n) {
			t.Fatalf("key %d cannot be taken", n)
		}
	}
	late := topology.PortID{0: 2}
	if _, _, err := keys.assign(late); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "1048575") {
		t.Errorf("with all keys in use: %v", err)
	}
	keys.release(topology.PortID{0: 1, 14: 77})
	if n, fresh, err := keys.assign(late); n != 77 || !fresh || err != nil {
		t.Errorf("the one free key is 77; assigned %d, %v, %v", n, fresh, err)
	}
}

func TestBindingGoesWithItsPort(t *testing.T) {
	b := newBench(t)
	p := port(1, network(0).ID)
	b.journal.putNetwork(network(0))
	b.journal.putPort(p)
	b.drain()
	binding := &topology.Binding{Port: topology.PortID(p.ID), Host: topology.HostID{1}, Interface: "tap1"}
	if _, err := b.store.Update(t.Context(), func(tx nsdb.Tx) error { tx.Put(binding); return nil }); err != nil {
		t.Fatal(err)
	}
	b.journal.append(journal.Delete, journal.Port, p.ID.String(), nil)
	b.drain()
	if b.count(topology.KindBinding) != 0 || b.count(topology.KindPort) != 0 {
		t.Error("the port or its binding is still there")
	}
}

func TestPoisonousTaskIsPassedOverAndSuperseded(t *testing.T) {
	b := newBench(t)
	net := network(0)
	bad := b.journal.append(journal.Create, journal.Network, net.ID.String(), []byte(`{"id": 7}`))
	b.journal.append(journal.Create, "POOL", net.ID.String(), []byte(`{}`))
	b.journal.append(journal.Flush, journal.Port, net.ID.String(), nil)
	b.journal.append(journal.Create, journal.Port, "not a uuid", []byte(`{}`))
	b.journal.append(journal.Create, journal.Port, network(1).ID.String(), encode(port(1, net.ID)))
	b.journal.putPort(port(9, network(1).ID))
	b.journal.putNetwork(network(1))
	b.drain()
	if b.count(topology.KindPort) != 1 || b.journal.pending() != 5 {
		t.Fatalf("%d ports with %d tasks pending; want the good tasks applied and the 5 bad ones kept", b.count(topology.KindPort), b.journal.pending())
	}
	failed := b.importer.Status().Failed
	if len(failed) != 5 || failed[0].TaskID != bad || !strings.Contains(failed[0].Resource, net.ID.String()) || failed[0].Reason == "" {
		t.Errorf("status shows %+v", failed)
	}
	b.journal.putNetwork(net)
	b.drain()
	if b.journal.pending() != 4 || b.count(topology.KindBridge) != 2 {
		t.Errorf("%d tasks pending, %d bridges: a newer task did not supersede the bad one", b.journal.pending(), b.count(topology.KindBridge))
	}
}

func TestTaskOfAnotherResourceWithTheSameIdentifierDoesNoHarm(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.drain()
	b.journal.append(journal.Delete, journal.Port, network(0).ID.String(), nil)
	b.drain()
	b.restart()
	if b.count(topology.KindBridge) != 1 || len(b.importer.Status().Failed) != 0 || b.journal.pending() != 1 {
		t.Errorf("%d bridges, %d tasks pending; want the network untouched and the task kept", b.count(topology.KindBridge), b.journal.pending())
	}
}

func TestManyPoisonousTasksDoNotFillTheWindow(t *testing.T) {
	b := newBench(t)
	for n := range window + 10 {
		b.journal.append(journal.Create, journal.Port, fmt.Sprint("bad", n), nil)
	}
	b.journal.putNetwork(network(0))
	for range 3 {
		b.drain()
	}
	if b.count(topology.KindBridge) != 1 {
		t.Error("the good task behind the bad ones was not applied")
	}
}

func TestStartRepairsWhatDiffers(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.journal.putPort(port(1, network(0).ID))
	b.drain()
	number := b.topologyPort(1).TunnelKey
	stray := &topology.Bridge{ID: topology.BridgeID{9}, Name: "stray"}
	changed := &topology.Bridge{ID: topology.BridgeID(network(0).ID), Name: "changed by hand"}
	_, err := b.store.Update(t.Context(), func(tx nsdb.Tx) error {
		tx.Put(stray)
		tx.Put(changed)
		tx.Delete(topology.TunnelKeyKey(number))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := b.importer.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(report.Differences, "\n")
	for _, want := range []string{"changed by hand", "belongs to no Neutron object", "tunnel_key", "is missing"} {
		if !strings.Contains(said, want) {
			t.Errorf("Check does not say %q; it says:\n%s", want, said)
		}
	}
	b.restart()
	b.wantNoDifferences()
	if got := b.importer.Status().Repaired; got != 3 || b.topologyPort(1).TunnelKey != number {
		t.Errorf("%d repairs and tunnel key %d; want 3, and the key %d kept", got, b.topologyPort(1).TunnelKey, number)
	}
}

// TestStartRepairsReservations: one names a port that has another tunnel key, one a port that is gone, and one is an operator's.
func TestStartRepairsReservations(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	for n := range uint16(3) {
		b.journal.putPort(port(n, network(0).ID))
	}
	b.drain()
	first, second, third := b.topologyPort(0), b.topologyPort(1), b.topologyPort(2)
	operators := &topology.TunnelKey{Made: topology.Operators, Number: third.TunnelKey, Port: topology.PortID{9}}
	_, err := b.store.Update(t.Context(), func(tx nsdb.Tx) error {
		tx.Put(&topology.TunnelKey{Number: first.TunnelKey, Port: second.ID})
		tx.Put(&topology.TunnelKey{Number: second.TunnelKey, Port: topology.PortID{8}})
		tx.Put(operators)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.wantNoDifferences()
	if a, b := b.topologyPort(0).TunnelKey, b.topologyPort(1).TunnelKey; a != first.TunnelKey || b != second.TunnelKey {
		t.Errorf("the ports have the keys %d and %d; want %d and %d, which hosts know", a, b, first.TunnelKey, second.TunnelKey)
	}
	if b.topologyPort(2).TunnelKey == third.TunnelKey || !same(b.objects()[operators.Key()], operators) {
		t.Error("an operator's reservation was taken")
	}
	b.journal.append(journal.Delete, journal.Port, port(0, network(0).ID).ID.String(), nil)
	b.drain()
}

// TestStartWithAnotherStore: the store was lost, or is that of a server which was left out. The journal no longer has what was applied.
func TestStartWithAnotherStore(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.journal.putPort(port(1, network(0).ID))
	b.journal.putPort(port(2, network(0).ID))
	b.drain()
	old := b.store
	b.store = newBench(t).store
	b.importer = New(b.store, b.journal, translate.DefaultSettings(), logTo(t))
	b.importer.CompareWith(b.journal)
	report, err := b.importer.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(report.Differences, "\n"); !strings.Contains(said, "Neutron's network "+network(0).ID.String()+" is missing") {
		t.Errorf("Check of an empty store says:\n%s", said)
	}
	b.restart()
	if b.count(topology.KindPort) != 2 || b.count(topology.KindSource) != 3 {
		t.Errorf("%d ports of %d sources, want 2 of 3", b.count(topology.KindPort), b.count(topology.KindSource))
	}
	b.journal.append(journal.Delete, journal.Port, port(1, network(0).ID).ID.String(), nil)
	renamed := port(2, network(0).ID)
	renamed.Name = "renamed"
	b.journal.putPort(renamed)
	b.drain()

	b.store = old
	b.restart()
	b.wantNoDifferences()
	if b.count(topology.KindPort) != 1 || b.topologyPort(2).Name != "renamed" {
		t.Errorf("the store that was left out has %d ports, and %q; want one, renamed", b.count(topology.KindPort), b.topologyPort(2).Name)
	}
}

// TestContentsOfManyObjects: more than one Update takes, in number and in octets.
func TestContentsOfManyObjects(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	for n := range uint16(200) {
		p := port(n, network(0).ID)
		p.Profile = json.RawMessage(`{"a": "` + strings.Repeat("x", 100_000*int(n%2)) + `"}`)
		b.journal.putPort(p)
	}
	b.journal.tasks = nil
	b.restart()
	b.wantNoDifferences()
	if n := b.count(topology.KindPort); n != 200 {
		t.Errorf("%d ports, want 200", n)
	}
}

// failingEngine fails every Update after the first few.
type failingEngine struct {
	nsdb.Store
	allowed int
}

var errGone = errors.New("gone")

func (s *failingEngine) Update(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	if s.allowed == 0 {
		return 0, errGone
	}
	s.allowed--
	return s.Store.Update(ctx, fn)
}

// TestLargeChangeIsOneStep changes the MTU of a network with more subnets than one Update can hold, and dies at each of the steps
// that this takes. Readers see all of it or nothing, and after a new start there is nothing to repair.
func TestLargeChangeIsOneStep(t *testing.T) {
	t.Parallel() // whoever dies is waited for
	b := newBench(t)
	net := network(0)
	b.journal.putNetwork(net)
	for n := range byte(200) {
		b.journal.putSubnet(subnet(n, net.ID))
	}
	b.drain()
	made, complete := 0, false
	for n := 0; !complete; n++ {
		net.MTU++
		b.journal.putNetwork(net)
		engine := &failingEngine{Store: b.engine, allowed: n}
		b.importer.store = staging.Over(engine)
		if _, err := b.importer.drain(t.Context(), b.state); err != nil && !errors.Is(err, errGone) {
			t.Fatalf("drain: %v, want the store's failure", err)
		}
		complete = engine.allowed > 0
		mtus := map[int]int{}
		for key, o := range b.objects() {
			if key.Kind == topology.KindDHCP {
				mtus[o.(*topology.DHCP).MTU]++
			}
		}
		if len(mtus) != 1 {
			t.Fatalf("after %d Updates subnets have these MTUs: %v", n, mtus)
		}
		if mtus[net.MTU] == 200 {
			made++
		}
		b.restart()
		if repaired := b.importer.Status().Repaired; repaired != 0 {
			t.Errorf("after %d Updates there were %d repairs", n, repaired)
		}
		b.drain()
	}
	if made < 3 {
		t.Errorf("%d of the changes were made before the next start, so that too few Updates failed after the making", made)
	}
}

func TestOvertakenImporterStartsAfresh(t *testing.T) {
	b := newBench(t)
	stale := b.state
	b.restart()
	b.journal.putNetwork(network(0))
	b.drain()
	b.journal.putNetwork(network(1))
	if _, err := b.importer.drain(t.Context(), stale); !errors.Is(err, errOvertaken) {
		t.Errorf("drain with a stale state: %v, want errOvertaken", err)
	}
	b.restart()
	b.drain()
	if b.count(topology.KindBridge) != 2 {
		t.Errorf("%d bridges, want 2", b.count(topology.KindBridge))
	}
}

func TestRun(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.importer.Run(ctx) }()
	b.journal.putNetwork(network(0))
	for deadline := time.Now().Add(patience); b.importer.Status().Applied != 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("status %+v", b.importer.Status())
		}
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("Run returned %v, want the context's error", err)
	}
	other := New(b.store, newJournal("another"), translate.DefaultSettings(), logTo(t))
	if err := other.Run(t.Context()); !errs.Is(err, errs.Conflict) {
		t.Errorf("an importer of another journal: %v, want a conflict", err)
	}
}

// BenchmarkImport measures tasks per second: ports created one after the other, drained into an embedded etcd on disk.
func BenchmarkImport(b *testing.B) {
	bench := newBench(b)
	bench.journal.putNetwork(network(0))
	bench.journal.putSubnet(subnet(0, network(0).ID))
	for n := range b.N {
		p := port(uint16(n), network(0).ID)
		p.ID[4], p.ID[5] = byte(n>>24), byte(n>>16)
		bench.journal.putPort(p)
	}
	b.ResetTimer()
	for bench.journal.pending() > 0 {
		if _, err := bench.importer.drain(b.Context(), bench.state); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
