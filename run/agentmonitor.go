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

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/worker"
)

// AgentMonitor returns where the agent with the given state directory serves its metrics, health and status when nothing else is
// configured: a Unix socket, since every host's network namespace has one of its own and a port would have to be chosen.
func AgentMonitor(stateDir string) string { return "unix:" + filepath.Join(stateDir, "monitor.sock") }

// AgentStatus is what an agent says of itself to people: GET /v1/status of its monitor.
type AgentStatus struct {
	Version string         `json:"version"`
	Session session.Status `json:"session"`
	Packets worker.Status  `json:"packets"`
}

// monitor returns the HTTP interface for whoever watches the agent: GET /metrics (Prometheus), /healthz, which answers 200 while
// the datapath can be asked, and /v1/status.
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
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		packets, err := a.worker.Status()
		answer(w, AgentStatus{Version: Version, Session: a.session.Status(), Packets: packets}, err)
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
