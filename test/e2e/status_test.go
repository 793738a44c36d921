package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPortStatusFollowsTheInterface: ACTIVE when, and only when, the port's interface is up on a live host.
func TestPortStatusFollowsTheInterface(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	net := c.network("blue", "10.20.0.0/24")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)
	for _, w := range []workload{a, b} {
		if err := c.status(w.port.ID, "ACTIVE"); err != nil {
			t.Fatal(err)
		}
	}

	c.scenario("the workload's end goes down and comes back", func(t *testing.T) {
		a.run("ip", "link", "set", "dev", "eth0", "down")
		c.becomes(a, "DOWN")
		a.run("ip", "link", "set", "dev", "eth0", "up")
		c.becomes(a, "ACTIVE")
		a.pings(b.ip4())
	})
	c.scenario("unbound and bound again", func(t *testing.T) {
		if out, err := c.mmctl("host1", "--unbind-port", a.port.ID); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c.becomes(a, "DOWN")
		b.doesNotReach(a.ip4())
		if out, err := c.mmctl("host1", "--bind-port", a.port.ID, a.tap()); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c.becomes(a, "ACTIVE")
		b.pings(a.ip4())
	})
	c.scenario("the interface vanishes", func(t *testing.T) {
		c.sandbox("workload delete", "b")
		c.eventually("the port of b is gone", func() error {
			if c.exists("ports/" + b.port.ID) {
				return os.ErrExist
			}
			return nil
		})
		a.doesNotReach(b.ip4())
	})
	c.scenario("the agent dies and is started again", func(t *testing.T) {
		c.killAgent("host1")
		c.becomes(a, "DOWN")
		c.sandbox("up", "--hosts", "2")
		c.becomes(a, "ACTIVE")
	})
}

// becomes waits until the port of the workload has the status.
func (c *cloud) becomes(w workload, status string) {
	c.t.Helper()
	start := time.Now()
	c.eventually("port of "+w.name+" "+status, func() error { return c.status(w.port.ID, status) })
	c.t.Logf("port of %s is %s after %v", w.name, status, time.Since(start).Round(time.Millisecond))
}

// agentPID finds the process of a host's agent by its command line.
func (c *cloud) agentPID(host string) int {
	c.t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		c.t.Fatal(err)
	}
	want := "\x00" + filepath.Join(c.dir, "sandbox", host) + "\x00"
	for _, dir := range dirs {
		text, err := os.ReadFile(dir + "/cmdline")
		if err != nil || !strings.HasPrefix(string(text), filepath.Join(binDir, "midonet")+"\x00agent\x00") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && strings.Contains(string(text), want) {
			return pid
		}
	}
	c.t.Fatalf("%s runs no agent", host)
	return 0
}

// killAgent ends a host's agent as a crash does, and returns when the process is gone.
func (c *cloud) killAgent(host string) {
	c.t.Helper()
	pid := c.agentPID(host)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	c.eventually("the agent's end", func() error {
		// Its files, a lock among them, are closed when its last thread has ended; the first may be a zombie before.
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && (len(threads) > 1 || !strings.Contains(string(text), ") Z ")) {
			return os.ErrExist
		}
		return nil
	})
}
