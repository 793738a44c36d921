package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddressModes: workloads get their IPv6 addresses and resolvers as the mode of their subnet says, from the router's
// advertisements and from DHCPv6, with the kernel's and Debian's own clients.
func TestAddressModes(t *testing.T) {
	t.Parallel()
	needsProgram(t, "dhclient")
	c := startCloud(t, 2)
	slaac := c.modeNetwork("slaac", "fd00:61::/64")
	stateful := c.modeNetwork("dhcpv6-stateful", "fd00:62::/64")
	stateless := c.modeNetwork("dhcpv6-stateless", "fd00:63::/64")
	c.inwardRouter("r6", slaac, stateful, stateless)

	var w workload
	c.scenario("slaac: the kernel forms the address", func(t *testing.T) {
		w = c.bare("auto", "host1", slaac)
		w.getsAddress(w.ip6())
		w.pings("fd00:61::1")
	})
	c.scenario("dhcpv6-stateful: the address and the resolver are leased", func(t *testing.T) {
		w := c.bare("leased", "host2", stateful)
		w.dhclient6()
		w.getsAddress(w.ip6())
		w.knowsResolver("2001:db8::53")
		w.pings("fd00:62::1")
	})
	c.scenario("dhcpv6-stateless: the kernel forms the address, the resolver is told", func(t *testing.T) {
		w := c.bare("told", "host1", stateless)
		w.getsAddress(w.ip6())
		w.dhclient6("-S")
		w.knowsResolver("2001:db8::53")
	})
	c.scenario("a router that leaves, or is switched off, is none to the kernel any more", func(t *testing.T) {
		routes := func(want bool) error {
			out, err := output(w.command("ip", "-6", "route", "show", "default", "proto", "ra"))
			if err != nil || strings.Contains(out, "default via fe80::") != want {
				return fmt.Errorf("its routes are %q, %v", out, err)
			}
			return nil
		}
		deprecated := func(want bool) error {
			out, err := output(w.command("ip", "-6", "-oneline", "address", "show", "dev", "eth0", "scope", "global"))
			if err != nil || !strings.Contains(out, w.ip6()) || strings.Contains(out, "deprecated") != want {
				return fmt.Errorf("its address is %q, %v", out, err)
			}
			return nil
		}
		router := c.routerNamed("r6")
		for _, step := range []struct {
			what, path, body string
			there            bool
		}{
			{"off", "routers/" + router, `{"router":{"admin_state_up":false}}`, false},
			{"on again", "routers/" + router, `{"router":{"admin_state_up":true}}`, true},
			{"away", "routers/" + router + "/remove_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, c.subnetOf(slaac)), false},
			{"back", "routers/" + router + "/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, c.subnetOf(slaac)), true},
		} {
			c.set(step.path, step.body)
			c.eventually(step.what+": the route", func() error { return routes(step.there) })
			c.eventually(step.what+": the address", func() error { return deprecated(!step.there) })
		}
	})
}

// subnetOf is the network's one subnet.
func (c *cloud) subnetOf(network string) string {
	c.t.Helper()
	var found struct{ Subnets []struct{ ID string } }
	c.request(http.MethodGet, "subnets?network_id="+network, "", &found)
	if len(found.Subnets) != 1 {
		c.t.Fatalf("network %s has %d subnets", network, len(found.Subnets))
	}
	return found.Subnets[0].ID
}

// inwardRouter makes a router without a gateway and with an interface on every subnet of the networks.
func (c *cloud) inwardRouter(name string, networks ...string) {
	c.t.Helper()
	var made struct{ Router struct{ ID string } }
	c.post("routers", fmt.Sprintf(`{"router":{"name":%q}}`, name), &made)
	for _, n := range networks {
		var found struct{ Subnets []struct{ ID string } }
		c.request(http.MethodGet, "subnets?network_id="+n, "", &found)
		for _, s := range found.Subnets {
			c.request(http.MethodPut, "routers/"+made.Router.ID+"/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, s.ID), nil)
		}
	}
}

// modeNetwork makes a network with one IPv6 subnet of the mode, whose gateway is ::1 and whose resolver is 2001:db8::53.
func (c *cloud) modeNetwork(mode, cidr string) string {
	c.t.Helper()
	network := c.makeNetwork(mode, true)
	c.post("subnets", fmt.Sprintf(`{"subnet":{"network_id":%q,"ip_version":6,"cidr":%q,"gateway_ip":%q,"ipv6_ra_mode":%q,
		"ipv6_address_mode":%q,"dns_nameservers":["2001:db8::53"]}}`, network, cidr, strings.Replace(cidr, "/64", "1", 1), mode, mode), nil)
	return network
}

// bare is a workload that nobody has given its IPv6 address, with the kernel's own configuration at work.
func (c *cloud) bare(name, host, network string) workload {
	c.t.Helper()
	w := c.workload(name, host, network)
	w.run("ip", "-6", "address", "flush", "dev", "eth0", "scope", "global")
	w.run("ip", "link", "set", "eth0", "down")
	w.run("sysctl", "-q", "-w", "net.ipv6.conf.eth0.accept_ra=1")
	w.run("ip", "link", "set", "eth0", "up")
	return w
}

func (w workload) getsAddress(address string) {
	w.c.t.Helper()
	w.c.eventually(w.name+" gets "+address, func() error {
		out, err := output(w.command("ip", "-6", "-oneline", "address", "show", "dev", "eth0", "scope", "global", "-tentative"))
		if err != nil || !strings.Contains(out, " "+address+"/") {
			return fmt.Errorf("it has %q, %v", out, err)
		}
		return nil
	})
}

// toldFile is where the client's script keeps what the workload was told.
func (w workload) toldFile() string { return filepath.Join(w.c.dir, "told-"+w.name) }

// clientScript is what dhclient calls with an answer.
const clientScript = `#!/bin/sh
[ -z "$new_ip6_address" ] || ip -6 address replace "$new_ip6_address/64" dev "$interface"
[ -z "$new_dhcp6_name_servers" ] || echo "$new_dhcp6_name_servers" >"$TOLD"
`

// dhclient6 has the client ask once, from the link-local address that it must have by then. It stays until the test ends.
func (w workload) dhclient6(args ...string) {
	w.c.t.Helper()
	w.linkLocal()
	script, leases := filepath.Join(w.c.dir, "dhclient6-script"), filepath.Join(w.c.dir, "leases6-"+w.name)
	if err := os.WriteFile(script, []byte(clientScript), 0o700); err != nil {
		w.c.t.Fatal(err)
	}
	all := append([]string{"timeout", "60", "dhclient", "-6", "-1", "-v", "-lf", leases, "-pf", leases + ".pid", "-sf", script, "-cf", "/dev/null",
		"-e", "TOLD=" + w.toldFile()}, args...)
	w.run(append(all, "eth0")...)
}

func (w workload) knowsResolver(address string) {
	w.c.t.Helper()
	w.c.eventually(w.name+" is told of its resolver", func() error {
		told, err := os.ReadFile(w.toldFile())
		if err != nil || strings.TrimSpace(string(told)) != address {
			return fmt.Errorf("it was told %q, %v", told, err)
		}
		return nil
	})
}
