package store

import (
	"context"
	"database/sql/driver"
)

// maxStatements bounds how many statements a connection knows. This program's own are fewer; what clients ask of lists takes any form.
const maxStatements = 256

// connection is what the drivers give us.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	driver.Pinger
}

// remembering is a connection that compiles a statement when it is run for the second time, and once: for SQLite, to compile one takes far
// longer than to run it, and a server of MySQL spends a third of the time of a small query on it. Its methods are called by one goroutine at a
// time.
type remembering struct {
	connection
	statements map[string]*statement // nil: has been run once
	implicit   bool                  // a transaction begins with its first statement; nothing else runs here
}

// statement is a compiled statement. One whose rows are still being read cannot be run again, and one that could not be compiled is always busy.
type statement struct {
	driver.Stmt
	busy, forgotten bool
}

func remember(c driver.Conn) *remembering {
	return &remembering{connection: c.(connection), statements: map[string]*statement{}}
}

// BeginTx implements driver.ConnBeginTx.
func (c *remembering) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.implicit {
		return implicit{c.connection}, nil
	}
	return c.connection.BeginTx(ctx, opts)
}

// implicit is a transaction of a session that is always in one (autocommit = 0): there is nothing to be told to the server before its first
// statement.
type implicit struct{ on driver.ExecerContext }

// Commit implements driver.Tx.
func (t implicit) Commit() error { return t.end("COMMIT") }

// Rollback implements driver.Tx.
func (t implicit) Rollback() error { return t.end("ROLLBACK") }

func (t implicit) end(statement string) error {
	_, err := t.on.ExecContext(context.Background(), statement, nil)
	return err
}

// ExecContext implements driver.ExecerContext.
func (c *remembering) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.compiled(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.connection.ExecContext(ctx, query, args)
	}
	defer s.release()
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *remembering) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.compiled(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.connection.QueryContext(ctx, query, args)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		s.release()
		return nil, err
	}
	return &rowsOf{rows, s}, nil
}

// compiled returns the statement for one use; nil where the query is to be run as it is. An error may be about more than the query: a node of
// Galera that has undone the transaction says so at whatever it is asked next.
func (c *remembering) compiled(ctx context.Context, query string) (*statement, error) {
	s, known := c.statements[query]
	switch {
	case !known:
		if len(c.statements) >= maxStatements {
			c.forget()
		}
		c.statements[query] = nil
		return nil, nil
	case s == nil:
		compiled, err := c.PrepareContext(ctx, query)
		isNot := number(err) == erMaxPreparedStatements || number(err) == erUnsupportedPrepared
		if err != nil && !isNot {
			return nil, err
		}
		s = &statement{Stmt: compiled, busy: isNot}
		c.statements[query] = s
		if isNot {
			return nil, nil
		}
	case s.busy:
		return nil, nil
	}
	s.busy = true
	return s, nil
}

func (c *remembering) forget() {
	for _, s := range c.statements {
		if s != nil {
			s.forgotten = true
			s.closeUnused()
		}
	}
	clear(c.statements)
}

// Close implements driver.Conn. A statement that is left open would keep SQLite from emptying the write-ahead log.
func (c *remembering) Close() error {
	c.forget()
	return c.connection.Close()
}

// release ends a use of the statement.
func (s *statement) release() {
	s.busy = false
	s.closeUnused()
}

func (s *statement) closeUnused() {
	if s.forgotten && !s.busy {
		s.Stmt.Close() // reports once more what its last run did
	}
}

// rowsOf are the rows of a statement, which is free again when they are closed.
type rowsOf struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *rowsOf) Close() error {
	err := r.Rows.Close()
	r.of.release()
	return err
}
