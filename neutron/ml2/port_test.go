package ml2

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// TestPortIsWholeInAnswerStoreAndJournal: the three forms of a new port are one.
func TestPortIsWholeInAnswerStoreAndJournal(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	s := f.subnet(alice, n, "10.0.0.0/24")
	f.tasks()
	p := one(t, f.Ports(), admin, body(model.Port{
		NetworkID: n.ID, Name: "vm", AdminStateUp: true, DeviceID: "d", DeviceOwner: "compute:nova", HostID: "host1",
		MACAddress: mac.MustParse("02:00:00:00:00:01"), Profile: json.RawMessage(`{"interface_name": "eth1"}`),
		Standard:  model.Standard{ProjectID: "alice", Description: "text"},
		ExtraDHCP: []model.ExtraDHCPOpt{{Name: "tftp-server", Value: "10.0.0.9", IPVersion: 4}},
	}))
	if len(p.FixedIPs) != 1 || p.FixedIPs[0].SubnetID != s.ID || !s.CIDR.Contains(p.FixedIPs[0].IPAddress) {
		t.Errorf("addresses %+v", p.FixedIPs)
	}
	if p.Status != model.StatusDown || p.VIFType != "midonet" || string(p.VIFDetails) != `{"port_filter": true, "connectivity": "l2"}` {
		t.Errorf("status %s, vif %s %s", p.Status, p.VIFType, p.VIFDetails)
	}
	read, err := f.Ports().Get(ctx, alice, p.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, read, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("store: %s", diff)
	}
	tasks := f.tasks()
	if len(tasks) != 1 {
		t.Fatalf("tasks %+v", tasks)
	}
	task := tasks[0]
	if task.Type != journal.Create || task.DataType != journal.Port || task.ResourceID != p.ID.String() ||
		task.ProjectID != "alice" || task.TransactionID != admin.RequestID {
		t.Errorf("task %+v", task)
	}
	want, err := json.Marshal(f.recordedPort(p))
	if err != nil {
		t.Fatal(err)
	}
	if string(task.Data) != string(want) {
		t.Errorf("task carries %s\nwant %s", task.Data, want)
	}
}

func TestAddressFaults(t *testing.T) {
	f := newFixture(t)
	n, other := f.network(admin), f.network(admin)
	s, foreign := f.subnet(admin, n, "10.0.0.0/29"), f.subnet(admin, other, "10.9.0.0/24")
	taken := f.port(admin, n, model.FixedIP{IPAddress: addr("10.0.0.3")})
	empty := f.network(admin)
	for _, c := range []struct {
		name    string
		network *model.Network
		fixed   model.FixedIP
		kind    errs.Kind
		typ     string
		message string
	}{
		{"taken", n, model.FixedIP{IPAddress: addr("10.0.0.3")}, errs.Conflict, "IpAddressAlreadyAllocated",
			fmt.Sprintf("IP address 10.0.0.3 already allocated in subnet %s", s.ID)},
		{"outside every subnet", n, model.FixedIP{IPAddress: addr("10.0.1.3")}, errs.Invalid, "InvalidIpForNetwork",
			"IP address 10.0.1.3 is not a valid IP for any of the subnets on the specified network."},
		{"outside the subnet", n, model.FixedIP{SubnetID: s.ID, IPAddress: addr("10.0.1.3")}, errs.Invalid, "InvalidIpForSubnet",
			"IP address 10.0.1.3 is not a valid IP for the specified subnet."},
		{"broadcast", n, model.FixedIP{SubnetID: s.ID, IPAddress: addr("10.0.0.7")}, errs.Invalid, "InvalidIpForSubnet",
			"IP address 10.0.0.7 is not a valid IP for the specified subnet."},
		{"another network's subnet", n, model.FixedIP{SubnetID: foreign.ID}, errs.Invalid, "InvalidInput", fmt.Sprintf("Invalid input "+
			"for operation: Failed to create port on network %s, because fixed_ips included invalid subnet %s.", n.ID, foreign.ID)},
		{"unknown subnet", n, model.FixedIP{SubnetID: model.SubnetID{1}}, errs.NotFound, "SubnetNotFound",
			fmt.Sprintf("Subnet %s could not be found.", model.SubnetID{1})},
		{"no subnets", empty, model.FixedIP{IPAddress: addr("10.0.0.3")}, errs.Invalid, "InvalidInput",
			"Invalid input for operation: IP allocation requires subnets for network."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.Ports().Create(ctx, admin, []plugin.Body[model.Port]{portBody(c.network, c.fixed)})
			wantFault(t, err, c.kind, c.typ, c.message)
		})
	}
	page, err := f.Ports().List(ctx, admin, plugin.Query{})
	if err != nil || len(page) != 1 || page[0].ID != taken.ID {
		t.Errorf("refused requests left ports: %d, %v", len(page), err)
	}
}

func TestExhaustion(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	f.subnet(admin, n, "10.0.0.0/28")
	seen := map[netip.Addr]bool{}
	for range 13 { // 16, less network, broadcast and gateway
		seen[f.port(admin, n).FixedIPs[0].IPAddress] = true
	}
	if len(seen) != 13 {
		t.Errorf("%d different addresses, want 13", len(seen))
	}
	_, err := f.Ports().Create(ctx, admin, []plugin.Body[model.Port]{portBody(n)})
	message := fmt.Sprintf("No more IP addresses available on network %s.", n.ID)
	wantFault(t, err, errs.Conflict, "IpAddressGenerationFailure", message)

	second := f.subnet(admin, n, "10.0.1.0/24")
	if p := f.port(admin, n); p.FixedIPs[0].SubnetID != second.ID {
		t.Errorf("a port of a network with a full subnet got %+v", p.FixedIPs)
	}
	bare := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, FixedIPs: []model.FixedIP{}}, "fixed_ips"))
	if len(bare.FixedIPs) != 0 {
		t.Errorf("a port that asks for no address got %+v", bare.FixedIPs)
	}
}

func TestAddressesOfBothVersions(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	v4, v6 := f.subnet(admin, n, "10.0.0.0/24"), f.subnet(admin, n, "fd01::/64")
	early := f.port(admin, n)
	b := subnetBody(n, "fd02::/64")
	mode := slaac
	b.Value.IPv6RAMode, b.Value.IPv6AddressMode = &mode, &mode
	f.tasks()
	auto := one(t, f.Subnets(), admin, b)

	tasks := f.tasks()
	if len(tasks) != 2 || tasks[1].Type != journal.Update || tasks[1].ResourceID != early.ID.String() {
		t.Errorf("a new SLAAC subnet leaves tasks %+v, want its own and the port's", tasks)
	}
	early, _ = f.Ports().Get(ctx, admin, early.ID.String())
	for _, p := range []*model.Port{early, f.port(admin, n)} {
		var got []model.SubnetID
		for _, fixed := range p.FixedIPs {
			got = append(got, fixed.SubnetID)
		}
		for _, s := range []*model.Subnet{v4, v6, auto} {
			if !slices.Contains(got, s.ID) {
				t.Errorf("no address of %s among %+v", s.CIDR, p.FixedIPs)
			}
		}
	}
	p := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, MACAddress: mac.MustParse("fa:16:3e:00:00:01"),
		FixedIPs: []model.FixedIP{{SubnetID: v4.ID}}}, "fixed_ips"))
	want := model.FixedIP{SubnetID: auto.ID, IPAddress: addr("fd02::f816:3eff:fe00:1")}
	if len(p.FixedIPs) != 2 || !slices.Contains(p.FixedIPs, want) {
		t.Errorf("a port that asks for IPv4 has %+v, want its automatic address too", p.FixedIPs)
	}
	_, err := f.Ports().Create(ctx, admin, []plugin.Body[model.Port]{portBody(n, model.FixedIP{IPAddress: addr("fd02::5")})})
	wantFault(t, err, errs.Invalid, "AllocationOnAutoAddressSubnet", "")

	p, err = f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{MACAddress: mac.MustParse("fa:16:3e:00:00:02")}, "mac_address"))
	if err != nil {
		t.Fatal(err)
	}
	want.IPAddress = addr("fd02::f816:3eff:fe00:2")
	if len(p.FixedIPs) != 2 || !slices.Contains(p.FixedIPs, want) {
		t.Errorf("with a new MAC the addresses are %+v", p.FixedIPs)
	}
	if err := f.Subnets().Delete(ctx, admin, auto.ID.String()); err != nil {
		t.Fatal(err)
	}
	p, _ = f.Ports().Get(ctx, admin, p.ID.String())
	if len(p.FixedIPs) != 1 || p.FixedIPs[0].SubnetID != v4.ID {
		t.Errorf("after the SLAAC subnet has gone the addresses are %+v", p.FixedIPs)
	}
}

func TestMACAddresses(t *testing.T) {
	f := newFixture(t)
	f.cfg.BaseMAC = mac.MustParse("fa:16:3e:4f:00:00")
	n, other := f.network(admin), f.network(admin)
	p := f.port(admin, n)
	if got := p.MACAddress; got[3] != 0x4f || got[0] != 0xfa {
		t.Errorf("generated %v", got)
	}
	same := body(model.Port{NetworkID: n.ID, MACAddress: p.MACAddress}, "mac_address")
	_, err := f.Ports().Create(ctx, admin, []plugin.Body[model.Port]{same})
	wantFault(t, err, errs.Conflict, "MacAddressInUse",
		fmt.Sprintf("Unable to complete operation for network %s. The mac address %s is in use.", n.ID, p.MACAddress))
	same.Value.NetworkID = other.ID
	one(t, f.Ports(), admin, same)

	bound := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, HostID: "host1"}))
	_, err = f.Ports().Update(ctx, admin, bound.ID.String(), body(model.Port{MACAddress: mac.Addr{2}}, "mac_address"))
	wantFault(t, err, errs.Conflict, "PortBound", fmt.Sprintf("Unable to complete operation on port %s, port is already bound, "+
		"port type: midonet, old_mac %s, new_mac 02:00:00:00:00:00.", bound.ID, bound.MACAddress))
	router := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, DeviceOwner: "network:router_interface"}))
	_, err = f.Ports().Update(ctx, admin, router.ID.String(), body(model.Port{MACAddress: mac.Addr{2}}, "mac_address"))
	wantFault(t, err, errs.Conflict, "UnsupportedPortDeviceOwner", fmt.Sprintf("Operation mac address update is not supported for "+
		"device_owner network:router_interface on port %s.", router.ID))
	third := f.port(admin, n)
	_, err = f.Ports().Update(ctx, admin, third.ID.String(), body(model.Port{MACAddress: p.MACAddress}, "mac_address"))
	wantFault(t, err, errs.Conflict, "MacAddressInUse", "")
}

func TestReaddressing(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	s := f.subnet(admin, n, "10.0.0.0/24")
	p := f.port(admin, n, model.FixedIP{IPAddress: addr("10.0.0.5")}, model.FixedIP{IPAddress: addr("10.0.0.6")})
	update := func(fixed ...model.FixedIP) (*model.Port, error) {
		return f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{FixedIPs: fixed}, "fixed_ips"))
	}
	got, err := update(model.FixedIP{IPAddress: addr("10.0.0.6")}, model.FixedIP{IPAddress: addr("10.0.0.7")})
	if err != nil {
		t.Fatal(err)
	}
	want := []model.FixedIP{{SubnetID: s.ID, IPAddress: addr("10.0.0.6")}, {SubnetID: s.ID, IPAddress: addr("10.0.0.7")}}
	if !slices.Equal(got.FixedIPs, want) {
		t.Errorf("addresses %+v", got.FixedIPs)
	}
	got, err = update(model.FixedIP{SubnetID: s.ID})
	if err != nil || !slices.Equal(got.FixedIPs, want[:1]) {
		t.Errorf("an entry that names the subnet alone keeps an address: %+v, %v", got.FixedIPs, err)
	}
	f.port(admin, n, model.FixedIP{IPAddress: addr("10.0.0.5")}) // free again

	dhcp := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, DeviceOwner: "network:dhcp"}))
	if dhcp.FixedIPs[0].IPAddress != addr("10.0.0.2") {
		t.Errorf("the network's own service got %v, want the lowest", dhcp.FixedIPs[0].IPAddress)
	}
	_, err = f.Ports().Update(ctx, admin, dhcp.ID.String(),
		body(model.Port{FixedIPs: []model.FixedIP{{IPAddress: addr("10.0.0.99")}}}, "fixed_ips"))
	wantFault(t, err, errs.Conflict, "UnsupportedPortDeviceOwner", fmt.Sprintf("Operation fixed_ips update is not supported for "+
		"device_owner network:dhcp on port %s.", dhcp.ID))
	if _, err := f.Ports().Update(ctx, admin, dhcp.ID.String(), body(model.Port{FixedIPs: dhcp.FixedIPs}, "fixed_ips")); err != nil {
		t.Errorf("to repeat the present addresses: %v", err)
	}
	bare := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, DeviceOwner: "baremetal:none"}))
	if _, err := f.Ports().Update(ctx, admin, bare.ID.String(), body(model.Port{FixedIPs: []model.FixedIP{{IPAddress: addr("10.0.0.98")}}}, "fixed_ips")); err != nil {
		t.Errorf("another service's port, to other addresses: %v", err)
	}
}

func TestBindingAndStatus(t *testing.T) {
	f := newFixture(t)
	p := f.port(admin, f.network(admin))
	status := func(active bool) *model.Port {
		t.Helper()
		err := f.SetPortStatus(ctx, []journal.PortStatus{{PortID: p.ID.String(), Active: active}, {PortID: "gone", Active: active}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Ports().Get(ctx, admin, p.ID.String())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	f.tasks()
	if got := status(false); got.RevisionNumber != 1 {
		t.Errorf("a status that it has already made revision %d", got.RevisionNumber)
	}
	if got := status(true); got.Status != model.StatusActive || got.RevisionNumber != 2 {
		t.Errorf("active: %s, revision %d", got.Status, got.RevisionNumber)
	}
	if tasks := f.tasks(); len(tasks) != 0 {
		t.Errorf("a status from the hosts went back to the backend: %+v", tasks)
	}
	got, err := f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{HostID: "host2"}, "binding:host_id"))
	if err != nil || got.Status != model.StatusActive || got.VIFType != "midonet" {
		t.Errorf("bound: %s %s %v", got.Status, got.VIFType, err)
	}
	_, err = f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{VNICType: "direct"}, "binding:vnic_type"))
	wantFault(t, err, errs.Conflict, "PortInUse", "")
	got, err = f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{}, "binding:host_id", "binding:profile"))
	if err != nil || got.VIFType != "unbound" || string(got.VIFDetails) != "{}" || string(got.Profile) != "{}" {
		t.Errorf("unbound: %s %s %s %v", got.VIFType, got.VIFDetails, got.Profile, err)
	}
	direct := one(t, f.Ports(), admin, body(model.Port{NetworkID: p.NetworkID, VNICType: "direct", HostID: "h"}))
	if direct.VIFType != "binding_failed" {
		t.Errorf("a direct port on a host: %s", direct.VIFType)
	}
	got, err = f.Ports().Update(ctx, admin, direct.ID.String(), body(model.Port{VNICType: "normal"}, "binding:vnic_type"))
	if err != nil || got.VIFType != "midonet" {
		t.Errorf("what could not be bound, made a normal port: %s %v", got.VIFType, err)
	}
}

func TestDHCPOptions(t *testing.T) {
	f := newFixture(t)
	opt := func(name, value string) model.ExtraDHCPOpt { return model.ExtraDHCPOpt{Name: name, Value: value} }
	p := one(t, f.Ports(), admin, body(model.Port{NetworkID: f.network(admin).ID, ExtraDHCP: []model.ExtraDHCPOpt{
		opt("tftp-server", "10.0.0.1"), opt("bootfile-name", "a"), opt("router", ""), opt("domain-name", "")}}))
	got, err := f.Ports().Update(ctx, admin, p.ID.String(), body(model.Port{ExtraDHCP: []model.ExtraDHCPOpt{
		opt("bootfile-name", "b"), {Name: "tftp-server", Remove: true}, {Name: "bootfile-name", Value: "c", IPVersion: 6},
	}}, "extra_dhcp_opts"))
	if err != nil {
		t.Fatal(err)
	}
	want := []model.ExtraDHCPOpt{{Name: "bootfile-name", Value: "b", IPVersion: 4}, {Name: "bootfile-name", Value: "c", IPVersion: 6},
		{Name: "router", IPVersion: 4}}
	if diff := cmp.Diff(want, got.ExtraDHCP); diff != "" {
		t.Error(diff)
	}
}

func TestBulkCreateIsAllOrNothing(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	f.subnet(admin, n, "10.0.0.0/24")
	f.tasks()
	same := portBody(n, model.FixedIP{IPAddress: addr("10.0.0.5")})
	_, err := f.Ports().Create(ctx, admin, []plugin.Body[model.Port]{portBody(n), same, same})
	wantFault(t, err, errs.Conflict, "IpAddressAlreadyAllocated", "")
	page, err := f.Ports().List(ctx, admin, plugin.Query{})
	if err != nil || len(page) != 0 || len(f.tasks()) != 0 {
		t.Errorf("a failed bulk create left %d ports, %v", len(page), err)
	}
	made, err := f.Ports().Create(ctx, admin, []plugin.Body[model.Port]{portBody(n), same})
	if err != nil || len(made) != 2 || made[1].FixedIPs[0].IPAddress != addr("10.0.0.5") {
		t.Errorf("made %+v, %v", made, err)
	}
}

// TestAClientThatGoesAway: a request whose client has gone before its turn does nothing.
func TestAClientThatGoesAway(t *testing.T) {
	f := newFixture(t)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := f.Networks().Create(gone, admin, []plugin.Body[model.Network]{body(model.Network{})}); err == nil {
		t.Error("created a network for a client that has gone")
	}
	if page, _ := f.Networks().List(ctx, admin, plugin.Query{}); len(page) != 0 {
		t.Error("the network is there")
	}
}
