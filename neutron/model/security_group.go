package model

import (
	"encoding/json"
	"net/netip"

	"midonet.org/midonet/mac"
)

// SecurityGroup is a set of rules that ports join (neutron/extensions/securitygroup.py).
type SecurityGroup struct {
	ID SecurityGroupID `attr:"id"`
	Standard
	Name     string `attr:"name"`
	Stateful bool   `attr:"stateful"` // stateful-security-group; false: answers need a rule of their own
	Shared   bool   `attr:"shared"`   // rbac-security-groups
	// Rules is what the API shows in the group. A journal task of the group carries none: each rule has tasks of its own.
	Rules []SecurityGroupRule `attr:"security_group_rules"`
}

// SecurityGroupRule lets packets in or out (neutron/extensions/securitygroup.py). A nil field does not restrict.
type SecurityGroupRule struct {
	ID SecurityGroupRuleID `attr:"id"`
	Standard
	SecurityGroupID      SecurityGroupID  `attr:"security_group_id"`
	Direction            Direction        `attr:"direction"`
	EtherType            EtherType        `attr:"ethertype"`
	Protocol             *string          `attr:"protocol"`       // a name or a number, as the client wrote it
	PortRangeMin         *int             `attr:"port_range_min"` // TCP, UDP … : destination port; ICMP: type
	PortRangeMax         *int             `attr:"port_range_max"` // ICMP: code
	RemoteIPPrefix       *string          `attr:"remote_ip_prefix"`
	NormalizedCIDR       netip.Prefix     `attr:"normalized_cidr"` // of RemoteIPPrefix; the zero Prefix where that is nil
	RemoteGroupID        *SecurityGroupID `attr:"remote_group_id"`
	RemoteAddressGroupID *AddressGroupID  `attr:"remote_address_group_id"`
}

// AddressGroup is a list of addresses that rules can name (neutron-lib api/definitions/address_group.py).
type AddressGroup struct {
	ID AddressGroupID `attr:"id"`
	Standard
	Name      string         `attr:"name"`
	Shared    bool           `attr:"shared"`
	Addresses []netip.Prefix `attr:"addresses"` // masked
}

// Direction is which way a rule looks: ingress is toward the port.
type Direction string

// The directions.
const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// EtherType is the family that a rule is for.
type EtherType string

// The ethertypes that rules know.
const (
	IPv4 EtherType = "IPv4"
	IPv6 EtherType = "IPv6"
)

// AddressPair is an address or prefix that a port may use besides its own (allowed-address-pairs).
type AddressPair struct {
	IPAddress  netip.Prefix // an address is a prefix of its whole length, and is written without the length
	MACAddress mac.Addr
}

// MarshalJSON writes the API's form.
func (p AddressPair) MarshalJSON() ([]byte, error) {
	text := p.IPAddress.String()
	if p.IPAddress.IsSingleIP() {
		text = p.IPAddress.Addr().String()
	}
	return json.Marshal(addressPairJSON{IPAddress: text, MACAddress: p.MACAddress})
}

// UnmarshalJSON reads the API's form.
func (p *AddressPair) UnmarshalJSON(b []byte) error {
	var w addressPairJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	p.MACAddress = w.MACAddress
	if addr, err := netip.ParseAddr(w.IPAddress); err == nil {
		p.IPAddress = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(w.IPAddress)
	p.IPAddress = prefix
	return err
}

type addressPairJSON struct {
	IPAddress  string   `json:"ip_address"`
	MACAddress mac.Addr `json:"mac_address"`
}
