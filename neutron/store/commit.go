package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"midonet.org/midonet/errs"
)

// Tx is a transaction on its way to being committed. It is used by one goroutine, within the function given to DB.Tx.
//
// Its statements are not interrupted when the client goes away: SQLite answers an interrupted write by undoing the whole
// transaction, which may hold other clients' work (see committer).
type Tx struct {
	c        *committer
	onCommit []func()
}

// maxBatch is how many requests share one commit at most, so that the first of them does not wait long for its answer.
const maxBatch = 64

// attempts is how often a transaction is run again because the rows that it read have changed.
const attempts = 10

// Tx runs fn in a transaction and returns when its changes are on the disk. Where fn fails, nothing of it remains and its error is
// returned, constraint violations included. fn may run several times, so it must change nothing but the database and variables
// that it sets afresh, and must not begin another transaction: it would wait for itself. A panic in fn undoes its changes and goes on
// in the caller.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	var err error
	for range attempts {
		if err = db.commits.run(ctx, fn); !db.mayRetry(err) {
			return db.toClient(err)
		}
	}
	return errs.New(errs.Conflict, "Conflict", "The resource was changed by others at the same time, %d times over.", attempts).Wrap(err)
}

// mayRetry reports whether another run may succeed. An error that has its text for people is final.
func (db *DB) mayRetry(err error) bool {
	var final *errs.Error
	return !errors.As(err, &final) && (errors.Is(err, errStale) || db.dialect.Transient(err))
}

// Exec runs a statement.
func (tx *Tx) Exec(query string, args ...any) (sql.Result, error) {
	stmt, err := tx.c.prepare(query)
	if err != nil {
		return nil, err
	}
	res, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return nil, tx.c.dialect.Explain(err)
	}
	return res, nil
}

// Query runs a statement that returns rows.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.c.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(context.Background(), args...)
}

// QueryRow runs a statement that returns at most one row.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	stmt, err := tx.c.prepare(query)
	if err != nil {
		// sql.Row cannot be made with an error; the connection reports the same one again.
		return tx.c.conn.QueryRowContext(context.Background(), query, args...)
	}
	return stmt.QueryRowContext(context.Background(), args...)
}

func (tx *Tx) dialect() Dialect { return tx.c.dialect }

// OnCommit has f called after the changes are on the disk, before DB.Tx returns. It is not called where they are undone.
func (tx *Tx) OnCommit(f func()) { tx.onCommit = append(tx.onCommit, f) }

// committer runs transactions on the one connection that writes, and lets those that come at the same time share a commit: to
// synchronise with the disk is by far the dearest part of a small change, and costs the same for sixty of them.
//
// Each caller, when it is its turn, runs its function within a savepoint of the open transaction. If others are waiting, it leaves
// the transaction open for the next of them and waits for the outcome; the last one commits for all. No one is told of success
// before the commit, and a function that fails takes back its own savepoint only. What a caller read may be another's change that
// is not committed yet, so its failure, too, is reported only after the commit.
type committer struct {
	dialect  Dialect
	db       *sql.DB
	patience time.Duration

	waiting atomic.Int32 // callers that will take the turn
	turn    sync.Mutex   // guards what follows
	batch   *batch       // the open transaction, nil where there is none
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
}

// batch is the outcome that the callers of one commit wait for.
type batch struct {
	size int
	done chan struct{}
	err  error // set before done is closed, or earlier where the transaction is lost already
}

func newCommitter(d Dialect, db *sql.DB, opts Options) *committer {
	return &committer{dialect: d, db: db, patience: opts.BusyTimeout}
}

func (c *committer) run(ctx context.Context, fn func(*Tx) error) error {
	tx := &Tx{c: c}
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
	for _, f := range tx.onCommit {
		f()
	}
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
	return b, c.savepoint(ctx, tx, fn)
}

// settle commits the batch, unless a caller is waiting who will do it.
func (c *committer) settle() {
	b := c.batch
	if c.waiting.Load() > 0 && b.size < maxBatch && b.err == nil {
		return
	}
	c.batch = nil
	if b.err == nil {
		b.err = c.exec("COMMIT")
	}
	if b.err != nil {
		c.discard()
	}
	close(b.done)
}

// savepoint runs fn so that its changes alone can be undone. Where that fails, SQLite has undone the whole transaction (a full disk
// does it), and the batch is lost.
func (c *committer) savepoint(ctx context.Context, tx *Tx, fn func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err // the client went away while it waited
	}
	if err := c.exec("SAVEPOINT request"); err != nil {
		return err
	}
	kept := false
	defer func() {
		var lost error
		if !kept {
			lost = c.exec("ROLLBACK TO request")
		}
		if lost == nil {
			lost = c.exec("RELEASE request")
		}
		if lost != nil {
			c.batch.err = errors.Join(err, lost)
		}
	}()
	if err := fn(tx); err != nil {
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
			err = c.exec(c.dialect.Begin())
		}
		switch {
		case err == nil:
			return nil
		case !c.dialect.Transient(err):
			c.discard()
			return err
		case time.Now().After(deadline):
			return errs.New(errs.Unavailable, "", "the %s database %s is locked by another process for more than %v",
				c.dialect.Name(), c.dialect.Location(), c.patience).Wrap(err)
		}
		// A pause at random, so that processes that write all the time take turns.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.Int64N(int64(2 * time.Millisecond)))):
		}
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
	c.conn, c.stmts = conn, map[string]*sql.Stmt{}
	return c.exec(c.dialect.Session())
}

// discard gives up the connection, and with it whatever transaction it has open.
func (c *committer) discard() {
	if c.conn == nil {
		return
	}
	c.closeStatements() // an open one would keep SQLite from emptying the write-ahead log
	// The driver's error has database/sql close the connection for good.
	c.conn.Raw(func(any) error { return driver.ErrBadConn })
	c.conn.Close()
	c.conn = nil
}

func (c *committer) closeStatements() {
	for _, s := range c.stmts {
		s.Close()
	}
	clear(c.stmts)
}

func (c *committer) close() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.discard()
}

func (c *committer) exec(statement string) error {
	stmt, err := c.prepare(statement)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(context.Background())
	return err
}

// maxStatements bounds the cache of prepared statements; the statements of this program are far fewer.
const maxStatements = 512

// prepare returns the statement, compiled once for the life of the connection.
func (c *committer) prepare(query string) (*sql.Stmt, error) {
	if stmt, ok := c.stmts[query]; ok {
		return stmt, nil
	}
	if c.conn == nil {
		return nil, sql.ErrConnDone
	}
	if len(c.stmts) >= maxStatements {
		c.closeStatements()
	}
	stmt, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	c.stmts[query] = stmt
	return stmt, nil
}
