package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"midonet.org/midonet/test/freeport"
)

// TestTopologyByHand: bridges and a router that an operator makes over the MidoNet API carry packets, beside a network of Neutron's.
func TestTopologyByHand(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	listen := freeport.Address(t)
	c := startServer(t, "--midonet-api-listen", listen)
	c.sandbox("up", "--hosts", "2")
	m := newMidonet(c, "http://"+listen+"/midonet-api")
	hosts := m.hosts()

	left, right := m.make("/bridges", `{"name":"left"}`), m.make("/bridges", `{"name":"right"}`)
	router := m.make("/routers", `{"name":"middle","adminStateUp":true}`)
	var toRight string
	for i, bridge := range []string{left, right} {
		at := m.make(bridge+"/ports", `{"type":"Bridge"}`)
		p := m.make(router+"/ports", fmt.Sprintf(`{"type":"Router","portSubnet":["10.61.%d.1/24","fd00:61:%d::1/64"]}`, i, i))
		m.post(at+"/link", fmt.Sprintf(`{"peerId":%q}`, last(p)))
		m.make(router+"/routes", fmt.Sprintf(`{"type":"Normal","srcNetworkAddr":"0.0.0.0","srcNetworkLength":0,"dstNetworkAddr":"10.61.%d.0",
			"dstNetworkLength":24,"nextHopPort":%q,"weight":100}`, i, last(p)))
		m.make(router+"/routes", fmt.Sprintf(`{"type":"Normal","srcNetworkAddr":"::","srcNetworkLength":0,"dstNetworkAddr":"fd00:61:%d::",
			"dstNetworkLength":64,"nextHopPort":%q,"weight":100}`, i, last(p)))
		toRight = last(p)
	}
	a := m.station("a", "host1", hosts, left, "10.61.0.2/24", "fd00:61:0::2/64")
	b := m.station("b", "host2", hosts, right, "10.61.1.2/24", "fd00:61:1::2/64")
	for _, s := range []station{a, b} {
		n := strings.Split(s.addresses[0], ".")[2]
		s.run("ip route add default via 10.61." + n + ".1 && ip -6 route add default via fd00:61:" + n + "::1")
	}

	c.scenario("through the router, between hosts", func(t *testing.T) {
		a.reaches("10.61.1.2")
		b.reaches("fd00:61:0::2")
		a.reaches("10.61.1.1")
		if out := a.ping("10.61.1.2", "60"); !strings.Contains(out, "ttl=63") {
			t.Errorf("a router takes one from the TTL of 64:\n%s", out)
		}
	})
	c.scenario("routes that drop and refuse, and a longer one that does not", func(t *testing.T) {
		b.run("ip address add 10.96.1.1/32 dev lo && ip address add fd00:96:1::1/128 dev lo nodad")
		for _, v := range []struct{ any, wide, length, narrow, longer, hop, refused string }{
			{"0.0.0.0", "10.96.0.0", "16", "10.96.1.0", "24", "10.61.1.2", "10.95.0.0"},
			{"::", "fd00:96::", "32", "fd00:96:1::", "48", "fd00:61:1::2", "fd00:95::"},
		} {
			makeRoute := func(kind, to, length, more string) {
				m.make(router+"/routes", fmt.Sprintf(`{"type":%q,"srcNetworkAddr":%q,"srcNetworkLength":0,"dstNetworkAddr":%q,"dstNetworkLength":%s,
					"weight":100%s}`, kind, v.any, to, length, more))
			}
			makeRoute("BlackHole", v.wide, v.length, "")
			makeRoute("Reject", v.refused, v.length, "")
			makeRoute("Normal", v.narrow, v.longer, fmt.Sprintf(`,"nextHopPort":%q,"nextHopGateway":%q`, toRight, v.hop))
		}
		for _, to := range []string{"10.96.1.1", "fd00:96:1::1"} {
			a.reaches(to)
		}
		for to, says := range map[string]string{
			"10.95.1.1": "From 10.61.0.1 icmp_seq=1 Packet filtered", "fd00:95::1": "From fd00:61::1 icmp_seq=1 Destination unreachable: Administratively prohibited",
		} {
			if said := a.ping(to, "60"); !strings.Contains(said, says) {
				t.Errorf("a route that refuses:\n%s", said)
			}
		}
		for _, to := range []string{"10.96.2.1", "fd00:96:2::1"} {
			if said := a.ping(to, "1"); !strings.Contains(said, " 100% packet loss") || strings.Contains(said, "From ") {
				t.Errorf("a blackhole:\n%s", said)
			}
		}
	})
	chain := m.make("/chains", `{"name":"c"}`)
	c.scenario("a chain of the router", func(t *testing.T) {
		m.change(router, "inboundFilterId", last(chain))
		a.reaches("10.61.1.2")
		rule := m.make(chain+"/rules", `{"type":"drop","nwProto":1}`)
		a.reachesNot("10.61.1.2")
		a.reaches("fd00:61:1::2")
		m.delete(rule)
		a.reaches("10.61.1.2")
	})
	c.scenario("an address is translated, and back", func(t *testing.T) {
		back := m.make("/chains", `{"name":"back"}`)
		m.change(router, "outboundFilterId", last(back))
		m.make(back+"/rules", `{"type":"rev_dnat","flowAction":"accept"}`)
		rule := m.make(chain+"/rules", `{"type":"dnat","flowAction":"accept","nwDstAddress":"10.99.0.1","nwDstLength":32,"natTargets":[
			{"addressFrom":"10.61.1.2","addressTo":"10.61.1.2","portFrom":0,"portTo":0}]}`)
		a.reaches("10.99.0.1")
		m.delete(rule)
		m.delete(back)
		a.reachesNot("10.99.0.1")
	})
	c.scenario("a wire that is cut", func(t *testing.T) {
		peer := m.get(router + "/peer_ports")[0]["id"].(string)
		p := m.read("/ports/" + peer)["peerId"].(string)
		m.delete("/ports/" + peer + "/link")
		a.reachesNot("10.61.1.2")
		m.post("/ports/"+peer+"/link", fmt.Sprintf(`{"peerId":%q}`, p))
		a.reaches("10.61.1.2")
	})

	blue := c.network("blue", "10.62.0.0/24")
	vm := c.workload("vm", "host1", blue)
	free := nobodys([]string{"10.62.0.200", "10.62.0.201"}, vm)
	guest := m.station("guest", "host2", hosts, "/bridges/"+blue, free+"/24")
	c.scenario("a port of an operator on a network of Neutron's", func(t *testing.T) {
		guest.reaches(vm.ip4())
		vm.pings(free)
	})
	c.scenario("a chain on a port of Neutron's, which starts and comparisons leave alone", func(t *testing.T) {
		m.make(chain+"/rules", `{"type":"drop","nwProto":1}`)
		m.change("/ports/"+vm.port.ID, "outboundFilterId", last(chain))
		guest.reachesNot(vm.ip4())
		if out := c.midonet("db", "check", "--state-dir", c.dir); strings.Contains(out, "belongs to no") {
			t.Errorf("db check: %s", out)
		}
		c.kill()
		c.start()
		m = newMidonet(c, "http://"+listen+"/midonet-api")
		if found := m.read("/ports/" + vm.port.ID)["outboundFilterId"]; found != last(chain) {
			t.Errorf("after a start the filter is %v", found)
		}
		guest.reachesNot(vm.ip4())
		m.delete(chain)
		guest.reaches(vm.ip4())
	})
	c.scenario("what is removed carries nothing", func(t *testing.T) {
		m.delete(router)
		a.reachesNot("10.61.1.2")
		m.delete(left)
		m.delete(right)
		if ports := m.get("/ports"); len(ports) != 2 {
			t.Errorf("%d ports are left, want those of the network of Neutron's: %v", len(ports), ports)
		}
	})
}

// midonet speaks the MidoNet API as an operator's client does.
type midonet struct {
	c     *cloud
	uri   string
	token string
}

func newMidonet(c *cloud, uri string) *midonet {
	c.t.Helper()
	m := &midonet{c: c, uri: uri}
	req, err := http.NewRequest(http.MethodPost, uri+"/login", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.SetBasicAuth("admin", "passw0rd")
	res, err := webClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct{ Key string }
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || body.Key == "" {
		c.t.Fatalf("login: %s, %v", res.Status, err)
	}
	m.token = body.Key
	return m
}

// do makes a request, which must succeed, and returns the answer and where the thing made is.
func (m *midonet) do(method, path, body string) (answer []byte, location string) {
	m.c.t.Helper()
	req, err := http.NewRequest(method, m.uri+path, bytes.NewBufferString(body))
	if err != nil {
		m.c.t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", m.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := webClient.Do(req)
	if err != nil {
		m.c.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		m.c.t.Fatalf("%s %s %s: %s %s, %v", method, path, body, res.Status, answer, err)
	}
	return answer, strings.TrimPrefix(res.Header.Get("Location"), m.uri)
}

func (m *midonet) make(path, body string) string {
	m.c.t.Helper()
	_, location := m.do(http.MethodPost, path, body)
	return location
}

func (m *midonet) post(path, body string) {
	m.c.t.Helper()
	m.do(http.MethodPost, path, body)
}

func (m *midonet) delete(path string) {
	m.c.t.Helper()
	m.do(http.MethodDelete, path, "")
}

func (m *midonet) get(path string) (all []map[string]any) {
	m.c.t.Helper()
	answer, _ := m.do(http.MethodGet, path, "")
	if err := json.Unmarshal(answer, &all); err != nil {
		m.c.t.Fatal(err)
	}
	return all
}

func (m *midonet) read(path string) (one map[string]any) {
	m.c.t.Helper()
	answer, _ := m.do(http.MethodGet, path, "")
	if err := json.Unmarshal(answer, &one); err != nil {
		m.c.t.Fatal(err)
	}
	return one
}

// change writes a resource back with another value of a property.
func (m *midonet) change(path, property string, value any) {
	m.c.t.Helper()
	body := m.read(path)
	body[property] = value
	text, err := json.Marshal(body)
	if err != nil {
		m.c.t.Fatal(err)
	}
	m.do(http.MethodPut, path, string(text))
}

// hosts returns the identifiers of the hosts by name.
func (m *midonet) hosts() map[string]string {
	m.c.t.Helper()
	hosts := map[string]string{}
	for _, h := range m.get("/hosts") {
		name := h["name"].(string)
		hosts[name[strings.LastIndex(name, "-")+1:]] = h["id"].(string)
	}
	return hosts
}

// last is the last part of a path.
func last(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// station is a namespace with an interface that is plugged into a port of an operator's.
type station struct {
	c         *cloud
	namespace string
	addresses []string
}

// station plugs a namespace with the addresses into a new port of the bridge, on the host.
func (m *midonet) station(name, host string, hosts map[string]string, bridge string, addresses ...string) station {
	m.c.t.Helper()
	s := station{c: m.c, namespace: m.c.prefix() + "-hand-" + name, addresses: addresses}
	if out, err := output(exec.Command("ip", "netns", "add", s.namespace)); err != nil {
		m.c.t.Fatalf("%v: %s", err, out)
	}
	m.c.t.Cleanup(func() { _, _ = output(exec.Command("ip", "netns", "delete", s.namespace)) })
	m.c.onHost(host, fmt.Sprintf("ip link add hand-%s type veth peer name eth0 netns %s && ip link set hand-%s up", name, s.namespace, name))
	script := "ip link set lo up && ip link set eth0 up"
	for _, a := range addresses {
		script += " && ip address add " + a + " dev eth0"
		if strings.Contains(a, ":") {
			script += " nodad"
		}
	}
	s.run(script)
	port := m.make(bridge+"/ports", `{"type":"Bridge"}`)
	m.post("/hosts/"+hosts[host]+"/ports", fmt.Sprintf(`{"portId":%q,"interfaceName":"hand-%s"}`, last(port), name))
	m.c.eventually(name+" is active", func() error {
		if m.read(port)["active"] != true {
			return fmt.Errorf("the port of %s is not active", name)
		}
		return nil
	})
	return s
}

func (s station) command(argv ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", s.namespace}, argv...)...)
}

func (s station) run(script string) {
	s.c.t.Helper()
	if out, err := output(s.command("sh", "-ec", script)); err != nil {
		s.c.t.Fatalf("%s# %s: %v\n%s", s.namespace, script, err, out)
	}
}

// ping is what ping(8) says of one request, for whose answer or refusal it waits so many seconds.
func (s station) ping(address, seconds string) string {
	out, _ := output(s.command("ping", "-n", "-c", "1", "-W", seconds, address))
	return out
}

// reaches and reachesNot wait until echo requests to the address are, or are not, answered.
func (s station) reaches(address string) {
	s.c.t.Helper()
	s.c.eventually(s.namespace+" reaches "+address, func() error { return answered(s.ping(address, "1"), true) })
}

func (s station) reachesNot(address string) {
	s.c.t.Helper()
	s.c.eventually(s.namespace+" does not reach "+address, func() error { return answered(s.ping(address, "1"), false) })
}

func answered(ping string, want bool) error {
	if strings.Contains(ping, " 0% packet loss") != want {
		return fmt.Errorf("ping says:\n%s", ping)
	}
	return nil
}
