package store

import (
	"errors"
	"sync"
	"testing"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

func setReadOnly(t *testing.T, db *DB, readOnly bool) {
	t.Helper()
	if err := db.Tx(ctx, func(tx *Tx) error { return SetReadOnly(tx, readOnly) }); err != nil {
		t.Fatal(err)
	}
}

func revisionOf(t *testing.T, db *DB, n *model.Network) (revision int64) {
	t.Helper()
	err := db.Read(ctx, func(q Querier) error {
		have, err := Network(q, n.ID.String(), Scope{})
		if err == nil {
			revision = have.RevisionNumber
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// TestNoWriteAfterTheGateIsClosed has clients write through two handles without a pause, closes the gate through a third, and looks
// whether anything changes after that.
func TestNoWriteAfterTheGateIsClosed(t *testing.T) {
	connection := storetest.New(t)
	db, servers := open(t, connection), []*DB{open(t, connection), open(t, connection)}
	n := newNetwork("blue")
	insertNetwork(t, db, n)
	for range 3 {
		setReadOnly(t, db, false)
		var clients sync.WaitGroup
		wrote := make(chan struct{}, 1)
		for _, server := range servers {
			for range 3 {
				clients.Go(func() {
					if err := touchUntilRefused(server, n, wrote); !errors.Is(err, ErrReadOnly) {
						t.Errorf("a client ended with %v", err)
					}
				})
			}
		}
		<-wrote
		setReadOnly(t, db, true)
		closed := revisionOf(t, db, n)
		clients.Wait()
		if after := revisionOf(t, db, n); after != closed {
			t.Errorf("revision %d when the gate was closed, %d afterwards", closed, after)
		}
	}
}

// touchUntilRefused changes the network until an error, and tells of a change.
func touchUntilRefused(db *DB, n *model.Network, wrote chan<- struct{}) error {
	for {
		if err := db.Tx(plugin.ForClient(ctx), func(tx *Tx) error { return TouchNetwork(tx, n.ID, model.Time{}) }); err != nil {
			return err
		}
		select {
		case wrote <- struct{}{}:
		default:
		}
	}
}

func TestTheServersOwnWritesPassTheGate(t *testing.T) {
	db := openNew(t)
	n := newNetwork("blue")
	insertNetwork(t, db, n)
	setReadOnly(t, db, true)
	touch := func(tx *Tx) error { return TouchNetwork(tx, n.ID, model.Time{}) }
	if err := db.Tx(ctx, touch); err != nil {
		t.Error(err)
	}
	if err := db.Tx(plugin.ForClient(ctx), touch); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a client: %v", err)
	}
	setReadOnly(t, db, false)
	if err := db.Tx(plugin.ForClient(ctx), touch); err != nil {
		t.Errorf("a client, when the gate is open again: %v", err)
	}
}
