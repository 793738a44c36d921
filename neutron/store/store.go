// Package store is the north's SQL: connections, transactions, migrations, and the rows of networks, subnets and ports as the typed
// values of package model. It knows rows and constraints, and no rules of the resources.
//
// The database decides what must be unique or must exist: a violation comes back as a *ConstraintError that names the constraint,
// and the plugin turns that into the fault that a client knows. Everything that a request changes happens in one DB.Tx, which
// returns when the change is on the disk. Reads happen in DB.Read, on one consistent snapshot.
//
// SQLite is the embedded engine (see sqlite.go for how it is made durable and quick, and shared by several processes), MySQL or MariaDB
// what a site with several servers has (see mysql.go). Everything that differs between engines is behind Dialect.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"midonet.org/midonet/errs"
)

// Options of Open.
type Options struct {
	// Log receives what an operator should know: migrations that ran, retries that took long. Nil discards it.
	Log *slog.Logger
	// BusyTimeout is how long a transaction waits for another process's before it fails with errs.Unavailable. 0 means 15 seconds.
	BusyTimeout time.Duration
}

// DB is an open database, safe for use by many goroutines. Several processes may have the same database open.
type DB struct {
	dialect      Dialect
	handles      handles
	transactions transactions
	patience     time.Duration
	log          *slog.Logger
	cache        *cache
	rounds       rounds
	commits      atomic.Int32 // counted while package recheck is on
}

// Open opens the database named by an SQLAlchemy URL, as the option connection of neutron.conf's [database] group has it, and brings
// its schema to this program's version. "sqlite:///state/neutron.db" is relative to the working directory,
// "sqlite:////var/lib/neutron.db" is absolute; "mysql+pymysql://user:password@host/neutron" is a database on a server. Errors are errs.Error values with a text for the operator: which database, what is
// wrong with it, and what to do.
func Open(ctx context.Context, connection string, opts Options) (*DB, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.BusyTimeout == 0 {
		opts.BusyTimeout = 15 * time.Second
	}
	d, err := dialectOf(connection)
	if err != nil {
		return nil, err
	}
	unlock, err := d.LockSchema(ctx, opts.BusyTimeout, opts.Log)
	if err != nil {
		return nil, err
	}
	defer unlock()
	h, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: d, handles: h, transactions: d.Transactions(h.write, opts.BusyTimeout), patience: opts.BusyTimeout, log: opts.Log,
		cache: newCache(cacheSize)}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// dialectOf picks the engine by the URL's scheme; a driver may follow it after a plus sign.
func dialectOf(connection string) (Dialect, error) {
	scheme, rest, ok := strings.Cut(connection, "://")
	engine, _, _ := strings.Cut(scheme, "+")
	switch {
	case !ok:
		// The text may hold a password, so it is not repeated.
		return nil, errs.New(errs.Invalid, "", "[database] connection is not a URL such as sqlite:///neutron.db or "+
			"mysql+pymysql://USER:PASSWORD@HOST/neutron")
	case engine == "sqlite":
		return newSQLite(rest)
	case engine == "mysql" || engine == "mariadb":
		return newMySQL(rest)
	}
	return nil, errs.New(errs.Invalid, "", "[database] connection: unknown engine %q; known: sqlite, mysql, mariadb", engine)
}

// Close closes the connections. Transactions that are still running fail.
func (db *DB) Close() error {
	db.transactions.close()
	return db.handles.close()
}

// Read runs fn on one consistent snapshot of what is committed. The snapshot ends with fn, and so do rows and values taken from it.
// fn may run several times, where the engine is lost meanwhile, and so must set afresh what it returns.
func (db *DB) Read(ctx context.Context, fn func(Querier) error) error {
	return db.reading(ctx, time.Now(), db.snapshot, fn)
}

// reading runs fn in the given way, and again where the engine is lost. since is when the one who waits longest for it has come.
func (db *DB) reading(ctx context.Context, since time.Time, way func(context.Context, func(Querier) error) error, fn func(Querier) error) error {
	deadline := since.Add(db.patience)
	for {
		err := way(ctx, fn)
		if !db.mayRetry(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return db.toClient(err)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// Read runs fn as DB.Read does and returns what it found.
func Read[R any](ctx context.Context, db *DB, fn func(Querier) (R, error)) (R, error) {
	return found(ctx, db.Read, fn)
}

// ReadOne is Read for what one query answers, which sees one state of the database without a snapshot. Where fn asks more than one, each sees
// the state of its own time.
func ReadOne[R any](ctx context.Context, db *DB, fn func(Querier) (R, error)) (R, error) {
	return found(ctx, func(ctx context.Context, fn func(Querier) error) error {
		return db.reading(ctx, time.Now(), db.present, fn)
	}, fn)
}

func found[R any](ctx context.Context, read func(context.Context, func(Querier) error) error, fn func(Querier) (R, error)) (R, error) {
	var found R
	err := read(ctx, func(q Querier) (err error) {
		found, err = fn(q)
		return err
	})
	return found, err
}

func (db *DB) snapshot(ctx context.Context, fn func(Querier) error) error {
	return db.connected(ctx, func(conn *sql.Conn) error {
		tx, err := conn.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return fn(&reader{ctx, tx, db.dialect})
	})
}

// present runs fn on a connection for reading, without a snapshot.
func (db *DB) present(ctx context.Context, fn func(Querier) error) error {
	return db.connected(ctx, func(conn *sql.Conn) error { return fn(&reader{ctx, conn, db.dialect}) })
}

// connected runs fn on a connection for reading.
func (db *DB) connected(ctx context.Context, fn func(*sql.Conn) error) error {
	conn, err := db.handles.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // back to the pool
	return fn(conn)
}

// explain gives an engine's error the text that an operator needs, and leaves every other error as it is.
func (db *DB) explain(err error) error {
	var violation *ConstraintError
	if err == nil || errors.As(err, &violation) {
		return err
	}
	return db.dialect.Explain(err)
}

// toClient is explain for an error that a client of the API will see: where the database is away, the reason is for the log alone.
func (db *DB) toClient(err error) error {
	err = db.explain(err)
	var reason *errs.Error
	if errors.As(err, &reason) && reason.Kind == errs.Unavailable && reason.Type == "" {
		return errs.New(errs.Unavailable, "ServiceUnavailable", "The service is unavailable.").Wrap(err)
	}
	return err
}

// Querier asks the database something, within a snapshot or a transaction.
type Querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
	// gone is why no one waits for the answer any more; nil while someone does.
	gone() error
	dialect() Dialect
}

// reader is a snapshot, or a connection outside of one. Its statements run to their end, as those of a Tx do: to watch whether the client
// goes away meanwhile costs more than most of them.
type reader struct {
	ctx context.Context
	on  interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	d Dialect
}

// Query implements Querier.
func (r *reader) Query(query string, args ...any) (*sql.Rows, error) {
	if err := r.gone(); err != nil {
		return nil, err
	}
	return r.on.QueryContext(context.Background(), query, args...)
}

// QueryRow implements Querier.
func (r *reader) QueryRow(query string, args ...any) *sql.Row {
	return r.on.QueryRowContext(context.Background(), query, args...)
}

func (r *reader) gone() error { return r.ctx.Err() }

func (r *reader) dialect() Dialect { return r.d }

// String names the database, without secrets.
func (db *DB) String() string {
	return fmt.Sprintf("%s database %s", db.dialect.Name(), db.dialect.Location())
}
