package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestIPv6FloatingAddresses: workloads that have nothing but IPv4 are reached by floating addresses of IPv6, from the outside and from
// another project's IPv6 network. The uplink is on a host of its own.
func TestIPv6FloatingAddresses(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.35.1.0/24")
	green := c.securedNetwork("green", "fd00:35:2::/64")
	r1 := c.router("r1", "public", blue)
	r2 := c.router("r2", "public", green)
	b1 := c.workload("b1", "host1", blue)
	b2 := c.workload("b2", "host2", blue)
	g1 := c.workload("g1", "host2", green)
	c.allowAll()
	c.addRoutes(r1, "fd00:35:2::/64", c.gatewayAddress6(r2))
	c.t.Cleanup(func() { c.set("routers/"+r1, `{"router":{"routes":[]}}`) }) // or its gateway could not be taken away
	fip1, fip2 := c.floatingIP6(b1), c.floatingIP6(b2)
	if !strings.Contains(fip1, ":") || fip1 == fip2 {
		t.Fatalf("the floating addresses are %s and %s", fip1, fip2)
	}
	for _, w := range []workload{b1, b2} {
		w.serves("tcp-echo", "5001")
		w.serves("tcp-sink", "5002")
		w.serves("udp-echo", ":5003")
		w.serves("udp-mirror", ":5004")
	}

	c.scenario("pings", func(t *testing.T) {
		for _, fip := range []string{fip1, fip2} {
			c.eventually("the hosts have heard of the address", func() error {
				_, err := c.outside("ping", "-n", "-c", "1", "-W", "1", fip)
				return errors.Join(err, g1.reaches(fip))
			})
			c.pings(c.outsideMachine(), fip, "-i", "0.2")
			g1.pings(fip)
		}
	})
	c.scenario("TCP, much of it in either direction, and from several clients at a time", func(t *testing.T) {
		var flows []*flow
		for _, fip := range []string{fip1, fip2} {
			flows = append(flows, c.startFlow(c.outsideTool("tcp-flow", "["+fip+"]:5001", "1ms")), g1.connects("["+fip+"]:5001"))
		}
		for _, fip := range []string{fip1, fip2} {
			if out, err := output(c.outsideTool("tcp-send", "["+fip+"]:5002", fmt.Sprint(16<<20))); err != nil {
				t.Errorf("16 MiB to %s: %v\n%s", fip, err, out)
			}
			g1.sends("["+fip+"]:5002", 16<<20)
		}
		for _, f := range flows {
			f.endsWell(t, 2*time.Second)
		}
	})
	c.scenario("UDP, whole and in fragments", func(t *testing.T) {
		for _, size := range []string{"1", "1200", "4000", "20000"} {
			for _, fip := range []string{fip1, fip2} {
				if out, err := output(c.outsideTool("udp-large", "["+fip+"]:5003", size)); err != nil {
					t.Errorf("from the outside to %s: %v\n%s", fip, err, out)
				}
				if out, err := output(g1.tool("udp-large", "["+fip+"]:5003", size)); err != nil {
					t.Errorf("from g1 to %s: %v\n%s", fip, err, out)
				}
			}
		}
	})
	c.scenario("each client has an address of its own", func(t *testing.T) {
		outside, inside := c.sourceSeen(c.outsideTool("udp-ask", "["+fip1+"]:5004")), g1.seenBy("["+fip1+"]:5004")
		if !strings.HasPrefix(outside, "100.64.") || !strings.HasPrefix(inside, "100.64.") || outside == inside {
			t.Errorf("the outside is seen as %s, g1 as %s", outside, inside)
		}
		if again := c.sourceSeen(c.outsideTool("udp-ask", "["+fip1+"]:5004")); again != outside {
			t.Errorf("the outside is seen as %s, then as %s", outside, again)
		}
	})
	c.scenario("errors", func(t *testing.T) {
		c.hears(c.outsideMachine(), []string{"mtu=1450", "mtu: 1450"}, fip1, "-M", "do", "-s", "1440") // by the edge, or knows it from before
		out, _ := c.outside("ping", "-n", "-c", "1", "-W", "60", "-t", "2", fip1)
		if !strings.Contains(out, "Time exceeded") {
			t.Errorf("a packet that passes two routers at most:\n%s", out)
		}
		refused(t, c.outsideTool("udp-try", "["+fip1+"]:5999"))
		refused(t, g1.tool("udp-try", "["+fip1+"]:5999"))
	})
	c.scenario("an error about answers comes to the workload, in its family", func(t *testing.T) {
		beyond := c.beyondOutside(1300)
		beyond.connects("["+fip1+"]:5001").endsWell(t, 2*time.Second) // whose answers are too large for the way beyond
		seen := c.sourceSeen(beyond.tool("udp-ask", "["+fip1+"]:5004"))
		if route := b1.run("ip", "route", "get", seen); !strings.Contains(route, "mtu 1280") { // 20 octets less, as the header is
			t.Errorf("b1 has not learned what the way to %s carries:\n%s", seen, route)
		}
	})
	c.scenario("the walk tells", func(t *testing.T) {
		c.tracesFrom(t, g1, "tcp ["+g1.ip6()+"]:1025 to ["+fip1+"]:5001", "makes it a packet of IPv4", "to 100.64.", "to "+b1.ip4(), "=> forward")
	})
	c.scenario("agents start again and find the flows and the clients' addresses", func(t *testing.T) {
		flows := []*flow{c.startFlow(c.outsideTool("tcp-flow", "["+fip1+"]:5001", "5ms")), g1.connects("[" + fip2 + "]:5001")}
		seen := c.sourceSeen(c.outsideTool("udp-ask", "["+fip1+"]:5004"))
		for _, host := range []string{"host3", "host1", "host2"} {
			c.killAgent(host)
		}
		c.sandbox("up", "--hosts", "3")
		c.eventually("new connections are made", func() error {
			_, err := output(c.outsideTool("tcp-try", "["+fip2+"]:5001"))
			return err
		})
		if again := c.sourceSeen(c.outsideTool("udp-ask", "["+fip1+"]:5004")); again != seen {
			t.Errorf("the outside is seen as %s, then as %s", seen, again)
		}
		for _, f := range flows {
			f.endsWell(t, 4*time.Second)
		}
	})
	c.scenario("not without a group that lets them in", func(t *testing.T) {
		closed := c.workload("closed", "host1", blue)
		c.set("ports/"+closed.port.ID, `{"port":{"security_groups":[]}}`)
		fip := c.floatingIP6(closed)
		c.eventually("the port is closed", func() error {
			if _, err := c.outside("ping", "-n", "-c", "1", "-W", "1", fip); err == nil {
				return fmt.Errorf("it answers")
			}
			return nil
		})
	})
}
