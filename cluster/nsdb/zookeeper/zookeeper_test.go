package zookeeper

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/nsdbtest"
	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
)

// TestEnsemble runs the suite against three members. Each store of the suite has a root of its own.
func TestEnsemble(t *testing.T) {
	t.Parallel()
	ensemble := servers.ZooKeeper(t, 3)
	var stores atomic.Int32
	nsdbtest.Run(t, func(t *testing.T) nsdb.Store {
		return open(t, Remote{Hosts: ensemble.Addresses(), RootKey: fmt.Sprintf("/midonet/suite-%d", stores.Add(1))})
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	ensemble := servers.ZooKeeper(t, 3)
	nsdbtest.Faults(t, ensemble, servers.Away(), func(t *testing.T, name string) nsdb.Store {
		return open(t, Remote{Hosts: ensemble.Addresses(), RootKey: "/midonet/" + strings.ReplaceAll(name, " ", "-")})
	})
}

func open(t *testing.T, r Remote) *Store {
	t.Helper()
	r.Log = logTo(t)
	store, err := Dial(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func logTo(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
