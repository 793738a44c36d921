package zookeeper

import (
	"errors"
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

// TestSmallRequests: an ensemble that takes less than it does by default is refused at once, with what is wrong; one that takes a little less
// than that, as much as requests have, is not.
func TestSmallRequests(t *testing.T) {
	t.Parallel()
	for most, refused := range map[int]bool{packet - 1: true, packet + 4<<10: false} {
		host := servers.ZooKeeper(t, 1, fmt.Sprintf("-Djute.maxbuffer=%d", most)).Addresses()[0]
		store, err := Dial(t.Context(), Remote{Hosts: []string{host}, RootKey: "/midonet", Log: logTo(t)})
		if refused != (err != nil) {
			t.Fatalf("jute.maxbuffer %d: %v", most, err)
		}
		if !refused {
			largestStep(t, Remote{Hosts: []string{host}, RootKey: "/midonet"})
			store.Close()
		} else if cause := errors.Unwrap(err); cause == nil || !strings.Contains(cause.Error(), "jute.maxbuffer is less than ZooKeeper's default") {
			t.Errorf("it says %v, because of %v", err, cause)
		}
	}
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
