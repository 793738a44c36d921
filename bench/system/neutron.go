package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"midonet.org/midonet/bench/lab"
)

// neutron is Debian's neutron-server with a database of its own, which outlives the rounds, as an operator's would.
type neutron struct {
	dir        string
	engine     *lab.Process // its database's
	connection string
}

func newNeutron(ctx context.Context, dir string, mariadb *lab.MariaDB) (*neutron, error) {
	for _, tool := range []string{"neutron-server", "neutron-db-manage"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, err
		}
	}
	connection, err := mariadb.Database(ctx, "neutron")
	if err != nil {
		return nil, err
	}
	n := &neutron{dir, mariadb.Process, connection}
	return n, n.prepare(ctx)
}

func (n *neutron) config() string { return filepath.Join(n.dir, "neutron.conf") }

func (n *neutron) prepare(ctx context.Context) error {
	if err := n.configure("127.0.0.1:0"); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "neutron-db-manage", "--config-file", n.config(), "upgrade", "heads").CombinedOutput(); err != nil {
		return fmt.Errorf("neutron-db-manage: %w: %s", err, out)
	}
	return nil
}

// configure writes neutron.conf and the paste pipeline without Keystone.
func (n *neutron) configure(address string) error {
	paste, err := os.ReadFile("/etc/neutron/api-paste.ini")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(n.dir, "api-paste.ini"), paste, 0o600); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	text := strings.NewReplacer("{dir}", n.dir, "{port}", port, "{connection}", n.connection, "{quotas}", lab.NoQuotas).Replace(`[DEFAULT]
core_plugin = ml2
service_plugins = router
auth_strategy = noauth
bind_host = 127.0.0.1
bind_port = {port}
api_workers = 2
rpc_workers = 0
state_path = {dir}
transport_url = fake:/
api_paste_config = {dir}/api-paste.ini
[database]
connection = {connection}
[oslo_concurrency]
lock_path = {dir}/lock
{quotas}[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
`)
	return os.WriteFile(n.config(), []byte(text), 0o600)
}

func (n *neutron) name() string { return "neutron-server, MariaDB" }

func (n *neutron) start(ctx context.Context) (*running, error) {
	address, err := lab.FreeAddress()
	if err != nil {
		return nil, err
	}
	if err := n.configure(address); err != nil {
		return nil, err
	}
	p, err := lab.Start(exec.CommandContext(ctx, "neutron-server", "--config-file", n.config()))
	if err != nil {
		return nil, err
	}
	if err := p.AwaitAnswer(ctx, "http://"+address+"/v2.0/networks"); err != nil {
		p.Kill()
		return nil, err
	}
	return &running{p, lab.NewClient("http://" + address), n.engine}, nil
}
