package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/sandbox"
	"midonet.org/midonet/test/freeport"
)

// TestToolsOfOperators: what an operator looks with, on a system that works.
func TestToolsOfOperators(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	net := c.network("blue", "10.20.0.0/24")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)

	c.scenario("trace, on the live system and on a dump", func(t *testing.T) {
		packet := []string{a.port.ID, "icmp", a.ip4(), "to", b.ip4()}
		live := c.midonet(append([]string{"trace", "--state-dir", c.dir}, packet...)...)
		if !strings.Contains(live, b.port.ID[:8]) && !strings.Contains(live, `"b"`) {
			t.Errorf("the walk does not end at the port of b (%s):\n%s", b.port.ID, live)
		}
		dump := filepath.Join(t.TempDir(), "dump")
		if err := os.WriteFile(dump, []byte(c.midonet("db", "dump", "--state-dir", c.dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		if offline := c.midonet(append([]string{"trace", "--dump", dump}, packet...)...); offline != live {
			t.Errorf("the walk on the dump is another:\n%s\nlive:\n%s", offline, live)
		}
	})
	c.scenario("db check and status", func(t *testing.T) {
		c.midonet("db", "check", "--state-dir", c.dir)
		if out := c.midonet("status", "--state-dir", c.dir); !strings.Contains(out, "blue") || !strings.Contains(out, c.api[len("http://"):]) {
			t.Errorf("status names neither network nor address:\n%s", out)
		}
		a.pings(b.ip4())
		c.eventually("status tells what the agents count", func() error {
			out := c.midonet("status", "--state-dir", c.dir)
			if strings.Count(out, "tunnel peers 1,") != 2 || !strings.Contains(out, "flows ") || strings.Contains(out, "misses 0") {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
	})
	c.scenario("sandbox status", func(t *testing.T) {
		out := c.sandbox("status")
		for _, want := range []string{"host1", "host2", a.ip4(), b.ip4(), "ACTIVE", "ms from"} {
			if !strings.Contains(out, want) {
				t.Errorf("status lacks %q:\n%s", want, out)
			}
		}
	})
	c.scenario("mm-ctl lists hosts", func(t *testing.T) {
		out, err := c.mmctl("host1", "--list-hosts")
		if err != nil || !strings.Contains(out, "host1") || !strings.Contains(out, "host2") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	c.scenario("mm-ctl refuses a second binding of an interface, and of a port", func(t *testing.T) {
		third := c.boundPort(net, "host1")
		out, err := c.mmctl("host1", "--bind-port", third, a.tap())
		if err == nil || !strings.Contains(out, a.tap()) {
			t.Errorf("binding a bound interface: %v, want an error that names it\n%s", err, out)
		}
		if out, err := c.mmctl("host1", "--bind-port", "11111111-2222-4333-8444-555555555555", "lo"); err == nil {
			t.Errorf("binding a port that does not exist succeeded\n%s", out)
		}
		a.pings(b.ip4()) // nothing of it touched what was bound
	})
	c.scenario("mm-ctl binds an interface that comes later", func(t *testing.T) {
		early := c.boundPort(net, "host1")
		if out, err := c.mmctl("host1", "--bind-port", early, "later0"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := c.status(early, "DOWN"); err != nil {
			t.Error(err)
		}
		c.onHost("host1", "ip link add later0 type veth peer name later1 && ip link set later0 up && ip link set later1 up")
		c.eventually("the port is active with its interface", func() error { return c.status(early, "ACTIVE") })
		c.onHost("host1", "ip link delete later0")
		c.eventually("the port is down without it", func() error { return c.status(early, "DOWN") })
	})
	c.scenario("names that the sandbox refuses", func(t *testing.T) {
		for _, name := range []string{"../x", "A", "a b"} {
			if out, err := c.sandboxOutput("workload add", "--host", "host1", "--network", net, name); err == nil {
				t.Errorf("workload %q was made\n%s", name, out)
			}
		}
		if out, err := c.sandboxOutput("workload add", "--host", "host7", "--network", net, "x"); err == nil || !strings.Contains(out, "host7") {
			t.Errorf("a workload on a host that is not there: %v\n%s", err, out)
		}
	})
}

// boundPort makes a port that is bound to the host, without an interface.
func (c *cloud) boundPort(network, host string) string {
	c.t.Helper()
	var made struct{ Port neutronPort }
	c.post("ports", `{"port":{"network_id":"`+network+`","binding:host_id":"`+host+`"}}`, &made)
	return made.Port.ID
}

// onHost runs a shell command in the namespace of a host.
func (c *cloud) onHost(host, script string) {
	c.t.Helper()
	s, err := sandbox.New(sandbox.Config{StateDir: c.dir, API: c.api})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := s.ExecOnHost(c.t.Context(), host, []string{"sh", "-ec", script}, sandbox.Stdio{Out: os.Stderr, Err: os.Stderr}); err != nil {
		c.t.Fatalf("%s# %s: %v", host, script, err)
	}
}

// TestServerSaysWhyItDoesNotStart: each cause is named, and the program ends.
func TestServerSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		config string
		args   []string
		says   []string
	}{
		"an address in use": {
			args: []string{"--api-listen", taken.Addr().String()},
			says: []string{taken.Addr().String(), "address"},
		},
		"an unknown core plugin": {
			config: "[DEFAULT]\ncore_plugin = midonett\n",
			says:   []string{"midonett", "midonet"},
		},
		"an unknown service plugin": {
			config: "[DEFAULT]\nservice_plugins = nosuchplugin\n",
			says:   []string{"nosuchplugin"},
		},
		"no authentication beyond loopback": {
			config: "[DEFAULT]\nauth_strategy = noauth\n",
			args:   []string{"--api-listen", "0.0.0.0:0"},
			says:   []string{"noauth"},
		},
		"a configuration that is not one": {
			config: "[DEFAULT\n",
			says:   []string{"test.conf"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := failsToStart(t, c.config, c.args...)
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("the message lacks %q:\n%s", want, out)
				}
			}
		})
	}
}

// failsToStart runs a server that must end with an error soon, and returns what it printed.
func failsToStart(t *testing.T, config string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "test.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	all := []string{"server", "--state-dir", filepath.Join(dir, "var"), "--config-file", file,
		"--api-listen", freeport.Address(t), "--midonet-api-listen=", "--metrics-listen", freeport.Address(t), "--stream-listen", freeport.Address(t)}
	out, err := output(exec.CommandContext(ctx, filepath.Join(binDir, "midonet"), append(all, args...)...))
	if err == nil || ctx.Err() != nil {
		t.Fatalf("the server started (%v):\n%s", err, out)
	}
	return out
}

// TestTwoServersOfOneStateDirectory: the second is refused, and the first is not disturbed.
func TestTwoServersOfOneStateDirectory(t *testing.T) {
	t.Parallel()
	c := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := output(exec.CommandContext(ctx, filepath.Join(binDir, "midonet"), "server", "--state-dir", c.dir,
		"--api-listen", freeport.Address(t), "--midonet-api-listen=", "--metrics-listen", freeport.Address(t), "--stream-listen", freeport.Address(t)))
	if err == nil || ctx.Err() != nil || !strings.Contains(out, c.dir) {
		t.Errorf("a second server on %s: %v\n%s", c.dir, err, out)
	}
	c.network("still-here")
}

// TestSandboxWithoutServer: nothing is made for a server that is not there.
func TestSandboxWithoutServer(t *testing.T) {
	needsSandbox(t)
	c := &cloud{t: t, dir: t.TempDir(), api: "http://" + freeport.Address(t)}
	out, err := c.sandboxOutput("up", "--hosts", "1")
	if err == nil || !strings.Contains(out, "midonet server") {
		t.Errorf("up without a server: %v\n%s", err, out)
	}
	c.leavesNothing()
}
