// Package openstackclient types the commands of OpenStack's own client, as Debian ships it, with tokens of a real Keystone. A file of
// testdata is a topic; script_test.go tells how they are written. What holds for this server holds for the original:
//
//	go test ./test/openstackclient -args -server neutron
package openstackclient

import (
	"flag"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/test/cloud"
)

var server = flag.String("server", cloud.MidoNet, "the server under test: "+cloud.MidoNet+" or "+cloud.Neutron)

// TestOpenStackClient runs every script on one cloud that has the projects blue and red; each script leaves nothing behind.
func TestOpenStackClient(t *testing.T) {
	if _, err := exec.LookPath("openstack"); err != nil {
		t.Skipf("%v; `make packages` installs it", err)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	c := cloud.Start(t, *server)
	c.Project(t, "blue")
	c.Project(t, "red")
	clients := map[string]*cloud.Client{}
	for _, user := range []string{"admin", "blue", "red"} {
		clients[user] = c.Client(t, user)
	}
	extensions := c.Extensions(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := readScript(t, file)
			for _, alias := range s.needs {
				if !slices.Contains(extensions, alias) {
					t.Skipf("the server does not list the extension %s", alias)
				}
			}
			vars := map[string]string{}
			for _, command := range s.commands {
				command.check(t, clients[command.user], vars)
			}
		})
	}
}
