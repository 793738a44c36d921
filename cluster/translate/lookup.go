package translate

import (
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

// Find returns the Neutron object, nil where it is unknown. It is shared and must not be changed.
func Find[T any](v View, i id.ID[T]) *T { return find(v, i) }

// RouterPorts returns the interfaces and gateways of a router, in order of identifier.
func RouterPorts(v View, r model.RouterID) []*model.Port {
	return linked[model.Port](v, link{how: routerPortOf, to: r})
}

// MembersOf returns the ports that are in the security group, in order of identifier.
func MembersOf(v View, g model.SecurityGroupID) []*model.Port {
	return linked[model.Port](v, link{how: memberOf, to: g})
}

// RulesOf returns the rules of the security group, in order of identifier.
func RulesOf(v View, g model.SecurityGroupID) []*model.SecurityGroupRule {
	return linked[model.SecurityGroupRule](v, append(rulesIn(g, false, 0, 1), rulesIn(g, true, 0, 1)...)...)
}

// RulesNaming returns the rules, of any group, whose other end are the members of the security group, in order of identifier.
func RulesNaming(v View, g model.SecurityGroupID) []*model.SecurityGroupRule {
	return linked[model.SecurityGroupRule](v, link{how: ruleNaming, to: g})
}

// FloatingIPsFor returns the floating addresses that stand for the port, in order of identifier.
func FloatingIPsFor(v View, p model.PortID) []*model.FloatingIP {
	return linked[model.FloatingIP](v, link{how: floatingFor, to: p})
}

// Answers reports whether the router that the floating address names has a port that answers for it.
func Answers(v View, f *model.FloatingIP) bool {
	_, _, ok := floatingPort(v, f)
	return ok
}

// Reaches reports whether the address is on a link of the router, so that it can be a next hop.
func Reaches(v View, r model.RouterID, a netip.Addr) bool {
	_, ok := portTo(v, RouterPorts(v, r), a)
	return ok
}

// ProtocolNumber returns the number of an IP protocol that a rule names (neutron_lib constants IP_PROTOCOL_MAP) or numbers, 0 to 255.
func ProtocolNumber(text string) (number uint8, ok bool) { return protocolNumber(text) }
