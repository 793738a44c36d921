package store

import (
	"errors"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// TestOneOfManyUnderOneCondition: of those who change what they have all seen, one does.
func TestOneOfManyUnderOneCondition(t *testing.T) {
	db := openNew(t)
	n := newNetwork("blue")
	insertNetwork(t, db, n)
	rename := func(revision int64) error {
		ctx := plugin.OnlyIf(ctx, &plugin.Condition{Collection: "networks", ID: n.ID.String(), Revision: revision})
		return db.Tx(ctx, func(tx *Tx) error {
			have, err := Network(tx, n.ID.String(), Scope{})
			if err != nil {
				return err
			}
			return UpdateNetwork(tx, have)
		})
	}
	for revision := int64(1); revision < 4; revision++ {
		var mu sync.Mutex
		var group sync.WaitGroup
		changed := 0
		for range 8 {
			group.Go(func() {
				err := rename(revision)
				mu.Lock()
				defer mu.Unlock()
				var fault *errs.Error
				switch {
				case err == nil:
					changed++
				case !errors.As(err, &fault) || fault.Kind != errs.Precondition || fault.Type != "RevisionNumberConstraintFailed":
					t.Errorf("revision %d: %v", revision, err)
				}
			})
		}
		group.Wait()
		if changed != 1 {
			t.Errorf("revision %d was changed by %d", revision, changed)
		}
	}
	if err := rename(9); err == nil || err.Error() != "Constrained to 9, but current revision is 4" {
		t.Errorf("revision 9: %v", err)
	}
}

// TestAConditionIsForOneChange: what the same request does after its change is not held to the revision that is no more.
func TestAConditionIsForOneChange(t *testing.T) {
	db := openNew(t)
	n := newNetwork("blue")
	insertNetwork(t, db, n)
	ctx := plugin.OnlyIf(ctx, &plugin.Condition{Collection: "networks", ID: n.ID.String(), Revision: 1})
	refused := errors.New("refused")
	if err := db.Tx(ctx, func(*Tx) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	for range 2 {
		if err := db.Tx(ctx, func(tx *Tx) error { return TouchNetwork(tx, n.ID, model.Time{}) }); err != nil {
			t.Error(err)
		}
	}
}

func TestConditionsThatNothingMeets(t *testing.T) {
	db := openNew(t)
	missing := plugin.OnlyIf(ctx, &plugin.Condition{Collection: "networks", ID: "none", Revision: 1})
	if err := db.Tx(missing, func(*Tx) error { return ErrNotFound }); !errors.Is(err, ErrNotFound) {
		t.Errorf("a network that is not there: %v", err)
	}
	other := plugin.OnlyIf(ctx, &plugin.Condition{Collection: "stars", ID: "none", Revision: 1})
	err := db.Tx(other, func(*Tx) error { return nil })
	if want := "Bad stars request: Revision matching not supported for this resource."; err == nil || err.Error() != want {
		t.Errorf("a collection without revisions: %v", err)
	}
}
