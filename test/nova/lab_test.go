package nova

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"midonet.org/midonet/bench/lab"
	"midonet.org/midonet/sandbox"
	"midonet.org/midonet/test/cloud"
	"midonet.org/midonet/test/keystone"
)

// hosts is how many hosts there are, which are called host1 and on.
const hosts = 2

// patience bounds what takes a minute at most on a machine that has nothing else to do: a daemon's start, a server's way to a status.
const patience = 5 * time.Minute

// computeAPI is the version of the Compute API that is spoken, the last that the client knows.
const computeAPI = "2.92"

//go:embed programs.py
var programs string

//go:embed midonet_fake.py
var driver []byte

// openstack is a cloud with everything of Nova's: RabbitMQ, Placement, Glance, Nova's API, conductor and scheduler, and on each host an agent of
// ours and a nova-compute.
type openstack struct {
	test    *testing.T // with which all of it ends; scenarios are tests of their own
	cloud   *cloud.Cloud
	sandbox *sandbox.Sandbox
	user    *cloud.Client // the openstack command of blue, a member of the project blue
	admin   *cloud.Client // and of who administers
	dir     string
	values  values
	api     *lab.Process // Nova's
}

// start starts all of it, and ends it with the test.
func start(t *testing.T) *openstack {
	t.Helper()
	for _, program := range []string{"nova-manage", "nova-conductor", "nova-scheduler", "placement-manage", "glance-manage", rabbitmq, "epmd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v; `make conformance` installs it", err)
		}
	}
	if missing := sandbox.Missing(); len(missing) > 0 {
		t.Skipf("no sandbox here: %v", missing)
	}
	dir, err := os.MkdirTemp("", "nova")
	if err != nil {
		t.Fatal(err)
	}
	o := &openstack{test: t, dir: dir, cloud: cloud.Start(t, cloud.MidoNet, serverOptions(t))}
	t.Cleanup(func() { o.remove(t) })
	o.values = values{"dir": dir, "keystone": o.cloud.Keystone.URL, "password": keystone.Password}
	o.daemons(t)
	o.computes(t)
	o.cloud.Project(t, "blue")
	o.user = o.cloud.Client(t, "blue", "--os-compute-api-version", computeAPI)
	o.admin = o.cloud.Client(t, "admin", "--os-compute-api-version", computeAPI)
	o.fill(t)
	return o
}

// remove removes the directory; where the test has failed, what the daemons printed is kept first, if there is a place for it.
func (o *openstack) remove(t *testing.T) {
	if keep := os.Getenv(cloud.LogVariable); keep != "" {
		logs, _ := filepath.Glob(filepath.Join(o.dir, "*.log"))
		for _, log := range logs {
			if out, err := exec.Command("cp", log, keep).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
	}
	if err := os.RemoveAll(o.dir); err != nil {
		t.Error(err)
	}
}

func (o *openstack) path(name string) string { return filepath.Join(o.dir, name) }

// program is a command of programs.py, which says what its arguments are.
func program(arguments ...string) *exec.Cmd {
	return exec.Command(python, append([]string{"-c", programs}, arguments...)...)
}

// daemon starts a command, with its output in a log of that name, and ends it with the whole test.
func (o *openstack) daemon(t *testing.T, name string, cmd *exec.Cmd) *lab.Process {
	t.Helper()
	log, err := os.OpenFile(o.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	p, err := lab.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	o.test.Cleanup(p.Kill) // they have nothing to say to each other any more
	return p
}

// run runs a command that must succeed.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// eventually calls attempt until it returns nil, and fails the test where that does not come.
func eventually(t *testing.T, what string, attempt func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := attempt()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s: %v", patience, what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
