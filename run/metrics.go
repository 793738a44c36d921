package run

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"midonet.org/midonet/topology"
)

// scrapeTimeout bounds the queries of one scrape.
const scrapeTimeout = 5 * time.Second

// monitor returns the HTTP interface for whoever watches the server; it is healthy while the database answers.
func (s *server) monitor() http.Handler {
	return monitor([]prometheus.Collector{serverMetrics{s}, s.requests}, s.Log, func(ctx context.Context) error {
		_, err := s.pending(ctx)
		return err
	})
}

// newRequests returns a metric of the Networking API's requests, of both what there were and how long they took.
func newRequests() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "midonet_api_request_seconds", Help: "Requests of the Networking API by method and status of the answer, and how long they took.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 15), // to 16 s: a database that is away is waited for as long
	}, []string{"method", "code"})
}

// The server's own metrics.
var (
	pendingMetric = prometheus.NewDesc("midonet_journal_pending_tasks", "Tasks that the topology does not have yet, at most 1000.", nil, nil)
	appliedMetric = prometheus.NewDesc("midonet_journal_applied_tasks_total", "Tasks applied since the journal began.", nil, nil)
	failedMetric  = prometheus.NewDesc("midonet_journal_failed_tasks", "Tasks that cannot be applied.", nil, nil)
	cachedMetric  = prometheus.NewDesc("midonet_api_remembered_octets", "Size of the resources that are remembered, about.", nil, nil)
	hitsMetric    = prometheus.NewDesc("midonet_api_remembered_total", "Resources that came from memory.", nil, nil)
	missesMetric  = prometheus.NewDesc("midonet_api_read_total", "Resources that were read from the database to be remembered.", nil, nil)
	objectsMetric = prometheus.NewDesc("midonet_topology_objects", "Objects of the topology, by kind; host_state is of hosts that are alive.", []string{"kind"}, nil)
)

// serverMetrics reads the figures when they are asked for.
type serverMetrics struct{ *server }

// Describe implements prometheus.Collector.
func (m serverMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{pendingMetric, appliedMetric, failedMetric, cachedMetric, hitsMetric, missesMetric,
		objectsMetric} {
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
	if m.backend != nil {
		drain := m.backend.Status()
		out <- prometheus.MustNewConstMetric(appliedMetric, prometheus.CounterValue, float64(drain.Applied))
		out <- prometheus.MustNewConstMetric(failedMetric, prometheus.GaugeValue, float64(len(drain.Failed)))
	}
	memory := m.db.Memory()
	out <- prometheus.MustNewConstMetric(cachedMetric, prometheus.GaugeValue, float64(memory.Octets))
	out <- prometheus.MustNewConstMetric(hitsMetric, prometheus.CounterValue, float64(memory.Hits))
	out <- prometheus.MustNewConstMetric(missesMetric, prometheus.CounterValue, float64(memory.Misses))
	if m.APIOnly {
		return
	}
	state := m.mirror.State()
	for _, kind := range []topology.Kind{topology.KindBridge, topology.KindPort, topology.KindHost, topology.KindHostState, topology.KindBinding} {
		out <- prometheus.MustNewConstMetric(objectsMetric, prometheus.GaugeValue, float64(state.Count(kind)), kind.String())
	}
}
