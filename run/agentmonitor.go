package run

import (
	"context"
	"net/http"
	"path/filepath"
)

// AgentMonitor returns where the agent with the given state directory serves its metrics and health when nothing else is configured:
// a Unix socket, which works in a network namespace without loopback as well.
func AgentMonitor(stateDir string) string { return "unix:" + filepath.Join(stateDir, "monitor.sock") }

// monitor returns the HTTP interface for whoever watches the agent; it is healthy while the datapath can be asked.
func (a *agent) monitor() http.Handler {
	return monitor(a.worker, a.Log, func(context.Context) error {
		_, err := a.worker.Status()
		return err
	})
}
