package ml2

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

var ctx = context.Background()

func TestNetworkDefaults(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	want := model.Network{
		ID: n.ID, Name: "net", AdminStateUp: true, Status: model.StatusActive, MTU: 1450, NetworkType: "midonet", PortSecurityEnabled: true,
		Subnets: []model.SubnetID{}, AvailabilityZoneHints: []string{}, AvailabilityZones: []string{},
		Standard: model.Standard{
			ProjectID: "alice", CreatedAt: n.CreatedAt, UpdatedAt: n.CreatedAt, RevisionNumber: 1,
		},
	}
	if diff := cmp.Diff(want, *n); diff != "" {
		t.Error(diff)
	}
	got, err := f.Networks().Get(ctx, alice, n.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(n, got); diff != "" {
		t.Errorf("what is read differs from what was answered: %s", diff)
	}
}

func TestNetworkMTU(t *testing.T) {
	for _, c := range []struct {
		name, networkType string
		configure         func(*Config)
		want              int
	}{
		{"IPv4 underlay", "", func(*Config) {}, 1450},
		{"IPv6 underlay", "", func(c *Config) { c.OverlayIPVersion = 6 }, 1430},
		{"jumbo frames", "", func(c *Config) { c.GlobalPhysnetMTU = 9000 }, 8950},
		{"a narrow path", "", func(c *Config) { c.GlobalPhysnetMTU, c.PathMTU = 9000, 1500 }, 1450},
		{"no tunnel", "uplink", func(*Config) {}, 1500},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			c.configure(&f.cfg)
			n := one(t, f.Networks(), admin, body(model.Network{NetworkType: c.networkType}))
			if n.MTU != c.want {
				t.Errorf("MTU %d, want %d", n.MTU, c.want)
			}
			_, err := f.Networks().Create(ctx, admin, []plugin.Body[model.Network]{
				body(model.Network{NetworkType: c.networkType, MTU: c.want + 1}, "mtu")})
			wantFault(t, err, errs.Invalid, "InvalidInput",
				fmt.Sprintf("Invalid input for operation: Requested MTU is too big, maximum is %d.", c.want))
		})
	}
}

func TestProviderAttributesAreRefused(t *testing.T) {
	f := newFixture(t)
	physnet, vlan := "physnet1", 100
	for _, c := range []struct {
		network model.Network
		message string
	}{
		{model.Network{NetworkType: "midonet", PhysicalNetwork: &physnet}, "physical_network prohibited for midonet provider network"},
		{model.Network{NetworkType: "uplink", SegmentationID: &vlan}, "segmentation_id prohibited for uplink provider network"},
		{model.Network{NetworkType: "vlan"}, "network_type value 'vlan' not supported"},
		{model.Network{SegmentationID: &vlan}, "network_type required"},
	} {
		_, err := f.Networks().Create(ctx, admin, []plugin.Body[model.Network]{body(c.network)})
		wantFault(t, err, errs.Invalid, "InvalidInput", "Invalid input for operation: "+c.message+".")
	}
	n := f.network(admin)
	_, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{NetworkType: "uplink"}, "provider:network_type"))
	wantFault(t, err, errs.Invalid, "InvalidInput", "")
	if _, err := f.Networks().Update(ctx, admin, n.ID.String(),
		body(model.Network{NetworkType: "midonet"}, "provider:network_type")); err != nil {
		t.Errorf("to repeat the present type: %v", err)
	}
}

func TestNetworkUpdate(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	f.tasks()
	got, err := f.Networks().Update(ctx, alice, n.ID.String(),
		body(model.Network{Name: "renamed", MTU: 1300, Shared: true}, "name", "mtu", "admin_state_up"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "renamed" || got.Shared || got.MTU != 1300 || got.AdminStateUp || got.RevisionNumber != 2 {
		t.Errorf("after the update: %+v", got)
	}
	tasks := f.tasks()
	if len(tasks) != 1 || tasks[0].Type != journal.Update || !strings.Contains(string(tasks[0].Data), `"name":"renamed"`) {
		t.Errorf("tasks %+v", tasks)
	}
}

// TestWhatCountsAsAChange: a revision and a task belong to what the original counts, whether or not a value differs.
func TestWhatCountsAsAChange(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	yes := true
	for _, c := range []struct {
		body    plugin.Body[model.Network]
		changes bool
	}{
		{body(model.Network{}), false},
		{body(model.Network{Name: "net"}, "name"), true},
		{body(model.Network{}, "shared"), false},
		{body(model.Network{Shared: true}, "shared"), true},
		{body(model.Network{Shared: true}, "shared"), false},
		{body(model.Network{}, "router:external"), false},
		{body(model.Network{External: true}, "router:external"), true},
		{body(model.Network{External: true}, "router:external"), false},
		{body(model.Network{IsDefault: &yes}, "is_default"), true},
		{body(model.Network{IsDefault: &yes}, "is_default"), false},
		{body(model.Network{}, "router:external", "shared"), true},
		{body(model.Network{}, "dns_domain"), false},
		{body(model.Network{DNSDomain: "example.org."}, "dns_domain"), true},
		{body(model.Network{DNSDomain: "example.org."}, "dns_domain"), false},
		{body(model.Network{PortSecurityEnabled: !n.PortSecurityEnabled}, "port_security_enabled"), true},
		{body(model.Network{PortSecurityEnabled: !n.PortSecurityEnabled}, "port_security_enabled"), false},
	} {
		f.tasks()
		was := n.RevisionNumber
		got, err := f.Networks().Update(ctx, admin, n.ID.String(), c.body)
		if err != nil {
			t.Fatal(err)
		}
		n = got
		if tasks := f.tasks(); (got.RevisionNumber == was+1) != c.changes || len(tasks) > 0 != c.changes {
			t.Errorf("%+v: revision %d after %d, %d tasks", c.body, got.RevisionNumber, was, len(tasks))
		}
	}
}

func TestMTUMustSuitTheSubnets(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	f.subnet(admin, n, "fd00::/64")
	_, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{MTU: 1279}, "mtu"))
	wantFault(t, err, errs.Conflict, "NetworkMTUSubnetConflict",
		fmt.Sprintf("MTU of %s is not valid, subnet requires a minimum of 1280", n.ID))
	small := one(t, f.Networks(), admin, body(model.Network{MTU: 1000}, "mtu"))
	_, err = f.Subnets().Create(ctx, admin, []plugin.Body[model.Subnet]{subnetBody(small, "fd00::/64")})
	wantFault(t, err, errs.Conflict, "NetworkMTUSubnetConflict", "")
}

func TestNetworkDelete(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	s := f.subnet(alice, n, "10.0.0.0/24")
	dhcp := one(t, f.Ports(), alice, body(model.Port{NetworkID: n.ID, DeviceOwner: "network:dhcp"}))
	vm := f.port(alice, n)

	wantFault(t, f.Networks().Delete(ctx, alice, n.ID.String()), errs.Conflict, "NetworkInUse",
		fmt.Sprintf("Unable to complete operation on network %s. There are one or more ports still in use on the network, "+
			"id for these ports is: %s.", n.ID, vm.ID))
	if err := f.Ports().Delete(ctx, alice, vm.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.tasks()
	if err := f.Networks().Delete(ctx, alice, n.ID.String()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, task := range f.tasks() {
		got = append(got, fmt.Sprintf("%s %s %s", task.Type, task.DataType, task.ResourceID))
	}
	want := []string{"DELETE PORT " + dhcp.ID.String(), "DELETE SUBNET " + s.ID.String(), "DELETE NETWORK " + n.ID.String()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err := f.Networks().Get(ctx, alice, n.ID.String())
	wantFault(t, err, errs.NotFound, "NetworkNotFound", fmt.Sprintf("Network %s could not be found.", n.ID))
}

// TestWhoSeesWhat: a project sees its own, what is shared, and ports on its networks. What it sees and may not change is policy's to say.
func TestWhoSeesWhat(t *testing.T) {
	f := newFixture(t)
	private := f.network(alice)
	shared := one(t, f.Networks(), admin, body(model.Network{Name: "shared", Shared: true}))
	f.subnet(alice, private, "10.0.0.0/24")
	f.subnet(admin, shared, "10.1.0.0/24")
	f.port(bob, shared)
	onPrivate := one(t, f.Ports(), admin, body(model.Port{NetworkID: private.ID, Standard: model.Standard{ProjectID: "bob"}}))

	for _, c := range []struct {
		who                      *auth.Caller
		networks, subnets, ports int
	}{{admin, 2, 2, 2}, {alice, 2, 2, 1}, {bob, 1, 1, 2}} {
		n, _ := f.Networks().List(ctx, c.who, plugin.Query{})
		s, _ := f.Subnets().List(ctx, c.who, plugin.Query{})
		p, _ := f.Ports().List(ctx, c.who, plugin.Query{})
		if len(n) != c.networks || len(s) != c.subnets || len(p) != c.ports {
			t.Errorf("%s sees %d networks, %d subnets, %d ports", c.who.ProjectID, len(n), len(s), len(p))
		}
	}
	_, err := f.Networks().Get(ctx, bob, private.ID.String())
	wantFault(t, err, errs.NotFound, "NetworkNotFound", "")
	_, err = f.Ports().Create(ctx, bob, []plugin.Body[model.Port]{portBody(private)})
	wantFault(t, err, errs.NotFound, "NetworkNotFound", "")
	wantFault(t, f.Networks().Delete(ctx, bob, private.ID.String()), errs.NotFound, "NetworkNotFound", "")
	if err := f.Ports().Delete(ctx, alice, onPrivate.ID.String()); err != nil {
		t.Errorf("the owner of a network deletes another's port on it: %v", err)
	}
}

func TestUnshare(t *testing.T) {
	f := newFixture(t)
	n := one(t, f.Networks(), admin, body(model.Network{Name: "common", Shared: true}))
	p := f.port(bob, n)
	_, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{}, "shared"))
	wantFault(t, err, errs.Conflict, "InvalidSharedSetting",
		"Unable to reconfigure sharing settings for network common. Multiple tenants are using it.")
	if err := f.Ports().Delete(ctx, bob, p.ID.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{}, "shared")); err != nil {
		t.Error(err)
	}
}
