package ml2

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func pool(start, end string) model.AllocationPool {
	return model.AllocationPool{Start: addr(start), End: addr(end)}
}

func poolTexts(pools []model.AllocationPool) string {
	var texts []string
	for _, p := range pools {
		texts = append(texts, poolText(p))
	}
	return strings.Join(texts, " ")
}

// TestGatewayAndPools has the cases of neutron/tests/unit/db/test_db_base_plugin_v2.py and ipam/test_utils.py.
func TestGatewayAndPools(t *testing.T) {
	for _, c := range []struct{ cidr, gateway, wantGateway, wantPools string }{
		{"10.0.0.0/24", "default", "10.0.0.1", "10.0.0.2-10.0.0.254"},
		{"10.0.0.0/24", "10.0.0.254", "10.0.0.254", "10.0.0.1-10.0.0.253"},
		{"10.0.0.0/24", "10.0.0.100", "10.0.0.100", "10.0.0.1-10.0.0.99 10.0.0.101-10.0.0.254"},
		{"10.0.0.0/24", "none", "invalid IP", "10.0.0.1-10.0.0.254"},
		{"10.0.0.0/24", "192.168.0.1", "192.168.0.1", "10.0.0.1-10.0.0.254"},
		{"10.0.0.77/24", "default", "10.0.0.1", "10.0.0.2-10.0.0.254"},
		{"10.0.0.0/30", "default", "10.0.0.1", "10.0.0.2-10.0.0.2"},
		{"10.0.0.0/31", "default", "10.0.0.1", "10.0.0.0-10.0.0.0"},
		{"10.0.0.5/32", "none", "invalid IP", "10.0.0.5-10.0.0.5"},
		{"fd00::/64", "default", "fd00::", "fd00::1-fd00::ffff:ffff:ffff:ffff"},
		{"fd00::/64", "fd00::1", "fd00::1", "fd00::2-fd00::ffff:ffff:ffff:ffff"},
		{"fd00::/127", "none", "invalid IP", "fd00::1-fd00::1"},
	} {
		t.Run(c.cidr+" "+c.gateway, func(t *testing.T) {
			f := newFixture(t)
			b := subnetBody(f.network(admin), c.cidr)
			b.Given["gateway_ip"] = c.gateway != "default"
			if c.gateway != "default" && c.gateway != "none" {
				b.Value.GatewayIP = addr(c.gateway)
			}
			s := one(t, f.Subnets(), admin, b)
			if s.GatewayIP.String() != c.wantGateway || poolTexts(s.AllocationPools) != c.wantPools {
				t.Errorf("gateway %v, pools %s\nwant    %s, pools %s", s.GatewayIP, poolTexts(s.AllocationPools), c.wantGateway, c.wantPools)
			}
		})
	}
}

func TestSubnetRules(t *testing.T) {
	mode := func(s string) *string { return &s }
	for _, c := range []struct {
		name    string
		change  func(*model.Subnet)
		given   string
		kind    errs.Kind
		typ     string
		message string
	}{
		{"no range", func(s *model.Subnet) { s.CIDR = netip.Prefix{} }, "", errs.Invalid, "BadRequest",
			"Bad subnets request: a subnetpool must be specified in the absence of a cidr."},
		{"prefix length 0", func(s *model.Subnet) { s.CIDR, s.EnableDHCP = netip.MustParsePrefix("0.0.0.0/0"), false }, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: 0 is not allowed as CIDR prefix length."},
		{"other version", func(s *model.Subnet) { s.IPVersion = 6 }, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: cidr '10.0.0.0/24' does not match the ip_version '6'."},
		{"too small for DHCP", func(s *model.Subnet) { s.CIDR = netip.MustParsePrefix("10.0.0.0/31") }, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: Subnet has a prefix length that is incompatible with DHCP service enabled."},
		{"multicast", func(s *model.Subnet) { s.CIDR = netip.MustParsePrefix("224.0.0.0/24") }, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: Multicast IP subnet is not supported if enable_dhcp is True."},
		{"loopback", func(s *model.Subnet) { s.CIDR = netip.MustParsePrefix("127.0.0.0/24") }, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: Loopback IP subnet is not supported if enable_dhcp is True."},
		{"gateway is the network", func(s *model.Subnet) { s.GatewayIP = addr("10.0.0.0") }, "gateway_ip", errs.Invalid, "InvalidInput",
			"Invalid input for operation: Gateway is not valid on subnet."},
		{"gateway is broadcast", func(s *model.Subnet) { s.GatewayIP = addr("10.0.0.255") }, "gateway_ip", errs.Invalid, "InvalidInput",
			"Invalid input for operation: Gateway is not valid on subnet."},
		{"gateway of the other version", func(s *model.Subnet) { s.GatewayIP = addr("fd00::1") }, "gateway_ip", errs.Invalid, "InvalidInput",
			"Invalid input for operation: gateway_ip 'fd00::1' does not match the ip_version '4'."},
		{"pool outside", func(s *model.Subnet) { s.AllocationPools = []model.AllocationPool{pool("10.0.0.2", "10.0.1.9")} },
			"allocation_pools", errs.Invalid, "OutOfBoundsAllocationPool",
			"The allocation pool 10.0.0.2-10.0.1.9 spans beyond the subnet cidr 10.0.0.0/24."},
		{"pool backwards", func(s *model.Subnet) { s.AllocationPools = []model.AllocationPool{pool("10.0.0.9", "10.0.0.2")} },
			"allocation_pools", errs.Invalid, "InvalidAllocationPool", "The allocation pool {'start': '10.0.0.9', 'end': '10.0.0.2'} is not valid."},
		{"pools overlap", func(s *model.Subnet) {
			s.AllocationPools = []model.AllocationPool{pool("10.0.0.2", "10.0.0.9"), pool("10.0.0.9", "10.0.0.20")}
		}, "allocation_pools", errs.Conflict, "OverlappingAllocationPools",
			"Found overlapping allocation pools: 10.0.0.2-10.0.0.9 10.0.0.9-10.0.0.20 for subnet 10.0.0.0/24."},
		{"gateway in a pool", func(s *model.Subnet) { s.AllocationPools = []model.AllocationPool{pool("10.0.0.1", "10.0.0.9")} },
			"allocation_pools", errs.Conflict, "GatewayConflictWithAllocationPools",
			"Gateway ip 10.0.0.1 conflicts with allocation pool 10.0.0.1-10.0.0.9."},
		{"many name servers", func(s *model.Subnet) { s.DNSNameservers = make([]netip.Addr, 6) }, "dns_nameservers", errs.Invalid,
			"DNSNameServersExhausted",
			"Unable to complete operation for new subnet. The number of DNS nameservers exceeds the limit 5."},
		{"many routes", func(s *model.Subnet) { s.HostRoutes = make([]model.HostRoute, 21) }, "host_routes", errs.Invalid,
			"HostRoutesExhausted", "Unable to complete operation for new subnet. The number of host routes exceeds the limit 20."},
		{"route of the other version", func(s *model.Subnet) {
			s.HostRoutes = []model.HostRoute{{Destination: netip.MustParsePrefix("fd01::/64"), NextHop: addr("10.0.0.2")}}
		}, "host_routes", errs.Invalid, "InvalidInput",
			"Invalid input for operation: destination 'fd01::/64' does not match the ip_version '4'."},
		{"modes for IPv4", func(s *model.Subnet) { s.IPv6RAMode = mode("slaac") }, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: ipv6_ra_mode is not valid when ip_version is 4."},
		{"modes differ", func(s *model.Subnet) {
			s.CIDR, s.IPVersion = netip.MustParsePrefix("fd00::/64"), 6
			s.IPv6RAMode, s.IPv6AddressMode = mode("slaac"), mode("dhcpv6-stateful")
		}, "", errs.Invalid, "InvalidInput", "Invalid input for operation: ipv6_ra_mode set to 'slaac' with ipv6_address_mode set to " +
			"'dhcpv6-stateful' is not valid. If both attributes are set, they must be the same value."},
		{"modes without DHCP", func(s *model.Subnet) {
			s.CIDR, s.IPVersion, s.EnableDHCP, s.IPv6RAMode = netip.MustParsePrefix("fd00::/64"), 6, false, mode("slaac")
		}, "", errs.Invalid, "InvalidInput",
			"Invalid input for operation: ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False."},
		{"SLAAC needs /64", func(s *model.Subnet) {
			s.CIDR, s.IPVersion, s.IPv6AddressMode = netip.MustParsePrefix("fd00::/80"), 6, mode("slaac")
		}, "", errs.Invalid, "InvalidInput", "Invalid input for operation: Invalid CIDR fd00::/80 for IPv6 address mode. " +
			"OpenStack uses the EUI-64 address format, which requires the prefix to be /64."},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			n := f.network(admin)
			f.tasks()
			b := subnetBody(n, "10.0.0.0/24")
			c.change(&b.Value)
			b.Given[c.given] = true
			_, err := f.Subnets().Create(ctx, admin, []plugin.Body[model.Subnet]{b})
			wantFault(t, err, c.kind, c.typ, c.message)
			if tasks := f.tasks(); len(tasks) != 0 {
				t.Errorf("a refused request left tasks: %+v", tasks)
			}
			if after, _ := f.Networks().Get(ctx, admin, n.ID.String()); after.RevisionNumber != 1 {
				t.Errorf("a refused request left its mark on the network: revision %d", after.RevisionNumber)
			}
		})
	}
}

func TestSubnetUpdate(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	s := f.subnet(alice, n, "10.0.0.0/24")
	router := one(t, f.Ports(), admin, body(model.Port{NetworkID: n.ID, DeviceOwner: "network:router_interface",
		FixedIPs: []model.FixedIP{{IPAddress: addr("10.0.0.1")}}}, "fixed_ips"))
	update := func(v model.Subnet, given ...string) (*model.Subnet, error) {
		return f.Subnets().Update(ctx, alice, s.ID.String(), body(v, given...))
	}

	_, err := update(model.Subnet{}, "gateway_ip")
	wantFault(t, err, errs.Conflict, "GatewayIpInUse",
		fmt.Sprintf("Current gateway ip 10.0.0.1 already in use by port %s. Unable to update.", router.ID))
	if err := f.Ports().Delete(ctx, admin, router.ID.String()); err != nil {
		t.Fatal(err)
	}
	_, err = update(model.Subnet{GatewayIP: addr("10.0.0.50")}, "gateway_ip")
	wantFault(t, err, errs.Conflict, "GatewayConflictWithAllocationPools",
		"Gateway ip 10.0.0.50 conflicts with allocation pool 10.0.0.2-10.0.0.254.")
	got, err := update(model.Subnet{
		GatewayIP: addr("10.0.0.50"), AllocationPools: []model.AllocationPool{pool("10.0.0.60", "10.0.0.70"), pool("10.0.0.2", "10.0.0.9")},
		DNSNameservers: []netip.Addr{addr("9.9.9.9"), addr("1.1.1.1")},
		HostRoutes:     []model.HostRoute{{Destination: netip.MustParsePrefix("10.9.0.0/16"), NextHop: addr("10.0.0.2")}},
	}, "gateway_ip", "allocation_pools", "dns_nameservers", "host_routes", "enable_dhcp")
	if err != nil {
		t.Fatal(err)
	}
	read, err := f.Subnets().Get(ctx, alice, s.ID.String())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(read.GatewayIP, " ", poolTexts(read.AllocationPools), read.DNSNameservers, read.HostRoutes, read.EnableDHCP)
	want := "10.0.0.50 10.0.0.2-10.0.0.9 10.0.0.60-10.0.0.70[9.9.9.9 1.1.1.1] [{10.9.0.0/16 10.0.0.2}] false"
	if text != want || got.RevisionNumber != 1 || read.RevisionNumber != 1 {
		t.Errorf("read back, revision %d: %s\nwant %s", read.RevisionNumber, text, want)
	}
}

func TestSubnetDelete(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	s := f.subnet(alice, n, "10.0.0.0/24")
	vm := f.port(alice, n)
	dhcp := one(t, f.Ports(), alice, body(model.Port{NetworkID: n.ID, DeviceOwner: "network:dhcp"}))
	wantFault(t, f.Subnets().Delete(ctx, alice, s.ID.String()), errs.Conflict, "SubnetInUse",
		fmt.Sprintf("Unable to complete operation on subnet %s: One or more ports have an IP allocation from this subnet.", s.ID))
	if err := f.Ports().Delete(ctx, alice, vm.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := f.Subnets().Delete(ctx, alice, s.ID.String()); err != nil {
		t.Fatal(err)
	}
	left, err := f.Ports().Get(ctx, alice, dhcp.ID.String())
	if err != nil || len(left.FixedIPs) != 0 || left.RevisionNumber != 2 {
		t.Errorf("the DHCP port is left as %+v, %v", left, err)
	}
}

// TestOverlappingSubnetsAreRefusedTogether creates the same range many times at once: one of them is made.
func TestOverlappingSubnetsAreRefusedTogether(t *testing.T) {
	f := newFixture(t)
	n := f.network(admin)
	const requests = 8
	var wg sync.WaitGroup
	errors := make([]error, requests)
	for i := range requests {
		wg.Go(func() {
			cidr := []string{"10.0.0.0/16", "10.0.128.0/24"}[i%2]
			_, errors[i] = f.Subnets().Create(ctx, admin, []plugin.Body[model.Subnet]{subnetBody(n, cidr)})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errors {
		if err == nil {
			made++
			continue
		}
		wantFault(t, err, errs.Invalid, "InvalidInput", "")
		if !strings.HasSuffix(err.Error(), fmt.Sprintf("for network: %s overlaps with another subnet.", n.ID)) {
			t.Errorf("text %q", err)
		}
	}
	if made != 1 {
		t.Errorf("%d of %d overlapping subnets were made", made, requests)
	}
}
