package ipavailability

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

func TestAgainOnMariaDB(t *testing.T) { storetest.AgainOnMariaDB(t) }

var (
	admin = &auth.Caller{RequestID: "req-1", ProjectID: "admin", Admin: true}
	alice = &auth.Caller{RequestID: "req-2", ProjectID: "alice"}
	bob   = &auth.Caller{RequestID: "req-3", ProjectID: "bob"}
)

// cloud is the core plugin and this one on a database of their own.
type cloud struct {
	*Plugin
	core *ml2.Plugin
	t    *testing.T
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.New(t), store.Options{BusyTimeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return cloud{New(db), ml2.New(db, journal.New(db), ml2.DefaultConfig(), slog.New(slog.DiscardHandler)), t}
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

func (c cloud) subnet(who *auth.Caller, n *model.Network, cidr string, pools ...model.AllocationPool) {
	c.t.Helper()
	s := model.Subnet{NetworkID: n.ID, CIDR: netip.MustParsePrefix(cidr), IPVersion: 4, EnableDHCP: true, AllocationPools: pools}
	if s.CIDR.Addr().Is6() {
		s.IPVersion = 6
	}
	given := []string{"cidr"}
	if pools != nil {
		given = append(given, "allocation_pools")
	}
	made(c, who, c.core.Subnets(), s, given...)
}

// counts renders what is listed: a line for each network with its sums and those of its subnets, by address.
func (c cloud) counts(who *auth.Caller, q plugin.Query) string {
	c.t.Helper()
	q.Sort = []plugin.SortKey{{Attr: "network_id"}}
	found, err := c.List(c.t.Context(), who, q)
	if err != nil {
		c.t.Fatal(err)
	}
	var b strings.Builder
	for _, n := range found {
		fmt.Fprintf(&b, "%s %d/%v", n.NetworkName, n.UsedIPs, n.TotalIPs)
		slices.SortFunc(n.Subnets, func(a, b model.SubnetIPAvailability) int { return a.CIDR.Addr().Compare(b.CIDR.Addr()) })
		for _, s := range n.Subnets {
			fmt.Fprintf(&b, " %s %d/%v", s.CIDR, s.UsedIPs, s.TotalIPs)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func versions(texts ...string) plugin.Query {
	return plugin.Query{Filters: []plugin.Filter{{Attr: "ip_version", Values: texts}}}
}

func TestCounts(t *testing.T) {
	c := newCloud(t)
	net := made(c, alice, c.core.Networks(), model.Network{Name: "net"})
	c.subnet(alice, net, "10.0.0.0/24", model.AllocationPool{Start: netip.MustParseAddr("10.0.0.10"), End: netip.MustParseAddr("10.0.0.19")},
		model.AllocationPool{Start: netip.MustParseAddr("10.0.0.30"), End: netip.MustParseAddr("10.0.0.30")})
	c.subnet(alice, net, "fd00::/64")
	for range 3 {
		made(c, alice, c.core.Ports(), model.Port{NetworkID: net.ID})
	}
	c.subnet(alice, net, "10.1.0.0/30")
	six := "fd00::/64 3/18446744073709551615"
	for _, w := range []struct {
		q    plugin.Query
		want string
	}{
		{plugin.Query{}, "net 6/18446744073709551627 10.0.0.0/24 3/11 10.1.0.0/30 0/1 " + six + "\n"},
		{versions("4"), "net 3/12 10.0.0.0/24 3/11 10.1.0.0/30 0/1\n"},
		{versions("6"), "net 3/18446744073709551615 " + six + "\n"},
		{versions("4", "6"), "net 6/18446744073709551627 10.0.0.0/24 3/11 10.1.0.0/30 0/1 " + six + "\n"},
		{versions("7"), ""},
		{versions("four"), ""},
	} {
		if diff := cmp.Diff(w.want, c.counts(admin, w.q)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", w.q, diff)
		}
	}
}

// TestWithoutPools: where nothing is to be given out by itself, the whole range counts, as in the original.
func TestWithoutPools(t *testing.T) {
	c := newCloud(t)
	net := made(c, alice, c.core.Networks(), model.Network{Name: "net"})
	s := made(c, alice, c.core.Subnets(), model.Subnet{NetworkID: net.ID, CIDR: netip.MustParsePrefix("10.0.0.0/24"), IPVersion: 4}, "cidr")
	none := plugin.Body[model.Subnet]{Value: model.Subnet{AllocationPools: []model.AllocationPool{}}, Given: map[string]bool{"allocation_pools": true}}
	if _, err := c.core.Subnets().Update(t.Context(), alice, s.ID.String(), none); err != nil {
		t.Fatal(err)
	}
	if got := c.counts(admin, plugin.Query{}); got != "net 0/256 10.0.0.0/24 0/256\n" {
		t.Error(got)
	}
}

// TestWhoCounts: an operator's rules may let members count; they count what they see.
func TestWhoCounts(t *testing.T) {
	c := newCloud(t)
	own := made(c, alice, c.core.Networks(), model.Network{Name: "alices"})
	made(c, admin, c.core.Networks(), model.Network{Name: "common", Shared: true}, "shared")
	for who, want := range map[*auth.Caller]int{alice: 2, bob: 1, admin: 2} {
		if got := strings.Count(c.counts(who, plugin.Query{}), "\n"); got != want {
			t.Errorf("%s counts %d networks, want %d", who.ProjectID, got, want)
		}
	}
	for _, who := range []*auth.Caller{alice, admin} {
		if n, err := c.Get(t.Context(), who, own.ID.String()); err != nil || n.NetworkName != "alices" || n.ProjectID != "alice" {
			t.Errorf("%s: %v, %v", who.ProjectID, n, err)
		}
	}
	if _, err := c.Get(t.Context(), bob, own.ID.String()); err == nil || err.Error() != "Network "+own.ID.String()+" could not be found." {
		t.Errorf("bob: %v", err)
	}
}

// TestForm: the answer has numbers, which may be longer than any that a float holds.
func TestForm(t *testing.T) {
	c := newCloud(t)
	net := made(c, alice, c.core.Networks(), model.Network{Name: "net"})
	c.subnet(alice, net, "fd00::/64")
	n, err := c.Get(t.Context(), admin, net.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	raw := model.NewEncoder[model.NetworkIPAvailability](func(attr string) bool { return attr != "network_id" }).Append(nil, n)
	want := fmt.Sprintf(`{"network_name":"net","project_id":"alice","tenant_id":"alice","total_ips":18446744073709551615,"used_ips":0,`+
		`"subnet_ip_availability":[{"subnet_id":"%s","subnet_name":"","ip_version":6,"cidr":"fd00::/64",`+
		`"total_ips":18446744073709551615,"used_ips":0}]}`, n.Subnets[0].SubnetID)
	if diff := cmp.Diff(want, string(raw)); diff != "" || !json.Valid(raw) {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
