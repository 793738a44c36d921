package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"midonet.org/midonet/errs"
)

// maxBatch is how many requests share one commit at most, so that the first of them does not wait long for its answer.
const maxBatch = 64

// committer runs transactions on the one connection that writes, as SQLite has it, and lets those that come at the same time share a commit: to
// synchronise with the disk is by far the dearest part of a small change, and costs the same for sixty of them.
//
// Each caller, when it is its turn, runs its function in the open transaction, all but the first within a savepoint. If others are waiting, it
// leaves the transaction open for the next of them and waits for the outcome; the last one commits for all. No one is told of success
// before the commit, and a function that fails takes back its own savepoint only. What a caller read may be another's change that
// is not committed yet, so its failure, too, is reported only after the commit.
type committer struct {
	dialect  *sqliteDialect
	db       *sql.DB
	patience time.Duration

	waiting atomic.Int32 // callers that will take the turn
	turn    sync.Mutex   // guards what follows
	batch   *batch       // the open transaction, nil where there is none
	conn    *sql.Conn
}

// batch is the outcome that the callers of one commit wait for.
type batch struct {
	size int
	done chan struct{}
	err  error // set before done is closed, or earlier where the transaction is lost already
}

var _ transactions = (*committer)(nil)

func newCommitter(d *sqliteDialect, db *sql.DB, patience time.Duration) *committer {
	return &committer{dialect: d, db: db, patience: patience}
}

func (c *committer) run(ctx context.Context, fn func(*Tx) error) error {
	tx := &Tx{d: c.dialect, conn: c}
	b, err := c.join(ctx, tx, fn)
	if b != nil {
		<-b.done
		if b.err != nil {
			return b.err
		}
	}
	if err != nil {
		return err
	}
	tx.committed()
	return nil
}

// join waits for its turn, runs fn in the open transaction or a new one, and commits unless someone else will. It returns the batch
// that decides the outcome, or nil where no transaction could begin, and fn's error.
func (c *committer) join(ctx context.Context, tx *Tx, fn func(*Tx) error) (b *batch, err error) {
	deadline := time.Now().Add(c.patience)
	c.waiting.Add(1)
	c.turn.Lock()
	defer c.turn.Unlock()
	c.waiting.Add(-1)
	if c.batch == nil {
		if err := c.begin(ctx, deadline); err != nil {
			return nil, err
		}
		c.batch = &batch{done: make(chan struct{})}
	}
	b = c.batch
	b.size++
	defer c.settle() // also where fn panics
	switch err := ctx.Err(); {
	case err != nil:
		return b, err // the client went away while it waited
	case b.size == 1:
		return b, c.alone(tx, fn)
	default:
		return b, c.savepoint(tx, fn)
	}
}

// settle commits the batch, unless a caller is waiting who will do it, or it has been undone.
func (c *committer) settle() {
	b := c.batch
	if b == nil || c.waiting.Load() > 0 && b.size < maxBatch && b.err == nil {
		return
	}
	c.batch = nil
	if b.err == nil {
		b.err = c.control("COMMIT")
	}
	if b.err != nil {
		c.discard()
	}
	close(b.done)
}

// alone runs the first fn of a batch, which needs no savepoint, for which SQLite copies each page that is changed: where it fails, the whole
// transaction is undone, and whoever waits begins another. Where that fails, SQLite has undone it already.
func (c *committer) alone(tx *Tx, fn func(*Tx) error) (err error) {
	kept := false
	defer func() {
		if kept {
			return
		}
		if lost := c.control("ROLLBACK"); lost != nil {
			c.batch.err = errors.Join(err, lost)
			return
		}
		close(c.batch.done)
		c.batch = nil
	}()
	if err := tx.outcome(fn(tx)); err != nil {
		return err
	}
	kept = true
	return nil
}

// savepoint runs fn so that its changes alone can be undone. Where that fails, SQLite has undone the whole transaction (a full disk
// does it), and the batch is lost.
func (c *committer) savepoint(tx *Tx, fn func(*Tx) error) (err error) {
	if err := c.control("SAVEPOINT request"); err != nil {
		return err
	}
	kept := false
	defer func() {
		var lost error
		if !kept {
			lost = c.control("ROLLBACK TO request")
		}
		if lost == nil {
			lost = c.control("RELEASE request")
		}
		if lost != nil {
			c.batch.err = errors.Join(err, lost)
		}
	}()
	if err := tx.outcome(fn(tx)); err != nil {
		return err
	}
	kept = true
	return nil
}

// begin starts a transaction, waiting for other processes that have one open.
func (c *committer) begin(ctx context.Context, deadline time.Time) error {
	for {
		err := c.connect(ctx)
		if err == nil {
			err = c.control(beginWrite)
		}
		switch {
		case err == nil:
			return nil
		case !c.dialect.Transient(err):
			c.discard()
			return err
		case ctx.Err() != nil:
			return ctx.Err() // the client has gone
		case time.Now().After(deadline):
			return errs.New(errs.Unavailable, "", "the %s database %s is locked by another process for more than %v",
				c.dialect.Name(), c.dialect.Location(), c.patience).Wrap(err)
		}
		pause(ctx, 2*time.Millisecond) // so that processes that write all the time take turns
	}
}

func (c *committer) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return err
	}
	c.conn = conn
	return c.control(shortWait)
}

// discard gives up the connection, and with it whatever transaction it has open.
func (c *committer) discard() {
	if c.conn == nil {
		return
	}
	// The driver's error has database/sql close the connection for good.
	c.conn.Raw(func(any) error { return driver.ErrBadConn })
	c.conn.Close()
	c.conn = nil
}

func (c *committer) close() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.discard()
}

// control runs a statement that begins or ends something.
func (c *committer) control(statement string) error {
	_, err := c.exec(statement, nil)
	return err
}

func (c *committer) exec(query string, args []any) (sql.Result, error) {
	if c.conn == nil {
		return nil, sql.ErrConnDone
	}
	return c.conn.ExecContext(context.Background(), query, args...)
}

func (c *committer) query(query string, args []any) (*sql.Rows, error) {
	return c.conn.QueryContext(context.Background(), query, args...)
}

func (c *committer) queryRow(query string, args []any) *sql.Row {
	return c.conn.QueryRowContext(context.Background(), query, args...)
}
