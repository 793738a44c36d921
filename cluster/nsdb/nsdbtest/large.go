package nsdbtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/topology"
)

// staged returns the store under test, or one over the engine under test, with a harness for it.
func (h *harness) staged() (nsdb.Large, *harness) {
	large, ok := h.Store.(nsdb.Large)
	if !ok {
		large = staging.Over(h.Store)
	}
	return large, &harness{Store: large, t: h.t, ctx: h.ctx}
}

// replacing returns a change that puts the objects and deletes what was there.
func replacing(old, objects []topology.Object) nsdb.LargeChange {
	c := nsdb.LargeChange{Writes: map[topology.Key]topology.Object{}}
	for _, o := range old {
		c.Writes[o.Key()] = nil
	}
	for _, o := range objects {
		c.Writes[o.Key()] = o
	}
	return c
}

func largeChange(t *testing.T, h *harness) {
	large, h := h.staged()
	old, objects := bridges("old", nsdb.MaxObjects), bridges("new", 5*nsdb.MaxObjects)
	before := h.put(old...)
	steps, failure := large.Watch(h.ctx, before)
	c := replacing(old, objects)
	progress := &topology.Progress{Journal: "j", Applied: 1}
	c.Guard = func(tx nsdb.Tx) error {
		if o, err := tx.Get(old[0].Key()); o == nil || err != nil {
			t.Errorf("the guard reads %v, %v of what is to be deleted", o, err)
		}
		tx.Put(progress)
		return nil
	}
	shown := 0
	c.Prepared = func(done int) error { shown = done; return nil }
	rev, err := large.UpdateLarge(h.ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if shown != len(old)+len(objects) {
		t.Errorf("%d of %d writes were shown to be prepared", shown, len(old)+len(objects))
	}
	want := append(objects, progress)
	h.wantObjects(want...)
	step := h.nextFull(steps, failure)
	if step.Revision != rev || len(step.Deletes) != len(old) {
		t.Errorf("the step is %d with %d deletes, want %d with %d", step.Revision, len(step.Deletes), rev, len(old))
	}
	if diff := cmp.Diff(index(want), index(step.Puts)); diff != "" {
		t.Errorf("puts of the step (-want +got):\n%s", diff)
	}
	last := h.put(bridge("last"))
	if step := h.nextFull(steps, failure); step.Revision != last {
		t.Errorf("step %d came after the large change, want %d", step.Revision, last)
	}
}

// nextFull returns the next step that changes something.
func (h *harness) nextFull(steps <-chan nsdb.Step, failure func() error) nsdb.Step {
	h.t.Helper()
	for {
		if step := h.next(steps, failure); len(step.Puts)+len(step.Deletes) > 0 {
			return step
		}
	}
}

func largeRefused(t *testing.T, h *harness) {
	large, staged := h.staged()
	refusal := errors.New("not now")
	c := replacing(nil, bridges("a", 2*nsdb.MaxObjects))
	c.Guard = func(nsdb.Tx) error { return refusal }
	if _, err := large.UpdateLarge(h.ctx, c); err != refusal {
		t.Errorf("UpdateLarge returned %v, want the guard's own error", err)
	}
	staged.wantObjects()
	h.wantObjects() // in the engine either
	c = replacing(nil, bridges("a", 2*nsdb.MaxObjects))
	c.Prepared = func(int) error { return refusal }
	if _, err := large.UpdateLarge(h.ctx, c); err != refusal {
		t.Errorf("UpdateLarge returned %v, want the error of Prepared", err)
	}
	h.wantObjects()
}

func largeImpossible(t *testing.T, h *harness) {
	large, staged := h.staged()
	for name, o := range map[string]topology.Object{
		"without an identifier": &topology.Bridge{Name: "nameless"},
		"of a lease":            &topology.PortState{Port: topology.PortID{1}},
		"of staging":            &topology.StagedPart{Change: topology.StagedID{1}},
	} {
		if _, err := large.UpdateLarge(h.ctx, replacing(bridges("a", 1), []topology.Object{o})); err == nil {
			t.Errorf("an object %s was written", name)
		}
	}
	oversize := &topology.Source{Resource: "port", ID: [16]byte{1}, JSON: noise(nsdb.MaxBytes)}
	if _, err := large.UpdateLarge(h.ctx, replacing(nil, []topology.Object{oversize})); !errors.Is(err, nsdb.ErrTooLarge) {
		t.Errorf("an object of %d octets and more: %v, want ErrTooLarge", nsdb.MaxBytes, err)
	}
	staged.wantObjects()
	var objects []topology.Object
	for n := range 2 { // each as large as it may be
		objects = append(objects, &topology.Source{Resource: "port", ID: [16]byte{byte(n), 15: 1}, JSON: noise(nsdb.MaxBytes - 5000)})
	}
	if _, err := large.UpdateLarge(h.ctx, replacing(nil, objects)); err != nil {
		t.Errorf("objects of nearly %d octets: %v", nsdb.MaxBytes, err)
	}
	staged.wantObjects(objects...)
}

// noise is what cannot be packed.
func noise(octets int) []byte {
	b := make([]byte, octets)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}

// largeUnderTraffic has two processes make large changes, each of which gives every object the number of changes so far, while others
// check in Updates and Views that all objects have one number, and count in an object of their own.
func largeUnderTraffic(t *testing.T, h *harness) {
	const each, writers = 3, 3
	large, staged := h.staged()
	objects := bridges("b", 2*nsdb.MaxObjects)
	staged.put(objects[0], &topology.Progress{Journal: "changes"})
	if _, err := large.UpdateLarge(h.ctx, numbered(objects, 0)); err != nil {
		t.Fatal(err)
	}
	stores := []nsdb.Large{large, large}
	if _, wrapped := h.Store.(nsdb.Large); !wrapped {
		stores[1] = staging.Over(h.Store) // as another process has it
	}
	done := make(chan struct{})
	var traffic, changes sync.WaitGroup
	counts := make([]uint64, writers)
	for who := range writers {
		traffic.Go(func() {
			for running := true; running; counts[who]++ {
				select {
				case <-done:
					running = false
				default:
				}
				if err := countWhereAllAgree(h.ctx, stores[who%2], objects, who); err != nil {
					t.Errorf("writer %d: %v", who, err)
				}
			}
		})
	}
	for _, store := range stores {
		changes.Go(func() {
			for range each {
				if err := nextNumber(h.ctx, store, objects); err != nil {
					t.Errorf("UpdateLarge: %v", err)
				}
			}
		})
	}
	changes.Wait()
	close(done)
	traffic.Wait()
	end := staged.view().Objects
	for _, o := range objects {
		if got := end[o.Key()].(*topology.Bridge).MTU; got != 2*each {
			t.Fatalf("an object has the number %d after %d changes", got, 2*each)
		}
	}
	for who, n := range counts {
		if got := end[traffics(who).Key()].(*topology.Progress).Applied; got != n {
			t.Errorf("%d of the %d updates of writer %d are there", got, n, who)
		}
	}
}

func traffics(who int) *topology.Progress {
	return &topology.Progress{Journal: fmt.Sprint("traffic", who)}
}

// numbered returns the change that gives the objects the number.
func numbered(objects []topology.Object, n int) nsdb.LargeChange {
	c := nsdb.LargeChange{Writes: map[topology.Key]topology.Object{}}
	for _, o := range objects {
		next := *o.(*topology.Bridge)
		next.MTU = n
		c.Writes[o.Key()] = &next
	}
	return c
}

// errNumber says that a change has lost a race.
var errNumber = errors.New("another change was first")

// nextNumber makes the next change. Where another is first it tries again.
func nextNumber(ctx context.Context, store nsdb.Large, objects []topology.Object) error {
	for {
		snapshot, err := store.View(ctx)
		if err != nil {
			return err
		}
		key := (&topology.Progress{Journal: "changes"}).Key()
		next := *snapshot.Objects[key].(*topology.Progress)
		next.Applied++
		c := numbered(objects, int(next.Applied))
		c.Guard = func(tx nsdb.Tx) error {
			o, err := tx.Get(key)
			if err != nil {
				return err
			}
			if o.(*topology.Progress).Applied != next.Applied-1 {
				return errNumber
			}
			tx.Put(&next)
			return nil
		}
		if _, err = store.UpdateLarge(ctx, c); !errors.Is(err, errNumber) && !errors.Is(err, nsdb.ErrSuperseded) {
			return err
		}
	}
}

// countWhereAllAgree counts in the writer's object, in an Update which finds that some of the objects have one number. Now and then it
// puts one of them as it is, which is a write of what large changes write.
func countWhereAllAgree(ctx context.Context, store nsdb.Store, objects []topology.Object, who int) error {
	_, err := store.Update(ctx, func(tx nsdb.Tx) error {
		o, err := tx.Get((&topology.Progress{Journal: "changes"}).Key())
		if err != nil {
			return err
		}
		for range 4 {
			b, err := tx.Get(objects[rand.IntN(len(objects))].Key())
			if err != nil {
				return err
			}
			if n := b.(*topology.Bridge).MTU; n != int(o.(*topology.Progress).Applied) {
				return fmt.Errorf("an object has the number %d after %d changes", n, o.(*topology.Progress).Applied)
			}
			if rand.IntN(8) == 0 {
				tx.Put(b)
			}
		}
		count := *traffics(who)
		if o, err = tx.Get(count.Key()); err != nil {
			return err
		}
		if o != nil {
			count = *o.(*topology.Progress)
		}
		count.Applied++
		tx.Put(&count)
		return nil
	})
	return err
}

// errDied is what a process gets that no longer exists.
var errDied = errors.New("died")

// dying is an engine as a process has it that dies at an Update: when that has been made, or before.
type dying struct {
	nsdb.Store
	updates int // made so far
	last    int // the number of the one at which it dies, from 1; 0: none
	late    bool
}

func (d *dying) Update(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	d.updates++
	if d.last > 0 && (d.updates > d.last || d.updates == d.last && !d.late) {
		return 0, errDied
	}
	rev, err := d.Store.Update(ctx, fn)
	if d.updates == d.last {
		return 0, errDied
	}
	return rev, err
}

// largeAbandoned lets the maker die at the making, before it and after it, and while it completes the change.
func largeAbandoned(t *testing.T, h *harness) {
	if _, staged := h.Store.(nsdb.Large); staged {
		t.Skip("it needs the engine")
	}
	large, staged := h.staged()
	objects := bridges("b", 2*nsdb.MaxObjects)
	alive := &dying{Store: h.Store}
	if _, err := staging.Over(alive).UpdateLarge(h.ctx, numbered(objects, 1)); err != nil {
		t.Fatal(err)
	}
	const completing = 3 + 1 // three parts, and the end
	making := alive.updates - completing
	for n, c := range []struct {
		dying
		made, told bool
	}{
		{dying{last: making}, false, false},
		{dying{last: making, late: true}, true, false},
		{dying{last: making + 1, late: true}, true, true},
		{dying{last: making + completing}, true, true},
	} {
		before := staged.view().Objects
		c.Store = h.Store
		if _, err := staging.Over(&c.dying).UpdateLarge(h.ctx, numbered(objects, n+2)); (err == nil) != c.told || err != nil && !errors.Is(err, errDied) {
			t.Errorf("dying at %d of %d: %v", c.last, alive.updates, err)
		}
		want := before
		if c.made {
			want = map[topology.Key]topology.Object{}
			for key, o := range numbered(objects, n+2).Writes {
				want[key] = o
			}
		}
		if diff := cmp.Diff(want, staged.view().Objects); diff != "" {
			t.Errorf("dying at %d of %d (-want +got):\n%s", c.last, alive.updates, diff)
		}
		if err := large.Settle(h.ctx); err != nil {
			t.Fatal(err)
		}
		held := h.view().Objects
		delete(held, topology.StagedKey(topology.StagedMade)) // names nothing
		if diff := cmp.Diff(want, held); diff != "" {
			t.Errorf("dying at %d of %d, when it is settled, in the engine (-want +got):\n%s", c.last, alive.updates, diff)
		}
	}
}
