package run

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
)

// AgentMonitor returns where the agent with the given state directory serves its metrics and health when nothing else is configured:
// a Unix socket, which works in a network namespace without loopback as well.
func AgentMonitor(stateDir string) string { return "unix:" + filepath.Join(stateDir, "monitor.sock") }

// monitor returns the HTTP interface for whoever watches the agent; it is healthy while the datapath can be asked.
func (a *agent) monitor() http.Handler {
	counts := []prometheus.Collector{a.worker}
	if a.metadata.service != nil {
		counts = append(counts, a.metadata.service)
	}
	return monitor(counts, a.Log, func(context.Context) error {
		_, err := a.worker.Status()
		return err
	})
}
