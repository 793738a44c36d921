package gophercloud

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/extradhcpopts"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/mtu"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/portsbinding"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

// network makes a network that the test deletes at its end.
func network(t *testing.T, c *gophercloud.ServiceClient, name string) *networks.Network {
	t.Helper()
	n := get(t, networks.Create(t.Context(), c, networks.CreateOpts{Name: name}).Extract)
	t.Cleanup(func() { done(t, networks.Delete(cleanup(t), c, n.ID).ExtractErr()) })
	return n
}

// subnet makes a subnet that the test deletes at its end.
func subnet(t *testing.T, c *gophercloud.ServiceClient, networkID, cidr string) *subnets.Subnet {
	t.Helper()
	s := get(t, subnets.Create(t.Context(), c, subnets.CreateOpts{NetworkID: networkID, CIDR: cidr, IPVersion: gophercloud.IPv4}).Extract)
	t.Cleanup(func() { done(t, subnets.Delete(cleanup(t), c, s.ID).ExtractErr()) })
	return s
}

// port makes a port that the test deletes at its end.
func port(t *testing.T, c *gophercloud.ServiceClient, networkID string) *ports.Port {
	t.Helper()
	p := get(t, ports.Create(t.Context(), c, ports.CreateOpts{NetworkID: networkID}).Extract)
	t.Cleanup(func() { done(t, ports.Delete(cleanup(t), c, p.ID).ExtractErr()) })
	return p
}

func (s *suite) networks(t *testing.T) {
	ctx := t.Context()
	n := get(t, networks.Create(ctx, s.blue, networks.CreateOpts{Name: "n", Description: "d", AdminStateUp: to(false)}).Extract)
	if n.Name != "n" || n.Description != "d" || n.AdminStateUp || n.ProjectID != s.blueID || n.TenantID != s.blueID || n.Status != "ACTIVE" ||
		n.CreatedAt.IsZero() {
		t.Errorf("made %+v", n)
	}
	n = get(t, networks.Update(ctx, s.blue, n.ID, networks.UpdateOpts{Name: to("m"), AdminStateUp: to(true)}).Extract)
	if n.Name != "m" || !n.AdminStateUp || n.Description != "d" {
		t.Errorf("updated %+v", n)
	}
	_, err := networks.Get(ctx, s.red, n.ID).Extract()
	refused(t, err, http.StatusNotFound, "NetworkNotFound")
	if found := all(t, networks.List(s.red, networks.ListOpts{ID: n.ID}), networks.ExtractNetworks); len(found) != 0 {
		t.Errorf("another project sees %+v", found)
	}
	_, err = networks.Update(ctx, s.blue, n.ID, networks.UpdateOpts{Shared: to(true)}).Extract()
	refused(t, err, http.StatusForbidden, "PolicyNotAuthorized")

	n = get(t, networks.Update(ctx, s.admin, n.ID, networks.UpdateOpts{Shared: to(true)}).Extract)
	if seen := get(t, networks.Get(ctx, s.red, n.ID).Extract); !seen.Shared {
		t.Errorf("another project sees %+v", seen)
	}
	done(t, networks.Delete(ctx, s.blue, n.ID).ExtractErr())
	_, err = networks.Get(ctx, s.blue, n.ID).Extract()
	gone(t, err)

	var small struct {
		networks.Network
		mtu.NetworkMTUExt
	}
	done(t, networks.Create(ctx, s.blue, mtu.CreateOptsExt{CreateOptsBuilder: networks.CreateOpts{Name: "small"}, MTU: 1300}).ExtractInto(&small))
	if small.MTU != 1300 {
		t.Errorf("made with an MTU of 1300: %+v", small)
	}
	done(t, networks.Delete(ctx, s.blue, small.ID).ExtractErr())
}

func (s *suite) pages(t *testing.T) {
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprint("page", i))
		network(t, s.blue, want[i])
	}
	var got []string
	for _, n := range all(t, networks.List(s.blue, networks.ListOpts{ProjectID: s.blueID, Limit: 3, SortKey: "name", SortDir: "asc"}),
		networks.ExtractNetworks) {
		got = append(got, n.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("three at a time (-want +got):\n%s", diff)
	}
}

func (s *suite) subnets(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "of subnets")
	sub := get(t, subnets.Create(ctx, s.blue, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.3.0.0/24", IPVersion: gophercloud.IPv4,
		Name: "s", DNSNameservers: []string{"192.0.2.53"}, AllocationPools: []subnets.AllocationPool{{Start: "10.3.0.10", End: "10.3.0.20"}},
		HostRoutes: []subnets.HostRoute{{DestinationCIDR: "10.9.0.0/16", NextHop: "10.3.0.9"}}}).Extract)
	if sub.GatewayIP != "10.3.0.1" || !sub.EnableDHCP || sub.CIDR != "10.3.0.0/24" || len(sub.AllocationPools) != 1 || len(sub.HostRoutes) != 1 {
		t.Errorf("made %+v", sub)
	}
	six := get(t, subnets.Create(ctx, s.blue, subnets.CreateOpts{NetworkID: n.ID, CIDR: "fd00:3::/64", IPVersion: gophercloud.IPv6,
		IPv6AddressMode: "slaac", IPv6RAMode: "slaac", GatewayIP: to("")}).Extract)
	if six.GatewayIP != "" || six.IPv6RAMode != "slaac" {
		t.Errorf("made %+v", six)
	}
	sub = get(t, subnets.Update(ctx, s.blue, sub.ID, subnets.UpdateOpts{EnableDHCP: to(false), DNSNameservers: &[]string{},
		HostRoutes: &[]subnets.HostRoute{}}).Extract)
	if sub.EnableDHCP || len(sub.DNSNameservers) != 0 || len(sub.HostRoutes) != 0 {
		t.Errorf("updated %+v", sub)
	}
	_, err := subnets.Create(ctx, s.blue, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.3.0.128/25", IPVersion: gophercloud.IPv4}).Extract()
	refused(t, err, http.StatusBadRequest, "InvalidInput")
	if found := all(t, subnets.List(s.blue, subnets.ListOpts{NetworkID: n.ID, IPVersion: 6}), subnets.ExtractSubnets); len(found) != 1 {
		t.Errorf("of IPv6: %+v", found)
	}
	for _, id := range []string{sub.ID, six.ID} {
		done(t, subnets.Delete(ctx, s.blue, id).ExtractErr())
	}
}

func (s *suite) ports(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "of ports")
	sub := subnet(t, s.blue, n.ID, "10.4.0.0/24")
	p := get(t, ports.Create(ctx, s.blue, ports.CreateOpts{NetworkID: n.ID, Name: "p", DeviceID: "vm",
		FixedIPs: []ports.IP{{SubnetID: sub.ID, IPAddress: "10.4.0.40"}}}).Extract)
	if p.Name != "p" || p.Status != "DOWN" || len(p.FixedIPs) != 1 || p.FixedIPs[0].IPAddress != "10.4.0.40" || p.MACAddress == "" {
		t.Errorf("made %+v", p)
	}
	_, err := ports.Create(ctx, s.blue, ports.CreateOpts{NetworkID: n.ID, FixedIPs: []ports.IP{{IPAddress: "10.4.0.40"}}}).Extract()
	refused(t, err, http.StatusConflict, "IpAddressAlreadyAllocated")
	refused(t, networks.Delete(ctx, s.blue, n.ID).ExtractErr(), http.StatusConflict, "NetworkInUse")
	p = get(t, ports.Update(ctx, s.blue, p.ID, ports.UpdateOpts{FixedIPs: []ports.IP{{SubnetID: sub.ID, IPAddress: "10.4.0.41"}},
		Name: to("q")}).Extract)
	if p.Name != "q" || p.FixedIPs[0].IPAddress != "10.4.0.41" {
		t.Errorf("updated %+v", p)
	}
	for opts, want := range map[*ports.ListOpts]int{
		{DeviceID: "vm"}: 1,
		{NetworkID: n.ID, FixedIPs: []ports.FixedIPOpts{{IPAddress: "10.4.0.41"}}}: 1,
		{NetworkID: n.ID, FixedIPs: []ports.FixedIPOpts{{IPAddress: "10.4.0.40"}}}: 0,
		{NetworkID: n.ID, MACAddress: p.MACAddress, Status: "DOWN"}:                1,
	} {
		if found := all(t, ports.List(s.blue, *opts), ports.ExtractPorts); len(found) != want {
			t.Errorf("%+v: %d, want %d", opts, len(found), want)
		}
	}
	s.bindPort(t, p.ID)
	done(t, ports.Delete(ctx, s.blue, p.ID).ExtractErr())
	gone(t, ports.Delete(ctx, s.blue, p.ID).ExtractErr())
}

// bindPort binds a port to a host, as Nova does, and gives it DHCP options.
func (s *suite) bindPort(t *testing.T, id string) {
	ctx := t.Context()
	var bound struct {
		ports.Port
		portsbinding.PortsBindingExt
		extradhcpopts.ExtraDHCPOptsExt
	}
	options := extradhcpopts.UpdateOptsExt{UpdateOptsBuilder: ports.UpdateOpts{},
		ExtraDHCPOpts: []extradhcpopts.UpdateExtraDHCPOpt{{OptName: "tftp-server", OptValue: to("192.0.2.69")}}}
	done(t, ports.Update(ctx, s.admin, id, portsbinding.UpdateOptsExt{UpdateOptsBuilder: options, HostID: to("host1")}).ExtractInto(&bound))
	if bound.HostID != "host1" || bound.VNICType != "normal" || bound.VIFType == "unbound" || len(bound.ExtraDHCPOpts) != 1 {
		t.Errorf("bound %+v", bound)
	}
	var seen struct{ portsbinding.PortsBindingExt }
	done(t, ports.Get(ctx, s.blue, id).ExtractInto(&seen))
	if seen.HostID != "" || seen.VIFType != "" {
		t.Errorf("a member sees where the port is: %+v", seen)
	}
}

func (s *suite) revisions(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "revised")
	later := get(t, networks.Update(ctx, s.blue, n.ID, networks.UpdateOpts{Name: to("once"), RevisionNumber: &n.RevisionNumber}).Extract)
	if later.RevisionNumber <= n.RevisionNumber {
		t.Errorf("revision %d after %d", later.RevisionNumber, n.RevisionNumber)
	}
	_, err := networks.Update(ctx, s.blue, n.ID, networks.UpdateOpts{Name: to("twice"), RevisionNumber: &n.RevisionNumber}).Extract()
	refused(t, err, http.StatusPreconditionFailed, "RevisionNumberConstraintFailed")
}
