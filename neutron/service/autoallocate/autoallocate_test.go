package autoallocate

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/service/l3"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

var (
	admin = &auth.Caller{RequestID: "req-1", ProjectID: "admin", Admin: true}
	alice = &auth.Caller{RequestID: "req-2", ProjectID: "alice"}
)

// cloud is the plugin and those that it works with on a database of their own.
type cloud struct {
	*Plugin
	t *testing.T
}

// newCloud returns a cloud that has nothing, whose projects may have the resources of limits.
func newCloud(t *testing.T, limits quota.Limits) cloud {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	log := slog.New(slog.DiscardHandler)
	forCore, forRouters := ml2.DefaultConfig(), l3.DefaultConfig()
	forCore.Quotas, forRouters.Quotas = limits, limits
	core := ml2.New(db, journal.New(db), forCore, log)
	return cloud{New(core, l3.New(core, db, forRouters), db, log), t}
}

// made makes a resource, for which the attributes named are given.
func made[T any](c cloud, who *auth.Caller, r plugin.Resource[T], v T, given ...string) *T {
	c.t.Helper()
	b := plugin.Body[T]{Value: v, Given: map[string]bool{}}
	for _, name := range given {
		b.Given[name] = true
	}
	items, err := r.Create(c.t.Context(), who, []plugin.Body[T]{b})
	if err != nil {
		c.t.Fatal(err)
	}
	return items[0]
}

// external makes the default external network.
func (c cloud) external() *model.Network {
	c.t.Helper()
	yes := true
	n := made(c, admin, c.core.Networks(), model.Network{Name: "outside", External: true, IsDefault: &yes, AdminStateUp: true},
		"router:external", "is_default")
	made(c, admin, c.core.Subnets(), model.Subnet{NetworkID: n.ID, CIDR: netip.MustParsePrefix("172.24.4.0/24"), IPVersion: 4}, "cidr")
	return n
}

// pool makes a default subnet pool.
func (c cloud) pool(prefix string, length model.PrefixLen) {
	c.t.Helper()
	made(c, admin, c.core.SubnetPools(), model.SubnetPool{Name: "pool", Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)},
		DefaultPrefixLen: length, IsDefault: true, Shared: true}, "prefixes", "default_prefixlen", "is_default", "shared")
}

// got returns a project's topology.
func (c cloud) got(who *auth.Caller, project string) *model.AutoAllocatedTopology {
	c.t.Helper()
	topology, err := c.Get(c.t.Context(), who, project)
	if err != nil {
		c.t.Fatal(err)
	}
	return topology
}

// refused checks that an error is Neutron's of that type and text.
func (c cloud) refused(err error, text string) {
	c.t.Helper()
	if !errs.Is(err, errs.Conflict) || err.Error() != text {
		c.t.Errorf("%v, want %s", err, text)
	}
}

// left are how many networks, subnets, routers and ports there are, besides those of the outside.
func (c cloud) left() [4]int {
	c.t.Helper()
	var counts [4]int
	err := c.db.Read(c.t.Context(), func(q store.Querier) error {
		for i, table := range []string{"networks", "subnets", "routers", "ports"} {
			for _, project := range []string{"alice", ""} {
				n, err := store.CountOf(q, table, project)
				if err != nil {
					return err
				}
				counts[i] += n
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return counts
}

func TestTopology(t *testing.T) {
	c := newCloud(t, quota.Limits{})
	outside := c.external()
	c.pool("10.80.0.0/16", 26)
	c.pool("fd80::/48", 64)
	if err := c.Check(t.Context(), alice); err != nil {
		t.Errorf("checked: %v", err)
	}
	topology := c.got(alice, "alice")
	if again := c.got(alice, "alice"); *again != *topology {
		t.Errorf("asked for again: %+v, first: %+v", again, topology)
	}
	if again := c.got(admin, "alice"); *again != *topology {
		t.Errorf("an administrator asks: %+v, first: %+v", again, topology)
	}
	if got := c.left(); got != [4]int{1, 2, 1, 3} { // two interfaces, and the gateway
		t.Errorf("there are %v", got)
	}
	network, err := c.core.Networks().Get(t.Context(), alice, topology.NetworkID.String())
	if err != nil || network.Name != "auto_allocated_network" || !network.AdminStateUp || network.ProjectID != "alice" || network.Shared {
		t.Errorf("the network is %+v, %v", network, err)
	}
	subnets, err := c.core.Subnets().List(t.Context(), alice, plugin.Query{
		Filters: []plugin.Filter{{Attr: "network_id", Values: []string{network.ID.String()}}}, Sort: []plugin.SortKey{{Attr: "name"}}})
	var seen []string
	for _, s := range subnets {
		seen = append(seen, s.Name+" "+s.CIDR.String()+" "+s.GatewayIP.String())
	}
	want := []string{"auto_allocated_subnet_v4 10.80.0.0/26 10.80.0.1", "auto_allocated_subnet_v6 fd80::/64 fd80::1"}
	if err != nil || !slices.Equal(seen, want) {
		t.Errorf("the subnets are %q, %v", seen, err)
	}
	router, err := c.routers.Routers().Get(t.Context(), alice, topology.RouterID.String())
	if err != nil || router.Name != "auto_allocated_router" || router.Gateway == nil || router.Gateway.NetworkID != outside.ID ||
		router.ProjectID != "alice" {
		t.Errorf("the router is %+v, %v", router, err)
	}
	if err := c.Delete(t.Context(), alice, "alice"); err != nil {
		t.Error(err)
	}
	if got := c.left(); got != [4]int{} {
		t.Errorf("%v are left", got)
	}
	if err := c.Delete(t.Context(), alice, "alice"); err != nil {
		t.Errorf("deleted again: %v", err)
	}
}

func TestWhatIsMissing(t *testing.T) {
	c := newCloud(t, quota.Limits{})
	get := func() error { _, err := c.Get(t.Context(), alice, "alice"); return err }
	const noNetwork = "Deployment error: No default router:external network."
	c.refused(c.Check(t.Context(), alice), noNetwork)
	c.refused(get(), noNetwork)
	c.external()
	c.refused(c.Check(t.Context(), alice), "Deployment error: No default subnetpools defined.")
	c.refused(get(), "Deployment error: Unable to provide tenant private network.")
	c.pool("10.80.0.0/26", 26)
	made(c, admin, c.core.Subnets(), model.Subnet{NetworkID: made(c, admin, c.core.Networks(), model.Network{}).ID, IPVersion: 4,
		UseDefaultPool: true}, "use_default_subnetpool") // the only range
	if err := c.Check(t.Context(), alice); err != nil {
		t.Errorf("checked: %v", err)
	}
	c.refused(get(), "Deployment error: Unable to provide tenant private network.")
	if got := c.left(); got != [4]int{} {
		t.Errorf("%v are left", got)
	}
}

// TestOutsideOverlaps: a router cannot be on two networks of the same addresses.
func TestOutsideOverlaps(t *testing.T) {
	c := newCloud(t, quota.Limits{})
	c.external()
	c.pool("172.24.4.0/24", 26)
	_, err := c.Get(t.Context(), alice, "alice")
	c.refused(err, "Deployment error: Unable to provide external connectivity.")
	if got := c.left(); got != [4]int{} {
		t.Errorf("%v are left", got)
	}
}

// TestQuotasHold: a topology is made of resources as any others.
func TestQuotasHold(t *testing.T) {
	for _, resource := range []string{"network", "subnet", "router"} {
		c := newCloud(t, quota.Limits{ByResource: map[string]int{resource: 0}})
		c.withoutQuota(resource)
		_, err := c.Get(t.Context(), alice, "alice")
		c.refused(err, "Quota exceeded for resources: ['"+resource+"'].")
		if got := c.left(); got != [4]int{} {
			t.Errorf("%v are left", got)
		}
	}
}

// withoutQuota makes what a topology needs in an administrator's project that may have any number.
func (c cloud) withoutQuota(resource string) {
	c.t.Helper()
	quotas := quota.NewPlugin(c.db, quota.Limits{})
	if _, err := quotas.Set(c.t.Context(), admin, "admin", []plugin.Quota{{Resource: resource, Limit: -1}}, false); err != nil {
		c.t.Fatal(err)
	}
	c.external()
	c.pool("10.80.0.0/16", 26)
}

// TestMetAsItIs: a project may have changed what it got.
func TestMetAsItIs(t *testing.T) {
	c := newCloud(t, quota.Limits{})
	c.external()
	c.pool("10.80.0.0/16", 26)
	topology := c.got(alice, "alice")
	port := made(c, alice, c.core.Ports(), model.Port{NetworkID: topology.NetworkID})
	before := c.left()
	if err := c.Delete(t.Context(), alice, "alice"); !errs.Is(err, errs.Conflict) {
		t.Errorf("with a port: %v", err)
	}
	if got := c.left(); got != before {
		t.Errorf("there were %v and are %v", before, got)
	}
	if err := c.core.Ports().Delete(t.Context(), alice, port.ID.String()); err != nil {
		t.Fatal(err)
	}
	err := c.core.Change(t.Context(), alice, func(s *ml2.Session) error { return c.removeRouter(s, topology) })
	if err != nil {
		t.Fatal(err)
	}
	if again := c.got(alice, "alice"); again.NetworkID != topology.NetworkID || !again.RouterID.IsZero() {
		t.Errorf("without its router: %+v", again)
	}
	if err := c.core.Networks().Delete(t.Context(), alice, topology.NetworkID.String()); err != nil {
		t.Fatal(err)
	}
	if again := c.got(alice, "alice"); again.NetworkID == topology.NetworkID {
		t.Error("a network that has gone is not made again")
	}
}

// TestAskedForAtOnce: a project gets one topology, however many ask for it.
func TestAskedForAtOnce(t *testing.T) {
	c := newCloud(t, quota.Limits{})
	c.external()
	c.pool("10.80.0.0/16", 26)
	var mu sync.Mutex
	seen := map[model.NetworkID]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			topology, err := c.Get(t.Context(), alice, "alice")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[topology.NetworkID]++
		})
	}
	all.Wait()
	if len(seen) != 1 {
		t.Errorf("the networks are %v", seen)
	}
	if got := c.left(); got != [4]int{1, 1, 1, 2} {
		t.Errorf("there are %v", got)
	}
}
