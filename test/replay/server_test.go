package replay

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/run"
)

func TestAgainOnMariaDB(t *testing.T) {
	if *record != "" {
		t.Skip("recording")
	}
	storetest.AgainOnMariaDB(t)
}

// startServer runs our server on a fresh state directory and a database of the run's engine, with further
// configuration files, and returns its base URL.
func startServer(t *testing.T, more ...string) string {
	t.Helper()
	address := freeAddress(t)
	conf := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(conf, []byte("[database]\nconnection = "+storetest.New(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run.Server(ctx, run.ServerConfig{
			ConfigFiles: append([]string{conf}, more...), StateDir: t.TempDir(), API: address, Log: slog.New(slog.DiscardHandler),
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	url := "http://" + address
	for {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			return url
		}
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("the server did not start: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
