package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestChangesReachThePackets: what the API changes holds for flows that are already established.
func TestChangesReachThePackets(t *testing.T) {
	t.Parallel()
	c := startCloud(t, 2)
	net := c.network("blue", "10.20.0.0/24", "fd00:20::/64")
	a := c.workload("a", "host1", net)
	b := c.workload("b", "host2", net)
	b.serves("udp-echo", ":5002")
	f := c.startFlow(a.tool("udp-flow", b.ip4()+":5002", flowInterval.String(), "0s")) // whose end will not be answered
	a.pings(b.ip4())
	a.pings(b.ip6())

	c.scenario("a disabled port neither sends nor receives", func(t *testing.T) {
		c.set("ports/"+b.port.ID, `{"port":{"admin_state_up":false}}`)
		c.reaches(a, b.ip4(), false)
		c.reaches(b, a.ip6(), false)
		c.set("ports/"+b.port.ID, `{"port":{"admin_state_up":true}}`)
		c.reaches(a, b.ip4(), true)
		c.reaches(b, a.ip6(), true)
	})
	c.scenario("nor does a disabled network", func(t *testing.T) {
		c.set("networks/"+net, `{"network":{"admin_state_up":false}}`)
		c.reaches(a, b.ip4(), false)
		c.set("networks/"+net, `{"network":{"admin_state_up":true}}`)
		c.reaches(a, b.ip4(), true)
	})
	c.scenario("DHCP answers with what the subnet says now", func(t *testing.T) {
		needsProgram(t, "udhcpc")
		var found struct{ Subnets []struct{ ID string } }
		c.request(http.MethodGet, "subnets?ip_version=4&network_id="+net, "", &found)
		c.set("subnets/"+found.Subnets[0].ID, `{"subnet":{"dns_nameservers":["192.0.2.53"]}}`)
		c.set("ports/"+a.port.ID, `{"port":{"extra_dhcp_opts":[{"opt_name":"tftp-server","opt_value":"192.0.2.9","ip_version":4}]}}`)
		c.eventually("the lease has the new options", func() error {
			lease := a.lease(t)
			for _, want := range []string{"dns=192.0.2.53", "tftp=192.0.2.9", "router=10.20.0.1", "mtu=1450"} {
				if !strings.Contains(lease, want+"\n") {
					return fmt.Errorf("the lease lacks %s:\n%s", want, lease)
				}
			}
			return nil
		})
	})
	c.scenario("a workload's address belongs to the next holder", func(t *testing.T) {
		address := b.ip4()
		c.sandbox("workload delete", "b")
		c.reaches(a, address, false)
		var made struct{ Port neutronPort }
		c.post("ports", fmt.Sprintf(`{"port":{"network_id":%q,"fixed_ips":[{"ip_address":%q}]}}`, net, address), &made)
		c.sandbox("workload add", "--host", "host1", "--port", made.Port.ID, "heir")
		c.eventually("a reaches the heir", func() error {
			a.run("ip", "neighbour", "flush", "dev", "eth0") // Linux would keep the other's MAC address for up to a minute
			return a.reaches(address)
		})
		c.sandbox("workload delete", "heir")
		if !c.exists("ports/" + made.Port.ID) {
			t.Error("deleting the workload deleted a port that it was given")
		}
	})
	c.scenario("a port that moves to another host takes its traffic along", func(t *testing.T) {
		var made struct{ Port neutronPort }
		c.post("ports", fmt.Sprintf(`{"port":{"network_id":%q}}`, net), &made)
		address := made.Port.FixedIPs[0].Address
		for _, host := range []string{"host1", "host2", "host1"} {
			c.sandbox("workload add", "--host", host, "--port", made.Port.ID, "mover")
			c.reaches(a, address, true)
			c.sandbox("workload delete", "mover")
			c.reaches(a, address, false)
		}
	})
	if r := f.ends(); r.Answered == 0 || r.Answered == r.Sent {
		t.Errorf("the flow that ran meanwhile had %d of %d answered: no change touched it, or all did", r.Answered, r.Sent)
	}
}

// set updates a resource.
func (c *cloud) set(path, body string) {
	c.t.Helper()
	c.request(http.MethodPut, path, body, nil)
}

// reaches waits until echo requests of the workload to the address are answered, or until none is.
func (c *cloud) reaches(from workload, address string, want bool) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("%s reaches %s is %v", from.name, address, want), func() error {
		out, err := output(from.command("ping", "-n", "-c", "2", "-i", "0.05", "-W", "0.3", address))
		if answered := err == nil; answered != want {
			return fmt.Errorf("%v\n%s", err, out)
		}
		return nil
	})
}

// lease asks for a lease with udhcpc and returns what it learned, one name=value a line.
func (w workload) lease(t *testing.T) string {
	t.Helper()
	notes := filepath.Join(t.TempDir(), "notes")
	script := notes + ".sh"
	if err := os.WriteFile(script, []byte("#!/bin/sh\nenv > "+notes+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.run("udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "60", "-T", "1", "-O", "tftp", "-O", "mtu", "-O", "dns", "-s", script)
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPortIsBoundAsSoonAsItIsAnswered: Nova may bind right after its request, however far the journal is.
func TestPortIsBoundAsSoonAsItIsAnswered(t *testing.T) {
	c := startCloud(t, 1)
	net := c.network("blue", "10.20.0.0/24")
	for i := range 10 {
		port := c.boundPort(net, "host1")
		if out, err := c.mmctl("host1", "--bind-port", port, fmt.Sprintf("later%d", i)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}
