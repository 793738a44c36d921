package run

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// TestDatabaseCommands looks at a new database of each engine, makes its tables, and looks again.
func TestDatabaseCommands(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { databaseCommands(t, storetest.SQLite(t)) })
	t.Run("SQLite in the state directory", func(t *testing.T) { databaseCommands(t, "") })
	t.Run("MariaDB", func(t *testing.T) { databaseCommands(t, storetest.StartMariaDB(t).New(t)) })
}

func databaseCommands(t *testing.T, connection string) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "neutron.conf")
	if err := os.WriteFile(conf, []byte("[database]\nconnection = "+connection+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := ServerConfig{ConfigFiles: []string{conf}, StateDir: filepath.Join(dir, "state"), Log: slog.New(slog.DiscardHandler)}
	for _, step := range []struct {
		name, want string
		run        func(*bytes.Buffer) error
	}{
		{"current", "no tables yet", func(out *bytes.Buffer) error { return DBCurrent(t.Context(), c, out) }},
		{"upgrade", "which is this program's", func(out *bytes.Buffer) error { return DBUpgrade(t.Context(), c, out) }},
		{"upgrade again", "which is this program's", func(out *bytes.Buffer) error { return DBUpgrade(t.Context(), c, out) }},
		{"current again", "which is this program's", func(out *bytes.Buffer) error { return DBCurrent(t.Context(), c, out) }},
	} {
		var out bytes.Buffer
		if err := step.run(&out); err != nil || !strings.Contains(out.String(), step.want) {
			t.Errorf("%s: %q, %v; want %q", step.name, out.String(), err, step.want)
		}
		if strings.Contains(out.String(), storetest.Password) {
			t.Errorf("%s tells the password: %s", step.name, out.String())
		}
	}
	newerTables(t, c)
}

// newerTables asks that tables of a newer program are not said to want this one's migrations.
func newerTables(t *testing.T, c ServerConfig) {
	d, err := OpenData(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	err = d.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		return err
	})
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err = OpenData(t.Context(), c); err == nil || !strings.Contains(err.Error(), "newer program") || strings.Contains(err.Error(), "upgrade") {
		t.Errorf("newer tables: %v", err)
	}
}
