package etcd

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/nsdbtest"
	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
)

// TestCluster runs the suite against three members of Debian's etcd. Each store of the suite has a root of its own.
func TestCluster(t *testing.T) {
	t.Parallel()
	cluster := servers.Etcd(t, 3)
	var stores atomic.Int32
	nsdbtest.Run(t, func(t *testing.T) nsdb.Store {
		return dial(t, cluster, fmt.Sprintf("/midonet/suite-%d", stores.Add(1)))
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cluster := servers.Etcd(t, 3)
	nsdbtest.Faults(t, cluster, servers.Away(), func(t *testing.T, name string) nsdb.Store {
		return dial(t, cluster, "/midonet/"+strings.ReplaceAll(name, " ", "-"))
	})
}

func dial(t *testing.T, c *servers.Cluster, rootKey string) *Store {
	t.Helper()
	var endpoints []string
	for _, address := range c.Addresses() {
		endpoints = append(endpoints, "http://"+address)
	}
	store, err := Dial(t.Context(), Remote{Endpoints: endpoints, RootKey: rootKey, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}
