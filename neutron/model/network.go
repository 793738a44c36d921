package model

// Network is a virtual L2 segment (neutron-lib api/definitions/network.py and the extensions named beside the fields).
type Network struct {
	ID NetworkID `attr:"id"`
	Standard
	Tagged
	Name             string         `attr:"name"`
	AdminStateUp     bool           `attr:"admin_state_up"`
	Status           Status         `attr:"status"`
	Shared           bool           `attr:"shared"`
	Subnets          []SubnetID     `attr:"subnets"`
	MTU              int            `attr:"mtu"`                       // net-mtu, octets
	External         bool           `attr:"router:external"`           // external-net
	IsDefault        *bool          `attr:"is_default,absent"`         // auto-allocated-topology; of external networks, and as it was asked for
	NetworkType      string         `attr:"provider:network_type"`     // provider
	PhysicalNetwork  *string        `attr:"provider:physical_network"` // provider; always null for the types midonet and uplink
	SegmentationID   *int           `attr:"provider:segmentation_id"`  // provider; likewise
	Segments         []Segment      `attr:"segments,hidden"`           // multi-provider; in a request: what the network is to be made of
	IPv4AddressScope AddressScopeID `attr:"ipv4_address_scope"`        // address-scope: that of the pool of its IPv4 subnets
	IPv6AddressScope AddressScopeID `attr:"ipv6_address_scope"`

	AvailabilityZoneHints []string `attr:"availability_zone_hints"` // network_availability_zone: asked for, sorted
	AvailabilityZones     []string `attr:"availability_zones"`      // where it is, sorted; in answers alone

	DHCPSilences []AgentID `attr:"dhcp_silences"` // the hosts that do not answer its DHCP requests, sorted; for the backend

	DNSDomain string `attr:"dns_domain"` // dns-integration; for an external DNS service alone

	PortSecurityEnabled bool `attr:"port_security_enabled"` // port-security; what ports of the network get that do not say
}

// Segment is a part that a network is made of (neutron-lib api/definitions/multiprovidernet.py), with the attributes of extension provider.
type Segment struct {
	NetworkType     string  `json:"provider:network_type"`
	PhysicalNetwork *string `json:"provider:physical_network"`
	SegmentationID  *int    `json:"provider:segmentation_id"`
}
