package model

import (
	"encoding/json"
	"net/netip"

	"midonet.org/midonet/mac"
)

// Router joins networks (neutron-lib api/definitions/l3.py). Its interfaces and its gateway are ports whose device is the router.
type Router struct {
	ID RouterID `attr:"id"`
	Standard
	Tagged
	Name         string       `attr:"name"`
	AdminStateUp bool         `attr:"admin_state_up"`
	Status       Status       `attr:"status"`
	Gateway      *GatewayInfo `attr:"external_gateway_info"` // nil: none
	Routes       []HostRoute  `attr:"routes"`                // extraroute

	Distributed *bool `attr:"distributed,absent"` // dvr; nil in a request that leaves it as it is
	HA          *bool `attr:"ha,absent"`          // l3-ha; likewise

	AvailabilityZoneHints []string `attr:"availability_zone_hints"` // router_availability_zone: asked for, sorted
	AvailabilityZones     []string `attr:"availability_zones"`      // where it is, sorted; in answers alone
}

// GatewayInfo is how a router reaches an external network (ext-gw-mode).
type GatewayInfo struct {
	NetworkID  NetworkID `json:"network_id"`
	EnableSNAT bool      `json:"enable_snat"`
	FixedIPs   []FixedIP `json:"external_fixed_ips"`
	// SNATByDefault is set in a request that does not say enable_snat.
	SNATByDefault bool `json:"-"`
}

// UnmarshalJSON reads the API's form, and notes whether it says enable_snat.
func (g *GatewayInfo) UnmarshalJSON(b []byte) error {
	var w struct {
		NetworkID  NetworkID `json:"network_id"`
		EnableSNAT *bool     `json:"enable_snat"`
		FixedIPs   []FixedIP `json:"external_fixed_ips"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*g = GatewayInfo{NetworkID: w.NetworkID, FixedIPs: w.FixedIPs, SNATByDefault: w.EnableSNAT == nil}
	if w.EnableSNAT != nil {
		g.EnableSNAT = *w.EnableSNAT
	}
	return nil
}

// The device_owner values of the ports that routers and floating addresses own (neutron-lib constants).
const (
	OwnerRouterInterface = "network:router_interface"
	OwnerRouterGateway   = "network:router_gateway"
	OwnerFloatingIP      = "network:floatingip"
	OwnerDHCP            = "network:dhcp"
)

// FloatingIP is an address of an external network that stands for a port's fixed address (neutron-lib api/definitions/l3.py).
type FloatingIP struct {
	ID FloatingIPID `attr:"id"`
	Standard
	Tagged
	FloatingIPAddress netip.Addr `attr:"floating_ip_address"`
	FloatingNetworkID NetworkID  `attr:"floating_network_id"`
	RouterID          RouterID   `attr:"router_id"`        // zero: not associated
	PortID            PortID     `attr:"port_id"`          // zero: not associated
	FixedIPAddress    netip.Addr `attr:"fixed_ip_address"` // of the port
	Status            Status     `attr:"status"`

	DNSName   string `attr:"dns_name"`   // dns-integration; in a request: there is no external DNS service that would have it
	DNSDomain string `attr:"dns_domain"` // likewise

	SubnetID        SubnetID            `attr:"subnet_id"`        // in a request: where the address is to come from
	PortDetails     *PortDetails        `attr:"port_details"`     // fip-port-details; in answers alone, nil where not associated
	PortForwardings []ForwardingSummary `attr:"port_forwardings"` // expose-port-forwarding-in-fip; in answers alone
}

// PortDetails is what a floating address shows of the port that it stands for (neutron/db/l3_fip_port_details.py).
type PortDetails struct {
	Name         string    `json:"name"`
	NetworkID    NetworkID `json:"network_id"`
	MACAddress   mac.Addr  `json:"mac_address"`
	AdminStateUp bool      `json:"admin_state_up"`
	Status       Status    `json:"status"`
	DeviceID     string    `json:"device_id"`
	DeviceOwner  string    `json:"device_owner"`
}

// PortForwarding sends one port of a floating address to a port of a fixed one (neutron-lib
// api/definitions/floating_ip_port_forwarding.py). The floating address is in the FloatingIP; a forwarding is below it in the API.
type PortForwarding struct {
	ID PortForwardingID `attr:"id"`
	Standard
	FloatingIPID      FloatingIPID `attr:"floatingip_id"`
	ExternalPort      PortNumber   `attr:"external_port"` // first of the range
	ExternalPortRange PortRange    `attr:"external_port_range"`
	InternalPort      PortNumber   `attr:"internal_port"`
	InternalPortRange PortRange    `attr:"internal_port_range"`
	InternalIPAddress netip.Addr   `attr:"internal_ip_address"`
	InternalPortID    PortID       `attr:"internal_port_id"`
	Protocol          string       `attr:"protocol"` // tcp, udp
}

// Shown returns the forwarding as the API shows it: a range of several has no single port.
func (f PortForwarding) Shown() *PortForwarding {
	if f.ExternalPortRange.Size() != 1 {
		f.ExternalPort = 0
	}
	if f.InternalPortRange.Size() != 1 {
		f.InternalPort = 0
	}
	return &f
}

// Summary returns what the floating address shows of the forwarding.
func (f PortForwarding) Summary() ForwardingSummary {
	shown := f.Shown()
	return ForwardingSummary{
		ID: shown.ID, Protocol: shown.Protocol, InternalIPAddress: shown.InternalIPAddress, InternalPortID: shown.InternalPortID,
		InternalPort: shown.InternalPort, ExternalPort: shown.ExternalPort,
	}
}

// ForwardingSummary is what a floating address shows of one of its forwardings. A range of several has no single port.
type ForwardingSummary struct {
	ID                PortForwardingID `json:"id"`
	Protocol          string           `json:"protocol"`
	InternalIPAddress netip.Addr       `json:"internal_ip_address"`
	InternalPortID    PortID           `json:"internal_port_id"`
	InternalPort      PortNumber       `json:"internal_port,omitempty"`
	ExternalPort      PortNumber       `json:"external_port,omitempty"`
}
