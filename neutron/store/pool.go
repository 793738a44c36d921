package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	"midonet.org/midonet/errs"
)

// pool runs transactions side by side, each on a connection of its own. The engine lets those that commit at the same time share a
// write to its log.
type pool struct {
	dialect  *mysqlDialect
	db       *sql.DB
	patience time.Duration
}

var _ transactions = (*pool)(nil)

func (p *pool) run(ctx context.Context, fn func(*Tx) error) error {
	conn, inner, err := p.begin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()     // back to the pool
	defer inner.Rollback() // after a commit it does nothing
	tx := &Tx{d: p.dialect, conn: pooled{inner}}
	if err := tx.outcome(fn(tx)); err != nil {
		return p.dialect.undone(tx, err)
	}
	if err := p.commit(inner); err != nil {
		return err
	}
	tx.committed()
	return nil
}

// begin waits for a connection that no one uses, and for a server that is away for a moment, as while it starts again.
func (p *pool) begin(ctx context.Context) (*sql.Conn, *sql.Tx, error) {
	waiting, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	var reason error // why it was not at once
	for {
		conn, tx, err := p.tryBegin(waiting)
		switch {
		case err == nil:
			return conn, tx, nil
		case ctx.Err() != nil:
			return nil, nil, ctx.Err() // the client has gone
		case waiting.Err() != nil && reason == nil:
			return nil, nil, p.dialect.unavailable(err, "gave us no connection in time; all that we may have are in use, or it does not answer")
		case waiting.Err() != nil:
			return nil, nil, p.dialect.Explain(reason)
		case !p.dialect.Transient(err):
			return nil, nil, err
		}
		reason = err
		pause(waiting, 100*time.Millisecond)
	}
}

func (p *pool) tryBegin(ctx context.Context) (*sql.Conn, *sql.Tx, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx, err := conn.BeginTx(context.Background(), nil)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, tx, nil
}

// commit tells a transaction that the engine has undone, and that may be run again, from one whose fate is not known because the
// connection broke before the answer came.
func (p *pool) commit(tx *sql.Tx) error {
	err := tx.Commit()
	if err == nil || errors.Is(err, driver.ErrBadConn) {
		return err // ErrBadConn: nothing was sent
	}
	if isInterruption(err) {
		return errs.New(errs.Unavailable, "", "the connection to the mysql database %s was lost while a transaction was being "+
			"committed; whether its changes are there is not known", p.dialect.Location()).Wrap(err)
	}
	return err
}

func (p *pool) close() {} // the connections are the handle's

// pooled is a transaction of database/sql. Its statements run to their end also where the client has gone.
type pooled struct{ tx *sql.Tx }

func (p pooled) exec(query string, args []any) (sql.Result, error) {
	return p.tx.ExecContext(context.Background(), query, args...)
}

func (p pooled) query(query string, args []any) (*sql.Rows, error) {
	return p.tx.QueryContext(context.Background(), query, args...)
}

func (p pooled) queryRow(query string, args []any) *sql.Row {
	return p.tx.QueryRowContext(context.Background(), query, args...)
}
