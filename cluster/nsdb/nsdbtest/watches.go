package nsdbtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

func wholeSteps(t *testing.T, h *harness) {
	steps, failure := h.Watch(h.ctx, h.view().Revision)
	for i := range 20 {
		batch := bridges(fmt.Sprint("batch", i, "-"), 1+i*4)
		rev := h.put(batch...)
		step := h.next(steps, failure)
		if step.Revision != rev || len(step.Deletes) != 0 {
			t.Errorf("step of revision %d with %d deletes, want revision %d with none", step.Revision, len(step.Deletes), rev)
		}
		if diff := cmp.Diff(index(batch), index(step.Puts)); diff != "" || len(step.Puts) != len(batch) {
			t.Errorf("puts of the step (-want +got):\n%s", diff)
		}
	}
	rev := h.update(func(tx nsdb.Tx) error { tx.Delete(bridge("batch0-0").Key()); tx.Put(bridge("more")); return nil })
	step := h.next(steps, failure)
	if step.Revision != rev || len(step.Puts) != 1 || len(step.Deletes) != 1 || step.Deletes[0] != bridge("batch0-0").Key() {
		t.Errorf("a step with a put and a delete came as %+v", step)
	}
}

// continuity has writers at work while readers start from a view of their own and follow; all must end with the same state.
func continuity(t *testing.T, h *harness) {
	const writers, each, readers = 3, 40, 4
	end := bridge("end")
	var done, ready sync.WaitGroup
	results := make([]map[topology.Key]topology.Object, readers)
	ready.Add(readers)
	for i := range readers {
		done.Go(func() {
			ready.Done()
			results[i] = h.followUntil(end.Key())
		})
	}
	ready.Wait()
	concurrently(writers, func(int) {
		for range each {
			h.randomUpdate()
		}
	})
	h.put(end)
	done.Wait()
	want := h.view().Objects
	for i, got := range results {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reader %d has another state than the store (-store +reader):\n%s", i, diff)
		}
	}
}

// randomUpdate puts and deletes a few of 40 bridges.
func (h *harness) randomUpdate() {
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
		for range 1 + rand.IntN(5) {
			b := bridge(fmt.Sprint("b", rand.IntN(40)))
			b.MTU = rand.IntN(1 << 20)
			if rand.IntN(3) == 0 {
				tx.Delete(b.Key())
			} else {
				tx.Put(b)
			}
		}
		return nil
	})
	if err != nil {
		h.t.Errorf("Update: %v", err)
	}
}

// followUntil takes a view and applies the steps after it until one puts the key.
func (h *harness) followUntil(last topology.Key) map[topology.Key]topology.Object {
	snapshot, err := h.View(h.ctx)
	if err != nil {
		h.t.Errorf("View: %v", err)
		return nil
	}
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	steps, _ := h.Watch(ctx, snapshot.Revision)
	at := snapshot.Revision
	for step := range steps {
		if step.Revision <= at {
			h.t.Errorf("step %d came after %d", step.Revision, at)
		}
		at = step.Revision
		apply(snapshot.Objects, step)
		if snapshot.Objects[last] != nil {
			return snapshot.Objects
		}
	}
	h.t.Error("the watch ended before the last step")
	return snapshot.Objects
}

func watchFromThePast(t *testing.T, h *harness) {
	var revs []nsdb.Revision
	for i := range 10 {
		revs = append(revs, h.put(bridge(fmt.Sprint(i))))
	}
	for i, after := range revs[:9] {
		ctx, cancel := context.WithCancel(h.ctx)
		steps, failure := h.Watch(ctx, after)
		for _, want := range revs[i+1:] {
			if got := h.next(steps, failure).Revision; got != want {
				t.Errorf("watching after %d: step %d, want %d", after, got, want)
			}
		}
		cancel()
	}
}

func watchEndsWithContext(t *testing.T, h *harness) {
	ctx, cancel := context.WithCancel(h.ctx)
	steps, failure := h.Watch(ctx, h.view().Revision)
	cancel()
	drained(t, steps)
	if err := failure(); err != context.Canceled {
		t.Errorf("the watch ended with %v, want the context's error", err)
	}
}

func watchEndsWithStore(t *testing.T, h *harness) {
	steps, failure := h.Watch(h.ctx, h.view().Revision)
	if err := h.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	drained(t, steps)
	if failure() == nil {
		t.Error("the watch of a closed store ended without an error")
	}
}

// drained waits for the channel to close.
func drained(t *testing.T, steps <-chan nsdb.Step) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, open := <-steps:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the watch did not end")
		}
	}
}
