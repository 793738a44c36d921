package gophercloud

import (
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/portsecurity"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/addressgroups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
)

// group makes a security group that the test deletes at its end.
func group(t *testing.T, c *gophercloud.ServiceClient, name string) *groups.SecGroup {
	t.Helper()
	g := get(t, groups.Create(t.Context(), c, groups.CreateOpts{Name: name}).Extract)
	t.Cleanup(func() { done(t, groups.Delete(cleanup(t), c, g.ID).ExtractErr()) })
	return g
}

func (s *suite) securityGroups(t *testing.T) {
	ctx := t.Context()
	if found := all(t, groups.List(s.red, groups.ListOpts{Name: "default"}), groups.ExtractGroups); len(found) != 1 || len(found[0].Rules) != 4 {
		t.Errorf("the default group of a project: %+v", found)
	}
	g := group(t, s.blue, "web")
	if len(g.Rules) != 2 || !g.Stateful || g.ProjectID != s.blueID {
		t.Errorf("made %+v", g)
	}
	r := get(t, rules.Create(ctx, s.blue, rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, SecGroupID: g.ID,
		Protocol: rules.ProtocolTCP, PortRangeMin: 80, PortRangeMax: 443, RemoteIPPrefix: "192.0.2.0/24"}).Extract)
	if r.Protocol != "tcp" || r.PortRangeMin != 80 || r.PortRangeMax != 443 || r.RemoteIPPrefix != "192.0.2.0/24" {
		t.Errorf("made %+v", r)
	}
	_, err := rules.Create(ctx, s.blue, rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, SecGroupID: g.ID,
		Protocol: rules.ProtocolTCP, PortRangeMin: 80, PortRangeMax: 443, RemoteIPPrefix: "192.0.2.0/24"}).Extract()
	refused(t, err, http.StatusConflict, "SecurityGroupRuleExists")
	s.manyRules(t, g.ID)
	_, err = groups.Get(ctx, s.red, g.ID).Extract()
	gone(t, err)
	g = get(t, groups.Update(ctx, s.blue, g.ID, groups.UpdateOpts{Name: "web2", Description: to("d")}).Extract)
	if g.Name != "web2" || g.Description != "d" {
		t.Errorf("updated %+v", g)
	}
	done(t, rules.Delete(ctx, s.blue, r.ID).ExtractErr())
	_, err = rules.Get(ctx, s.blue, r.ID).Extract()
	gone(t, err)
}

// manyRules makes rules with one request, which makes all or none.
func (s *suite) manyRules(t *testing.T, groupID string) {
	ctx := t.Context()
	rule := func(protocol rules.RuleProtocol, min, max int) rules.CreateOpts {
		return rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, SecGroupID: groupID, Protocol: protocol,
			PortRangeMin: min, PortRangeMax: max, RemoteGroupID: groupID}
	}
	made := get(t, rules.CreateBulk(ctx, s.blue, []rules.CreateOpts{rule("udp", 53, 53), rule("icmp", 8, 0), rule("47", 0, 0)}).Extract)
	if len(made) != 3 || made[1].PortRangeMin != 8 || made[0].RemoteGroupID != groupID {
		t.Errorf("made %+v", made)
	}
	_, err := rules.CreateBulk(ctx, s.blue, []rules.CreateOpts{rule("udp", 54, 54), rule("udp", 56, 55)}).Extract()
	refused(t, err, http.StatusBadRequest, "SecurityGroupInvalidPortRange")
	if found := all(t, rules.List(s.blue, rules.ListOpts{SecGroupID: groupID, RemoteGroupID: groupID}), rules.ExtractRules); len(found) != 3 {
		t.Errorf("%d rules, want 3: %+v", len(found), found)
	}
}

func (s *suite) addressGroups(t *testing.T) {
	ctx := t.Context()
	a := get(t, addressgroups.Create(ctx, s.blue, addressgroups.CreateOpts{Name: "offices", Addresses: []string{"192.0.2.0/25"}}).Extract)
	a = get(t, addressgroups.AddAddresses(ctx, s.blue, a.ID, addressgroups.UpdateAddressesOpts{Addresses: []string{"198.51.100.0/24"}}).Extract)
	if len(a.Addresses) != 2 {
		t.Errorf("after adding one: %+v", a)
	}
	g := group(t, s.blue, "for offices")
	r := get(t, rules.Create(ctx, s.blue, rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, SecGroupID: g.ID,
		RemoteAddressGroupID: a.ID}).Extract)
	refused(t, addressgroups.Delete(ctx, s.blue, a.ID).ExtractErr(), http.StatusConflict, "AddressGroupInUse")
	done(t, rules.Delete(ctx, s.blue, r.ID).ExtractErr())
	a = get(t, addressgroups.RemoveAddresses(ctx, s.blue, a.ID, addressgroups.UpdateAddressesOpts{Addresses: []string{"192.0.2.0/25"}}).Extract)
	if len(a.Addresses) != 1 || a.Addresses[0] != "198.51.100.0/24" {
		t.Errorf("after removing one: %+v", a)
	}
	done(t, addressgroups.Delete(ctx, s.blue, a.ID).ExtractErr())
}

func (s *suite) portSecurity(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "secured")
	subnet(t, s.blue, n.ID, "10.5.0.0/24")
	p := port(t, s.blue, n.ID)
	if len(p.SecurityGroups) != 1 {
		t.Errorf("a port without a choice has the groups %v", p.SecurityGroups)
	}
	p = get(t, ports.Update(ctx, s.blue, p.ID, ports.UpdateOpts{AllowedAddressPairs: &[]ports.AddressPair{{IPAddress: "10.5.0.128/25"}}}).Extract)
	if len(p.AllowedAddressPairs) != 1 || p.AllowedAddressPairs[0].MACAddress != p.MACAddress {
		t.Errorf("updated %+v", p)
	}
	open := portsecurity.PortUpdateOptsExt{UpdateOptsBuilder: ports.UpdateOpts{AllowedAddressPairs: &[]ports.AddressPair{}},
		PortSecurityEnabled: to(false)}
	_, err := ports.Update(ctx, s.blue, p.ID, open).Extract()
	refused(t, err, http.StatusConflict, "PortSecurityPortHasSecurityGroup")
	open.UpdateOptsBuilder = ports.UpdateOpts{SecurityGroups: &[]string{}, AllowedAddressPairs: &[]ports.AddressPair{}}
	var opened struct {
		ports.Port
		portsecurity.PortSecurityExt
	}
	done(t, ports.Update(ctx, s.blue, p.ID, open).ExtractInto(&opened))
	if opened.PortSecurityEnabled || len(opened.SecurityGroups) != 0 {
		t.Errorf("opened %+v", opened)
	}
	g := group(t, s.blue, "used")
	_, err = ports.Update(ctx, s.blue, p.ID, ports.UpdateOpts{SecurityGroups: &[]string{g.ID}}).Extract()
	refused(t, err, http.StatusBadRequest, "PortSecurityAndIPRequiredForSecurityGroups")
}
