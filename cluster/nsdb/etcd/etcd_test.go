package etcd

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/nsdbtest"
)

func TestEmbedded(t *testing.T) {
	nsdbtest.Run(t, func(t *testing.T) nsdb.Store { return open(t, Embedded{Dir: t.TempDir()}) })
}

// TestDial runs the suite through gRPC, against the same server listening on a socket.
func TestDial(t *testing.T) {
	nsdbtest.Run(t, func(t *testing.T) nsdb.Store {
		socket := url.URL{Scheme: "unix", Path: filepath.Join(t.TempDir(), "etcd")}
		open(t, Embedded{Dir: t.TempDir(), listenClients: []url.URL{socket}})
		store, err := Dial(t.Context(), Remote{Endpoints: []string{socket.String()}, RootKey: DefaultRootKey, Log: logTo(t)})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}

func open(t *testing.T, e Embedded) *Store {
	t.Helper()
	e.Log = logTo(t)
	store, err := OpenEmbedded(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func logTo(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
