package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/store"
)

// databaseURL is the configuration's, or SQLite in the state directory.
func databaseURL(options *config.Options, stateDir string) string {
	if options.Database.Connection != "" {
		return options.Database.Connection
	}
	return "sqlite:///" + filepath.Join(stateDir, "neutron.db")
}

// DBUpgrade brings the Neutron database's tables to this program's version, as a server does when it starts. It needs no server and may
// run beside one.
func DBUpgrade(ctx context.Context, c ServerConfig, out io.Writer) error {
	options, err := readConfig(c)
	if err != nil {
		return err
	}
	if options.Database.Connection == "" {
		if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
			return errs.New(errs.Invalid, "StateDirectory", "the state directory cannot be made").Wrap(err)
		}
	}
	db, err := store.Open(ctx, databaseURL(options, c.StateDir), store.Options{Log: c.Log})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	return DBCurrent(ctx, c, out)
}

// DBCurrent prints which version the Neutron database's tables have, and changes nothing.
func DBCurrent(ctx context.Context, c ServerConfig, out io.Writer) error {
	options, err := readConfig(c)
	if err != nil {
		return err
	}
	s, err := store.SchemaOf(ctx, databaseURL(options, c.StateDir))
	if err != nil {
		return err
	}
	switch {
	case s.Has == 0:
		fmt.Fprintf(out, "%s: no tables yet; midonet db upgrade, or a server, makes them (version %d)\n", s.Location, s.Wants)
	case s.Has < s.Wants:
		fmt.Fprintf(out, "%s: version %d; this program wants %d: midonet db upgrade\n", s.Location, s.Has, s.Wants)
	case s.Has > s.Wants:
		fmt.Fprintf(out, "%s: version %d, made by a newer program; this one knows up to %d\n", s.Location, s.Has, s.Wants)
	default:
		fmt.Fprintf(out, "%s: version %d, which is this program's\n", s.Location, s.Has)
	}
	return nil
}
