package compare

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"midonet.org/midonet/bench/lab"
	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/run"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/original"
)

// both is what the configurations of the two servers have in common: short pages, so that there are several, and no quotas.
const both = "[DEFAULT]\nservice_plugins = router,port_forwarding\npagination_max_limit = 200\n" + lab.NoQuotas +
	"quota_rbac_policy = -1\n[ml2]\nextension_drivers = port_security,dns_domain_ports\n"

// newDefaults has both judge by the rules of secure RBAC alone.
var newDefaults = flag.Bool("new-defaults", false, "leave the rules out that Neutron had before readers, members and administrators")

// shared is the configuration of both.
func shared() string {
	if *newDefaults {
		return both + "[oslo_policy]\nenforce_new_defaults = true\n"
	}
	return both
}

// theirs is what neutron-server needs beside it: no message queue, since there are no agents to speak to.
const theirs = `[DEFAULT]
auth_strategy = keystone
core_plugin = ml2
bind_host = {host}
bind_port = {port}
api_workers = 1
rpc_workers = 0
rpc_state_report_workers = 0
state_path = {dir}
transport_url = fake:/
api_paste_config = {pipeline}
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {connection}
[oslo_concurrency]
lock_path = {dir}/lock
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers = {drivers}
`

// bound is the laboratory in which neutron-server has what it binds ports with.
const bound = "walks"

// agents are of Open vSwitch, on three hosts, and live on without a report.
const agents = "INSERT INTO agents (id, agent_type, `binary`, topic, host, created_at, started_at, heartbeat_timestamp, configurations) " +
	"SELECT UUID(), 'Open vSwitch agent', 'neutron-openvswitch-agent', 'N/A', host, NOW(), NOW(), '2099-01-01', '{}' " +
	"FROM (SELECT 'host1' host UNION SELECT 'host2' UNION SELECT 'host3') hosts"

// ours is what our server needs beside it: networks of the original's type local have no tunnel, whose octets come on top here.
const ours = "[DEFAULT]\nglobal_physnet_mtu = 1550\n[database]\nconnection = {connection}\n"

// originals are what several of Debian's neutron-server have in common: a MariaDB that forgets when the machine does, with a database to copy, and
// what is the same in their configurations.
type originals struct {
	dir, common, pipeline string
	mariadb               *lab.MariaDB
	starting              sync.Mutex // one after the other, which each does by itself as fast
}

// prepareOriginals starts the MariaDB. What is started ends with the test, or with the test program.
func prepareOriginals(t *testing.T) *originals {
	t.Helper()
	for _, program := range []string{"neutron-server", "neutron-db-manage", "mariadbd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v; `make bench-packages` installs it", err)
		}
	}
	dir, err := os.MkdirTemp("", "compare") // t.TempDir may be too long for the name of a socket
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &originals{dir: dir, common: filepath.Join(dir, "both.conf"), pipeline: filepath.Join(dir, "api-paste.ini")}
	o.mariadb, err = lab.StartMariaDB(t.Context(), dir, "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0")
	check(t, err)
	t.Cleanup(o.mariadb.Kill)
	check(t, os.WriteFile(o.common, []byte(shared()), 0o600))
	pipeline, err := os.ReadFile("/etc/neutron/api-paste.ini")
	check(t, err)
	pipeline = bytes.ReplaceAll(pipeline, []byte(" authtoken keystonecontext"), []byte(" keystonecontext"))
	check(t, os.WriteFile(o.pipeline, pipeline, 0o600))
	files, _ := o.configure(t, template)
	if out, err := exec.Command("neutron-db-manage", append(files, "upgrade", "heads")...).CombinedOutput(); err != nil {
		t.Fatalf("neutron-db-manage: %v\n%s", err, out)
	}
	return o
}

// template is the database that others are copied from.
const template = "template"

// configure makes a database and what a server on it needs to be told, and returns the options that say so, and where it will listen.
func (o *originals) configure(t *testing.T, name string) (options []string, address string) {
	t.Helper()
	own := filepath.Join(o.dir, name)
	check(t, os.Mkdir(own, 0o700))
	connection, err := o.mariadb.Database(t.Context(), name)
	check(t, err)
	address = freeport.Address(t)
	host, port, err := net.SplitHostPort(address)
	check(t, err)
	drivers := ""
	if name == bound {
		drivers = "openvswitch"
	}
	configuration := filepath.Join(own, "neutron.conf")
	text := strings.NewReplacer("{drivers}", drivers, "{dir}", own, "{host}", host, "{port}", port, "{connection}", connection, "{pipeline}", o.pipeline).Replace(theirs)
	check(t, os.WriteFile(configuration, []byte(text), 0o600))
	return []string{"--config-file", configuration, "--config-file", o.common}, address
}

// start starts the neutron-server of a laboratory and returns its base URL. Who asks is taken from the headers that its token middleware would set.
func (o *originals) start(t *testing.T, laboratory string) string {
	t.Helper()
	o.starting.Lock()
	defer o.starting.Unlock()
	options, address := o.configure(t, laboratory)
	check(t, o.mariadb.Copy(t.Context(), template, laboratory))
	if laboratory == bound {
		check(t, o.mariadb.Execute(t.Context(), laboratory, agents))
	}
	server, err := lab.Start(exec.Command("neutron-server", options...))
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
	text := original.Keystone(t) + shared() + strings.ReplaceAll(ours, "{connection}", storetest.SQLite(t))
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
	for _, k := range slices.Concat(known, renewed) {
		if !named[k.row] {
			t.Errorf("%s has no row that begins with %q", docs, k.row)
		}
	}
}

func describe(status int, text string) string { return fmt.Sprint(status, " ", text) }
