package ml2

import (
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// TestSubnetServiceTypes: a subnet for some device owners gives addresses to these, before the subnets for all, and to no other port.
func TestSubnetServiceTypes(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	all, own := subnetBody(n, "10.0.0.0/24"), subnetBody(n, "10.0.1.0/24")
	own.Value.ServiceTypes, own.Given["service_types"] = []string{"compute:nova", "network:floatingip"}, true
	special := one(t, f.Subnets(), alice, own)
	got, err := f.Subnets().Get(ctx, alice, special.ID.String())
	if err != nil || len(got.ServiceTypes) != 2 || got.ServiceTypes[0] != "compute:nova" {
		t.Fatalf("service types %v, %v", got.ServiceTypes, err)
	}
	create := func(owner string, fixed ...model.FixedIP) (*model.Port, error) {
		b := portBody(n, fixed...)
		b.Value.DeviceOwner, b.Given["device_owner"] = owner, true
		made, err := f.Ports().Create(ctx, alice, []plugin.Body[model.Port]{b})
		if err != nil {
			return nil, err
		}
		return made[0], nil
	}
	wantOn := func(owner string, want *model.Subnet) {
		t.Helper()
		p, err := create(owner)
		if err != nil || len(p.FixedIPs) != 1 || p.FixedIPs[0].SubnetID != want.ID {
			t.Errorf("a port of %q: %+v, %v; want it on %v", owner, p, err, want.CIDR)
		}
	}
	_, err = create("")
	wantFault(t, err, errs.Conflict, "IpAddressGenerationFailureNoMatchingSubnet",
		"No valid service subnet for the given device owner, network "+n.ID.String()+", service type .")
	wantOn(model.OwnerDHCP, special)

	common := one(t, f.Subnets(), alice, all)
	wantOn("compute:nova", special)
	wantOn("", common)
	_, err = create("", model.FixedIP{SubnetID: special.ID})
	wantFault(t, err, errs.Invalid, "InvalidInput", "")
	if _, err := f.Subnets().Update(ctx, alice, special.ID.String(), body(model.Subnet{ServiceTypes: []string{}}, "service_types")); err != nil {
		t.Fatal(err)
	}
	if _, err := create("", model.FixedIP{SubnetID: special.ID}); err != nil {
		t.Errorf("the subnet is for all now: %v", err)
	}
}
