package ml2

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

func policyBody(n *model.Network, action model.RBACAction, target, owner string) plugin.Body[model.RBACPolicy] {
	return body(model.RBACPolicy{ObjectType: model.RBACNetwork, ObjectID: n.ID.String(), Action: action, TargetProject: target, ProjectID: owner},
		"object_type", "object_id", "action", "target_tenant")
}

// policy makes a policy on a network for its owner.
func (f *fixture) policy(n *model.Network, action model.RBACAction, target string) *model.RBACPolicy {
	f.t.Helper()
	return one(f.t, f.RBACPolicies(), &auth.Caller{ProjectID: n.ProjectID, Admin: target == model.Everyone},
		policyBody(n, action, target, n.ProjectID))
}

// wantSeen checks what a caller sees of a network: nothing, or whether it is shared and external.
func (f *fixture) wantSeen(c *auth.Caller, n *model.Network, visible, shared, external bool) {
	f.t.Helper()
	got, err := f.Networks().Get(ctx, c, n.ID.String())
	list, listErr := f.Networks().List(ctx, c, plugin.Query{Filters: []plugin.Filter{{Attr: "id", Values: []string{n.ID.String()}}}})
	if listErr != nil {
		f.t.Fatal(listErr)
	}
	if !visible {
		wantFault(f.t, err, errs.NotFound, "NetworkNotFound", "")
		if len(list) > 0 {
			f.t.Errorf("%s lists what it does not see", c.ProjectID)
		}
		return
	}
	if err != nil || len(list) != 1 {
		f.t.Fatalf("%s: %v, %d listed", c.ProjectID, err, len(list))
	}
	if diff := cmp.Diff(got, list[0]); diff != "" {
		f.t.Errorf("what is listed differs from what is shown: %s", diff)
	}
	if got.Shared != shared || got.External != external {
		f.t.Errorf("for %s the network is shared: %v, external: %v; want %v, %v", c.ProjectID, got.Shared, got.External, shared, external)
	}
}

func TestSharedIsWhoLooks(t *testing.T) {
	f := newFixture(t)
	carol := &auth.Caller{ProjectID: "carol"}
	n := f.network(alice)
	sub := f.subnet(alice, n, "10.0.0.0/24")
	f.wantSeen(bob, n, false, false, false)
	p := f.policy(n, model.AccessAsShared, "bob")
	f.wantSeen(bob, n, true, true, false)
	f.wantSeen(alice, n, true, false, false)
	f.wantSeen(admin, n, true, false, false)
	f.wantSeen(carol, n, false, false, false)
	if _, err := f.Subnets().Get(ctx, bob, sub.ID.String()); err != nil {
		t.Errorf("bob does not see the subnet: %v", err)
	}
	_, err := f.Subnets().Get(ctx, carol, sub.ID.String())
	wantFault(t, err, errs.NotFound, "SubnetNotFound", "")
	f.port(bob, n)
	_, err = f.Ports().Create(ctx, carol, []plugin.Body[model.Port]{portBody(n)})
	wantFault(t, err, errs.NotFound, "NetworkNotFound", "")

	for _, c := range []struct {
		who   *auth.Caller
		value string
		want  int
	}{{bob, "True", 1}, {bob, "False", 0}, {alice, "True", 0}, {alice, "False", 1}, {carol, "False", 0}} {
		nets, err := f.Networks().List(ctx, c.who, plugin.Query{Filters: []plugin.Filter{{Attr: "shared", Values: []string{c.value}}}})
		if err != nil || len(nets) != c.want {
			t.Errorf("%s lists %d networks with shared=%s, %v", c.who.ProjectID, len(nets), c.value, err)
		}
		subs, err := f.Subnets().List(ctx, c.who, plugin.Query{Filters: []plugin.Filter{{Attr: "shared", Values: []string{c.value}}}})
		if err != nil || len(subs) != c.want {
			t.Errorf("%s lists %d subnets with shared=%s, %v", c.who.ProjectID, len(subs), c.value, err)
		}
	}
	wantFault(t, f.RBACPolicies().Delete(ctx, bob, p.ID.String()), errs.NotFound, "RbacPolicyNotFound", "")
}

// TestExternalFollowsThePolicies: a policy makes a network external for its target alone, and the last one takes that back.
func TestExternalFollowsThePolicies(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	sub := f.subnet(alice, n, "10.0.0.0/24")
	before, err := f.Networks().Get(ctx, alice, n.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	f.tasks()
	p := f.policy(n, model.AccessAsExternal, "bob")
	f.wantSeen(bob, n, true, false, true)
	f.wantSeen(&auth.Caller{ProjectID: "carol"}, n, false, false, false)
	_, err = f.Subnets().Get(ctx, bob, sub.ID.String())
	wantFault(t, err, errs.NotFound, "SubnetNotFound", "")
	after, err := f.Networks().Get(ctx, alice, n.ID.String())
	if err != nil || after.RevisionNumber <= before.RevisionNumber {
		t.Errorf("revision %d after %d, %v", after.RevisionNumber, before.RevisionNumber, err)
	}
	want, err := json.Marshal(after)
	if err != nil {
		t.Fatal(err)
	}
	if tasks := f.tasks(); len(tasks) != 1 || tasks[0].DataType != journal.Network || string(tasks[0].Data) != string(want) {
		t.Errorf("the journal has %v", tasks)
	}
	if err := f.RBACPolicies().Delete(ctx, alice, p.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantSeen(alice, n, true, false, false)
}

// TestSharedAndExternalArePolicies: the two attributes are policies for everyone, which can be seen, and removed as such.
func TestSharedAndExternalArePolicies(t *testing.T) {
	f := newFixture(t)
	n := one(t, f.Networks(), admin, body(model.Network{Shared: true, External: true}, "shared", "router:external"))
	for _, action := range []model.RBACAction{model.AccessAsShared, model.AccessAsExternal} {
		f.wantSeen(bob, n, true, true, true)
		found := f.policiesOf(n, action)
		if len(found) != 1 || found[0].TargetProject != model.Everyone || found[0].ProjectID != "admin" {
			t.Fatalf("policies %v", found)
		}
	}
	if err := f.RBACPolicies().Delete(ctx, admin, f.policiesOf(n, model.AccessAsShared)[0].ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantSeen(bob, n, true, false, true)
	if _, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{}, "router:external")); err != nil {
		t.Fatal(err)
	}
	f.wantSeen(bob, n, false, false, false)
	f.policy(n, model.AccessAsShared, model.Everyone)
	if err := f.Networks().Delete(ctx, admin, n.ID.String()); err != nil {
		t.Fatal(err)
	}
	if left := f.policiesOf(n, model.AccessAsShared); len(left) > 0 {
		t.Errorf("policies %v of a network that is gone", left)
	}
}

func (f *fixture) policiesOf(n *model.Network, action model.RBACAction) []*model.RBACPolicy {
	f.t.Helper()
	found, err := f.RBACPolicies().List(ctx, admin, plugin.Query{Filters: []plugin.Filter{
		{Attr: "object_id", Values: []string{n.ID.String()}}, {Attr: "action", Values: []string{string(action)}}}})
	if err != nil {
		f.t.Fatal(err)
	}
	return found
}

func TestPolicyRefusals(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	f.policy(n, model.AccessAsShared, "bob")
	create := func(c *auth.Caller, b plugin.Body[model.RBACPolicy]) error {
		_, err := f.RBACPolicies().Create(ctx, c, []plugin.Body[model.RBACPolicy]{b})
		return err
	}
	wantFault(t, create(alice, policyBody(n, model.AccessAsShared, "bob", "alice")), errs.Conflict, "DuplicateRbacPolicy", "")
	wantFault(t, create(bob, policyBody(n, model.AccessAsShared, "carol", "bob")), errs.Invalid, "InvalidInput",
		"Invalid input for operation: Only admins can manipulate policies on networks they do not own.")
	wantFault(t, create(&auth.Caller{ProjectID: "carol"}, policyBody(n, model.AccessAsShared, "carol", "carol")), errs.Invalid, "InvalidInput",
		"Invalid input for operation: network "+n.ID.String()+" could not be found.")
	gone := &model.Network{ID: id.New[model.Network]()}
	wantFault(t, create(admin, policyBody(gone, model.AccessAsShared, "bob", "admin")), errs.Invalid, "InvalidInput",
		"Invalid input for operation: network "+gone.ID.String()+" could not be found.")
	wantFault(t, create(alice, policyBody(n, "access_as_friend", "carol", "alice")), errs.Invalid, "InvalidActionForType",
		"Invalid action 'access_as_friend' for object type 'network'. Valid actions: ('access_as_shared', 'access_as_external')")
	wantFault(t, create(admin, body(model.RBACPolicy{ObjectType: model.RBACSecurityGroup, ObjectID: gone.ID.String(), Action: model.AccessAsExternal})),
		errs.Invalid, "InvalidActionForType", "Invalid action 'access_as_external' for object type 'security_group'. Valid actions: ('access_as_shared',)")
}

// TestAPolicyInUseStays: a project whose ports are on a network keeps its access, be it by its own policy or by everyone's.
func TestAPolicyInUseStays(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	own := f.policy(n, model.AccessAsShared, "bob")
	port := f.port(bob, n)
	f.port(alice, n)
	inUse := "RBAC policy on object " + n.ID.String() + " cannot be removed because other objects depend on it.\nDetails: " +
		"Unable to reconfigure sharing settings for network " + n.ID.String() + ". Multiple tenants are using it."
	retarget := func(to string) error {
		_, err := f.RBACPolicies().Update(ctx, alice, own.ID.String(), body(model.RBACPolicy{TargetProject: to}, "target_tenant"))
		return err
	}
	wantFault(t, f.RBACPolicies().Delete(ctx, alice, own.ID.String()), errs.Conflict, "RbacPolicyInUse", inUse)
	wantFault(t, retarget("carol"), errs.Conflict, "RbacPolicyInUse", inUse)

	all := f.policy(n, model.AccessAsShared, model.Everyone)
	if err := retarget("carol"); err != nil {
		t.Fatalf("everyone has the network, and so has bob: %v", err)
	}
	wantFault(t, f.RBACPolicies().Delete(ctx, admin, all.ID.String()), errs.Conflict, "RbacPolicyInUse", inUse)
	_, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{}, "shared"))
	wantFault(t, err, errs.Conflict, "InvalidSharedSetting", "Unable to reconfigure sharing settings for network net. Multiple tenants are using it.")
	if err := retarget("bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{}, "shared")); err != nil {
		t.Fatalf("bob has a policy of its own: %v", err)
	}
	if err := f.Ports().Delete(ctx, bob, port.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := f.RBACPolicies().Delete(ctx, alice, own.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantSeen(bob, n, false, false, false)
}

// TestEveryTypeIsShareable: what the API takes as a type has rules and a table.
func TestEveryTypeIsShareable(t *testing.T) {
	f := newFixture(t)
	for _, kind := range apidef.RBACObjectTypes {
		if shareables[kind].users == nil || len(shareables[kind].actions) == 0 {
			t.Errorf("%s has no rules", kind)
		}
		err := f.db.Tx(ctx, func(tx *store.Tx) error {
			_, err := store.LockRBACObject(tx, kind, "none")
			return err
		})
		if err != store.ErrNotFound {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if len(apidef.RBACObjectTypes) != len(shareables) {
		t.Errorf("the API knows %v", apidef.RBACObjectTypes)
	}
}
