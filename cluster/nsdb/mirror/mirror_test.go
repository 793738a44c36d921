package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// fixture is a mirror that runs over a store of its own.
type fixture struct {
	*testing.T
	store nsdb.Store
	*Mirror
}

func newFixture(t *testing.T, wrap func(nsdb.Store) nsdb.Store) *fixture {
	t.Helper()
	engine, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, store: engine, Mirror: New(wrap(engine), logTo(t))}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.Mirror.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		engine.Close()
	})
	return f
}

func plain(s nsdb.Store) nsdb.Store { return s }

func (f *fixture) update(fn func(nsdb.Tx)) *State {
	f.Helper()
	rev, err := f.store.Update(f.Context(), func(tx nsdb.Tx) error { fn(tx); return nil })
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	state, err := f.WaitFor(ctx, rev)
	if err != nil {
		f.Fatalf("the mirror did not reach revision %d: %v", rev, err)
	}
	return state
}

func port(n, bridge byte) *topology.Port {
	return &topology.Port{ID: topology.PortID{n}, Bridge: topology.BridgeID{bridge}}
}

func TestIndexes(t *testing.T) {
	f := newFixture(t, plain)
	b1, h1 := topology.BridgeID{1}, topology.HostID{1}
	hw := mac.Addr{2}
	var entry *topology.MACEntry
	first := f.update(func(tx nsdb.Tx) {
		tx.Put(port(3, 1))
		tx.Put(port(1, 1))
		tx.Put(port(2, 2))
		tx.Put(&topology.Binding{Port: topology.PortID{1}, Host: h1, Interface: "a"})
		tx.Put(&topology.Binding{Port: topology.PortID{2}, Host: topology.HostID{2}, Interface: "b"})
		tx.Put(&topology.PortState{Port: topology.PortID{1}, Host: h1})
		entry = topology.NewMACEntry(b1, hw, topology.PortID{1})
		tx.Put(entry)
		tx.Put(topology.NewLearnedMAC(b1, hw, topology.PortID{1}, h1))
		tx.Put(&topology.DHCP{ID: topology.DHCPID{1}, Bridge: b1})
		tx.Put(&topology.DHCPHost{ID: topology.DHCPHostID{1}, Bridge: b1})
		tx.Put(&topology.Neighbour{ID: topology.NeighbourID{1}, Bridge: b1, MAC: hw})
	})
	if got := portIDs(first, b1); !slices.Equal(got, []byte{1, 3}) {
		t.Errorf("ports of bridge 1: %v, want 1 and 3 in order", got)
	}
	for name, n := range map[string]int{
		"bindings": count(first.Bindings(h1)), "port states": count(first.PortStates(h1)), "MACs": count(first.MACEntries(b1)),
		"learned": count(first.LearnedMACs(b1)), "DHCP": count(first.DHCPs(b1)), "hosts": count(first.DHCPHosts(b1)),
		"neighbours": count(first.Neighbours(b1)), "none": count(first.Ports(topology.BridgeID{9})) + 1,
	} {
		if n != 1 {
			t.Errorf("%s: %d, want 1", name, n)
		}
	}
	if got := Lookup[*topology.MACEntry](first, topology.KindMACEntry, entry.ID); got == nil || got.MAC != hw {
		t.Errorf("Lookup = %+v", got)
	}
	if got := Lookup[*topology.Port](first, topology.KindPort, [16]byte{77}); got != nil {
		t.Errorf("Lookup of what is not there = %+v", got)
	}

	ports := first.Count(topology.KindPort)
	second := f.update(func(tx nsdb.Tx) { // a port moves to another bridge, one goes
		tx.Put(port(1, 2))
		tx.Delete(port(3, 1).Key())
	})
	if all := count(second.ByKind(topology.KindPort)); second.Count(topology.KindPort) != all || all != ports-1 {
		t.Errorf("Count = %d, there are %d; before one was deleted Count was %d", second.Count(topology.KindPort), all, ports)
	}
	if got := portIDs(second, b1); len(got) != 0 {
		t.Errorf("ports of bridge 1 after they left: %v", got)
	}
	if got := portIDs(second, topology.BridgeID{2}); !slices.Equal(got, []byte{1, 2}) {
		t.Errorf("ports of bridge 2: %v, want 1 and 2", got)
	}
	if got := portIDs(first, b1); !slices.Equal(got, []byte{1, 3}) {
		t.Errorf("the older state changed: ports of bridge 1 are %v", got)
	}
}

func TestReferrers(t *testing.T) {
	f := newFixture(t, plain)
	key := func(kind topology.Kind, n byte) topology.Key { return topology.Key{Kind: kind, ID: [16]byte{n}} }
	pool := &topology.Pool{ID: topology.PoolID{1}, LoadBalancer: topology.LoadBalancerID{2}, HealthMonitor: topology.HealthMonitorID{3}}
	first := f.update(func(tx nsdb.Tx) {
		tx.Put(pool)
		tx.Put(&topology.PoolMember{ID: topology.PoolMemberID{4}, Pool: pool.ID})
		tx.Put(&topology.VIP{ID: topology.VIPID{4}, Pool: pool.ID})
	})
	without := pool.Without(key(topology.KindHealthMonitor, 3))
	second := f.update(func(tx nsdb.Tx) { tx.Put(without) })
	third := f.update(func(tx nsdb.Tx) { tx.Delete(pool.Key()) })
	for _, c := range []struct {
		state *State
		to    topology.Key
		want  int
	}{
		{first, pool.Key(), 2}, {first, key(topology.KindLoadBalancer, 2), 1}, {first, key(topology.KindHealthMonitor, 3), 1},
		{first, key(topology.KindHealthMonitor, 2), 0}, // the identifier is that of a load balancer
		{second, key(topology.KindHealthMonitor, 3), 0}, {second, key(topology.KindLoadBalancer, 2), 1},
		{third, key(topology.KindLoadBalancer, 2), 0}, {third, pool.Key(), 2},
	} {
		if n := count(c.state.Referrers(c.to)); n != c.want {
			t.Errorf("revision %d: %d name %v, want %d", c.state.Revision, n, c.to, c.want)
		}
	}
}

func portIDs(s *State, b topology.BridgeID) []byte {
	var ids []byte
	for p := range s.Ports(b) {
		ids = append(ids, p.ID[0])
	}
	return ids
}

func count[T any](seq func(func(T) bool)) int {
	n := 0
	seq(func(T) bool { n++; return true })
	return n
}

func TestMirrorEqualsStoreWhileSubscribersFollow(t *testing.T) {
	follow(t, newFixture(t, plain))
}

// breaking ends each watch with ErrCompacted after a few steps.
type breaking struct{ nsdb.Store }

func (b breaking) Watch(ctx context.Context, after nsdb.Revision) (<-chan nsdb.Step, func() error) {
	ctx, cancel := context.WithCancel(ctx)
	in, _ := b.Store.Watch(ctx, after)
	out := make(chan nsdb.Step)
	go func() {
		defer close(out)
		defer cancel()
		for range 5 {
			step, ok := <-in
			if !ok {
				return
			}
			out <- step
		}
	}()
	return out, func() error { return nsdb.ErrCompacted }
}

func TestSubscribersAreSparedCompaction(t *testing.T) {
	follow(t, newFixture(t, func(s nsdb.Store) nsdb.Store { return breaking{s} }))
}

// follow makes random updates while a subscriber applies the changes that it is given, and others read.
func follow(t *testing.T, f *fixture) {
	state, changes := f.Subscribe()
	defer changes.Close()
	copied := copyOf(state)
	at := state
	var last *State
	for range 60 {
		last = f.update(func(tx nsdb.Tx) {
			for range 1 + rand.IntN(4) {
				p := port(byte(1+rand.IntN(20)), byte(rand.IntN(3)))
				p.Name = fmt.Sprint(rand.IntN(1 << 20))
				if rand.IntN(3) == 0 {
					tx.Delete(p.Key())
				} else {
					tx.Put(p)
				}
			}
		})
	}
	for at.Revision < last.Revision {
		batch, err := changes.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range batch {
			if c.Before != at || c.After.Revision != c.Step.Revision || c.After.Revision < at.Revision {
				t.Fatalf("a change from %d to %d (step %d) came at %d", c.Before.Revision, c.After.Revision, c.Step.Revision, at.Revision)
			}
			at = c.After
			for _, key := range c.Step.Deletes {
				delete(copied, key)
			}
			for _, o := range c.Step.Puts {
				copied[o.Key()] = o
			}
			if diff := cmp.Diff(copyOf(c.After), copied); diff != "" {
				t.Fatalf("the steps do not lead to the state after them (-state +steps):\n%s", diff)
			}
		}
	}
	snapshot, err := f.store.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(snapshot.Objects, copyOf(f.State())); diff != "" {
		t.Errorf("the mirror differs from the store (-store +mirror):\n%s", diff)
	}
}

func copyOf(s *State) map[topology.Key]topology.Object {
	return maps.Collect(func(yield func(topology.Key, topology.Object) bool) {
		for o := range s.All() {
			if !yield(o.Key(), o) {
				return
			}
		}
	})
}

// TestStateIsSafeForManyReaders is for the race detector.
func TestStateIsSafeForManyReaders(t *testing.T) {
	f := newFixture(t, plain)
	state := f.update(func(tx nsdb.Tx) { tx.Put(port(1, 1)); tx.Put(port(2, 1)) })
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 50 {
				if n := count(state.Ports(topology.BridgeID{1})); n != 2 || state.Get(port(1, 1).Key()) == nil {
					t.Errorf("%d ports", n)
				}
			}
		})
	}
	for n := range byte(20) {
		f.update(func(tx nsdb.Tx) { tx.Put(port(n+3, 1)) })
	}
	readers.Wait()
}

func TestReadyAndNextEndWithTheirContext(t *testing.T) {
	f := newFixture(t, plain)
	select {
	case <-f.Ready():
	case <-time.After(patience):
		t.Fatal("never ready")
	}
	_, changes := f.Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := changes.Next(ctx); err != context.Canceled {
		t.Errorf("Next returned %v, want the context's error", err)
	}
	if _, err := f.WaitFor(ctx, 1<<40); err != context.Canceled {
		t.Errorf("WaitFor returned %v, want the context's error", err)
	}
}

func logTo(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
