package model

import (
	"encoding/json"
	"net/netip"

	"midonet.org/midonet/mac"
)

// Port is a place on a network where a workload's interface is plugged (neutron-lib api/definitions/port.py and the extensions
// named beside the fields).
type Port struct {
	ID PortID `attr:"id"`
	Standard
	Tagged
	Name         string    `attr:"name"`
	NetworkID    NetworkID `attr:"network_id"`
	AdminStateUp bool      `attr:"admin_state_up"`
	Status       Status    `attr:"status"`
	MACAddress   mac.Addr  `attr:"mac_address"`
	FixedIPs     []FixedIP `attr:"fixed_ips"`
	DeviceID     string    `attr:"device_id"`
	DeviceOwner  string    `attr:"device_owner"`

	HostID     string          `attr:"binding:host_id"`     // portbindings; admin only, as the four below
	Profile    json.RawMessage `attr:"binding:profile"`     // portbindings; a JSON object
	VIFType    string          `attr:"binding:vif_type"`    // unbound until a host is named, then midonet
	VIFDetails json.RawMessage `attr:"binding:vif_details"` // a JSON object
	VNICType   string          `attr:"binding:vnic_type"`   // normal
	ExtraDHCP  []ExtraDHCPOpt  `attr:"extra_dhcp_opts"`     // extra_dhcp_opt

	DNSName       string          `attr:"dns_name"`       // dns-integration; empty: none
	DNSDomain     string          `attr:"dns_domain"`     // dns-domain-ports; for an external DNS service alone
	DNSAssignment []DNSAssignment `attr:"dns_assignment"` // dns-integration; in answers alone, one for each address

	PortSecurityEnabled bool              `attr:"port_security_enabled"` // port-security; false: nothing is filtered
	SecurityGroups      []SecurityGroupID `attr:"security_groups"`       // security-group, in order of identifier
	AllowedAddressPairs []AddressPair     `attr:"allowed_address_pairs"` // allowed-address-pairs
}

// FixedIP is an address that the port holds.
type FixedIP struct {
	SubnetID  SubnetID   `json:"subnet_id"`
	IPAddress netip.Addr `json:"ip_address"`
}

// ExtraDHCPOpt is a DHCP option for this port alone. Name is a DHCP option's name or number; IPVersion is 4 or 6, 0 in a request that
// does not say (which means 4).
type ExtraDHCPOpt struct {
	Name      string
	Value     string
	IPVersion int
	// Remove is set in a request whose opt_value is null: the option is to be removed from the port (neutron/db/extradhcpopt_db.py).
	Remove bool
}

// MarshalJSON writes the API's form.
func (o ExtraDHCPOpt) MarshalJSON() ([]byte, error) {
	return json.Marshal(extraDHCPOptJSON{Name: o.Name, Value: o.wireValue(), IPVersion: o.IPVersion})
}

// UnmarshalJSON reads the API's form.
func (o *ExtraDHCPOpt) UnmarshalJSON(b []byte) error {
	var w extraDHCPOptJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*o = ExtraDHCPOpt{Name: w.Name, IPVersion: w.IPVersion, Remove: w.Value == nil}
	if w.Value != nil {
		o.Value = *w.Value
	}
	return nil
}

func (o ExtraDHCPOpt) wireValue() *string {
	if o.Remove {
		return nil
	}
	return &o.Value
}

type extraDHCPOptJSON struct {
	Name      string  `json:"opt_name"`
	Value     *string `json:"opt_value"`
	IPVersion int     `json:"ip_version"`
}
