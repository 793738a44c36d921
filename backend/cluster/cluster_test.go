package cluster

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/backend"
	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// oneShot is a journal that holds a few tasks from the start.
type oneShot struct {
	mu    sync.Mutex
	tasks []journal.Task
}

func (j *oneShot) Identity(context.Context) (string, error) { return "one shot", nil }

func (j *oneShot) Pending(context.Context, int) ([]journal.Task, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]journal.Task(nil), j.tasks...), nil
}

func (j *oneShot) Mark(context.Context) (journal.Mark, error) { return journal.Mark{}, nil }

func (j *oneShot) SetMark(context.Context, journal.Mark) error { return nil }

func (j *oneShot) Done(_ context.Context, ids []int64, _ journal.Mark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var left []journal.Task
	for _, t := range j.tasks {
		if len(ids) != 1 || t.ID != ids[0] {
			left = append(left, t)
		}
	}
	j.tasks = left
	return nil
}

func (j *oneShot) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestJournalReachesTheStore(t *testing.T) {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	network := &model.Network{ID: model.NetworkID{1}, Name: "blue", NetworkType: "midonet"}
	data, err := json.Marshal(network)
	if err != nil {
		t.Fatal(err)
	}
	tasks := &oneShot{tasks: []journal.Task{
		{ID: 4, Type: journal.Create, DataType: journal.Network, ResourceID: network.ID.String(), Data: data},
		{ID: 5, Type: journal.Create, DataType: "TEAPOT", ResourceID: network.ID.String(), Data: data},
	}}
	var b backend.Backend = New(importer.New(staging.Over(store), tasks, translate.DefaultSettings(), log))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); len(b.Status().Failed) != 1 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("Run returned %v, want the context's error", err)
	}
	s := b.Status()
	if s.Applied != 1 || s.LastTaskID != 4 || len(s.Failed) != 1 || s.Failed[0].TaskID != 5 || s.Failed[0].Reason == "" {
		t.Errorf("status %+v, want task 4 applied and task 5 failed", s)
	}
	snapshot, err := store.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if snapshot.Objects[topology.Key{Kind: topology.KindBridge, ID: network.ID}] == nil {
		t.Errorf("no bridge among %v", snapshot.Objects)
	}
}
