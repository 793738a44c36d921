package run

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/golden"
)

// TestMetricsReferenceIsCurrent holds docs/metrics.md to what a server and an agent show; -update writes it.
func TestMetricsReferenceIsCurrent(t *testing.T) {
	needsRoot(t)
	c := &cloud{t: t, dir: t.TempDir()}
	c.admin = NewAdminClient(c.dir)
	metrics := freeport.Address(t)
	c.url = startServerWith(t, ServerConfig{StateDir: c.dir, Metrics: metrics})
	host := c.newHost("host1", "unix:"+c.dir+"/stream.sock")
	host.config.BuiltIn = true
	host.up("lo", nil)
	host.start()
	get(t, c.url+"/v2.0/networks")

	agent := &http.Client{Transport: overUnix(strings.TrimPrefix(AgentMonitor(host.config.StateDir), "unix:"))}
	resp, err := agent.Get("http://agent/metrics")
	check(t, err)
	defer resp.Body.Close()
	golden.Check(t, "../docs/metrics.md", `# Metrics

Written by `+"`go test ./run -run TestMetricsReference -update`"+` from what a server and an agent show; do not edit.

A server shows them at http://127.0.0.1:8183/metrics (`+"`midonet api`"+`: 8184; `+"`--metrics-listen`"+`), an agent on `+"`monitor.sock`"+` in its state directory
or at the address of `+"`--monitor`"+`, both in Prometheus' text form, and beside them what its Go client shows of the process and of Go. `+"`/healthz`"+`
there answers 200 while a server's database, or an agent's datapath, can be asked. [operations.md](operations.md) says which to watch.

## Of a server

`+metricsTable(t, bufio.NewScanner(strings.NewReader(get(t, "http://"+metrics+"/metrics"))))+`
## Of an agent

`+metricsTable(t, bufio.NewScanner(resp.Body)))
}

// metricsTable returns the metrics of this program in a page of the text form: name, type and help.
func metricsTable(t *testing.T, page *bufio.Scanner) string {
	t.Helper()
	help, rows := map[string]string{}, []string{}
	for page.Scan() {
		_, line, described := strings.Cut(page.Text(), "# HELP ")
		if name, text, ok := strings.Cut(line, " "); described && ok {
			help[name] = text
		}
		_, line, typed := strings.Cut(page.Text(), "# TYPE ")
		if name, kind, ok := strings.Cut(line, " "); typed && ok && strings.HasPrefix(name, "midonet_") {
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", name, kind, help[name]))
		}
	}
	check(t, page.Err())
	slices.Sort(rows)
	return "| name | type | what it counts |\n|---|---|---|\n" + strings.Join(rows, "")
}
