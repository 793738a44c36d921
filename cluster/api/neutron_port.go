package api

import (
	"encoding/json"
	"net/netip"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

var ports = collection[model.Port]{
	resource: translate.Port, path: "/ports", one: neutronMedia("Port"), many: neutronMedia("Ports"), bulk: true,
	id:   func(p *model.Port) *id.ID[model.Port] { return &p.ID },
	read: readPort, leave: leavePort, show: byItself(showPort),
}

// neutronPort is neutron/models/Port.java.
type neutronPort struct {
	ID                  model.PortID            `json:"id"`
	Name                string                  `json:"name"`
	NetworkID           model.NetworkID         `json:"network_id"`
	AdminStateUp        bool                    `json:"admin_state_up"`
	MACAddress          *mac.Addr               `json:"mac_address"`
	FixedIPs            []model.FixedIP         `json:"fixed_ips"`
	DeviceID            string                  `json:"device_id"`
	DeviceOwner         *string                 `json:"device_owner"`
	TenantID            string                  `json:"tenant_id"`
	Status              *model.Status           `json:"status"`
	SecurityGroups      []model.SecurityGroupID `json:"security_groups"`
	HostID              *string                 `json:"binding:host_id"`
	Profile             json.RawMessage         `json:"binding:profile"`
	PortSecurityEnabled bool                    `json:"port_security_enabled"`
	AllowedAddressPairs []model.AddressPair     `json:"allowed_address_pairs"` // null where there are none
	ExtraDHCPOpts       []extraDHCPOpt          `json:"extra_dhcp_opts"`
	QoSPolicyID         *string                 `json:"qos_policy_id"`
}

// extraDHCPOpt is neutron/models/ExtraDhcpOpt.java.
type extraDHCPOpt struct {
	Name  string `json:"opt_name"`
	Value string `json:"opt_value"`
}

// readPort takes a port for secured that does not say whether it is, as the original does: a Neutron without the extension
// port-security filters every port.
func readPort(body []byte) (*model.Port, error) {
	if err := refuseQoS(body); err != nil {
		return nil, err
	}
	return readInto(body, &model.Port{PortSecurityEnabled: true})
}

// leavePort frees the floating addresses that stand for the port (PortTranslator.scala disassociateFloatingIps).
func leavePort(now translate.View, gone model.PortID) []importer.Write {
	var writes []importer.Write
	for _, f := range translate.FloatingIPsFor(now, gone) {
		free := *f
		free.PortID, free.RouterID, free.FixedIPAddress = model.PortID{}, model.RouterID{}, netip.Addr{}
		writes = append(writes, put(importer.Amend, translate.FloatingIP, free.ID, free))
	}
	return writes
}

func showPort(p *model.Port) any {
	var pairs []model.AddressPair
	if len(p.AllowedAddressPairs) > 0 {
		pairs = p.AllowedAddressPairs
	}
	options := []extraDHCPOpt{}
	for _, o := range p.ExtraDHCP {
		options = append(options, extraDHCPOpt{o.Name, o.Value})
	}
	return neutronPort{
		ID: p.ID, Name: p.Name, NetworkID: p.NetworkID, AdminStateUp: p.AdminStateUp, MACAddress: present(p.MACAddress),
		FixedIPs: list(p.FixedIPs), DeviceID: p.DeviceID, DeviceOwner: present(p.DeviceOwner), TenantID: p.ProjectID,
		Status: present(p.Status), SecurityGroups: list(p.SecurityGroups), HostID: present(p.HostID), Profile: profile(p.Profile),
		ExtraDHCPOpts: options, PortSecurityEnabled: p.PortSecurityEnabled, AllowedAddressPairs: pairs,
	}
}

// profile is a port's binding:profile, null where there is none.
func profile(stored json.RawMessage) json.RawMessage {
	if string(stored) == "{}" {
		return nil
	}
	return stored
}
