package portstatus

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/test/leaks"
	"midonet.org/midonet/topology"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

func TestMain(m *testing.M) { leaks.Main(m) }

// sink keeps the last status of each port and fails as often as it is told to.
type sink struct {
	mu       sync.Mutex
	active   map[string]bool
	calls    int
	failures int
}

func (s *sink) SetPortStatus(_ context.Context, statuses []journal.PortStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.failures > 0 {
		s.failures--
		return errors.New("the database is away")
	}
	for _, p := range statuses {
		s.active[p.PortID] = p.Active
	}
	return nil
}

func (s *sink) fail(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = times
}

// await waits until the sink has exactly the given statuses.
func (s *sink) await(t *testing.T, what string, want map[topology.PortID]bool) {
	t.Helper()
	named := map[string]bool{}
	for p, active := range want {
		named[p.String()] = active
	}
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		got := maps.Clone(s.active)
		s.mu.Unlock()
		if maps.Equal(got, named) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: the sink has %v, want %v", what, got, named)
		}
	}
}

// world is a store with a job at work on it.
type world struct {
	t     *testing.T
	store nsdb.Store
	sink  *sink
}

func newWorld(t *testing.T) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &world{t: t, store: store, sink: &sink{active: map[string]bool{}}}
}

// work starts the job.
func (w *world) work() {
	log := slog.New(slog.DiscardHandler)
	m := mirror.New(w.store, log)
	job := &Job{Mirror: m, Sink: w.sink, Log: log}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	running.Go(func() { job.Run(ctx) })
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func (w *world) update(fn func(nsdb.Tx)) {
	w.t.Helper()
	if _, err := w.store.Update(w.t.Context(), func(tx nsdb.Tx) error { fn(tx); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(objects ...topology.Object) {
	w.t.Helper()
	w.update(func(tx nsdb.Tx) {
		for _, o := range objects {
			tx.Put(o)
		}
	})
}

func (w *world) remove(o topology.Object) {
	w.t.Helper()
	w.update(func(tx nsdb.Tx) { tx.Delete(o.Key()) })
}

// TestEachConditionCounts takes away one at a time of what an ACTIVE port needs.
func TestEachConditionCounts(t *testing.T) {
	w := newWorld(t)
	port, host, other := id.New[topology.Port](), id.New[topology.Host](), id.New[topology.Host]()
	plugged := &topology.Binding{Port: port, Host: host, Interface: "tap0"}
	live := &topology.HostState{Host: host}
	up := &topology.PortState{Port: port, Host: host, Active: true}
	w.put(&topology.Port{ID: port}, plugged, live, up)
	w.work()
	active, down := map[topology.PortID]bool{port: true}, map[topology.PortID]bool{port: false}
	for _, c := range []struct {
		name          string
		breaks, mends func()
	}{
		{"the host goes", func() { w.remove(live) }, func() { w.put(live) }},
		{"the interface goes down", func() { w.put(&topology.PortState{Port: port, Host: host}) }, func() { w.put(up) }},
		{"the interface goes", func() { w.remove(up) }, func() { w.put(up) }},
		{"the binding goes", func() { w.remove(plugged) }, func() { w.put(plugged) }},
		{"the binding moves", func() { w.put(&topology.Binding{Port: port, Host: other, Interface: "tap0"}) }, func() { w.put(plugged) }},
	} {
		w.sink.await(t, "before "+c.name, active)
		c.breaks()
		w.sink.await(t, c.name, down)
		c.mends()
	}
	w.sink.await(t, "at the end", active)
}

// TestAStartStatesEveryPort has more ports than one batch and a sink that fails at first.
func TestAStartStatesEveryPort(t *testing.T) {
	w := newWorld(t)
	host := id.New[topology.Host]()
	want := map[topology.PortID]bool{}
	w.put(&topology.HostState{Host: host})
	for len(want) < 2*maxBatch+10 {
		w.update(func(tx nsdb.Tx) {
			for range 30 {
				port, active := id.New[topology.Port](), len(want)%3 == 0
				want[port] = active
				tx.Put(&topology.Port{ID: port})
				if active {
					tx.Put(&topology.Binding{Port: port, Host: host, Interface: "tap" + port.Short()})
					tx.Put(&topology.PortState{Port: port, Host: host, Active: true})
				}
			}
		})
	}
	// A state that speaks of no port is nobody's business.
	stray := id.New[topology.Port]()
	w.put(&topology.Binding{Port: stray, Host: host}, &topology.PortState{Port: stray, Host: host, Active: true})
	w.sink.fail(2)
	w.work()
	w.sink.await(t, "after the start", want)

	w.remove(&topology.HostState{Host: host})
	for p := range want {
		want[p] = false
	}
	w.sink.await(t, "after the host's end", want)
}

// TestANewPortCostsNothing keeps the creation of ports free of a write each for what Neutron says already.
func TestANewPortCostsNothing(t *testing.T) {
	w := newWorld(t)
	old, host := id.New[topology.Port](), id.New[topology.Host]()
	w.put(&topology.HostState{Host: host}, &topology.Port{ID: old})
	w.work()
	w.sink.await(t, "after the start", map[topology.PortID]bool{old: false})
	alone, bound := id.New[topology.Port](), id.New[topology.Port]()
	w.put(&topology.Port{ID: alone})
	w.put(&topology.Port{ID: bound}, &topology.Binding{Port: bound, Host: host}, &topology.PortState{Port: bound, Host: host, Active: true})
	w.sink.await(t, "nothing is said of the port alone", map[topology.PortID]bool{old: false, bound: true})
}
