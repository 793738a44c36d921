package staging_test

import (
	"log/slog"
	"testing"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/etcd"
	"midonet.org/midonet/cluster/nsdb/nsdbtest"
	"midonet.org/midonet/cluster/nsdb/staging"
)

// TestStoreKeepsTheContract runs the engines' own suite.
func TestStoreKeepsTheContract(t *testing.T) {
	nsdbtest.Run(t, func(t *testing.T) nsdb.Store {
		store, err := etcd.OpenEmbedded(t.Context(), etcd.Embedded{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		if err != nil {
			t.Fatal(err)
		}
		return staging.Over(store)
	})
}
