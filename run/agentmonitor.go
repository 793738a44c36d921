package run

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"midonet.org/midonet/agent/session"
)

// AgentMonitor returns where the agent with the given state directory serves its metrics and health when nothing else is configured:
// a Unix socket, which works in a network namespace without loopback as well.
func AgentMonitor(stateDir string) string { return "unix:" + filepath.Join(stateDir, "monitor.sock") }

// monitor returns the HTTP interface for whoever watches the agent; it is healthy while the datapath can be asked.
func (a *agent) monitor() http.Handler {
	counts := []prometheus.Collector{a.worker, sessionMetrics{a.session}}
	if a.metadata.service != nil {
		counts = append(counts, a.metadata.service)
	}
	return monitor(counts, a.Log, func(context.Context) error {
		_, err := a.worker.Status()
		return err
	})
}

// What an agent's link to the cluster has to tell.
var (
	connectedMetric   = prometheus.NewDesc("midonet_agent_connected", "1 while the agent follows the cluster, else 0.", nil, nil)
	certificateMetric = prometheus.NewDesc("midonet_agent_certificate_expires_timestamp_seconds",
		"When the host's certificate ends; the agent renews it when a third of its life is left.", nil, nil)
)

// sessionMetrics reads them when they are asked for.
type sessionMetrics struct{ *session.Session }

// Describe implements prometheus.Collector.
func (m sessionMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- connectedMetric
	out <- certificateMetric
}

// Collect implements prometheus.Collector.
func (m sessionMetrics) Collect(out chan<- prometheus.Metric) {
	now := m.Status()
	connected := 0.
	if now.Connected {
		connected = 1
	}
	out <- prometheus.MustNewConstMetric(connectedMetric, prometheus.GaugeValue, connected)
	if now.Joined {
		out <- prometheus.MustNewConstMetric(certificateMetric, prometheus.GaugeValue, float64(now.CertificateExpires.Unix()))
	}
}
