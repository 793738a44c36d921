package cloud

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"

	"midonet.org/midonet/bench/lab"
)

// original is the configuration of neutron-server: ML2, the service plugins that Debian's package enables and port forwarding,
// without a message queue, since there are no agents to speak to.
const original = `[DEFAULT]
auth_strategy = keystone
core_plugin = ml2
service_plugins = router,metering,qos,port_forwarding
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
connection = mysql+pymysql://neutron:neutron@localhost/neutron?unix_socket={dir}/mariadb.sock
[oslo_concurrency]
lock_path = {dir}/lock
[ml2]
type_drivers = local,flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch
extension_drivers = port_security,qos
[ml2_type_vxlan]
vni_ranges = 1:100000
`

// agents are rows as living agents leave them, reported for good: Neutron believes in an agent for a minute after its last report.
const agents = `INSERT INTO agents (id, agent_type, ` + "`binary`" + `, topic, host, admin_state_up, created_at, started_at,
	heartbeat_timestamp, configurations, ` + "`load`" + `) VALUES
	(UUID(), 'DHCP agent', 'neutron-dhcp-agent', 'dhcp_agent', 'host1', 1, NOW(), NOW(), '2099-01-01', '{}', 0),
	(UUID(), 'Open vSwitch agent', 'neutron-openvswitch-agent', 'N/A', 'host1', 1, NOW(), NOW(), '2099-01-01',
		'{"tunnel_types": ["vxlan"], "tunneling_ip": "127.0.0.1", "bridge_mappings": {}}', 0),
	(UUID(), 'L3 agent', 'neutron-l3-agent', 'l3_agent', 'host1', 1, NOW(), NOW(), '2099-01-01', '{"agent_mode": "legacy"}', 0)`

// neutron makes a MariaDB with Neutron's tables and returns the command of Debian's neutron-server.
func neutron(t testing.TB, c *Cloud) *exec.Cmd {
	t.Helper()
	for _, tool := range []string{"neutron-server", "neutron-db-manage", "mariadbd", "mariadb", "mariadb-install-db"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%v; `make bench-packages` installs it", err)
		}
	}
	must(t, "cp", "/etc/neutron/api-paste.ini", c.path("api-paste.ini"))
	host, port, err := net.SplitHostPort(c.address())
	if err != nil {
		t.Fatal(err)
	}
	file := c.configure(t, strings.NewReplacer("{dir}", c.dir, "{host}", host, "{port}", port).Replace(original))
	c.mariadb(t)
	must(t, "neutron-db-manage", "--config-file", file, "upgrade", "heads")
	must(t, "mariadb", "--no-defaults", "-S", c.path("mariadb.sock"), "neutron", "-e", agents)
	return exec.Command("neutron-server", "--config-file", file)
}

// mariadb starts a database server on a Unix socket and makes Neutron's database.
func (c *Cloud) mariadb(t testing.TB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it is there until neutron-server has ended
	server, err := lab.StartMariaDB(ctx, c.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if _, err := server.Database(ctx, "neutron"); err != nil {
		t.Fatal(err)
	}
}

// must runs a command that must succeed.
func must(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
