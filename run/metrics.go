package run

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"midonet.org/midonet/topology"
)

// scrapeTimeout bounds the queries of one scrape.
const scrapeTimeout = 5 * time.Second

// monitor serves /metrics in Prometheus text form, and /healthz, which answers 200 while the database does.
func (s *server) monitor() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(serverMetrics{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return monitorHandler(registry, s.Log, func(ctx context.Context) error {
		_, err := s.pending(ctx)
		return err
	})
}

// monitorHandler serves the registry, and the health that the function tells.
func monitorHandler(registry *prometheus.Registry, log *slog.Logger, health func(context.Context) error) http.Handler {
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

// The server's own metrics.
var (
	pendingMetric = prometheus.NewDesc("midonet_journal_pending_tasks", "Tasks that the topology does not have yet, at most 1000.", nil, nil)
	appliedMetric = prometheus.NewDesc("midonet_journal_applied_tasks_total", "Tasks applied since the journal began.", nil, nil)
	failedMetric  = prometheus.NewDesc("midonet_journal_failed_tasks", "Tasks that cannot be applied.", nil, nil)
	objectsMetric = prometheus.NewDesc("midonet_topology_objects", "Objects of the topology.", []string{"kind"}, nil)
)

// serverMetrics reads the figures when they are asked for.
type serverMetrics struct{ *server }

// Describe implements prometheus.Collector.
func (m serverMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{pendingMetric, appliedMetric, failedMetric, objectsMetric} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m serverMetrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if pending, err := m.pending(ctx); err == nil {
		out <- prometheus.MustNewConstMetric(pendingMetric, prometheus.GaugeValue, float64(pending))
	}
	drain := m.backend.Status()
	out <- prometheus.MustNewConstMetric(appliedMetric, prometheus.CounterValue, float64(drain.Applied))
	out <- prometheus.MustNewConstMetric(failedMetric, prometheus.GaugeValue, float64(len(drain.Failed)))
	state := m.mirror.State()
	for _, kind := range []topology.Kind{topology.KindBridge, topology.KindPort, topology.KindHost, topology.KindHostState, topology.KindBinding} {
		n := 0
		for range state.ByKind(kind) {
			n++
		}
		out <- prometheus.MustNewConstMetric(objectsMetric, prometheus.GaugeValue, float64(n), kind.String())
	}
}
