package run

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/store"
)

// TestStatusFollowsTheStore has Neutron say ACTIVE of a port that nothing is plugged into any more, since the store that knew of the
// interface is lost: the server says DOWN again.
func TestStatusFollowsTheStore(t *testing.T) {
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		makePort(t, startServerWith(t, ServerConfig{StateDir: dir}))
		awaitDrained(t, NewAdminClient(dir))
	})
	claimActive(t, filepath.Join(dir, "neutron.db"))
	if err := os.RemoveAll(filepath.Join(dir, "etcd")); err != nil {
		t.Fatal(err)
	}
	url := startServerWith(t, ServerConfig{StateDir: dir})
	eventually(t, "the port is said to be DOWN", func() bool { return strings.Contains(get(t, url+"/v2.0/ports"), `"status":"DOWN"`) })
}

// claimActive writes what the hosts said before the store was lost.
func claimActive(t *testing.T, database string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), "sqlite:///"+database, store.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ports []journal.PortStatus
	err = db.Read(t.Context(), func(q store.Querier) error {
		rows, err := q.Query("SELECT id FROM ports")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			p := journal.PortStatus{Active: true}
			if err := rows.Scan(&p.PortID); err != nil {
				return err
			}
			ports = append(ports, p)
		}
		return rows.Err()
	})
	if err != nil || len(ports) != 1 {
		t.Fatalf("%d ports in the database, %v", len(ports), err)
	}
	plugin := ml2.New(db, journal.New(db), ml2.DefaultConfig(), log)
	if err := plugin.SetPortStatus(context.Background(), ports); err != nil {
		t.Fatal(err)
	}
}
