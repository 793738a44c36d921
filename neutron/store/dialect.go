package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/huandu/go-sqlbuilder"
	"github.com/pressly/goose/v3/database"
)

// Dialect is what differs between database engines.
type Dialect interface {
	// Name is the directory of the engine's migrations below migrations/.
	Name() string
	// Location names the database for people; it holds no secret.
	Location() string
	// Connect opens the database.
	Connect(ctx context.Context) (handles, error)
	// Look opens the database to look at it and change nothing; nil where it is not there.
	Look() (*sql.DB, error)
	// RefuseOld refuses an engine that is too old for what it will be asked.
	RefuseOld(ctx context.Context, db *sql.DB) error
	// Tables is the query for the names of the tables.
	Tables() string
	// Transactions runs transactions on the handle for them. patience is how long one waits for others.
	Transactions(write *sql.DB, patience time.Duration) transactions
	// Locking is what a SELECT of a transaction ends with so that the rows it returns stay as they are until the commit.
	Locking(Lock) string
	// Turns reports whether locks on rows keep only those transactions apart that came to the same node of the database (see Tx.turn).
	Turns() bool
	// Concat is the aggregate that puts texts one behind the other, with commas between them. They have up to longest characters; 0: any number,
	// which may cost more.
	Concat(text string, longest int) string
	// DeleteFrom is a DELETE of rows of a table up to its WHERE, which finds each by its primary key and looks at no other.
	DeleteFrom(table string) string
	// Flavor is how the list queries are rendered.
	Flavor() sqlbuilder.Flavor
	// Goose is the name by which the migration tool knows the engine.
	Goose() database.Dialect
	// LockSchema keeps other processes from migrating the database until unlock is called. It refuses a database whose tables are not
	// this program's. log is told when a server has to be waited for.
	LockSchema(ctx context.Context, patience time.Duration, log *slog.Logger) (unlock func(), err error)
	// Acquire waits for the lock of that name, of which there is one for all the processes that have the database open. held ends with
	// ctx, or when the lock is lost, or with release. A holder that was killed and comes back under its name need not wait.
	Acquire(ctx context.Context, h handles, name, holder string) (held context.Context, release func(), err error)
	// Agree is DB.Agree.
	Agree(ctx context.Context, h handles, name, word string) (*Agreement, error)
	// Transient reports whether the same transaction may succeed when it is run again.
	Transient(err error) bool
	// Explain turns the engine's errors into ConstraintError where a constraint was violated, and into errs.Error where an operator
	// must act (corruption, a full disk, a file that may not be written). Other errors come back as they are.
	Explain(err error) error
}

// Lock is what a transaction means to do with a row that it has read.
type Lock int

const (
	// Keep lets others read the row and keep it, too, but not change it.
	Keep Lock = iota
	// Change is for one transaction at a time.
	Change
)

// handles are the ways into a database. Some may be the same.
type handles struct {
	write  *sql.DB // transactions
	read   *sql.DB // snapshots
	schema *sql.DB // migrations, which may take long
}

func (h handles) close() error {
	var err error
	for _, db := range []*sql.DB{h.read, h.write, h.schema} {
		if db != nil {
			err = errors.Join(err, db.Close()) // to close one twice is no error
		}
	}
	return err
}
