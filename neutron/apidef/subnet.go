package apidef

import (
	"slices"
	"strings"

	"midonet.org/midonet/errs"
)

// ipv6Modes are the values of ipv6_ra_mode and ipv6_address_mode (neutron-lib constants.IPV6_MODES).
var ipv6Modes = []any{"dhcpv6-stateful", "dhcpv6-stateless", "slaac"}

// Subnets is the definition of /v2.0/subnets: neutron-lib api/definitions/subnet.py with default_subnetpools.py and
// subnet_service_types.py.
func Subnets() *Resource {
	core := []Attribute{
		{Name: "ip_version", Type: Integer, Help: "4 or 6.",
			Create: true, Required: true, Convert: toInteger, Validate: oneOf("4", "6"), Filter: true, Sort: true},
		{Name: "network_id", Type: UUID, Help: "The network whose subnet it is.",
			Create: true, Required: true, Validate: isUUID, Filter: true, Sort: true},
		{Name: "subnetpool_id", Type: UUID, Help: "The pool that its range comes from, or null.",
			Create: true, Validate: orNull(isSubnetPoolID), Filter: true, Sort: true},
		{Name: "prefixlen", Type: Integer, Help: "How long the prefix of a range from the pool is to be, where cidr is not given.",
			Create: true, Convert: toInteger, Validate: nonNegative, Hidden: true},
		{Name: "use_default_subnetpool", Type: Boolean, Help: "Whether its range is to come from the default pool of its IP version.",
			Create: true, Default: false, Convert: toBoolean, Hidden: true},
		{Name: "cidr", Type: CIDR, Help: "Its address range.",
			Create: true, Convert: toCIDR, Validate: orNull(isSubnet), Filter: true, Sort: true},
		{Name: "gateway_ip", Type: Address, Help: "Its router's address: by default the first of the range; null for none.",
			Create: true, Update: true, Convert: toCanonicalAddress, Validate: orNull(isAddress), Filter: true, Sort: true},
		{Name: "allocation_pools", Type: List, Help: "The ranges that ports get addresses from: objects with start and end.",
			Create: true, Update: true, Validate: allocationPools},
		{Name: "dns_nameservers", Type: List, Help: "Addresses of name servers, given to workloads in this order.",
			Create: true, Update: true, Convert: emptyToList, Validate: nameservers},
		{Name: "host_routes", Type: List, Help: "Routes given to workloads: objects with destination and nexthop.",
			Create: true, Update: true, Convert: nullToEmptyList, Validate: hostRoutes},
		{Name: "enable_dhcp", Type: Boolean, Help: "Whether workloads get their addresses by DHCP.",
			Create: true, Update: true, Default: true, Convert: toBoolean, Filter: true, Sort: true},
		{Name: "ipv6_ra_mode", Type: String, Help: "Who announces the subnet: dhcpv6-stateful, dhcpv6-stateless, slaac, or null.",
			Create: true, Validate: oneOfTexts(ipv6Modes), Filter: true, Sort: true},
		{Name: "ipv6_address_mode", Type: String, Help: "How workloads get addresses; the same values.",
			Create: true, Validate: oneOfTexts(ipv6Modes), Filter: true, Sort: true},
		{Name: "service_types", Type: List, Help: "The device owners whose ports get addresses from it; none: all.",
			Create: true, Update: true, Convert: serviceTypes},
		{Name: "shared", Type: Boolean, Help: "Whether its network is shared with who asks.",
			Convert: toBoolean, Filter: true, Hidden: true},
	}
	return New("subnet", "subnets", identity(), core, standard(), tagged())
}

// prefixDelegation is the pool that Neutron knows for prefixes that a router asks its provider for (RFC 3633).
const prefixDelegation = "prefix_delegation"

// isSubnetPoolID is validate_subnetpool_id, but for prefix delegation, which is not there.
func isSubnetPoolID(v any) string {
	if v == prefixDelegation {
		return "IPv6 prefix delegation is not supported"
	}
	return isUUID(v)
}

// serviceTypePrefixes are how a service type may begin (neutron-lib constants.DEVICE_OWNER_PREFIXES). The original takes anything that
// begins with one of the letters of "compute:" besides, because it adds the letters of that text to the list.
var serviceTypePrefixes = []string{"network:", "neutron:", "compute:"}

// serviceTypes is validate_subnet_service_types, which refuses with faults of its own. null is the empty list.
func serviceTypes(v any) (any, error) {
	v, err := emptyToList(v)
	list, ok := v.([]any)
	if err != nil || !ok {
		return nil, BadRequest("Subnet service types must be a list.")
	}
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, errs.New(errs.Invalid, "InvalidInputSubnetServiceType", "Subnet service type %s is not a string.", text(e))
		}
		if !slices.ContainsFunc(serviceTypePrefixes, func(p string) bool { return strings.HasPrefix(s, p) }) {
			return nil, errs.New(errs.Invalid, "InvalidSubnetServiceType",
				"Subnet service type %s does not correspond to a valid device owner.", s)
		}
	}
	return v, nil
}
