package run

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"midonet.org/midonet/neutron/api"
)

// shutdownTimeout is how long requests under way may take to end after a signal.
const shutdownTimeout = 5 * time.Second

// serveHTTP answers on the listener until ctx ends, and returns when the requests that were under way then have been answered. A nil
// listener is one that was not wanted.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	if l == nil {
		return nil
	}
	server := api.HTTPServer(handler, log)
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-drained
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// monitor serves what the collectors count at /metrics, in Prometheus text form, and at /healthz 200 while health finds nothing wrong.
func monitor(counts []prometheus.Collector, log *slog.Logger, health func(context.Context) error) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(counts...)
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "midonet_build_info", Help: "1, with the program's version.",
		ConstLabels: prometheus.Labels{"version": Version}}, func() float64 { return 1 }))
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := health(r.Context()); err != nil {
			log.Error("health", "error", err)
			http.Error(w, "not healthy; the log says why", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // the reader has gone: there is no one to tell
	})
	return mux
}
