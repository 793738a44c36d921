package ml2

import (
	"context"
	"errors"
	"unicode/utf8"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// The group that each project has, which its ports join that name none.
const (
	defaultGroupName        = "default"
	defaultGroupDescription = "Default security group"
)

// etherTypes are the families that a new group has rules for.
var etherTypes = []model.EtherType{model.IPv4, model.IPv6}

// ensureDefaultGroup returns the default group of a project, and makes it where there is none. It returns the zero identifier where the
// caller may not make it: only the project itself and an administrator do (_ensure_default_security_group).
func (r *request) ensureDefaultGroup(project string) (model.SecurityGroupID, error) {
	if !mayEnsure(r.caller, project) {
		return model.SecurityGroupID{}, nil
	}
	found, err := store.DefaultSecurityGroup(r.tx, project)
	if !errors.Is(err, store.ErrNotFound) {
		return found, err
	}
	g := &model.SecurityGroup{ID: id.New[model.SecurityGroup](), Name: defaultGroupName, Stateful: true}
	g.Standard = r.standard(model.Standard{ProjectID: project, Description: defaultGroupDescription})
	if err := r.insertGroup(g, append(firstRules(g), rulesAmongMembers(g)...)); err != nil {
		return model.SecurityGroupID{}, err
	}
	err = store.InsertDefaultSecurityGroup(r.tx, g)
	if store.Violates(err, store.UniqueDefaultGroup) {
		err = store.ErrStale // someone else was quicker: the transaction runs again, and finds that group
	}
	return g.ID, err
}

func mayEnsure(c *auth.Caller, project string) bool {
	return project != "" && utf8.RuneCountInString(project) <= apidef.ProjectIDSize && (project == c.ProjectID || c.Admin)
}

// ensureDefaultListed makes the default group that a list of groups or rules is to show: that of the project which the list is filtered
// by, or the caller's.
func (p *Plugin) ensureDefaultListed(ctx context.Context, c *auth.Caller, want plugin.Query) error {
	project := c.ProjectID
	for _, f := range want.Filters {
		if f.Attr == "project_id" && len(f.Values) > 0 {
			project = f.Values[0]
		}
	}
	if !mayEnsure(c, project) {
		return nil
	}
	has, err := store.ReadOne(ctx, p.db, func(q store.Querier) (bool, error) {
		_, err := store.DefaultSecurityGroup(q, project)
		return !errors.Is(err, store.ErrNotFound), store.NotFoundAs(err, nil)
	})
	if err != nil || has {
		return err
	}
	err = p.change(ctx, c, func(r *request) error {
		_, err := r.ensureDefaultGroup(project)
		return err
	})
	if errors.Is(err, store.ErrReadOnly) { // it is made by a list that comes later
		return nil
	}
	return err
}

// firstRules let everything out, as every new group does.
func firstRules(g *model.SecurityGroup) []model.SecurityGroupRule {
	var rules []model.SecurityGroupRule
	for _, family := range etherTypes {
		rules = append(rules, ruleOfGroup(g, model.Egress, family))
	}
	return rules
}

// rulesAmongMembers let the members of a group reach each other.
func rulesAmongMembers(g *model.SecurityGroup) []model.SecurityGroupRule {
	var rules []model.SecurityGroupRule
	for _, family := range etherTypes {
		rule := ruleOfGroup(g, model.Ingress, family)
		rule.RemoteGroupID = &g.ID
		rules = append(rules, rule)
	}
	return rules
}

func ruleOfGroup(g *model.SecurityGroup, d model.Direction, family model.EtherType) model.SecurityGroupRule {
	return model.SecurityGroupRule{
		ID: id.New[model.SecurityGroupRule](), SecurityGroupID: g.ID, Direction: d, EtherType: family,
		Standard: model.Standard{ProjectID: g.ProjectID, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt},
	}
}
