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
	"go.uber.org/goleak"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what it was told last, and fails the first time.
type sink struct {
	mu    sync.Mutex
	hosts []journal.Host
	calls int
}

func (s *sink) SetHosts(_ context.Context, hosts []journal.Host) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls == 1 {
		return errors.New("the database is away")
	}
	s.hosts = hosts
	return nil
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
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
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

func TestHostsAreTold(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s, m := &sink{}, mirror.New(store, log)
	job := &Job{Mirror: m, Sink: s, Log: log, Interval: 50 * time.Millisecond}
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
	before, _ := s.told()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if calls, _ := s.told(); calls > before+1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the hosts are not told again while nothing changes")
		}
	}
}
