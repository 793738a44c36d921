package translate

import (
	"fmt"
	"hash/fnv"
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// renderGroup renders a security group as the set of its members' addresses, for rules that name it, and a chain for each direction
// with a rule for each of its rules (MidoNet SecurityGroupTranslator.scala). All rules accept, so their order does not matter; they are
// in order of identifier, or in parts.
func renderGroup(v View, g *model.SecurityGroup) []topology.Object {
	group := &topology.AddrGroup{ID: id.As[topology.AddrGroup](g.ID), Name: g.Name, ProjectID: g.ProjectID}
	in, out := newGroupChain(v, g, false), newGroupChain(v, g, true)
	return append(append([]topology.Object{group}, in.whole(v)...), out.whole(v)...)
}

const (
	// wholeRules is how many rules of one direction are one chain, and then the most that each of its parts has on average. A chain is one
	// object, which every change of a rule writes and sends whole, and which a store takes up to a megabyte of.
	wholeRules = 500
	// maxParts bounds the chains that a packet visits for one group.
	maxParts = 32
)

// groupChain is a group's chain for one direction. Where the group has many rules it is a chain that jumps to its parts, and those. Which part
// a rule is in follows from the rule's identifier and how many parts there are, so that a rule that comes or goes changes one part, until
// their number doubles.
type groupChain struct {
	group  model.SecurityGroupID
	chain  topology.Chain
	egress bool
	parts  int // a power of two
}

func newGroupChain(v View, g *model.SecurityGroup, egress bool) groupChain {
	group := id.As[topology.AddrGroup](g.ID)
	c := groupChain{g.ID, topology.Chain{ID: topology.IngressChain(group), Name: "OS_SG_" + g.ID.String() + "_INGRESS", ProjectID: g.ProjectID}, egress, 1}
	if egress {
		c.chain.ID, c.chain.Name = topology.EgressChain(group), "OS_SG_"+g.ID.String()+"_EGRESS"
	}
	rules := 0
	for _, l := range rulesIn(g.ID, egress, 0, 1) {
		rules += v.count(l)
	}
	for rules > c.parts*wholeRules && c.parts < maxParts {
		c.parts *= 2
	}
	return c
}

// A rule has one of maxParts places, which follows from its identifier, and is in the part whose number is what is left of the place divided by how many
// parts there are. So a part is found without a look at the rules of others.

func placeOf(rule model.SecurityGroupRuleID) int {
	h := fnv.New32a()
	h.Write(rule[:])
	return int(h.Sum32() % maxParts)
}

// rulesAt is the link that the group's rules of a direction have at a place.
func rulesAt(g model.SecurityGroupID, egress bool, place int) link {
	l := link{how: ruleOf, to: g, on: [16]byte{byte(place)}}
	if egress {
		l.on[1] = 1
	}
	return l
}

// rulesIn returns the links of the rules of a direction that are in a part, of so many.
func rulesIn(g model.SecurityGroupID, egress bool, part, parts int) []link {
	links := make([]link, 0, maxParts)
	for place := part; place < maxParts; place += parts {
		links = append(links, rulesAt(g, egress, place))
	}
	return links
}

// whole returns all that the chain is.
func (c groupChain) whole(v View) []topology.Object {
	if c.parts == 1 {
		return []topology.Object{c.part(v, 0)}
	}
	main := c.chain
	objects := []topology.Object{&main}
	for n := range c.parts {
		part := c.part(v, n)
		add(&main, c.name(n), topology.Rule{Action: topology.ActionJump, Jump: part.ID})
		objects = append(objects, part)
	}
	return objects
}

// name is what the identifiers of the part and of the jump to it are made of.
func (c groupChain) name(part int) string { return fmt.Sprintf("part %d of %d", part+1, c.parts) }

// part returns a part, or the chain itself where that is one.
func (c groupChain) part(v View, n int) *topology.Chain {
	part := c.chain
	if c.parts > 1 {
		part.ID, part.Name = id.Derive[topology.Chain](c.chain.ID, c.name(n)), fmt.Sprintf("%s_%d", c.chain.Name, n+1)
	}
	for _, r := range linked[model.SecurityGroupRule](v, rulesIn(c.group, c.egress, n, c.parts)...) {
		if when, ok := condition(v, r); ok {
			part.Rules = append(part.Rules, topology.Rule{ID: id.As[topology.Rule](r.ID), When: when, Action: topology.ActionAccept})
		}
	}
	return &part
}

// around returns the part that has, or would have, the rule.
func (c groupChain) around(v View, rule *model.SecurityGroupRule) topology.Object {
	return c.part(v, placeOf(rule.ID)%c.parts)
}

// differingInGroup is Differing for a group of which a rule has changed: the parts that the rule was in and is in, unless there are more or
// fewer of them now.
func differingInGroup(before, after View, g *model.SecurityGroup, changed Owner) (was, is []topology.Object, ok bool) {
	if changed.Resource != SecurityGroupRule {
		return nil, nil, false
	}
	rules := map[bool]*model.SecurityGroupRule{} // by whether they are of what members send
	for _, v := range []View{before, after} {
		if r, _ := v.object(changed.ID).(*model.SecurityGroupRule); r != nil && r.SecurityGroupID == g.ID {
			rules[r.Direction == model.Egress] = r
		}
	}
	for egress, r := range rules {
		old, now := newGroupChain(before, g, egress), newGroupChain(after, g, egress)
		if old.parts != now.parts {
			return nil, nil, false
		}
		was, is = append(was, old.around(before, r)), append(is, now.around(after, r))
	}
	return was, is, true
}

// touchedByGroup returns the members, whose answers pass or not with the group, and the groups whose rules name one that comes or goes.
func touchedByGroup(_, after View, old, now *model.SecurityGroup) []Owner {
	var owners []Owner
	g := either(old, now).ID
	if old == nil || now == nil {
		owners = groupsNaming(after, g)
	}
	if stateful(old) != stateful(now) {
		owners = append(owners, linkedOwners(after, link{how: memberOf, to: g}, Port)...)
	}
	return owners
}

func stateful(g *model.SecurityGroup) bool { return g != nil && g.Stateful }

// groupsNaming returns the security groups that have a rule which names the group of addresses.
func groupsNaming(v View, group [16]byte) []Owner {
	var owners []Owner
	for _, r := range linked[model.SecurityGroupRule](v, link{how: ruleNaming, to: group}) {
		owners = append(owners, Owner{SecurityGroup, r.SecurityGroupID})
	}
	return owners
}

func linksOfRule(r *model.SecurityGroupRule) []link {
	links := []link{rulesAt(r.SecurityGroupID, r.Direction == model.Egress, placeOf(r.ID))}
	if r.RemoteGroupID != nil {
		links = append(links, link{how: ruleNaming, to: *r.RemoteGroupID})
	}
	if r.RemoteAddressGroupID != nil {
		links = append(links, link{how: ruleNaming, to: *r.RemoteAddressGroupID})
	}
	return links
}

func needsOfRule(r *model.SecurityGroupRule) []Owner {
	needs := []Owner{{SecurityGroup, r.SecurityGroupID}}
	if r.RemoteGroupID != nil {
		needs = append(needs, Owner{SecurityGroup, *r.RemoteGroupID})
	}
	if r.RemoteAddressGroupID != nil {
		needs = append(needs, Owner{AddressGroup, *r.RemoteAddressGroupID})
	}
	return needs
}

// touchedByRule returns the group that the rule is in.
func touchedByRule(_, _ View, old, now *model.SecurityGroupRule) []Owner {
	var owners []Owner
	for _, r := range []*model.SecurityGroupRule{old, now} {
		if r != nil {
			owners = append(owners, Owner{SecurityGroup, r.SecurityGroupID})
		}
	}
	return owners
}

// renderAddressGroup renders an address group as a set of addresses that no port has.
func renderAddressGroup(_ View, g *model.AddressGroup) []topology.Object {
	group := id.As[topology.AddrGroup](g.ID)
	objects := []topology.Object{&topology.AddrGroup{ID: group, Name: g.Name, ProjectID: g.ProjectID}}
	seen := map[netip.Prefix]bool{}
	for _, prefix := range g.Addresses {
		if prefix = prefix.Masked(); prefix.IsValid() && !seen[prefix] {
			seen[prefix] = true
			objects = append(objects, topology.NewGroupMember(group, prefix, topology.PortID{}))
		}
	}
	return objects
}

// touchedByAddressGroup returns the groups whose rules name an address group that comes or goes.
func touchedByAddressGroup(_, after View, old, now *model.AddressGroup) []Owner {
	if old != nil && now != nil {
		return nil
	}
	return groupsNaming(after, either(old, now).ID)
}
