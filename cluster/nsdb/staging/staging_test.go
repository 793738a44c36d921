package staging

import (
	"context"
	"log/slog"
	"testing"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/topology"
)

func embedded(t *testing.T) nsdb.Store {
	t.Helper()
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// empty removes everything, what is staged included.
func empty(t *testing.T, engine nsdb.Store) {
	t.Helper()
	snapshot, err := engine.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Update(t.Context(), func(tx nsdb.Tx) error {
		for key := range snapshot.Objects {
			tx.Delete(key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAWatchThatMissedThePartsStartsAgain begins a watch after parts were staged, and lets it come to the making when they are gone.
func TestAWatchThatMissedThePartsStartsAgain(t *testing.T) {
	engine := embedded(t)
	s := Over(engine)
	var staged nsdb.Revision
	bridge := &topology.Bridge{ID: topology.BridgeID{1}}
	rev, err := s.UpdateLarge(t.Context(), nsdb.LargeChange{
		Writes: map[topology.Key]topology.Object{bridge.Key(): bridge},
		Prepared: func(int) error {
			snapshot, err := engine.View(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			staged = snapshot.Revision
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps, failure := s.Watch(ctx, staged)
	for step := range steps {
		t.Errorf("step %d was delivered; the change is %d", step.Revision, rev)
	}
	if failure() != nsdb.ErrCompacted {
		t.Errorf("the watch ended with %v, want ErrCompacted", failure())
	}
}
