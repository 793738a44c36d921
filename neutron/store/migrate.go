package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

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
		return errs.New(errs.Invalid, "", "the %v has schema version %d, made by a newer version of this program; "+
			"this one knows versions up to %d", db, have, want)
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		db.log.Info("database migrated", "database", db.dialect.Location(), "migration", r.Source.Path, "took", r.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate the %v: %w", db, err)
	}
	return nil
}
