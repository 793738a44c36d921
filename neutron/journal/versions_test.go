package journal

import (
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/store/storetest"
)

// orders is the orders of a new database with what the tests ask of them.
type orders struct {
	*testing.T
	*Journal
}

func newOrders(t *testing.T) orders {
	_, j := open(t, storetest.New(t))
	return orders{t, j}
}

func (o orders) ok(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o orders) order(activate bool) int64 {
	o.Helper()
	version, err := o.Order(ctx, activate)
	o.ok(err)
	if v, err := o.Ordered(ctx); err != nil || v == nil || v.ID != version || v.Activate != activate {
		o.Fatalf("ordered is %+v, %v", v, err)
	}
	return version
}

func (o orders) rendered(version int64, differences int, wantActivate bool) {
	o.Helper()
	o.ok(o.Journal.Progress(ctx, version, 10, 10))
	if activate, err := o.Rendered(ctx, version, differences); err != nil || activate != wantActivate {
		o.Fatalf("Rendered: %v, %v; want %v", activate, err, wantActivate)
	}
}

func (o orders) prepared(version int64, done int, wantWanted bool) {
	o.Helper()
	if wanted, err := o.Prepared(ctx, version, done); err != nil || wanted != wantWanted {
		o.Fatalf("Prepared: %v, %v; want %v", wanted, err, wantWanted)
	}
}

// wants checks how the version stands, and that it is no longer in anybody's way unless it is under way.
func (o orders) wants(version int64, sync, tasks SyncStatus, reason string) {
	o.Helper()
	v, err := o.Version(ctx, version)
	if err != nil || v.Sync != sync || v.Tasks != tasks || v.Error != reason {
		o.Errorf("version %d is %+v, %v; want %s, %s, %q", version, v, err, sync, tasks, reason)
	}
	if next, err := o.Ordered(ctx); err != nil || (next != nil) != v.Busy() {
		o.Errorf("ordered is %+v, %v while version %d is %+v", next, err, version, v)
	}
}

func TestAVersionIsCompleted(t *testing.T) {
	o := newOrders(t)
	version := o.order(true)
	o.wants(version, SyncStarted, "", "")
	o.rendered(version, 500, true)
	o.wants(version, SyncCompleted, SyncStarted, "")
	o.prepared(version, 200, true)
	if v, _ := o.Version(ctx, version); v.Prepared != 200 || v.Differences != 500 || v.Done != 10 {
		t.Errorf("version %+v", v)
	}
	o.ok(o.Activated(ctx, version))
	o.wants(version, SyncCompleted, SyncCompleted, "")
	if s, err := o.State(ctx); err != nil || s.Active != version {
		t.Errorf("state %+v, %v", s, err)
	}
}

func TestAVersionIsActivatedLater(t *testing.T) {
	o := newOrders(t)
	version := o.order(false)
	o.rendered(version, 7, false)
	o.wants(version, SyncCompleted, "", "")
	o.ok(o.OrderActivation(ctx, version))
	o.wants(version, SyncCompleted, SyncStarted, "")
	if v, _ := o.Version(ctx, version); v.Done != 0 || v.Prepared != 0 {
		t.Errorf("an activation begins as %+v", v)
	}
	if err := o.OrderActivation(ctx, version); !errs.Is(err, errs.Conflict) {
		t.Errorf("activating it twice at a time: %v", err)
	}
	o.rendered(version, 7, true)
	o.ok(o.Activated(ctx, version))
	o.wants(version, SyncCompleted, SyncCompleted, "")
}

// TestWithdrawnVersions withdraws at each stage. What has been made stays made.
func TestWithdrawnVersions(t *testing.T) {
	o := newOrders(t)
	version := o.order(true)
	o.ok(o.Abort(ctx, version))
	o.wants(version, SyncAborted, "", "withdrawn")
	o.rendered(version, 3, false) // the server comes too late
	o.wants(version, SyncAborted, "", "withdrawn")
	if err := o.OrderActivation(ctx, version); !errs.Is(err, errs.Invalid) {
		t.Errorf("activating what was not made: %v", err)
	}

	version = o.order(true)
	o.rendered(version, 500, true)
	o.prepared(version, 100, true)
	o.ok(o.Abort(ctx, version))
	o.prepared(version, 200, false)
	o.wants(version, SyncCompleted, SyncAborted, "withdrawn")

	o.ok(o.OrderActivation(ctx, version)) // it was made, so it may yet be used
	o.rendered(version, 500, true)
	o.ok(o.Activated(ctx, version))
	o.ok(o.Abort(ctx, version)) // too late
	if v, _ := o.Version(ctx, version); v.Tasks != SyncCompleted {
		t.Errorf("an active version was withdrawn: %+v", v)
	}
}

func TestVersionsThatFail(t *testing.T) {
	o := newOrders(t)
	version := o.order(true)
	o.ok(o.Failed(ctx, version, "no such table"))
	o.wants(version, SyncError, "", "no such table")
	if err := o.OrderActivation(ctx, version); !errs.Is(err, errs.Invalid) {
		t.Errorf("activating what was not made: %v", err)
	}
	version = o.order(true)
	o.rendered(version, 500, true)
	o.ok(o.Failed(ctx, version, "the store is away"))
	o.wants(version, SyncCompleted, SyncError, "the store is away")
	o.ok(o.OrderActivation(ctx, version)) // once more
	o.wants(version, SyncCompleted, SyncStarted, "")
}

func TestOneVersionAtATime(t *testing.T) {
	o := newOrders(t)
	version := o.order(false)
	if _, err := o.Order(ctx, true); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second order: %v", err)
	}
	o.rendered(version, 0, false)
	o.ok(o.SetReadOnly(ctx, true))
	o.ok(o.SetReadOnly(ctx, false))
	if err := o.OrderActivation(ctx, version); !errs.Is(err, errs.Invalid) {
		t.Errorf("activating a stale version: %v", err)
	}
	if err := o.OrderActivation(ctx, version+1); !errs.Is(err, errs.NotFound) {
		t.Errorf("activating what there is not: %v", err)
	}
}
