package gophercloud

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/addressscopes"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/networkipavailabilities"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/rbacpolicies"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/subnetpools"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"midonet.org/midonet/test/cloud"
)

// pool makes a subnet pool that the test deletes at its end.
func pool(t *testing.T, c *gophercloud.ServiceClient, opts subnetpools.CreateOpts) *subnetpools.SubnetPool {
	t.Helper()
	p := get(t, subnetpools.Create(t.Context(), c, opts).Extract)
	t.Cleanup(func() { done(t, subnetpools.Delete(cleanup(t), c, p.ID).ExtractErr()) })
	return p
}

func (s *suite) subnetPools(t *testing.T) {
	ctx := t.Context()
	p := pool(t, s.blue, subnetpools.CreateOpts{Name: "p", Prefixes: []string{"10.20.0.0/17", "10.20.128.0/17"}, DefaultPrefixLen: 26,
		MinPrefixLen: 20})
	if diff := cmp.Diff([]string{"10.20.0.0/16"}, p.Prefixes); diff != "" || p.IPversion != 4 || p.DefaultPrefixLen != 26 || p.MaxPrefixLen != 32 {
		t.Errorf("made %+v\n%s", p, diff)
	}
	n := network(t, s.blue, "from a pool")
	from := func(opts subnets.CreateOpts) (*subnets.Subnet, error) {
		opts.NetworkID, opts.SubnetPoolID, opts.IPVersion = n.ID, p.ID, gophercloud.IPv4
		return subnets.Create(ctx, s.blue, opts).Extract()
	}
	for _, opts := range []subnets.CreateOpts{{}, {Prefixlen: 24}, {CIDR: "10.20.200.0/24"}} {
		sub, err := from(opts)
		done(t, err)
		if sub.SubnetPoolID != p.ID || opts.CIDR != "" && sub.CIDR != opts.CIDR {
			t.Errorf("%+v: %+v", opts, sub)
		}
		t.Cleanup(func() { done(t, subnets.Delete(cleanup(t), s.blue, sub.ID).ExtractErr()) })
	}
	_, err := from(subnets.CreateOpts{Prefixlen: 19})
	refused(t, err, http.StatusBadRequest, "MinPrefixSubnetAllocationError")
	_, err = from(subnets.CreateOpts{CIDR: "10.21.0.0/24"})
	exhausted := http.StatusConflict // docs/divergences.md
	if *server == cloud.Neutron {
		exhausted = http.StatusInternalServerError
	}
	refused(t, err, exhausted, "SubnetAllocationError")
	refused(t, subnetpools.Delete(ctx, s.blue, p.ID).ExtractErr(), http.StatusBadRequest, "SubnetPoolDeleteError")
	p = get(t, subnetpools.Update(ctx, s.blue, p.ID, subnetpools.UpdateOpts{Name: "q", Prefixes: []string{"10.20.0.0/16", "10.22.0.0/16"}}).Extract)
	if p.Name != "q" || len(p.Prefixes) != 2 {
		t.Errorf("updated %+v", p)
	}
	_, err = subnetpools.Get(ctx, s.red, p.ID).Extract()
	refused(t, err, http.StatusNotFound, "SubnetPoolNotFound")
}

func (s *suite) subnetPoolPrefixes(t *testing.T) {
	ctx := t.Context()
	p := pool(t, s.blue, subnetpools.CreateOpts{Name: "growing", Prefixes: []string{"10.30.0.0/16"}, DefaultPrefixLen: 24})
	more := subnetpools.PrefixesOpsOpts{Prefixes: []string{"10.31.0.0/16", "10.40.0.0/16"}}
	got := get(t, subnetpools.AddPrefixes(ctx, s.blue, p.ID, more).Extract)
	if slices.Sort(got); !slices.Equal(got, []string{"10.30.0.0/15", "10.40.0.0/16"}) {
		t.Errorf("after adding: %v", got)
	}
	got = get(t, subnetpools.RemovePrefixes(ctx, s.blue, p.ID, subnetpools.PrefixesOpsOpts{Prefixes: []string{"10.40.0.0/16"}}).Extract)
	if !slices.Equal(got, []string{"10.30.0.0/15"}) {
		t.Errorf("after removing: %v", got)
	}
}

func (s *suite) addressScopes(t *testing.T) {
	ctx := t.Context()
	a := get(t, addressscopes.Create(ctx, s.blue, addressscopes.CreateOpts{Name: "a", IPVersion: 4}).Extract)
	p := get(t, subnetpools.Create(ctx, s.blue, subnetpools.CreateOpts{Name: "scoped", Prefixes: []string{"10.50.0.0/16"},
		AddressScopeID: a.ID}).Extract)
	_, err := subnetpools.Create(ctx, s.blue, subnetpools.CreateOpts{Name: "overlapping", Prefixes: []string{"10.50.1.0/24"},
		AddressScopeID: a.ID}).Extract()
	refused(t, err, http.StatusConflict, "AddressScopePrefixConflict")
	refused(t, addressscopes.Delete(ctx, s.blue, a.ID).ExtractErr(), http.StatusConflict, "AddressScopeInUse")
	done(t, subnetpools.Delete(ctx, s.blue, p.ID).ExtractErr())
	a = get(t, addressscopes.Update(ctx, s.blue, a.ID, addressscopes.UpdateOpts{Name: to("b")}).Extract)
	if a.Name != "b" || a.IPVersion != 4 || a.ProjectID != s.blueID {
		t.Errorf("updated %+v", a)
	}
	done(t, addressscopes.Delete(ctx, s.blue, a.ID).ExtractErr())
	_, err = addressscopes.Get(ctx, s.blue, a.ID).Extract()
	refused(t, err, http.StatusNotFound, "AddressScopeNotFound")
}

func (s *suite) rbacPolicies(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "lent")
	opts := rbacpolicies.CreateOpts{Action: rbacpolicies.ActionAccessShared, ObjectType: "network", ObjectID: n.ID, TargetTenant: s.redID}
	p := get(t, rbacpolicies.Create(ctx, s.blue, opts).Extract)
	if p.ObjectID != n.ID || p.TargetTenant != s.redID || p.ProjectID != s.blueID {
		t.Errorf("made %+v", p)
	}
	_, err := rbacpolicies.Create(ctx, s.blue, opts).Extract()
	refused(t, err, http.StatusConflict, "DuplicateRbacPolicy")
	if seen := get(t, networks.Get(ctx, s.red, n.ID).Extract); !seen.Shared {
		t.Errorf("the other project sees %+v", seen)
	}
	_, err = networks.Update(ctx, s.red, n.ID, networks.UpdateOpts{Name: to("mine")}).Extract()
	refused(t, err, http.StatusForbidden, "PolicyNotAuthorized")
	t.Run("in use", func(t *testing.T) {
		port(t, s.red, n.ID)
		refused(t, rbacpolicies.Delete(ctx, s.blue, p.ID).ExtractErr(), http.StatusConflict, "RbacPolicyInUse")
	})
	if found := all(t, rbacpolicies.List(s.blue, rbacpolicies.ListOpts{ObjectID: n.ID}), rbacpolicies.ExtractRBACPolicies); len(found) != 1 {
		t.Errorf("listed %+v", found)
	}
	done(t, rbacpolicies.Delete(ctx, s.blue, p.ID).ExtractErr())
	_, err = networks.Get(ctx, s.red, n.ID).Extract()
	gone(t, err)
}

func (s *suite) quotas(t *testing.T) {
	ctx := t.Context()
	t.Cleanup(func() { done(t, quotas.Delete(cleanup(t), s.admin, s.redID).ExtractErr()) })
	q := get(t, quotas.Update(ctx, s.admin, s.redID, quotas.UpdateOpts{Network: to(1), Port: to(-1)}).Extract)
	if q.Network != 1 || q.Port != -1 {
		t.Errorf("updated %+v", q)
	}
	network(t, s.red, "the only one")
	_, err := networks.Create(ctx, s.red, networks.CreateOpts{Name: "one too many"}).Extract()
	refused(t, err, http.StatusConflict, "OverQuota")
	details := get(t, quotas.GetDetail(ctx, s.red, s.redID).Extract)
	if details.Network.Used != 1 || details.Network.Limit != 1 || details.Network.Reserved != 0 || details.Port.Limit != -1 {
		t.Errorf("details %+v", details)
	}
	_, err = quotas.Update(ctx, s.red, s.redID, quotas.UpdateOpts{Network: to(100)}).Extract()
	refused(t, err, http.StatusForbidden, "PolicyNotAuthorized")
}

func (s *suite) tags(t *testing.T) {
	ctx := t.Context()
	n := network(t, s.blue, "tagged")
	got := get(t, attributestags.ReplaceAll(ctx, s.blue, "networks", n.ID, attributestags.ReplaceAllOpts{Tags: []string{"a", "b"}}).Extract)
	if slices.Sort(got); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("replaced %v", got)
	}
	done(t, attributestags.Add(ctx, s.blue, "networks", n.ID, "c").ExtractErr())
	done(t, attributestags.Delete(ctx, s.blue, "networks", n.ID, "a").ExtractErr())
	has := get(t, attributestags.Confirm(ctx, s.blue, "networks", n.ID, "c").Extract)
	if !has {
		t.Error("the tag c is not there")
	}
	for opts, want := range map[networks.ListOpts]int{{Tags: "b,c"}: 1, {Tags: "a,b"}: 0, {TagsAny: "a,b"}: 1, {ID: n.ID, NotTags: "c"}: 0,
		{ID: n.ID, NotTagsAny: "a"}: 1} {
		if found := all(t, networks.List(s.blue, opts), networks.ExtractNetworks); len(found) != want {
			t.Errorf("%+v: %d, want %d", opts, len(found), want)
		}
	}
	done(t, attributestags.DeleteAll(ctx, s.blue, "networks", n.ID).ExtractErr())
	if left := get(t, attributestags.List(ctx, s.blue, "networks", n.ID).Extract); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func (s *suite) availability(t *testing.T) {
	n := network(t, s.blue, "counted")
	subnet(t, s.blue, n.ID, "10.60.0.0/24")
	port(t, s.blue, n.ID)
	a := get(t, networkipavailabilities.Get(t.Context(), s.admin, n.ID).Extract)
	if a.UsedIPs != "1" || a.TotalIPs != "253" || len(a.SubnetIPAvailabilities) != 1 {
		t.Errorf("%+v", a)
	}
}
