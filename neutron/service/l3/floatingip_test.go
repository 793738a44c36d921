package l3

import (
	"encoding/json"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// TestFloatingIP follows one through its life.
func TestFloatingIP(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	f.tasks()
	fip := f.floating(alice, w.external, nil)
	if fip.Status != model.StatusDown || !fip.RouterID.IsZero() || fip.PortDetails != nil || fip.ProjectID != "alice" {
		t.Errorf("it is %+v", fip)
	}
	f.wantTasks("CREATE PORT", "CREATE FLOATINGIP")
	held, err := f.portsBy("device_id", fip.ID.String())
	if err != nil || len(held) != 1 || held[0].Status != model.StatusNotApplicable || held[0].FixedIPs[0].IPAddress != fip.FloatingIPAddress {
		t.Fatalf("%v, its ports are %+v", err, held)
	}
	fip, err = f.FloatingIPs().Update(ctx, alice, fip.ID.String(), body(model.FloatingIP{PortID: w.vm.ID}, "port_id"))
	if err != nil {
		t.Fatal(err)
	}
	if fip.Status != model.StatusActive || fip.RouterID != w.router.ID || fip.FixedIPAddress != netip.MustParseAddr("10.0.0.5") ||
		fip.PortDetails == nil || fip.PortDetails.MACAddress != w.vm.MACAddress {
		t.Errorf("associated, it is %+v", fip)
	}
	var told model.FloatingIP
	if err := json.Unmarshal(f.wantTasks("UPDATE FLOATINGIP")[0].Data, &told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded(fip), &told, equal); diff != "" {
		t.Errorf("the task has (-answered +told):\n%s", diff)
	}
	described := body(model.FloatingIP{Standard: model.Standard{Description: "d"}}, "description")
	if fip, err = f.FloatingIPs().Update(ctx, alice, fip.ID.String(), described); err != nil {
		t.Fatal(err)
	}
	if fip.PortID != w.vm.ID || fip.Description != "d" {
		t.Errorf("described, it is %+v", fip)
	}

	// A port that has moved takes it along with the next change, whatever that is of.
	moved := body(model.Port{FixedIPs: []model.FixedIP{{SubnetID: w.insideSubnet.ID, IPAddress: netip.MustParseAddr("10.0.0.6")}}}, "fixed_ips")
	if _, err := f.core.Ports().Update(ctx, admin, w.vm.ID.String(), moved); err != nil {
		t.Fatal(err)
	}
	if fip, err = f.FloatingIPs().Get(ctx, alice, fip.ID.String()); err != nil || fip.FixedIPAddress != netip.MustParseAddr("10.0.0.5") {
		t.Errorf("%v, its port moved, and it is %+v", err, fip)
	}
	if fip, err = f.FloatingIPs().Update(ctx, alice, fip.ID.String(), described); err != nil || fip.FixedIPAddress != netip.MustParseAddr("10.0.0.6") {
		t.Errorf("%v, described again it is %+v", err, fip)
	}
	f.tasks()
	if err := f.core.Ports().Delete(ctx, alice, w.vm.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("UPDATE FLOATINGIP", "DELETE PORT")
	fip, err = f.FloatingIPs().Get(ctx, alice, fip.ID.String())
	if err != nil || !fip.PortID.IsZero() || !fip.RouterID.IsZero() || fip.FixedIPAddress.IsValid() || fip.Status != model.StatusDown {
		t.Errorf("%v, without its port it is %+v", err, fip)
	}
	if err := f.FloatingIPs().Delete(ctx, alice, fip.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORT", "DELETE FLOATINGIP")
}

// TestFloatingIPByInterface is router-interface-fip: a router that is on the external network by an interface translates too, and the
// interface cannot go before the address.
func TestFloatingIPByInterface(t *testing.T) {
	f := newFixture(t)
	ext, inside := f.external(), f.network(alice)
	extSubnet, insideSubnet := f.subnet(admin, ext, "172.24.4.0/24"), f.subnet(alice, inside, "10.0.0.0/24")
	r := f.router(admin, nil)
	f.plug(admin, r, extSubnet)
	f.plug(admin, r, insideSubnet)
	fip := f.floating(alice, ext, f.port(alice, inside))
	if fip.RouterID != r.ID {
		t.Errorf("the router is %v, want %v", fip.RouterID, r.ID)
	}
	_, err := f.RemoveInterface(ctx, admin, r.ID.String(), bySubnet(extSubnet))
	wantFault(t, err, errs.Conflict, "RouterInterfaceInUseAsGatewayByFloatingIP")
	_, err = f.RemoveInterface(ctx, admin, r.ID.String(), bySubnet(insideSubnet))
	wantFault(t, err, errs.Conflict, "RouterInterfaceInUseByFloatingIP")
}

// TestRouterOfSubnetsGateway: of two routers between the networks, the one at the subnet's gateway address translates.
func TestRouterOfSubnetsGateway(t *testing.T) {
	f := newFixture(t)
	ext, inside := f.external(), f.network(alice)
	f.subnet(admin, ext, "172.24.4.0/24")
	s := f.subnet(alice, inside, "10.0.0.0/24")
	first := f.router(alice, ext)
	if _, err := f.AddInterface(ctx, alice, first.ID.String(), byPort(f.port(alice, inside, "10.0.0.9"))); err != nil {
		t.Fatal(err)
	}
	if fip := f.floating(alice, ext, f.port(alice, inside)); fip.RouterID != first.ID {
		t.Errorf("the router is %v, and %v alone is there", fip.RouterID, first.ID)
	}
	gateway := f.router(alice, ext)
	f.plug(alice, gateway, s)
	if fip := f.floating(alice, ext, f.port(alice, inside)); fip.RouterID != gateway.ID {
		t.Errorf("the router is %v, and the subnet's gateway %v", fip.RouterID, gateway.ID)
	}
}

// TestFloatingIPsOfIPv6 is fip64: an IPv4 address where there is one, and else, or where it is asked for, an IPv6 one. Both stand for an
// IPv4 address of a port.
func TestFloatingIPsOfIPv6(t *testing.T) {
	f := newFixture(t)
	ext, inside := f.external(), f.network(alice)
	create := func(v model.FloatingIP, given ...string) (*model.FloatingIP, error) {
		v.FloatingNetworkID, v.ProjectID = ext.ID, alice.ProjectID
		made, err := f.FloatingIPs().Create(ctx, admin, []plugin.Body[model.FloatingIP]{body(v, append(given, "floating_network_id")...)})
		if err != nil {
			return nil, err
		}
		return made[0], nil
	}
	_, err := create(model.FloatingIP{})
	wantFault(t, err, errs.Invalid, "BadRequest")
	if want := "Network " + ext.ID.String() + " does not contain any subnet"; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	v6 := f.subnet(admin, ext, "fd00:9::/64")
	only6, err := create(model.FloatingIP{})
	if err != nil || !v6.CIDR.Contains(only6.FloatingIPAddress) {
		t.Fatalf("%v, of a network of IPv6 it is %+v", err, only6)
	}
	f.subnet(admin, ext, "172.24.4.0/24")
	if fip := f.floating(alice, ext, nil); !fip.FloatingIPAddress.Is4() {
		t.Errorf("got %v where there is an IPv4 subnet", fip.FloatingIPAddress)
	}
	bySubnet, err := create(model.FloatingIP{SubnetID: v6.ID}, "subnet_id")
	if err != nil || !v6.CIDR.Contains(bySubnet.FloatingIPAddress) {
		t.Errorf("%v, of the IPv6 subnet it is %+v", err, bySubnet)
	}
	byAddress, err := create(model.FloatingIP{FloatingIPAddress: netip.MustParseAddr("fd00:9::7:7")}, "floating_ip_address")
	if err != nil || byAddress.FloatingIPAddress != netip.MustParseAddr("fd00:9::7:7") {
		t.Errorf("%v, of the IPv6 address it is %+v", err, byAddress)
	}

	f.plug(alice, f.router(alice, ext), f.subnet(alice, inside, "10.0.0.0/24"))
	f.subnet(alice, inside, "fd00:8::/64")
	vm := f.port(alice, inside)
	associate := func(v model.FloatingIP, given ...string) (*model.FloatingIP, error) {
		v.PortID = vm.ID
		return f.FloatingIPs().Update(ctx, alice, only6.ID.String(), body(v, append(given, "port_id")...))
	}
	_, err = associate(model.FloatingIP{FixedIPAddress: netip.MustParseAddr("fd00:8::5")}, "fixed_ip_address")
	wantFault(t, err, errs.Invalid, "BadRequest")
	err = refused(f.PortForwardings(bySubnet.ID.String()), admin, forwardingBody(vm, 80, 8080))
	wantFault(t, err, errs.Invalid, "BadRequest")
	if !strings.Contains(err.Error(), "is an IPv6 address") {
		t.Errorf("forwarding: %v", err)
	}
	got, err := associate(model.FloatingIP{})
	if err != nil || !got.FixedIPAddress.Is4() || got.Status != model.StatusActive || got.RouterID.IsZero() {
		t.Errorf("%v, associated it is %+v", err, got)
	}
}

func TestFloatingIPsOfOthers(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	fip := f.floating(bob, w.external, nil)
	associate := body(model.FloatingIP{PortID: w.vm.ID}, "port_id")
	_, err := f.FloatingIPs().Update(ctx, bob, fip.ID.String(), associate)
	wantFault(t, err, errs.NotFound, "PortNotFound")
	_, err = f.FloatingIPs().Update(ctx, alice, fip.ID.String(), associate)
	wantFault(t, err, errs.NotFound, "FloatingIPNotFound")
	mine := f.floating(alice, w.external, nil)
	bobs := f.port(admin, w.inside)
	_, err = f.FloatingIPs().Update(ctx, alice, mine.ID.String(), body(model.FloatingIP{PortID: bobs.ID}, "port_id"))
	wantFault(t, err, errs.Invalid, "BadRequest") // alice sees it on her network, and it is not hers
}

// TestGatewayOfFloatingIPs: MidoNet keeps a gateway while an address of its own subnets is in use, and no longer.
func TestGatewayOfFloatingIPs(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	fip := f.floating(alice, w.external, w.vm)
	_, err := f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(nil))
	wantFault(t, err, errs.Conflict, "RouterExternalGatewayInUseByFloatingIp")
	wantFault(t, f.core.Networks().Delete(ctx, admin, w.external.ID.String()), errs.Conflict, "NetworkInUse")
	if err := f.FloatingIPs().Delete(ctx, alice, fip.ID.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(nil)); err != nil {
		t.Error(err)
	}
}

// TestNetworkTakesFreeAddresses: addresses that stand for nothing go with their network, and stay where it does.
func TestNetworkTakesFreeAddresses(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	free := f.floating(bob, w.external, nil)
	wantFault(t, f.core.Networks().Delete(ctx, admin, w.external.ID.String()), errs.Conflict, "NetworkInUse")
	if _, err := f.FloatingIPs().Get(ctx, bob, free.ID.String()); err != nil {
		t.Fatalf("the network stayed, and the address: %v", err)
	}
	if _, err := f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(nil)); err != nil {
		t.Fatal(err)
	}
	f.tasks()
	if err := f.core.Networks().Delete(ctx, admin, w.external.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORT", "DELETE FLOATINGIP", "DELETE SUBNET", "DELETE NETWORK")
}

// TestFloatingIPsAtTheSameTime: of many that want one port, one gets it; none is left half made.
func TestFloatingIPsAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	const clients = 8
	results := make([]error, clients)
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() { results[i] = refused(f.FloatingIPs(), alice, floatingBody(w.external, w.vm)) })
	}
	group.Wait()
	made := 0
	for _, err := range results {
		if err == nil {
			made++
		} else {
			wantFault(t, err, errs.Conflict, "FloatingIPPortAlreadyAssociated")
		}
	}
	all, err := f.FloatingIPs().List(ctx, admin, plugin.Query{})
	if made != 1 || err != nil || len(all) != 1 {
		t.Errorf("%d were made and %d are there, %v", made, len(all), err)
	}
	f.wantHeldPorts(1)
}

func (f *fixture) portsBy(attr, value string) ([]*model.Port, error) {
	return f.core.Ports().List(ctx, admin, plugin.Query{Filters: []plugin.Filter{{Attr: attr, Values: []string{value}}}})
}

// wantHeldPorts checks how many ports hold floating addresses.
func (f *fixture) wantHeldPorts(n int) {
	f.t.Helper()
	held, err := f.portsBy("device_owner", model.OwnerFloatingIP)
	if err != nil || len(held) != n {
		f.t.Errorf("%v, %d ports hold floating addresses, want %d", err, len(held), n)
	}
}

// TestInterfaceAndAddressAtTheSameTime: an interface does not go while an address is associated by it.
func TestInterfaceAndAddressAtTheSameTime(t *testing.T) {
	for range 5 {
		f := newFixture(t)
		w := f.cloud()
		var group sync.WaitGroup
		var removed, associated error
		group.Go(func() { _, removed = f.RemoveInterface(ctx, alice, w.router.ID.String(), bySubnet(w.insideSubnet)) })
		group.Go(func() { associated = refused(f.FloatingIPs(), alice, floatingBody(w.external, w.vm)) })
		group.Wait()
		if (removed == nil) == (associated == nil) {
			t.Errorf("removed: %v; associated: %v", removed, associated)
		}
	}
}

// TestOverlapAtTheSameTime: a router does not get two subnets that share addresses.
func TestOverlapAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	r := f.router(alice, nil)
	const clients = 6
	subnets := make([]*model.Subnet, clients)
	for i := range clients {
		subnets[i] = f.subnet(alice, f.network(alice), "10.0.0.0/24")
	}
	results := make([]error, clients)
	var group sync.WaitGroup
	for i, s := range subnets {
		group.Go(func() { _, results[i] = f.AddInterface(ctx, alice, r.ID.String(), bySubnet(s)) })
	}
	group.Wait()
	added := 0
	for _, err := range results {
		if err == nil {
			added++
		} else {
			wantFault(t, err, errs.Invalid, "BadRequest")
		}
	}
	if added != 1 {
		t.Errorf("%d interfaces were added", added)
	}
}

// TestAddressOfAnAddress: a floating address may stand for the port of another, where a router is on the external network too, and loses it
// with that.
func TestAddressOfAnAddress(t *testing.T) {
	f := newFixture(t)
	ext := f.external()
	s := f.subnet(admin, ext, "172.24.4.0/24")
	f.plug(admin, f.router(admin, nil), s)
	inner := f.floating(admin, ext, nil)
	held, err := f.portsBy("device_id", inner.ID.String())
	if err != nil || len(held) != 1 {
		t.Fatalf("%v, %d ports", err, len(held))
	}
	outer := f.floating(admin, ext, held[0])
	if err := f.FloatingIPs().Delete(ctx, admin, inner.ID.String()); err != nil {
		t.Fatal(err)
	}
	if outer, err = f.FloatingIPs().Get(ctx, admin, outer.ID.String()); err != nil || !outer.PortID.IsZero() {
		t.Errorf("%v, it stands for %v", err, outer.PortID)
	}
}

// TestNoAddressNoPort: a floating address that cannot be associated leaves no port behind.
func TestNoAddressNoPort(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	unreachable := f.network(alice)
	f.subnet(alice, unreachable, "10.9.0.0/24")
	err := refused(f.FloatingIPs(), alice, floatingBody(w.external, f.port(alice, unreachable)))
	wantFault(t, err, errs.NotFound, "ExternalGatewayForFloatingIPNotFound")
	f.wantHeldPorts(0)
}
