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
	group := id.As[topology.AddrGroup](g.ID)
	in := &topology.Chain{ID: topology.IngressChain(group), Name: "OS_SG_" + g.ID.String() + "_INGRESS", ProjectID: g.ProjectID}
	out := &topology.Chain{ID: topology.EgressChain(group), Name: "OS_SG_" + g.ID.String() + "_EGRESS", ProjectID: g.ProjectID}
	for _, r := range linked[model.SecurityGroupRule](v, link{how: ruleOf, to: g.ID}) {
		when, ok := condition(v, r)
		if !ok {
			continue
		}
		chain := in
		if r.Direction == model.Egress {
			chain = out
		}
		chain.Rules = append(chain.Rules, topology.Rule{ID: id.As[topology.Rule](r.ID), When: when, Action: topology.ActionAccept})
	}
	objects := []topology.Object{&topology.AddrGroup{ID: group, Name: g.Name, ProjectID: g.ProjectID}}
	return append(append(objects, inParts(in)...), inParts(out)...)
}

const (
	// wholeRules is how many rules of one direction are one chain, and then the most that each of its parts has on average. A chain is one
	// object, which every change of a rule writes and sends whole, and which a store takes up to a megabyte of.
	wholeRules = 500
	// maxParts bounds the chains that a packet visits for one group.
	maxParts = 32
)

// inParts returns the chain, or where it has many rules a chain that jumps to its parts, and those. Which part a rule is in follows from the
// rule's identifier and how many parts there are, so that a rule that comes or goes changes one part, until their number doubles.
func inParts(c *topology.Chain) []topology.Object {
	parts := 1
	for len(c.Rules) > parts*wholeRules && parts < maxParts {
		parts *= 2
	}
	if parts == 1 {
		return []topology.Object{c}
	}
	main := &topology.Chain{ID: c.ID, Name: c.Name, ProjectID: c.ProjectID}
	objects := []topology.Object{main}
	for n := range parts {
		what := fmt.Sprintf("part %d of %d", n+1, parts)
		part := &topology.Chain{ID: id.Derive[topology.Chain](c.ID, what), Name: fmt.Sprintf("%s_%d", c.Name, n+1), ProjectID: c.ProjectID}
		add(main, what, topology.Rule{Action: topology.ActionJump, Jump: part.ID})
		objects = append(objects, part)
	}
	for _, r := range c.Rules {
		h := fnv.New32a()
		h.Write(r.ID[:])
		part := objects[1+h.Sum32()%uint32(parts)].(*topology.Chain)
		part.Rules = append(part.Rules, r)
	}
	return objects
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
	links := []link{{how: ruleOf, to: r.SecurityGroupID}}
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
