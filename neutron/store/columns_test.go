package store

import (
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
)

// lists are all the lists that the API answers.
var lists = []struct {
	definition *apidef.Resource
	list       func(Querier, plugin.Query) error
}{
	{apidef.Networks(), func(q Querier, want plugin.Query) error { _, err := ListNetworks(q, Scope{}, want); return err }},
	{apidef.Subnets(), func(q Querier, want plugin.Query) error { _, err := ListSubnets(q, Scope{}, want); return err }},
	{apidef.RBACPolicies(), func(q Querier, want plugin.Query) error { _, err := ListRBACPolicies(q, Scope{}, want); return err }},
	{apidef.SubnetPools(), func(q Querier, want plugin.Query) error { _, err := ListSubnetPools(q, Scope{}, want); return err }},
	{apidef.AddressScopes(), func(q Querier, want plugin.Query) error { _, err := ListAddressScopes(q, Scope{}, want); return err }},
	{apidef.Ports(), func(q Querier, want plugin.Query) error { _, err := ListPorts(q, Scope{}, want); return err }},
	{apidef.SecurityGroups(), func(q Querier, want plugin.Query) error {
		_, err := ListSecurityGroups(q, Scope{}, want)
		return err
	}},
	{apidef.SecurityGroupRules(), func(q Querier, want plugin.Query) error {
		_, err := ListSecurityGroupRules(q, Scope{}, want)
		return err
	}},
	{apidef.AddressGroups(), func(q Querier, want plugin.Query) error { _, err := ListAddressGroups(q, Scope{}, want); return err }},
	{apidef.Routers(), func(q Querier, want plugin.Query) error { _, err := ListRouters(q, Scope{}, want); return err }},
	{apidef.FloatingIPs(), func(q Querier, want plugin.Query) error { _, err := ListFloatingIPs(q, Scope{}, want); return err }},
	{apidef.PortForwardings(), func(q Querier, want plugin.Query) error {
		_, err := ListPortForwardings(q, Scope{}, want)
		return err
	}},
	{apidef.NetworkIPAvailabilities(), func(q Querier, want plugin.Query) error {
		_, err := ListNetworkIPAvailabilities(q, Scope{}, want)
		return err
	}},
	{apidef.Flavors(), func(q Querier, want plugin.Query) error { _, err := ListFlavors(q, want); return err }},
	{apidef.ServiceProfiles(), func(q Querier, want plugin.Query) error { _, err := ListServiceProfiles(q, want); return err }},
}

// TestWhatTheAPIOffersCanBeAsked: every attribute that the definitions let a client filter or sort by has a column here.
func TestWhatTheAPIOffersCanBeAsked(t *testing.T) {
	db := openNew(t)
	manyPorts(t, db, 1)
	for _, resource := range lists {
		for _, a := range resource.definition.Attributes {
			var want plugin.Query
			if a.Filter {
				want.Filters = []plugin.Filter{{Attr: a.Name, Values: []string{"True"}}}
			}
			if a.Name == "fixed_ips" {
				want.Filters[0].Values = []string{"ip_address=10.0.0.0"}
			}
			if a.Sort {
				want.Sort = []plugin.SortKey{{Attr: a.Name}}
			}
			if err := db.Read(ctx, func(q Querier) error { return resource.list(q, want) }); err != nil {
				t.Errorf("%s %s: %v", resource.definition.Name, a.Name, err)
			}
		}
	}
}
