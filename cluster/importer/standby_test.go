package importer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

// countingStore counts how often everything is read.
type countingStore struct {
	nsdb.Large
	views atomic.Int32
}

func (s *countingStore) View(ctx context.Context) (*nsdb.Snapshot, error) {
	s.views.Add(1)
	return s.Large.View(ctx)
}

// second is another server on the bench's database, that stands by.
type second struct {
	*Importer
	store *countingStore
}

func (b *bench) second(t *testing.T, store nsdb.Large) *second {
	t.Helper()
	s := &second{store: &countingStore{Large: store}}
	s.Importer = New(s.store, b.journal, translate.DefaultSettings(), logTo(t))
	s.CompareWith(b.journal)
	m := mirror.New(s.store, logTo(t))
	s.Follow(m)
	s.verifyAfter = time.Hour
	runUntilEnd(t, m.Run)
	runUntilEnd(t, s.StandBy)
	return s
}

// awaitReady waits until the second server has all that the store has, and the mirror is the only reader of the whole.
func (s *second) awaitReady(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.standby.mu.Lock()
		ready := s.standby.waiting != nil
		s.standby.mu.Unlock()
		if ready {
			return
		}
	}
	t.Fatal("it does not stand by")
}

// haveTurn makes it the bench's importer, as when the first server has died.
func (b *bench) haveTurn(t *testing.T, s *second) {
	t.Helper()
	state, _, err := s.start(t.Context(), s.begin())
	if err != nil {
		t.Fatal(err)
	}
	b.importer, b.state = s.Importer, state
}

// TestTurnsAreTakenOver: of a random history of which every server does a part, each knows all that its predecessors did, and reads nothing anew.
func TestTurnsAreTakenOver(t *testing.T) {
	b := newBench(t)
	one, other := b.second(t, b.store), b.second(t, b.store)
	for range 8 {
		for _, s := range []*second{one, other} {
			for range rand.IntN(6) {
				for range 1 + rand.IntN(4) {
					b.randomTask()
				}
				if rand.IntN(8) == 0 { // it dies between the commit and the removal from the journal
					b.journal.failDone = 1
					if _, err := b.importer.drain(t.Context(), b.state); err == nil {
						t.Fatal("the failure of Done was passed over")
					}
					break
				}
				b.drain()
			}
			s.awaitReady(t)
			views := s.store.views.Load()
			b.haveTurn(t, s)
			if n := s.store.views.Load() - views; n != 0 {
				t.Fatalf("everything was read %d times", n)
			}
			b.drain()
			s.end()
		}
	}
	b.journal.putNetwork(network(0)) // a random history may end with nothing
	b.journal.putPort(port(0, network(0).ID))
	b.drain()
	if n := b.count(topology.KindPort); n == 0 {
		t.Error("nothing is there")
	}
}

// TestAPredecessorThatWasOnlySlow: what it still writes is refused.
func TestAPredecessorThatWasOnlySlow(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.drain()
	slow, slowState := b.importer, b.state
	s := b.second(t, b.store)
	s.awaitReady(t)
	b.haveTurn(t, s)
	b.journal.putNetwork(network(1))
	if _, err := slow.drain(t.Context(), slowState); !errors.Is(err, errOvertaken) {
		t.Errorf("the predecessor's drain: %v, want errOvertaken", err)
	}
	b.drain()
}

// TestWhatMayLackTasksIsNotTakenOver: another store, and an old copy.
func TestWhatMayLackTasksIsNotTakenOver(t *testing.T) {
	b := newBench(t)
	b.journal.putNetwork(network(0))
	b.drain()
	left := b.second(t, staging.Over(emptyBench(t).engine))
	left.awaitReady(t)
	b.haveTurn(t, left)
	b.store = left.store
	b.wantNoDifferences()
	if b.count(topology.KindBridge) != 1 {
		t.Error("a server with a store of its own has not learned what was applied to the other")
	}
	b.journal.putNetwork(network(1))
	b.drain()

	later := b.second(t, b.store)
	later.awaitReady(t)
	b.journal.mark.Applied += 5 // applied to what this is an old copy of
	views := later.store.views.Load()
	b.haveTurn(t, later)
	if later.store.views.Load() == views {
		t.Error("an old copy was taken over without looking at what it has")
	}
	b.wantNoDifferences()
}

// TestATakenOverTopologyIsVerified: what the predecessor's program rendered otherwise is repaired, and what is changing meanwhile is no
// difference.
func TestATakenOverTopologyIsVerified(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		b := newBench(t)
		b.somePorts(5)
		s := b.second(t, b.store)
		s.awaitReady(t)
		s.verifyAfter = 0
		state, verdicts, err := s.start(t.Context(), s.begin())
		if err != nil {
			t.Fatal(err)
		}
		b.importer, b.state = s.Importer, state
		if damaged {
			b.damage(2)
			verdicts = s.verify(t.Context())
		}
		for deadline := time.Now().Add(patience); len(verdicts) == 0 && time.Now().Before(deadline); {
			b.journal.putPort(port(uint16(rand.IntN(1000)), network(0).ID))
			if _, err := s.drain(t.Context(), b.state); err != nil {
				t.Fatal(err)
			}
		}
		if b.state, err = s.heed(t.Context(), b.state, verdicts); err != nil {
			t.Fatal(err)
		}
		b.wantNoDifferences()
		if repaired := s.Status().Repaired > 0; repaired != damaged {
			t.Errorf("damaged: %v, repaired: %v", damaged, repaired)
		}
		b.journal.append(journal.Delete, journal.Port, port(3, network(0).ID).ID.String(), nil)
		b.drain()
		s.verifying.Wait()
	}
}

// TestRequestsOfTwoProcessesReadNothingAnew.
func TestRequestsOfTwoProcessesReadNothingAnew(t *testing.T) {
	b := emptyBench(t)
	store := &countingStore{Large: b.store}
	one, other := fed(t, store), fed(t, store)
	if err := apply(t, one, putNetwork(Create, network(0))); err != nil {
		t.Fatal(err)
	}
	if err := apply(t, other, putNetwork(Create, network(1))); err != nil {
		t.Fatal(err)
	}
	views := store.views.Load()
	for n := range uint16(20) {
		i := []*Importer{one, other}[n%2]
		if err := apply(t, i, putPort(Create, unaddressed(n, network(0).ID))); err != nil {
			t.Fatal(err)
		}
	}
	if n := store.views.Load() - views; n != 0 {
		t.Errorf("everything was read %d times", n)
	}
	b.wantWhole(t, one, 20)
}
