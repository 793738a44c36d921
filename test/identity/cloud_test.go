// Package identity drives a server that has Keystone vouch for its callers, with Debian's Keystone and Debian's openstack client: an
// administrator, members of two projects and a reader.
package identity

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/run"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/keystone"
)

// patience is how long a thing that must happen may take, on a machine that is busy with other tests.
const patience = 2 * time.Minute

// cloud is Keystone and a server beside it.
type cloud struct {
	keystone *keystone.Keystone
	url      string // of the Networking API
	conf     string // the directory of its configuration
	home     string // of the client
	client   string // the openstack client
	admin    string // a token
}

// configuration is what an operator writes. policy.yaml is looked for beside it.
const configuration = `[DEFAULT]
auth_strategy = keystone
[keystone_authtoken]
auth_url = %[1]s
www_authenticate_uri = %[1]s
auth_type = password
username = neutron
password = %[2]s
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
token_cache_time = 1
http_connect_timeout = 120
http_request_max_retries = 1
memcached_servers = 127.0.0.1:11211
service_token_roles = service
service_token_roles_required = true
`

// newCloud starts Keystone and the server. blue has the member bea and the reader rob, red the member ron; admin administers.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	client, err := exec.LookPath("openstack")
	if err != nil {
		t.Skip("the package python3-openstackclient is not installed")
	}
	c := &cloud{keystone: keystone.Start(t), conf: t.TempDir(), home: t.TempDir(), client: client}
	c.fill(t)
	c.serve(t)
	return c
}

// fill makes the projects and users, and the catalogue's entry for the server.
func (c *cloud) fill(t *testing.T) {
	k := c.keystone
	c.admin = k.Login(t, "admin", "admin")
	roles := k.Roles(t, c.admin)
	project := func(name string) string {
		return k.Create(t, c.admin, "project", "projects", map[string]any{"name": name, "domain_id": "default"})
	}
	blue, red := project("blue"), project("red")
	k.User(t, c.admin, "neutron", project("service"), roles["admin"])
	k.User(t, c.admin, "bea", blue, roles["member"])
	k.User(t, c.admin, "rob", blue, roles["reader"])
	k.User(t, c.admin, "ron", red, roles["member"])
	c.url = "http://" + freeport.Address(t)
	service := k.Create(t, c.admin, "service", "services", map[string]any{"name": "neutron", "type": "network"})
	k.Create(t, c.admin, "endpoint", "endpoints", map[string]any{"service_id": service, "interface": "public", "url": c.url,
		"region_id": "RegionOne"})
}

// serve runs the server until the test ends.
func (c *cloud) serve(t *testing.T) {
	t.Helper()
	file := filepath.Join(c.conf, "neutron.conf")
	c.write(t, "neutron.conf", fmt.Sprintf(configuration, strings.TrimSuffix(c.keystone.URL, "/v3"), keystone.Password))
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run.Server(ctx, run.ServerConfig{ConfigFiles: []string{file}, StateDir: dir,
			API: strings.TrimPrefix(c.url, "http://"), Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(c.url)
		if err == nil {
			answer.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// write writes a file beside the configuration.
func (c *cloud) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.conf, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// person uses the openstack client as a user of a project.
type person struct {
	cloud         *cloud
	user, project string
}

func (c *cloud) as(user, project string) person { return person{c, user, project} }

// try runs the client and returns what it prints.
func (p person) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(p.cloud.client, append([]string{"--os-auth-url", p.cloud.keystone.URL, "--os-username", p.user,
		"--os-password", keystone.Password, "--os-project-name", p.project, "--os-user-domain-id", "default",
		"--os-project-domain-id", "default"}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + p.cloud.home}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// must runs the client, which must succeed, and returns the words that it prints for the columns asked for.
func (p person) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.try(t, args...)
	if err != nil {
		t.Fatalf("%s: openstack %s: %v\n%s", p.user, strings.Join(args, " "), err, out)
	}
	return out
}

// refused runs the client, which must fail with the words.
func (p person) refused(t *testing.T, words string, args ...string) {
	t.Helper()
	out, err := p.try(t, args...)
	if err == nil || !strings.Contains(out, words) {
		t.Errorf("%s: openstack %s: %v\n%s\nwant %q", p.user, strings.Join(args, " "), err, out, words)
	}
}
