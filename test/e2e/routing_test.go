package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRouting: three routers in a row between four networks, the last of which carries smaller packets, and the way out.
func TestRouting(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host3")
	var nets []string
	for i := range 4 {
		nets = append(nets, c.network(fmt.Sprintf("net%d", i), fmt.Sprintf("10.33.%d.0/24", i), fmt.Sprintf("fd00:33:%d::/64", i)))
	}
	c.set("networks/"+nets[3], `{"network":{"mtu":1300}}`)
	r1 := c.router("r1", "public", nets[0], nets[1])
	r2 := c.insideRouter("r2", nets[2])
	r3 := c.insideRouter("r3", nets[3])
	c.joinsAt(r2, nets[1], "10.33.1.2", "fd00:33:1::2")
	c.joinsAt(r3, nets[2], "10.33.2.2", "fd00:33:2::2")
	for _, v := range []struct{ first, last, far, r2, r3, r1, back string }{
		{"10.33.0.0/24", "10.33.3.0/24", "10.33.2.0/24", "10.33.1.2", "10.33.2.2", "10.33.1.1", "10.33.2.1"},
		{"fd00:33:0::/64", "fd00:33:3::/64", "fd00:33:2::/64", "fd00:33:1::2", "fd00:33:2::2", "fd00:33:1::", "fd00:33:2::"},
	} {
		c.addRoutes(r1, v.last, v.r2)
		c.addRoutes(r2, v.last, v.r3)
		c.addRoutes(r1, v.far, v.r2)
		c.addRoutes(r2, v.first, v.r1)
		c.addRoutes(r3, v.first, v.back)
	}
	first := c.workload("first", "host1", nets[0])
	beside := c.workload("beside", "host1", nets[0])
	last := c.workload("last", "host2", nets[3])

	c.scenario("through three routers", func(t *testing.T) {
		c.eventually("the routes are at work", func() error { return first.reaches(last.ip4()) })
		for _, to := range []string{last.ip4(), last.ip6()} {
			first.pings(to)
		}
		last.pings(first.ip6())
		if out := first.run("ping", "-n", "-c", "1", "-W", "60", last.ip4()); !strings.Contains(out, "ttl=61") {
			t.Errorf("three routers take three from the TTL of 64:\n%s", out)
		}
	})
	c.scenario("each router says that a packet has gone too far", func(t *testing.T) {
		for hops, by := range map[string][2]string{"1": {"10.33.0.1", "fd00:33::"}, "2": {"10.33.1.2", "fd00:33:1::2"}, "3": {"10.33.2.2", "fd00:33:2::2"}} {
			for i, to := range []string{last.ip4(), last.ip6()} {
				out, _ := output(first.command("ping", "-n", "-c", "1", "-W", "60", "-t", hops, to))
				if !strings.Contains(out, "From "+by[i]+" ") || !strings.Contains(out, "Time ") {
					t.Errorf("%s hops to %s, want an answer of %s:\n%s", hops, to, by[i], out)
				}
			}
		}
	})
	c.scenario("packets that the last network cannot carry", func(t *testing.T) {
		last.serves("tcp-sink", "5001")
		for to, says := range map[string]string{last.ip4(): "mtu = 1300", last.ip6(): "mtu=1300"} {
			c.hears(first, []string{says}, to, "-M", "do", "-s", "1380")
		}
		beside.sends(last.ip4()+":5001", 1<<20) // which finds the size by itself
		beside.sends("["+last.ip6()+"]:5001", 1<<20)
	})
	c.scenario("nobody has the address", func(t *testing.T) {
		for to, says := range map[string]string{
			nobodys([]string{"10.33.3.222", "10.33.3.223"}, last): "Destination Host Unreachable", "fd00:33:3::dead": "Address unreachable",
		} {
			out, _ := output(first.command("ping", "-n", "-c", "1", "-W", "60", to))
			if !strings.Contains(out, says) {
				t.Errorf("an address that nobody has:\n%s", out)
			}
		}
		out, _ := output(last.command("ping", "-n", "-c", "1", "-W", "60", "192.0.2.200"))
		if !strings.Contains(out, "Net Unreachable") {
			t.Errorf("a network without a route:\n%s", out)
		}
	})
	c.scenario("the longest prefix decides", func(t *testing.T) {
		wide, narrow := beside, c.workload("narrow", "host2", nets[0])
		wide.run("ip", "address", "add", "10.99.2.1/32", "dev", "lo")
		narrow.run("ip", "address", "add", "10.99.1.1/32", "dev", "lo")
		c.addRoutes(r1, "10.99.0.0/16", wide.ip4())
		c.eventually("the route is at work", func() error { return first.reaches("10.99.2.1") })
		first.doesNotReach("10.99.1.1")
		c.addRoutes(r1, "10.99.1.0/24", narrow.ip4())
		c.eventually("the longer one is", func() error { return first.reaches("10.99.1.1") })
		first.pings("10.99.2.1")
		c.set("routers/"+r1+"/remove_extraroutes",
			fmt.Sprintf(`{"router":{"routes":[{"destination":"10.99.1.0/24","nexthop":%q}]}}`, narrow.ip4()))
		c.eventually("it is gone", func() error { return first.fails("10.99.1.1") })
	})
	c.scenario("routes that change under traffic", func(t *testing.T) {
		wide, other := beside, c.workload("other", "host2", nets[0])
		for _, w := range []workload{wide, other} {
			w.run("ip", "address", "add", "10.99.3.1/32", "dev", "lo")
			w.serves("udp-echo", "10.99.3.1:5077")
		}
		other.serves("udp-echo", "10.99.3.1:5078")
		c.addRoutes(r1, "10.99.3.0/24", wide.ip4())
		c.eventually("the route is at work", func() error { return first.reaches("10.99.3.1") })
		f := first.flowsTo("10.99.3.1:5077")
		for range 2 {
			c.udp(first, "10.99.3.1:5078", false)
			c.addRoutes(r1, "10.99.3.1/32", other.ip4())
			c.udp(first, "10.99.3.1:5078", true)
			c.set("routers/"+r1+"/remove_extraroutes",
				fmt.Sprintf(`{"router":{"routes":[{"destination":"10.99.3.1/32","nexthop":%q}]}}`, other.ip4()))
		}
		c.udp(first, "10.99.3.1:5078", false)
		if r := f.ends(); r.LongestGap > time.Second || r.Answered < r.Sent*9/10 {
			t.Errorf("of what was sent meanwhile %d of %d were answered, with a gap of up to %v", r.Answered, r.Sent, r.LongestGap)
		}
	})
	c.scenario("routes to nowhere", func(t *testing.T) {
		for _, v := range []struct{ to, by, says string }{
			{"10.98.0.0/16", "10.33.1.77", "Destination Host Unreachable"}, {"fd00:98::/32", "fd00:33:1::77", "Address unreachable"},
		} {
			c.addRoutes(r1, v.to, v.by)
			to := strings.TrimSuffix(strings.SplitN(v.to, "/", 2)[0], "0.0") + "1.1"
			if strings.Contains(v.to, ":") {
				to = "fd00:98::1"
			}
			c.eventually("the sender hears that nobody has the next hop", func() error {
				out, _ := output(first.command("ping", "-n", "-c", "1", "-W", "5", to))
				if !strings.Contains(out, v.says) {
					return fmt.Errorf("%s", out)
				}
				return nil
			})
			c.tracesFrom(t, first, "udp "+traceEnds(first, to), "by route", "asks who has "+v.by)
		}
	})
	c.scenario("routers that send a packet back and forth", func(t *testing.T) {
		for to, hops := range map[string][2]string{"10.97.0.0/16": {"10.33.1.2", "10.33.1.1"}, "fd00:97::/32": {"fd00:33:1::2", "fd00:33:1::"}} {
			c.addRoutes(r1, to, hops[0])
			c.addRoutes(r2, to, hops[1])
		}
		for _, to := range []string{"10.97.1.1", "fd00:97::1"} {
			c.eventually("the walk tells of the circle", func() error {
				out := c.midonet("trace", "--state-dir", c.dir, first.port.ID, "udp", strings.Fields(traceEnds(first, to))[0], "to", strings.Fields(traceEnds(first, to))[2])
				if !strings.Contains(out, "devices already") {
					return fmt.Errorf("%s", out)
				}
				return nil
			})
			first.doesNotReach(to)
		}
		first.pings(last.ip4()) // the others go on
	})
	fip := c.floatingIP(beside)
	c.scenario("fragments", func(t *testing.T) {
		c.pings(beside, outside4, "-i", "0.2", "-s", fragmented) // by its floating address
		c.pings(first, outside4, "-i", "0.2", "-s", fragmented)  // by source translation
		c.pings(last, first.ip6(), "-i", "0.2", "-s", fragmented)
		c.pings(first, last.ip4(), "-i", "0.2", "-s", fragmented)
		c.pings(c.outsideMachine(), fip, "-i", "0.2", "-s", fragmented)
	})
	c.scenario("addresses that workloads make from what the router advertises", func(t *testing.T) {
		var made struct{ Network struct{ ID string } }
		c.post("networks", `{"network":{"name":"slaac","port_security_enabled":true}}`, &made)
		c.post("subnets", fmt.Sprintf(`{"subnet":{"network_id":%q,"ip_version":6,"cidr":"fd00:33:a::/64",
			"ipv6_ra_mode":"slaac","ipv6_address_mode":"slaac"}}`, made.Network.ID), nil)
		c.joins(r1, made.Network.ID)
		w := c.workload("slaac", "host2", made.Network.ID)
		c.eventually("the address is there", func() error {
			if out := w.run("ip", "-6", "address", "show", "dev", "eth0", "-tentative"); !strings.Contains(out, w.ip6()+"/64") {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
		c.eventually("the way to other networks is there", func() error { return w.reaches(first.ip6()) })
	})
}

// traceEnds is a UDP packet of the workload's, as midonet trace takes it.
func traceEnds(from workload, to string) string {
	if strings.Contains(to, ":") {
		return fmt.Sprintf("[%s]:1025 to [%s]:53", from.ip6(), to)
	}
	return fmt.Sprintf("%s:1025 to %s:53", from.ip4(), to)
}

// fragmented is the size of echo requests that have to be cut into fragments.
const fragmented = "5000"

// joinsAt gives the router one interface with these addresses on the network, or with such as Neutron draws.
func (c *cloud) joinsAt(router, network string, addresses ...string) {
	c.t.Helper()
	var fixed []string
	for _, a := range addresses {
		fixed = append(fixed, fmt.Sprintf(`{"ip_address":%q}`, a))
	}
	body := fmt.Sprintf(`"network_id":%q`, network)
	if len(fixed) > 0 {
		body += `,"fixed_ips":[` + strings.Join(fixed, ",") + `]`
	}
	var made struct{ Port neutronPort }
	c.post("ports", `{"port":{`+body+`}}`, &made)
	c.request(http.MethodPut, "routers/"+router+"/add_router_interface", fmt.Sprintf(`{"port_id":%q}`, made.Port.ID), nil)
}
