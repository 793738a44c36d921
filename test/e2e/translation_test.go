package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTranslations: what routers translate, between hosts, projects and the outside. The uplink is on a host of its own.
func TestTranslations(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.31.1.0/24", "fd00:31:1::/64")
	green := c.securedNetwork("green", "10.31.2.0/24", "fd00:31:2::/64")
	router := c.router("r1", "public", blue)
	c.router("r2", "public", green)
	b1 := c.workload("b1", "host1", blue)
	b2 := c.workload("b2", "host2", blue)
	plain := c.workload("plain", "host1", blue)
	g1 := c.workload("g1", "host2", green)
	c.allowAll()
	for _, w := range []workload{b1, b2, g1} {
		w.serves("tcp-echo", "5001")
		w.serves("udp-mirror", ":5004")
	}
	c.outsideServes("udp-mirror", outside4+":5004")
	c.outsideServes("udp-echo", outside4+":5005")

	c.scenario("fragments through source translation, and answers in fragments", func(t *testing.T) {
		for _, w := range []workload{b1, b2, g1} {
			for _, size := range []string{"3000", "30000"} {
				if out, err := output(w.tool("udp-large", outside4+":5005", size)); err != nil {
					t.Errorf("%s: %v\n%s", w.name, err, out)
				}
			}
		}
	})
	c.scenario("a port of an address is forwarded to a workload", func(t *testing.T) {
		address := c.forwardsPorts(b1, map[string][2]int{"tcp": {7001, 5001}, "udp": {7004, 5004}})
		c.outsideConnects(address + ":7001")
		if from, err := output(c.outsideTool("udp-ask", address+":7004")); err != nil {
			t.Errorf("a datagram to a forwarded port: %v\n%s", err, from)
		}
		if out, err := output(c.outsideTool("tcp-try", address+":7002")); err == nil {
			t.Errorf("a port that nobody forwards answers:\n%s", out)
		}
		g1.connects(address+":7001").endsWell(t, time.Second)
	})
	fip1, fip2, fip3 := c.floatingIP(b1), c.floatingIP(b2), c.floatingIP(g1)
	c.scenario("workloads reach each other by floating addresses", func(t *testing.T) {
		for _, way := range []struct {
			from     workload
			to, seen string
		}{{b1, fip2, fip1}, {b2, fip1, fip2}, {b1, fip3, fip1}, {g1, fip1, fip3}, {b2, fip3, fip2}, {b1, fip1, fip1}} {
			c.isSeenAs(way.from, way.to+":5004", way.seen)
			way.from.pings(way.to)
			way.from.connects(way.to+":5001").endsWell(t, time.Second)
		}
		c.outsideConnects(fip1 + ":5001")
		c.outsideConnects(fip3 + ":5001")
	})
	c.scenario("a floating address that goes to another workload", func(t *testing.T) {
		heir := c.workload("heir", "host2", blue)
		fip := c.floatingIP(plain)
		plain.serves("udp-mirror", ":5014")
		heir.serves("udp-mirror", ":5015")
		answers := func(port string, want bool) {
			c.eventually(fmt.Sprintf("%s answers at %s is %v", fip, port, want), func() error {
				if out, err := output(c.outsideTool("udp-try", fip+":"+port)); (err == nil) != want {
					return fmt.Errorf("%v %s", err, out)
				}
				return nil
			})
		}
		answers("5014", true)
		answers("5015", false)
		var found struct{ FloatingIPs []struct{ ID string } }
		c.request(http.MethodGet, "floatingips?floating_ip_address="+fip, "", &found)
		c.set("floatingips/"+found.FloatingIPs[0].ID, fmt.Sprintf(`{"floatingip":{"port_id":%q}}`, heir.port.ID))
		answers("5015", true)
		answers("5014", false)
		c.isSeenAs(heir, outside4+":5004", fip)
		c.isSeenAs(plain, outside4+":5004", c.gatewayAddress(router))
	})
	c.scenario("errors come back to who is behind an address", func(t *testing.T) {
		beyond := c.beyondOutside(1300)
		beyond.serves("tcp-echo", "5003")
		for _, w := range []workload{plain, b1} { // by source translation, and by a floating address
			refused(t, w.tool("udp-try", outside4+":5999"))
			c.hears(w, []string{"mtu = 1300"}, beyond4, "-M", "do", "-s", "1380")
			w.connects(beyond4+":5003").endsWell(t, 2*time.Second)
			for hops, by := range map[string]string{"1": "10.31.1.1", "2": "203.0.113.1", "3": "172.19.2.2"} {
				out, _ := output(w.command("ping", "-n", "-c", "1", "-W", "60", "-t", hops, beyond4))
				if !strings.Contains(out, "From "+by+" ") || !strings.Contains(out, "Time to live exceeded") {
					t.Errorf("%s sends a packet of %s hops, want an answer of %s:\n%s", w.name, hops, by, out)
				}
			}
		}
		refused(t, c.outsideTool("udp-try", fip1+":5999"))
		refused(t, g1.tool("udp-try", fip1+":5999"))
		refused(t, b2.tool("udp-try", fip1+":5999"))
		refused(t, c.outsideTool("udp-try", c.forwardsPorts(plain, map[string][2]int{"udp": {7005, 5998}})+":7005"))
		c.hears(c.outsideMachine(), []string{"mtu = 1450", "mtu=1450"}, fip1, "-M", "do", "-s", "1440") // by the edge, or knows it from before
		beyond.connects(fip1+":5001").endsWell(t, 2*time.Second)                                        // whose answers are too large for the way beyond
		if route := b1.run("ip", "route", "get", beyond4); !strings.Contains(route, "mtu 1300") {
			t.Errorf("b1 has not learned what the way carries:\n%s", route)
		}
	})
	c.scenario("floating addresses of a router's interface", func(t *testing.T) {
		inner := c.securedNetwork("inner", "10.31.4.0/24")
		r4 := c.insideRouter("r4", inner)
		t.Cleanup(func() { // of the external network, which the sandbox is to remove
			c.set("routers/"+r4, `{"router":{"routes":[]}}`)
			var on struct{ Ports []neutronPort }
			c.request(http.MethodGet, "ports?device_id="+r4+"&network_id="+c.find("networks", "public"), "", &on)
			c.request(http.MethodPut, "routers/"+r4+"/remove_router_interface", fmt.Sprintf(`{"port_id":%q}`, on.Ports[0].ID), nil)
		})
		c.joinsAt(r4, c.find("networks", "public"))
		w := c.workload("inner", "host2", inner)
		w.serves("tcp-echo", "5001")
		w.serves("udp-mirror", ":5004")
		other := c.workload("other", "host1", inner)
		other.serves("tcp-echo", "5001")
		fip, fip6 := c.floatingIP(w), c.floatingIP6(other)
		c.eventually("the address is at work", func() error { return g1.reaches(fip) })
		c.isSeenAs(g1, fip+":5004", fip3)
		c.isSeenAs(w, fip3+":5004", fip)
		refused(t, g1.tool("udp-try", fip+":5999"))
		w.connects(fip+":5001").endsWell(t, time.Second) // to itself
		if err := w.reaches(outside4); err == nil {
			t.Errorf("there is a way out, without a gateway and a route")
		}
		c.addRoutes(r4, "0.0.0.0/0", "203.0.113.1")
		c.addRoutes(r4, "::/0", "2001:db8:71::")
		c.eventually("the routes are at work", func() error { return w.reaches(outside4) })
		for _, at := range []string{fip, "[" + fip6 + "]"} {
			c.outsideConnects(at + ":5001")
			refused(t, c.outsideTool("udp-try", at+":5999"))
		}
		if seen := c.seenOutside(w); seen != fip {
			t.Errorf("the outside sees %s, want the floating address %s", seen, fip)
		}
	})
	c.scenario("an address that two workloads take over from each other", func(t *testing.T) {
		var made struct{ Port neutronPort }
		c.post("ports", fmt.Sprintf(`{"port":{"network_id":%q}}`, blue), &made) // which keeps the addresses, and is plugged in nowhere
		virtual := workload{c: c, name: "virtual", port: made.Port}
		for w, port := range map[*workload]string{&b1: "5011", &b2: "5012"} {
			c.set("ports/"+w.port.ID, fmt.Sprintf(`{"port":{"allowed_address_pairs":[{"ip_address":%q},{"ip_address":%q}]}}`, virtual.ip4(), virtual.ip6()))
			w.serves("tcp-echo", port)
			c.eventually("the host of "+w.name+" has heard that it may have the address", func() error {
				w.takes(virtual)
				defer w.leaves(virtual)
				out, err := output(plain.tool("tcp-try", virtual.ip4()+":"+port))
				if err != nil {
					return fmt.Errorf("%w\n%s", err, out)
				}
				return nil
			})
		}
		fip := c.floatingIP(virtual)
		for _, owner := range []struct {
			is, was workload
			port    string
		}{{b1, b2, "5011"}, {b2, b1, "5012"}, {b1, b2, "5011"}} {
			owner.was.leaves(virtual)
			owner.is.takes(virtual)
			for who, try := range map[string]func() *exec.Cmd{
				"a neighbour":         func() *exec.Cmd { return plain.tool("tcp-try", virtual.ip4()+":"+owner.port) },
				"a neighbour by IPv6": func() *exec.Cmd { return plain.tool("tcp-try", "["+virtual.ip6()+"]:"+owner.port) },
				"the outside":         func() *exec.Cmd { return c.outsideTool("tcp-try", fip+":"+owner.port) },
				"another project":     func() *exec.Cmd { return g1.tool("tcp-try", fip+":"+owner.port) },
			} {
				c.within(unheard, who+" reaches "+owner.is.name+" by the address", func() error {
					out, err := output(try())
					if err != nil {
						return fmt.Errorf("%w\n%s", err, out)
					}
					return nil
				})
			}
		}
		b1.leaves(virtual)
		c.eventually("nobody answers", func() error { return plain.fails(virtual.ip4()) })
	})
	c.scenario("no source translation where the gateway has none", func(t *testing.T) {
		plain.pings(outside4)
		c.setGateway(router, false)
		c.eventually("packets go out as they are, and get no answer", func() error { return plain.fails(outside4) })
		b1.pings(outside4) // by its floating address
		c.setGateway(router, true)
		c.eventually("translation is back", func() error { return plain.reaches(outside4) })
	})
	c.scenario("a router without a gateway", func(t *testing.T) {
		lonely := c.securedNetwork("lonely", "10.31.3.0/24")
		r3 := c.router("r3", "public", lonely)
		l1 := c.workload("l1", "host1", lonely)
		l1.pings(outside4)
		c.request(http.MethodPut, "routers/"+r3, `{"router":{"external_gateway_info":null}}`, nil)
		c.eventually("the way out is gone", func() error { return l1.fails(outside4) })
		l1.pings("10.31.3.1")
		c.setGateway(r3, true)
		c.eventually("the way out is back", func() error { return l1.reaches(outside4) })
	})
}

// TestConnectionsOutliveAgentsAndMoves: TCP connections through source translation and a floating address, and of IPv6 through filters, go
// on while the agents at either end start again, with the flows that are there and without any, and while the workload moves to another host.
func TestConnectionsOutliveAgentsAndMoves(t *testing.T) {
	c := startCloud(t, 3)
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.31.1.0/24", "fd00:31:1::/64")
	router := c.router("r1", "public", blue)
	translated := c.workload("translated", "host1", blue)
	floating := c.workload("floating", "host1", blue)
	peer := c.workload("peer", "host3", blue)
	c.allowAll()
	fip := c.floatingIP(floating)
	c.outsideServes("tcp-echo", "5003")
	c.routesIn(router, "fd00:31::/32", translated)
	floating.serves("tcp-echo", "5001")
	peer.serves("tcp-echo", "5001")
	all := func() map[string]*flow {
		flows := map[string]*flow{
			"through source translation":          translated.connects(outside4 + ":5003"),
			"from the outside, floating":          c.startFlow(c.outsideTool("tcp-flow", fip+":5001", flowInterval.String())),
			"to the outside, floating":            floating.connects(outside4 + ":5003"),
			"to the outside by IPv6":              translated.connects("[" + outside6 + "]:5003"),
			"within the network, through filters": translated.connects("[" + peer.ip6() + "]:5001"),
		}
		for _, w := range []workload{translated, floating} {
			w.pings(outside4) // by now the connections stand
		}
		return flows
	}
	ends := func(t *testing.T, flows map[string]*flow, gap time.Duration) {
		t.Helper()
		for name, f := range flows {
			t.Log(name)
			f.endsWell(t, gap)
		}
	}
	c.scenario("a move to another host", func(t *testing.T) {
		flows := all()
		floating = c.moves(floating, "host2")
		translated = c.moves(translated, "host2") // the last one of the network there, whose agent has been asked for no router by itself
		ends(t, flows, 6*time.Second)             // TCP sends again after a time that doubles
		translated.pings(outside4)
		translated.pings(peer.ip4())
	})
	for host, what := range map[string]string{"host2": "the workloads'", "host3": "the uplink's"} {
		c.scenario("an agent killed and started again on "+what+" host", func(t *testing.T) {
			flows := all()
			c.killAgent(host)
			c.sandbox("up", "--hosts", "3")
			translated.pings(outside4)
			ends(t, flows, 2*time.Second)
		})
	}
	for _, host := range []string{"host2", "host3"} {
		// As one of another version that keeps flows in another form: it knows the connections, and finds no flows.
		c.scenario("an agent on "+host+" that starts with an empty flow cache", func(t *testing.T) {
			flows := all()
			other := append(c.agentCommand(host), "--max-flows", "4096")
			c.killAgent(host)
			c.startAgent(host, other)
			c.eventually("the new agent serves", func() error { return translated.reaches(outside4) })
			if log, err := os.ReadFile(filepath.Join(c.dir, "sandbox", host, "agent.log")); err != nil || !strings.Contains(string(log), "map=flows") {
				t.Errorf("the earlier agent's flows are still there, so that this test shows nothing: %v", err)
			}
			ends(t, flows, 2*time.Second)
		})
		c.sandbox("up", "--hosts", "3") // with the scenario its agent has ended
	}
	c.scenario("a move while the old host's agent is away", func(t *testing.T) {
		old, other := translated.host, "host2"
		if old == other {
			other = "host1"
		}
		flows := all()
		c.killAgent(old)
		translated, floating = c.movesAnew(translated, other), c.movesAnew(floating, other)
		ends(t, flows, 8*time.Second)
		translated.pings(outside4) // which is not known of any host
		c.sandbox("up", "--hosts", "3")
		translated.pings(outside4)
		floating.pings(outside4)
	})
}

// refused fails the test unless the sender of a datagram, a udp-try, is told that nothing listens.
func refused(t *testing.T, try *exec.Cmd) {
	t.Helper()
	try.Args = append(try.Args, patience.String())
	if out, err := output(try); err == nil || !strings.Contains(out, "refused") {
		t.Errorf("%v: %v\n%s", try.Args, err, out)
	}
}

// unheard is how long a neighbour that hears nothing of a change goes on by what it knows: half of the time that is between its kernel's doubts at
// least, then it asks the old station some times (net.ipv4.neigh.default: base_reachable_time_ms, delay_first_probe_time, ucast_solicit).
const unheard = 20 * time.Second

// takes gives the workload the other one's addresses beside its own, and has it say so to all, as a virtual router does.
func (w workload) takes(other workload) {
	w.c.t.Helper()
	w.run("sysctl", "-q", "-w", "net.ipv6.conf.eth0.ndisc_notify=1", "net.ipv6.conf.eth0.dad_transmits=0", "net.ipv6.conf.eth0.router_solicitation_delay=0")
	w.run("ip", "address", "add", other.ip4()+"/32", "dev", "eth0")
	w.run("ip", "address", "add", other.ip6()+"/128", "dev", "eth0")
	w.run("arping", "-q", "-U", "-c", "1", "-I", "eth0", other.ip4())
}

// leaves takes the addresses away again; that there are none is no error.
func (w workload) leaves(other workload) {
	w.c.t.Helper()
	for _, a := range []string{other.ip4() + "/32", other.ip6() + "/128"} {
		_, _ = output(w.command("ip", "address", "delete", a, "dev", "eth0"))
	}
}

// The machine beyond the one outside has these addresses.
const (
	beyond4 = "192.0.2.77"
	beyond6 = "2001:db8:99::77"
)

// beyondOutside is a machine behind the one outside, which sends it nothing that is larger than mtu.
func (c *cloud) beyondOutside(mtu int) elsewhere {
	c.t.Helper()
	e := elsewhere{c: c, namespace: c.prefix() + "-beyond"}
	c.t.Cleanup(func() { _, _ = output(exec.Command("ip", "netns", "delete", e.namespace)) })
	script := fmt.Sprintf(`ip netns add %[1]s
		ip -n %[2]s link add narrow type veth peer name eth0 netns %[1]s
		ip -n %[2]s address add fe80::1/64 dev narrow nodad
		ip -n %[2]s link set narrow up
		ip -n %[1]s link set lo up
		ip -n %[1]s address add %[3]s/32 dev eth0
		ip -n %[1]s address add %[4]s/128 dev eth0 nodad
		ip -n %[1]s link set eth0 up
		ip -n %[1]s route add default via %[5]s dev eth0 onlink
		ip -n %[1]s route add default via fe80::1 dev eth0
		ip -n %[2]s route add %[3]s dev narrow mtu %[6]d
		ip -n %[2]s route add %[4]s dev narrow mtu %[6]d
		ip netns exec %[2]s sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`,
		e.namespace, c.outsideNamespace(), beyond4, beyond6, outside4, mtu)
	if out, err := output(exec.Command("sh", "-ec", script)); err != nil {
		c.t.Fatalf("a machine beyond the outside: %v\n%s", err, out)
	}
	return e
}

// elsewhere is a machine outside the virtual network.
type elsewhere struct {
	c         *cloud
	namespace string
}

func (e elsewhere) command(argv ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", e.namespace}, argv...)...)
}

func (e elsewhere) tool(name string, args ...string) *exec.Cmd {
	cmd := e.command(append([]string{os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), trafficVariable+"="+name)
	return cmd
}

func (e elsewhere) serves(name, port string) {
	e.c.t.Helper()
	e.c.serves(e.tool(name, port), name+" beyond the outside")
}

func (e elsewhere) connects(address string) *flow {
	e.c.t.Helper()
	return e.c.startFlow(e.tool("tcp-flow", address, flowInterval.String()))
}

// moves takes a workload's interface to another host, as a live migration does, and binds its port there. It returns the workload there.
func (c *cloud) moves(w workload, host string) workload {
	c.t.Helper()
	to := c.prefix() + "-" + host
	c.onHost(w.host, fmt.Sprintf("ip link set %s netns %s", w.tap(), to))
	c.onHost(host, fmt.Sprintf("ip link set %s up", w.tap()))
	c.set("ports/"+w.port.ID, fmt.Sprintf(`{"port":{"binding:host_id":%q}}`, host))
	if out, err := c.mmctl(host, "--bind-port", w.port.ID, w.tap()); err != nil {
		c.t.Fatalf("binding %s on %s: %v\n%s", w.name, host, err, out)
	}
	return c.arrives(w, host)
}

// movesAnew is moves with another interface in the place of the one on the old host, as where hosts are machines: nothing of what the old host's
// agent has put on it comes along.
func (c *cloud) movesAnew(w workload, host string) workload {
	c.t.Helper()
	link := strings.Fields(w.run("ip", "-oneline", "link", "show", "dev", "eth0"))
	after := func(word string) string { return link[slices.Index(link, word)+1] }
	script := fmt.Sprintf(`ip link set eth0 up; ip address add %s dev eth0; ip -6 address add %s dev eth0 nodad
		`, w.run("sh", "-c", "ip -oneline -4 address show dev eth0 | awk '{printf $4}'"), w.run("sh", "-c",
		"ip -oneline -6 address show dev eth0 scope global | awk '{printf $4}'"))
	for _, family := range []string{"-4", "-6"} {
		for route := range strings.Lines(w.run("ip", family, "route", "show", "default")) {
			script += fmt.Sprintf("ip %s route add %s\n", family, strings.Join(strings.Fields(route)[:5], " "))
		}
	}
	c.onHost(w.host, "ip link delete "+w.tap())
	c.onHost(host, fmt.Sprintf("ip link add %s mtu %s type veth peer name eth0 mtu %[2]s address %s netns %s; ip link set %[1]s up", w.tap(), after("mtu"),
		after("link/ether"), c.prefix()+"-vm-"+w.name))
	w.run("sh", "-ec", script)
	c.set("ports/"+w.port.ID, fmt.Sprintf(`{"port":{"binding:host_id":%q}}`, host))
	if out, err := c.mmctl(host, "--bind-port", w.port.ID, w.tap()); err != nil {
		c.t.Fatalf("binding %s on %s: %v\n%s", w.name, host, err, out)
	}
	return c.arrives(w, host)
}

// arrives waits until the workload's port is active on the host that it has been bound to, and returns the workload there.
func (c *cloud) arrives(w workload, host string) workload {
	c.t.Helper()
	c.eventually(w.name+" is active on "+host, func() error { return c.status(w.port.ID, "ACTIVE") })
	w.host = host
	return w
}

// forwardsPorts makes a floating address whose ports are forwarded to those of the workload; protocol to external and internal port.
func (c *cloud) forwardsPorts(w workload, ports map[string][2]int) (address string) {
	c.t.Helper()
	public := c.find("networks", "public")
	var subnets struct{ Subnets []struct{ ID string } }
	c.request(http.MethodGet, "subnets?ip_version=4&network_id="+public, "", &subnets)
	var made struct {
		FloatingIP struct {
			ID      string
			Address string `json:"floating_ip_address"`
		} `json:"floatingip"`
	}
	c.post("floatingips", fmt.Sprintf(`{"floatingip":{"floating_network_id":%q,"subnet_id":%q}}`, public, subnets.Subnets[0].ID), &made)
	c.t.Cleanup(func() { c.request(http.MethodDelete, "floatingips/"+made.FloatingIP.ID, "", nil) })
	for protocol, p := range ports {
		var forwarding struct {
			Forwarding struct{ ID string } `json:"port_forwarding"`
		}
		all := "floatingips/" + made.FloatingIP.ID + "/port_forwardings"
		c.post(all, fmt.Sprintf(`{"port_forwarding":{"protocol":%q,"external_port":%d,
			"internal_port":%d,"internal_port_id":%q,"internal_ip_address":%q}}`, protocol, p[0], p[1], w.port.ID, w.ip4()), &forwarding)
		c.t.Cleanup(func() { c.request(http.MethodDelete, all+"/"+forwarding.Forwarding.ID, "", nil) })
	}
	return made.FloatingIP.Address
}

// setGateway gives the router its gateway on the external network, with or without source translation.
func (c *cloud) setGateway(router string, translates bool) {
	c.t.Helper()
	c.set("routers/"+router, fmt.Sprintf(`{"router":{"external_gateway_info":{"network_id":%q,"enable_snat":%t}}}`,
		c.find("networks", "public"), translates))
}

// find returns the identifier of the one resource of the name.
func (c *cloud) find(collection, name string) string {
	c.t.Helper()
	var found map[string][]struct{ ID string }
	c.request(http.MethodGet, collection+"?name="+name, "", &found)
	all := found[strings.ReplaceAll(collection, "-", "_")]
	if len(all) != 1 {
		c.t.Fatalf("there are %d %s called %s", len(all), collection, name)
	}
	return all[0].ID
}

// allowAll lets everything into the default security groups, all of them.
func (c *cloud) allowAll() {
	c.t.Helper()
	var found struct {
		Groups []struct{ ID string } `json:"security_groups"`
	}
	c.request(http.MethodGet, "security-groups?name=default", "", &found)
	for _, g := range found.Groups {
		c.allow(g.ID, `"ethertype":"IPv4"`)
		c.allow(g.ID, `"ethertype":"IPv6"`)
	}
}

// allow adds an ingress rule to a security group and returns its identifier.
func (c *cloud) allow(group, rule string) string {
	c.t.Helper()
	return c.rule(group, "ingress", rule)
}

func (c *cloud) rule(group, direction, rule string) string {
	c.t.Helper()
	var made struct {
		Rule struct{ ID string } `json:"security_group_rule"`
	}
	c.post("security-group-rules", fmt.Sprintf(`{"security_group_rule":{"security_group_id":%q,"direction":%q,%s}}`, group, direction, rule), &made)
	return made.Rule.ID
}

// outsideConnects fails the test unless the address, where a tcp-echo serves, answers the machine outside.
func (c *cloud) outsideConnects(address string) {
	c.t.Helper()
	c.startFlow(c.outsideTool("tcp-flow", address, flowInterval.String())).ends()
}

// endsWell stops the exchange, and fails the test if an answer took longer.
func (f *flow) endsWell(t *testing.T, gap time.Duration) {
	t.Helper()
	if r := f.ends(); r.Answered != r.Sent || r.LongestWait > gap {
		t.Errorf("%d of %d were answered, with a gap of up to %v", r.Answered, r.Sent, r.LongestWait)
	}
}

// isSeenAs waits until the udp-mirror at the address sees the workload as this one: each host hears of a translation in its own time.
func (c *cloud) isSeenAs(w workload, at, want string) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("%s is seen at %s as %s", w.name, at, want), func() error {
		if seen := w.seenBy(at); seen != want {
			return fmt.Errorf("it is seen as %s", seen)
		}
		return nil
	})
}

// seenBy returns the address as which the udp-mirror at the address sees the workload.
func (w workload) seenBy(address string) string {
	w.c.t.Helper()
	return w.c.sourceSeen(w.tool("udp-ask", address))
}

// fails and reaches are for use in eventually: whether an echo request to the address is answered.
func (w workload) fails(address string) error {
	if w.reaches(address) == nil {
		return fmt.Errorf("%s reaches %s", w.name, address)
	}
	return nil
}

func (w workload) reaches(address string) error {
	out, err := output(w.ping(address))
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func (w workload) ping(address string) *exec.Cmd {
	return w.command("ping", "-n", "-c", "1", "-W", "1", address)
}
