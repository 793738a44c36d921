package ml2

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// groups returns the groups that a caller lists.
func (f *fixture) groups(c *auth.Caller) []*model.SecurityGroup {
	f.t.Helper()
	page, err := f.SecurityGroups().List(ctx, c, plugin.Query{})
	if err != nil {
		f.t.Fatal(err)
	}
	return page
}

func (f *fixture) group(c *auth.Caller, name string) *model.SecurityGroup {
	f.t.Helper()
	return one(f.t, f.SecurityGroups(), c, body(model.SecurityGroup{Name: name, Stateful: true}, "name"))
}

func ruleBody(g model.SecurityGroupID, protocol string) plugin.Body[model.SecurityGroupRule] {
	return body(model.SecurityGroupRule{SecurityGroupID: g, Direction: model.Ingress, EtherType: model.IPv4, Protocol: &protocol})
}

// TestTheDefaultGroupIsMadeOnce: many first requests of a project at once make one default group, with a task for it and for each of its
// four rules, and every port joins it.
func TestTheDefaultGroupIsMadeOnce(t *testing.T) {
	f := newFixture(t)
	n := one(t, f.Networks(), admin, body(model.Network{Shared: true, PortSecurityEnabled: true}, "shared"))
	f.tasks()
	var wg sync.WaitGroup
	ports := make([]*model.Port, 8)
	for i := range ports {
		wg.Go(func() {
			made, err := f.Ports().Create(ctx, bob, []plugin.Body[model.Port]{portBody(n)})
			if err != nil {
				t.Error(err)
				return
			}
			ports[i] = made[0]
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	all := f.groups(bob)
	if len(all) != 1 || all[0].Name != "default" || len(all[0].Rules) != 4 || !all[0].Stateful {
		t.Fatalf("groups %+v", all)
	}
	for _, p := range ports {
		if !slices.Equal(p.SecurityGroups, []model.SecurityGroupID{all[0].ID}) {
			t.Errorf("a port is in %v", p.SecurityGroups)
		}
	}
	count := map[journal.DataType]int{}
	for _, task := range f.tasks() {
		count[task.DataType]++
	}
	if count[journal.SecurityGroup] != 1 || count[journal.SecurityGroupRule] != 4 || count[journal.Port] != len(ports) {
		t.Errorf("tasks %v", count)
	}
}

// TestWhoseDefaultGroup: a project and an administrator make it, a service that acts for others does not.
func TestWhoseDefaultGroup(t *testing.T) {
	f := newFixture(t)
	n := one(t, f.Networks(), admin, body(model.Network{Shared: true, PortSecurityEnabled: true}, "shared"))
	service := &auth.Caller{RequestID: "req-4", ProjectID: "service", Advsvc: true}
	b := portBody(n)
	b.Value.ProjectID = "carol"
	if p := one(t, f.Ports(), service, b); len(p.SecurityGroups) != 0 {
		t.Errorf("a service gave another project's port the groups %v", p.SecurityGroups)
	}
	if p := one(t, f.Ports(), admin, b); len(p.SecurityGroups) != 1 {
		t.Errorf("an administrator gave a port the groups %v", p.SecurityGroups)
	}
	if p := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, DeviceOwner: "network:dhcp"}, "device_owner")); len(p.SecurityGroups) != 0 {
		t.Errorf("a port of the network's own is in %v", p.SecurityGroups)
	}
}

// TestTwoRulesOfOneMeaning: of several requests for one rule at once, one succeeds.
func TestTwoRulesOfOneMeaning(t *testing.T) {
	f := newFixture(t)
	g := f.group(alice, "web")
	var wg sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		wg.Go(func() {
			protocol := []string{"tcp", "6"}[i%2]
			_, results[i] = f.SecurityGroupRules().Create(ctx, alice, []plugin.Body[model.SecurityGroupRule]{ruleBody(g.ID, protocol)})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range results {
		if err == nil {
			made++
		} else {
			wantFault(t, err, errs.Conflict, "SecurityGroupRuleExists", "")
		}
	}
	if made != 1 {
		t.Errorf("%d of the requests made the rule", made)
	}
}

// TestAGroupGoesWithTheRulesThatNameIt, and the journal says so of each.
func TestAGroupGoesWithTheRulesThatNameIt(t *testing.T) {
	f := newFixture(t)
	web, db := f.group(alice, "web"), f.group(alice, "db")
	naming := ruleBody(db.ID, "tcp")
	naming.Value.RemoteGroupID = &web.ID
	named := one(t, f.SecurityGroupRules(), alice, naming)
	f.tasks()
	if err := f.SecurityGroups().Delete(ctx, alice, web.ID.String()); err != nil {
		t.Fatal(err)
	}
	gone := map[string]bool{}
	for _, task := range f.tasks() {
		if task.Type != journal.Delete {
			t.Errorf("task %s of %s", task.Type, task.DataType)
		}
		gone[task.ResourceID] = true
	}
	for _, id := range []string{web.ID.String(), named.ID.String(), web.Rules[0].ID.String(), web.Rules[1].ID.String()} {
		if !gone[id] {
			t.Errorf("no task says that %s is gone", id)
		}
	}
	if len(gone) != 4 {
		t.Errorf("%d are gone, want 4", len(gone))
	}
}

// TestTheTaskOfAGroupHasNoRules, and that of a rule is what a client reads.
func TestTheTaskOfAGroupHasNoRules(t *testing.T) {
	f := newFixture(t)
	g := f.group(alice, "web")
	f.tasks()
	if _, err := f.SecurityGroups().Update(ctx, alice, g.ID.String(), body(model.SecurityGroup{Name: "www"}, "name")); err != nil {
		t.Fatal(err)
	}
	rule := one(t, f.SecurityGroupRules(), alice, ruleBody(g.ID, "tcp"))
	tasks := f.tasks()
	var told model.SecurityGroup
	if err := json.Unmarshal(tasks[0].Data, &told); err != nil || told.Name != "www" || len(told.Rules) != 0 {
		t.Errorf("the task has %s", tasks[0].Data)
	}
	read, err := f.SecurityGroupRules().Get(ctx, alice, rule.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := json.Marshal(read); string(tasks[1].Data) != string(want) {
		t.Errorf("the task has %s, a client reads %s", tasks[1].Data, want)
	}
}

// TestASharedGroup: a project that a group is shared with sees it, without being told whose rules it has otherwise, uses it, and keeps
// it shared as long as it does.
func TestASharedGroup(t *testing.T) {
	f := newFixture(t)
	g, n := f.group(alice, "web"), f.network(bob)
	asked := body(model.Port{NetworkID: n.ID, SecurityGroups: []model.SecurityGroupID{g.ID}}, "security_groups")
	_, err := f.Ports().Create(ctx, bob, []plugin.Body[model.Port]{asked})
	wantFault(t, err, errs.NotFound, "SecurityGroupNotFound", "Security group "+g.ID.String()+" does not exist")
	policy := one(t, f.RBACPolicies(), alice, body(model.RBACPolicy{ProjectID: "alice", ObjectType: model.RBACSecurityGroup,
		ObjectID: g.ID.String(), Action: model.AccessAsShared, TargetProject: "bob"}))
	p := one(t, f.Ports(), bob, asked)
	if seen, err := f.SecurityGroups().Get(ctx, bob, g.ID.String()); err != nil || !seen.Shared || len(seen.Rules) != 2 {
		t.Errorf("bob sees %+v, %v", seen, err)
	}
	rules, err := f.SecurityGroupRules().List(ctx, bob, plugin.Query{Filters: []plugin.Filter{
		{Attr: "security_group_id", Values: []string{g.ID.String()}}}})
	if err != nil || len(rules) != 0 {
		t.Errorf("bob lists %d rules of alice's, %v", len(rules), err)
	}
	err = f.RBACPolicies().Delete(ctx, alice, policy.ID.String())
	wantFault(t, err, errs.Conflict, "RbacPolicyInUse", "")
	wantFault(t, f.SecurityGroups().Delete(ctx, alice, g.ID.String()), errs.Conflict, "SecurityGroupInUse", "")
	if err := f.Ports().Delete(ctx, bob, p.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := f.SecurityGroups().Delete(ctx, alice, g.ID.String()); err != nil {
		t.Error(err)
	}
	if _, err := f.RBACPolicies().Get(ctx, alice, policy.ID.String()); !errs.Is(err, errs.NotFound) {
		t.Errorf("the policy outlived its group: %v", err)
	}
}

func TestTheDefaultGroupStays(t *testing.T) {
	f := newFixture(t)
	g := f.groups(alice)[0]
	wantFault(t, f.SecurityGroups().Delete(ctx, alice, g.ID.String()), errs.Conflict, "SecurityGroupCannotRemoveDefault",
		"Insufficient rights for removing default security group.")
	if err := f.SecurityGroups().Delete(ctx, admin, g.ID.String()); err != nil {
		t.Fatal(err)
	}
	if again := f.groups(alice); len(again) != 1 || again[0].ID == g.ID {
		t.Errorf("after an administrator removed it: %+v", again)
	}
}

func TestAnAddressGroupIsBounded(t *testing.T) {
	f := newFixture(t)
	g := model.AddressGroup{Name: "full"}
	for n := range maxGroupAddresses {
		g.Addresses = append(g.Addresses, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32))
	}
	full := one(t, f.AddressGroups(), alice, body(g))
	_, err := f.AddAddresses(ctx, alice, full.ID.String(), json.RawMessage(`{"addresses":["192.0.2.1/32"]}`))
	wantFault(t, err, errs.Conflict, "AddressGroupFull", fmt.Sprintf("Address group %s can have 30000 addresses at most; it would have 30001.", full.ID))
	g.Addresses = append(g.Addresses, netip.MustParsePrefix("192.0.2.1/32"))
	_, err = f.AddressGroups().Create(ctx, alice, []plugin.Body[model.AddressGroup]{body(g)})
	wantFault(t, err, errs.Conflict, "AddressGroupFull", "")
	read, err := f.AddressGroups().Get(ctx, alice, full.ID.String())
	if err != nil || len(read.Addresses) != maxGroupAddresses {
		t.Errorf("after the refusal: %d addresses, %v", len(read.Addresses), err)
	}
}

func TestAddressGroupActions(t *testing.T) {
	f := newFixture(t)
	g := one(t, f.AddressGroups(), alice, body(model.AddressGroup{Name: "offices"}))
	f.tasks()
	changed, err := f.AddAddresses(ctx, alice, g.ID.String(), json.RawMessage(`{"addresses":["10.0.0.9/24","fd00::/64","10.0.0.7/24"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := changed.(*model.AddressGroup).Addresses; len(a) != 2 || a[0].String() != "10.0.0.0/24" || a[1].String() != "fd00::/64" {
		t.Errorf("addresses %v", a)
	}
	if tasks := f.tasks(); len(tasks) != 1 || tasks[0].DataType != journal.AddressGroup || tasks[0].Type != journal.Update {
		t.Errorf("tasks %+v", tasks)
	}
	_, err = f.RemoveAddresses(ctx, alice, g.ID.String(), json.RawMessage(`{"addresses":["fd00::/64"]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.RemoveAddresses(ctx, bob, g.ID.String(), json.RawMessage(`{"addresses":["10.0.0.0/24"]}`))
	wantFault(t, err, errs.NotFound, "AddressGroupNotFound", "")
	read, err := f.AddressGroups().Get(ctx, alice, g.ID.String())
	if err != nil || len(read.Addresses) != 1 || read.RevisionNumber != 2 {
		t.Errorf("%+v, %v", read, err)
	}
}
