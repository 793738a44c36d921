package e2e

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestFiltering: what security groups, port security and switched-off resources let through, within a host and across hosts, for IPv4
// and IPv6.
func TestFiltering(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	blue := c.securedNetwork("blue", "10.32.1.0/24", "fd00:32:1::/64")
	server := c.workload("server", "host1", blue)
	near := c.workload("near", "host1", blue)
	far := c.workload("far", "host2", blue)
	clients := []workload{near, far}
	for _, port := range []string{"5001", "5002", "5003"} {
		server.serves("tcp-echo", port)
	}
	server.serves("udp-mirror", ":5004")
	addresses := []string{server.ip4(), "[" + server.ip6() + "]"}
	group := c.group("servers", true)
	c.uses(server, group)

	c.scenario("nothing comes in by default, DHCP apart", func(t *testing.T) {
		for _, w := range clients {
			for _, a := range addresses {
				c.tcp(w, a+":5001", false)
			}
			c.eventually("no answer", func() error { return w.fails(server.ip4()) })
		}
		server.lease(t)
		near.pings(far.ip4()) // the default group lets its members in
		near.pings(far.ip6())
		server.doesNotReach(near.ip4()) // which the server is not
	})
	for _, version := range []string{"IPv4", "IPv6"} {
		address := addresses[0]
		if version == "IPv6" {
			address = addresses[1]
		}
		ether := fmt.Sprintf(`"ethertype":%q,`, version)
		c.scenario("a range of ports of a protocol, "+version, func(t *testing.T) {
			rule := c.allow(group, ether+`"protocol":"tcp","port_range_min":5001,"port_range_max":5002`)
			for _, w := range clients {
				c.tcp(w, address+":5001", true)
				c.tcp(w, address+":5002", true)
				c.tcp(w, address+":5003", false)
				c.udp(w, address+":5004", false)
			}
			c.withdraw(rule)
			c.tcp(near, address+":5001", false)
			c.tcp(far, address+":5001", false)
		})
		c.scenario("a prefix, "+version, func(t *testing.T) {
			prefix := near.ip4() + "/32"
			if version == "IPv6" {
				prefix = near.ip6() + "/128"
			}
			rule := c.allow(group, ether+fmt.Sprintf(`"protocol":"udp","port_range_min":5004,"port_range_max":5004,"remote_ip_prefix":%q`, prefix))
			c.udp(near, address+":5004", true)
			c.udp(far, address+":5004", false)
			c.withdraw(rule)
			c.udp(near, address+":5004", false)
		})
	}
	c.scenario("connections across hosts, of which the agents hear when they have begun", func(t *testing.T) {
		rule := c.allow(group, `"ethertype":"IPv4","protocol":"tcp","port_range_min":5001,"port_range_max":5001`)
		c.eventually("both hosts' agents hear of one", func() error {
			c.tcp(far, addresses[0]+":5001", true)
			begun, opened := c.counted("host2", "midonet_agent_connections_begun_total"), c.counted("host1", "midonet_agent_connections_opened_total")
			if begun == 0 || opened == 0 {
				return fmt.Errorf("%v were begun, and %v heard of", begun, opened)
			}
			return nil
		})
		c.withdraw(rule)
		c.tcp(far, addresses[0]+":5001", false)
		c.eventually("status tells of them", func() error {
			if out := c.midonet("status", "--state-dir", c.dir); strings.Count(out, "connections begun by the flow cache ") != 2 {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
	})
	c.scenario("a rule that goes takes its connections along, and when it is back they go on", func(t *testing.T) {
		open := func() (rules []string) {
			for _, version := range []string{"IPv4", "IPv6"} {
				rules = append(rules, c.allow(group, fmt.Sprintf(`"ethertype":%q,"protocol":"tcp","port_range_min":5001,"port_range_max":5001`, version)))
			}
			for _, a := range addresses {
				c.tcp(far, a+":5001", true)
			}
			return rules
		}
		rules := open()
		var flows []*flow
		for _, a := range addresses {
			flows = append(flows, far.connects(a+":5001"))
		}
		for _, r := range rules {
			c.withdraw(r)
		}
		for _, a := range addresses {
			c.tcp(far, a+":5001", false)
		}
		const closed = 500 * time.Millisecond
		time.Sleep(closed)
		rules = open()
		for i, f := range flows {
			if r := f.ends(); r.Answered != r.Sent || r.LongestGap < closed {
				t.Errorf("of a connection to %s %d of %d were answered, with a gap of %v", addresses[i], r.Answered, r.Sent, r.LongestGap)
			}
		}
		for _, r := range rules {
			c.withdraw(r)
		}
	})
	c.scenario("members of a remote group, as they come and go", func(t *testing.T) {
		friends := c.group("friends", true)
		c.allow(group, fmt.Sprintf(`"ethertype":"IPv4","remote_group_id":%q`, friends))
		c.allow(group, fmt.Sprintf(`"ethertype":"IPv6","remote_group_id":%q`, friends))
		old := c.groupsOf(far)
		for _, a := range addresses {
			c.tcp(far, a+":5001", false)
		}
		c.uses(far, friends)
		for _, a := range addresses {
			c.tcp(far, a+":5001", true)
			c.tcp(near, a+":5001", false)
		}
		c.uses(far, old...)
		for _, a := range addresses {
			c.tcp(far, a+":5001", false)
		}
		var theirs struct {
			Group struct{ ID string } `json:"security_group"`
		}
		c.post("security-groups", `{"security_group":{"name":"theirs","project_id":"another"}}`, &theirs)
		rules := []string{c.allow(group, fmt.Sprintf(`"ethertype":"IPv4","remote_group_id":%q`, theirs.Group.ID)),
			c.allow(group, fmt.Sprintf(`"ethertype":"IPv6","remote_group_id":%q`, theirs.Group.ID))}
		c.uses(far, theirs.Group.ID)
		for _, a := range addresses {
			c.tcp(far, a+":5001", true)
			c.tcp(near, a+":5001", false)
		}
		c.uses(far, old...)
		for _, r := range rules {
			c.withdraw(r)
		}
	})
	c.scenario("an address group", func(t *testing.T) {
		var made struct {
			Group struct{ ID string } `json:"address_group"`
		}
		c.post("address-groups", fmt.Sprintf(`{"address_group":{"name":"known","addresses":["%s/32","%s/128"]}}`, near.ip4(), near.ip6()), &made)
		rules := []string{
			c.allow(group, fmt.Sprintf(`"ethertype":"IPv4","protocol":"tcp","remote_address_group_id":%q`, made.Group.ID)),
			c.allow(group, fmt.Sprintf(`"ethertype":"IPv6","protocol":"tcp","remote_address_group_id":%q`, made.Group.ID)),
		}
		for _, a := range addresses {
			c.tcp(near, a+":5001", true)
			c.tcp(far, a+":5001", false)
		}
		c.set("address-groups/"+made.Group.ID+"/add_addresses", fmt.Sprintf(`{"addresses":["%s/32","%s/128"]}`, far.ip4(), far.ip6()))
		for _, a := range addresses {
			c.tcp(far, a+":5001", true)
		}
		c.set("address-groups/"+made.Group.ID+"/remove_addresses", fmt.Sprintf(`{"addresses":["%s/32"]}`, far.ip4()))
		c.tcp(far, addresses[0]+":5001", false)
		c.tcp(far, addresses[1]+":5001", true)
		for _, r := range rules {
			c.withdraw(r)
		}
		c.request(http.MethodDelete, "address-groups/"+made.Group.ID, "", nil)
	})
	c.scenario("types of ICMP", func(t *testing.T) {
		rules := []string{
			c.allow(group, `"ethertype":"IPv4","protocol":"icmp","port_range_min":8,"port_range_max":0`),
			c.allow(group, `"ethertype":"IPv6","protocol":"ipv6-icmp","port_range_min":129`),
		}
		c.eventually("echo requests pass", func() error { return far.reaches(server.ip4()) })
		far.doesNotReach(server.ip6()) // the rule is for answers, type 129
		rules = append(rules, c.allow(group, `"ethertype":"IPv6","protocol":"ipv6-icmp","port_range_min":128`))
		c.eventually("echo requests pass", func() error { return far.reaches(server.ip6()) })
		for _, r := range rules {
			c.withdraw(r)
		}
		c.eventually("and no longer", func() error { return far.fails(server.ip4()) })
	})
	c.scenario("what goes out", func(t *testing.T) {
		strict := c.group("strict", true)
		for _, r := range c.rulesOf(strict) {
			c.withdraw(r)
		}
		old := c.groupsOf(server)
		far.serves("tcp-echo", "5005")
		open := c.group("open", true)
		c.allow(open, `"ethertype":"IPv4"`)
		c.uses(far, open)
		c.uses(server, strict)
		c.tcp(server, far.ip4()+":5005", false)
		server.lease(t)
		c.rule(strict, "egress", fmt.Sprintf(`"ethertype":"IPv4","protocol":"tcp","port_range_min":5005,"port_range_max":5005,"remote_ip_prefix":"%s/32"`, far.ip4()))
		c.tcp(server, far.ip4()+":5005", true)
		server.doesNotReach(far.ip4())
		c.uses(server, old...)
	})
	c.scenario("a stateless group lets no answers in that no rule names", func(t *testing.T) {
		stateless := c.group("stateless", false)
		old := c.groupsOf(far)
		open := c.group("answers", true)
		c.allow(open, `"ethertype":"IPv4"`)
		c.allow(open, `"ethertype":"IPv6"`)
		c.uses(near, open)
		near.serves("udp-mirror", ":5006")
		c.uses(far, stateless)
		for version, address := range map[string]string{"IPv4": near.ip4() + ":5006", "IPv6": "[" + near.ip6() + "]:5006"} {
			c.udp(far, address, false)
			c.allow(stateless, fmt.Sprintf(`"ethertype":%q,"protocol":"udp"`, version))
			c.udp(far, address, true)
		}
		c.uses(far, old...)
	})
	c.scenario("allowed address pairs", func(t *testing.T) {
		open := c.group("all", true)
		c.allow(open, `"ethertype":"IPv4"`)
		c.allow(open, `"ethertype":"IPv6"`)
		c.uses(server, open)
		pair := nobodys([]string{"10.32.1.240", "10.32.1.241", "10.32.1.242", "10.32.1.243"}, server, near, far)
		const pair6 = "fd00:32:1:0:f::9"
		far.run("ip", "address", "add", pair+"/32", "dev", "eth0")
		far.run("ip", "address", "add", pair6+"/128", "dev", "eth0", "nodad")
		pings := func(address, to string) error {
			out, err := output(far.command("ping", "-n", "-c", "1", "-W", "1", "-I", address, to))
			if err != nil {
				return fmt.Errorf("%w\n%s", err, out)
			}
			return nil
		}
		from := func() error { return pings(pair, server.ip4()) }
		from6 := func() error { return pings(pair6, server.ip6()) }
		if from() == nil || from6() == nil {
			t.Error("an address that is not the port's passed")
		}
		c.set("ports/"+far.port.ID, `{"port":{"allowed_address_pairs":[{"ip_address":"10.32.1.240/28"},{"ip_address":"fd00:32:1:0:f::/80"}]}}`)
		c.eventually("the pair is at work", from)
		c.eventually("the pair of IPv6 is", from6)
		c.set("ports/"+far.port.ID, `{"port":{"allowed_address_pairs":[]}}`)
		c.eventually("the pair is gone", func() error { return opposite(from()) })
		c.eventually("the pair of IPv6 is", func() error { return opposite(from6()) })
		c.set("ports/"+far.port.ID, `{"port":{"security_groups":[],"port_security_enabled":false}}`)
		c.eventually("port security is off", from)
		c.eventually("of IPv6 too", from6)
		c.eventually("and everything comes in", func() error { return server.reaches(far.ip6()) })
	})
	c.scenario("what is switched off", func(t *testing.T) {
		for _, path := range []string{"port ports/" + server.port.ID, "port ports/" + far.port.ID, "network networks/" + blue} {
			c.switchesOff(t, path, far, server)
		}
	})
	c.scenario("a router that is switched off", func(t *testing.T) {
		red := c.network("red", "10.32.2.0/24", "fd00:32:2::/64")
		router := c.insideRouter("inside", blue, red)
		r := c.workload("r", "host2", red)
		r.serves("tcp-echo", "5001")
		far.lease(t)
		c.switchesOff(t, "router routers/"+router, far, r)
	})
}

// switchesOff has the resource, "KIND PATH", switched off and on again. Meanwhile nothing goes from one workload to the other, where a tcp-echo serves
// port 5001: of connections that stand as little as of new ones.
func (c *cloud) switchesOff(t *testing.T, resource string, from, to workload) {
	t.Helper()
	kind, path, _ := strings.Cut(resource, " ")
	addresses := []string{to.ip4(), to.ip6()}
	var flows []*flow
	for _, a := range addresses {
		c.eventually("it is on", func() error { return from.reaches(a) })
		c.tcp(from, netip.AddrPortFrom(netip.MustParseAddr(a), 5001).String(), true)
		flows = append(flows, from.connects(netip.AddrPortFrom(netip.MustParseAddr(a), 5001).String()))
	}
	c.set(path, fmt.Sprintf(`{%q:{"admin_state_up":false}}`, kind))
	for _, a := range addresses {
		c.eventually(path+" is off", func() error { return from.fails(a) })
	}
	const off = 500 * time.Millisecond
	time.Sleep(off)
	c.set(path, fmt.Sprintf(`{%q:{"admin_state_up":true}}`, kind))
	for i, a := range addresses {
		c.eventually(path+" is on again", func() error { return from.reaches(a) })
		if r := flows[i].ends(); r.Answered != r.Sent || r.LongestGap < off {
			t.Errorf("%s: of a connection to %s that stood, %d of %d were answered, with a gap of %v", path, a, r.Answered, r.Sent, r.LongestGap)
		}
	}
}

// opposite is an error where there is none.
func opposite(err error) error {
	if err == nil {
		return fmt.Errorf("it still goes through")
	}
	return nil
}

// group makes a security group.
func (c *cloud) group(name string, stateful bool) string {
	c.t.Helper()
	var made struct {
		Group struct{ ID string } `json:"security_group"`
	}
	c.post("security-groups", fmt.Sprintf(`{"security_group":{"name":%q,"stateful":%t}}`, name, stateful), &made)
	return made.Group.ID
}

// uses gives the workload's port these security groups in place of those that it had.
func (c *cloud) uses(w workload, groups ...string) {
	c.t.Helper()
	c.set("ports/"+w.port.ID, `{"port":{"security_groups":["`+strings.Join(groups, `","`)+`"]}}`)
}

func (c *cloud) groupsOf(w workload) []string {
	c.t.Helper()
	var now struct {
		Port struct {
			Groups []string `json:"security_groups"`
		}
	}
	c.request(http.MethodGet, "ports/"+w.port.ID, "", &now)
	return now.Port.Groups
}

func (c *cloud) rulesOf(group string) []string {
	c.t.Helper()
	var found struct {
		Rules []struct{ ID string } `json:"security_group_rules"`
	}
	c.request(http.MethodGet, "security-group-rules?security_group_id="+group, "", &found)
	var all []string
	for _, r := range found.Rules {
		all = append(all, r.ID)
	}
	return all
}

// withdraw deletes a rule of a security group.
func (c *cloud) withdraw(rule string) {
	c.t.Helper()
	c.request(http.MethodDelete, "security-group-rules/"+rule, "", nil)
}

// tcp and udp wait until the tool at the address answers the workload, or does not.
func (c *cloud) tcp(w workload, address string, want bool) { c.answers(w, "tcp-try", address, want) }
func (c *cloud) udp(w workload, address string, want bool) { c.answers(w, "udp-try", address, want) }

func (c *cloud) answers(w workload, tool, address string, want bool) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("%s of %s to %s answered is %v", tool, w.name, address, want), func() error {
		out, err := output(w.tool(tool, address))
		if (err == nil) != want {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
}

// insideRouter makes a router without a gateway, with an interface on every subnet of the networks.
func (c *cloud) insideRouter(name string, networks ...string) string {
	c.t.Helper()
	var made struct{ Router struct{ ID string } }
	c.post("routers", fmt.Sprintf(`{"router":{"name":%q}}`, name), &made)
	for _, n := range networks {
		c.joins(made.Router.ID, n)
	}
	return made.Router.ID
}

// joins gives the router an interface on each subnet of the network, with the subnet's gateway address.
func (c *cloud) joins(router, network string) {
	c.t.Helper()
	var subnets struct{ Subnets []struct{ ID string } }
	c.request(http.MethodGet, "subnets?network_id="+network, "", &subnets)
	for _, s := range subnets.Subnets {
		c.request(http.MethodPut, "routers/"+router+"/add_router_interface", fmt.Sprintf(`{"subnet_id":%q}`, s.ID), nil)
	}
}
