package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/cluster/nsdb/nsdbtest/servers"
)

// longAbsence names, in the environment, how long the server is away in TestFaults; otherwise longer than a lease lives.
const longAbsence = "MIDONET_E2E_ABSENCE"

// TestFaults: what breaks, and what goes on meanwhile. No scenario sets a host's clock wrong, since hosts here share the machine's: that is
// TestAHostWithAnotherClock of cluster/stream, where certificates depend on it, and TestStateMessagesInAnyOrder of agent/worker.
func TestFaults(t *testing.T) {
	store := servers.Etcd(t, 1)
	file := filepath.Join(t.TempDir(), "neutron.conf")
	if err := os.WriteFile(file, []byte("[nsdb]\nengine = etcd\nendpoints = http://"+store.Addresses()[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCloud(t, 3, "--config-file", file)
	c.sandbox("uplink", "--host", "host3")
	blue := c.securedNetwork("blue", "10.35.1.0/24", "fd00:35:1::/64")
	red := c.securedNetwork("red", "10.35.2.0/24", "fd00:35:2::/64")
	c.router("r1", "public", blue, red)
	a := c.workload("a", "host1", blue)
	noisy := c.workload("noisy", "host1", blue)
	b := c.workload("b", "host2", red)
	c.allowAll()
	b.serves("tcp-echo", "5001")
	b.serves("udp-echo", ":5002")
	c.outsideServes("tcp-echo", "5003")

	c.scenario("an agent killed under load", func(t *testing.T) {
		stop := noisy.floods(b.ip4())
		flows := []*flow{a.connects(b.ip4() + ":5001"), a.connects(outside4 + ":5003")}
		a.pings(b.ip4())
		a.pings(outside4)
		c.killAgent("host1")
		c.sandbox("up", "--hosts", "3")
		a.pings(b.ip4())
		for _, f := range flows {
			f.endsWell(t, 2*time.Second)
		}
		stop()
	})
	c.scenario("a workload that floods new flows", func(t *testing.T) {
		stop := noisy.floods(b.ip4())
		f := a.connects(b.ip4() + ":5001")
		for range 20 {
			a.connects(b.ip4()+":5001").endsWell(t, time.Second) // new flows of the neighbour
			a.connects(outside4+":5003").endsWell(t, time.Second)
		}
		f.endsWell(t, 500*time.Millisecond)
		stop()
	})
	c.scenario("the underlay cut between hosts and healed", func(t *testing.T) {
		f := a.connects(b.ip4() + ":5001")
		a.pings(b.ip4())
		c.onHost("host2", "ip link set underlay0 down")
		a.doesNotReach(b.ip4())
		a.pings(outside4) // the others do not notice
		c.onHost("host2", "ip link set underlay0 up")
		c.onHost("host2", "ip address replace fd6d:6964:6f6e::2/64 dev underlay0 nodad") // the kernel forgot it
		c.eventually("the hosts reach each other", func() error { return a.reaches(b.ip4()) })
		f.endsWell(t, 15*time.Second) // TCP sends again after a time that doubles
		a.pings(b.ip6())
	})
	c.scenario("what hosts tell each other of connections comes late, twice and in another order", func(t *testing.T) {
		mover := c.workload("mover", "host1", blue)
		mover.serves("tcp-echo", "5001")
		var ends []func() disorderReport
		for _, host := range []string{"host1", "host2", "host3"} {
			ends = append(ends, c.disorders(host))
		}
		const connections = "20"
		crowds := map[string]*flow{
			"through source translation": c.startFlow(mover.tool("tcp-crowd", outside4+":5003", "20ms", connections)),
			"to another host":            c.startFlow(mover.tool("tcp-crowd", b.ip4()+":5001", "20ms", connections)),
			"to another host, IPv6":      c.startFlow(mover.tool("tcp-crowd", "["+b.ip6()+"]:5001", "20ms", connections)),
			"from another host":          c.startFlow(b.tool("tcp-crowd", mover.ip4()+":5001", "20ms", connections)),
		}
		answered := func() {
			c.eventually("an answer of the outside comes to "+mover.host, func() error { // not to the first, which comes before the word of it
				_, err := output(mover.command("ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", outside4))
				return err
			})
		}
		time.Sleep(2 * time.Second)     // they stand, but for those whose first answer came before the word of them
		mover = c.moves(mover, "host2") // of which host1 gives an account
		answered()
		mover = c.moves(mover, "host1")
		answered()
		for name, f := range crowds {
			t.Log(name)
			f.endsWell(t, 6*time.Second)
		}
		for i, end := range ends {
			if r := end(); r.Messages < 5 || r.Sent < r.Messages || r.Overtaken < r.Messages/4 {
				t.Errorf("of what host%d told, little came twice and late: %+v", i+1, r)
			}
		}
	})
	c.scenario("the server away", func(t *testing.T) {
		away := 13 * time.Second
		if text := os.Getenv(longAbsence); text != "" {
			var err error
			if away, err = time.ParseDuration(text); err != nil {
				t.Fatal(err)
			}
		}
		f, out := a.connects(b.ip4()+":5001"), a.connects(outside4+":5003")
		a.pings(outside4)
		c.kill()
		for end := time.Now().Add(away); time.Now().Before(end); {
			a.pings(b.ip4()) // new flows: the agents know enough without the server
			a.pings(outside4)
			noisy.connects(outside4+":5003").endsWell(t, time.Second)
		}
		c.start()
		f.endsWell(t, 500*time.Millisecond)
		out.endsWell(t, 500*time.Millisecond)
		again := c.workload("again", "host2", blue)
		a.pings(again.ip4())
		c.midonet("db", "check", "--state-dir", c.dir)
	})
	c.scenario("the store killed", func(t *testing.T) {
		// While the server was away hosts' leases ran out; until the uplink's is back the others know of no way out.
		c.eventually("the uplink is back", func() error { return a.reaches(outside4) })
		f, out := a.connects(b.ip4()+":5001"), a.connects(outside4+":5003")
		a.pings(outside4)
		store.Kill(0)
		green := c.makeNetwork("green", true) // the API answers, and what it was told waits
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			noisy.connects(outside4+":5003").endsWell(t, time.Second)
			noisy.pings(b.ip6())
		}
		store.Start(0)
		f.endsWell(t, 500*time.Millisecond)
		out.endsWell(t, 500*time.Millisecond)
		c.post("subnets", fmt.Sprintf(`{"subnet":{"network_id":%q,"ip_version":4,"cidr":"10.35.3.0/24"}}`, green), nil)
		g1, g2 := c.workload("g1", "host1", green), c.workload("g2", "host3", green)
		g1.pings(g2.ip4())
		c.midonet("db", "check", "--state-dir", c.dir)
	})
	c.scenario("a flow cache that is full", func(t *testing.T) {
		small := append(c.agentCommand("host1"), "--max-flows", "1024")
		c.killAgent("host1")
		c.startAgent("host1", small)
		c.eventually("the new agent serves", func() error { return noisy.reaches(b.ip4()) })
		f, out := a.connects(b.ip4()+":5001"), a.connects(outside4+":5003")
		stop := noisy.floods(b.ip4())
		c.eventually("the cache is full of others' flows", func() error {
			if gone := c.counted("host1", `midonet_agent_flows_removed_total{cause="room"}`); gone < 5000 { // the agent's, and those that the cache has begun
				return fmt.Errorf("%v flows were taken away for room", gone)
			}
			return nil
		})
		for range 10 {
			a.connects(b.ip4()+":5001").endsWell(t, time.Second)
			a.connects(outside4+":5003").endsWell(t, time.Second)
		}
		f.endsWell(t, time.Second)
		out.endsWell(t, time.Second)
		stop()
	})
}

// counted is what a host's agent shows of itself under the name.
func (c *cloud) counted(host, name string) float64 {
	c.t.Helper()
	text := c.agentMetrics(host)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				c.t.Fatal(err)
			}
			return n
		}
	}
	c.t.Fatalf("the agent of %s does not show %s:\n%s", host, name, text)
	return 0
}

// floods starts datagrams from ever new ports to the address, as fast as they go. The function that it returns ends them.
func (w workload) floods(address string) (stop func()) {
	w.c.t.Helper()
	f := w.c.startFlow(w.tool("udp-flood", address))
	return func() {
		w.c.t.Helper()
		w.c.t.Logf("flood: %s", f.reports())
	}
}
