package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDownLeavesNothing: after `sandbox down` the machine is as before, whatever was killed in between.
func TestDownLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(c *cloud){
		"in an orderly way": func(*cloud) {},
		"after everything was killed": func(c *cloud) {
			c.killAgent("host1")
			c.killAgent("host2")
			c.kill()
			c.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := startCloud(t, 2)
			net := c.network("blue", "10.20.0.0/24")
			a := c.workload("a", "host1", net)
			b := c.workload("b", "host2", net)
			b.serves("udp-echo", ":5002")
			a.pings(b.ip4())
			if len(c.traces()) == 0 {
				t.Fatal("the sandbox is up and leaves no trace: this test looks in the wrong places")
			}
			crash(c)
			c.sandbox("down")
			c.leavesNothing()
			for _, w := range []workload{a, b} {
				if c.exists("ports/" + w.port.ID) {
					t.Errorf("the port of %s outlived the sandbox that made it", w.name)
				}
			}
			if !c.exists("networks/" + net) {
				t.Error("down removed a network that it did not make")
			}
		})
	}
}

// TestDownWithoutServer: the machine is cleaned also while the server is away; what Neutron has of the sandbox is removed by the
// next down.
func TestDownWithoutServer(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 1)
	a := c.workload("a", "host1", c.network("blue", "10.20.0.0/24"))
	c.kill()
	out, err := c.sandboxOutput("down")
	if err == nil || !strings.Contains(out, "midonet server") {
		t.Errorf("down without a server: %v, want an error that says so\n%s", err, out)
	}
	for _, left := range c.traces() {
		if !strings.HasPrefix(left, "file ") { // what remains is the record of the port
			t.Errorf("left behind: %s", left)
		}
	}
	c.start()
	c.sandbox("down")
	c.leavesNothing()
	if c.exists("ports/" + a.port.ID) {
		t.Error("the port outlived the second down")
	}
}

// TestInterruptedUp: `sandbox up` killed at any moment is finished by the next one, or removed by down.
func TestInterruptedUp(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	c := startServer(t)
	for _, after := range []time.Duration{5 * time.Millisecond, 60 * time.Millisecond, 200 * time.Millisecond} {
		up := c.command("up", "--hosts", "2")
		if err := up.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(after, func() { _ = up.Process.Signal(syscall.SIGKILL) })
		_ = up.Wait() // killed, or finished before
		c.sandbox("down")
		c.leavesNothing()
	}
	c.sandbox("up", "--hosts", "1")
	again := c.sandbox("up", "--hosts", "1")
	if !strings.Contains(again, "up already") {
		t.Errorf("a second up says:\n%s", again)
	}
}

// TestInterruptedWorkload: `workload add` killed at any moment leaves nothing that `workload delete` or `down` does not find, here
// and in Neutron.
func TestInterruptedWorkload(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 1)
	net := c.network("blue", "10.20.0.0/24")
	for _, after := range []time.Duration{10 * time.Millisecond, 30 * time.Millisecond, 50 * time.Millisecond, 80 * time.Millisecond} {
		add := c.command("workload add", "--host", "host1", "--network", net, "a")
		if err := add.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(after, func() { _ = add.Process.Signal(syscall.SIGKILL) })
		_ = add.Wait()                                                // killed, or finished before
		c.set("networks/"+net, `{"network":{"description":"later"}}`) // the server is through with what it was told by then
		if strings.Contains(c.sandbox("workload list"), "host1") {
			c.sandbox("workload delete", "a")
		}
		if left := c.portAddresses(net); len(left) > 0 {
			t.Errorf("killed after %v, ports are left: %v", after, left)
		}
		if names, err := filepath.Glob("/run/netns/" + c.prefix() + "-vm-a"); err != nil || len(names) > 0 {
			t.Errorf("killed after %v, namespaces are left: %v %v", after, names, err)
		}
	}
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host1", net)
	a.pings(b.ip4())
}

// leavesNothing fails the test if the machine still has a trace of the sandbox. A command that ran in a workload through `sandbox
// workload exec` may take a moment to notice that its workload has gone.
func (c *cloud) leavesNothing() {
	c.t.Helper()
	c.eventually("the machine is as before", func() error {
		if left := c.traces(); len(left) > 0 {
			return errors.New(strings.Join(left, "\n"))
		}
		return nil
	})
}

// prefix begins the names of this cloud's namespaces.
func (c *cloud) prefix() string {
	sum := sha256.Sum256([]byte(c.dir))
	return "midonet-" + hex.EncodeToString(sum[:3])
}

// traces lists what of this cloud's sandbox is on the machine: namespaces, mounts, processes and files.
func (c *cloud) traces() []string {
	c.t.Helper()
	prefix := c.prefix()
	var found []string
	namespaces, err := filepath.Glob("/run/netns/" + prefix + "*")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, n := range namespaces {
		found = append(found, "namespace "+n)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, c.dir) || strings.Contains(line, prefix) {
			found = append(found, "mount "+strings.TrimSpace(line))
		}
	}
	if _, err := os.Stat(filepath.Join(c.dir, "sandbox")); !errors.Is(err, os.ErrNotExist) {
		found = append(found, "file "+filepath.Join(c.dir, "sandbox"))
	}
	return append(found, c.processes()...)
}

// processes lists the running processes, besides the server, that have the state directory in their command line.
func (c *cloud) processes() []string {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		c.t.Fatal(err)
	}
	var found []string
	for _, dir := range dirs {
		text, err := os.ReadFile(dir + "/cmdline")
		line := strings.ReplaceAll(string(text), "\x00", " ")
		if err == nil && strings.Contains(line, c.dir) && !strings.Contains(line, "midonet server ") {
			found = append(found, "process "+line)
		}
	}
	return found
}
