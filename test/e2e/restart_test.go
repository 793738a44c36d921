package e2e

import (
	"testing"
	"time"
)

// TestFlowsOutliveAgentAndServer: what is forwarding goes on forwarding while a process that set it up is away.
func TestFlowsOutliveAgentAndServer(t *testing.T) {
	c := startCloud(t, 2)
	net := c.network("blue", "10.20.0.0/24", "fd00:20::/64")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)
	b.serves("udp-echo", "5002")
	b.serves("tcp-sink", "5001")

	c.scenario("an agent killed and started again", func(t *testing.T) {
		f := a.flowsTo(b.ip4() + ":5002")
		a.pings(b.ip4()) // the flow is established by now
		c.killAgent("host1")
		a.pings(b.ip4()) // and forwards while the agent is away
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
		c.eventually(10*time.Second, "the ports are active for the new server", func() error { return c.status(a.port.ID, "ACTIVE") })
		again := c.workload("again", "host2", net)
		a.pings(again.ip4())
		c.midonet("db", "check", "--state-dir", c.dir) // fails where incremental and full differ
	})
}

// barelyDisturbed allows the few datagrams that fall between the new agent's first look and its last.
func barelyDisturbed(t *testing.T, r flowReport) {
	t.Helper()
	if r.Answered < r.Sent*99/100 || r.LongestGap > 100*time.Millisecond {
		t.Errorf("of %d datagrams %d were answered, with a gap of up to %v", r.Sent, r.Answered, r.LongestGap)
	}
}
