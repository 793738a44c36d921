// Package nova runs OpenStack's own compute service beside our server and agents: Nova's API, conductor, scheduler and two nova-compute of Debian's
// packages, with its Placement, Glance, Keystone, RabbitMQ and MariaDB. Of Nova's libvirt driver the networking is used, which makes interfaces
// on the hosts, runs mm-ctl and waits for our events; a guest is a network namespace behind its tap (midonet_fake.py, guest.py).
package nova

import (
	"os"
	"testing"
)

// TestNova: what a project's members and the administrator do with servers works as with neutron-server, and shows in both APIs and on the hosts.
func TestNova(t *testing.T) {
	if os.Getenv("MIDONET_CONFORMANCE") == "" {
		t.Skip("takes minutes; `make conformance` runs it")
	}
	o := start(t)
	for _, scenario := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a server on a network", o.network},
		{"a port that is given", o.given},
		{"an address and security groups that are asked for", o.asked},
		{"floating addresses", o.floating},
		{"interfaces while it runs", o.interfaces},
		{"another project's network", o.shared},
		{"several servers", o.several},
		{"any network, and none", o.automatic},
		{"the quota of ports", o.quota},
		{"moves", o.moves},
		{"traffic", o.traffic},
		{"events while Nova is away", o.away},
		{"a host that is lost", o.lost},
	} {
		t.Run(scenario.name, scenario.run)
	}
}
