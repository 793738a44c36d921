package api

import (
	"encoding/json"
	"net/netip"
	"strings"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// network is neutron/models/Network.java, and the mtu, which the original does not know, where the client gave one.
type network struct {
	ID           model.NetworkID `json:"id"`
	Name         string          `json:"name"`
	Status       *model.Status   `json:"status"`
	Shared       bool            `json:"shared"`
	TenantID     string          `json:"tenant_id"`
	AdminStateUp bool            `json:"admin_state_up"`
	External     bool            `json:"router:external"`
	NetworkType  *string         `json:"provider:network_type"`
	QoSPolicyID  *string         `json:"qos_policy_id"`
	MTU          int             `json:"mtu,omitempty"`
}

// subnet is neutron/models/Subnet.java.
type subnet struct {
	ID              model.SubnetID         `json:"id"`
	Name            string                 `json:"name"`
	IPVersion       int                    `json:"ip_version"`
	NetworkID       model.NetworkID        `json:"network_id"`
	CIDR            *netip.Prefix          `json:"cidr"`
	GatewayIP       *netip.Addr            `json:"gateway_ip"`
	AllocationPools []model.AllocationPool `json:"allocation_pools"`
	DNSNameservers  []netip.Addr           `json:"dns_nameservers"`
	HostRoutes      []model.HostRoute      `json:"host_routes"`
	TenantID        string                 `json:"tenant_id"`
	EnableDHCP      bool                   `json:"enable_dhcp"`
	Shared          bool                   `json:"shared"`
}

// port is neutron/models/Port.java. No port has a security group, for none can be made here yet.
type port struct {
	ID                  model.PortID        `json:"id"`
	Name                string              `json:"name"`
	NetworkID           model.NetworkID     `json:"network_id"`
	AdminStateUp        bool                `json:"admin_state_up"`
	MACAddress          *mac.Addr           `json:"mac_address"`
	FixedIPs            []model.FixedIP     `json:"fixed_ips"`
	DeviceID            string              `json:"device_id"`
	DeviceOwner         *string             `json:"device_owner"`
	TenantID            string              `json:"tenant_id"`
	Status              *model.Status       `json:"status"`
	SecurityGroups      []string            `json:"security_groups"`
	HostID              *string             `json:"binding:host_id"`
	Profile             json.RawMessage     `json:"binding:profile"`
	PortSecurityEnabled bool                `json:"port_security_enabled"`
	AllowedAddressPairs []model.AddressPair `json:"allowed_address_pairs"` // null where there are none
	ExtraDHCPOpts       []extraDHCPOpt      `json:"extra_dhcp_opts"`
	QoSPolicyID         *string             `json:"qos_policy_id"`
}

// extraDHCPOpt is neutron/models/ExtraDhcpOpt.java.
type extraDHCPOpt struct {
	Name  string `json:"opt_name"`
	Value string `json:"opt_value"`
}

// references are what an object may name of kinds that are not served yet. None of those exists, so naming one is refused as naming
// an unknown one always was, rather than stored and not obeyed.
type references struct {
	SecurityGroups []string `json:"security_groups"`
	QoSPolicyID    *string  `json:"qos_policy_id"`
}

// decodeObject reads a body into an object of package model, passing over what that does not know.
func decodeObject[T any](body []byte) (*T, error) {
	v, refs := new(T), references{}
	if err := json.Unmarshal(body, v); err != nil {
		return nil, errs.New(errs.Invalid, "BadObject", "The body cannot be read: %v", err)
	}
	if err := json.Unmarshal(body, &refs); err != nil {
		return nil, errs.New(errs.Invalid, "BadObject", "The body cannot be read: %v", err)
	}
	if len(refs.SecurityGroups) > 0 {
		return nil, errs.New(errs.NotFound, "NotFound", "There is no SecurityGroup with ID %s.", refs.SecurityGroups[0])
	}
	if refs.QoSPolicyID != nil {
		return nil, errs.New(errs.NotFound, "NotFound", "There is no QosPolicy with ID %s.", *refs.QoSPolicyID)
	}
	return v, nil
}

// choose sets an object's identifier to the one that the URI names, if it names one.
func choose[T any](own *id.ID[T], named objectID) objectID {
	if !named.IsZero() {
		*own = id.As[T](named)
	}
	return id.As[topology.Source](*own)
}

func readNetwork(body []byte, named objectID) (objectID, []byte, error) {
	n, err := decodeObject[model.Network](body)
	if err != nil {
		return objectID{}, nil, err
	}
	n.NetworkType = strings.ToLower(n.NetworkType)
	chosen := choose(&n.ID, named)
	stored, err := json.Marshal(n)
	return chosen, stored, err
}

func readSubnet(body []byte, named objectID) (objectID, []byte, error) {
	s, err := decodeObject[model.Subnet](body)
	if err != nil {
		return objectID{}, nil, err
	}
	chosen := choose(&s.ID, named)
	stored, err := json.Marshal(s)
	return chosen, stored, err
}

func readPort(body []byte, named objectID) (objectID, []byte, error) {
	p, err := decodeObject[model.Port](body)
	if err != nil {
		return objectID{}, nil, err
	}
	chosen := choose(&p.ID, named)
	stored, err := json.Marshal(p)
	return chosen, stored, err
}

func showNetwork(_ *mirror.State, stored []byte) (any, error) {
	var n model.Network
	if err := json.Unmarshal(stored, &n); err != nil {
		return nil, err
	}
	return network{
		ID: n.ID, Name: n.Name, Status: present(n.Status), Shared: n.Shared, TenantID: n.ProjectID, AdminStateUp: n.AdminStateUp,
		External: n.External, NetworkType: networkType(n.NetworkType), MTU: n.MTU,
	}, nil
}

// networkType is neutron/models/NetworkType.java: null for types that MidoNet does not know, such as its own.
func networkType(name string) *string {
	switch upper := strings.ToUpper(name); upper {
	case "LOCAL", "FLAT", "GRE", "VLAN", "UPLINK":
		return &upper
	}
	return nil
}

// showSubnet takes shared from the network, as Neutron does.
func showSubnet(state *mirror.State, stored []byte) (any, error) {
	var s model.Subnet
	if err := json.Unmarshal(stored, &s); err != nil {
		return nil, err
	}
	shared, err := isShared(state, s.NetworkID)
	return subnet{
		ID: s.ID, Name: s.Name, IPVersion: s.IPVersion, NetworkID: s.NetworkID, CIDR: present(s.CIDR), GatewayIP: present(s.GatewayIP),
		AllocationPools: list(s.AllocationPools), DNSNameservers: list(s.DNSNameservers), HostRoutes: list(s.HostRoutes),
		TenantID: s.ProjectID, EnableDHCP: s.EnableDHCP, Shared: shared,
	}, err
}

func isShared(state *mirror.State, of model.NetworkID) (bool, error) {
	source := mirror.Lookup[*topology.Source](state, topology.KindSource, of)
	if source == nil {
		return false, nil
	}
	var n model.Network
	err := json.Unmarshal(source.JSON, &n)
	return n.Shared, err
}

func showPort(_ *mirror.State, stored []byte) (any, error) {
	var p model.Port
	if err := json.Unmarshal(stored, &p); err != nil {
		return nil, err
	}
	var pairs []model.AddressPair
	if len(p.AllowedAddressPairs) > 0 {
		pairs = p.AllowedAddressPairs
	}
	options := []extraDHCPOpt{}
	for _, o := range p.ExtraDHCP {
		options = append(options, extraDHCPOpt{o.Name, o.Value})
	}
	return port{
		ID: p.ID, Name: p.Name, NetworkID: p.NetworkID, AdminStateUp: p.AdminStateUp, MACAddress: present(p.MACAddress),
		FixedIPs: list(p.FixedIPs), DeviceID: p.DeviceID, DeviceOwner: present(p.DeviceOwner), TenantID: p.ProjectID,
		Status: present(p.Status), SecurityGroups: []string{}, HostID: present(p.HostID), Profile: profile(p.Profile), ExtraDHCPOpts: options,
		PortSecurityEnabled: p.PortSecurityEnabled, AllowedAddressPairs: pairs,
	}, nil
}

// profile is a port's binding:profile, null where there is none.
func profile(stored json.RawMessage) json.RawMessage {
	if string(stored) == "{}" {
		return nil
	}
	return stored
}

// present returns a pointer to v, nil for the zero value, which JSON then writes as null.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// list returns all, never nil, which JSON would write as null.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
