package hosts

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

// sink keeps what it was told last, and fails the first time.
type sink struct {
	mu    sync.Mutex
	hosts []journal.Host
	calls int

	deleted []string // by an operator
}

func (s *sink) SetHosts(_ context.Context, hosts []journal.Host) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls == 1 {
		return nil, errors.New("the database is away")
	}
	s.hosts = hosts
	return s.deleted, nil
}

// told returns how often the sink was told, and what it was told last.
func (s *sink) told() (int, []journal.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.hosts
}

// await waits until the sink has exactly the given hosts.
func (s *sink) await(t *testing.T, what string, want ...journal.Host) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		_, got := s.told()
		diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty())
		if diff == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s (-want +told):\n%s", what, diff)
		}
	}
}

// delete has an operator delete the host.
func (s *sink) delete(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted = []string{host}
}

// awaitCalls waits until the sink has been told so often again.
func (s *sink) awaitCalls(t *testing.T, n int) {
	t.Helper()
	before, _ := s.told()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if calls, _ := s.told(); calls >= before+n {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the hosts are not told again")
		}
	}
}

// topologyOf is the part of a server that takes hosts out of the topology.
type topologyOf struct {
	store nsdb.Store
	m     *mirror.Mirror
}

func (o topologyOf) UnbindFor(ctx context.Context, _ topology.HostID, port topology.PortID) error {
	return o.remove(ctx, topology.Key{Kind: topology.KindBinding, ID: port})
}

func (o topologyOf) DeleteHost(ctx context.Context, host topology.HostID) error {
	return o.remove(ctx, topology.Key{Kind: topology.KindHost, ID: host})
}

func (o topologyOf) remove(ctx context.Context, key topology.Key) error {
	rev, err := o.store.Update(ctx, func(tx nsdb.Tx) error {
		tx.Delete(key)
		return nil
	})
	if err == nil {
		_, err = o.m.WaitFor(ctx, rev)
	}
	return err
}

func TestHostsAreTold(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s, m := &sink{}, mirror.New(store, log)
	job := &Job{Mirror: m, Sink: s, Hosts: topologyOf{store, m}, Log: log, Interval: 50 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	running.Go(func() { job.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	update := func(fn func(nsdb.Tx)) {
		t.Helper()
		if _, err := store.Update(t.Context(), func(tx nsdb.Tx) error { fn(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	one := &topology.Host{ID: id.New[topology.Host](), Name: "one", Zone: "east", Endpoints: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	other := &topology.Host{ID: id.New[topology.Host](), Name: "another"}
	state := &topology.HostState{Host: one.ID, Version: "7", StartedUnix: 1_700_000_000}
	told := journal.Host{ID: one.ID.String(), Name: "one", Zone: "east", Endpoints: one.Endpoints}
	alive := told
	alive.Alive, alive.Version, alive.StartedAt = true, "7", time.Unix(1_700_000_000, 0)
	second := journal.Host{ID: other.ID.String(), Name: "another"}

	update(func(tx nsdb.Tx) { tx.Put(one) })
	s.await(t, "a host that has joined", told)
	update(func(tx nsdb.Tx) { tx.Put(state); tx.Put(other) })
	s.await(t, "alive, and another", second, alive)
	update(func(tx nsdb.Tx) { tx.Delete(state.Key()) })
	s.await(t, "away", second, told)
	update(func(tx nsdb.Tx) { tx.Delete(one.Key()) })
	s.await(t, "gone", second)

	bound := &topology.Binding{Port: id.New[topology.Port](), Host: one.ID, Interface: "tap0"}
	elsewhere := &topology.Binding{Port: id.New[topology.Port](), Host: other.ID, Interface: "tap0"}
	update(func(tx nsdb.Tx) { tx.Put(one); tx.Put(state); tx.Put(bound); tx.Put(elsewhere) })
	s.await(t, "back", second, alive)
	s.delete(one.ID.String())
	s.awaitCalls(t, 2)
	if m.State().Get(bound.Key()) == nil {
		t.Error("a host that is alive has lost a binding")
	}
	update(func(tx nsdb.Tx) { tx.Delete(state.Key()) })
	s.await(t, "deleted by an operator, and away", second)
	if m.State().Get(bound.Key()) != nil || m.State().Get(elsewhere.Key()) == nil {
		t.Error("bindings are to go with their host, and no others")
	}
	s.awaitCalls(t, 2) // while nothing changes
}
