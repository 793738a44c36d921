package ml2

import (
	"net/netip"
	"slices"
	"strconv"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// checkOneGroup is _validate_single_tenant_and_group.
func checkOneGroup(rules []*model.SecurityGroupRule) error {
	for _, rule := range rules {
		if rule.SecurityGroupID != rules[0].SecurityGroupID {
			return severalGroups()
		}
		if rule.ProjectID != rules[0].ProjectID {
			return severalProjects()
		}
	}
	return nil
}

// settleRule brings a rule into its canonical form and checks it (_validate_security_group_rule).
func (r *request) settleRule(rule *model.SecurityGroupRule) error {
	settleICMPv6(rule)
	if rule.PortRangeMin != nil && rule.PortRangeMax != nil && *rule.PortRangeMin == 1 && *rule.PortRangeMax == 65535 {
		rule.PortRangeMin, rule.PortRangeMax = nil, nil // all ports: no restriction
	}
	for _, check := range []func(*model.SecurityGroupRule) error{checkPorts, settlePrefix, checkFamily, checkOneRemote} {
		if err := check(rule); err != nil {
			return err
		}
	}
	return r.checkReferences(rule)
}

// The protocol names that have a meaning here, and their numbers (neutron-lib constants).
const (
	icmpName       = "icmp"
	icmpv6Name     = "ipv6-icmp"
	icmpv6Legacy   = "icmpv6"
	icmpNumber     = 1
	icmpv6Number   = 58
	noSuchProtocol = -1
)

// protocolNumbers is IP_PROTOCOL_MAP.
var protocolNumbers = map[string]int{
	"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, icmpName: icmpNumber, "igmp": 2, "ip": 0, "ipip": 4,
	"ipv6-encap": 41, "ipv6-frag": 44, icmpv6Name: icmpv6Number, icmpv6Legacy: icmpv6Number, "ipv6-nonxt": 59, "ipv6-opts": 60,
	"ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}

// withPorts are the protocols that have ports, by number (SG_PORT_PROTO_NUMS).
var withPorts = []int{6, 17, 33, 132, 136}

// onlyIPv6 are the protocols that only IPv6 has.
var onlyIPv6 = []string{"ipv6-encap", "ipv6-frag", icmpv6Name, icmpv6Legacy, "ipv6-nonxt", "ipv6-opts", "ipv6-route",
	"41", "43", "44", "58", "59", "60"}

// protocolNumber returns the number of a rule's protocol; noSuchProtocol where the rule is for all.
func protocolNumber(rule *model.SecurityGroupRule) int {
	if rule.Protocol == nil {
		return noSuchProtocol
	}
	if n, ok := protocolNumbers[*rule.Protocol]; ok {
		return n
	}
	n, err := strconv.Atoi(*rule.Protocol)
	if err != nil { // only a name that apidef would not have let through
		return noSuchProtocol
	}
	return n
}

// settleICMPv6 gives the ICMP of IPv6 its own name or number where a client calls it by the other's
// (_make_canonical_ipv6_icmp_protocol).
func settleICMPv6(rule *model.SecurityGroupRule) {
	if rule.EtherType != model.IPv6 || rule.Protocol == nil {
		return
	}
	switch *rule.Protocol {
	case icmpName, icmpv6Legacy:
		name := icmpv6Name
		rule.Protocol = &name
	case strconv.Itoa(icmpNumber):
		number := strconv.Itoa(icmpv6Number)
		rule.Protocol = &number
	}
}

// checkPorts is _validate_port_range.
func checkPorts(rule *model.SecurityGroupRule) error {
	first, last := rule.PortRangeMin, rule.PortRangeMax
	if first == nil && last == nil {
		return nil
	}
	number := protocolNumber(rule)
	switch {
	case number == noSuchProtocol:
		return portsNeedProtocol()
	case slices.Contains(withPorts, number):
		if first != nil && *first == 0 || last != nil && *last == 0 {
			return invalidPort(0)
		}
		if first == nil || last == nil || *first > *last {
			return invalidPortRange()
		}
		return nil
	case number == icmpNumber || number == icmpv6Number:
		return checkICMP(first, last)
	}
	return noPorts(number)
}

func checkICMP(kind, code *int) error {
	switch {
	case kind != nil && *kind > 255:
		return invalidICMP("type", "port_range_min", *kind)
	case code != nil && *code > 255:
		return invalidICMP("code", "port_range_max", *code)
	case kind == nil:
		return icmpTypeMissing(*code)
	}
	return nil
}

// settlePrefix checks the family of the remote addresses and works out the range that they are (_validate_ip_prefix).
func settlePrefix(rule *model.SecurityGroupRule) error {
	if rule.RemoteIPPrefix == nil {
		return nil
	}
	prefix, err := netip.ParsePrefix(*rule.RemoteIPPrefix)
	if err != nil {
		return err // apidef has brought it into this form
	}
	if (rule.EtherType == model.IPv4) != prefix.Addr().Is4() {
		return prefixOfOtherFamily(rule.EtherType, *rule.RemoteIPPrefix)
	}
	rule.NormalizedCIDR = prefix.Masked()
	return nil
}

// checkFamily is _validate_ethertype_and_protocol.
func checkFamily(rule *model.SecurityGroupRule) error {
	if rule.EtherType == model.IPv4 && rule.Protocol != nil && slices.Contains(onlyIPv6, *rule.Protocol) {
		return protocolOfOtherFamily(rule.EtherType, *rule.Protocol)
	}
	return nil
}

func checkOneRemote(rule *model.SecurityGroupRule) error {
	remotes := 0
	for _, named := range []bool{rule.RemoteIPPrefix != nil, rule.RemoteGroupID != nil, rule.RemoteAddressGroupID != nil} {
		if named {
			remotes++
		}
	}
	if remotes > 1 {
		return severalRemotes()
	}
	return nil
}

// checkReferences looks for the groups that a rule names, with the eyes of the rule's project unless an administrator asks.
func (r *request) checkReferences(rule *model.SecurityGroupRule) error {
	scope := store.Scope{Project: rule.ProjectID, Restricted: ScopeOf(r.caller).Restricted}
	if rule.RemoteGroupID != nil {
		if err := r.groupExists(*rule.RemoteGroupID, scope); err != nil {
			return err
		}
	}
	if rule.RemoteAddressGroupID != nil {
		id := rule.RemoteAddressGroupID.String()
		if _, err := store.AddressGroup(r.tx, id, scope); err != nil {
			return store.NotFoundAs(err, apidef.AddressGroupNotFound(id))
		}
	}
	return r.groupExists(rule.SecurityGroupID, scope)
}

func (r *request) groupExists(group model.SecurityGroupID, scope store.Scope) error {
	found, err := store.Stateful(r.tx, []model.SecurityGroupID{group}, scope)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return apidef.SecurityGroupNotFound(group.String())
	}
	return nil
}

// checkDuplicates refuses rules that mean what another of the request or of the group means (_check_for_duplicate_rules).
func (r *request) checkDuplicates(rules []*model.SecurityGroupRule) error {
	meanings := map[ruleMeaning]bool{}
	for _, rule := range rules {
		if meanings[meaning(rule)] {
			return ruleTwice()
		}
		meanings[meaning(rule)] = true
	}
	present, err := store.RulesOfGroup(r.tx, rules[0].SecurityGroupID)
	if err != nil {
		return err
	}
	for _, rule := range present {
		if meanings[meaning(rule)] {
			return ruleExists(rule.ID)
		}
	}
	return nil
}

// ruleMeaning is the same for rules that let the same pass.
type ruleMeaning struct {
	direction    model.Direction
	family       model.EtherType
	protocol     int
	ports        [2]int
	group        model.SecurityGroupID
	addressGroup model.AddressGroupID
	prefix       string
}

// meaning is _rule_to_key: a protocol's name and its number are one, and so are all addresses and no restriction. ICMP's older name was
// replaced by now.
func meaning(rule *model.SecurityGroupRule) ruleMeaning {
	m := ruleMeaning{direction: rule.Direction, family: rule.EtherType, protocol: protocolNumber(rule),
		ports: [2]int{numberOr(rule.PortRangeMin, -1), numberOr(rule.PortRangeMax, -1)}}
	if rule.RemoteGroupID != nil {
		m.group = *rule.RemoteGroupID
	}
	if rule.RemoteAddressGroupID != nil {
		m.addressGroup = *rule.RemoteAddressGroupID
	}
	if p := rule.RemoteIPPrefix; p != nil && *p != "0.0.0.0/0" && *p != "::/0" {
		m.prefix = *p
	}
	return m
}

func numberOr(n *int, absent int) int {
	if n == nil {
		return absent
	}
	return *n
}
