package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
)

// Alone runs fn while no other process runs a function under the same name on this database, waiting until it may. holder names this
// process; after a crash it is let in again at once under the same name. The context that fn gets ends when the right is lost, which
// fn learns a while before another gets it; Alone then waits anew. It returns what fn returns of itself, or ctx's error.
//
// A process that stands still for long, as a machine that is suspended, may go on for a moment beside its successor. What fn does must
// be such that the other's work is not undone by it.
func (db *DB) Alone(ctx context.Context, name, holder string, fn func(context.Context) error) error {
	for {
		held, release, err := db.dialect.Acquire(ctx, db.handles, name, holder)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // the database will be repaired, and this server is to go on then
			db.log.Error("it cannot be found out who may go on; trying again", "what", name, "error", db.explain(err))
			pause(ctx, leaseRenewal)
			continue
		}
		err = fn(held)
		lost := held.Err() != nil && ctx.Err() == nil
		release()
		if !lost {
			return err
		}
		db.log.Warn("another server may have taken over", "what", name, "database", db.dialect.Location(), "error", context.Cause(held))
	}
}

// lease is a row of the table midonet_leases, which says who may do what until when, by the database's clock. Unlike MySQL's GET_LOCK it
// holds in all of a Galera cluster.
type lease struct {
	dialect      *mysqlDialect
	db           *sql.DB
	name, holder string
	poll         time.Duration // how often, at most, one who waits asks again
}

// A lease that is not renewed for leaseTime goes to the next who asks, and who waits asks every leasePoll: what a death costs. Who has it
// gives up before that.
const (
	leaseTime    = 3 * time.Second
	leaseRenewal = 500 * time.Millisecond
	leaseMargin  = time.Second
	leasePoll    = 250 * time.Millisecond
)

var errLeaseLost = errors.New("the lease could not be renewed")

// createLeases makes the table. It is no migration because it guards them, and it marks a database as this program's.
const createLeases = `CREATE TABLE IF NOT EXISTS midonet_leases (
	name       VARCHAR(64)  NOT NULL PRIMARY KEY,
	holder     VARCHAR(255) NOT NULL,
	expires_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`

// take gets or renews the lease and reports whether it did.
func (l *lease) take(ctx context.Context) (bool, error) {
	span := leaseTime.Microseconds()
	taken, err := l.changes(ctx, `UPDATE midonet_leases SET holder = ?, expires_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
		WHERE name = ? AND (holder = ? OR expires_at < UTC_TIMESTAMP(6))`, l.holder, span, l.name, l.holder)
	if taken || err != nil {
		return taken, err
	}
	return l.changes(ctx, `INSERT IGNORE INTO midonet_leases (name, holder, expires_at)
		VALUES (?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND)`, l.name, l.holder, span)
}

func (l *lease) changes(ctx context.Context, statement string, args ...any) (bool, error) {
	res, err := l.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// giveUp lets the next one in at once.
func (l *lease) giveUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaseMargin)
	defer cancel()
	_, err := l.db.ExecContext(ctx, `DELETE FROM midonet_leases WHERE name = ? AND holder = ?`, l.name, l.holder)
	return err
}

// acquire waits for the lease and keeps renewing it until release.
func (l *lease) acquire(ctx context.Context) (held context.Context, release func(), err error) {
	for {
		asked := time.Now()
		taken, err := l.take(ctx)
		if taken {
			held, release = l.keep(ctx, asked)
			return held, release, nil
		}
		if err != nil && !l.dialect.Transient(err) {
			return nil, nil, err
		}
		pause(ctx, l.poll)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
}

// keep renews the lease, which was taken after the time asked.
func (l *lease) keep(ctx context.Context, asked time.Time) (held context.Context, release func()) {
	held, end := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end(l.renew(held, asked))
	}()
	return held, func() {
		end(context.Canceled)
		<-ended
		_ = l.giveUp() // otherwise it expires
	}
}

// renew returns when ctx ends or the lease is lost.
func (l *lease) renew(ctx context.Context, asked time.Time) error {
	tick := time.NewTicker(leaseRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := time.Now()
		attempt, cancel := context.WithDeadline(ctx, asked.Add(leaseTime-leaseMargin))
		taken, err := l.take(attempt)
		cancel()
		switch {
		case taken:
			asked = now
		case err == nil:
			return errLeaseLost
		case time.Since(asked) > leaseTime-leaseMargin:
			return errors.Join(errLeaseLost, err)
		}
	}
}

// Acquire takes a lease.
func (d *mysqlDialect) Acquire(ctx context.Context, h handles, name, holder string) (context.Context, func(), error) {
	l := &lease{d, h.schema, name, holder, leasePoll}
	return l.acquire(ctx)
}

// LockSchema finds out whether the server lets us in and whether the database is ours, and takes a lease.
func (d *mysqlDialect) LockSchema(ctx context.Context, patience time.Duration, log *slog.Logger) (func(), error) {
	db, err := d.openSchema()
	if err != nil {
		return nil, err
	}
	unlock, err := d.lockSchema(ctx, db, patience, log)
	if err != nil {
		db.Close()
		return nil, d.named(d.Explain(err))
	}
	return func() { unlock(); db.Close() }, nil
}

// named says of an error that says nothing of the database which one it is of.
func (d *mysqlDialect) named(err error) error {
	var known *errs.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return d.unavailable(err, "cannot be used")
}

func (d *mysqlDialect) lockSchema(ctx context.Context, db *sql.DB, patience time.Duration, log *slog.Logger) (unlock func(), err error) {
	if err := d.reach(ctx, db, patience, log); err != nil {
		return nil, err
	}
	if err := d.RefuseOld(ctx, db); err != nil {
		return nil, err
	}
	if err := d.refuseForeign(ctx, db); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, createLeases); err != nil {
		return nil, err
	}
	if err := d.joinGalera(ctx, db); err != nil {
		return nil, err
	}
	type process struct{}
	l := &lease{d, db, "schema", id.New[process]().String(), 100 * time.Millisecond}
	_, unlock, err = l.acquire(ctx)
	return unlock, err
}

// reach waits for a server that is away, as it is where both start with the machine.
func (d *mysqlDialect) reach(ctx context.Context, db *sql.DB, patience time.Duration, log *slog.Logger) error {
	told := false
	for deadline := time.Now().Add(patience); ; {
		err := db.PingContext(ctx)
		if err == nil || !d.Transient(err) || time.Now().After(deadline) {
			return err
		}
		if !told {
			log.Warn("the database does not answer; waiting for it", "database", d.Location(), "for", patience, "error", err)
			told = true
		}
		pause(ctx, time.Second)
	}
}

// refuseForeign keeps this program out of a database that has another's tables. neutron-server's have the same names as ours and
// other columns.
func (d *mysqlDialect) refuseForeign(ctx context.Context, db *sql.DB) error {
	tables, err := tableNames(ctx, d, db)
	switch {
	case err != nil || len(tables) == 0 || slices.Contains(tables, "midonet_leases"):
		return err
	case slices.Contains(tables, "alembic_version"):
		return errs.New(errs.Invalid, "", "the mysql database %s holds the %d tables of neutron-server or another OpenStack service "+
			"(alembic_version), which this program neither reads nor changes; make a database of its own for it", d.Location(), len(tables))
	}
	return errs.New(errs.Invalid, "", "the mysql database %s holds tables of another program (%s and so on); make a database of its own "+
		"for this one", d.Location(), tables[0])
}
