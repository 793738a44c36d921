package apidef

import (
	"slices"
	"strconv"
	"strings"

	"midonet.org/midonet/errs"
)

// SecurityGroupRules is the definition of /v2.0/security-group-rules: neutron/extensions/securitygroup.py with neutron-lib
// api/definitions/security_groups_normalized_cidr.py and security_groups_remote_address_group.py. A rule is not changed, but replaced.
func SecurityGroupRules() *Resource {
	core := []Attribute{
		{Name: "security_group_id", Type: UUID, Help: "The group that it is a rule of.",
			Create: true, Required: true, Convert: toOwnGroup, Validate: stringUpTo(uuidSize), ConvertFilter: asItIs, Filter: true, Sort: true},
		{Name: "remote_group_id", Type: UUID, Help: "Only packets to or from the ports of this group; null for any.",
			Create: true, Convert: toReference(SecurityGroupNotFound), ConvertFilter: asItIs, Filter: true, Sort: true},
		{Name: "direction", Type: String, Help: "ingress, toward the port, or egress.",
			Create: true, Required: true, Validate: oneOfTexts([]any{"ingress", "egress"}), Filter: true, Sort: true},
		{Name: "protocol", Type: String, Help: "A protocol's name, or its number from 0 to 255; null for all.",
			Create: true, Convert: toRuleProtocol, ConvertFilter: protocolText, Filter: true, Sort: true},
		{Name: "port_range_min", Type: Integer, Help: "The first destination port; of ICMP, the type.",
			Create: true, Convert: toPortNumber, ConvertFilter: portNumberText, Filter: true, Sort: true},
		{Name: "port_range_max", Type: Integer, Help: "The last destination port; of ICMP, the code.",
			Create: true, Convert: toPortNumber, ConvertFilter: portNumberText, Filter: true, Sort: true},
		{Name: "ethertype", Type: String, Help: "IPv4 or IPv6.",
			Create: true, Default: "IPv4", Convert: toEtherType, Filter: true, Sort: true},
		{Name: "remote_ip_prefix", Type: CIDR, Help: "Only packets to or from these addresses; null for any.",
			Create: true, Convert: toRemotePrefix, Filter: true, Sort: true},
		{Name: "normalized_cidr", Type: CIDR, Help: "The range that remote_ip_prefix is of.", Filter: true, Sort: true},
		{Name: "remote_address_group_id", Type: UUID, Help: "Only packets to or from the addresses of this group; null for any.",
			Create: true, Convert: toReference(AddressGroupNotFound), ConvertFilter: asItIs, Filter: true, Sort: true},
	}
	return New("security_group_rule", "security_group_rules", identifier(), core, unchangeable(standard())).At("security-group-rules")
}

// unchangeable returns attributes as they are for a resource that takes no PUT.
func unchangeable(attributes []Attribute) []Attribute {
	for i := range attributes {
		attributes[i].Update = false
	}
	return attributes
}

func asItIs(s string) (string, error) { return s, nil }

// toReference takes the identifier of another resource, for the plugin to look for. What is no identifier is not found either, the empty string
// too: a rule whose group was left empty by mistake must not be one for everybody.
func toReference(notFound func(id string) error) Converter {
	return func(v any) (any, error) {
		if v == nil {
			return nil, nil
		}
		if isUUID(v) != "" {
			return nil, notFound(text(v))
		}
		return v, nil
	}
}

// uuidSize is the length of an identifier, in characters.
const uuidSize = 36

// toOwnGroup takes the identifier of the group that a rule is of, which has to be a text: what is no identifier is not found.
func toOwnGroup(v any) (any, error) {
	if s, ok := v.(string); ok && len(s) <= uuidSize && isUUID(s) != "" {
		return nil, SecurityGroupNotFound(s)
	}
	return v, nil
}

// protocols are the names of protocols, in the order in which Neutron's refusal lists them (neutron-lib constants.IP_PROTOCOL_MAP).
var protocols = []string{"ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "igmp", "ip", "ipip", "ipv6-encap", "ipv6-frag",
	"ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp", "udplite", "vrrp"}

// toRuleProtocol is convert_protocol: a name is written small. A number has one form; of others, such as "06", neutron-server makes a failure later.
func toRuleProtocol(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	s := text(v)
	if n, err := strconv.ParseUint(s, 10, 8); err == nil && strconv.FormatUint(n, 10) == s {
		return s, nil
	}
	if name := strings.ToLower(s); slices.Contains(protocols, name) {
		return name, nil
	}
	return nil, errs.New(errs.Invalid, "SecurityGroupRuleInvalidProtocol", "Security group rule protocol %s not supported. Only "+
		"protocol values [None, %s] and integer representations [0 to 255] are supported.", s, strings.Trim(reprStrings(protocols), "[]"))
}

// protocolText lets filters have numbers in every form, which find nothing.
func protocolText(s string) (string, error) {
	if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && n >= 0 && n <= 255 {
		return s, nil
	}
	name, err := toRuleProtocol(s)
	return text(name), err
}

// toEtherType is convert_ethertype_to_case_insensitive.
func toEtherType(v any) (any, error) {
	for _, known := range []string{"IPv4", "IPv6"} {
		if s, ok := v.(string); ok && strings.EqualFold(s, known) {
			return known, nil
		}
	}
	return nil, errs.New(errs.Invalid, "SecurityGroupRuleInvalidEtherType",
		"Security group rule for ethertype '%s' not supported. Allowed values are ['IPv4', 'IPv6'].", text(v))
}

// toPortNumber is convert_validate_port_value.
func toPortNumber(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	n, ok := integer(v)
	if !ok || n < 0 || n > 65535 {
		return nil, errs.New(errs.Invalid, "SecurityGroupInvalidPortValue", "Invalid value for port %s", text(v))
	}
	return n, nil
}

// portNumberText refuses filters by what is no port, too.
func portNumberText(s string) (string, error) {
	n, err := toPortNumber(s)
	return text(n), err
}

// toRemotePrefix is convert_ip_prefix_to_cidr: an address gets its length, and a range may name any address in it. The empty string is
// no restriction.
func toRemotePrefix(v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	s, ok := v.(string)
	if ok {
		if p, ok := parseNetwork(s); ok {
			return p.String(), nil
		}
	}
	return nil, errs.New(errs.Invalid, "InvalidCIDR", "Invalid CIDR %s given as IP prefix.", text(v))
}
