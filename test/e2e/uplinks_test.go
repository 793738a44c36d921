package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTwoUplinks: two hosts with a way out each. Packets out and their answers take either, whichever way the others went, and when one
// goes down the other carries all.
func TestTwoUplinks(t *testing.T) {
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host2")
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.34.1.0/24", "fd00:34:1::/64")
	router := c.router("r1", "public", blue)
	translated := c.workload("translated", "host1", blue)
	floating := c.workload("floating", "host1", blue)
	six := c.workload("six", "host1", blue)
	c.allowAll()
	c.uses(six, c.group("asks", true)) // gets nothing but answers, by IPv6, whichever uplink they take
	fip := c.floatingIP(floating)
	c.addRoutes(c.routerNamed("mn-edge"), "fd00:34:1::/64", c.gatewayAddress6(router))
	routes6 := func() {
		c.mustOutside("ip", "-6", "route", "replace", "fd00:34:1::/64", "nexthop", "via", "fd1a:6fd3:a22:2::1", "nexthop", "via", "fd1a:6fd3:a22:3::1")
	}
	routes6()
	floating.serves("tcp-echo", "5001")
	c.outsideServes("tcp-echo", "5003")
	c.outsideServes("udp-echo", outside4+":5002")
	c.outsideServes("udp-echo", "["+outside6+"]:5002")

	c.scenario("connections take both", func(t *testing.T) {
		before := c.received("mn-uplink-host2", "mn-uplink-host3")
		for range 24 {
			translated.connects(outside4 + ":5003").ends()
		}
		for i, n := range c.received("mn-uplink-host2", "mn-uplink-host3") {
			if n-before[i] < 5 {
				t.Errorf("of 24 connections, %d packets went over uplink %d", n-before[i], i)
			}
		}
		c.eventually("IPv6 is routed", func() error { return six.reaches(outside6) })
		for range 8 {
			c.outsideConnects(fip + ":5001")
			six.connects("[" + outside6 + "]:5003").ends()
		}
	})
	for _, host := range []string{"host2", "host3"} {
		c.scenario("the uplink of "+host+" goes down and comes back", func(t *testing.T) {
			flows := []*flow{translated.flowsTo(outside4 + ":5002"), floating.flowsTo(outside4 + ":5002"), six.flowsTo("[" + outside6 + "]:5002")}
			translated.pings(outside4)
			floating.pings(outside4)
			six.pings(outside6)
			down := "mn-uplink-host" + strings.TrimPrefix(host, "host")
			c.mustOutside("ip", "link", "set", down, "down")
			c.eventually("the other carries all", func() error { return translated.reaches(outside4) })
			floating.pings(outside4)
			for _, f := range flows {
				if r := f.ends(); r.LongestGap > time.Second {
					t.Errorf("a flow was away for %v", r.LongestGap)
				}
			}
			for range 6 {
				translated.connects(outside4 + ":5003").ends()
				c.outsideConnects(fip + ":5001")
				six.connects("[" + outside6 + "]:5003").ends()
			}
			c.mustOutside("ip", "link", "set", down, "up")
			c.sandbox("uplink", "--host", host) // the kernel has forgotten the routes over it
			routes6()
			c.eventually("both are in use", func() error { return translated.reaches(outside4) })
			c.outsideConnects(fip + ":5001")
		})
	}
}

func (c *cloud) mustOutside(argv ...string) string {
	c.t.Helper()
	out, err := c.outside(argv...)
	if err != nil {
		c.t.Fatalf("outside$ %s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return out
}

// received counts the packets that the machine outside received over each of the interfaces.
func (c *cloud) received(interfaces ...string) []int {
	c.t.Helper()
	var counts []int
	for _, name := range interfaces {
		counts = append(counts, asNumber(c.t, c.mustOutside("cat", "/sys/class/net/"+name+"/statistics/rx_packets")))
	}
	return counts
}

func asNumber(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
