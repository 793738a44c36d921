package translate

import (
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// ownerDHCP is the device_owner of a port from which a subnet's DHCP is served (neutron_lib DEVICE_OWNER_DHCP).
const ownerDHCP = "network:dhcp"

// metadata is the address of the metadata service (EC2's, and MidoNet's as well).
var metadata = netip.MustParseAddr("169.254.169.254")

func renderSubnet(v View, s model.SubnetID) []topology.Object {
	subnet := v.Subnet(s)
	if subnet == nil {
		return nil
	}
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
	}}
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
		return metadata
	}
}

// routes returns the host routes and, where a DHCP port serves the subnet, the way to the metadata service through it, unless a
// host route leads there already (MidoNet PortTranslator.scala; neutron/agent/linux/dhcp.py does the same for isolated subnets).
func routes(subnet *model.Subnet, port netip.Addr) []topology.ClasslessRoute {
	toMetadata := netip.PrefixFrom(metadata, metadata.BitLen())
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
	for _, p := range v.PortsOf(subnet.NetworkID) {
		if p.DeviceOwner != ownerDHCP {
			continue
		}
		for _, ip := range p.FixedIPs {
			if ip.SubnetID == subnet.ID {
				return ip.IPAddress
			}
		}
	}
	return netip.Addr{}
}
