package api

import (
	"encoding/json"
	"slices"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

var securityGroups = collection[model.SecurityGroup]{
	resource: translate.SecurityGroup, path: "/security_groups", one: neutronMedia("SecurityGroup"), many: neutronMedia("SecurityGroups"),
	bulk: true,
	id:   func(g *model.SecurityGroup) *id.ID[model.SecurityGroup] { return &g.ID },
	read: readGroup, plan: planGroup, leave: leaveGroup, show: showGroup,
}

// neutronSecurityGroup is neutron/models/SecurityGroup.java.
type neutronSecurityGroup struct {
	ID          model.SecurityGroupID `json:"id"`
	Name        string                `json:"name"`
	Description string                `json:"description"`
	TenantID    string                `json:"tenant_id"`
	Rules       []any                 `json:"security_group_rules"`
}

// readGroup takes a group for stateful that does not say whether it is, as the original's always are.
func readGroup(body []byte) (*model.SecurityGroup, error) {
	g, err := readInto(body, &model.SecurityGroup{Stateful: true})
	if err != nil {
		return nil, err
	}
	for n := range g.Rules {
		if err := normalize(&g.Rules[n]); err != nil {
			return nil, err
		}
		if g.Rules[n].ID.IsZero() {
			return nil, invalid("A SecurityGroupRule has no id.")
		}
	}
	return g, nil
}

// planGroup creates a group with the rules in the body. An update changes the name and the description alone, as rules come and go by
// themselves (SecurityGroupTranslator.scala).
func planGroup(now translate.View, verb importer.Verb, wanted *model.SecurityGroup, _ []byte) ([]importer.Write, error) {
	if verb == importer.Replace {
		found := translate.Find(now, wanted.ID)
		if found == nil {
			return nil, noSuch(importer.Class(translate.SecurityGroup), objectID(wanted.ID))
		}
		g := *found
		g.Name, g.Description = wanted.Name, wanted.Description
		return []importer.Write{put(verb, translate.SecurityGroup, g.ID, g)}, nil
	}
	g := *wanted
	g.Rules = nil
	writes := []importer.Write{put(verb, translate.SecurityGroup, g.ID, g)}
	for _, r := range wanted.Rules {
		r.SecurityGroupID = g.ID
		writes = append(writes, put(verb, translate.SecurityGroupRule, r.ID, r))
	}
	return writes, nil
}

// leaveGroup takes the group's rules away, those of other groups that name it, and the group from ports that are still in it.
func leaveGroup(now translate.View, gone model.SecurityGroupID) []importer.Write {
	var writes []importer.Write
	taken := map[model.SecurityGroupRuleID]bool{}
	for _, r := range append(translate.RulesOf(now, gone), translate.RulesNaming(now, gone)...) {
		if !taken[r.ID] { // one of its own may name it
			taken[r.ID] = true
			owner := translate.Owner{Resource: translate.SecurityGroupRule, ID: r.ID}
			writes = append(writes, importer.Write{Owner: owner, Verb: importer.Delete})
		}
	}
	for _, p := range translate.MembersOf(now, gone) {
		port := *p
		port.SecurityGroups = slices.DeleteFunc(slices.Clone(p.SecurityGroups), func(g model.SecurityGroupID) bool { return g == gone })
		writes = append(writes, put(importer.Amend, translate.Port, port.ID, port))
	}
	return writes
}

func showGroup(state *mirror.State) func(*model.SecurityGroup) (any, error) {
	return func(g *model.SecurityGroup) (any, error) {
		rules, err := rulesIn(state, g.ID)
		return neutronSecurityGroup{ID: g.ID, Name: g.Name, Description: g.Description, TenantID: g.ProjectID, Rules: rules}, err
	}
}

// rulesIn returns the bodies of the group's rules, which are found by what they render to.
func rulesIn(state *mirror.State, group model.SecurityGroupID) ([]any, error) {
	bodies := []any{}
	of := id.As[topology.AddrGroup](group)
	for _, chain := range []topology.ChainID{topology.EgressChain(of), topology.IngressChain(of)} {
		for _, rendered := range rulesOf(state, chain) {
			source := sourceOf(state, translate.SecurityGroupRule, rendered.ID)
			if source == nil {
				continue
			}
			var r model.SecurityGroupRule
			if err := json.Unmarshal(source.JSON, &r); err != nil {
				return nil, err
			}
			bodies = append(bodies, showRule(&r))
		}
	}
	return bodies, nil
}

// rulesOf returns the rules of a security group's chain, those of its parts where it has parts.
func rulesOf(state *mirror.State, chain topology.ChainID) []topology.Rule {
	c := mirror.Lookup[*topology.Chain](state, topology.KindChain, chain)
	if c == nil {
		return nil
	}
	var rules []topology.Rule
	for _, r := range c.Rules {
		if r.Action == topology.ActionJump {
			rules = append(rules, rulesOf(state, r.Jump)...)
		} else {
			rules = append(rules, r)
		}
	}
	return rules
}
