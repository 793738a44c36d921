package importer

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
	"midonet.org/midonet/cluster/nsdb/staging"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/topology"
)

// TestEtcdIsFull: an etcd that has reached its quota is a problem that says what to do, and when that is done, what waited is applied.
func TestEtcdIsFull(t *testing.T) {
	address := servers.Etcd(t, 1, "--quota-backend-bytes", "4194304").Addresses()[0]
	store, err := etcd.Dial(t.Context(), etcd.Remote{Endpoints: []string{"http://" + address}, RootKey: "/midonet", Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := &bench{TB: t, engine: store, store: staging.Over(store), journal: newJournal("j")}
	b.importer = New(b.store, b.journal, translate.DefaultSettings(), logTo(t))
	b.importer.CompareWith(b.journal)
	runUntilEnd(t, b.importer.Run)
	b.journal.putNetwork(network(0))
	b.await("what there is room for", func() bool { return b.journal.pending() == 0 })

	client, err := clientv3.New(clientv3.Config{Endpoints: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for n := 0; !errors.Is(err, rpctypes.ErrNoSpace); n++ {
		_, err = client.Put(t.Context(), fmt.Sprint("/others/", n), strings.Repeat("x", 1<<20))
	}
	b.journal.putNetwork(network(1))
	b.await("a problem that says what to do", func() bool {
		problem := b.importer.Status().LastError
		return strings.Contains(problem, "--quota-backend-bytes") && strings.Contains(problem, "disarm")
	})

	deleted, err := client.Delete(t.Context(), "/others/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(t.Context(), deleted.Header.Revision); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Defragment(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AlarmDisarm(t.Context(), &clientv3.AlarmMember{}); err != nil {
		t.Fatal(err)
	}
	b.await("what waited", func() bool { return b.journal.pending() == 0 && b.importer.Status().LastError == "" })
	if n := b.count(topology.KindBridge); n != 2 {
		t.Errorf("%d bridges, want 2", n)
	}
}

func (b *bench) await(what string, reached func() bool) {
	b.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("no %s; status %+v", what, b.importer.Status())
		}
	}
}
