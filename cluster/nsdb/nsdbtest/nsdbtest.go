// Package nsdbtest is the contract of nsdb.Store as tests. Every engine passes all of them, and so does package staging over each.
package nsdbtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// patience is how long the suite waits for something that must happen.
const patience = time.Minute

// Run tests the engine. open returns a new, empty store, which the suite closes; it fails the test if it cannot.
func Run(t *testing.T, open func(t *testing.T) nsdb.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *harness)
	}{
		{"an empty store has an empty view", emptyView},
		{"what is put is seen until it is deleted", putAndDelete},
		{"every kind of object is kept", everyKind},
		{"reads in an update see its writes", readYourWrites},
		{"an error from the function leaves nothing behind", abandoned},
		{"an update without changes is no step", noStep},
		{"concurrent updates of one object all count", increments},
		{"concurrent reservations never collide", reservations},
		{"an update reads one state", updateIsolation},
		{"a view is one state", viewConsistency},
		{"an update touches at most MaxObjects", maxObjects},
		{"an update puts at most MaxBytes", maxBytes},
		{"an oversize object is refused", oversize},
		{"an object without an identifier is refused", nameless},
		{"a watch delivers whole steps in order", wholeSteps},
		{"view and watch together reproduce the store", continuity},
		{"a watch starts after any earlier revision", watchFromThePast},
		{"a watch ends with its context", watchEndsWithContext},
		{"a watch ends with the store", watchEndsWithStore},
		{"a lease that runs out takes its objects in one step", leaseExpiry},
		{"a lease that is renewed lives", leaseRenewal},
		{"revoking takes the objects in one step", leaseRevoke},
		{"a plain put frees the object from its lease", leaseDetach},
		{"a lost lease can hold nothing", leaseLost},
		{"a large change is one step", largeChange},
		{"a large change that its guard refuses leaves nothing behind", largeRefused},
		{"a large change refuses what it cannot write", largeImpossible},
		{"large changes and updates come one after the other", largeUnderTraffic},
		{"a large change is made once or never, whenever its maker dies", largeAbandoned},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // much of the suite is waiting
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			store := open(t)
			t.Cleanup(func() { store.Close() })
			c.test(t, &harness{t: t, ctx: ctx, Store: store})
		})
	}
}

// harness is a store under test with the errors taken care of.
type harness struct {
	nsdb.Store
	t   *testing.T
	ctx context.Context
}

func (h *harness) update(fn func(nsdb.Tx) error) nsdb.Revision {
	h.t.Helper()
	rev, err := h.Update(h.ctx, fn)
	if err != nil {
		h.t.Fatalf("Update: %v", err)
	}
	return rev
}

func (h *harness) put(objects ...topology.Object) nsdb.Revision {
	h.t.Helper()
	return h.update(func(tx nsdb.Tx) error {
		for _, o := range objects {
			tx.Put(o)
		}
		return nil
	})
}

func (h *harness) view() *nsdb.Snapshot {
	h.t.Helper()
	snapshot, err := h.View(h.ctx)
	if err != nil {
		h.t.Fatalf("View: %v", err)
	}
	return snapshot
}

// wantObjects checks that the store holds exactly these.
func (h *harness) wantObjects(want ...topology.Object) {
	h.t.Helper()
	if diff := cmp.Diff(index(want), h.view().Objects); diff != "" {
		h.t.Errorf("objects in the store (-want +got):\n%s", diff)
	}
}

// next returns the next step of a watch.
func (h *harness) next(steps <-chan nsdb.Step, failure func() error) nsdb.Step {
	h.t.Helper()
	select {
	case step, ok := <-steps:
		if !ok {
			h.t.Fatalf("the watch ended: %v", failure())
		}
		return step
	case <-time.After(patience):
		h.t.Fatalf("no step within %v", patience)
	}
	panic("unreachable")
}

func (h *harness) grant(ttl time.Duration) nsdb.Lease {
	h.t.Helper()
	lease, err := h.Grant(h.ctx, ttl)
	if err != nil {
		h.t.Fatalf("Grant: %v", err)
	}
	return lease
}

func index(objects []topology.Object) map[topology.Key]topology.Object {
	m := map[topology.Key]topology.Object{}
	for _, o := range objects {
		m[o.Key()] = o
	}
	return m
}

// apply does to objects what the step did to the store.
func apply(objects map[topology.Key]topology.Object, step nsdb.Step) {
	for _, o := range step.Puts {
		objects[o.Key()] = o
	}
	for _, key := range step.Deletes {
		delete(objects, key)
	}
}

func bridge(name string) *topology.Bridge {
	return &topology.Bridge{ID: id.Derive[topology.Bridge](id.ID[topology.Bridge]{}, name), Name: name, AdminUp: true}
}

// bridges returns n bridges named prefix0, prefix1, …
func bridges(prefix string, n int) []topology.Object {
	var objects []topology.Object
	for i := range n {
		objects = append(objects, bridge(fmt.Sprint(prefix, i)))
	}
	return objects
}
