package store

import (
	"context"
	"database/sql"

	"github.com/huandu/go-sqlbuilder"
	"github.com/pressly/goose/v3/database"
)

// Dialect is what differs between database engines.
type Dialect interface {
	// Name is the directory of the engine's migrations below migrations/.
	Name() string
	// Location names the database for people; it holds no secret.
	Location() string
	// Connect opens the database: one handle for transactions and one for snapshots. They may be the same.
	Connect(ctx context.Context) (write, read *sql.DB, err error)
	// Session prepares the connection that transactions use, once.
	Session() string
	// Begin starts a transaction on a connection. Others that write wait, or fail with a Transient error.
	Begin() string
	// Flavor is how the list queries are rendered.
	Flavor() sqlbuilder.Flavor
	// Goose is the name by which the migration tool knows the engine.
	Goose() database.Dialect
	// LockSchema keeps other processes from opening and migrating the database until unlock is called.
	LockSchema(ctx context.Context) (unlock func(), err error)
	// Transient reports whether the same transaction may succeed when it is run again.
	Transient(err error) bool
	// Explain turns the engine's errors into ConstraintError where a constraint was violated, and into errs.Error where an operator
	// must act (corruption, a full disk, a file that may not be written). Other errors come back as they are.
	Explain(err error) error
}
