package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/sandbox"
)

// TestPacketsBetweenWorkloads: what this project is for. Hosts, workloads on them, every pair reaches the other by IPv4 and IPv6,
// with addresses that came by DHCP.
func TestPacketsBetweenWorkloads(t *testing.T) {
	c := startCloud(t, 3)
	net := c.network("blue", "10.20.0.0/24", "fd00:20::/64")
	a1 := c.workload("a1", "host1", net)
	a2 := c.workload("a2", "host1", net)
	b1 := c.workload("b1", "host2", net)
	c1 := c.workload("c1", "host3", net)

	c.scenario("ping within a host and across hosts", func(t *testing.T) {
		for _, pair := range [][2]workload{{a1, a2}, {a1, b1}, {b1, a2}, {b1, c1}} {
			pair[0].pings(pair[1].ip4())
			pair[0].pings(pair[1].ip6())
		}
	})
	c.scenario("DHCP gave address, route mask and MTU", func(t *testing.T) {
		out := a1.run("ip", "address", "show", "dev", "eth0")
		for _, want := range []string{"inet " + a1.ip4() + "/24", "mtu 1450", a1.port.MAC} {
			if !strings.Contains(out, want) {
				t.Errorf("eth0 of a1 lacks %q:\n%s", want, out)
			}
		}
	})
	c.scenario("TCP and UDP", func(t *testing.T) {
		b1.serves("tcp-sink", "5001")
		a2.serves("tcp-sink", "5001")
		for _, to := range []string{b1.ip4(), "[" + b1.ip6() + "]", a2.ip4(), "[" + a2.ip6() + "]"} {
			a1.sends(to+":5001", 8<<20)
		}
		b1.serves("udp-echo", ":5002")
		f := a1.flowsTo(b1.ip4() + ":5002")
		a1.sends(b1.ip4()+":5001", 32<<20) // beside other traffic
		if r := f.ends(); r.Answered < r.Sent*99/100 {
			t.Errorf("%d of %d datagrams were answered", r.Answered, r.Sent)
		}
	})
	c.scenario("addresses that Neutron does not know", func(t *testing.T) {
		own := nobodys([]string{"10.20.0.250", "10.20.0.251", "10.20.0.252", "10.20.0.253", "10.20.0.254"}, a1, a2, b1, c1)
		b1.run("ip", "address", "add", own+"/24", "dev", "eth0")
		a1.pings(own)
		c1.pings(own)
		b1.run("ip", "address", "delete", own+"/24", "dev", "eth0")
		a1.pings(c1.linkLocal() + "%eth0")
		a1.pings(a2.linkLocal() + "%eth0")
	})
	c.scenario("multicast reaches every workload of the network, once", func(t *testing.T) {
		p := c.startPinging(a1, "ff02::1%eth0", "-i", "0.2")
		answers := func(w workload, seq string) int {
			return strings.Count(p.said(), "from "+w.linkLocal()+"%eth0: icmp_seq="+seq+" ")
		}
		for _, w := range []workload{a2, b1, c1} {
			c.eventually(w.name+" answers", func() error { // a second for the answers to the first
				if answers(w, "6") == 0 {
					return fmt.Errorf("it does not:\n%s", p.said())
				}
				return nil
			})
			if n := answers(w, "1"); n != 1 {
				t.Errorf("%s answered %d times, want 1:\n%s", w.name, n, p.said())
			}
		}
		p.stop()
	})
	c.scenario("packets of a full MTU cross without fragments", func(t *testing.T) {
		a1.run("ping", "-n", "-c", "1", "-W", "60", "-M", "do", "-s", "1422", b1.ip4())
	})
	c.scenario("packets that the sender cut into fragments", func(t *testing.T) {
		for _, to := range []string{a2.ip4(), a2.ip6(), b1.ip4(), b1.ip6()} {
			c.pings(a1, to, "-i", "0.2", "-s", fragmented)
		}
	})
	c.scenario("another network is another world", func(t *testing.T) {
		other := c.network("red", "10.20.0.0/24")
		r1 := c.workload("r1", "host2", other)
		r2 := c.workload("r2", "host1", other)
		r1.pings(r2.ip4())
		for _, unreachable := range []workload{a1, a2, b1} {
			// Both networks have the same addresses, so that one of blue's may be one of red's too.
			if ip := unreachable.ip4(); ip != r1.ip4() && ip != r2.ip4() {
				r1.doesNotReach(ip)
			}
		}
	})
	c.scenario("Debian's DHCP clients", func(t *testing.T) { debianClients(t, a1) })
}

// debianClients lets clients that others wrote ask for the workload's address. Instead of applying what they learn, they note it.
func debianClients(t *testing.T, w workload) {
	dir := t.TempDir()
	notes, pid := filepath.Join(dir, "notes"), filepath.Join(dir, "pid")
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nenv >> "+notes+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	learns := func(t *testing.T, want string, argv ...string) {
		needsProgram(t, argv[0])
		out := w.run(argv...)
		text, err := os.ReadFile(notes)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("%s did not learn %s:\n%s", argv[0], want, text)
		}
	}
	w.c.scenario("udhcpc", func(t *testing.T) {
		learns(t, "ip="+w.ip4(), "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "60", "-T", "1", "-s", script)
	})
	w.c.scenario("dhclient", func(t *testing.T) {
		learns(t, "new_ip_address="+w.ip4(), "dhclient", "-1", "-sf", script, "-lf", filepath.Join(dir, "leases"), "-pf", pid,
			"-cf", "/dev/null", "eth0")
		w.run("dhclient", "-x", "-pf", pid, "-sf", script, "-lf", filepath.Join(dir, "leases"), "eth0") // it stayed to renew the lease
	})
}

// TestUnderlayOverIPv6: hosts that have nothing but IPv6 between them.
func TestUnderlayOverIPv6(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	c := startServer(t)
	s, err := sandbox.New(sandbox.Config{StateDir: c.dir, Binary: filepath.Join(binDir, "midonet"), API: c.api, Underlay: sandbox.IPv6Only})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Up(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	net := c.network("blue", "10.20.0.0/24", "fd00:20::/64")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)
	a.pings(b.ip4())
	a.pings(b.ip6())
	b.serves("tcp-sink", "5001")
	a.sends(b.ip4()+":5001", 4<<20)
}
