package nova

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/test/keystone"
)

// login is how a service of OpenStack's reaches Keystone, as a user who administers the project service.
const login = `auth_url = {keystone}
auth_type = password
username = {user}
password = {password}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
`

// novaConf is nova.conf for all of Nova's daemons, without what docs/nova.md tells operators to write.
const novaConf = `[DEFAULT]
state_path = {dir}
my_ip = 127.0.0.1
transport_url = {rabbitmq}
enabled_apis = osapi_compute,metadata
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = {nova port}
osapi_compute_workers = 1
metadata_listen = 127.0.0.1
metadata_listen_port = {metadata port}
metadata_workers = 1
compute_driver = midonet_fake.Driver
vif_plugging_is_fatal = true
vif_plugging_timeout = 120
shelved_offload_time = 0
[wsgi]
api_paste_config = /usr/share/nova-common/api-paste.ini
[oslo_concurrency]
lock_path = {dir}/lock
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 2
[vnc]
enabled = false
[keystone_authtoken]
www_authenticate_uri = {keystone}
{login nova}
[service_user]
send_service_user_token = true
{login nova}
[placement]
{login placement}
[glance]
region_name = RegionOne
`

// databaseConf is what of nova.conf nova-compute may not have.
const databaseConf = `[database]
connection = {nova database}
[api_database]
connection = {nova_api database}
`

const placementConf = `[placement_database]
connection = {placement database}
sync_on_startup = true
[keystone_authtoken]
www_authenticate_uri = {keystone}
{login placement}
`

const glanceConf = `[DEFAULT]
bind_host = 127.0.0.1
bind_port = {glance port}
workers = 0
[database]
connection = sqlite:///{dir}/glance.db
[glance_store]
stores = file
default_store = file
filesystem_store_datadir = {dir}/images
[paste_deploy]
flavor = keystone
config_file = /usr/share/glance-common/glance-api-paste.ini
[oslo_concurrency]
lock_path = {dir}/lock
[keystone_authtoken]
www_authenticate_uri = {keystone}
{login glance}
`

// documentation is where operators learn what to write.
const documentation = "../../docs/nova.md"

// documented returns a file as the documentation has it, with this cloud's addresses and secrets in place of those there.
func documented(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```ini "+name+"\n")
	block, _, ended := strings.Cut(rest, "```\n")
	if !found || !ended {
		t.Fatalf("%s has no %s", documentation, name)
	}
	return strings.NewReplacer("http://controller:5000/v3", "{keystone}", "= controller\n", "= 127.0.0.1\nnova_metadata_port = {metadata port}\n",
		"NOVA_PASSWORD", keystone.Password, "METADATA_SECRET", secret).Replace(block)
}

// serverOptions is what our server is told of Nova, and more often than once in two seconds to tell it something. Package cloud begins with
// [DEFAULT], and puts in where Keystone is.
func serverOptions(t *testing.T) string {
	return "send_events_interval = 1\n" + strings.TrimPrefix(documented(t, "neutron.conf"), "[DEFAULT]\n")
}

// secret is known to Nova's metadata service and to the agents.
const secret = "between Nova and agents"

// values replaces what the configurations have in braces.
type values map[string]string

// expand replaces twice: a login has values of its own.
func (v values) expand(text string) string {
	var pairs []string
	for name, value := range v {
		pairs = append(pairs, "{"+name+"}", value)
	}
	for _, user := range []string{"nova", "placement", "glance"} {
		pairs = append(pairs, "{login "+user+"}", strings.ReplaceAll(login, "{user}", user))
	}
	r := strings.NewReplacer(pairs...)
	return r.Replace(r.Replace(text))
}

// write writes a configuration file and returns its path.
func (o *openstack) write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(o.dir, name)
	if err := os.WriteFile(file, []byte(o.values.expand(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
