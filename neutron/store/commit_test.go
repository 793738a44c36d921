package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/store/storetest"
)

// together runs the functions as transactions that share one commit, and returns their errors. One more transaction, which changes
// nothing, comes first and holds the turn until all the others wait for it.
func together(db *DB, fns ...func(*Tx) error) []error {
	results, _ := after(db, func(*Tx) error { return nil }, fns...)
	return results
}

// after is together with a first transaction that does something before all the others wait for it. Its error comes last.
func after(db *DB, first func(*Tx) error, fns ...func(*Tx) error) ([]error, error) {
	results := make([]error, len(fns))
	var wg sync.WaitGroup
	err := db.Tx(ctx, func(tx *Tx) error {
		err := first(tx)
		for i, fn := range fns {
			wg.Go(func() {
				defer func() {
					if r := recover(); r != nil {
						results[i] = fmt.Errorf("panic: %v", r)
					}
				}()
				results[i] = db.Tx(ctx, fn)
			})
		}
		for db.transactions.(*committer).waiting.Load() < int32(len(fns)) {
			time.Sleep(time.Millisecond)
		}
		return err
	})
	wg.Wait()
	return results, err
}

// TestTheFirstFailsAlone: those who have waited for it go on in another transaction.
func TestTheFirstFailsAlone(t *testing.T) {
	storetest.OnSQLite(t)
	db := openNew(t)
	refused := errors.New("refused")
	insert := func(tx *Tx) error { return InsertNetwork(tx, newNetwork("p")) }
	for _, first := range []struct {
		fails error
		left  int
	}{{refused, 3}, {nil, 4}} {
		before := countNetworks(t, db)
		others, err := after(db, func(tx *Tx) error { return errors.Join(insert(tx), first.fails) }, insert, insert, insert)
		if !errors.Is(err, first.fails) || errors.Join(others...) != nil {
			t.Errorf("the first: %v, the others: %v", err, others)
		}
		if got := countNetworks(t, db) - before; got != first.left {
			t.Errorf("%d networks came, want %d", got, first.left)
		}
	}
}

// TestAFailureUndoesItsOwnChangesOnly: transactions that share a commit succeed and fail apart.
func TestAFailureUndoesItsOwnChangesOnly(t *testing.T) {
	storetest.OnSQLite(t) // elsewhere no one shares a transaction
	db := openNew(t)
	refused := errors.New("refused")
	insert := func(outcome func() error) func(*Tx) error {
		return func(tx *Tx) error { return errors.Join(InsertNetwork(tx, newNetwork("p")), outcome()) }
	}
	ok := func() error { return nil }
	results := together(db, insert(ok), insert(func() error { return refused }), insert(ok),
		insert(func() error { panic("oh") }), insert(ok))
	failed := 0
	for i, err := range results {
		if err != nil {
			failed++
		}
		if (err == nil) != (i%2 == 0) {
			t.Errorf("transaction %d: %v", i, err)
		}
	}
	if !errors.Is(results[1], refused) || results[3] == nil || results[3].Error() != "panic: oh" {
		t.Errorf("results %v", results)
	}
	if got := countNetworks(t, db); got != 3 {
		t.Errorf("%d networks, want 3", got)
	}
}

// TestALostTransactionFailsForAll: where the engine itself undoes the open transaction, as SQLite does when the disk is full, no one
// who shares it is told of success, and what follows works again.
func TestALostTransactionFailsForAll(t *testing.T) {
	storetest.OnSQLite(t)
	db := openNew(t)
	insert := func(tx *Tx) error { return InsertNetwork(tx, newNetwork("p")) }
	lose := func(tx *Tx) error {
		_, err := tx.Exec("ROLLBACK")
		return err
	}
	told := 0
	for _, err := range together(db, insert, insert, lose, insert, insert) {
		if err == nil {
			told++
		}
	}
	if got := countNetworks(t, db); got != told {
		t.Errorf("%d networks are there, %d clients were told so", got, told)
	}
	if err := db.Tx(ctx, insert); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestOnCommit(t *testing.T) {
	db := openNew(t)
	called := 0
	if err := db.Tx(ctx, func(tx *Tx) error { tx.OnCommit(func() { called++ }); return nil }); err != nil || called != 1 {
		t.Errorf("called %d times, %v", called, err)
	}
	if err := db.Tx(ctx, func(tx *Tx) error {
		tx.OnCommit(func() { called++ })
		return errors.New("refused")
	}); err == nil || called != 1 {
		t.Errorf("called %d times after a failure, %v", called, err)
	}
}

// TestALockedDatabase: a transaction waits for another process, but not for ever, and a client that goes away does not wait.
func TestALockedDatabase(t *testing.T) {
	storetest.OnSQLite(t)
	connection := storetest.SQLite(t)
	holder := open(t, connection)
	db, err := Open(ctx, connection, Options{BusyTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	insert := func(tx *Tx) error { return InsertNetwork(tx, newNetwork("p")) }
	err = holder.Tx(ctx, func(*Tx) error {
		var fault *errs.Error
		if err := db.Tx(ctx, insert); !errors.As(err, &fault) || fault.Kind != errs.Unavailable {
			t.Errorf("error %v, want Unavailable", err)
		} else if fault.Message != "The service is unavailable." || !strings.Contains(err.Error(), "neutron.db is locked by another process") {
			t.Errorf("the client is told %q, the log %q", fault.Message, err)
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if err := db.Tx(short, insert); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the client's deadline", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Tx(ctx, insert); err != nil {
		t.Errorf("after the other has gone: %v", err)
	}
}

// TestASnapshotDoesNotMove: what a reader sees stays as it was when it began to look.
func TestASnapshotDoesNotMove(t *testing.T) {
	db := openNew(t)
	err := db.Read(ctx, func(q Querier) error {
		var before, after int
		if err := q.QueryRow("SELECT count(*) FROM networks").Scan(&before); err != nil {
			return err
		}
		insertNetwork(t, db, newNetwork("p"))
		if err := q.QueryRow("SELECT count(*) FROM networks").Scan(&after); err != nil {
			return err
		}
		if before != after {
			t.Errorf("%d networks, then %d", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Read(ctx, func(q Querier) error {
		_, err := q.Query("DELETE FROM networks")
		return err
	}); err == nil {
		t.Error("a reader may write")
	}
}
