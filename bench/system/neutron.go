package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// neutron is Debian's neutron-server beside a MariaDB of its own.
type neutron struct {
	dir     string
	mariadb *exec.Cmd
}

// newNeutron starts a MariaDB on a Unix socket and makes the database. The database outlives the rounds, as an operator's would.
func newNeutron(ctx context.Context, dir string) (*neutron, error) {
	for _, tool := range []string{"neutron-server", "neutron-db-manage", "mariadbd", "mariadb", "mariadb-install-db"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is not installed", tool)
		}
	}
	n := &neutron{dir: dir}
	data, socket := filepath.Join(dir, "mariadb"), n.socket()
	if out, err := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--user=root",
		"--auth-root-authentication-method=normal", "--skip-test-db").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	n.mariadb = exec.CommandContext(ctx, "mariadbd", "--no-defaults", "--datadir="+data, "--socket="+socket, "--skip-networking", "--user=root")
	if err := n.mariadb.Start(); err != nil {
		return nil, err
	}
	if err := n.prepare(ctx); err != nil {
		n.cleanUp()
		return nil, err
	}
	return n, nil
}

func (n *neutron) socket() string { return filepath.Join(n.dir, "mariadb.sock") }
func (n *neutron) config() string { return filepath.Join(n.dir, "neutron.conf") }

func (n *neutron) prepare(ctx context.Context) error {
	if err := n.database(ctx, "neutron"); err != nil {
		return err
	}
	if err := n.configure(0); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "neutron-db-manage", "--config-file", n.config(), "upgrade", "heads").CombinedOutput(); err != nil {
		return fmt.Errorf("neutron-db-manage: %w: %s", err, out)
	}
	return nil
}

// database makes a database and a user of the same name, once MariaDB answers.
func (n *neutron) database(ctx context.Context, name string) error {
	statements := strings.ReplaceAll(`CREATE DATABASE % CHARACTER SET utf8; CREATE USER %@localhost IDENTIFIED BY '%';
		GRANT ALL ON %.* TO %@localhost`, "%", name)
	var err error
	for range 100 {
		if err = exec.CommandContext(ctx, "mariadb", "--no-defaults", "-S", n.socket(), "-e", statements).Run(); err == nil {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return fmt.Errorf("preparing MariaDB: %w", err)
}

// connection is the database's URL, as in neutron.conf.
func (n *neutron) connection(name string) string {
	return fmt.Sprintf("mysql+pymysql://%s:%[1]s@localhost/%[1]s?unix_socket=%s", name, n.socket())
}

// configure writes neutron.conf and the paste pipeline without Keystone.
func (n *neutron) configure(port int) error {
	paste, err := os.ReadFile("/etc/neutron/api-paste.ini")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(n.dir, "api-paste.ini"), paste, 0o600); err != nil {
		return err
	}
	text := strings.NewReplacer("{dir}", n.dir, "{port}", fmt.Sprint(port), "{connection}", n.connection("neutron"), "{quotas}", noQuotas).Replace(`[DEFAULT]
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
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := n.configure(port); err != nil {
		return nil, err
	}
	return launch(exec.CommandContext(ctx, "neutron-server", "--config-file", n.config()), port)
}

// cleanUp ends MariaDB; its files go with the directory.
func (n *neutron) cleanUp() {
	_ = n.mariadb.Process.Kill()
	_ = n.mariadb.Wait()
}
