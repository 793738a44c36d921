package nsdbtest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// ttl is the shortest lease that every engine grants as asked. A test that is too slow for it begins again with twice as long a one.
const ttl = 2 * time.Second

func (h *harness) putLeased(l nsdb.Lease, objects ...topology.Object) nsdb.Revision {
	h.t.Helper()
	return h.update(func(tx nsdb.Tx) error {
		for _, o := range objects {
			tx.PutLeased(o, l)
		}
		return nil
	})
}

// wantOneStepDeleting checks that the next step deletes exactly the bridges a and b.
func (h *harness) wantOneStepDeletingAB(after nsdb.Revision) {
	h.t.Helper()
	steps, failure := h.Watch(h.ctx, after)
	step := h.next(steps, failure)
	deleted := map[topology.Key]bool{}
	for _, key := range step.Deletes {
		deleted[key] = true
	}
	if len(step.Puts) != 0 || len(step.Deletes) != 2 || !deleted[bridge("a").Key()] || !deleted[bridge("b").Key()] {
		h.t.Errorf("the end of the lease came as %+v, want one step deleting a and b", step)
	}
}

func leaseExpiry(t *testing.T, h *harness) {
	kept := bridge("kept")
	h.put(kept)
	for ttl := ttl; ; ttl *= 2 {
		began := time.Now()
		lease := h.grant(ttl)
		if lease.ID() == 0 {
			t.Error("the lease has no identity")
		}
		rev, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
			tx.PutLeased(bridge("a"), lease)
			tx.PutLeased(bridge("b"), lease)
			return nil
		})
		if errors.Is(err, nsdb.ErrLeaseLost) && time.Since(began) >= ttl {
			continue // before anything was put
		}
		if err != nil {
			t.Fatalf("Update: %v", err)
		}
		h.wantOneStepDeletingAB(rev)
		h.wantObjects(kept)
		return
	}
}

func leaseRenewal(t *testing.T, h *harness) {
	for ttl := ttl; !renewed(t, h, ttl); ttl *= 2 {
		t.Logf("%v have passed without a renewal", ttl)
	}
}

// renewed renews one of two leases until the other has run out, and compares what is left. It returns false where it was too slow, so that
// the lease which it renewed may have run out as well.
func renewed(t *testing.T, h *harness, ttl time.Duration) bool {
	last := time.Now() // the lease lives for ttl from a later moment on
	lease, witness := h.grant(ttl), h.grant(ttl)
	slow := func() bool { return time.Since(last) >= ttl }
	a, short := bridge("a"), bridge("short")
	before := h.view().Revision
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error { tx.PutLeased(a, lease); return nil })
	if err == nil {
		_, err = h.Update(h.ctx, func(tx nsdb.Tx) error { tx.PutLeased(short, witness); return nil })
	}
	if err != nil {
		if errors.Is(err, nsdb.ErrLeaseLost) && slow() {
			return false
		}
		t.Fatalf("Update: %v", err)
	}
	steps, failure := h.Watch(h.ctx, before)
	renew := time.NewTicker(ttl / 8)
	defer renew.Stop()
	for over := false; !over; { // the witness, which nobody renews, is the proof that time has passed
		select {
		case step, open := <-steps:
			if !open {
				t.Fatalf("the watch ended: %v", failure())
			}
			if over = len(step.Deletes) > 0; over && (len(step.Deletes) != 1 || step.Deletes[0] != short.Key()) {
				if slow() {
					return false
				}
				t.Fatalf("%+v, want the end of the lease that was not renewed", step)
			}
		case <-renew.C:
			began := time.Now()
			err := lease.Renew(h.ctx)
			if errors.Is(err, nsdb.ErrLeaseLost) && slow() {
				return false
			}
			if err != nil {
				t.Fatalf("Renew: %v", err)
			}
			last = began
		}
	}
	left := h.view().Objects
	if left[a.Key()] == nil && slow() {
		return false
	}
	if diff := cmp.Diff(index([]topology.Object{a}), left); diff != "" {
		t.Errorf("objects in the store (-want +got):\n%s", diff)
	}
	return true
}

func leaseRevoke(t *testing.T, h *harness) {
	lease := h.grant(time.Hour)
	rev := h.putLeased(lease, bridge("a"), bridge("b"))
	if err := lease.Revoke(h.ctx); err != nil {
		t.Fatalf("Revoke: %v", err)
	}
	h.wantOneStepDeletingAB(rev)
	h.wantObjects()
}

func leaseDetach(t *testing.T, h *harness) {
	lease := h.grant(time.Hour)
	h.putLeased(lease, bridge("a"), bridge("b"))
	h.put(bridge("a"))
	if err := lease.Revoke(h.ctx); err != nil {
		t.Fatalf("Revoke: %v", err)
	}
	h.wantObjects(bridge("a"))
}

func leaseLost(t *testing.T, h *harness) {
	lease := h.grant(time.Hour)
	if err := lease.Revoke(h.ctx); err != nil {
		t.Fatalf("Revoke: %v", err)
	}
	if err := lease.Renew(h.ctx); !errors.Is(err, nsdb.ErrLeaseLost) {
		t.Errorf("Renew of a revoked lease: %v, want ErrLeaseLost", err)
	}
	_, err := h.Update(h.ctx, func(tx nsdb.Tx) error {
		tx.Put(bridge("a"))
		tx.PutLeased(bridge("b"), lease)
		return nil
	})
	if !errors.Is(err, nsdb.ErrLeaseLost) {
		t.Errorf("PutLeased with a revoked lease: %v, want ErrLeaseLost", err)
	}
	h.wantObjects()
}
