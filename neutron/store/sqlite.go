package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/huandu/go-sqlbuilder"
	"github.com/pressly/goose/v3/database"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"midonet.org/midonet/errs"
)

// sqliteDialect keeps the database in one file with a write-ahead log beside it.
//
// The log is synchronised with the disk at each commit (synchronous=FULL), so that what was answered survives a power cut; in WAL mode
// the default would lose the last commits. Readers have snapshots of their own and neither wait for a writer nor hold it up. A
// writer takes the write lock when it begins (BEGIN IMMEDIATE): a transaction that first reads and then writes could otherwise find
// that another process has written in between, and would have to fail half way.
type sqliteDialect struct {
	path string
}

// readCache lets each reader keep 16 MiB of pages, as far as there are so many. The 2 MiB that SQLite keeps else are fewer than the pages over which
// the rows of one long list are spread in a cloud of ten thousand ports, so that each list would read and check them anew.
const readCache = "_pragma=cache_size(-16384)"

// readers is how many snapshots one process may have open at a time.
const readers = 8

func newSQLite(rest string) (Dialect, error) {
	path, ok := strings.CutPrefix(rest, "/")
	if path, _, _ = strings.Cut(path, "?"); !ok || path == "" || path == ":memory:" {
		return nil, errs.New(errs.Invalid, "", "[database] connection: sqlite needs a file, as in sqlite:///neutron.db "+
			"(relative) or sqlite:////var/lib/midonet/neutron.db (absolute)")
	}
	return &sqliteDialect{path: path}, nil
}

func (d *sqliteDialect) Name() string                     { return "sqlite" }
func (d *sqliteDialect) Location() string                 { return d.path }
func (d *sqliteDialect) Concat(text string, _ int) string { return "GROUP_CONCAT(" + text + ")" }
func (d *sqliteDialect) Flavor() sqlbuilder.Flavor        { return sqlbuilder.SQLite }
func (d *sqliteDialect) Goose() database.Dialect          { return database.DialectSQLite3 }

// DeleteFrom needs no word about the key.
func (d *sqliteDialect) DeleteFrom(table string) string { return "DELETE FROM " + table }

// Locking is empty: who may write is alone.
func (d *sqliteDialect) Locking(Lock) string { return "" }
func (d *sqliteDialect) Turns() bool         { return false }

// shortWait is for the connection that writes. It is not the writer's patience: the committer tries again with a shorter and fairer
// pause than SQLite's own back-off, which sleeps up to 100 ms.
const shortWait = "PRAGMA busy_timeout = 20"

const beginWrite = "BEGIN IMMEDIATE"

// Transactions has them share commits on one connection.
func (d *sqliteDialect) Transactions(write *sql.DB, patience time.Duration) transactions {
	return newCommitter(d, write, patience)
}

// Connect opens the file, makes it where there is none, and checks that it is whole.
func (d *sqliteDialect) Connect(ctx context.Context) (h handles, err error) {
	if err := d.create(); err != nil {
		return h, err
	}
	// What savepoints and statements keep to undo is in memory: else what is longer than 64 KiB goes to a file that is made for it.
	h.write, err = d.open("_pragma=busy_timeout(10000)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(ON)", "_pragma=temp_store(MEMORY)")
	if err != nil {
		return h, err
	}
	h.write.SetMaxOpenConns(1)
	h.schema = h.write
	if err := d.check(ctx, h.write); err != nil {
		h.close()
		return h, d.Explain(err)
	}
	if h.read, err = d.open("_pragma=busy_timeout(10000)", "_pragma=query_only(ON)", readCache); err != nil {
		h.close()
		return h, err
	}
	h.read.SetMaxOpenConns(readers)
	h.read.SetMaxIdleConns(readers)
	return h, nil
}

// RefuseOld has nothing to refuse: the engine is inside.
func (d *sqliteDialect) RefuseOld(context.Context, *sql.DB) error { return nil }

// Look opens the file where there is one.
func (d *sqliteDialect) Look() (*sql.DB, error) {
	if _, err := os.Stat(d.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return d.open("_pragma=busy_timeout(10000)", "_pragma=query_only(ON)")
}

func (d *sqliteDialect) Tables() string {
	return "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
}

// create makes the file readable to its owner alone: it holds what tenants told the cloud.
func (d *sqliteDialect) create() error {
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return errs.New(errs.Invalid, "", "cannot open the database file: %v", err)
	}
	return f.Close()
}

func (d *sqliteDialect) open(options ...string) (*sql.DB, error) {
	abs, err := filepath.Abs(d.path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Path: abs, RawQuery: strings.Join(options, "&")}
	c := &sqliteConnector{location: u.String()}
	return sql.OpenDB(c), c.driver.RegisterDeterministicScalarFunction(addressText, 1, textOfAddress)
}

// addressText is the SQL function that makes text of the octets of an address. MySQL has it; SQLite gets it with each connection.
const addressText = "INET6_NTOA"

func textOfAddress(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	octets, _ := args[0].([]byte)
	a, ok := netip.AddrFromSlice(octets)
	if !ok {
		return nil, nil
	}
	return a.String(), nil
}

// sqliteConnector opens connections by a driver of its own, which knows our functions.
type sqliteConnector struct {
	driver   sqlite.Driver
	location string
}

func (c *sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.location)
	if err != nil {
		return nil, err
	}
	return remember(conn), nil
}

func (c *sqliteConnector) Driver() driver.Driver { return &c.driver }

// check turns on the write-ahead log and looks at every page. It finds a file that is something else, was cut short or was
// overwritten in part, before a request does.
func (d *sqliteDialect) check(ctx context.Context, db *sql.DB) error {
	var mode, verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("database file %s: the file system does not allow a write-ahead log (journal mode %s)", d.path, mode)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return d.corrupt(errors.New(verdict))
	}
	return nil
}

// LockSchema takes a lock on a file beside the database.
func (d *sqliteDialect) LockSchema(ctx context.Context, _ time.Duration, _ *slog.Logger) (func(), error) {
	_, unlock, err := d.Acquire(ctx, handles{}, "schema", "")
	return unlock, err
}

// Acquire takes an advisory lock on a file beside the database. The kernel releases it when the process dies.
func (d *sqliteDialect) Acquire(ctx context.Context, _ handles, name, _ string) (context.Context, func(), error) {
	f, err := os.OpenFile(d.path+"."+name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, errs.New(errs.Invalid, "", "cannot open the database file %s: %v", d.path, err)
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err {
		case nil:
			held, end := context.WithCancel(ctx)
			return held, func() { end(); f.Close() }, nil
		case syscall.EWOULDBLOCK, syscall.EINTR:
			pause(ctx, 100*time.Millisecond)
		default:
			f.Close()
			return nil, nil, errs.New(errs.Invalid, "", "cannot lock %s: %v", f.Name(), err)
		}
		if err := ctx.Err(); err != nil {
			f.Close()
			return nil, nil, err
		}
	}
}

func (d *sqliteDialect) Transient(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return true
	}
	return false
}

// Explain reads SQLite's result codes (https://www.sqlite.org/rescode.html).
func (d *sqliteDialect) Explain(err error) error {
	switch c := code(err); c & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		return &ConstraintError{Constraint: d.constraint(c, err.Error()), Err: err}
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return d.corrupt(err)
	case sqlite3.SQLITE_FULL:
		return errs.New(errs.Unavailable, "", "the disk of database file %s is full", d.path).Wrap(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return errs.New(errs.Unavailable, "", "the database file %s or its directory may not be written", d.path).Wrap(err)
	case sqlite3.SQLITE_IOERR:
		return errs.New(errs.Unavailable, "", "the disk of database file %s failed", d.path).Wrap(err)
	}
	return err
}

func (d *sqliteDialect) corrupt(err error) error {
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	return errs.New(errs.Internal, "", "database file %s is damaged or is not an SQLite database (%v); stop the server and "+
		"restore the file from a backup, or move it and its -wal and -shm files away to start empty", d.path, err).Wrap(err)
}

// constraint reads which rule failed. SQLite names the columns in the text, "UNIQUE constraint failed: ports.network_id,
// ports.mac_address", and says nothing of which foreign key it was.
func (d *sqliteDialect) constraint(code int, text string) Constraint {
	switch {
	case code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return Reference
	case strings.Contains(text, "ports.mac_address"):
		return UniqueMAC
	case strings.Contains(text, "ipallocations.ip_address"):
		return UniqueAddress
	case strings.Contains(text, "default_security_group.project_id"):
		return UniqueDefaultGroup
	case strings.Contains(text, "rbacpolicies.target_project"):
		return UniqueRBACPolicy
	case strings.Contains(text, "subnetpools.default_for"):
		return UniqueDefaultPool
	case strings.Contains(text, "networks.default_external"):
		return UniqueDefaultNetwork
	case code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return UniqueID
	}
	return OtherConstraint
}

// code returns the extended result code of an error, 0 where it is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
