package ml2

import (
	"context"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Security groups: the rules of neutron/db/securitygroups_db.py, which are part of the core plugin there too, since every port joins the
// default group of its project.

// SecurityGroups returns the security groups collection.
func (p *Plugin) SecurityGroups() plugin.Resource[model.SecurityGroup] {
	return securityGroups{p, NewReader(p.db, store.SecurityGroups, apidef.SecurityGroupNotFound).after(p.ensureDefaultListed)}
}

// securityGroups implements plugin.Resource.
type securityGroups struct {
	*Plugin
	Reader[model.SecurityGroup]
}

func (g securityGroups) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.SecurityGroup]) ([]*model.SecurityGroup,
	error) {
	return createAll(ctx, g.Plugin, c, items, (*request).createSecurityGroup)
}

func (r *request) createSecurityGroup(body plugin.Body[model.SecurityGroup]) (*model.SecurityGroup, error) {
	v := body.Value
	v.ID, v.Standard = id.New[model.SecurityGroup](), r.standard(v.Standard)
	if _, err := r.ensureDefaultGroup(v.ProjectID); err != nil {
		return nil, err
	}
	return &v, r.insertGroup(&v, firstRules(&v))
}

// insertGroup stores a new group and its first rules, and tells the backend.
func (r *request) insertGroup(g *model.SecurityGroup, rules []model.SecurityGroupRule) error {
	if err := r.reserveRules(g.ProjectID, len(rules)); err != nil {
		return err
	}
	if err := store.InsertSecurityGroup(r.tx, g); err != nil {
		return err
	}
	g.Rules = nil
	if err := r.record(journal.Create, journal.SecurityGroup, g.ID.String(), g.ProjectID, g); err != nil {
		return err
	}
	for i := range rules {
		if err := r.insertRule(&rules[i]); err != nil {
			return err
		}
	}
	g.Rules = rules
	return nil
}

func (g securityGroups) Update(ctx context.Context, c *auth.Caller, groupID string,
	body plugin.Body[model.SecurityGroup]) (*model.SecurityGroup, error) {
	return changed(ctx, g.Plugin, c, func(r *request) (*model.SecurityGroup, error) { return r.updateSecurityGroup(groupID, body) })
}

func (r *request) updateSecurityGroup(groupID string, body plugin.Body[model.SecurityGroup]) (*model.SecurityGroup, error) {
	g, err := r.changeableGroup(groupID)
	if err != nil {
		return nil, err
	}
	v := body.Value
	if body.Has("stateful") && v.Stateful != g.Stateful {
		used, err := store.HasPorts(r.tx, g.ID)
		if err != nil {
			return nil, err
		}
		if used {
			return nil, groupInUse(g.ID)
		}
	}
	if g.Name == defaultGroupName && body.Has("name") {
		return nil, defaultGroupNameFixed()
	}
	if len(body.Given) == 0 { // which the original does not count as a change
		return g, nil
	}
	set(body.Has("name"), &g.Name, v.Name)
	set(body.Has("description"), &g.Description, v.Description)
	set(body.Has("stateful"), &g.Stateful, v.Stateful)
	g.UpdatedAt = r.now
	if err := store.UpdateSecurityGroup(r.tx, g); err != nil {
		return nil, err
	}
	return g, r.record(journal.Update, journal.SecurityGroup, g.ID.String(), g.ProjectID, withoutRules(g))
}

// withoutRules is a group as a task has it: each rule has tasks of its own.
func withoutRules(g *model.SecurityGroup) *model.SecurityGroup {
	bare := *g
	bare.Rules = nil
	return &bare
}

// changeableGroup returns a group that the caller sees, and locks it. Whether the caller may change it was asked before.
func (r *request) changeableGroup(groupID string) (*model.SecurityGroup, error) {
	if err := store.LockSecurityGroup(r.tx, groupID); err != nil {
		return nil, err
	}
	g, err := store.SecurityGroup(r.tx, groupID, ScopeOf(r.caller))
	return g, store.NotFoundAs(err, apidef.SecurityGroupNotFound(groupID))
}

func (g securityGroups) Delete(ctx context.Context, c *auth.Caller, groupID string) error {
	return g.change(ctx, c, func(r *request) error { return r.deleteSecurityGroup(groupID) })
}

// deleteSecurityGroup removes a group with its rules, and with the rules of others that name it.
func (r *request) deleteSecurityGroup(groupID string) error {
	g, err := r.changeableGroup(groupID)
	if err != nil {
		return err
	}
	used, err := store.HasPorts(r.tx, g.ID)
	switch {
	case err != nil:
		return err
	case used:
		return groupInUse(g.ID)
	case g.Name == defaultGroupName && !r.caller.Admin:
		return defaultGroupStays()
	}
	naming, err := store.RulesNamingGroup(r.tx, g.ID)
	if err != nil {
		return err
	}
	for _, rule := range naming {
		if err := r.removeRule(rule); err != nil {
			return err
		}
	}
	if err := store.DeleteSecurityGroup(r.tx, g.ID); err != nil {
		return store.NotFoundAs(err, apidef.SecurityGroupNotFound(groupID))
	}
	for i := range g.Rules {
		if err := r.recordRuleGone(&g.Rules[i]); err != nil {
			return err
		}
	}
	return r.record(journal.Delete, journal.SecurityGroup, g.ID.String(), g.ProjectID, nil)
}
