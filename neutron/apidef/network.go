package apidef

// Sizes of the provider attributes, in characters (neutron-lib api/definitions/provider_net.py).
const (
	networkTypeSize     = 32
	physicalNetworkSize = 64
)

// Networks is the definition of /v2.0/networks: neutron-lib api/definitions/network.py with network_mtu_writable.py, external_net.py,
// provider_net.py, port_security.py, multiprovidernet.py, dns.py, network_availability_zone.py and auto_allocated_topology.py. What has a rule of its
// own comes in Neutron's order, which is that of the rules in a refusal; so it is elsewhere.
func Networks() *Resource {
	core := []Attribute{
		{Name: "subnets", Type: List, Help: "The identifiers of its subnets."},
		adminState(),
		{Name: "status", Type: String, Help: "ACTIVE, BUILD, DOWN or ERROR.", Filter: true, Sort: true},
		{Name: "shared", Type: Boolean, Help: "Whether every project may use it.",
			Create: true, Update: true, Default: false, Convert: toBoolean, Filter: true, Policy: true},
		{Name: "router:external", Type: Boolean, Help: "Whether routers may use it as their gateway network.",
			Create: true, Update: true, Default: false, Convert: toBoolean, Filter: true, Policy: true},
		{Name: "segments", Type: List, Help: "What it is made of, in place of the provider attributes: a list of one object with them.",
			Create: true, Update: true, Convert: segments, Policy: true, Keys: segmentKeys, Hidden: true},
		{Name: "mtu", Type: Integer, Help: "The largest packet, in octets; 0 asks for the largest that the underlay carries.",
			Create: true, Update: true, Default: int64(0), Convert: toInteger, Validate: nonNegative, Filter: true, Sort: true, Policy: true},
		{Name: "ipv4_address_scope", Type: UUID, Help: "The address scope of its IPv4 subnets, which follows from their pool; or null."},
		{Name: "ipv6_address_scope", Type: UUID, Help: "That of its IPv6 subnets."},
		dnsDomainOf("The domain in which an external DNS service is told of its ports."),
		{Name: "dhcp_silences", Type: List, Help: "The hosts that do not answer its DHCP requests; shown by its dhcp-agents.", Hidden: true, Internal: true},
		{Name: "port_security_enabled", Type: Boolean, Help: "Whether its ports are filtered, unless they say otherwise.",
			Create: true, Update: true, Default: true, Convert: toBoolean, Policy: true},
		{Name: "provider:network_type", Type: String, Help: "How it is made: midonet or uplink.",
			Create: true, Update: true, Convert: namedType, Validate: stringUpTo(networkTypeSize), Filter: true, ConvertFilter: asWritten, Policy: true},
		{Name: "provider:physical_network", Type: String, Help: "Not used by the types midonet and uplink.",
			Create: true, Update: true, Validate: stringUpTo(physicalNetworkSize), Filter: true, Policy: true},
		{Name: "provider:segmentation_id", Type: Integer, Help: "Not used by the types midonet and uplink.",
			Create: true, Update: true, Convert: toInteger, Filter: true, Policy: true},
		{Name: "is_default", Type: Boolean, Help: "Whether it is the external network of topologies that are allocated by themselves; one may be.",
			Create: true, Update: true, Default: false, Convert: toBoolean, Filter: true, Policy: true},
	}
	return New("network", "networks", identity(), core, zoned(true), standard(), tagged())
}

// namedType refuses the empty network type, as the type manager does (neutron/plugins/ml2/managers.py, validate_provider_segment).
func namedType(v any) (any, error) {
	if v == "" {
		return nil, InvalidInput("network_type value '' not supported")
	}
	return v, nil
}
