package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/oslo"
)

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNoFileIsAWorkingMachine(t *testing.T) {
	o, warnings, err := Load()
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load() = %v, %v", warnings, err)
	}
	if got := o.BindAddress(); got != "127.0.0.1:9696" {
		t.Errorf("listens on %s", got)
	}
	if o.AuthStrategy != "noauth" || !o.AllowBulk || o.MaxPage() != 0 || o.MaxRequestBodySize != 114688 {
		t.Errorf("defaults: %+v", o)
	}
	want := ml2.DefaultConfig()
	want.Quotas = quota.Limits{ByResource: map[string]int{"network": 100, "subnet": 100, "port": 500, "router": 10, "floatingip": 50,
		"security_group": 10, "security_group_rule": 100, "rbac_policy": 10}} // neutron/conf/quota.py
	got := o.ML2()
	for resource, limit := range want.Quotas.ByResource {
		if got.Quotas.Default(resource) != limit {
			t.Errorf("quota of %s: %d, want %d", resource, got.Quotas.Default(resource), limit)
		}
	}
	got.Quotas = want.Quotas
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ML2() is not the plugin's own defaults (-want +got):\n%s", diff)
	}
}

// operators is what an installation guide leads to.
const operators = `
[DEFAULT]
core_plugin = ml2
service_plugins =
auth_strategy = noauth
transport_url = rabbit://openstack:secret@controller
notify_nova_on_port_status_changes = true
base_mac = fa:16:3e:4f:00:00
pagination_max_limit = 1000
[database]
connection = mysql+pymysql://neutron:secret@controller/neutron
max_pool_size = 10
[keystone_authtoken]
www_authenticate_uri = http://controller:5000
[oslo_concurrency]
lock_path = $state_path/lock
[ml2]
type_drivers = midonet,uplink
tenant_network_types = midonet
mechanism_drivers = midonet
path_mtu = 1450
[MIDONET]
midonet_uri = http://controller:8181/midonet-api
`

func TestOperatorsFileIsTakenWithoutWarnings(t *testing.T) {
	o, warnings, err := Load(write(t, operators))
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load() = %v, %v", warnings, err)
	}
	if o.MaxPage() != 1000 || o.Database.Connection != "mysql+pymysql://neutron:secret@controller/neutron" {
		t.Errorf("options: %+v", o)
	}
	if c := o.ML2(); c.PathMTU != 1450 || c.BaseMAC != (mac.Addr{0xfa, 0x16, 0x3e, 0x4f}) {
		t.Errorf("ML2() = %+v", c)
	}
}

func TestUnknownOptionIsAWarningWithTheNearestName(t *testing.T) {
	name := write(t, "[DEFAULT]\nbind_prot = 1\n[ml2]\ntype_driver = midonet\n")
	_, warnings, err := Load(name)
	if err != nil || len(warnings) != 2 {
		t.Fatalf("Load() = %v, %v", warnings, err)
	}
	want := name + ":2: option bind_prot of group [DEFAULT] is not known and has no effect; did you mean DEFAULT/bind_port?"
	if got := warnings[0].String(); got != want {
		t.Errorf("warning %q, want %q", got, want)
	}
	if warnings[1].Nearest != "ml2/type_drivers" {
		t.Errorf("nearest of ml2/type_driver is %q", warnings[1].Nearest)
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"[DEFAULT]\ncore_plugin = ovn": `[DEFAULT] core_plugin: "ovn" is not known; known are: midonet, midonet_v2, ml2`,
		"[DEFAULT]\nservice_plugins = router,metering,qos": `[DEFAULT] service_plugins: "metering", "qos" are not known; known are: ` +
			`auto_allocate, flavors, midonet_l3, network_ip_availability, port_forwarding, revisions, router, tag, timestamp`,
		"[midonet]\nclient = zoom": `[midonet] client: "zoom" is not known; known are: ` +
			`midonet.neutron.client.api.MidonetApiClient, midonet.neutron.client.cluster.MidonetClusterClient`,
		"[ml2]\ntype_drivers = midonet,vxlan":                        `[ml2] type_drivers: "vxlan" is not known; known are: midonet, uplink`,
		"[ml2]\nmechanism_drivers = openvswitch":                     `[ml2] mechanism_drivers: "openvswitch" is not known; known are: midonet`,
		"[ml2]\nextension_drivers = data_plane_status":               `[ml2] extension_drivers: "data_plane_status" is not known; known are: port_security, dns, dns_domain_ports`,
		"[DEFAULT]\nexternal_dns_driver = designate":                 "[DEFAULT] external_dns_driver = designate: no DNS service is told of names by this server; leave it empty",
		"[DEFAULT]\nagent_down_time = 0":                             "[DEFAULT] agent_down_time = 0: write a number above 0",
		"[DEFAULT]\nauth_strategy = basic":                           `[DEFAULT] auth_strategy: "basic" is not known; known are: keystone, noauth`,
		"[DEFAULT]\npagination_max_limit = 0":                        "[DEFAULT] pagination_max_limit = 0: write a number above 0, -1 or infinite",
		"[DEFAULT]\nbase_mac = fa:16":                                `[DEFAULT] base_mac: "fa:16" is not a MAC address`,
		"[DEFAULT]\nbind_port = 70000":                               "[DEFAULT] bind_port = 70000 is no port",
		"[DEFAULT]\nuse_ssl = yes":                                   "[DEFAULT] use_ssl = true: the Networking API speaks plain HTTP; put a proxy that ends TLS in front",
		"[ml2]\noverlay_ip_version = 5":                              "[ml2] overlay_ip_version = 5: write 4 or 6",
		"[nsdb]\nengine = consul":                                    `[nsdb] engine: "consul" is not known; known are: embedded, etcd, zookeeper`,
		"[nsdb]\nengine = etcd":                                      "[nsdb] engine = etcd needs endpoints",
		"[nsdb]\nendpoints = a:2181":                                 "[nsdb] endpoints are given, and engine = embedded uses none: write engine = etcd or zookeeper",
		"[nsdb]\nengine = etcd\nendpoints = a:2379":                  "[nsdb] endpoints: a:2379: write http://host:port or https://host:port for etcd",
		"[nsdb]\nengine = zookeeper\nendpoints = http://a":           "[nsdb] endpoints: http://a: write host:port for ZooKeeper",
		"[nsdb]\nengine = etcd\nendpoints = http://a:1\nca_file = x": "[nsdb] endpoints: http://a:1: files for TLS are given, so write https",
		"[nsdb]\nengine = zookeeper\nendpoints = a:1\nkey_file = x":  "[nsdb] cert_file and key_file go together",
		"[nsdb]\nengine = zookeeper\nendpoints = a:1\nroot_key = x":  "[nsdb] root_key = x: write a path such as /midonet",
		"[nsdb]\nengine = zookeeper\nendpoints = a:1\npassword = x":  "[nsdb] password is given without username",
		"[oslo_middleware]\nmax_request_body_size=0":                 "[oslo_middleware] max_request_body_size = 0: write a number above 0",
	} {
		file := write(t, text)
		_, _, err := Load(file)
		if err == nil || strings.TrimPrefix(err.Error(), fmt.Sprintf("%s:%d: ", file, refusedLine(text, want))) != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
		if errs.KindOf(err) == errs.Internal {
			t.Errorf("%q: an operator's mistake is reported as ours", text)
		}
	}
}

// refusedLine is the line of the text that has the option which the refusal names.
func refusedLine(text, refusal string) int {
	option := strings.Trim(strings.Fields(refusal)[1], ":")
	before, _, _ := strings.Cut(text, "\n"+option)
	return 2 + strings.Count(before, "\n")
}

// TestAllRefusalsAreTold asks that an operator need not start the server once for each, and is told where each is.
func TestAllRefusalsAreTold(t *testing.T) {
	file := write(t, "[DEFAULT]\nservice_plugins = router,qos\n[ml2]\ntype_drivers = vxlan\nmechanism_drivers = openvswitch\n")
	_, _, err := Load(file)
	if err == nil {
		t.Fatal("taken")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{`:2: [DEFAULT] service_plugins: "qos" is`, `:4: [ml2] type_drivers: "vxlan" is`, `:5: [ml2] mechanism_drivers: "openvswitch" is`} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], file+want) {
			t.Fatalf("line %d is not %s… in\n%v", i, want, err)
		}
	}
}

// TestOptionsWithoutEffectAreNamed asks that what is passed over is said, and that a mistyped name beside an option that is obeyed warns.
func TestOptionsWithoutEffectAreNamed(t *testing.T) {
	o, warnings, err := Load(write(t, "[DEFAULT]\ntransport_url = rabbit://\n[database]\nmax_pool_size = 5\nconection = mysql://\n[nova]\n"+
		"auth_ur = x\n[midonet]\npasword = y\ncluster_ip = z\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"DEFAULT/transport_url", "database/max_pool_size", "midonet/cluster_ip"}
	if diff := cmp.Diff(want, o.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	var nearest []string
	for _, w := range warnings {
		nearest = append(nearest, w.Nearest)
	}
	if diff := cmp.Diff([]string{"database/connection", "nova/auth_url", "midonet/password"}, nearest); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestValueErrorNamesFileLineOptionAndCause(t *testing.T) {
	name := write(t, "[DEFAULT]\n\nbind_port = many\n")
	_, _, err := Load(name)
	want := name + `:3: option bind_port of group [DEFAULT]: "many" is no whole number`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	if _, _, err := Load("/nonexistent/neutron.conf"); err == nil || !strings.Contains(err.Error(), "/nonexistent/neutron.conf") {
		t.Errorf("error %v does not name the file", err)
	}
}

// TestKnownNamesDoNotHideOptions asks that an option which is read is not also listed as unread.
func TestKnownNamesDoNotHideOptions(t *testing.T) {
	for _, o := range oslo.Options(&Options{}) {
		if name := o.Group + "/" + o.Name; slices.Contains(known(), name) {
			t.Errorf("%s is read and listed as unread", name)
		}
		if o.Help == "" {
			t.Errorf("%s/%s has no help", o.Group, o.Name)
		}
	}
}
