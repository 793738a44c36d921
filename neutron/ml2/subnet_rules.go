package ml2

import (
	"net/netip"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// The modes of IPv6 subnets (neutron_lib constants.IPV6_MODES).
const (
	slaac           = "slaac"
	dhcpv6Stateless = "dhcpv6-stateless"
)

// checkRange checks that a new subnet without a pool has a range of its own, and brings it to the form of its first address.
func checkRange(s *model.Subnet) error {
	if !s.CIDR.IsValid() {
		return badRequest("subnets", "a subnetpool must be specified in the absence of a cidr")
	}
	s.CIDR = s.CIDR.Masked()
	return nil
}

// checkSubnet is _validate_subnet: the rules among the attributes of a subnet as it will be. old is nil for a new one.
func (r *request) checkSubnet(s, old *model.Subnet, body plugin.Body[model.Subnet]) error {
	if err := checkVersion(s.IPVersion, s.CIDR.Addr(), "cidr", s.CIDR.String()); err != nil {
		return err
	}
	if s.IPVersion == 6 && s.CIDR.Addr().IsUnspecified() {
		return invalidInput("IPv6 subnet '::' is not supported")
	}
	if s.EnableDHCP && (old == nil || !old.EnableDHCP) {
		if err := checkDHCPRange(s.CIDR); err != nil {
			return err
		}
	}
	if body.Has("gateway_ip") {
		if err := checkGateway(s); err != nil {
			return err
		}
	}
	if err := r.checkOptions(s, old); err != nil {
		return err
	}
	return checkModes(s, old)
}

func checkVersion(version int, a netip.Addr, name, text string) error {
	if (version == 4) != a.Is4() {
		return invalidInput("%s '%s' does not match the ip_version '%d'", name, text, version)
	}
	return nil
}

// checkDHCPRange refuses ranges in which DHCP has no sense.
func checkDHCPRange(cidr netip.Prefix) error {
	a, longest := cidr.Addr(), 126
	if a.Is4() {
		longest = 30
	}
	switch {
	case cidr.Bits() > longest:
		return invalidInput("Subnet has a prefix length that is incompatible with DHCP service enabled")
	case a.IsMulticast():
		return invalidInput("Multicast IP subnet is not supported if enable_dhcp is True")
	case a.IsLoopback():
		return invalidInput("Loopback IP subnet is not supported if enable_dhcp is True")
	case a.Is4() && a.IsUnspecified():
		return invalidInput("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")
	}
	return nil
}

// checkGateway allows any gateway but the network's and the broadcast address; one outside the range is taken to be on the link
// (check_gateway_invalid_in_subnet).
func checkGateway(s *model.Subnet) error {
	if !s.GatewayIP.IsValid() {
		return nil
	}
	if err := checkVersion(s.IPVersion, s.GatewayIP, "gateway_ip", s.GatewayIP.String()); err != nil {
		return err
	}
	if s.IPVersion == 4 && (s.GatewayIP == s.CIDR.Addr() || s.GatewayIP == lastAddress(s.CIDR)) {
		return invalidInput("Gateway is not valid on subnet")
	}
	return nil
}

// checkOptions checks what DHCP tells the workloads.
func (r *request) checkOptions(s, old *model.Subnet) error {
	name := "new subnet"
	if old != nil {
		name = old.ID.String()
	}
	if len(s.DNSNameservers) > r.cfg.MaxDNSNameservers {
		return tooManyNameservers(name, r.cfg.MaxDNSNameservers)
	}
	for _, a := range s.DNSNameservers {
		if err := checkVersion(s.IPVersion, a, "dns_nameserver", a.String()); err != nil {
			return err
		}
	}
	if len(s.HostRoutes) > r.cfg.MaxSubnetHostRoutes {
		return tooManyRoutes(name, r.cfg.MaxSubnetHostRoutes)
	}
	for _, route := range s.HostRoutes {
		if err := checkVersion(s.IPVersion, route.NextHop, "nexthop", route.NextHop.String()); err != nil {
			return err
		}
		if err := checkVersion(s.IPVersion, route.Destination.Addr(), "destination", route.Destination.String()); err != nil {
			return err
		}
	}
	return nil
}

// checkModes is _validate_ipv6_attributes, and the refusal of the modes for IPv4.
func checkModes(s, old *model.Subnet) error {
	ra, address := s.IPv6RAMode, s.IPv6AddressMode
	anyMode := ra != nil || address != nil
	switch {
	case s.IPVersion == 4 && ra != nil:
		return invalidInput("ipv6_ra_mode is not valid when ip_version is 4")
	case s.IPVersion == 4 && address != nil:
		return invalidInput("ipv6_address_mode is not valid when ip_version is 4")
	case anyMode && !s.EnableDHCP && old != nil:
		return invalidInput("Cannot disable enable_dhcp with ipv6 attributes set")
	case anyMode && !s.EnableDHCP:
		return invalidInput("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False")
	case ra != nil && address != nil && *ra != *address:
		return invalidInput("ipv6_ra_mode set to '%s' with ipv6_address_mode set to '%s' is not valid. "+
			"If both attributes are set, they must be the same value", *ra, *address)
	case isAutoAddress(s) && s.CIDR.Bits() != 64:
		return invalidInput("Invalid CIDR %s for IPv6 address mode. OpenStack uses the EUI-64 address format, "+
			"which requires the prefix to be /64", s.CIDR)
	}
	return nil
}

// isAutoAddress reports whether the workloads make their own addresses from prefix and MAC (ipv6_utils.is_auto_address_subnet).
func isAutoAddress(s *model.Subnet) bool {
	for _, mode := range []*string{s.IPv6AddressMode, s.IPv6RAMode} {
		if mode != nil && (*mode == slaac || *mode == dhcpv6Stateless) {
			return true
		}
	}
	return false
}

// settleAddresses gives a new subnet its gateway and pools where the request leaves them open, and checks them where it does not
// (_gateway_ip_str and _prepare_allocation_pools).
func settleAddresses(s *model.Subnet, body plugin.Body[model.Subnet]) error {
	if !body.Has("gateway_ip") && !s.GatewayIP.IsValid() {
		s.GatewayIP = defaultGateway(s.CIDR)
	}
	if len(s.AllocationPools) == 0 {
		s.AllocationPools = generatePools(s.CIDR, s.GatewayIP)
	} else {
		if err := checkPools(s.AllocationPools, s.CIDR); err != nil {
			return err
		}
		if err := checkGatewayOutside(s.GatewayIP, s.AllocationPools); err != nil {
			return err
		}
		s.AllocationPools = sortedPools(s.AllocationPools)
	}
	if s.DNSNameservers == nil {
		s.DNSNameservers = []netip.Addr{}
	}
	if s.ServiceTypes == nil {
		s.ServiceTypes = []string{}
	}
	if s.HostRoutes == nil {
		s.HostRoutes = []model.HostRoute{}
	}
	return nil
}

// defaultGateway is the first address after the network's for IPv4, and for IPv6 the network's own, which is the anycast address of
// the subnet's routers (RFC 4291 2.6.1).
func defaultGateway(cidr netip.Prefix) netip.Addr {
	if cidr.Addr().Is4() {
		return cidr.Addr().Next()
	}
	return cidr.Addr()
}
