package ml2

import (
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func (f *fixture) scope(c *auth.Caller, version int) *model.AddressScope {
	f.t.Helper()
	return one(f.t, f.AddressScopes(), c, body(model.AddressScope{Name: "scope", IPVersion: version, ProjectID: c.ProjectID}))
}

// poolIn makes a pool in a scope, or the refusal of one.
func (f *fixture) poolIn(c *auth.Caller, s *model.AddressScope, prefixes string) (*model.SubnetPool, error) {
	b := poolBody(prefixes, "address_scope_id", "default_prefixlen")
	b.Value.AddressScopeID, b.Value.DefaultPrefixLen = s.ID, 26
	if !b.Value.Prefixes[0].Addr().Is4() {
		b.Value.DefaultPrefixLen = 64
	}
	made, err := f.SubnetPools().Create(ctx, c, []plugin.Body[model.SubnetPool]{b})
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

func (f *fixture) mustPoolIn(c *auth.Caller, s *model.AddressScope, prefixes string) *model.SubnetPool {
	f.t.Helper()
	p, err := f.poolIn(c, s, prefixes)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// moveTo puts a pool into a scope, or takes it out with the zero scope.
func (f *fixture) moveTo(c *auth.Caller, p *model.SubnetPool, scope model.AddressScopeID) error {
	_, err := f.SubnetPools().Update(ctx, c, p.ID.String(), body(model.SubnetPool{AddressScopeID: scope}, "address_scope_id"))
	return err
}

func TestPoolsOfAScope(t *testing.T) {
	f := newFixture(t)
	s := f.scope(alice, 4)
	f.mustPoolIn(alice, s, "10.20.0.0/16")
	_, err := f.poolIn(alice, s, "10.20.4.0/24")
	wantFault(t, err, errs.Conflict, "AddressScopePrefixConflict",
		"Failed to associate address scope: subnetpools within an address scope must have unique prefixes.")
	_, err = f.poolIn(alice, s, "fd00::/48")
	wantFault(t, err, errs.Invalid, "IllegalSubnetPoolIpVersionAssociationToAddressScope", "")
	_, err = f.poolIn(bob, s, "10.21.0.0/16")
	wantFault(t, err, errs.NotFound, "AddressScopeNotFound", "Address scope "+s.ID.String()+" could not be found.")
	p := f.mustPoolIn(alice, s, "10.21.0.0/24")
	_, err = f.SubnetPools().Update(ctx, alice, p.ID.String(), poolBody("10.20.0.0/15"))
	wantFault(t, err, errs.Conflict, "AddressScopePrefixConflict", "")
	wantFault(t, f.AddressScopes().Delete(ctx, alice, s.ID.String()), errs.Conflict, "AddressScopeInUse", "Unable to complete operation on "+
		"address scope "+s.ID.String()+". There are one or more subnet pools in use on the address scope.")
}

// TestNetworksStayInOneScope: what a network shows follows from its subnets' pools, and pools move only as long as that is one scope.
func TestNetworksStayInOneScope(t *testing.T) {
	f := newFixture(t)
	s, n := f.scope(alice, 4), f.network(alice)
	p, q, apart := f.mustPoolIn(alice, s, "10.20.0.0/16"), f.mustPoolIn(alice, s, "10.21.0.0/16"), f.pool(alice, "10.22.0.0/16", 26)
	for _, pool := range []*model.SubnetPool{p, q} {
		if _, err := f.tryFromPool(alice, n, pool, ""); err != nil {
			t.Fatal(err)
		}
	}
	const affinity = "Subnets of the same address family hosted on the same network must all participate in the same address scope."
	_, err := f.tryFromPool(alice, n, apart, "")
	wantFault(t, err, errs.Invalid, "NetworkAddressScopeAffinityError", affinity)
	_, err = f.Subnets().Create(ctx, alice, []plugin.Body[model.Subnet]{subnetBody(n, "192.168.0.0/24")})
	wantFault(t, err, errs.Invalid, "NetworkSubnetPoolAffinityError", "")
	f.subnet(alice, n, "fd00::/64")
	got, err := f.Networks().Get(ctx, alice, n.ID.String())
	if err != nil || got.IPv4AddressScope != s.ID || !got.IPv6AddressScope.IsZero() {
		t.Errorf("the network's scopes are %v and %v, %v", got.IPv4AddressScope, got.IPv6AddressScope, err)
	}
	if _, err := f.SubnetPools().Update(ctx, alice, q.ID.String(), body(model.SubnetPool{Name: "renamed"}, "name")); err != nil {
		t.Errorf("a change that moves no subnet: %v", err)
	}
	wantFault(t, f.moveTo(alice, q, f.scope(alice, 4).ID), errs.Invalid, "NetworkAddressScopeAffinityError", affinity)
	alone := f.network(alice)
	if _, err := f.tryFromPool(alice, alone, apart, ""); err != nil {
		t.Fatal(err)
	}
	if err := f.moveTo(alice, apart, s.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Networks().Get(ctx, alice, alone.ID.String()); err != nil || got.IPv4AddressScope != s.ID {
		t.Errorf("the network's scope is %v, %v", got.IPv4AddressScope, err)
	}
}

// TestSharedScopes: whom a scope is shared with may have pools in it, which it cannot change afterwards, and keeps them.
func TestSharedScopes(t *testing.T) {
	f := newFixture(t)
	s := f.scope(alice, 4)
	share := func(objectType, objectID string) (*model.RBACPolicy, error) {
		made, err := f.RBACPolicies().Create(ctx, alice, []plugin.Body[model.RBACPolicy]{body(model.RBACPolicy{
			ObjectType: objectType, ObjectID: objectID, Action: model.AccessAsShared, TargetProject: "bob", ProjectID: "alice"})})
		if err != nil {
			return nil, err
		}
		return made[0], nil
	}
	own := f.mustPoolIn(alice, s, "10.20.0.0/16")
	_, err := share(model.RBACSubnetPool, own.ID.String())
	wantFault(t, err, errs.Invalid, "InvalidInput", "Invalid input for operation: Failed to create RBAC policy on object "+own.ID.String()+
		" because target project doesn't have access to associated address scope..")
	policy, err := share(model.RBACAddressScope, s.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := share(model.RBACSubnetPool, own.ID.String()); err != nil {
		t.Fatal(err)
	}
	if got, err := f.AddressScopes().Get(ctx, bob, s.ID.String()); err != nil || !got.Shared {
		t.Errorf("bob sees %+v, %v", got, err)
	}
	p := f.mustPoolIn(bob, s, "10.21.0.0/16")
	refusal := "Illegal subnetpool update : subnetpool " + p.ID.String() + " cannot be updated when associated with shared address scope " +
		s.ID.String() + "."
	wantFault(t, f.moveTo(bob, p, model.AddressScopeID{}), errs.Invalid, "IllegalSubnetPoolUpdate", refusal)
	wantFault(t, f.RBACPolicies().Delete(ctx, alice, policy.ID.String()), errs.Conflict, "RbacPolicyInUse",
		"RBAC policy on object "+s.ID.String()+" cannot be removed because other objects depend on it.\nDetails: project_id=bob")
	if err := f.moveTo(admin, p, model.AddressScopeID{}); err != nil {
		t.Fatal(err)
	}
	if err := f.RBACPolicies().Delete(ctx, alice, policy.ID.String()); err != nil {
		t.Fatal(err)
	}
}

func TestAScopeStaysShared(t *testing.T) {
	f := newFixture(t)
	s := f.scope(alice, 4)
	update := func(shared bool) error {
		_, err := f.AddressScopes().Update(ctx, admin, s.ID.String(), body(model.AddressScope{Shared: shared}, "shared"))
		return err
	}
	for range 2 {
		if err := update(true); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.AddressScopes().Get(ctx, bob, s.ID.String()); err != nil || !got.Shared {
		t.Errorf("bob sees %+v, %v", got, err)
	}
	policies, err := f.RBACPolicies().List(ctx, admin, plugin.Query{Filters: []plugin.Filter{{Attr: "object_id", Values: []string{s.ID.String()}}}})
	if err != nil || len(policies) != 1 || policies[0].ProjectID != admin.ProjectID {
		t.Errorf("shared by %+v, %v; want one policy, of who has shared it", policies, err)
	}
	wantFault(t, update(false), errs.Invalid, "AddressScopeUpdateError",
		"Unable to update address scope "+s.ID.String()+" : Shared address scope can't be unshared.")
	if err := f.AddressScopes().Delete(ctx, admin, s.ID.String()); err != nil {
		t.Fatal(err)
	}
	_, err = f.AddressScopes().Get(ctx, bob, s.ID.String())
	wantFault(t, err, errs.NotFound, "AddressScopeNotFound", "")
}
