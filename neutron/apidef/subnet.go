package apidef

// ipv6Modes are the values of ipv6_ra_mode and ipv6_address_mode (neutron-lib constants.IPV6_MODES).
var ipv6Modes = []any{"dhcpv6-stateful", "dhcpv6-stateless", "slaac"}

// Subnets is the definition of /v2.0/subnets: neutron-lib api/definitions/subnet.py. prefixlen belongs to subnet pools and is not
// offered without them.
func Subnets() *Resource {
	core := []Attribute{
		{Name: "ip_version", Type: Integer, Help: "4 or 6.",
			Create: true, Required: true, Convert: toInteger, Validate: oneOf("4", "6"), Filter: true, Sort: true},
		{Name: "network_id", Type: UUID, Help: "The network whose subnet it is.",
			Create: true, Required: true, Validate: isUUID, Filter: true, Sort: true},
		{Name: "subnetpool_id", Type: UUID, Help: "The pool that its range comes from, or null.",
			Create: true, Validate: orNull(isUUID), Filter: true, Sort: true},
		{Name: "cidr", Type: CIDR, Help: "Its address range.",
			Create: true, Convert: toCIDR, Validate: orNull(isSubnet), Filter: true, Sort: true},
		{Name: "gateway_ip", Type: Address, Help: "Its router's address: by default the first of the range; null for none.",
			Create: true, Update: true, Convert: toCanonicalAddress, Validate: orNull(isAddress), Filter: true, Sort: true},
		{Name: "allocation_pools", Type: List, Help: "The ranges that ports get addresses from: objects with start and end.",
			Create: true, Update: true, Validate: allocationPools},
		{Name: "dns_nameservers", Type: List, Help: "Addresses of name servers, given to workloads in this order.",
			Create: true, Update: true, Convert: nullToEmptyList, Validate: nameservers},
		{Name: "host_routes", Type: List, Help: "Routes given to workloads: objects with destination and nexthop.",
			Create: true, Update: true, Convert: nullToEmptyList, Validate: hostRoutes},
		{Name: "enable_dhcp", Type: Boolean, Help: "Whether workloads get their addresses by DHCP.",
			Create: true, Update: true, Default: true, Convert: toBoolean, Filter: true, Sort: true},
		{Name: "ipv6_ra_mode", Type: String, Help: "Who announces the subnet: dhcpv6-stateful, dhcpv6-stateless, slaac, or null.",
			Create: true, Validate: oneOfTexts(ipv6Modes), Filter: true, Sort: true},
		{Name: "ipv6_address_mode", Type: String, Help: "How workloads get addresses; the same values.",
			Create: true, Validate: oneOfTexts(ipv6Modes), Filter: true, Sort: true},
		{Name: "shared", Type: Boolean, Help: "Whether its network is shared with who asks.",
			Convert: toBoolean, Filter: true, Hidden: true},
	}
	return New("subnet", "subnets", identity(), core, standard(), tagged())
}
