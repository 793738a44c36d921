package ml2

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// poolBody is a request for a pool with the prefixes, separated by blanks.
func poolBody(prefixes string, given ...string) plugin.Body[model.SubnetPool] {
	return body(model.SubnetPool{Name: "pool", Prefixes: prefixList(prefixes)}, append(given, "name", "prefixes")...)
}

func prefixList(s string) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range strings.Fields(s) {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

// pool makes a pool whose subnets have prefixes of the given length unless they say otherwise.
func (f *fixture) pool(c *auth.Caller, prefixes string, length model.PrefixLen) *model.SubnetPool {
	f.t.Helper()
	b := poolBody(prefixes, "default_prefixlen")
	b.Value.DefaultPrefixLen = length
	return one(f.t, f.SubnetPools(), c, b)
}

// fromPool is a request for a subnet of a pool: any, one of a prefix length ("/26"), or one range.
func fromPool(n *model.Network, p *model.SubnetPool, which string) plugin.Body[model.Subnet] {
	b := body(model.Subnet{NetworkID: n.ID, SubnetPoolID: p.ID, IPVersion: p.IPVersion}, "network_id", "subnetpool_id", "ip_version")
	if length, ok := strings.CutPrefix(which, "/"); ok {
		var bits int
		fmt.Sscan(length, &bits)
		b.Value.PrefixLen, b.Given["prefixlen"] = &bits, true
	} else if which != "" {
		b.Value.CIDR, b.Given["cidr"] = netip.MustParsePrefix(which), true
	}
	return b
}

func (f *fixture) tryFromPool(c *auth.Caller, n *model.Network, p *model.SubnetPool, which string) (*model.Subnet, error) {
	made, err := f.Subnets().Create(ctx, c, []plugin.Body[model.Subnet]{fromPool(n, p, which)})
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

func TestPoolDefaults(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		prefixes string
		want     model.SubnetPool
	}{
		{"10.1.0.0/17 10.1.128.0/17 10.0.0.0/16", model.SubnetPool{
			Prefixes: prefixList("10.0.0.0/15"), IPVersion: 4, DefaultPrefixLen: 8, MinPrefixLen: 8, MaxPrefixLen: 32}},
		{"fd00:0:1::/48 fd00::/48 fd01::/64", model.SubnetPool{
			Prefixes: prefixList("fd00::/47 fd01::/64"), IPVersion: 6, DefaultPrefixLen: 64, MinPrefixLen: 64, MaxPrefixLen: 128}},
	} {
		p := one(t, f.SubnetPools(), alice, poolBody(c.prefixes))
		c.want.ID, c.want.Name, c.want.Standard = p.ID, "pool", p.Standard
		if diff := cmp.Diff(c.want, *p, prefixes); diff != "" {
			t.Error(diff)
		}
		got, err := f.SubnetPools().Get(ctx, alice, p.ID.String())
		if err != nil {
			t.Fatal(err)
		}
		got.Tags = p.Tags
		if diff := cmp.Diff(p, got, prefixes); diff != "" {
			t.Errorf("what is read differs from what was answered: %s", diff)
		}
		_, err = f.SubnetPools().Get(ctx, bob, p.ID.String())
		wantFault(t, err, errs.NotFound, "SubnetPoolNotFound", "Subnet pool "+p.ID.String()+" could not be found.")
	}
}

var prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestPoolRefusals(t *testing.T) {
	f := newFixture(t)
	lengths := func(least, usual, most model.PrefixLen) plugin.Body[model.SubnetPool] {
		b := poolBody("10.0.0.0/8", "min_prefixlen", "default_prefixlen", "max_prefixlen")
		b.Value.MinPrefixLen, b.Value.DefaultPrefixLen, b.Value.MaxPrefixLen = least, usual, most
		return b
	}
	for _, c := range []struct {
		body         plugin.Body[model.SubnetPool]
		typ, message string
	}{
		{poolBody(""), "EmptySubnetPoolPrefixList", "Empty subnet pool prefix list."},
		{poolBody("10.0.0.0/8 fd00::/48"), "PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool."},
		{lengths(24, 24, 20), "IllegalSubnetPoolPrefixBounds", "Illegal prefix bounds: min_prefixlen=24, max_prefixlen=20."},
		{lengths(8, 24, 33), "IllegalSubnetPoolPrefixBounds", "Illegal prefix bounds: max_prefixlen=33, ip_version_max=32."},
		{lengths(8, 4, 32), "IllegalSubnetPoolPrefixBounds", "Illegal prefix bounds: default_prefixlen=4, min_prefixlen=8."},
		{lengths(8, 28, 26), "IllegalSubnetPoolPrefixBounds", "Illegal prefix bounds: default_prefixlen=28, max_prefixlen=26."},
	} {
		_, err := f.SubnetPools().Create(ctx, alice, []plugin.Body[model.SubnetPool]{c.body})
		wantFault(t, err, errs.Invalid, c.typ, c.message)
	}
}

// TestRangesFromAPool: any range is the lowest of the smallest that are left, one that is named is given where it is free.
func TestRangesFromAPool(t *testing.T) {
	f := newFixture(t)
	n, p := f.network(alice), f.pool(alice, "10.0.0.0/15 10.2.0.0/16", 27)
	for _, c := range []struct{ which, cidr, gateway string }{
		{"", "10.2.0.0/27", "10.2.0.1"},
		{"/25", "10.2.0.128/25", "10.2.0.129"},
		{"10.2.3.0/24", "10.2.3.0/24", "10.2.3.1"},
		{"", "10.2.0.32/27", "10.2.0.33"},
		{"/28", "10.2.0.64/28", "10.2.0.65"},
		{"/16", "10.0.0.0/16", "10.0.0.1"},
	} {
		s, err := f.tryFromPool(alice, n, p, c.which)
		if err != nil {
			t.Fatalf("%q: %v", c.which, err)
		}
		if s.CIDR.String() != c.cidr || s.GatewayIP.String() != c.gateway || s.SubnetPoolID != p.ID {
			t.Errorf("%q gave %v with the gateway %v", c.which, s.CIDR, s.GatewayIP)
		}
	}
	for which, message := range map[string]string{
		"10.2.3.0/25": "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.",
		"10.3.0.0/24": "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.",
		"/15":         "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /15.",
	} {
		_, err := f.tryFromPool(alice, n, p, which)
		wantFault(t, err, errs.Conflict, "SubnetAllocationError", message)
	}
	_, err := f.tryFromPool(alice, n, p, "/7")
	wantFault(t, err, errs.Invalid, "MinPrefixSubnetAllocationError",
		"Unable to allocate subnet with prefix length 7, minimum allowed prefix is 8.")
	_, err = f.tryFromPool(alice, n, p, "/33")
	wantFault(t, err, errs.Invalid, "AddrFormatError", "invalid IPNetwork 0.0.0.0/33")
	wantFault(t, f.SubnetPools().Delete(ctx, alice, p.ID.String()), errs.Invalid, "SubnetPoolDeleteError", "")
}

// TestTheGatewayNamesTheRange: a gateway without a range asks for the one that it is in; none at all still gets one.
func TestTheGatewayNamesTheRange(t *testing.T) {
	f := newFixture(t)
	n, p := f.network(alice), f.pool(alice, "10.2.0.0/16", 28)
	b := fromPool(n, p, "")
	b.Value.GatewayIP, b.Given["gateway_ip"] = netip.MustParseAddr("10.2.200.5"), true
	s := one(t, f.Subnets(), alice, b)
	if s.CIDR.String() != "10.2.200.0/28" || s.GatewayIP != b.Value.GatewayIP || len(s.AllocationPools) != 2 {
		t.Errorf("got %v, gateway %v, pools %v", s.CIDR, s.GatewayIP, s.AllocationPools)
	}
	b.Value.GatewayIP = netip.Addr{}
	if s = one(t, f.Subnets(), alice, b); s.GatewayIP != s.CIDR.Addr().Next() {
		t.Errorf("%v has the gateway %v", s.CIDR, s.GatewayIP)
	}
	six := f.pool(alice, "fd00::/48", 64)
	s, err := f.tryFromPool(alice, n, six, "")
	if err != nil || s.GatewayIP.String() != "fd00::1" {
		t.Errorf("gateway %v, %v", s.GatewayIP, err)
	}
}

// TestThePoolsQuotaIsOfEachProject: what one project has does not count for another, whoever owns the pool.
func TestThePoolsQuotaIsOfEachProject(t *testing.T) {
	f := newFixture(t)
	b, quota := poolBody("10.0.0.0/16", "default_prefixlen", "default_quota", "shared"), 96
	b.Value.DefaultPrefixLen, b.Value.DefaultQuota, b.Value.Shared = 26, &quota, true
	p := one(t, f.SubnetPools(), admin, b)
	for _, c := range []*auth.Caller{alice, bob} {
		n := f.network(c)
		for _, which := range []string{"", "/27"} {
			if _, err := f.tryFromPool(c, n, p, which); err != nil {
				t.Fatalf("%s: %v", c.ProjectID, err)
			}
		}
		_, err := f.tryFromPool(c, n, p, "/32")
		wantFault(t, err, errs.Conflict, "SubnetPoolQuotaExceeded", "Per-tenant subnet pool prefix quota exceeded.")
	}
}

// TestNoRangeTwice: many ask at once, each for a network of its own; the pool is given out whole and no address twice.
func TestNoRangeTwice(t *testing.T) {
	f := newFixture(t)
	p := f.pool(alice, "10.0.0.0/26", 30)
	networks := make([]*model.Network, 20)
	for i := range networks {
		networks[i] = f.network(alice)
	}
	made, failed := make([]*model.Subnet, len(networks)), make([]error, len(networks))
	var group sync.WaitGroup
	for i := range networks {
		group.Go(func() { made[i], failed[i] = f.tryFromPool(alice, networks[i], p, "") })
	}
	group.Wait()
	seen := map[netip.Prefix]bool{}
	for i, err := range failed {
		var fault *errs.Error
		switch {
		case err == nil && seen[made[i].CIDR]:
			t.Errorf("%v is given twice", made[i].CIDR)
		case err == nil:
			seen[made[i].CIDR] = true
		case !errors.As(err, &fault) || fault.Type != "SubnetAllocationError":
			t.Error(err)
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d ranges of 16", len(seen))
	}
}

// TestOneDefaultPool: of each IP version, however many want to be it at once.
func TestOneDefaultPool(t *testing.T) {
	f := newFixture(t)
	const message = "Invalid input for operation: A default subnetpool for this IP family has already been set. Only one default may exist " +
		"per IP family."
	b := poolBody("10.0.0.0/16", "is_default", "default_prefixlen")
	b.Value.IsDefault, b.Value.DefaultPrefixLen = true, 24
	var group sync.WaitGroup
	failed := make([]error, 8)
	for i := range failed {
		group.Go(func() { _, failed[i] = f.SubnetPools().Create(ctx, admin, []plugin.Body[model.SubnetPool]{b}) })
	}
	group.Wait()
	made := 0
	for _, err := range failed {
		if err == nil {
			made++
			continue
		}
		wantFault(t, err, errs.Invalid, "InvalidInput", message)
	}
	if made != 1 {
		t.Errorf("%d default pools", made)
	}
	other := f.pool(admin, "10.9.0.0/16", 24)
	_, err := f.SubnetPools().Update(ctx, admin, other.ID.String(), body(model.SubnetPool{IsDefault: true}, "is_default"))
	wantFault(t, err, errs.Invalid, "InvalidInput", message)
}

func TestTheDefaultPool(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	want := body(model.Subnet{NetworkID: n.ID, IPVersion: 4, UseDefaultPool: true}, "network_id", "ip_version", "use_default_subnetpool")
	create := func(b plugin.Body[model.Subnet]) (*model.Subnet, error) {
		made, err := f.Subnets().Create(ctx, alice, []plugin.Body[model.Subnet]{b})
		if err != nil {
			return nil, err
		}
		return made[0], nil
	}
	none := "Bad subnets request: No default subnetpool found for IPv4."
	_, err := create(want)
	wantFault(t, err, errs.Invalid, "BadRequest", none)
	b := poolBody("10.0.0.0/16", "is_default", "default_prefixlen")
	b.Value.IsDefault, b.Value.DefaultPrefixLen = true, 24
	p := one(t, f.SubnetPools(), admin, b)
	_, err = create(want)
	wantFault(t, err, errs.Invalid, "BadRequest", none) // it is not shared with alice
	one(t, f.RBACPolicies(), admin, body(model.RBACPolicy{ObjectType: model.RBACSubnetPool, ObjectID: p.ID.String(),
		Action: model.AccessAsShared, TargetProject: "alice", ProjectID: "admin"}))
	s, err := create(want)
	if err != nil || s.SubnetPoolID != p.ID || s.CIDR.String() != "10.0.0.0/24" {
		t.Fatalf("%+v, %v", s, err)
	}
	six := body(model.Subnet{NetworkID: n.ID, IPVersion: 4, CIDR: netip.MustParsePrefix("fd00::/64"), UseDefaultPool: true},
		"network_id", "ip_version", "cidr", "use_default_subnetpool")
	_, err = create(six) // the range says which version, as in the original
	wantFault(t, err, errs.Invalid, "BadRequest", "Bad subnets request: No default subnetpool found for IPv6.")
	want.Value.SubnetPoolID = p.ID
	_, err = create(want)
	wantFault(t, err, errs.Invalid, "BadRequest", "Bad subnets request: subnetpool_id and use_default_subnetpool cannot both be specified.")
}

// TestOnePoolOnANetwork: the subnets of one version on a network are all from one pool, or all from none.
func TestOnePoolOnANetwork(t *testing.T) {
	f := newFixture(t)
	p, q := f.pool(alice, "10.0.0.0/16", 24), f.pool(alice, "10.1.0.0/16", 24)
	n, plain := f.network(alice), f.network(alice)
	f.subnet(alice, plain, "192.168.0.0/24")
	if _, err := f.tryFromPool(alice, n, p, ""); err != nil {
		t.Fatal(err)
	}
	affinity := "Subnets hosted on the same network must be allocated from the same subnet pool."
	_, err := f.tryFromPool(alice, n, q, "")
	wantFault(t, err, errs.Invalid, "NetworkSubnetPoolAffinityError", affinity)
	_, err = f.Subnets().Create(ctx, alice, []plugin.Body[model.Subnet]{subnetBody(n, "192.168.0.0/24")})
	wantFault(t, err, errs.Invalid, "NetworkSubnetPoolAffinityError", affinity)
	_, err = f.tryFromPool(alice, plain, p, "")
	wantFault(t, err, errs.Invalid, "NetworkSubnetPoolAffinityError", affinity)
	f.subnet(alice, n, "fd00::/64")
	_, err = f.Subnets().Create(ctx, alice, []plugin.Body[model.Subnet]{
		body(model.Subnet{NetworkID: n.ID, SubnetPoolID: p.ID, IPVersion: 6}, "subnetpool_id")})
	wantFault(t, err, errs.Invalid, "BadRequest", "Bad subnets request: Cannot allocate IPv6 subnet from IPv4 subnet pool.")
}

func TestPrefixOperations(t *testing.T) {
	f := newFixture(t)
	p := f.pool(alice, "10.0.0.0/24", 26)
	if _, err := f.tryFromPool(alice, f.network(alice), p, ""); err != nil {
		t.Fatal(err)
	}
	do := func(action plugin.Action, c *auth.Caller, list string) (string, error) {
		out, err := action(ctx, c, p.ID.String(), json.RawMessage(`{"prefixes":`+list+`}`))
		if err != nil {
			return "", err
		}
		b, err := json.Marshal(out)
		return string(b), err
	}
	for _, c := range []struct {
		action     plugin.Action
		list, want string
	}{
		{f.AddPrefixes, `["10.0.1.0/24","10.30.0.0/24"]`, `{"prefixes":["10.0.0.0/23","10.30.0.0/24"]}`},
		{f.AddPrefixes, `["10.0.1.0/24"]`, `{"prefixes":["10.0.0.0/23","10.30.0.0/24"]}`},
		{f.RemovePrefixes, `["10.30.0.0/25"]`, `{"prefixes":["10.0.0.0/23","10.30.0.128/25"]}`},
		{f.RemovePrefixes, `["192.168.0.0/16","fd00::/48"]`, `{"prefixes":["10.0.0.0/23","10.30.0.128/25"]}`},
	} {
		if got, err := do(c.action, alice, c.list); err != nil || got != c.want {
			t.Errorf("%s gave %s, %v", c.list, got, err)
		}
	}
	_, err := do(f.RemovePrefixes, alice, `["10.0.0.0/25"]`)
	wantFault(t, err, errs.Invalid, "IllegalSubnetPoolPrefixUpdate",
		"Illegal update to prefixes: One or more the prefixes to be removed is in use by a subnet..")
	_, err = do(f.AddPrefixes, alice, `["fd00::/48"]`)
	wantFault(t, err, errs.Invalid, "PrefixVersionMismatch", "")
	_, err = do(f.AddPrefixes, alice, `["nonsense"]`)
	wantFault(t, err, errs.Invalid, "AddrFormatError", "invalid IPNetwork nonsense")
	for _, list := range []string{`[]`, `"10.0.0.0/8"`, `null`} {
		_, err = do(f.AddPrefixes, alice, list)
		wantFault(t, err, errs.Invalid, "HTTPBadRequest", "Request body contains invalid data")
	}
	_, err = do(f.AddPrefixes, bob, `["10.9.0.0/16"]`)
	wantFault(t, err, errs.NotFound, "SubnetPoolNotFound", "")
	for _, prefix := range []string{"10.0.0.0/24", "fd00::/32"} {
		_, err = f.SubnetPools().Update(ctx, alice, p.ID.String(), poolBody(prefix))
		wantFault(t, err, errs.Invalid, "IllegalSubnetPoolPrefixUpdate",
			"Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.")
	}
}

// TestOnboarding: a network's subnets become the pool's, and the journal tells of it.
func TestOnboarding(t *testing.T) {
	f := newFixture(t)
	p, n := f.pool(alice, "10.0.0.0/24", 26), f.network(alice)
	s := f.subnet(alice, n, "172.16.0.0/24")
	six := f.subnet(alice, n, "fd00::/64")
	f.tasks()
	onboard := func(c *auth.Caller, n *model.Network) error {
		_, err := f.OnboardNetworkSubnets(ctx, c, p.ID.String(), json.RawMessage(`{"network_id":"`+n.ID.String()+`"}`))
		return err
	}
	if err := onboard(alice, n); err != nil {
		t.Fatal(err)
	}
	if tasks := f.tasks(); len(tasks) != 1 || tasks[0].ResourceID != s.ID.String() {
		t.Errorf("the journal has %v", tasks)
	}
	for id, want := range map[model.SubnetID]model.SubnetPoolID{s.ID: p.ID, six.ID: {}} {
		if got, err := f.Subnets().Get(ctx, alice, id.String()); err != nil || got.SubnetPoolID != want {
			t.Errorf("%v is from %v, %v", id, got.SubnetPoolID, err)
		}
	}
	got, err := f.SubnetPools().Get(ctx, alice, p.ID.String())
	if err != nil || !cmp.Equal(got.Prefixes, prefixList("10.0.0.0/24 172.16.0.0/24"), prefixes) {
		t.Errorf("the pool has %v, %v", got.Prefixes, err)
	}
	wantFault(t, onboard(alice, n), errs.Invalid, "IllegalSubnetPoolUpdate", fmt.Sprintf("Illegal subnetpool update : Onboarding subnet %s: "+
		"172.16.0.0/24 conflicts with allocated prefixes in subnet pool %s.", s.ID, p.ID))
	shared := one(t, f.Networks(), admin, body(model.Network{Shared: true}, "shared"))
	wantFault(t, onboard(alice, shared), errs.Forbidden, "NotAuthorized", "Not authorized.")
	wantFault(t, onboard(alice, f.network(bob)), errs.NotFound, "NetworkNotFound", "")
	wantFault(t, onboard(bob, f.network(bob)), errs.NotFound, "SubnetPoolNotFound", "")
	_, err = f.OnboardNetworkSubnets(ctx, alice, p.ID.String(), json.RawMessage(`{}`))
	wantFault(t, err, errs.Invalid, "InvalidInput", "Invalid input for operation: network_id must be specified..")
}
