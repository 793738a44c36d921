package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/pressly/goose/v3"

	"midonet.org/midonet/errs"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema to this program's version. A database that a newer program has migrated further is refused: this one
// does not know what the newer tables mean. The schema is locked by now.
func (db *DB) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations/"+db.dialect.Name())
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(db.dialect.Goose(), db.handles.schema, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate the %v: %w", db, err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return db.explain(err)
	}
	if have > want {
		return errs.New(errs.Invalid, "", "the %v has schema version %d, made by a newer version of this program; this one knows versions up to %d: "+
			"run the newer one, or put back a dump of the database from before it", db, have, want)
	}
	began := time.Now()
	results, err := provider.Up(ctx)
	for _, r := range results {
		db.log.Debug("migration", "database", db.dialect.Location(), "migration", r.Source.Path, "took", r.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate the %v: %w", db, db.explain(err))
	}
	if len(results) > 0 {
		db.log.Info("database migrated", "database", db.dialect.Location(), "from", have, "to", want, "took", time.Since(began))
	}
	return nil
}

// Schema is which version of the tables a database has.
type Schema struct {
	Location string // of the database, for people
	Has      int64  // 0: none of the tables
	Wants    int64  // what this program needs, and Open makes
}

// SchemaOf looks at a database and changes nothing.
func SchemaOf(ctx context.Context, connection string) (Schema, error) {
	d, err := dialectOf(connection)
	if err != nil {
		return Schema{}, err
	}
	s := Schema{Location: d.Name() + " database " + d.Location()}
	if s.Wants, err = latest(d); err != nil {
		return s, err
	}
	db, err := d.Look()
	if err != nil || db == nil {
		return s, err
	}
	defer db.Close()
	if err := d.RefuseOld(ctx, db); err != nil {
		return s, d.Explain(err)
	}
	if s.Has, err = schemaVersion(ctx, d, db); err != nil {
		return s, d.Explain(err)
	}
	return s, nil
}

// latest is the number of the newest migration.
func latest(d Dialect) (newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/"+d.Name()+"/*.sql")
	for _, file := range files {
		number, err := goose.NumericComponent(file)
		if err != nil {
			return 0, err
		}
		newest = max(newest, number)
	}
	return newest, err
}

func schemaVersion(ctx context.Context, d Dialect, db *sql.DB) (version int64, err error) {
	tables, err := tableNames(ctx, d, db)
	if err != nil || !slices.Contains(tables, goose.DefaultTablename) {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&version)
	return version, err
}

// tableNames returns which tables a database has.
func tableNames(ctx context.Context, d Dialect, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, d.Tables())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
