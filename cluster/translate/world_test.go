package translate

import (
	"encoding/json"
	"net/netip"

	"pgregory.net/rapid"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

// world is how many objects of each resource the properties know: few enough that changes meet. The first octet of an identifier is
// the resource's place in the list, the second one the object's number.
var world = map[Resource]int{Network: 3, Subnet: 4, AddressGroup: 1, SecurityGroup: 3, SecurityGroupRule: 4, Router: 2, Port: 8,
	FloatingIP: 3, PortForwarding: 2}

// owners are the objects of the world.
var owners = func() []Owner {
	var all []Owner
	for i, r := range resources {
		for n := range world[r] {
			all = append(all, Owner{r, [16]byte{byte(i + 1), byte(n)}})
		}
	}
	return all
}()

// some returns the identifier of an object of the resource.
func some(t *rapid.T, r Resource) [16]byte {
	for i, other := range resources {
		if other == r {
			return [16]byte{byte(i + 1), byte(rapid.IntRange(0, world[r]-1).Draw(t, string(r)))}
		}
	}
	panic(r)
}

// cloud returns the changes after which everything is there that comes to something: a network with two subnets and a workload, behind
// a router with a gateway, source translation, floating addresses and forwardings.
func cloud() []Change {
	slaac := modeSLAAC
	outside, inside := model.NetworkID{1, 0}, model.NetworkID{1, 1}
	router, vm, floating, group := model.RouterID{6, 0}, model.PortID{7, 2}, model.FloatingIPID{8, 0}, model.SecurityGroupID{4, 0}
	fixed := func(subnet byte, addr string) model.FixedIP {
		return model.FixedIP{SubnetID: model.SubnetID{2, subnet}, IPAddress: netip.MustParseAddr(addr)}
	}
	port := func(n byte, on model.NetworkID, owner, device string, ips ...model.FixedIP) *model.Port {
		return &model.Port{ID: model.PortID{7, n}, NetworkID: on, MACAddress: mac.Addr{2, 0, 0, 0, 1, n}, DeviceOwner: owner, DeviceID: device,
			FixedIPs: ips, PortSecurityEnabled: true, SecurityGroups: []model.SecurityGroupID{group}}
	}
	var changes []Change
	put := func(r Resource, id [16]byte, object any) { changes = append(changes, Change{Owner{r, id}, object}) }
	putPort := func(p *model.Port) { put(Port, p.ID, p) }
	put(Network, outside, &model.Network{ID: outside, NetworkType: "midonet", External: true})
	put(Network, inside, &model.Network{ID: inside, NetworkType: "midonet"})
	put(Subnet, [16]byte{2, 0}, &model.Subnet{ID: model.SubnetID{2, 0}, NetworkID: outside, IPVersion: 4, CIDR: prefixes[1],
		GatewayIP: prefixes[1].Addr().Next()})
	put(Subnet, [16]byte{2, 1}, &model.Subnet{ID: model.SubnetID{2, 1}, NetworkID: inside, IPVersion: 4, CIDR: prefixes[0],
		GatewayIP: prefixes[0].Addr().Next()})
	put(Subnet, [16]byte{2, 2}, &model.Subnet{ID: model.SubnetID{2, 2}, NetworkID: inside, IPVersion: 6, CIDR: prefixes[2], IPv6RAMode: &slaac})
	put(Router, router, &model.Router{ID: router, Gateway: &model.GatewayInfo{NetworkID: outside, EnableSNAT: true},
		Routes: []model.HostRoute{{Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHop: netip.MustParseAddr("10.0.0.4")}}})
	putPort(port(0, outside, model.OwnerRouterGateway, router.String(), fixed(0, "10.0.1.2")))
	putPort(port(1, inside, model.OwnerRouterInterface, router.String(), fixed(1, "10.0.0.1"), fixed(2, "fd00::1")))
	putPort(port(2, inside, "compute:nova", "vm", fixed(1, "10.0.0.2"), fixed(2, "fd00::2")))
	putPort(port(3, inside, model.OwnerDHCP, "dhcp", fixed(1, "10.0.0.3")))
	put(FloatingIP, floating, &model.FloatingIP{ID: floating, FloatingNetworkID: outside, FloatingIPAddress: netip.MustParseAddr("10.0.1.3"),
		RouterID: router, PortID: vm, FixedIPAddress: netip.MustParseAddr("10.0.0.2")})
	put(FloatingIP, [16]byte{8, 1}, &model.FloatingIP{ID: model.FloatingIPID{8, 1}, FloatingNetworkID: outside,
		FloatingIPAddress: netip.MustParseAddr("10.0.1.4"), RouterID: router})
	put(PortForwarding, [16]byte{9, 0}, &model.PortForwarding{ID: model.PortForwardingID{9, 0}, FloatingIPID: model.FloatingIPID{8, 1},
		InternalPortID: vm, InternalIPAddress: netip.MustParseAddr("10.0.0.2"), Protocol: "udp", ExternalPortRange: model.PortRange{First: 53, Last: 54},
		InternalPortRange: model.PortRange{First: 53, Last: 54}})
	put(SecurityGroup, group, &model.SecurityGroup{ID: group, Stateful: true})
	put(SecurityGroupRule, [16]byte{5, 0}, &model.SecurityGroupRule{ID: model.SecurityGroupRuleID{5, 0}, SecurityGroupID: group,
		Direction: model.Ingress, RemoteGroupID: &group})
	return changes
}

func anyChange(t *rapid.T) Change {
	o := rapid.SampledFrom(owners).Draw(t, "owner")
	if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
		return Deletion(o)
	}
	return Change{Owner: o, object: anyObject(t, o)}
}

func anyObject(t *rapid.T, o Owner) any {
	switch o.Resource {
	case Network:
		return anyNetwork(t, o.ID)
	case Subnet:
		return anySubnet(t, o.ID)
	case Port:
		return anyPort(t, o.ID)
	case Router:
		return anyRouter(t, o.ID)
	case FloatingIP:
		return anyFloatingIP(t, o.ID)
	case PortForwarding:
		return anyForwarding(t, o.ID)
	case SecurityGroup:
		return &model.SecurityGroup{ID: o.ID, Name: anyName(t), Stateful: rapid.Bool().Draw(t, "stateful")}
	case SecurityGroupRule:
		return anyRule(t, o.ID)
	case AddressGroup:
		return &model.AddressGroup{ID: o.ID, Name: anyName(t), Addresses: []netip.Prefix{anyPrefix(t), anyPrefix(t)}}
	}
	panic(o)
}

func anyName(t *rapid.T) string { return rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name") }

func anyNetwork(t *rapid.T, n model.NetworkID) *model.Network {
	return &model.Network{
		ID:           n,
		Name:         anyName(t),
		AdminStateUp: rapid.Bool().Draw(t, "up"),
		MTU:          rapid.SampledFrom([]int{1450, 9000}).Draw(t, "mtu"),
		NetworkType:  rapid.SampledFrom([]string{"midonet", "midonet", "uplink"}).Draw(t, "type"),
		External:     rapid.Bool().Draw(t, "external"),
		DHCPSilences: rapid.SampledFrom([][]model.AgentID{nil, {{7, 1}}, {{7, 1}, {7, 2}}}).Draw(t, "silent hosts"),
	}
}

// prefixes are the ranges of the world's subnets; addresses are in them.
var prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("10.0.1.0/24"), netip.MustParsePrefix("fd00::/64")}

func anyPrefix(t *rapid.T) netip.Prefix { return rapid.SampledFrom(prefixes).Draw(t, "prefix") }

func anyAddr(t *rapid.T) netip.Addr {
	addr := anyPrefix(t).Addr()
	for range rapid.IntRange(1, 4).Draw(t, "addr") {
		addr = addr.Next()
	}
	return addr
}

func anySubnet(t *rapid.T, s model.SubnetID) *model.Subnet {
	prefix := anyPrefix(t)
	subnet := &model.Subnet{ID: s, NetworkID: some(t, Network), IPVersion: 4, CIDR: prefix, EnableDHCP: rapid.Bool().Draw(t, "dhcp")}
	if prefix.Addr().Is6() {
		subnet.IPVersion = 6
		mode := rapid.SampledFrom([]string{modeSLAAC, modeStateful, modeStateless}).Draw(t, "mode")
		subnet.IPv6RAMode, subnet.IPv6AddressMode = &mode, &mode
	}
	if rapid.Bool().Draw(t, "gateway") {
		subnet.GatewayIP = prefix.Addr().Next()
	}
	if rapid.Bool().Draw(t, "route") {
		subnet.HostRoutes = []model.HostRoute{{Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHop: anyAddr(t)}}
		subnet.DNSNameservers = []netip.Addr{anyAddr(t)}
	}
	return subnet
}

func anyPort(t *rapid.T, p model.PortID) *model.Port {
	port := &model.Port{ID: p, NetworkID: some(t, Network), AdminStateUp: rapid.Bool().Draw(t, "up"),
		MACAddress: mac.Addr{2, 0, 0, 0, 0, byte(rapid.IntRange(0, 3).Draw(t, "mac"))}, PortSecurityEnabled: rapid.Bool().Draw(t, "security"),
		DeviceOwner: rapid.SampledFrom([]string{"", "compute:nova", "neutron:LOADBALANCERV2", model.OwnerDHCP, model.OwnerFloatingIP, model.OwnerRouterInterface,
			model.OwnerRouterInterface, model.OwnerRouterGateway, model.OwnerRouterGateway}).Draw(t, "owner"),
		DeviceID: model.RouterID(some(t, Router)).String()}
	for range rapid.IntRange(0, 3).Draw(t, "addresses") {
		port.FixedIPs = append(port.FixedIPs, model.FixedIP{SubnetID: some(t, Subnet), IPAddress: anyAddr(t)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "groups") {
		port.SecurityGroups = append(port.SecurityGroups, some(t, SecurityGroup))
	}
	if rapid.Bool().Draw(t, "bound") {
		port.HostID, port.Profile = "host", json.RawMessage(`{"interface_name": "`+rapid.SampledFrom([]string{"eth0", "eth1", "no/name"}).Draw(t, "interface")+`"}`)
	}
	if rapid.Bool().Draw(t, "options") {
		port.ExtraDHCP = []model.ExtraDHCPOpt{{Name: "mtu", Value: "1400", IPVersion: rapid.SampledFrom([]int{4, 6}).Draw(t, "version")}}
	}
	if rapid.Bool().Draw(t, "pair") {
		port.AllowedAddressPairs = []model.AddressPair{{IPAddress: anyPrefix(t), MACAddress: mac.Addr{2, 0, 0, 0, 0, 9}}, {IPAddress: single(anyAddr(t))}}
	}
	return port
}

func anyRouter(t *rapid.T, r model.RouterID) *model.Router {
	router := &model.Router{ID: r, Name: anyName(t), AdminStateUp: rapid.Bool().Draw(t, "up")}
	if rapid.Bool().Draw(t, "gateway") {
		router.Gateway = &model.GatewayInfo{NetworkID: some(t, Network), EnableSNAT: rapid.Bool().Draw(t, "snat")}
	}
	for range rapid.IntRange(0, 2).Draw(t, "routes") {
		router.Routes = append(router.Routes, model.HostRoute{Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHop: anyAddr(t)})
	}
	return router
}

func anyFloatingIP(t *rapid.T, f model.FloatingIPID) *model.FloatingIP {
	floating := &model.FloatingIP{ID: f, FloatingIPAddress: anyAddr(t), FloatingNetworkID: some(t, Network)}
	if rapid.IntRange(0, 3).Draw(t, "associated") > 0 {
		floating.RouterID = some(t, Router)
		floating.PortID, floating.FixedIPAddress = some(t, Port), anyAddr(t)
	}
	return floating
}

func anyForwarding(t *rapid.T, f model.PortForwardingID) *model.PortForwarding {
	forwarding := &model.PortForwarding{ID: f, FloatingIPID: some(t, FloatingIP), InternalPortID: some(t, Port), InternalIPAddress: anyAddr(t),
		Protocol: rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol")}
	switch rapid.IntRange(0, 2).Draw(t, "range") {
	case 0:
		forwarding.ExternalPort, forwarding.InternalPort = 80, 8080
	case 1:
		forwarding.ExternalPortRange, forwarding.InternalPortRange = model.PortRange{First: 80, Last: 83}, model.PortRange{First: 90, Last: 93}
	default: // each of them to one
		forwarding.ExternalPortRange, forwarding.InternalPortRange = model.PortRange{First: 80, Last: 83}, model.OnePort(90)
	}
	return forwarding
}

func anyRule(t *rapid.T, r model.SecurityGroupRuleID) *model.SecurityGroupRule {
	rule := &model.SecurityGroupRule{ID: r, SecurityGroupID: some(t, SecurityGroup), EtherType: model.IPv4,
		Direction: rapid.SampledFrom([]model.Direction{model.Ingress, model.Egress}).Draw(t, "direction")}
	if rapid.Bool().Draw(t, "ports") {
		protocol, first, last := "tcp", 80, 80+rapid.IntRange(0, 1).Draw(t, "last")
		rule.Protocol, rule.PortRangeMin, rule.PortRangeMax = &protocol, &first, &last
	}
	switch rapid.IntRange(0, 3).Draw(t, "remote") {
	case 3:
		rule.NormalizedCIDR = anyPrefix(t)
		text := rule.NormalizedCIDR.String()
		rule.RemoteIPPrefix = &text
	case 1:
		group := model.SecurityGroupID(some(t, SecurityGroup))
		rule.RemoteGroupID = &group
	case 2:
		group := model.AddressGroupID(some(t, AddressGroup))
		rule.RemoteAddressGroupID = &group
	}
	return rule
}
