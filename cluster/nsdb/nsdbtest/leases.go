package nsdbtest

import (
	"errors"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// ttl is the shortest lease that every engine grants as asked.
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
	lease := h.grant(ttl)
	if lease.ID() == 0 {
		t.Error("the lease has no identity")
	}
	rev := h.putLeased(lease, bridge("a"), bridge("b"))
	h.wantOneStepDeletingAB(rev)
	h.wantObjects(kept)
}

func leaseRenewal(t *testing.T, h *harness) {
	lease, witness := h.grant(ttl), h.grant(ttl)
	a, short := bridge("a"), bridge("short")
	rev := h.putLeased(lease, a)
	rev = max(rev, h.putLeased(witness, short))
	steps, failure := h.Watch(h.ctx, rev)
	renew := time.NewTicker(ttl / 8)
	defer renew.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case step, open := <-steps: // the witness, which nobody renews, is the proof that time has passed
			if !open {
				t.Fatalf("the watch ended: %v", failure())
			}
			if len(step.Deletes) != 1 || step.Deletes[0] != short.Key() {
				t.Errorf("%+v, want the end of the lease that was not renewed", step)
			}
			h.wantObjects(a)
			return
		case <-renew.C:
			if err := lease.Renew(h.ctx); err != nil {
				t.Fatalf("Renew: %v", err)
			}
		}
	}
	t.Error("the lease that was not renewed did not end")
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
