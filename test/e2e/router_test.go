package e2e

import (
	"fmt"
	"net/http"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/sandbox"
)

// The machine outside the virtual network has these addresses (package sandbox).
const (
	outside4 = "198.51.100.1"
	outside6 = "2001:db8:64::1"
)

// TestRoutersAndTheWayOut: two networks, a router between them and to the outside, security groups and floating addresses, over three
// hosts, driven through the Networking API alone. The uplink is on a host without workloads, so that every packet to the outside
// crosses the underlay.
func TestRoutersAndTheWayOut(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.30.1.0/24", "fd00:30:1::/64")
	red := c.securedNetwork("red", "10.30.2.0/24", "fd00:30:2::/64")
	router := c.router("r1", "public", blue, red)
	b1 := c.workload("b1", "host1", blue)
	b2 := c.workload("b2", "host2", blue)
	r1 := c.workload("r1", "host2", red)

	c.scenario("between networks, within a host and across hosts", func(t *testing.T) {
		for _, pair := range [][2]workload{{b1, b2}, {b1, r1}, {r1, b2}} {
			for _, to := range []string{pair[1].ip4(), pair[1].ip6()} {
				c.eventually("the hosts have heard of both", func() error { return pair[0].reaches(to) })
				pair[0].pings(to)
			}
		}
		r1.serves("tcp-sink", "5001")
		b1.sends(r1.ip4()+":5001", 8<<20)
		b1.sends("["+r1.ip6()+"]:5001", 8<<20)
	})
	c.scenario("the router answers, and says when a packet has gone too far", func(t *testing.T) {
		for _, address := range []string{"10.30.1.1", "10.30.2.1", "fd00:30:1::", "fd00:30:2::"} {
			b1.pings(address)
		}
		for _, to := range []string{r1.ip4(), r1.ip6()} {
			out, _ := output(b1.command("ping", "-n", "-c", "1", "-W", "60", "-t", "1", to))
			if !strings.Contains(out, "Time to live exceeded") && !strings.Contains(out, "Time exceeded: Hop limit") {
				t.Errorf("a packet with one hop left to %s:\n%s", to, out)
			}
		}
	})
	c.outsideServes("udp-mirror", outside4+":5004")
	c.scenario("the outside is reached by source translation", func(t *testing.T) {
		gateway := c.gatewayAddress(router)
		b1.pings(outside4)
		r1.pings(outside4)
		c.outsideServes("tcp-sink", "5003")
		b1.sends(outside4+":5003", 4<<20)
		if seen := c.seenOutside(b1); seen != gateway {
			t.Errorf("the outside sees %s, want the router's address %s", seen, gateway)
		}
	})
	c.scenario("connections by source translation, of which the agents hear when they have begun", func(t *testing.T) {
		counted := func() [2]float64 {
			return [2]float64{c.counted("host1", "midonet_agent_connections_begun_total"), c.counted("host3", "midonet_agent_connections_opened_total")}
		}
		c.outsideServes("tcp-echo", "5005")
		for kind, connect := range map[string]func(){"TCP": func() { b1.connects(outside4 + ":5005").ends() }, "UDP": func() { c.seenOutside(b1) }} {
			before := counted()
			c.eventually("both hosts' agents hear of one, of "+kind, func() error {
				connect()
				if now := counted(); now[0] == before[0] || now[1] == before[1] {
					return fmt.Errorf("%v have been begun and heard of, after %v", now, before)
				}
				return nil
			})
		}
	})
	fip := c.floatingIP(b1)
	c.scenario("a floating address answers the outside where the security group lets it", func(t *testing.T) {
		if out, err := c.outside("ping", "-n", "-c", "1", "-W", "1", fip); err == nil {
			t.Errorf("the outside reaches %s though no rule allows it:\n%s", fip, out)
		}
		c.allowPings()
		c.eventually("the rule is at work", func() error {
			_, err := c.outside("ping", "-n", "-c", "1", "-W", "1", fip)
			return err
		})
		c.pings(c.outsideMachine(), fip, "-i", "0.2")
		c.isSeenAs(b1, outside4+":5004", fip)
		r1.pings(fip) // east-west, through the router's gateway
		b1.pings(outside4)
	})
	c.scenario("nothing goes out of a workload that is not its own", func(t *testing.T) {
		madeUp := nobodys([]string{"10.30.1.250", "10.30.1.251", "10.30.1.252"}, b1, b2)
		b2.run("ip", "address", "add", madeUp+"/24", "dev", "eth0")
		out, err := output(b2.command("ping", "-n", "-c", "1", "-W", "1", "-I", madeUp, b1.ip4()))
		if err == nil {
			t.Errorf("a made-up source address passed:\n%s", out)
		}
		b2.run("ip", "address", "delete", madeUp+"/24", "dev", "eth0")
		b2.pings(b1.ip4())
	})
	c.scenario("IPv6 is routed to the outside without translation", func(t *testing.T) {
		c.routesIn(router, "fd00:30::/32", b1)
		b1.pings(outside6)
		r1.pings(outside6)
		for args, says := range map[string]string{"-t 2": "Hop limit", "-M do -s 1430": "mtu"} { // of the edge, and of r1
			c.hears(c.outsideMachine(), []string{says}, b1.ip6(), strings.Fields(args)...)
		}
	})
}

// routesIn leads a prefix of IPv6 from the outside, with the uplink of host3, to the router, and waits until the workload behind it is answered.
func (c *cloud) routesIn(router, prefix string, behind workload) {
	c.t.Helper()
	c.addRoutes(c.routerNamed("mn-edge"), prefix, c.gatewayAddress6(router))
	if out, err := c.outside("ip", "-6", "route", "add", prefix, "via", "fd1a:6fd3:a22:3::1"); err != nil {
		c.t.Fatal(err, out)
	}
	c.eventually("the route is at work", func() error {
		_, err := output(behind.command("ping", "-n", "-c", "1", "-W", "1", outside6))
		return err
	})
}

// securedNetwork is network with port security, as Neutron has it by default.
func (c *cloud) securedNetwork(name string, ranges ...string) string {
	c.t.Helper()
	return c.makeNetwork(name, true, ranges...)
}

// router makes a router with a gateway on the external network and an interface on every subnet of the networks. The sandbox takes away the
// gateway with the external network, which is its own.
func (c *cloud) router(name, external string, networks ...string) string {
	c.t.Helper()
	var found struct{ Networks []struct{ ID string } }
	c.request(http.MethodGet, "networks?name="+external, "", &found)
	if len(found.Networks) != 1 {
		c.t.Fatalf("there are %d networks called %s", len(found.Networks), external)
	}
	var made struct{ Router struct{ ID string } }
	c.post("routers", fmt.Sprintf(`{"router":{"name":%q,"external_gateway_info":{"network_id":%q}}}`, name, found.Networks[0].ID), &made)
	for _, n := range networks {
		c.joins(made.Router.ID, n)
	}
	return made.Router.ID
}

func (c *cloud) routerNamed(name string) string {
	c.t.Helper()
	var found struct{ Routers []struct{ ID string } }
	c.request(http.MethodGet, "routers?name="+name, "", &found)
	if len(found.Routers) != 1 {
		c.t.Fatalf("there are %d routers called %s", len(found.Routers), name)
	}
	return found.Routers[0].ID
}

func (c *cloud) addRoutes(router, destination, nextHop string) {
	c.t.Helper()
	c.request(http.MethodPut, "routers/"+router+"/add_extraroutes",
		fmt.Sprintf(`{"router":{"routes":[{"destination":%q,"nexthop":%q}]}}`, destination, nextHop), nil)
}

// gatewayAddress and gatewayAddress6 are the router's on the external network.
func (c *cloud) gatewayAddress(router string) string  { return c.gateway(router, netip.Addr.Is4) }
func (c *cloud) gatewayAddress6(router string) string { return c.gateway(router, netip.Addr.Is6) }

func (c *cloud) gateway(router string, of func(netip.Addr) bool) string {
	c.t.Helper()
	var now struct {
		Router struct {
			Gateway struct {
				FixedIPs []struct {
					Address netip.Addr `json:"ip_address"`
				} `json:"external_fixed_ips"`
			} `json:"external_gateway_info"`
		}
	}
	c.request(http.MethodGet, "routers/"+router, "", &now)
	for _, ip := range now.Router.Gateway.FixedIPs {
		if of(ip.Address) {
			return ip.Address.String()
		}
	}
	c.t.Fatalf("router %s has no such gateway address", router)
	return ""
}

// floatingIP and floatingIP6 give the workload's IPv4 address a floating one of IPv4 and of IPv6.
func (c *cloud) floatingIP(w workload) string  { return c.floatingIPOf(w, 4) }
func (c *cloud) floatingIP6(w workload) string { return c.floatingIPOf(w, 6) }

func (c *cloud) floatingIPOf(w workload, version int) string {
	c.t.Helper()
	var found struct{ Networks []struct{ ID string } }
	c.request(http.MethodGet, "networks?name=public", "", &found)
	var subnets struct {
		Subnets []struct {
			ID      string
			Version int `json:"ip_version"`
		}
	}
	c.request(http.MethodGet, "subnets?network_id="+found.Networks[0].ID, "", &subnets)
	for _, s := range subnets.Subnets {
		if s.Version != version {
			continue
		}
		var made struct {
			FloatingIP struct {
				ID      string
				Address string `json:"floating_ip_address"`
			} `json:"floatingip"`
		}
		c.post("floatingips", fmt.Sprintf(`{"floatingip":{"floating_network_id":%q,"subnet_id":%q,"port_id":%q,"fixed_ip_address":%q}}`,
			found.Networks[0].ID, s.ID, w.port.ID, w.ip4()), &made)
		c.t.Cleanup(func() { c.request(http.MethodDelete, "floatingips/"+made.FloatingIP.ID, "", nil) })
		return made.FloatingIP.Address
	}
	c.t.Fatalf("the external network has no IPv%d subnet", version)
	return ""
}

// allowPings lets ICMP into the default security groups, all of them.
func (c *cloud) allowPings() {
	c.t.Helper()
	var found struct {
		Groups []struct{ ID string } `json:"security_groups"`
	}
	c.request(http.MethodGet, "security-groups?name=default", "", &found)
	for _, g := range found.Groups {
		for _, rule := range []string{`"ethertype":"IPv4","protocol":"icmp"`, `"ethertype":"IPv6","protocol":"ipv6-icmp"`} {
			c.post("security-group-rules",
				fmt.Sprintf(`{"security_group_rule":{"security_group_id":%q,"direction":"ingress",%s}}`, g.ID, rule), nil)
		}
	}
}

// nobodys returns the first of the addresses that none of the workloads has, which Neutron draws at random.
func nobodys(addresses []string, workloads ...workload) string {
	return addresses[slices.IndexFunc(addresses, func(a string) bool {
		return !slices.ContainsFunc(workloads, func(w workload) bool { return w.ip4() == a })
	})]
}

// outside runs a command on the machine outside.
func (c *cloud) outside(argv ...string) (string, error) {
	c.t.Helper()
	return output(c.outsideMachine().command(argv...))
}

func (c *cloud) outsideMachine() elsewhere {
	c.t.Helper()
	return elsewhere{c, c.outsideNamespace()}
}

func (c *cloud) outsideNamespace() string {
	c.t.Helper()
	s, err := sandbox.New(sandbox.Config{StateDir: c.dir})
	if err != nil {
		c.t.Fatal(err)
	}
	return s.OutsideNamespace()
}

// outsideServes starts a traffic tool on the machine outside that serves until the test ends.
func (c *cloud) outsideServes(name, at string) {
	c.t.Helper()
	c.serves(c.outsideTool(name, at), name+" outside")
}

// outsideTool is a traffic tool on the machine outside.
func (c *cloud) outsideTool(name string, args ...string) *exec.Cmd {
	c.t.Helper()
	return c.outsideMachine().tool(name, args...)
}

// seenOutside returns the source address that the outside, where a udp-mirror serves, sees of the workload's datagrams.
func (c *cloud) seenOutside(w workload) string {
	c.t.Helper()
	return w.seenBy(outside4 + ":5004")
}

// sourceSeen returns the address in what a udp-mirror answers to a udp-ask.
func (c *cloud) sourceSeen(ask *exec.Cmd) string {
	c.t.Helper()
	out, err := output(ask)
	if err != nil {
		c.t.Fatalf("%v: %v\n%s", ask, err, out)
	}
	peer, err := netip.ParseAddrPort(strings.TrimSpace(out))
	if err != nil {
		c.t.Fatal(err)
	}
	return peer.Addr().Unmap().String()
}
