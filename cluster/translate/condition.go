package translate

import (
	"net/netip"
	"strconv"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// The EtherTypes of IP (IEEE 802 numbers).
const (
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
)

// Protocol numbers (IANA) that rules treat in a way of their own.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// condition returns what a security group's rule accepts. ok is false for a rule that names a group which is not known, or what cannot
// be read: it accepts nothing.
//
// A range of ports is met by later fragments too, which have no ports: the original has a second rule for them, of the same addresses
// and protocol (SecurityGroupRuleTranslator.scala).
func condition(v View, r *model.SecurityGroupRule) (when topology.Condition, ok bool) {
	when.EtherType = etherTypeIPv4
	if r.EtherType == model.IPv6 {
		when.EtherType = etherTypeIPv6
	}
	if when.Proto, when.MatchProto, ok = protocol(r); !ok {
		return when, false
	}
	setPorts(&when, r)
	prefix, prefixOK := remotePrefix(r)
	group, groupOK := remoteGroup(v, r)
	if r.Direction == model.Egress {
		when.Dst, when.DstGroup = prefix, group
	} else {
		when.Src, when.SrcGroup = prefix, group
	}
	return when, prefixOK && groupOK
}

// setPorts sets the range of destination ports, or the type and code of ICMP. Neutron refuses a range with other protocols
// (securitygroups_db.py _validate_port_range).
func setPorts(when *topology.Condition, r *model.SecurityGroupRule) {
	if when.MatchProto && (when.Proto == protoICMP || when.Proto == protoICMPv6) {
		when.SrcPorts = portRange(r.PortRangeMin, r.PortRangeMin)
		when.DstPorts = portRange(r.PortRangeMax, r.PortRangeMax)
		return
	}
	when.DstPorts = portRange(r.PortRangeMin, r.PortRangeMax)
}

// portRange returns the range, unset where a bound is missing.
func portRange(first, last *int) topology.PortRange {
	if first == nil || last == nil {
		return topology.PortRange{}
	}
	return topology.PortRange{First: uint16(*first), Last: uint16(*last), Set: true}
}

// remotePrefix returns the addresses of the other end, the zero Prefix for any.
func remotePrefix(r *model.SecurityGroupRule) (netip.Prefix, bool) {
	if r.NormalizedCIDR.IsValid() {
		return r.NormalizedCIDR.Masked(), true
	}
	if r.RemoteIPPrefix == nil {
		return netip.Prefix{}, true
	}
	if addr, err := netip.ParseAddr(*r.RemoteIPPrefix); err == nil {
		return single(addr), true
	}
	prefix, err := netip.ParsePrefix(*r.RemoteIPPrefix)
	return prefix.Masked(), err == nil
}

// remoteGroup returns the group of the other end's addresses, the zero identifier for any. ok is false where it is not known.
func remoteGroup(v View, r *model.SecurityGroupRule) (group topology.AddrGroupID, ok bool) {
	switch {
	case r.RemoteGroupID != nil:
		return id.As[topology.AddrGroup](*r.RemoteGroupID), find(v, *r.RemoteGroupID) != nil
	case r.RemoteAddressGroupID != nil:
		return id.As[topology.AddrGroup](*r.RemoteAddressGroupID), find(v, *r.RemoteAddressGroupID) != nil
	}
	return topology.AddrGroupID{}, true
}

// protocol returns the rule's protocol number and whether it restricts at all. "icmp" in an IPv6 rule is ICMPv6, as Neutron's drivers
// have it.
func protocol(r *model.SecurityGroupRule) (number uint8, restricts, ok bool) {
	if r.Protocol == nil {
		return 0, false, true
	}
	number, known := protocolNumber(*r.Protocol)
	switch {
	case !known:
		return 0, false, false
	case *r.Protocol == "ip", *r.Protocol == "0":
		return 0, false, true
	case number == protoICMP && r.EtherType == model.IPv6:
		return protoICMPv6, true, true
	}
	return number, true, true
}

// protocolNumber reads a protocol's name (neutron_lib constants IP_PROTOCOL_MAP) or number.
func protocolNumber(text string) (number uint8, ok bool) {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil {
		return uint8(n), true
	}
	number, ok = protocolNumbers[text]
	return number, ok
}

var protocolNumbers = map[string]uint8{
	"ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": protoICMP, "icmpv6": protoICMPv6, "igmp": 2, "ip": 0,
	"ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": protoICMPv6, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43,
	"ospf": 89, "pgm": 113, "rsvp": 46, "sctp": protoSCTP, "tcp": protoTCP, "udp": protoUDP, "udplite": 136, "vrrp": 112,
}
