package store

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func listNetworks(db *DB, want plugin.Query) (page []*model.Network, err error) {
	err = db.Read(ctx, func(q Querier) (err error) {
		page, err = ListNetworks(q, Scope{}, want)
		return err
	})
	return page, err
}

func listPorts(db *DB, want plugin.Query) (page []*model.Port, err error) {
	err = db.Read(ctx, func(q Querier) (err error) {
		page, err = ListPorts(q, Scope{}, want)
		return err
	})
	return page, err
}

// byKey compares as the database does, for the sort keys that the test uses.
var byKey = map[string]func(a, b *model.Network) int{
	"name":       func(a, b *model.Network) int { return cmp.Compare(a.Name, b.Name) },
	"mtu":        func(a, b *model.Network) int { return cmp.Compare(a.MTU, b.MTU) },
	"created_at": func(a, b *model.Network) int { return a.CreatedAt.Compare(b.CreatedAt.Time) },
	"provider:physical_network": func(a, b *model.Network) int {
		return cmp.Compare(*orEmpty(a.PhysicalNetwork), *orEmpty(b.PhysicalNetwork))
	},
}

func orEmpty(s *string) *string {
	if s == nil {
		return new(string)
	}
	return s
}

// TestPagesAddUpToTheList walks random lists in pages of random size, forwards and backwards, and compares with a sort in Go: no item
// is missing, none comes twice, the order is right and every page but the last is full.
func TestPagesAddUpToTheList(t *testing.T) {
	db := openNew(t)
	var all []*model.Network
	for i := range 40 {
		n := newNetwork("p")
		n.Name, n.MTU = strconv.Itoa(i%4), 1000+i%3
		n.CreatedAt = model.At(someTime.Add(time.Duration(i%5) * time.Second))
		if i%2 == 0 {
			name := "physnet" + strconv.Itoa(i%3)
			n.PhysicalNetwork = &name
		}
		insertNetwork(t, db, n)
		all = append(all, n)
	}
	rapid.Check(t, func(r *rapid.T) {
		var keys []plugin.SortKey
		for range rapid.IntRange(0, 3).Draw(r, "keys") {
			keys = append(keys, plugin.SortKey{
				Attr: rapid.SampledFrom([]string{"name", "mtu", "created_at", "provider:physical_network"}).Draw(r, "key"),
				Desc: rapid.Bool().Draw(r, "desc"),
			})
		}
		want := slices.SortedFunc(slices.Values(all), func(a, b *model.Network) int {
			for _, k := range keys {
				if c := byKey[k.Attr](a, b); c != 0 {
					return map[bool]int{false: c, true: -c}[k.Desc]
				}
			}
			return cmp.Compare(a.ID.String(), b.ID.String())
		})
		backwards := rapid.Bool().Draw(r, "backwards")
		got := walk(r, db, keys, rapid.IntRange(1, 50).Draw(r, "limit"), backwards)
		if !slices.EqualFunc(got, want, func(a, b *model.Network) bool { return a.ID == b.ID }) {
			r.Fatalf("pages add up to %d networks in another order", len(got))
		}
	})
}

func walk(r *rapid.T, db *DB, keys []plugin.SortKey, limit int, backwards bool) []*model.Network {
	var got []*model.Network
	want := plugin.Query{Sort: keys, Limit: limit, PageReverse: backwards}
	for {
		page, err := listNetworks(db, want)
		if err != nil {
			r.Fatal(err)
		}
		if len(page) > limit {
			r.Fatalf("a page of %d items, more than the %d asked for", len(page), limit)
		}
		if backwards {
			got = append(slices.Clone(page), got...)
		} else {
			got = append(got, page...)
		}
		if len(page) < limit {
			return got
		}
		want.Marker = page[len(page)-1].ID.String()
		if backwards {
			want.Marker = page[0].ID.String()
		}
	}
}

func TestFaultsOfAQuery(t *testing.T) {
	db := openNew(t)
	if _, err := listNetworks(db, plugin.Query{Marker: "no-such-id"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a marker that names nothing: %v", err)
	}
	for _, want := range []plugin.Query{
		{Sort: []plugin.SortKey{{Attr: "no such"}}},
		{Filters: []plugin.Filter{{Attr: "no such", Values: []string{"x"}}}},
		{Filters: []plugin.Filter{{Attr: "name; DROP TABLE ports", Values: []string{"x"}}}},
	} {
		if _, err := listNetworks(db, want); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", want, err)
		}
	}
}

// manyPorts stores ports of one network, each with one address, and returns them.
func manyPorts(t testing.TB, db *DB, count int) (*model.Subnet, []*model.Port) {
	t.Helper()
	n := newNetwork("p")
	s := &model.Subnet{
		ID: id.New[model.Subnet](), NetworkID: n.ID, IPVersion: 4, CIDR: netip.MustParsePrefix("10.0.0.0/16"), Standard: n.Standard,
	}
	var ports []*model.Port
	err := db.Tx(ctx, func(tx *Tx) error {
		if err := InsertNetwork(tx, n); err != nil {
			return err
		}
		if err := InsertSubnet(tx, s); err != nil {
			return err
		}
		for i := range count {
			p := &model.Port{
				ID: id.New[model.Port](), NetworkID: n.ID, MACAddress: [6]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}, Standard: n.Standard,
				DeviceID: fmt.Sprint("device", i%10), HostID: fmt.Sprint("host", i%3), AdminStateUp: i%2 == 0,
				FixedIPs: []model.FixedIP{{SubnetID: s.ID, IPAddress: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})}},
			}
			if err := InsertPort(tx, p); err != nil {
				return err
			}
			if err := InsertAllocation(tx, p.ID, p.FixedIPs[0], 0); err != nil {
				return err
			}
			ports = append(ports, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, ports
}

func TestFilters(t *testing.T) {
	db := openNew(t)
	s, ports := manyPorts(t, db, 60)
	for _, c := range []struct {
		filters []plugin.Filter
		want    int
	}{
		{nil, 60},
		{[]plugin.Filter{{Attr: "id", Values: []string{ports[3].ID.String(), ports[4].ID.String(), "unknown"}}}, 2},
		{[]plugin.Filter{{Attr: "device_id", Values: []string{"device1", "device2"}}}, 12},
		{[]plugin.Filter{{Attr: "binding:host_id", Values: []string{"host1"}}}, 20},
		{[]plugin.Filter{{Attr: "admin_state_up", Values: []string{"True"}}}, 30},
		{[]plugin.Filter{{Attr: "admin_state_up", Values: []string{"True", "False"}}}, 60},
		{[]plugin.Filter{{Attr: "admin_state_up", Values: []string{"False"}}, {Attr: "device_id", Values: []string{"device1"}}}, 6},
		{[]plugin.Filter{{Attr: "revision_number", Values: []string{"1"}}}, 60},
		{[]plugin.Filter{{Attr: "revision_number", Values: []string{"1x"}}}, 0},
		{[]plugin.Filter{{Attr: "device_id", Values: []string{"DEVICE1"}}}, 0},
		{[]plugin.Filter{{Attr: "mac_address", Values: []string{"02:00:00:00:00:07"}}}, 1},
		{[]plugin.Filter{{Attr: "tenant_id", Values: []string{"p"}}}, 60},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address=10.0.0.1", "ip_address=10.0.0.2"}}}, 2},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address=nonsense"}}}, 0},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address=nonsense", "ip_address=10.0.0.2"}}}, 1},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"mac=1"}}}, 60},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"mac=1", "ip_address=10.0.0.2"}}}, 1},
		{[]plugin.Filter{{Attr: "project_id", Values: []string{"p"}}, {Attr: "project_id", Values: []string{"q"}}}, 0},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"subnet_id=" + s.ID.String()}}}, 60},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"subnet_id=" + s.ID.String(), "ip_address=10.0.0.1"}}}, 1},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"subnet_id=other", "ip_address=10.0.0.1"}}}, 0},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address_substr=.0.0.1"}}}, 11}, // 10.0.0.1 and 10.0.0.10 to .19
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address_substr=0.0.7", "ip_address_substr=0.0.8"}}}, 2},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address_substr=%"}}}, 0},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address_substr="}}}, 60},
		{[]plugin.Filter{{Attr: "fixed_ips", Values: []string{"ip_address_substr=.1", "ip_address=10.0.0.11"}}}, 1},
		{[]plugin.Filter{{Attr: "changed_since", Values: []string{timeText(ports[0].UpdatedAt), "2222-01-01T00:00:00Z"}}}, 60},
		{[]plugin.Filter{{Attr: "changed_since", Values: []string{"2222-01-01T00:00:00Z"}}}, 0},
	} {
		page, err := listPorts(db, plugin.Query{Filters: c.filters})
		if err != nil || len(page) != c.want {
			t.Errorf("%+v: %d ports, %v; want %d", c.filters, len(page), err, c.want)
		}
	}
}

// countingQuerier counts queries.
type countingQuerier struct {
	Querier
	queries int
}

func (c *countingQuerier) Query(query string, args ...any) (*sql.Rows, error) {
	c.queries++
	return c.Querier.Query(query, args...)
}

// TestAListAsksOnce: a list is one query, however many items it has and whatever belongs to them.
func TestAListAsksOnce(t *testing.T) {
	db := openNew(t)
	manyPorts(t, db, 40)
	manyPorts(t, db, 1)
	for _, resource := range lists {
		want := 1
		if resource.definition.Name == apidef.NetworkIPAvailabilities().Name { // and subnets, pools, allocations
			want = 4
		}
		err := db.Read(ctx, func(q Querier) error {
			counting := &countingQuerier{Querier: q}
			err := resource.list(counting, plugin.Query{})
			if counting.queries != want {
				t.Errorf("%s: %d queries, want %d", resource.definition.Collection, counting.queries, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFreeAddress(t *testing.T) {
	db := openNew(t)
	s, ports := manyPorts(t, db, 300) // 10.0.0.0 to 10.0.1.43
	if err := db.Tx(ctx, func(tx *Tx) error { return DeletePort(tx, ports[200]) }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		first, last string
		limit       int
		want        string
	}{
		{"10.0.0.0", "10.0.255.255", 0, "10.0.0.200"},
		{"10.0.0.0", "10.0.255.255", 16, ""},
		{"10.0.0.190", "10.0.255.255", 16, "10.0.0.200"},
		{"10.0.0.200", "10.0.0.200", 1, "10.0.0.200"},
		{"10.0.0.201", "10.0.255.255", 0, "10.0.1.44"},
		{"10.0.0.201", "10.0.1.43", 0, ""},
		{"10.0.5.0", "10.0.5.9", 16, "10.0.5.0"},
	} {
		err := db.Read(ctx, func(q Querier) error {
			got, ok, err := FreeAddress(q, s.ID, addr(c.first), addr(c.last), c.limit)
			if ok != (c.want != "") || ok && got != addr(c.want) {
				t.Errorf("from %s to %s, limit %d: %v %v, want %s", c.first, c.last, c.limit, got, ok, c.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
