package run

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// AgentMonitor returns where the agent with the given state directory serves its metrics and health when nothing else is configured:
// a Unix socket, which works in a network namespace without loopback as well.
func AgentMonitor(stateDir string) string { return "unix:" + filepath.Join(stateDir, "monitor.sock") }

// monitor returns the HTTP interface for whoever watches the agent: GET /metrics (Prometheus), and /healthz, which answers 200
// while the datapath can be asked.
func (a *agent) monitor() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(a.worker, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := a.worker.Status(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // the reader has gone: there is no one to tell
	})
	return mux
}

// serveUntil serves until ctx ends and closes the listener then.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
