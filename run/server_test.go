package run

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/cluster/inspect"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/topology"
)

// loopback is a free address for tests that listen themselves.
const loopback = "127.0.0.1:0"

// startServer runs a server until the test ends, and returns the base URL of its API and its state directory.
func startServer(t *testing.T) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	return startServerWith(t, ServerConfig{StateDir: dir}), dir
}

// startServerWith is startServer with a configuration, which need not say the API's address.
func startServerWith(t *testing.T, c ServerConfig) (url string) {
	t.Helper()
	address := freeport.Address(t)
	c.API, c.Log = address, slog.New(slog.DiscardHandler)
	serveUntilEnd(t, c, "http://"+address)
	return "http://" + address
}

// serveUntilEnd runs a server until the test ends, and waits for its first answer at the address.
func serveUntilEnd(t *testing.T, c ServerConfig, at string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Server(ctx, c)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	if err := awaitAnswer(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

// refusal starts a server that is expected to refuse, and returns its words.
func refusal(t *testing.T, c ServerConfig) string {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := Server(ctx, c)
	if err == nil {
		t.Fatal("the server started and ended; it should have refused")
	}
	return Explain(err)
}

func TestServerRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		name   string
		api    string
		config string
		want   []string // words of the refusal
	}{
		{"an address in use", taken.Addr().String(), "", []string{"Networking API", taken.Addr().String(), "another process"}},
		{"no authentication off loopback", "0.0.0.0:0", "", []string{"noauth", "0.0.0.0", "loopback"}},
		{"an address that is none", "nowhere", "", []string{"nowhere", "host:port"}},
		{"an unknown core plugin", loopback, "[DEFAULT]\ncore_plugin = moon\n", []string{"core_plugin", "moon", "ml2"}},
		{"an unknown service plugin", loopback, "[DEFAULT]\nservice_plugins = moon\n", []string{"service_plugins", "moon"}},
		{"an unknown mechanism driver", loopback, "[ml2]\nmechanism_drivers = moon\n", []string{"mechanism_drivers", "moon", "midonet"}},
		{"Keystone without an address", loopback, "[DEFAULT]\nauth_strategy = keystone\n", []string{"auth_strategy", "keystone_authtoken", "auth_url"}},
		{"an option that is no number", loopback, "[DEFAULT]\nbind_port = x\n", []string{"bind_port", "x", "neutron.conf"}},
		{"a lease of no time", loopback, "[DEFAULT]\ndhcp_lease_duration = 0\n", []string{"dhcp_lease_duration", "0", "-1"}},
		{"a file that is no configuration", loopback, "[DEFAULT\n", []string{"neutron.conf", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := ServerConfig{StateDir: t.TempDir(), API: c.api}
			if c.config != "" {
				file := filepath.Join(t.TempDir(), "neutron.conf")
				if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
					t.Fatal(err)
				}
				config.ConfigFiles = []string{file}
			}
			got := refusal(t, config)
			for _, word := range c.want {
				if !strings.Contains(got, word) {
					t.Errorf("refused with %q, which does not say %q", got, word)
				}
			}
		})
	}
}

// TestDebugOfTheConfiguration asks that debug = true makes the log say more, and of a start that is refused as well.
func TestDebugOfTheConfiguration(t *testing.T) {
	for text, want := range map[string]slog.Level{"debug = true": slog.LevelDebug, "": slog.LevelInfo} {
		file := filepath.Join(t.TempDir(), "neutron.conf")
		if err := os.WriteFile(file, []byte("[DEFAULT]\nauth_strategy = keystone\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		level := new(slog.LevelVar)
		refusal(t, ServerConfig{StateDir: t.TempDir(), API: loopback, ConfigFiles: []string{file}, Level: level})
		if level.Level() != want {
			t.Errorf("%q: level %s, want %s", text, level.Level(), want)
		}
	}
}

func TestServerRefusesACorruptStateDirectory(t *testing.T) {
	for _, c := range []struct{ name, file string }{
		{"database", "neutron.db"},
		{"store", "etcd/member/snap/db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, c.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(strings.Repeat("not what it should be ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := refusal(t, ServerConfig{StateDir: dir, API: loopback}); !strings.Contains(got, dir) {
				t.Errorf("refused with %q, which does not name the place %s", got, dir)
			}
			text, err := os.ReadFile(file)
			if err != nil || !strings.HasPrefix(string(text), "not what it should be") {
				t.Errorf("the corrupt file was touched: %.30q, %v", text, err)
			}
		})
	}
}

func TestServerRefusesAStateDirectoryInUse(t *testing.T) {
	_, dir := startServer(t)
	if got := refusal(t, ServerConfig{StateDir: dir, API: loopback}); !strings.Contains(got, dir) || !strings.Contains(got, "another process") {
		t.Errorf("refused with %q, which does not say that %s is in use", got, dir)
	}
}

func TestSocketsAreTheServersAlone(t *testing.T) {
	_, dir := startServer(t)
	for _, name := range []string{"midonet.sock", "stream.sock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, mode)
		}
	}
}

func TestOperatorTools(t *testing.T) {
	url, dir := startServer(t)
	port := makePort(t, url)
	client := NewAdminClient(dir)
	awaitDrained(t, client)

	var out strings.Builder
	if err := Status(t.Context(), client, &out); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"network blue", "10.0.0.0/24", "port web", "10.0.0.5", "not plugged in", "0 pending, 8 applied"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the status does not say %q:\n%s", word, out.String())
		}
	}
	out.Reset()
	if err := DBCheck(t.Context(), client, &out); err != nil || !strings.Contains(out.String(), "incremental equals full") {
		t.Errorf("check: %v\n%s", err, out.String())
	}
	out.Reset()
	if err := PrintJoinLine(t.Context(), client, TokenRequest{Addresses: []string{"cluster.example:8182"}}, &out); err != nil ||
		!strings.HasPrefix(out.String(), "midonet agent --join mn1.") {
		t.Errorf("join line: %v\n%s", err, out.String())
	}
	out.Reset()
	if err := Trace(t.Context(), TraceConfig{StateDir: dir, Port: port, Packet: []string{"dhcp"}}, &out); err != nil ||
		!strings.Contains(out.String(), "no interface is plugged into it") {
		t.Errorf("trace: %v\n%s", err, out.String())
	}
	profiles, err := client.do(t.Context(), http.MethodGet, "/debug/pprof/goroutine?debug=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer profiles.Body.Close()
	if text, err := io.ReadAll(profiles.Body); err != nil || !strings.Contains(string(text), "goroutine profile:") {
		t.Errorf("profile: %v\n%s", err, text)
	}
}

func TestMetricsAndHealth(t *testing.T) {
	metrics := freeport.Address(t)
	dir := t.TempDir()
	url := startServerWith(t, ServerConfig{StateDir: dir, Metrics: metrics})
	makePort(t, url)
	awaitDrained(t, NewAdminClient(dir))
	text := get(t, "http://"+metrics+"/metrics")
	for _, line := range []string{"midonet_journal_pending_tasks 0", "midonet_journal_applied_tasks_total 8", "midonet_api_remembered_octets", "midonet_api_remembered_total",
		"midonet_api_read_total",
		`midonet_topology_objects{kind="port"} 1`, "process_resident_memory_bytes"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q among the metrics:\n%s", line, text)
		}
	}
	if got := get(t, "http://"+metrics+"/healthz"); got != "ok\n" {
		t.Errorf("health is %q", got)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDHCPFollowsTheConfiguration(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"", `"LeaseSeconds":86400,"Domain":"openstacklocal"`},
		{"[DEFAULT]\ndhcp_lease_duration = 600\ndns_domain = cloud.example.\n", `"LeaseSeconds":600,"Domain":"cloud.example"`},
		{"[DEFAULT]\ndhcp_lease_duration = -1\ndns_domain =\n", `"LeaseSeconds":4294967295,"Domain":""`},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "neutron.conf")
		if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		makePort(t, startServerWith(t, ServerConfig{StateDir: dir, ConfigFiles: []string{file}}))
		client := NewAdminClient(dir)
		awaitDrained(t, client)
		dump, err := client.Dump(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(dump)
		dump.Close()
		if err != nil || !strings.Contains(string(text), c.want) {
			t.Errorf("%q: no %s in the topology, %v:\n%s", c.config, c.want, err, text)
		}
	}
}

func TestToolsSayThatTheServerIsAway(t *testing.T) {
	dir := t.TempDir()
	err := Status(t.Context(), NewAdminClient(dir), &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "midonet server") || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "http:") {
		t.Errorf("status: %v, want what to start and where, and no address that means nothing", err)
	}
	forbidden := NewAdminClient(dir).unreachable(&url.Error{Op: "Get", URL: "http://midonet/v1/status", Err: os.ErrPermission})
	if got := forbidden.Error(); !strings.Contains(got, "as root") || strings.Contains(got, "midonet server") {
		t.Errorf("a socket of another user: %s", got)
	}
}

// makePort makes a network, a subnet and a port with the address 10.0.0.5, and returns the port's name.
func makePort(t *testing.T, url string) string {
	t.Helper()
	network := post(t, url+"/v2.0/networks", `{"network": {"name": "blue"}}`)
	post(t, url+"/v2.0/subnets", `{"subnet": {"network_id": "`+network+`", "ip_version": 4, "cidr": "10.0.0.0/24"}}`)
	post(t, url+"/v2.0/ports", `{"port": {"network_id": "`+network+`", "name": "web", "fixed_ips": [{"ip_address": "10.0.0.5"}]}}`)
	return "web"
}

// post sends a creation and returns the new resource's id.
func post(t *testing.T, url, body string) string {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s %s, %v", url, resp.Status, text.String(), err)
	}
	_, rest, _ := strings.Cut(text.String(), `"id":"`)
	created, _, _ := strings.Cut(rest, `"`)
	return created
}

// awaitDrained waits until the store has what Neutron has been told, and the server's mirror, of which dumps and pictures are, has it too.
func awaitDrained(t *testing.T, c *AdminClient) {
	t.Helper()
	eventually(t, "the journal is drained, and the mirror has it", func() bool {
		s, err := c.Status(t.Context())
		check(t, err)
		return s.JournalPending == 0 && s.TasksApplied > 0 && mirrored(t, c) == s.TasksApplied
	})
}

// mirrored returns how many tasks of the journal had been applied to what the server's mirror has.
func mirrored(t *testing.T, c *AdminClient) uint64 {
	t.Helper()
	dump, err := c.Dump(t.Context())
	check(t, err)
	defer dump.Close()
	objects, err := inspect.ReadDump(dump)
	check(t, err)
	for _, o := range objects {
		if p, ok := o.(*topology.Progress); ok {
			return p.Applied
		}
	}
	return 0
}
