package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/recheck"
)

// Tx is a transaction on its way to being committed. It is used by one goroutine, within the function given to DB.Tx.
//
// Its statements are not interrupted when the client goes away: SQLite answers an interrupted write by undoing the whole
// transaction, which may hold other clients' work (see committer), and the wait for a lock is bounded anyway.
type Tx struct {
	d        Dialect
	conn     statements
	lost     error    // why the transaction can only be undone; nil while all is well
	turns    []uint32 // that have been taken
	onCommit []func()
	opening  *opening // what it has learned at its beginning; nil: nothing
}

// statements is a connection with an open transaction.
type statements interface {
	exec(query string, args []any) (sql.Result, error)
	query(query string, args []any) (*sql.Rows, error)
	queryRow(query string, args []any) *sql.Row
}

// transactions runs functions as transactions. Each dialect has the way that suits its engine.
type transactions interface {
	// run runs fn once and commits what it did. ctx is looked at until fn begins.
	run(ctx context.Context, fn func(*Tx) error) error
	close()
}

// attempts is how often a transaction is run again because the rows that it read have changed or were locked crosswise. Where
// transactions take turns each of another node's commits has those here begin again, and only the time is a limit.
const (
	attempts           = 10
	attemptsWhereTurns = 10_000
	longestPause       = 6 // as a power of two, in milliseconds
)

// Tx runs fn in a transaction and returns when its changes are on the disk. Where fn fails, nothing of it remains and its error is
// returned, constraint violations included. fn may run several times, so it must change nothing but the database and variables
// that it sets afresh, and must not begin another transaction: it would wait for itself. A panic in fn undoes its changes and goes on
// in the caller.
//
// A context that has a plugin.Condition makes the transaction depend on it, and one for a client (plugin.ForClient) on the data's being
// writable.
//
// An engine that is lost while it commits leaves the outcome unknown. The transaction is not run again then: the caller gets
// errs.Unavailable, and the change may be there.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	if c := plugin.ConditionOf(ctx); c != nil {
		fn = under(c, fn)
	}
	if plugin.IsForClient(ctx) {
		fn = gated(openingOf(ctx), fn)
	}
	deadline := time.Now().Add(db.patience)
	limit := attempts
	if db.dialect.Turns() {
		limit = attemptsWhereTurns
	}
	var err error
	for n := range limit {
		if err = db.transactions.run(ctx, fn); !db.mayRetry(err) {
			if recheck.On.Load() && err == nil && db.commits.Add(1) <= recheck.Commits.Load() {
				db.lookAtAll(ctx)
			}
			return db.toClient(err)
		}
		if time.Now().After(deadline) {
			return db.toClient(db.tookTooLong(err))
		}
		if !errors.Is(err, ErrStale) {
			pause(ctx, time.Millisecond<<min(n, longestPause))
		}
	}
	if err = db.explain(err); errs.Is(err, errs.Unavailable) {
		return db.toClient(err)
	}
	return errs.New(errs.Conflict, "Conflict", "The resource was changed by others at the same time, %d times over.", limit).Wrap(err)
}

// tookTooLong is why a transaction was not run again although it might have succeeded.
func (db *DB) tookTooLong(err error) error {
	if err = db.explain(err); errs.Is(err, errs.Unavailable) {
		return err
	}
	return errs.New(errs.Unavailable, "", "rows of the %v were locked or changed by others for more than %v", db, db.patience).Wrap(err)
}

// mayRetry reports whether another run may succeed. An error that has its text for people is final.
func (db *DB) mayRetry(err error) bool {
	var final *errs.Error
	return !errors.As(err, &final) && (errors.Is(err, ErrStale) || db.dialect.Transient(err))
}

// pause waits at random up to longest, so that those who were in each other's way are not again.
func pause(ctx context.Context, longest time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(rand.Int64N(int64(longest)))):
	}
}

// Exec runs a statement. After an error that is not a *ConstraintError the transaction can only be undone: the engine may have done so
// already.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	if tx.lost != nil {
		return nil, tx.lost
	}
	res, err := tx.conn.exec(query, args)
	return res, tx.noted(err)
}

// Query runs a statement that returns rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if tx.lost != nil {
		return nil, tx.lost
	}
	rows, err := tx.conn.query(query, args)
	return rows, tx.noted(err)
}

// QueryRow runs a statement that returns at most one row.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	return tx.conn.queryRow(query, args)
}

// noted keeps an error that means the end of the transaction.
func (tx *Tx) noted(err error) error {
	if err == nil {
		return nil
	}
	var violation *ConstraintError
	if !tx.d.Transient(err) { // what may be run again has no text for people
		err = tx.d.Explain(err)
	}
	if !errors.As(err, &violation) {
		tx.lost = err
	}
	return err
}

// outcome is what fn returned, or why the transaction is lost where fn did not say so.
func (tx *Tx) outcome(err error) error {
	if err == nil {
		return tx.lost
	}
	return err
}

func (tx *Tx) gone() error { return nil }

func (tx *Tx) dialect() Dialect { return tx.d }

// OnCommit has f called after the changes are on the disk, before DB.Tx returns. It is not called where they are undone.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

func (tx *Tx) committed() {
	for _, f := range tx.onCommit {
		f()
	}
}
