package model

import "net/netip"

// Router joins networks (neutron-lib api/definitions/l3.py). Its interfaces and its gateway are ports whose device is the router.
type Router struct {
	ID RouterID `attr:"id"`
	Standard
	Name         string       `attr:"name"`
	AdminStateUp bool         `attr:"admin_state_up"`
	Status       Status       `attr:"status"`
	Gateway      *GatewayInfo `attr:"external_gateway_info"` // nil: none
	Routes       []HostRoute  `attr:"routes"`                // extraroute
}

// GatewayInfo is how a router reaches an external network (ext-gw-mode).
type GatewayInfo struct {
	NetworkID  NetworkID `json:"network_id"`
	EnableSNAT bool      `json:"enable_snat"`
	FixedIPs   []FixedIP `json:"external_fixed_ips"`
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
	FloatingIPAddress netip.Addr `attr:"floating_ip_address"`
	FloatingNetworkID NetworkID  `attr:"floating_network_id"`
	RouterID          RouterID   `attr:"router_id"`        // zero: not associated
	PortID            PortID     `attr:"port_id"`          // zero: not associated
	FixedIPAddress    netip.Addr `attr:"fixed_ip_address"` // IPv4, also where the floating address is IPv6 (fip64)
	Status            Status     `attr:"status"`
}

// PortForwarding sends one port of a floating address to a port of a fixed one (neutron-lib
// api/definitions/floating_ip_port_forwarding.py). The floating address is in the FloatingIP; a forwarding is below it in the API.
type PortForwarding struct {
	ID PortForwardingID `attr:"id"`
	Standard
	FloatingIPID      FloatingIPID `attr:"floatingip_id"`
	ExternalPort      int          `attr:"external_port"` // first of the range
	ExternalPortRange string       `attr:"external_port_range"`
	InternalPort      int          `attr:"internal_port"`
	InternalPortRange string       `attr:"internal_port_range"`
	InternalIPAddress netip.Addr   `attr:"internal_ip_address"`
	InternalPortID    PortID       `attr:"internal_port_id"`
	Protocol          string       `attr:"protocol"` // tcp, udp
}
