package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/id"
	"midonet.org/midonet/sandbox"
)

// TestFlowsOutliveAgentAndServer: what is forwarding goes on forwarding while a process that set it up is away.
func TestFlowsOutliveAgentAndServer(t *testing.T) {
	c := startCloud(t, 2)
	net := c.network("blue", "10.20.0.0/24", "fd00:20::/64")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)
	b.serves("udp-echo", ":5002")
	b.serves("tcp-sink", "5001")

	c.scenario("an agent killed and started again", func(t *testing.T) {
		f := a.flowsTo(b.ip4() + ":5002")
		a.pings(b.ip4()) // by now the exchange has begun
		ends := a.keepsPinging(b.ip4())
		c.killAgent("host1")
		ends() // and forwards while the agent is away
		c.sandbox("up", "--hosts", "2")
		a.pings(b.ip4())
		barelyDisturbed(t, f.ends())
		a.sends(b.ip4()+":5001", 1<<20) // a flow that only the new agent can have set up
		a.sends("["+b.ip6()+"]:5001", 1<<20)
	})
	c.scenario("both agents at once", func(t *testing.T) {
		f := a.flowsTo(b.ip4() + ":5002")
		a.pings(b.ip4())
		c.killAgent("host1")
		c.killAgent("host2")
		c.sandbox("up", "--hosts", "2")
		barelyDisturbed(t, f.ends())
		b.pings(a.ip4())
	})
	c.scenario("the server killed and started again", func(t *testing.T) {
		f := a.flowsTo(b.ip4() + ":5002")
		a.pings(b.ip4())
		c.kill()
		a.pings(b.ip4())
		a.sends(b.ip4()+":5001", 1<<20) // a new flow: the agents know enough without the server
		c.start()
		if r := f.ends(); r.Answered != r.Sent {
			t.Errorf("%d of %d datagrams were answered; the server's absence should touch none", r.Answered, r.Sent)
		}
		c.eventually("the ports are active for the new server", func() error { return c.status(a.port.ID, "ACTIVE") })
		again := c.workload("again", "host2", net)
		a.pings(again.ip4())
		c.midonet("db", "check", "--state-dir", c.dir) // fails where incremental and full differ
	})
}

// TestAgentStartsWithoutServer: a host that comes back while the cluster is away forwards by what it knew.
func TestAgentStartsWithoutServer(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	net := c.network("blue", "10.20.0.0/24", "fd00:20::/64")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)
	b.serves("tcp-echo", "5001")
	c.eventually("host1 has written down what it knows", func() error { return c.wroteDown("host1", b.port.ID) })
	argv := c.agentCommand("host1")
	c.kill()
	c.killAgent("host1")
	c.startAgent("host1", argv)
	c.tcp(a, b.ip4()+":5001", true)
	a.pings(b.ip6())
	a.lease(t) // DHCP is the agent's own service
	c.start()
	c.becomes(a, "ACTIVE")
	a.pings(b.ip4())
}

// wroteDown fails unless a host's file of what it knows of the topology names the port; the agent writes it every few seconds.
func (c *cloud) wroteDown(host, port string) error {
	known, err := os.ReadFile(filepath.Join(c.dir, "sandbox", host, "topology.pb"))
	if err != nil {
		return err
	}
	if raw := id.MustParse[neutronPort](port); !bytes.Contains(known, raw[:]) {
		return fmt.Errorf("the file does not name port %s", port)
	}
	return nil
}

// agentCommand is the command line of a host's agent.
func (c *cloud) agentCommand(host string) []string {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.agentPID(host)))
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// startAgent runs an agent on the host by hand, until the test ends.
func (c *cloud) startAgent(host string, argv []string) {
	c.t.Helper()
	s, err := sandbox.New(sandbox.Config{StateDir: c.dir, API: c.api})
	if err != nil {
		c.t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "sandbox", host, "agent.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	c.t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		defer log.Close()
		_ = s.ExecOnHost(ctx, host, argv, sandbox.Stdio{Out: log, Err: log}) // it was told to end
	}()
}

// barelyDisturbed allows the few datagrams that fall between the new agent's first look and its last.
func barelyDisturbed(t *testing.T, r flowReport) {
	t.Helper()
	if r.Answered < r.Sent*99/100 || r.LongestGap > 100*time.Millisecond {
		t.Errorf("of %d datagrams %d were answered, with a gap of up to %v", r.Sent, r.Answered, r.LongestGap)
	}
}
