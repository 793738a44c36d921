package importer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// memoryVersions is one order, and what came of it.
type memoryVersions struct {
	mu      sync.Mutex
	version journal.Version
	shown   int // how often progress was noted

	withdrawAt int // which note of what is prepared finds the order withdrawn, from 1; 0: none
}

func (m *memoryVersions) Ordered(context.Context) (*journal.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.version.Busy() {
		return nil, nil
	}
	v := m.version
	return &v, nil
}

func (m *memoryVersions) change(f func(v *journal.Version)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.version)
	return nil
}

func (m *memoryVersions) Progress(_ context.Context, _ int64, done, total int) error {
	return m.change(func(v *journal.Version) { m.shown++; v.Done, v.Total = done, total })
}

func (m *memoryVersions) Rendered(_ context.Context, _ int64, differences int) (bool, error) {
	activate := false
	return activate, m.change(func(v *journal.Version) {
		v.Sync, v.Differences, activate = journal.SyncCompleted, differences, v.Activate
		if activate {
			v.Tasks = journal.SyncStarted
		}
	})
}

func (m *memoryVersions) Prepared(_ context.Context, _ int64, done int) (wanted bool, err error) {
	return wanted, m.change(func(v *journal.Version) {
		if m.withdrawAt--; m.withdrawAt == 0 {
			v.Tasks = journal.SyncAborted
		} else {
			v.Prepared, wanted = done, true
		}
	})
}

func (m *memoryVersions) Activated(context.Context, int64) error {
	return m.change(func(v *journal.Version) { v.Tasks = journal.SyncCompleted })
}

func (m *memoryVersions) Failed(_ context.Context, _ int64, reason string) error {
	return m.change(func(v *journal.Version) {
		v.Error = reason
		if v.Sync == journal.SyncStarted {
			v.Sync = journal.SyncError
		}
		if v.Tasks == journal.SyncStarted {
			v.Tasks = journal.SyncError
		}
	})
}

// order orders a version and returns what came of it.
func (b *bench) order(activate bool) journal.Version {
	b.Helper()
	m := &memoryVersions{version: journal.Version{ID: 1, Sync: journal.SyncStarted, Activate: activate}}
	if err := b.obey(m); err != nil {
		b.Fatal(err)
	}
	return m.version
}

// obey carries out the order.
func (b *bench) obey(m *memoryVersions) error {
	b.importer.ObeyVersions(m)
	b.importer.askedVersions = time.Time{}
	s, err := b.importer.rebuild(b.Context(), b.state)
	if err == nil {
		b.state = s
	}
	return err
}

func (b *bench) revision() nsdb.Revision {
	b.Helper()
	snapshot, err := b.store.View(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return snapshot.Revision
}

func (b *bench) somePorts(n uint16) {
	b.Helper()
	net := network(0)
	b.journal.putNetwork(net)
	b.journal.putSubnet(subnet(0, net.ID))
	for p := range n {
		b.journal.putPort(port(p, net.ID))
	}
	b.drain()
}

// damage changes and removes ports behind the importer's back, and adds one that belongs to nothing.
func (b *bench) damage(ports uint16) {
	b.Helper()
	surplus := &topology.Port{ID: topology.PortID{9}, Bridge: topology.BridgeID{1, 0}}
	_, err := b.store.Update(b.Context(), func(tx nsdb.Tx) error {
		tx.Put(surplus)
		for p := range ports {
			tx.Delete(topology.Key{Kind: topology.KindPort, ID: port(p, model.NetworkID{}).ID})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func TestAVersionOfASoundTopologyWritesNothing(t *testing.T) {
	b := newBench(t)
	b.somePorts(5)
	before := b.revision()
	v := b.order(true)
	if v.Tasks != journal.SyncCompleted || v.Differences != 0 || v.Done != v.Total || v.Total != 7 {
		t.Errorf("version %+v; want it active, 7 of 7 objects, no differences", v)
	}
	if after := b.revision(); after != before {
		t.Errorf("the store is at revision %d, was at %d", after, before)
	}
}

// TestAVersionWritesTheDifferenceInOneStep watches the store as the stream to the agents does.
func TestAVersionWritesTheDifferenceInOneStep(t *testing.T) {
	b := newBench(t)
	b.somePorts(20)
	b.damage(3)
	before := b.revision()
	if v := b.order(false); v.Differences != 4 || v.Tasks != "" || b.revision() != before {
		t.Errorf("version %+v at revision %d; want 4 differences and nothing written", v, b.revision())
	}
	if v := b.order(true); v.Tasks != journal.SyncCompleted {
		t.Errorf("version %+v", v)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	steps, _ := b.store.Watch(ctx, before)
	first, ok := <-steps
	if !ok {
		t.Fatal("no step was made")
	}
	seen := map[topology.Key]bool{}
	for _, o := range first.Puts {
		seen[o.Key()] = true
	}
	for _, key := range first.Deletes {
		seen[key] = true
	}
	delete(seen, (&topology.Progress{Journal: "j"}).Key())
	if len(seen) != 4 || first.Revision != b.revision() {
		t.Errorf("step %d of %d changes %v; want the 4 damaged objects in one step", first.Revision, b.revision(), seen)
	}
	b.wantNoDifferences()
}

// lose removes ports behind the importer's back.
func (b *bench) lose(ports uint16) {
	b.Helper()
	for first := uint16(0); first < ports; first += 90 {
		_, err := b.store.Update(b.Context(), func(tx nsdb.Tx) error {
			for n := first; n < min(first+90, ports); n++ {
				tx.Delete(topology.Key{Kind: topology.KindPort, ID: port(n, model.NetworkID{}).ID})
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// TestALargeDifferenceIsOneStep watches the store as the stream to the agents does.
func TestALargeDifferenceIsOneStep(t *testing.T) {
	b := newBench(t)
	b.somePorts(300)
	b.lose(280)
	before := b.revision()
	if v := b.order(true); v.Tasks != journal.SyncCompleted || v.Differences != 280 || v.Prepared != 280 {
		t.Errorf("version %+v", v)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	steps, _ := b.store.Watch(ctx, before)
	for step := range steps {
		if len(step.Puts) == 281 && len(step.Deletes) == 0 {
			break
		}
		if len(step.Puts)+len(step.Deletes) > 0 {
			t.Fatalf("a step puts %d objects and deletes %d; want the 280 ports and the progress", len(step.Puts), len(step.Deletes))
		}
	}
	if ctx.Err() != nil {
		t.Error("the step did not come")
	}
	b.wantNoDifferences()
}

// TestAWithdrawnVersionLeavesTheTopology withdraws the order when a part of the difference is prepared.
func TestAWithdrawnVersionLeavesTheTopology(t *testing.T) {
	b := newBench(t)
	b.somePorts(300)
	b.lose(280)
	m := &memoryVersions{version: journal.Version{ID: 1, Sync: journal.SyncStarted, Activate: true}, withdrawAt: 1}
	if err := b.obey(m); err != nil {
		t.Fatal(err)
	}
	if n := b.count(topology.KindPort); n != 20 || m.version.Tasks != journal.SyncAborted || m.version.Prepared != 0 {
		t.Errorf("%d ports, want the 20 that were left; the version is %+v", n, m.version)
	}
	held, err := b.engine.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key := range held.Objects {
		if !key.Kind.Known() {
			t.Errorf("%v is left in the store", key)
		}
	}
	b.journal.putPort(port(400, model.NetworkID{1, 0})) // and the importer goes on
	if _, err := b.importer.drain(t.Context(), b.state); err != nil || b.count(topology.KindPort) != 21 {
		t.Errorf("%d ports after one more, %v", b.count(topology.KindPort), err)
	}
}

// TestAVersionThatFailsSaysWhy lets the store go away while the difference is prepared.
func TestAVersionThatFailsSaysWhy(t *testing.T) {
	t.Parallel() // whoever dies is waited for
	b := newBench(t)
	b.somePorts(300)
	b.lose(280)
	b.importer.store = staging.Over(&failingEngine{Store: b.engine, allowed: 3})
	m := &memoryVersions{version: journal.Version{ID: 1, Sync: journal.SyncStarted, Activate: true}}
	if err := b.obey(m); !errors.Is(err, errGone) {
		t.Errorf("the version failed with %v, want the store's failure", err)
	}
	if v := m.version; v.Tasks != journal.SyncError || v.Sync != journal.SyncCompleted || !strings.Contains(v.Error, errGone.Error()) {
		t.Errorf("version %+v", v)
	}
	if n := b.count(topology.KindPort); n != 20 {
		t.Errorf("%d ports, want the 20 that were left", n)
	}
	b.restart()
	b.wantNoDifferences()
}

// TestAVersionUnderTraffic orders versions while tasks come without a pause; in the end everything is there.
func TestAVersionUnderTraffic(t *testing.T) {
	b := newBench(t)
	b.somePorts(10)
	ctx, cancel := context.WithCancel(t.Context())
	m := &memoryVersions{}
	b.restart()
	b.importer.ObeyVersions(m)
	ended := make(chan error, 1)
	go func() { ended <- b.importer.Run(ctx) }()
	last, made := uint16(10), 0
	for deadline := time.Now().Add(patience); made < 2 && time.Now().Before(deadline); {
		if b.journal.pending() < 20 { // as many as it takes for there to be always some
			b.journal.putPort(port(last, model.NetworkID{1, 0}))
			last++
		}
		_ = m.change(func(v *journal.Version) {
			if v.Tasks == journal.SyncCompleted {
				made++
			}
			if !v.Busy() {
				*v = journal.Version{ID: v.ID + 1, Sync: journal.SyncStarted, Activate: true}
			}
		})
		time.Sleep(time.Millisecond) // the pace of the traffic
	}
	b.await("journal without tasks", func() bool { return b.journal.pending() == 0 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := b.count(topology.KindPort); got != int(last) || made < 2 {
		t.Errorf("%d of %d ports are there after %d versions", got, last, made)
	}
	b.wantNoDifferences()
}
