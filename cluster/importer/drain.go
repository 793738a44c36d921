package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

// subject is one resource with its pending tasks, oldest first.
type subject struct {
	dataType   journal.DataType
	resourceID string
	tasks      []journal.Task
}

// drain applies the pending tasks and returns how many it has applied.
func (i *Importer) drain(ctx context.Context, s *state) (int, error) {
	tasks, err := i.reader.Pending(ctx, window+len(s.failed))
	if err != nil {
		return 0, fmt.Errorf("reading the journal: %w", err)
	}
	s.forgetAllBut(tasks)
	b := newBatch(i, s)
	for _, sub := range subjects(tasks) {
		if err := i.take(ctx, s, b, sub); err != nil {
			return 0, err
		}
	}
	if err := b.commit(ctx); err != nil {
		return 0, err
	}
	i.reportProgress(s)
	if len(b.done) == 0 {
		return 0, nil
	}
	if err := i.reader.Done(ctx, b.done, s.mark()); err != nil {
		return 0, fmt.Errorf("removing applied tasks from the journal: %w", err)
	}
	return len(b.done), nil
}

// subjects groups tasks by resource, in the order of each resource's newest task.
func subjects(tasks []journal.Task) []*subject {
	type key struct {
		dataType   journal.DataType
		resourceID string
	}
	byKey := map[key]*subject{}
	for _, t := range tasks {
		k := key{t.DataType, t.ResourceID}
		if byKey[k] == nil {
			byKey[k] = &subject{dataType: t.DataType, resourceID: t.ResourceID}
		}
		byKey[k].tasks = append(byKey[k].tasks, t)
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *subject) int { return int(a.newest().ID - b.newest().ID) })
}

func (s *subject) newest() journal.Task { return s.tasks[len(s.tasks)-1] }

// take applies the newest of a resource's tasks that can be applied; the older ones are done with it, the newer ones have failed. Those of
// routers' interfaces say nothing that the ports' own do not: they were left by a server that drove a MidoNet elsewhere.
func (i *Importer) take(ctx context.Context, s *state, b *batch, sub *subject) error {
	if sub.dataType == journal.RouterInterface {
		for _, t := range sub.tasks {
			b.done = append(b.done, t.ID)
		}
		return nil
	}
	for n := len(sub.tasks) - 1; n >= 0; n-- {
		t := sub.tasks[n]
		if f, ok := s.failed[t.ID]; ok && time.Since(f.Tried) < retryFailed {
			continue
		}
		d, err := s.applyTask(t)
		if err == nil {
			return b.add(ctx, d, sub.tasks[:n+1])
		}
		i.fail(s, t, err)
	}
	return nil
}

// applyTask reads a task and applies it in memory.
func (s *state) applyTask(t journal.Task) (delta, error) {
	o, err := ownerOf(t)
	if err != nil {
		return nil, err
	}
	switch t.Type {
	case journal.Create, journal.Update:
		c, err := translate.Decode(o, t.Data)
		if err != nil {
			return nil, err
		}
		return s.apply(c, &topology.Source{Resource: string(o.Resource), ID: o.ID, JSON: t.Data})
	case journal.Delete:
		return s.apply(translate.Deletion(o), nil)
	default:
		return nil, fmt.Errorf("task type %q is not known", t.Type)
	}
}

// fail passes the task over for a while.
func (i *Importer) fail(s *state, t journal.Task, err error) {
	f := Failure{TaskID: t.ID, Resource: fmt.Sprintf("%s %s", t.DataType, t.ResourceID), Reason: err.Error(), Tried: time.Now()}
	s.failed[t.ID] = f
	i.log.Error("a task cannot be applied; it stays in the journal", "task", t.ID, "type", t.Type, "resource", f.Resource, "error", err)
}

// forgetAllBut drops the failures whose tasks are no longer pending.
func (s *state) forgetAllBut(pending []journal.Task) {
	still := map[int64]bool{}
	for _, t := range pending {
		still[t.ID] = true
	}
	maps.DeleteFunc(s.failed, func(task int64, _ Failure) bool { return !still[task] })
}

func (i *Importer) reportProgress(s *state) {
	failed := slices.SortedFunc(maps.Values(s.failed), func(a, b Failure) int { return int(a.TaskID - b.TaskID) })
	i.report(func(status *Status) {
		status.Failed, status.Problems = failed, s.problems()
		if s.progress != nil {
			status.Applied, status.LastTaskID = s.progress.Applied, s.progress.LastTaskID
		}
	})
}

// foreign is the error of a store whose topology comes from elsewhere.
func foreign(stored, ours string) error {
	return errs.New(errs.Conflict, "ForeignTopology", "The network state database holds the topology of %s, and this server's is that "+
		"of %s; point the server at its own database, or start with an empty network state database",
		sourceInWords(stored), sourceInWords(ours))
}
