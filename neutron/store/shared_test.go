package store

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/recheck"
)

// TestUpdatesStamp: no statement of this package changes a row with a stamp and leaves the stamp.
func TestUpdatesStamp(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	updates, found := regexp.MustCompile("(?s)UPDATE (\\w+|`\\s*\\+\\s*[\\w\\[\\]]+\\s*\\+\\s*`) SET .*?`"), 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range updates.FindAllStringSubmatch(string(text), -1) {
			stamped := strings.HasPrefix(m[1], "`") // one of several tables
			for _, table := range revised {
				stamped = stamped || m[1] == table
			}
			if !stamped {
				continue
			}
			found++
			if !strings.Contains(m[0], "stamp = ?") {
				t.Errorf("%s: %s", file, m[0])
			}
		}
	}
	if found < len(revised) {
		t.Errorf("%d such statements were found", found)
	}
}

// TestWhatIsRememberedFollowsEveryChange makes changes of what resources show, most of it in other tables, each in a transaction of its own, after
// which package recheck compares what is remembered with what there is. It counts that each change was seen.
func TestWhatIsRememberedFollowsEveryChange(t *testing.T) {
	db := openNew(t)
	s, ports := manyPorts(t, db, 3)
	port, gateway, holder, standard := ports[0], ports[1], ports[2], ports[0].Standard
	router := &model.Router{ID: id.New[model.Router](), Standard: standard, Distributed: new(bool), HA: new(bool)}
	floating := &model.FloatingIP{ID: id.New[model.FloatingIP](), Standard: standard, FloatingIPAddress: addr("10.0.9.9"),
		FloatingNetworkID: s.NetworkID, PortID: port.ID, FixedIPAddress: port.FixedIPs[0].IPAddress}
	group := &model.SecurityGroup{ID: id.New[model.SecurityGroup](), Standard: standard}
	rule := &model.SecurityGroupRule{ID: id.New[model.SecurityGroupRule](), Standard: standard, SecurityGroupID: group.ID, Direction: "ingress",
		EtherType: "IPv4"}
	addresses := &model.AddressGroup{ID: id.New[model.AddressGroup](), Standard: standard}
	scope := &model.AddressScope{ID: id.New[model.AddressScope](), ProjectID: "p", IPVersion: 4}
	pool := &model.SubnetPool{ID: id.New[model.SubnetPool](), Standard: standard, IPVersion: 4, DefaultPrefixLen: 24, MinPrefixLen: 8, MaxPrefixLen: 32,
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	forwarding := &model.PortForwarding{ID: id.New[model.PortForwarding](), Standard: standard, FloatingIPID: floating.ID,
		ExternalPortRange: model.PortRange{First: 80, Last: 80}, InternalPortRange: model.PortRange{First: 80, Last: 80},
		InternalPortID: holder.ID, InternalIPAddress: holder.FixedIPs[0].IPAddress, Protocol: "tcp"}
	policy := &model.RBACPolicy{ID: id.New[model.RBACPolicy](), ProjectID: "p", ObjectType: model.RBACNetwork, ObjectID: s.NetworkID.String(),
		Action: model.AccessAsShared, TargetProject: "q"}
	host := &Host{ID: id.New[model.Agent](), Name: "h", Zone: "east", Alive: true, SeenAt: someTime, StartedAt: someTime}
	tag := func(collection, id string) func(*Tx) error {
		return func(tx *Tx) error { return SetTags(tx, collection, id, []string{"blue"}, nil, someTime) }
	}
	for _, change := range []struct {
		name string
		make func(*Tx) error
	}{
		{"router", func(tx *Tx) error { return InsertRouter(tx, router) }},
		{"gateway", func(tx *Tx) error { return SetGatewayPort(tx, router.ID, gateway.ID) }},
		{"address of the gateway", func(tx *Tx) error {
			if err := DeleteAllocations(tx, gateway.ID); err != nil {
				return err
			}
			if err := InsertAllocation(tx, gateway.ID, model.FixedIP{SubnetID: s.ID, IPAddress: addr("10.0.8.8")}, 0); err != nil {
				return err
			}
			return UpdatePort(tx, gateway)
		}},
		{"routes", func(tx *Tx) error {
			router.Routes = []model.HostRoute{{Destination: netip.MustParsePrefix("10.9.0.0/16"), NextHop: addr("10.0.0.7")}}
			return UpdateRouter(tx, router)
		}},
		{"interface", func(tx *Tx) error { return TouchRouter(tx, router.ID.String(), someTime) }},
		{"floating address", func(tx *Tx) error { return InsertFloatingIP(tx, floating, holder.ID) }},
		{"name of its port", func(tx *Tx) error { port.Name = "renamed"; return UpdatePort(tx, port) }},
		{"status of its port", func(tx *Tx) error {
			_, err := SetPortStatus(tx, port.ID.String(), model.StatusError, someTime)
			port.RevisionNumber++
			return err
		}},
		{"forwarding", func(tx *Tx) error { return InsertPortForwarding(tx, forwarding) }},
		{"forwarding changed", func(tx *Tx) error { forwarding.Protocol = "udp"; return UpdatePortForwarding(tx, forwarding) }},
		{"forwarding gone", func(tx *Tx) error { return DeletePortForwarding(tx, forwarding) }},
		{"association gone", func(tx *Tx) error {
			floating.PortID, floating.FixedIPAddress = model.PortID{}, netip.Addr{}
			return UpdateFloatingIP(tx, floating)
		}},
		{"group", func(tx *Tx) error { return InsertSecurityGroup(tx, group) }},
		{"rule", func(tx *Tx) error {
			if err := InsertSecurityGroupRule(tx, rule); err != nil {
				return err
			}
			return TouchSecurityGroup(tx, group.ID, 1, someTime)
		}},
		{"tag of a rule", tag("security_group_rules", rule.ID.String())},
		{"group changed", func(tx *Tx) error { group.RevisionNumber++; group.Name = "g"; return UpdateSecurityGroup(tx, group) }},
		{"group and pairs of a port", func(tx *Tx) error {
			port.SecurityGroups = []model.SecurityGroupID{group.ID}
			if err := SetSecurityGroups(tx, port); err != nil {
				return err
			}
			port.ExtraDHCP = []model.ExtraDHCPOpt{{Name: "tftp-server", Value: "a", IPVersion: 4}}
			return UpdatePort(tx, port)
		}},
		{"address group", func(tx *Tx) error { return InsertAddressGroup(tx, addresses) }},
		{"its addresses", func(tx *Tx) error {
			if err := AddAddresses(tx, addresses.ID, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); err != nil {
				return err
			}
			return UpdateAddressGroup(tx, addresses)
		}},
		{"scope and pool", func(tx *Tx) error {
			if err := InsertAddressScope(tx, scope); err != nil {
				return err
			}
			return InsertSubnetPool(tx, pool)
		}},
		{"subnet of the pool", func(tx *Tx) error {
			s.SubnetPoolID, s.DNSNameservers = pool.ID, []netip.Addr{addr("8.8.8.8")}
			if err := UpdateSubnet(tx, s); err != nil {
				return err
			}
			return TouchNetwork(tx, s.NetworkID, someTime)
		}},
		{"pool in a scope", func(tx *Tx) error { pool.AddressScopeID = scope.ID; return UpdateSubnetPool(tx, pool) }},
		{"silence", func(tx *Tx) error { return InsertDHCPSilence(tx, s.NetworkID, host.ID) }},
		{"no silence", func(tx *Tx) error { return DeleteDHCPSilence(tx, s.NetworkID, host.ID) }},
		{"zone", func(tx *Tx) error { return SetHosts(tx, []*Host{host}, someTime) }},
		{"another zone", func(tx *Tx) error {
			moved := *host
			moved.Zone = "west"
			return SetHosts(tx, []*Host{&moved}, someTime)
		}},
		{"no zone", func(tx *Tx) error { return SetHosts(tx, nil, someTime) }},
		{"policy", func(tx *Tx) error { return InsertRBACPolicy(tx, policy) }},
		{"tag of a network", tag("networks", s.NetworkID.String())},
		{"tag of a subnet", tag("subnets", s.ID.String())},
		{"tag of a port", tag("ports", port.ID.String())},
		{"tag of a router", tag("routers", router.ID.String())},
		{"tag of a floating address", tag("floatingips", floating.ID.String())},
		{"tag of a group", tag("security_groups", group.ID.String())},
		{"tag of a pool", tag("subnetpools", pool.ID.String())},
	} {
		before := db.cache.misses
		if err := db.Tx(ctx, change.make); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		db.lookAtAll(ctx)
		if change.name != "policy" && db.cache.misses == before {
			t.Errorf("%s: nothing was read anew", change.name)
		}
		for _, project := range []string{"q", "r"} { // with one of whom the network is shared
			if _, err := Networks.List(ctx, db, Scope{Project: project, Restricted: true}, plugin.Query{}); err != nil {
				t.Fatalf("%s: %v", change.name, err)
			}
		}
	}
}

// unchecked has what is remembered not compared, which would read it in one snapshot.
func unchecked(t *testing.T) {
	recheck.On.Store(false)
	t.Cleanup(func() { recheck.On.Store(true) })
}

// TestListsAreOfOneState: while a writer gives all networks another name at once, no list has two names, however much of it must be read.
func TestListsAreOfOneState(t *testing.T) {
	db := openNew(t)
	unchecked(t)
	var all []*model.Network
	for range 20 {
		n := newNetwork("p")
		n.Name = "0"
		insertNetwork(t, db, n)
		all = append(all, n)
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				items, err := Networks.List(ctx, db, Scope{}, plugin.Query{})
				if err != nil || len(items) != len(all) {
					t.Errorf("%d networks, %v", len(items), err)
					return
				}
				first := items[0].Copy().Name
				for _, item := range items {
					if name := item.Copy().Name; name != first {
						t.Errorf("%s beside %s", name, first)
						return
					}
				}
			}
		})
	}
	for i := range 100 {
		err := db.Tx(ctx, func(tx *Tx) error {
			for _, n := range all {
				changed := *n
				changed.Name, changed.RevisionNumber = fmt.Sprint(i+1), int64(i+1)
				if err := UpdateNetwork(tx, &changed); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	readers.Wait()
}

// TestWhatIsKnownIsAskedForOnce: a list whose resources are known is one statement, one of which some are not is two; a resource that is not
// known at all is one.
func TestWhatIsKnownIsAskedForOnce(t *testing.T) {
	db := openNew(t)
	_, ports := manyPorts(t, db, 100)
	unchecked(t)
	db.cache = newCache(cacheSize)
	ask := func(want int, what string, ask func(Querier) error) {
		t.Helper()
		err := db.Read(ctx, func(q Querier) error {
			counting := &countingQuerier{Querier: q}
			err := ask(counting)
			if counting.queries != want {
				t.Errorf("%s: %d queries, want %d", what, counting.queries, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	get := func(q Querier) error { _, err := Ports.get(q, db.cache, ports[0].ID.String(), Scope{}); return err }
	list := func(q Querier) error { _, err := Ports.list(q, db.cache, Scope{}, plugin.Query{}); return err }
	known := func(q Querier) error {
		found, err := Ports.among(q, db.cache, []string{ports[0].ID.String(), model.PortID{1}.String()}, Scope{})
		if len(found) != 1 {
			t.Errorf("%d ports, of which there is one", len(found))
		}
		return err
	}
	ask(1, "a port", get)
	ask(1, "a port that is known", known)
	ask(2, "a list, of which one is known", list)
	ask(1, "a list that is known", list)
	if err := db.Tx(ctx, func(tx *Tx) error { return UpdatePort(tx, ports[0]) }); err != nil {
		t.Fatal(err)
	}
	ask(2, "a list in which one has changed", list)
	if err := db.Tx(ctx, func(tx *Tx) error { return UpdatePort(tx, ports[0]) }); err != nil {
		t.Fatal(err)
	}
	ask(2, "a port that has changed", known)
	ask(1, "a list that is known", list)
}

// TestTheMemoryIsBounded: what was asked for lately stays, and all of it has room.
func TestTheMemoryIsBounded(t *testing.T) {
	const limit, each = 1000, 10
	c := newCache(limit)
	key := func(i int) cacheKey { return cacheKey{id: fmt.Sprint(i)} }
	for i := range 10 * limit {
		c.put(key(i), 1, 0, each, func(*cached) any { return i })
		c.known(key(0))
		if octets := c.size + c.sizeOfOld; octets > limit || len(c.young)+len(c.old) > limit/each {
			t.Fatalf("%d octets, %d items", octets, len(c.young)+len(c.old))
		}
	}
	if !c.known(key(0)) || c.known(key(1)) {
		t.Error("what was asked for all the time is gone, or what was not is there")
	}
}
