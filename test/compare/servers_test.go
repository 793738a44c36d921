package compare

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/bench/lab"
	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/run"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/original"
)

// both is what the configurations of the two servers have in common: short pages, so that there are several, and no quotas.
const both = "[DEFAULT]\npagination_max_limit = 200\n" + lab.NoQuotas + "quota_rbac_policy = -1\n[ml2]\nextension_drivers = port_security,dns_domain_ports\n"

// theirs is what neutron-server needs beside it: no message queue, since there are no agents to speak to, and nothing to bind ports with.
const theirs = `[DEFAULT]
auth_strategy = keystone
core_plugin = ml2
service_plugins = router,port_forwarding
bind_host = {host}
bind_port = {port}
api_workers = 2
rpc_workers = 0
state_path = {dir}
transport_url = fake:/
api_paste_config = {dir}/api-paste.ini
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {connection}
[oslo_concurrency]
lock_path = {dir}/lock
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
`

// startOriginal starts Debian's neutron-server, with a MariaDB of its own, and returns its base URL. Who asks is taken from the headers that its
// token middleware would set.
func startOriginal(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"neutron-server", "neutron-db-manage", "mariadbd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v; `make bench-packages` installs it", err)
		}
	}
	dir, err := os.MkdirTemp("", "compare") // t.TempDir may be too long for the name of a socket
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	mariadb, err := lab.StartMariaDB(t.Context(), dir)
	check(t, err)
	t.Cleanup(mariadb.Kill)
	connection, err := mariadb.Database(t.Context(), "neutron")
	check(t, err)
	address := freeport.Address(t)
	host, port, err := net.SplitHostPort(address)
	check(t, err)
	configuration := filepath.Join(dir, "neutron.conf")
	text := strings.NewReplacer("{dir}", dir, "{host}", host, "{port}", port, "{connection}", connection).Replace(theirs)
	check(t, os.WriteFile(configuration, []byte(text), 0o600))
	common := filepath.Join(dir, "both.conf")
	check(t, os.WriteFile(common, []byte(both), 0o600))
	pipeline, err := os.ReadFile("/etc/neutron/api-paste.ini")
	check(t, err)
	pipeline = bytes.ReplaceAll(pipeline, []byte(" authtoken keystonecontext"), []byte(" keystonecontext"))
	check(t, os.WriteFile(filepath.Join(dir, "api-paste.ini"), pipeline, 0o600))
	files := []string{"--config-file", configuration, "--config-file", common}
	if out, err := exec.Command("neutron-db-manage", append(files, "upgrade", "heads")...).CombinedOutput(); err != nil {
		t.Fatalf("neutron-db-manage: %v\n%s", err, out)
	}
	server, err := lab.Start(exec.Command("neutron-server", files...))
	check(t, err)
	t.Cleanup(server.Stop)
	base := "http://" + address
	check(t, server.AwaitAnswer(t.Context(), base+"/"))
	return base
}

// startOurs starts our server on a fresh SQLite database and returns its base URL.
func startOurs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	configuration := filepath.Join(dir, "neutron.conf")
	text := original.Keystone(t) + both + "[database]\nconnection = " + storetest.SQLite(t) + "\n"
	check(t, os.WriteFile(configuration, []byte(text), 0o600))
	address := freeport.Address(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run.Server(ctx, run.ServerConfig{ConfigFiles: []string{configuration}, StateDir: dir, API: address, Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		check(t, <-ended)
	})
	base := "http://" + address
	for !answers(base) {
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("the server did not start: %v", err)
		default:
		}
	}
	return base
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// docs is where the rows are that known names.
const docs = "../../docs/divergences.md"

// rows returns the first cells of the tables of what differs knowingly.
func rows(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(docs)
	check(t, err)
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if first, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " | "); isRow {
			named[first] = true
		}
	}
	return named
}

// TestKnownNameRows holds the exceptions to docs/divergences.md.
func TestKnownNameRows(t *testing.T) {
	named := rows(t)
	for _, k := range known {
		if !named[k.row] {
			t.Errorf("%s has no row that begins with %q", docs, k.row)
		}
	}
}

func describe(status int, text string) string { return fmt.Sprint(status, " ", text) }
