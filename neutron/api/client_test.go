package api

import (
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// TestOpenStackClient drives the server with the openstack client, which discovers versions and extensions before it asks for
// anything.
func TestOpenStackClient(t *testing.T) {
	client, err := exec.LookPath("openstack")
	if err != nil {
		t.Skip("the package python3-openstackclient is not installed")
	}
	server, _ := newServer(t)
	ts := httptest.NewServer(server)
	defer ts.Close()
	run := func(args ...string) string {
		cmd := exec.Command(client, append([]string{"--os-auth-type", "none", "--os-endpoint", ts.URL}, args...)...)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("openstack %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := run("network", "create", "-f", "value", "-c", "name", "-c", "mtu", "--mtu", "1400", "demo"); got != "1400\ndemo" {
		t.Errorf("network create printed %q", got)
	}
	if got := run("network", "list", "-f", "value", "-c", "Name"); got != "demo" {
		t.Errorf("network list printed %q", got)
	}
	run("network", "set", "--name", "other", "demo")
	if got := run("network", "show", "-f", "value", "-c", "name", "other"); got != "other" {
		t.Errorf("network show printed %q", got)
	}
	run("network", "delete", "other")
	if got := run("network", "list", "-f", "value", "-c", "Name"); got != "" {
		t.Errorf("network list printed %q after the deletion", got)
	}
}
