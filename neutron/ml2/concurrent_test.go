package ml2

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store/storetest"
)

// The tests of this file have several servers on one database, each with several clients, make requests that exclude each other. Where
// the engine lets transactions run side by side, only locks keep the rules. Each test is repeated, since the order is chance.

// TestAgainOnGalera has the servers of these tests use different nodes of a cluster, where locks on rows hold on one node alone.
func TestAgainOnGalera(t *testing.T) {
	storetest.AgainOnGalera(t, "TestOneOfTheSameWins|TestTheLastAddresses|TestOneDeletes|TestEveryUpdateCounts|TestAShared|"+
		"TestAPortMeets|TestANetworkGoes|TestARouterKeeps|TestTwoServersOnOneDatabase")
}

// servers opens one database several times.
func servers(t *testing.T) []*fixture {
	var all []*fixture
	for _, connection := range storetest.Servers(storetest.New(t), 3) {
		all = append(all, openFixture(t, connection))
	}
	return all
}

// atOnce calls fn count times at once, with the servers in turn, and returns the errors.
func atOnce(count int, all []*fixture, fn func(f *fixture, i int) error) []error {
	outcome := make([]error, count)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range count {
		wg.Go(func() {
			<-start
			outcome[i] = fn(all[i%len(all)], i)
		})
	}
	close(start)
	wg.Wait()
	return outcome
}

// successes counts the nil errors, and fails the test where another is not a fault of the type.
func successes(t *testing.T, outcome []error, typ string) int {
	t.Helper()
	n := 0
	for _, err := range outcome {
		var fault *errs.Error
		switch {
		case err == nil:
			n++
		case !errors.As(err, &fault) || fault.Type != typ:
			t.Errorf("error %v, want %s", err, typ)
		}
	}
	return n
}

func create[T any](r plugin.Resource[T], c *auth.Caller, bodies ...plugin.Body[T]) error {
	_, err := r.Create(ctx, c, bodies)
	return err
}

const rounds = 8

func TestOneOfTheSameWins(t *testing.T) {
	all := servers(t)
	n := all[0].network(admin)
	s := all[0].subnet(admin, n, "10.0.0.0/16")
	for round := range rounds {
		address := netip.AddrFrom4([4]byte{10, 0, 1, byte(round)})
		if got := successes(t, atOnce(6, all, func(f *fixture, _ int) error {
			return create(f.Ports(), admin, portBody(n, model.FixedIP{SubnetID: s.ID, IPAddress: address}))
		}), "IpAddressAlreadyAllocated"); got != 1 {
			t.Errorf("%d ports have the address %s", got, address)
		}
		if got := successes(t, atOnce(6, all, func(f *fixture, _ int) error {
			b := portBody(n)
			b.Value.MACAddress = [6]byte{2, 0, 0, 0, 0, byte(round)}
			return create(f.Ports(), admin, b)
		}), "MacAddressInUse"); got != 1 {
			t.Errorf("%d ports have one MAC address", got)
		}
		if got := successes(t, atOnce(6, all, func(f *fixture, i int) error {
			return create(f.Subnets(), admin, subnetBody(n, fmt.Sprintf("192.168.%d.%d/%d", round, i, 24+i)))
		}), "InvalidInput"); got != 1 {
			t.Errorf("%d subnets that overlap", got)
		}
	}
}

// TestTheLastAddresses: more clients than free addresses, all looking for the lowest. Every address is handed out, to one.
func TestTheLastAddresses(t *testing.T) {
	all := servers(t)
	n := all[0].network(admin)
	all[0].subnet(admin, n, "10.0.0.0/27")
	if got := successes(t, atOnce(40, all, func(f *fixture, _ int) error {
		return create(f.Ports(), admin, portBody(n))
	}), "IpAddressGenerationFailure"); got != 29 {
		t.Errorf("%d of 29 addresses were handed out", got)
	}
}

func TestOneDeletes(t *testing.T) {
	all := servers(t)
	n := all[0].network(admin)
	for range rounds {
		s, p := all[0].subnet(admin, n, "10.0.0.0/24"), all[0].port(admin, n, []model.FixedIP{}...)
		all[0].tasks()
		if got := successes(t, atOnce(6, all, func(f *fixture, _ int) error {
			return f.Ports().Delete(ctx, admin, p.ID.String())
		}), "PortNotFound"); got != 1 {
			t.Errorf("%d clients deleted one port", got)
		}
		if got := successes(t, atOnce(6, all, func(f *fixture, _ int) error {
			return f.Subnets().Delete(ctx, admin, s.ID.String())
		}), "SubnetNotFound"); got != 1 {
			t.Errorf("%d clients deleted one subnet", got)
		}
		if tasks := all[0].tasks(); len(tasks) != 2 {
			t.Errorf("tasks %v, want two", tasks)
		}
	}
}

// TestEveryUpdateCounts: clients that change one resource wait for each other, and none of their changes is lost.
func TestEveryUpdateCounts(t *testing.T) {
	all := servers(t)
	n := all[0].network(admin)
	p := all[0].port(admin, n)
	const count = 40
	for i, err := range atOnce(count, all, func(f *fixture, i int) error {
		if i%2 == 0 {
			return f.SetPortStatus(ctx, []journal.PortStatus{{PortID: p.ID.String(), Active: i%4 == 0}})
		}
		_, err := f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{Name: fmt.Sprint(i)}, "name"))
		return err
	}) {
		if err != nil {
			t.Errorf("update %d: %v", i, err)
		}
	}
	for i, err := range atOnce(count, all, func(f *fixture, i int) error {
		_, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{Name: fmt.Sprint(i)}, "name"))
		return err
	}) {
		if err != nil {
			t.Errorf("update %d: %v", i, err)
		}
	}
	got, err := all[1].Networks().Get(ctx, admin, n.ID.String())
	if err != nil || got.RevisionNumber != count+1 {
		t.Errorf("revision %d after %d updates, %v", got.RevisionNumber, count, err)
	}
	all[2].checkHistory(count/2+1, p.ID.String())
}

// checkHistory compares the tasks of a port with its revisions: in order of number they tell its history.
func (f *fixture) checkHistory(count int, portID string) {
	f.t.Helper()
	last, seen := int64(-1), 0
	for _, task := range f.tasks() {
		if task.ResourceID != portID {
			continue
		}
		revision := decode[model.Port](f.t, task).RevisionNumber
		if revision <= last {
			f.t.Errorf("task %d carries revision %d after %d", task.ID, revision, last)
		}
		last, seen = revision, seen+1
	}
	if seen != count {
		f.t.Errorf("%d tasks, want %d", seen, count)
	}
}

// TestASharedNetworkIsTakenBackOrUsed: another project gets a port on it, or it is no longer shared; never both.
func TestASharedNetworkIsTakenBackOrUsed(t *testing.T) {
	all := servers(t)
	for range 2 * rounds {
		n := one(t, all[0].Networks(), admin, body(model.Network{Name: "net", Shared: true}, "shared"))
		outcome := atOnce(4, all, func(f *fixture, i int) error {
			if i%2 == 0 {
				return create(f.Ports(), bob, portBody(n))
			}
			_, err := f.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{}, "shared"))
			return err
		})
		if (outcome[0] == nil || outcome[2] == nil) && (outcome[1] == nil || outcome[3] == nil) {
			t.Errorf("bob has a port on a network that is not shared: %v", outcome)
		}
	}
}

// TestAPortMeetsANewSubnet: whichever is first, the port has the address that it makes for itself.
func TestAPortMeetsANewSubnet(t *testing.T) {
	all := servers(t)
	mode := "slaac"
	for range rounds {
		n := all[0].network(admin)
		for i, err := range atOnce(6, all, func(f *fixture, i int) error {
			if i == 0 {
				b := subnetBody(n, "2001:db8::/64")
				b.Value.IPv6AddressMode, b.Value.IPv6RAMode, b.Value.EnableDHCP = &mode, &mode, true
				return create(f.Subnets(), admin, b)
			}
			return create(f.Ports(), admin, portBody(n))
		}) {
			if err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		}
		page, err := all[1].Ports().List(ctx, admin, plugin.Query{
			Filters: []plugin.Filter{{Attr: "network_id", Values: []string{n.ID.String()}}},
		})
		if err != nil || len(page) != 5 {
			t.Fatalf("%d ports, %v", len(page), err)
		}
		for _, p := range page {
			if len(p.FixedIPs) != 1 {
				t.Errorf("port %s has the addresses %v", p.ID, p.FixedIPs)
			}
		}
	}
}

// TestANetworkGoesOrIsUsed: a network is deleted or gets a port and a subnet, and nothing is left of it in the first case.
func TestANetworkGoesOrIsUsed(t *testing.T) {
	all := servers(t)
	for range 2 * rounds {
		n := all[0].network(admin)
		outcome := atOnce(3, all, func(f *fixture, i int) error {
			switch i {
			case 0:
				return f.Networks().Delete(ctx, admin, n.ID.String())
			case 1:
				return create(f.Ports(), admin, portBody(n))
			}
			return create(f.Subnets(), admin, subnetBody(n, "10.0.0.0/24"))
		})
		successes(t, outcome[:1], "NetworkInUse")
		successes(t, outcome[1:], "NetworkNotFound")
		if (outcome[0] == nil) == (outcome[1] == nil) {
			t.Errorf("delete and create: %v", outcome)
		}
	}
}

// TestARouterKeepsItsGateway: the gateway is not taken from a router's port that has it. Where both requests succeed the gateway was
// changed first, which the order of their tasks tells.
func TestARouterKeepsItsGateway(t *testing.T) {
	all := servers(t)
	for range 2 * rounds {
		n := all[0].network(admin)
		s := all[0].subnet(admin, n, "10.0.0.0/24")
		all[0].tasks()
		outcome := atOnce(2, all, func(f *fixture, i int) error {
			if i == 0 {
				b := portBody(n, model.FixedIP{SubnetID: s.ID, IPAddress: s.GatewayIP})
				b.Value.DeviceOwner = "network:router_interface"
				return create(f.Ports(), admin, b)
			}
			_, err := f.Subnets().Update(ctx, admin, s.ID.String(),
				body(model.Subnet{GatewayIP: netip.MustParseAddr("10.0.0.254"), AllocationPools: []model.AllocationPool{}},
					"gateway_ip", "allocation_pools"))
			return err
		})
		tasks := all[0].tasks()
		if outcome[0] != nil {
			t.Errorf("the port: %v", outcome[0])
		}
		if successes(t, outcome[1:], "GatewayIpInUse") == 1 && tasks[0].DataType != journal.Subnet {
			t.Error("the gateway was changed after a router had it")
		}
	}
}

// decode returns the resource that a task carries.
func decode[T any](t testing.TB, task journal.Task) *T {
	t.Helper()
	var v T
	if err := json.Unmarshal(task.Data, &v); err != nil {
		t.Fatal(err)
	}
	return &v
}
