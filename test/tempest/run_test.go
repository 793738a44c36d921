package tempest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/test/cloud"
	"midonet.org/midonet/test/keystone"
)

// workers is how many tests run at once. Mostly they sleep: tempest waits ten seconds before each deletion of a subnet.
const workers = 8

// runner has the tests of a class run by one worker, as is usual, but for those of the class that sleeps for ten minutes.
const runner = `[DEFAULT]
test_path = {tempest}/test_discover
top_dir = {tempest}
group_regex = tempest\.api\.network\.test_dhcp_ipv6\.\S+|([^\.]*\.)*
`

// configuration is tempest's: users and projects are made for each class of tests, and there is no service but Keystone's and ours.
const configuration = `[DEFAULT]
log_file = {dir}/tempest.log
[oslo_concurrency]
lock_path = {dir}/lock
[auth]
use_dynamic_credentials = true
admin_username = admin
admin_password = {password}
admin_project_name = admin
admin_domain_name = Default
[identity]
uri_v3 = {keystone}
auth_version = v3
region = RegionOne
v3_endpoint_type = public
[service_available]
neutron = true
nova = false
glance = false
cinder = false
swift = false
[network]
public_network_id = {public}
floating_network_name = public
[network-feature-enabled]
api_extensions = {extensions}
ipv6 = true
ipv6_subnet_attributes = true
port_security = {port_security}
`

// configure makes a directory with tempest's configuration, and the network that floating IPs are taken from.
func configure(t *testing.T, c *cloud.Cloud, extensions []string) string {
	t.Helper()
	dir := t.TempDir()
	public := ""
	if slices.Contains(extensions, "external-net") {
		public = publicNetwork(t, c)
	}
	values := strings.NewReplacer("{dir}", dir, "{keystone}", c.Keystone.URL, "{password}", keystone.Password, "{public}", public,
		"{extensions}", strings.Join(extensions, ","), "{port_security}", fmt.Sprint(slices.Contains(extensions, "port-security")),
		"{tempest}", "/usr/lib/python3/dist-packages/tempest")
	for name, text := range map[string]string{"tempest.conf": configuration, ".stestr.conf": runner} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(values.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// publicNetwork makes the external network and returns its identifier.
func publicNetwork(t *testing.T, c *cloud.Cloud) string {
	t.Helper()
	var made struct{ Network struct{ ID string } }
	c.Call(t, "POST", "/v2.0/networks", map[string]any{"network": map[string]any{"name": "public", "router:external": true}}, &made)
	c.Call(t, "POST", "/v2.0/subnets", map[string]any{"subnet": map[string]any{"name": "public", "network_id": made.Network.ID,
		"ip_version": 4, "cidr": "198.51.100.0/24", "enable_dhcp": false}}, nil)
	return made.Network.ID
}

// run runs the tests whose names match and returns how each ended.
func run(t *testing.T, dir, match string) map[string]outcome {
	t.Helper()
	cmd := exec.Command("tempest", "run", "--config-file", filepath.Join(dir, "tempest.conf"), "--regex", match,
		"--parallel", "--concurrency", fmt.Sprint(workers))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "PYTHONWARNINGS=ignore")
	out, err := cmd.CombinedOutput()
	if keep := os.Getenv(cloud.LogVariable); keep != "" {
		if err := os.WriteFile(filepath.Join(keep, "tempest."+*server+".log"), out, 0o600); err != nil {
			t.Error(err)
		}
	}
	outcomes := parse(string(out))
	if len(outcomes) == 0 {
		t.Fatalf("tempest: %v\n%s", err, out)
	}
	return outcomes
}
