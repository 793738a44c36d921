package api

import (
	"strings"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

var networks = collection[model.Network]{
	resource: translate.Network, path: "/networks", one: neutronMedia("Network"), many: neutronMedia("Networks"), bulk: true,
	id:   func(n *model.Network) *id.ID[model.Network] { return &n.ID },
	read: readNetwork, show: byItself(showNetwork),
}

// neutronNetwork is neutron/models/Network.java, and the mtu, which the original does not know, where the client gave one.
type neutronNetwork struct {
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

func readNetwork(body []byte) (*model.Network, error) {
	if err := refuseQoS(body); err != nil {
		return nil, err
	}
	n, err := readInto(body, &model.Network{})
	if err != nil {
		return nil, err
	}
	n.NetworkType = strings.ToLower(n.NetworkType)
	return n, nil
}

func showNetwork(n *model.Network) any {
	return neutronNetwork{
		ID: n.ID, Name: n.Name, Status: present(n.Status), Shared: n.Shared, TenantID: n.ProjectID, AdminStateUp: n.AdminStateUp,
		External: n.External, NetworkType: networkType(n.NetworkType), MTU: n.MTU,
	}
}

// networkType is neutron/models/NetworkType.java: null for types that MidoNet does not know, such as its own.
func networkType(name string) *string {
	switch upper := strings.ToUpper(name); upper {
	case "LOCAL", "FLAT", "GRE", "VLAN", "UPLINK":
		return &upper
	}
	return nil
}
