// Package cloud runs what a client of OpenStack's network service meets, for black-box tests: Debian's Keystone, a server of the
// Networking API that asks it who calls, and the entry of that server in Keystone's catalogue. The server is the program of this
// project or, to see what the original does in the same place, Debian's neutron-server with MariaDB.
package cloud

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/bench/lab"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/keystone"
)

// Which server to run.
const (
	MidoNet = "midonet" // `midonet server`, built from this tree
	Neutron = "neutron" // neutron-server of Debian's packages
)

// startTimeout bounds a server's start until its first answer, on a machine that is busy with other tests.
const startTimeout = 2 * time.Minute

// Cloud is a running Keystone and a running server.
type Cloud struct {
	Keystone *keystone.Keystone
	URL      string // of the Networking API, without a version
	Admin    string // a token of the user admin in the project admin
	Member   string // the identifier of the role member

	dir     string // of the server: its configuration, its log and what it keeps
	options string // of our server's configuration, in the section DEFAULT
	service string // the identifier of the project of the services' users
}

// Start runs the server that is named with a Keystone of its own, and ends both with the test. The catalogue's region is RegionOne.
// Where a package is missing it skips the test and says which. The options are lines for the section DEFAULT of our server's configuration,
// which may go on with other sections; {keystone} in them is Keystone's address.
func Start(t testing.TB, server string, options ...string) *Cloud {
	t.Helper()
	prepare, ok := map[string]func(testing.TB, *Cloud) *exec.Cmd{MidoNet: midonet, Neutron: neutron}[server]
	if !ok {
		t.Fatalf("no server is called %q: %s or %s", server, MidoNet, Neutron)
	}
	c := &Cloud{Keystone: keystone.Start(t), URL: "http://" + freeport.Address(t), dir: stateDir(t)}
	c.options = strings.ReplaceAll(strings.Join(options, "\n"), "{keystone}", c.Keystone.URL)
	c.enter(t)
	c.run(t, prepare(t, c))
	return c
}

// stateDir is not t.TempDir: the path of a Unix socket in it must stay short.
func stateDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cloud")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// enter makes the project of the services, with the server's user and its entry in the catalogue.
func (c *Cloud) enter(t testing.TB) {
	t.Helper()
	c.Admin = c.Keystone.Login(t, "admin", "admin")
	c.Member = c.Keystone.Roles(t, c.Admin)["member"]
	c.service = c.Keystone.Create(t, c.Admin, "project", "projects", map[string]any{"name": "service", "domain_id": "default"})
	c.Enter(t, "neutron", "network", c.URL)
}

// Enter makes a service's user, who administers the project service, and its entry in the catalogue.
func (c *Cloud) Enter(t testing.TB, name, kind, url string) {
	t.Helper()
	k := c.Keystone
	k.User(t, c.Admin, name, c.service, k.Roles(t, c.Admin)["admin"])
	entry := k.Create(t, c.Admin, "service", "services", map[string]any{"name": name, "type": kind})
	for _, face := range []string{"public", "internal", "admin"} {
		k.Create(t, c.Admin, "endpoint", "endpoints", map[string]any{"service_id": entry, "interface": face, "url": url, "region_id": "RegionOne"})
	}
}

// Project makes a project with one user of the same name, who is a member of it, and returns the project's identifier.
func (c *Cloud) Project(t testing.TB, name string) string {
	t.Helper()
	id := c.Keystone.Create(t, c.Admin, "project", "projects", map[string]any{"name": name, "domain_id": "default"})
	c.Keystone.User(t, c.Admin, name, id, c.Member)
	return id
}

// identity is the part of a configuration file that both servers read alike.
const identity = `[keystone_authtoken]
auth_url = %[1]s
www_authenticate_uri = %[1]s
auth_type = password
username = neutron
password = %[2]s
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
`

// configure writes the server's configuration file, with how to reach Keystone, and returns its path.
func (c *Cloud) configure(t testing.TB, text string) string {
	t.Helper()
	file := c.path("neutron.conf")
	text += fmt.Sprintf(identity, strings.TrimSuffix(c.Keystone.URL, "/v3"), keystone.Password)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (c *Cloud) path(name string) string { return filepath.Join(c.dir, name) }

// address is the server's, as host:port.
func (c *Cloud) address() string { return strings.TrimPrefix(c.URL, "http://") }

// run starts the server in a process group of its own, waits for its first answer, and ends it with the test.
func (c *Cloud) run(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(c.path("server.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	start(t, cmd)
	t.Cleanup(func() { c.keepLog(t) })
	await(t, "the server answers", func() error {
		answer, err := http.Get(c.URL)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}, c.Log)
}

// LogVariable names the environment variable that holds the directory in which a test leaves the server's log. Empty: none is left.
const LogVariable = "MIDONET_TEST_LOGS"

// keepLog leaves the server's log for people to read.
func (c *Cloud) keepLog(t testing.TB) {
	dir := os.Getenv(LogVariable)
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, t.Name()+".server.log"), []byte(c.Log()), 0o600); err != nil {
		t.Error(err)
	}
}

// Log is what the server has printed.
func (c *Cloud) Log() string {
	text, err := os.ReadFile(c.path("server.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// start runs the command and ends it, and what it started, with the test, or with the test program.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	p, err := lab.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
}

// await calls attempt until it succeeds, and fails the test, with the log, when it does not within the time for a start.
func await(t testing.TB, what string, attempt func() error, log func() string) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		err := attempt()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s: %v\n%s", startTimeout, what, err, log())
		}
	}
}
