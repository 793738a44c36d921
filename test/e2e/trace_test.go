package e2e

import (
	"strings"
	"testing"
)

// TestTraceTellsWhatHappens: one packet of each kind, sent and traced. The trace names what decided, and agrees with what happened.
func TestTraceTellsWhatHappens(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	c.sandbox("uplink", "--host", "host2")
	blue := c.securedNetwork("blue", "10.36.1.0/24", "fd00:36:1::/64")
	red := c.securedNetwork("red", "10.36.2.0/24", "fd00:36:2::/64")
	router := c.router("r1", "public", blue, red)
	a := c.workload("a", "host1", blue)
	b := c.workload("b", "host2", red)
	group := c.group("servers", true)
	c.uses(b, group)
	b.serves("tcp-echo", "5001")
	rule := c.allow(group, `"ethertype":"IPv4","protocol":"tcp","port_range_min":5001,"port_range_max":5001`)
	c.tcp(a, b.ip4()+":5001", true)

	c.scenario("let in by a rule", func(t *testing.T) {
		c.tracesFrom(t, a, "tcp "+a.ip4()+":1025 to "+b.ip4()+":5001", "router r1", "rule "+rule[:8], "=> forward")
	})
	c.scenario("in the other family", func(t *testing.T) {
		rule6 := c.allow(group, `"ethertype":"IPv6","protocol":"tcp","port_range_min":5001,"port_range_max":5001`)
		c.tcp(a, "["+b.ip6()+"]:5001", true)
		c.tracesFrom(t, a, "tcp ["+a.ip6()+"]:1025 to ["+b.ip6()+"]:5001", "router r1", "fd00:36:2::/64", "rule "+rule6[:8], "=> forward")
		c.tracesFrom(t, a, "tcp ["+a.ip6()+"]:1025 to ["+b.ip6()+"]:5002", "router r1", "no security group lets", "=> drop")
	})
	c.scenario("dropped for want of one", func(t *testing.T) {
		c.tcp(a, b.ip4()+":5002", false)
		c.tracesFrom(t, a, "tcp "+a.ip4()+":1025 to "+b.ip4()+":5002", "router r1", "no security group lets", "=> drop")
	})
	c.scenario("source translation", func(t *testing.T) {
		a.pings(outside4)
		c.tracesFrom(t, a, "icmp "+a.ip4()+" to "+outside4, "translates the source", c.gatewayAddress(router), "0.0.0.0/0 via", "=> forward")
	})
	c.scenario("a floating address", func(t *testing.T) {
		fip := c.floatingIP(b)
		c.eventually("it is at work", func() error {
			_, err := output(c.outsideTool("tcp-try", fip+":5001"))
			return err
		})
		uplink := c.find("ports", "mn-uplink-port-host2")
		c.tracesAt(t, uplink, "tcp "+outside4+":1025 to "+fip+":5001", "translates the destination", b.ip4(), "rule "+rule[:8], "=> forward")
		c.eventually("it is translated on its way out", func() error { return b.reaches(outside4) })
		c.tracesFrom(t, b, "icmp "+b.ip4()+" to "+outside4, "translates the source", fip, "=> forward")
	})
}

// tracesFrom is tracesAt for a packet that a workload sends.
func (c *cloud) tracesFrom(t *testing.T, from workload, packet string, says ...string) {
	t.Helper()
	c.tracesAt(t, from.port.ID, packet, says...)
}

// tracesAt fails the test unless the trace of the packet says all of this.
func (c *cloud) tracesAt(t *testing.T, port, packet string, says ...string) {
	t.Helper()
	out := c.midonet(append([]string{"trace", "--state-dir", c.dir, port}, strings.Fields(packet)...)...)
	for _, s := range says {
		if !strings.Contains(out, s) {
			t.Errorf("the trace of %s lacks %q:\n%s", packet, s, out)
		}
	}
}
