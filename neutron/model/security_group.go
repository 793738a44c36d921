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
	Tagged
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
	IPAddress  netip.Prefix // an address is a prefix of its whole length
	MACAddress mac.Addr
	// Written is how the client wrote the address, which it reads again, where that is not AddressText's choice: 10.0.0.5/32.
	Written string
}

// AddressText returns the address as the client wrote it, by default an address without its length.
func (p AddressPair) AddressText() string {
	switch {
	case p.Written != "":
		return p.Written
	case p.IPAddress.IsSingleIP():
		return p.IPAddress.Addr().String()
	}
	return p.IPAddress.String()
}

// SetAddress is the reverse of AddressText.
func (p *AddressPair) SetAddress(text string) (err error) {
	p.Written = ""
	if addr, notAddr := netip.ParseAddr(text); notAddr == nil {
		p.IPAddress = netip.PrefixFrom(addr, addr.BitLen())
	} else if p.IPAddress, err = netip.ParsePrefix(text); err != nil {
		return err
	}
	if p.AddressText() != text {
		p.Written = text
	}
	return nil
}

// MarshalJSON writes the API's form.
func (p AddressPair) MarshalJSON() ([]byte, error) {
	return json.Marshal(addressPairJSON{IPAddress: p.AddressText(), MACAddress: p.MACAddress})
}

// UnmarshalJSON reads the API's form.
func (p *AddressPair) UnmarshalJSON(b []byte) error {
	var w addressPairJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	p.MACAddress = w.MACAddress
	return p.SetAddress(w.IPAddress)
}

type addressPairJSON struct {
	IPAddress  string   `json:"ip_address"`
	MACAddress mac.Addr `json:"mac_address"`
}
