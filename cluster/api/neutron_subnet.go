package api

import (
	"encoding/json"
	"net/netip"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

var subnets = collection[model.Subnet]{
	resource: translate.Subnet, path: "/subnets", one: neutronMedia("Subnet"), many: neutronMedia("Subnets"), bulk: true,
	id:   func(s *model.Subnet) *id.ID[model.Subnet] { return &s.ID },
	read: func(body []byte) (*model.Subnet, error) { return readInto(body, &model.Subnet{}) },
	show: showSubnet,
}

// neutronSubnet is neutron/models/Subnet.java.
type neutronSubnet struct {
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

// showSubnet takes shared from the network, as Neutron does.
func showSubnet(state *mirror.State) func(*model.Subnet) (any, error) {
	return func(s *model.Subnet) (any, error) {
		shared, err := isShared(state, s.NetworkID)
		return neutronSubnet{
			ID: s.ID, Name: s.Name, IPVersion: s.IPVersion, NetworkID: s.NetworkID, CIDR: present(s.CIDR), GatewayIP: present(s.GatewayIP),
			AllocationPools: list(s.AllocationPools), DNSNameservers: list(s.DNSNameservers), HostRoutes: list(s.HostRoutes),
			TenantID: s.ProjectID, EnableDHCP: s.EnableDHCP, Shared: shared,
		}, err
	}
}

func isShared(state *mirror.State, of model.NetworkID) (bool, error) {
	source := sourceOf(state, translate.Network, of)
	if source == nil {
		return false, nil
	}
	var n model.Network
	err := json.Unmarshal(source.JSON, &n)
	return n.Shared, err
}
