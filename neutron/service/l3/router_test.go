package l3

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

var equal = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}

func gatewayBody(g *model.GatewayInfo) plugin.Body[model.Router] {
	return body(model.Router{Gateway: g}, "external_gateway_info")
}

// TestGateway: the gateway's port belongs to no one, is one transaction with the router, and goes with it.
func TestGateway(t *testing.T) {
	f := newFixture(t)
	ext := f.external()
	sub := f.subnet(admin, ext, "172.24.4.0/24")
	f.tasks()
	r := f.router(alice, ext)
	tasks := f.wantTasks("CREATE PORT", "CREATE ROUTER")
	var port model.Port
	var told model.Router
	if err := json.Unmarshal(tasks[0].Data, &port); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(tasks[1].Data, &told); err != nil {
		t.Fatal(err)
	}
	told.Gateway.SNATByDefault = false
	told.Distributed, told.HA = r.Distributed, r.HA // which the backend does not learn
	if diff := cmp.Diff(r, &told, equal); diff != "" {
		t.Errorf("the task has (-answered +told):\n%s", diff)
	}
	if port.DeviceOwner != model.OwnerRouterGateway || port.DeviceID != r.ID.String() || port.ProjectID != "" || len(port.FixedIPs) != 1 ||
		port.FixedIPs[0].SubnetID != sub.ID {
		t.Errorf("the gateway's port is %+v", port)
	}
	if r.Gateway == nil || !r.Gateway.EnableSNAT || r.Gateway.NetworkID != ext.ID || r.Gateway.FixedIPs[0] != port.FixedIPs[0] {
		t.Errorf("gateway %+v", r.Gateway)
	}
	got, err := f.Routers().Get(ctx, alice, r.ID.String())
	if diff := cmp.Diff(r, got, equal); err != nil || diff != "" {
		t.Errorf("%v, read again (-made +read):\n%s", err, diff)
	}
	if err := f.Routers().Delete(ctx, alice, r.ID.String()); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORT", "DELETE ROUTER")
}

func TestGatewayWithoutAddresses(t *testing.T) {
	f := newFixture(t)
	ext := f.external()
	err := refused(f.Routers(), alice, gatewayBody(&model.GatewayInfo{NetworkID: ext.ID}))
	wantFault(t, err, errs.Invalid, "BadRequest")
	if routers, err := f.Routers().List(ctx, admin, plugin.Query{}); err != nil || len(routers) > 0 {
		t.Errorf("%v, %d routers were made all the same", err, len(routers))
	}
}

// TestGatewayAddressesStay is MidoNet's rule about the owners whose addresses may change.
func TestGatewayAddressesStay(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	has, other := w.router.Gateway.FixedIPs, netip.MustParseAddr("172.24.4.250")
	if has[0].IPAddress == other {
		other = other.Next()
	}
	_, err := f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(&model.GatewayInfo{NetworkID: w.external.ID, FixedIPs: has}))
	if err != nil {
		t.Errorf("the same address again: %v", err)
	}
	_, err = f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(&model.GatewayInfo{
		NetworkID: w.external.ID, FixedIPs: []model.FixedIP{{IPAddress: other}},
	}))
	wantFault(t, err, errs.Conflict, "UnsupportedPortDeviceOwner")
}

// TestGatewayMoves: another network is another port; SNAT is as the operator says where the request does not.
func TestGatewayMoves(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	other := f.external()
	f.subnet(admin, other, "172.25.0.0/24")
	f.tasks()
	r, err := f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(&model.GatewayInfo{NetworkID: other.ID}))
	if err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORT", "CREATE PORT", "UPDATE ROUTER")
	if r.Gateway.NetworkID != other.ID || r.Gateway.EnableSNAT {
		t.Errorf("gateway %+v", r.Gateway)
	}
	r, err = f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(&model.GatewayInfo{NetworkID: other.ID, SNATByDefault: true}))
	if err != nil || !r.Gateway.EnableSNAT {
		t.Errorf("%v, gateway %+v", err, r.Gateway)
	}
	f.wantTasks("UPDATE ROUTER")
	if r, err = f.Routers().Update(ctx, alice, w.router.ID.String(), gatewayBody(nil)); err != nil || r.Gateway != nil {
		t.Errorf("%v, gateway %+v", err, r.Gateway)
	}
}

// TestInterfacesOfOthers: what a project may plug its router into.
func TestInterfacesOfOthers(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	s := f.subnet(alice, n, "10.0.0.0/24")
	r := f.router(bob, nil)
	_, err := f.AddInterface(ctx, bob, r.ID.String(), bySubnet(s))
	wantFault(t, err, errs.NotFound, "SubnetNotFound")
	if _, err := f.core.Networks().Update(ctx, admin, n.ID.String(), body(model.Network{Shared: true}, "shared")); err != nil {
		t.Fatal(err)
	}
	_, err = f.AddInterface(ctx, bob, r.ID.String(), bySubnet(s))
	wantFault(t, err, errs.Invalid, "BadRequest")
	p := f.port(alice, n, "10.0.0.9")
	_, err = f.AddInterface(ctx, bob, r.ID.String(), byPort(p))
	wantFault(t, err, errs.NotFound, "PortNotFound")
	_, err = f.AddInterface(ctx, alice, r.ID.String(), byPort(p))
	wantFault(t, err, errs.NotFound, "RouterNotFound")
	// its own port outside of the pools would be an address that it did not get from the owner
	outside := f.port(admin, n, "10.0.0.254")
	if _, err := f.AddInterface(ctx, admin, r.ID.String(), byPort(outside)); err != nil {
		t.Errorf("the administrator: %v", err)
	}
}

// TestDevicesOfPorts: no one makes a port another's router's by the ports API.
func TestDevicesOfPorts(t *testing.T) {
	f := newFixture(t)
	r := f.router(alice, nil)
	n := f.network(bob)
	ask := func(owner, device string) error {
		p := model.Port{NetworkID: n.ID, DeviceOwner: owner, DeviceID: device}
		return refused(f.core.Ports(), bob, body(p, "device_id", "device_owner"))
	}
	wantFault(t, ask(model.OwnerRouterInterface, r.ID.String()), errs.Conflict, "DeviceIDNotOwnedByTenant")
	wantFault(t, ask(model.OwnerRouterGateway, r.ID.String()), errs.Conflict, "DeviceIDNotOwnedByTenant")
	for _, another := range []string{strings.ToUpper(r.ID.String()), strings.ReplaceAll(r.ID.String(), "-", "")} {
		wantFault(t, ask(model.OwnerRouterGateway, another), errs.Conflict, "DeviceIDNotOwnedByTenant")
		wantFault(t, ask(model.OwnerRouterInterface, another), errs.Conflict, "DeviceIDNotOwnedByTenant")
	}
	wantFault(t, ask(model.OwnerRouterInterface, n.ID.String()), errs.NotFound, "RouterNotFound")
	p := f.port(bob, n)
	_, err := f.core.Ports().Update(ctx, bob, p.ID.String(),
		body(model.Port{DeviceOwner: model.OwnerRouterInterface, DeviceID: r.ID.String()}, "device_id", "device_owner"))
	wantFault(t, err, errs.Conflict, "DeviceIDNotOwnedByTenant")
}

// TestFirstOfManyIsNamed: a subnet that shares addresses with several of a router's is refused for the sake of the one that it has had longest.
func TestFirstOfManyIsNamed(t *testing.T) {
	f := newFixture(t)
	r := f.router(alice, nil)
	reached := map[model.PortID]*model.Subnet{}
	for _, cidr := range []string{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"} {
		s := f.subnet(alice, f.network(alice), cidr)
		reached[f.plug(alice, r, s).PortID] = s
	}
	oldest := slices.MaxFunc(slices.Collect(maps.Keys(reached)), func(a, b model.PortID) int { return bytes.Compare(a[:], b[:]) })
	err := f.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE ports SET created_at = '2020-01-01T00:00:00Z', stamp = stamp + 1 WHERE id = ?`, oldest.String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.AddInterface(ctx, alice, r.ID.String(), bySubnet(f.subnet(alice, f.network(alice), "10.0.0.0/16")))
	wantFault(t, err, errs.Invalid, "BadRequest")
	if want := fmt.Sprintf("overlaps with cidr %s of subnet %s.", reached[oldest].CIDR, reached[oldest].ID); !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v; want that it %s", err, want)
	}
}

// TestInterfaceTasks: an interface is its port, for the backend too.
func TestInterfaceTasks(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	s, six := f.subnet(alice, n, "10.0.0.0/24"), f.subnet(alice, n, "fd00:1::/64")
	seven := f.subnet(alice, n, "fd00:2::/64")
	r := f.router(alice, nil)
	f.tasks()
	f.plug(alice, r, s)
	f.wantTasks("CREATE PORT")
	first := f.plug(alice, r, six)
	f.wantTasks("CREATE PORT")
	if second := f.plug(alice, r, seven); second.PortID != first.PortID {
		t.Errorf("the second IPv6 subnet is on port %v, the first on %v", second.PortID, first.PortID)
	}
	f.wantTasks("UPDATE PORT")
	if _, err := f.RemoveInterface(ctx, alice, r.ID.String(), bySubnet(six)); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("UPDATE PORT")
	if _, err := f.RemoveInterface(ctx, alice, r.ID.String(), bySubnet(seven)); err != nil {
		t.Fatal(err)
	}
	f.wantTasks("DELETE PORT")
	got, err := f.Routers().Get(ctx, alice, r.ID.String())
	if err != nil || got.RevisionNumber != r.RevisionNumber+5 {
		t.Errorf("%v, revision %d after 5 changes of %d", err, got.RevisionNumber, r.RevisionNumber)
	}
}

// TestUplink: a port on an uplink network is a router's interface where its host and interface are named.
func TestUplink(t *testing.T) {
	f := newFixture(t)
	n := one(t, f.core.Networks(), admin, body(model.Network{AdminStateUp: true, NetworkType: "uplink"}, "provider:network_type"))
	f.subnet(admin, n, "203.0.113.0/24")
	b := body(model.Port{NetworkID: n.ID, AdminStateUp: true, HostID: "gw1", Profile: json.RawMessage(`{"interface_name":"eth1"}`)},
		"network_id", "binding:host_id", "binding:profile")
	p := one(t, f.core.Ports(), admin, b)
	r := f.router(admin, nil)
	f.tasks()
	if _, err := f.AddInterface(ctx, admin, r.ID.String(), byPort(p)); err != nil {
		t.Fatal(err)
	}
	var told model.Port
	if err := json.Unmarshal(f.wantTasks("UPDATE PORT")[0].Data, &told); err != nil {
		t.Fatal(err)
	}
	if told.DeviceOwner != model.OwnerRouterInterface || told.DeviceID != r.ID.String() || told.HostID != "gw1" ||
		string(told.Profile) != `{"interface_name":"eth1"}` {
		t.Errorf("told %+v", told)
	}
}

func TestExtraRoutes(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	add := func(route string) (*model.Router, error) {
		r, err := f.AddExtraRoutes(ctx, alice, w.router.ID.String(), json.RawMessage(`{"router":{"routes":[`+route+`]}}`))
		if err != nil {
			return nil, err
		}
		return r.(*model.Router), nil
	}
	var revision int64
	for i := range 2 {
		r, err := add(`{"destination":"192.168.0.0/16","nexthop":"10.0.0.7"}`)
		if err != nil || len(r.Routes) != 1 {
			t.Fatalf("%v, routes %v", err, r)
		}
		if i == 1 && r.RevisionNumber != revision {
			t.Errorf("a route that it has is another revision, %d after %d", r.RevisionNumber, revision)
		}
		revision = r.RevisionNumber
	}
	_, err := add(`{"destination":"192.168.0.0/16","nexthop":"10.7.0.7"}`)
	wantFault(t, err, errs.Invalid, "InvalidRoutes")
	_, err = add(`{"destination":"192.168.0.0/16"}`)
	wantFault(t, err, errs.Invalid, "HTTPBadRequest")
	_, err = f.AddExtraRoutes(ctx, alice, w.router.ID.String(), nil)
	wantFault(t, err, errs.Invalid, "HTTPBadRequest")
	_, err = f.RemoveInterface(ctx, alice, w.router.ID.String(), bySubnet(w.insideSubnet))
	wantFault(t, err, errs.Conflict, "RouterInterfaceInUseByRoute")
	r, err := f.RemoveExtraRoutes(ctx, alice, w.router.ID.String(), json.RawMessage(`{"router":{"routes":[`+
		`{"destination":"192.168.0.0/16","nexthop":"10.0.0.7"},{"destination":"1.0.0.0/8","nexthop":"10.0.0.7"}]}}`))
	if err != nil || len(r.(*model.Router).Routes) != 0 {
		t.Errorf("%v, routes %v", err, r)
	}
	many := make([]model.HostRoute, DefaultConfig().MaxRoutes+1)
	_, err = f.Routers().Update(ctx, alice, w.router.ID.String(), body(model.Router{Routes: many}, "routes"))
	wantFault(t, err, errs.Invalid, "RoutesExhausted")
}

// TestContents: a start finds each resource as its last task has it.
func TestContents(t *testing.T) {
	f := newFixture(t)
	w := f.cloud()
	f.floating(alice, w.external, w.vm)
	other := f.floating(alice, w.external, nil)
	one(t, f.PortForwardings(other.ID.String()), alice, forwardingBody(f.port(alice, w.inside, "10.0.0.6"), 80, 8080))
	last := map[string]string{}
	for _, task := range f.tasks() {
		last[task.ResourceID] = string(task.Data)
	}
	c, err := f.core.Contents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, r := range c.Resources {
		kinds[string(r.DataType)]++
		if r.ResourceID == w.router.ID.String() {
			continue // its revision has grown with its interface, of which the port's task tells
		}
		if r.DataType == "ROUTER" || r.DataType == "FLOATINGIP" || r.DataType == "PORTFORWARDING" {
			if diff := cmp.Diff(last[r.ResourceID], string(r.Data)); diff != "" {
				t.Errorf("%s (-task +contents):\n%s", r.DataType, diff)
			}
		}
	}
	if kinds["ROUTER"] != 1 || kinds["FLOATINGIP"] != 2 || kinds["PORTFORWARDING"] != 1 {
		t.Errorf("contents %v", kinds)
	}
}

// TestRouterList: a list has each router with its own gateway.
func TestRouterList(t *testing.T) {
	f := newFixture(t)
	ext := f.external()
	f.subnet(admin, ext, "172.24.4.0/24")
	want := map[string]bool{}
	for i := range 5 {
		var gateway *model.Network
		if i%2 == 0 {
			gateway = ext
		}
		want[f.router(alice, gateway).ID.String()] = gateway != nil
	}
	f.router(bob, nil)
	page, err := f.Routers().List(ctx, alice, plugin.Query{})
	if err != nil || len(page) != len(want) {
		t.Fatalf("%v, %d routers", err, len(page))
	}
	for _, r := range page {
		if has, mine := want[r.ID.String()]; !mine || has != (r.Gateway != nil) || has && len(r.Gateway.FixedIPs) != 1 {
			t.Errorf("router %+v", r)
		}
	}
	_, err = f.Routers().List(ctx, bob, plugin.Query{Marker: page[0].ID.String(), Limit: 1})
	wantFault(t, err, errs.NotFound, "RouterNotFound")
}
