package run

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
}
