package run

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"midonet.org/midonet/agent/session"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestServerOnEachEngine runs a server on three members of an external cluster, with a host, and takes all members away for longer
// than the host's lease lives.
func TestServerOnEachEngine(t *testing.T) {
	t.Parallel()
	for _, engine := range []struct {
		name  string
		start func(testing.TB, int) *servers.Cluster
		form  string // of an endpoint
	}{
		{"etcd", func(t testing.TB, n int) *servers.Cluster { return servers.Etcd(t, n) }, "http://%s"},
		{"zookeeper", func(t testing.TB, n int) *servers.Cluster { return servers.ZooKeeper(t, n) }, "%s"},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			members := engine.start(t, 3)
			var endpoints []string
			for _, address := range members.Addresses() {
				endpoints = append(endpoints, fmt.Sprintf(engine.form, address))
			}
			dir := t.TempDir()
			file := writeConfig(t, "[nsdb]\nengine = "+engine.name+"\nendpoints = "+strings.Join(endpoints, ",")+"\nroot_key = /clouds/one\n")
			url := startServerWith(t, ServerConfig{StateDir: dir, ConfigFiles: []string{file}})
			if _, err := os.Stat(filepath.Join(dir, "etcd")); !os.IsNotExist(err) {
				t.Errorf("there is an embedded store beside the cluster: %v", err)
			}
			outlives(t, url, dir, members)
		})
	}
}

// outlives checks that a port works, that everything that does not need the store goes on without it, and that the rest follows
// when the store is back.
func outlives(t *testing.T, url, dir string, members *servers.Cluster) {
	client := NewAdminClient(dir)
	network := post(t, url+"/v2.0/networks", `{"network": {"name": "blue"}}`)
	post(t, url+"/v2.0/subnets", `{"subnet": {"network_id": "`+network+`", "ip_version": 4, "cidr": "10.0.0.0/24"}}`)
	first := post(t, url+"/v2.0/ports", `{"port": {"network_id": "`+network+`"}}`)
	awaitDrained(t, client)
	h := joinHost(t, client)
	h.plug(first)
	eventually(t, "the port is ACTIVE", func() bool { return active(t, url, first) })

	for i := range members.Size() {
		members.Kill(i)
	}
	gone := time.Now()
	second := post(t, url+"/v2.0/ports", `{"port": {"network_id": "`+network+`"}}`)
	for time.Since(gone) < servers.Away() { // is the length of the fault
		if !h.knows(first) || h.knows(second) || !active(t, url, first) {
			t.Fatalf("%v after the store went: the host knows the first port %v, the second %v; ACTIVE %v", time.Since(gone),
				h.knows(first), h.knows(second), active(t, url, first))
		}
		time.Sleep(100 * time.Millisecond)
	}
	var status ServerStatus
	eventually(t, "the status says that there is a problem", func() (said bool) {
		var err error
		status, err = client.Status(t.Context())
		check(t, err)
		return len(status.Problems) > 0
	})
	if status.JournalPending != 1 {
		t.Errorf("without the store the status is %+v; want one pending task", status)
	}
	for i := range members.Size() {
		members.Start(i)
	}
	eventually(t, "the second port comes to the host", func() bool { return h.knows(second) })
	eventually(t, "no problem is left", func() bool {
		status, err := client.Status(t.Context())
		return err == nil && status.JournalPending == 0 && len(status.Problems) == 0
	})
	h.plug(second)
	eventually(t, "the second port is ACTIVE", func() bool { return active(t, url, second) })
	if !active(t, url, first) {
		t.Error("the first port is no longer ACTIVE")
	}
	if report, err := client.Check(t.Context()); err != nil || len(report.Differences) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// storeHost is an agent without a datapath.
type storeHost struct {
	*session.Session
	t *testing.T

	mu      sync.Mutex
	known   map[topology.Key]bool
	plugged map[topology.PortID]bool
}

func joinHost(t *testing.T, client *AdminClient) *storeHost {
	t.Helper()
	token, err := client.JoinToken(t.Context(), TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	h := &storeHost{t: t, known: map[topology.Key]bool{}, plugged: map[topology.PortID]bool{}}
	h.Session, err = session.New(session.Config{StateDir: t.TempDir(), HostName: "one", Zone: "east", JoinToken: token.Token, Facts: h.facts,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, h.receive) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the host's session: %v", err)
		}
	})
	eventually(t, "the host joins", func() bool { return h.Status().Connected })
	return h
}

func (h *storeHost) facts() session.Facts {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := session.Facts{Ports: map[topology.PortID]bool{}}
	for p := range h.plugged {
		f.Ports[p] = true
	}
	return f
}

func (h *storeHost) receive(d view.Delta) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range d.Deletes {
		delete(h.known, key)
	}
	for _, o := range d.Puts {
		h.known[o.Key()] = true
	}
}

func (h *storeHost) knows(port string) bool {
	p, err := id.Parse[topology.Port](port)
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[topology.Key{Kind: topology.KindPort, ID: p}]
}

func (h *storeHost) plug(port string) {
	h.t.Helper()
	p, err := id.Parse[topology.Port](port)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.Bind(h.t.Context(), p, "tap"+port[:8]); err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.plugged[p] = true
	h.mu.Unlock()
	h.Changed()
}

func active(t *testing.T, url, port string) bool {
	t.Helper()
	return strings.Contains(get(t, url+"/v2.0/ports/"+port), `"status":"ACTIVE"`)
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
