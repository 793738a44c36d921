package e2e

import (
	"slices"
	"strings"
	"testing"
)

// TestOpenStackClient: the client that operators use, as Debian ships it, for the whole life of a network, a subnet and a port.
func TestOpenStackClient(t *testing.T) {
	needsProgram(t, "openstack")
	t.Parallel()
	c := startServer(t)

	c.scenario("network", func(t *testing.T) {
		made := c.show("network", "create", "--description", "first", "--mtu", "1400", "blue")
		if made.text(t, "name") != "blue" || made.text(t, "description") != "first" || made["mtu"] != 1400.0 {
			t.Errorf("made %v", made)
		}
		if made.text(t, "status") != "ACTIVE" || made["admin_state_up"] != true || made["shared"] != false {
			t.Errorf("made %v", made)
		}
		c.openstack("network", "set", "--name", "azure", "--disable", "blue")
		now := c.show("network", "show", "azure")
		if now["admin_state_up"] != false || now.text(t, "id") != made.text(t, "id") {
			t.Errorf("after set: %v", now)
		}
		if names := column(t, c.list("network", "list"), "Name"); !slices.Equal(names, []string{"azure"}) {
			t.Errorf("listed %v", names)
		}
	})
	c.scenario("subnet", func(t *testing.T) {
		four := c.show("subnet", "create", "--network", "azure", "--subnet-range", "10.1.0.0/24", "--dns-nameserver", "192.0.2.53",
			"--allocation-pool", "start=10.1.0.100,end=10.1.0.199", "--host-route", "destination=10.7.0.0/16,gateway=10.1.0.2", "four")
		if four.text(t, "gateway_ip") != "10.1.0.1" || four["enable_dhcp"] != true {
			t.Errorf("made %v", four)
		}
		six := c.show("subnet", "create", "--network", "azure", "--ip-version", "6", "--subnet-range", "fd00:1::/64",
			"--ipv6-ra-mode", "slaac", "--ipv6-address-mode", "slaac", "six")
		if six.text(t, "ipv6_address_mode") != "slaac" {
			t.Errorf("made %v", six)
		}
		c.openstack("subnet", "set", "--no-dhcp", "--name", "vier", "four")
		if now := c.show("subnet", "show", "vier"); now["enable_dhcp"] != false {
			t.Errorf("after set: %v", now)
		}
		if names := column(t, c.list("subnet", "list", "--network", "azure", "--ip-version", "6"), "Name"); !slices.Equal(names, []string{"six"}) {
			t.Errorf("listed %v", names)
		}
	})
	c.scenario("port", func(t *testing.T) {
		made := c.show("port", "create", "--network", "azure", "--fixed-ip", "subnet=vier,ip-address=10.1.0.150",
			"--mac-address", "fa:16:3e:00:00:01", "--host", "somehost", "p1")
		if made.text(t, "mac_address") != "fa:16:3e:00:00:01" || made.text(t, "binding_vif_type") != "midonet" {
			t.Errorf("made %v", made)
		}
		if made.text(t, "status") != "DOWN" {
			t.Errorf("a port that no host has bound is %v", made["status"])
		}
		c.openstack("port", "set", "--name", "p2", "--extra-dhcp-option", "name=tftp-server,value=192.0.2.9", "p1")
		now := c.show("port", "show", "p2")
		if fixed, ok := now["fixed_ips"].([]any); !ok || len(fixed) == 0 || !strings.Contains(asText(fixed[0]), "10.1.0.150") {
			t.Errorf("fixed_ips of p2: %v", now["fixed_ips"])
		}
		if ids := column(t, c.list("port", "list", "--mac-address", "fa:16:3e:00:00:01"), "ID"); !slices.Equal(ids, []string{now.text(t, "id")}) {
			t.Errorf("listed %v", ids)
		}
	})
	c.scenario("refusals reach the person", func(t *testing.T) {
		for want, args := range map[string][]string{
			"10.1.0.150": {"port", "create", "--network", "azure", "--fixed-ip", "ip-address=10.1.0.150", "twice"},
			"10.9.0.9":   {"port", "create", "--network", "azure", "--fixed-ip", "ip-address=10.9.0.9", "outside"},
			"use":        {"network", "delete", "azure"},
			"overlap":    {"subnet", "create", "--network", "azure", "--subnet-range", "10.1.0.128/25", "again"},
		} {
			out, err := c.openstackOutput(args...)
			if err == nil || !strings.Contains(out, want) {
				t.Errorf("openstack %s: %v, want a refusal that says %q\n%s", strings.Join(args, " "), err, want, out)
			}
		}
	})
	c.scenario("delete", func(t *testing.T) {
		c.openstack("port", "delete", "p2")
		c.openstack("subnet", "delete", "vier", "six")
		c.openstack("network", "delete", "azure")
		if left := c.list("network", "list"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
	c.scenario("extensions", func(t *testing.T) {
		aliases := column(t, c.list("extension", "list", "--network"), "Alias")
		for _, want := range []string{"binding", "provider", "extra_dhcp_opt", "sorting", "pagination"} {
			if !slices.Contains(aliases, want) {
				t.Errorf("extension %s is not listed: %v", want, aliases)
			}
		}
	})
}

// column picks one field of every row, sorted.
func column(t *testing.T, rows []record, field string) []string {
	t.Helper()
	var values []string
	for _, r := range rows {
		values = append(values, r.text(t, field))
	}
	slices.Sort(values)
	return values
}
