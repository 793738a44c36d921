package replay

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/run"
	"midonet.org/midonet/test/freeport"
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
	return startOn(t, database(t), false, more...)
}

// startBalanced runs a server and two processes of the API alone on one database, and returns the base URL of what hands requests to the
// two in turn.
func startBalanced(t *testing.T, more ...string) string {
	t.Helper()
	conf := database(t)
	startOn(t, conf, false, more...)
	var backends []*httputil.ReverseProxy
	for range 2 {
		target, err := url.Parse(startOn(t, conf, true, more...))
		if err != nil {
			t.Fatal(err)
		}
		backends = append(backends, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery // as they came
		}})
	}
	var turn atomic.Uint64
	balancer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		backends[turn.Add(1)%uint64(len(backends))].ServeHTTP(w, r)
	}))
	t.Cleanup(balancer.Close)
	return balancer.URL
}

// database writes a configuration that names a fresh database of the run's engine, and loads what the recorded server had loaded.
func database(t *testing.T) string {
	t.Helper()
	return write(t, "[ml2]\nextension_drivers = port_security\n[database]\nconnection = "+storetest.New(t))
}

// write writes a configuration and returns its file.
func write(t *testing.T, text string) string {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(conf, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf
}

// startOn runs a server, or the API alone, with a configuration and returns its base URL.
func startOn(t *testing.T, conf string, apiOnly bool, more ...string) string {
	t.Helper()
	address, dir := freeport.Address(t), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run.Server(ctx, run.ServerConfig{
			ConfigFiles: append([]string{conf}, more...), StateDir: dir, API: address, APIOnly: apiOnly,
			Log: slog.New(slog.DiscardHandler),
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	base := "http://" + address
	for {
		if resp, err := http.Get(base); err == nil {
			resp.Body.Close()
			return base
		}
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("the server did not start: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
