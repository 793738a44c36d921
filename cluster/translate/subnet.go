package translate

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

func linksOfSubnet(s *model.Subnet) []link { return []link{{how: subnetOn, to: s.NetworkID}} }

func needsOfSubnet(s *model.Subnet) []Owner { return []Owner{{Network, s.NetworkID}} }

func renderSubnet(v View, subnet *model.Subnet) []topology.Object {
	network := virtual(v, subnet.NetworkID)
	if network == nil {
		return nil
	}
	port := dhcpAddress(v, subnet)
	return []topology.Object{&topology.DHCP{
		ID:           id.As[topology.DHCP](subnet.ID),
		Bridge:       id.As[topology.Bridge](network.ID),
		Prefix:       subnet.CIDR,
		Enabled:      subnet.EnableDHCP,
		Router:       subnet.GatewayIP,
		Server:       server(subnet, port),
		DNS:          subnet.DNSNameservers,
		Routes:       routes(subnet, port),
		MTU:          network.MTU,
		LeaseSeconds: v.Settings().DHCPLeaseSeconds,
		Domain:       v.Settings().DNSDomain,
		AddressMode:  addressMode(subnet.IPv6AddressMode),
		Silent:       silent(network),
	}}
}

// silent returns the hosts that do not answer the requests of a network's workloads.
func silent(n *model.Network) []topology.HostID {
	var hosts []topology.HostID
	for _, h := range n.DHCPSilences {
		hosts = append(hosts, id.As[topology.Host](h))
	}
	return hosts
}

// server returns the address that answers: the DHCP port's, else the gateway's, as in the original. Where an IPv4 subnet has neither
// the agent must still answer, from an address that no workload can ever hold: the metadata service's, as Neutron's own distributed
// DHCP does (METADATA_V4_IP in neutron/agent/l2/extensions/dhcp/ipv4.py). A client that cannot reach it to renew rebinds by broadcast (RFC 2131 section 4.4.5).
func server(subnet *model.Subnet, port netip.Addr) netip.Addr {
	switch {
	case port.IsValid():
		return port
	case subnet.GatewayIP.IsValid() || subnet.IPVersion != 4:
		return subnet.GatewayIP
	default:
		return topology.MetadataIPv4
	}
}

// routes returns the host routes and, where a DHCP port serves the subnet, the way to the metadata service through it, unless a
// host route leads there already (MidoNet PortTranslator.scala; neutron/agent/linux/dhcp.py does the same for isolated subnets).
func routes(subnet *model.Subnet, port netip.Addr) []topology.ClasslessRoute {
	toMetadata := netip.PrefixFrom(topology.MetadataIPv4, topology.MetadataIPv4.BitLen())
	wanted := port.IsValid() && subnet.IPVersion == 4
	var rs []topology.ClasslessRoute
	for _, r := range subnet.HostRoutes {
		rs = append(rs, topology.ClasslessRoute{Destination: r.Destination, NextHop: r.NextHop})
		wanted = wanted && r.Destination != toMetadata
	}
	if wanted {
		rs = append(rs, topology.ClasslessRoute{Destination: toMetadata, NextHop: port})
	}
	return rs
}

// dhcpAddress returns the address on the subnet of its DHCP port, of several the one with the lowest identifier; the zero Addr where
// there is none.
func dhcpAddress(v View, subnet *model.Subnet) netip.Addr {
	for _, p := range linked[model.Port](v, link{how: dhcpPortOn, to: subnet.ID}) {
		for _, ip := range p.FixedIPs {
			if ip.SubnetID == subnet.ID {
				return ip.IPAddress
			}
		}
	}
	return netip.Addr{}
}

// addressMode reads ipv6_address_mode.
func addressMode(mode *string) topology.AddressMode {
	if mode == nil {
		return topology.NoAddressMode
	}
	switch *mode {
	case modeSLAAC:
		return topology.SLAAC
	case modeStateful:
		return topology.DHCPv6Stateful
	case modeStateless:
		return topology.DHCPv6Stateless
	}
	return topology.NoAddressMode
}

// The modes of IPv6 addresses and of router advertisements (neutron_lib constants).
const (
	modeSLAAC     = "slaac"
	modeStateful  = "dhcpv6-stateful"
	modeStateless = "dhcpv6-stateless"
)

// touchedBySubnet returns the ports of routers that have an address on the subnet, when what they take from it changes: the prefix, the
// gateway, or what they advertise; with the prefix also what is behind those ports.
func touchedBySubnet(_, after View, old, now *model.Subnet) []Owner {
	moved := old == nil || now == nil || old.CIDR != now.CIDR
	if !moved && old.GatewayIP == now.GatewayIP && slices.Equal(old.DNSNameservers, now.DNSNameservers) &&
		raMode(old) == raMode(now) {
		return nil
	}
	var owners []Owner
	for _, p := range linked[model.Port](after, link{how: routerPortOn, to: either(old, now).ID}) {
		owners = append(owners, Owner{Port, p.ID})
		if moved {
			owners = append(owners, behind(after, p)...)
		}
	}
	return owners
}
