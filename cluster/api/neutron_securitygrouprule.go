package api

import (
	"net/netip"
	"strings"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

var securityGroupRules = collection[model.SecurityGroupRule]{
	resource: translate.SecurityGroupRule, path: "/security_group_rules", one: neutronMedia("SecurityGroupRule"),
	many: neutronMedia("SecurityGroupRules"), bulk: true, fixed: true,
	id:   func(r *model.SecurityGroupRule) *id.ID[model.SecurityGroupRule] { return &r.ID },
	read: readRule, show: byItself(showRule),
}

// neutronSecurityGroupRule is neutron/models/SecurityGroupRule.java.
type neutronSecurityGroupRule struct {
	ID              model.SecurityGroupRuleID `json:"id"`
	SecurityGroupID model.SecurityGroupID     `json:"security_group_id"`
	RemoteGroupID   *model.SecurityGroupID    `json:"remote_group_id"`
	Direction       model.Direction           `json:"direction"`
	Protocol        *string                   `json:"protocol"`
	PortRangeMin    *int                      `json:"port_range_min"`
	PortRangeMax    *int                      `json:"port_range_max"`
	EtherType       string                    `json:"ethertype"`
	RemoteIPPrefix  *string                   `json:"remote_ip_prefix"`
	TenantID        string                    `json:"tenant_id"`
}

func readRule(body []byte) (*model.SecurityGroupRule, error) {
	r, err := readInto(body, &model.SecurityGroupRule{})
	if err != nil {
		return nil, err
	}
	return r, normalize(r)
}

// normalize gives the words of a rule the case that package model has, and refuses a rule that cannot be obeyed whole.
func normalize(r *model.SecurityGroupRule) error {
	r.Direction = model.Direction(strings.ToLower(string(r.Direction)))
	if r.Direction != model.Ingress && r.Direction != model.Egress {
		return invalid("No RuleDirection for string %s", r.Direction)
	}
	switch strings.ToLower(string(r.EtherType)) {
	case "ipv4":
		r.EtherType = model.IPv4
	case "ipv6":
		r.EtherType = model.IPv6
	default:
		return invalid("No RuleEthertype for string %s", r.EtherType)
	}
	if err := normalizeProtocol(r); err != nil {
		return err
	}
	if err := checkPorts(r); err != nil {
		return err
	}
	return checkPrefix(r)
}

// normalizeProtocol takes the names of Neutron and those of RuleProtocol.java, which has underscores where Neutron has hyphens.
func normalizeProtocol(r *model.SecurityGroupRule) error {
	if r.Protocol == nil {
		return nil
	}
	name := strings.ReplaceAll(strings.ToLower(*r.Protocol), "_", "-")
	if _, ok := translate.ProtocolNumber(name); !ok {
		return invalid("No RuleProtocol for string %s", *r.Protocol)
	}
	r.Protocol = &name
	return nil
}

// checkPorts refuses what is no port, type or code, and a range with one end, which Neutron does not let pass but for ICMP.
func checkPorts(r *model.SecurityGroupRule) error {
	limit, icmp := 65535, false
	if r.Protocol != nil {
		number, _ := translate.ProtocolNumber(*r.Protocol)
		icmp = number == 1 || number == 58
	}
	if icmp {
		limit = 255
	}
	for _, bound := range []*int{r.PortRangeMin, r.PortRangeMax} {
		if bound != nil && (*bound < 0 || *bound > limit) {
			return invalid("Invalid range: %d is not between 0 and %d", *bound, limit)
		}
	}
	switch {
	case icmp:
		if r.PortRangeMin == nil && r.PortRangeMax != nil {
			return invalid("Invalid range: an ICMP code without a type")
		}
	case (r.PortRangeMin == nil) != (r.PortRangeMax == nil):
		return invalid("Invalid range: it has one end")
	case r.PortRangeMin != nil && *r.PortRangeMin > *r.PortRangeMax:
		return invalid("Invalid range: %d is more than %d", *r.PortRangeMin, *r.PortRangeMax)
	}
	return nil
}

// checkPrefix refuses what is no address or prefix of the rule's family.
func checkPrefix(r *model.SecurityGroupRule) error {
	if r.RemoteIPPrefix == nil {
		return nil
	}
	addr, err := netip.ParseAddr(*r.RemoteIPPrefix)
	if err != nil {
		prefix, err := netip.ParsePrefix(*r.RemoteIPPrefix)
		if err != nil {
			return invalid("%s is no address or prefix", *r.RemoteIPPrefix)
		}
		addr = prefix.Addr()
	}
	if addr.Is4() != (r.EtherType == model.IPv4) {
		return invalid("%s is not of the family %s", *r.RemoteIPPrefix, r.EtherType)
	}
	return nil
}

// showRule shows a rule in the words of RuleDirection, RuleEthertype and RuleProtocol.java.
func showRule(r *model.SecurityGroupRule) any {
	shown := neutronSecurityGroupRule{
		ID: r.ID, SecurityGroupID: r.SecurityGroupID, RemoteGroupID: r.RemoteGroupID, Direction: r.Direction, Protocol: r.Protocol,
		PortRangeMin: r.PortRangeMin, PortRangeMax: r.PortRangeMax, EtherType: strings.ToLower(string(r.EtherType)),
		RemoteIPPrefix: r.RemoteIPPrefix, TenantID: r.ProjectID,
	}
	if r.Protocol != nil {
		name := protocolName(*r.Protocol)
		shown.Protocol = &name
	}
	return shown
}

// protocolName returns the name by which the original shows a protocol, the number of one that it has no name for.
func protocolName(written string) string {
	number, _ := translate.ProtocolNumber(written)
	if name, ok := protocolNames[number]; ok {
		return name
	}
	return written
}

var protocolNames = map[uint8]string{
	1: "icmp", 2: "igmp", 6: "tcp", 8: "egp", 17: "udp", 33: "dccp", 41: "ipv6_encap", 43: "ipv6_route", 44: "ipv6_frag", 46: "rsvp",
	47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 59: "ipv6_nonxt", 60: "ipv6_opts", 89: "ospf", 112: "vrrp", 113: "pgm", 132: "sctp",
	136: "udplite",
}
