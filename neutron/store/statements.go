package store

import (
	"context"
	"database/sql/driver"
)

// maxStatements bounds how many statements a connection keeps. This program's own are fewer; what clients ask of lists takes any form.
const maxStatements = 256

// sqliteConn is what SQLite's driver gives us.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.SessionResetter
	driver.Validator
	driver.Pinger
}

// remembering is a connection that compiles each statement once: for SQLite, to compile one takes far longer than to run it. Its methods
// are called by one goroutine at a time.
type remembering struct {
	sqliteConn
	statements map[string]*statement
}

// statement is a compiled statement. One whose rows are still being read cannot be run again.
type statement struct {
	driver.Stmt
	busy       bool
	remembered bool
}

func remember(c sqliteConn) *remembering {
	return &remembering{c, map[string]*statement{}}
}

// ExecContext implements driver.ExecerContext.
func (c *remembering) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	defer s.release()
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *remembering) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		s.release()
		return nil, err
	}
	return &rowsOf{rows, s}, nil
}

// statement returns the statement for one use. Where the one that is remembered is in use, it is another.
func (c *remembering) statement(ctx context.Context, query string) (*statement, error) {
	known := c.statements[query]
	if known != nil && !known.busy {
		known.busy = true
		return known, nil
	}
	compiled, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{Stmt: compiled, busy: true, remembered: known == nil}
	if s.remembered {
		c.makeRoom()
		c.statements[query] = s
	}
	return s, nil
}

// makeRoom forgets all statements where there are as many as may be.
func (c *remembering) makeRoom() {
	if len(c.statements) >= maxStatements {
		c.forget()
	}
}

func (c *remembering) forget() {
	for _, s := range c.statements {
		s.remembered = false
		if !s.busy {
			s.Stmt.Close() // reports once more what its last run did
		}
	}
	clear(c.statements)
}

// Close implements driver.Conn. A statement that is left open would keep SQLite from emptying the write-ahead log.
func (c *remembering) Close() error {
	c.forget()
	return c.sqliteConn.Close()
}

// release ends a use of the statement.
func (s *statement) release() {
	s.busy = false
	if !s.remembered {
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
