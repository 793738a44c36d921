package model

import "net/netip"

// Subnet is an address range of a network (neutron-lib api/definitions/subnet.py).
type Subnet struct {
	ID SubnetID `attr:"id"`
	Standard
	Tagged
	Name            string           `attr:"name"`
	NetworkID       NetworkID        `attr:"network_id"`
	IPVersion       int              `attr:"ip_version"` // 4 or 6
	CIDR            netip.Prefix     `attr:"cidr"`
	GatewayIP       netip.Addr       `attr:"gateway_ip"` // the zero Addr: no gateway
	AllocationPools []AllocationPool `attr:"allocation_pools"`
	DNSNameservers  []netip.Addr     `attr:"dns_nameservers"`
	HostRoutes      []HostRoute      `attr:"host_routes"`
	EnableDHCP      bool             `attr:"enable_dhcp"`
	IPv6RAMode      *string          `attr:"ipv6_ra_mode"`      // dhcpv6-stateful, dhcpv6-stateless, slaac
	IPv6AddressMode *string          `attr:"ipv6_address_mode"` // likewise
	SubnetPoolID    SubnetPoolID     `attr:"subnetpool_id"`     // zero: none
	ServiceTypes    []string         `attr:"service_types"`     // subnet-service-types: the device owners that it is for; none: all
	Shared          bool             `attr:"shared,hidden"`     // the network is, with who looks

	// In a request: how long the prefix of a range from the pool is to be, and that the pool is to be the default one.
	PrefixLen      *int `attr:"prefixlen,hidden"`
	UseDefaultPool bool `attr:"use_default_subnetpool,hidden"`
}

// AllocationPool is an inclusive range of addresses.
type AllocationPool struct {
	Start netip.Addr `json:"start"`
	End   netip.Addr `json:"end"`
}

// HostRoute is a route that DHCP gives to workloads.
type HostRoute struct {
	Destination netip.Prefix `json:"destination"`
	NextHop     netip.Addr   `json:"nexthop"`
}
