package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"midonet.org/midonet/errs"
)

// DisagreementError says that another process which has the database open says something else.
type DisagreementError struct{ Other string }

func (e *DisagreementError) Error() string {
	return fmt.Sprintf("another process of the database has %q", e.Other)
}

// maxWord is how long a word may be, in octets.
const maxWord = 255

// Agreement is what a process says, in agreement with all others.
type Agreement struct {
	// Keep is to run as long as the process says so, and returns ctx's error, or a DisagreementError where another has come to say something
	// else while this process stood still.
	Keep func(ctx context.Context) error
	// Release lets others say something else.
	Release func()
}

// Agree makes sure that all processes which have the database open and speak of a name say the same word of it, such as an option that must
// be the same for all; otherwise the error is a DisagreementError. What is left of one that has died, it waits for.
func (db *DB) Agree(ctx context.Context, name, word string) (*Agreement, error) {
	a, err := db.dialect.Agree(ctx, db.handles, name, word[:min(len(word), maxWord)])
	if err != nil {
		return nil, db.explain(err)
	}
	return a, nil
}

// Agree takes a lease that all who say the word share.
func (d *mysqlDialect) Agree(ctx context.Context, h handles, name, word string) (*Agreement, error) {
	l := &lease{d, h.schema, name, word, leasePoll}
	for deadline := time.Now().Add(leaseTime + leaseMargin); ; pause(ctx, l.poll) {
		taken, err := l.take(ctx)
		switch {
		case taken:
			return &Agreement{Keep: l.keepSaying, Release: func() {}}, nil // it runs out, unless others say the same
		case err != nil && !d.Transient(err):
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case time.Now().After(deadline):
			return nil, l.disagreement(ctx)
		}
	}
}

// keepSaying renews the lease until ctx ends or another has it. While the database is away nobody can say anything else.
func (l *lease) keepSaying(ctx context.Context) error {
	tick := time.NewTicker(leaseRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		attempt, cancel := context.WithTimeout(ctx, leaseTime)
		taken, err := l.take(attempt)
		cancel()
		if err == nil && !taken {
			return l.disagreement(ctx)
		}
	}
}

func (l *lease) disagreement(ctx context.Context) error {
	var other string
	err := l.db.QueryRowContext(ctx, `SELECT holder FROM midonet_leases WHERE name = ?`, l.name).Scan(&other)
	if err != nil {
		return err
	}
	return &DisagreementError{Other: other}
}

// Agree writes the word into a file beside the database, on which all who say it have a shared lock.
func (d *sqliteDialect) Agree(_ context.Context, _ handles, name, word string) (*Agreement, error) {
	f, err := os.OpenFile(d.path+"."+name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errs.New(errs.Invalid, "", "cannot open a file beside the database: %v", err)
	}
	if err := say(f, word); err != nil {
		f.Close()
		return nil, err
	}
	return &Agreement{
		Keep: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		Release: func() { f.Close() }, // with which the kernel lets go of the lock, as it does when the process dies
	}, nil
}

// say takes a shared lock on the file, whose word is the same, or which nobody has locked.
func say(f *os.File, word string) error {
	alone := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	if alone {
		if err := f.Truncate(0); err != nil {
			return err
		}
		if _, err := f.WriteAt([]byte(word), 0); err != nil {
			return err
		}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); err != nil { // one who writes is done at once
		return err
	}
	said, err := io.ReadAll(io.NewSectionReader(f, 0, maxWord))
	if err == nil && string(said) != word {
		err = &DisagreementError{Other: string(said)}
	}
	return err
}
