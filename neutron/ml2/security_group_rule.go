package ml2

import (
	"context"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/store"
)

// SecurityGroupRules returns the security group rules collection.
func (p *Plugin) SecurityGroupRules() plugin.Resource[model.SecurityGroupRule] {
	return securityGroupRules{p, NewReader(p.db, store.SecurityGroupRules, ruleNotFound).after(p.ensureDefaultListed)}
}

// securityGroupRules implements plugin.Resource.
type securityGroupRules struct {
	*Plugin
	Reader[model.SecurityGroupRule]
}

// Create makes rules of one group (create_security_group_rule_bulk_native).
func (s securityGroupRules) Create(ctx context.Context, c *auth.Caller,
	items []plugin.Body[model.SecurityGroupRule]) ([]*model.SecurityGroupRule, error) {
	return changed(ctx, s.Plugin, c, func(r *request) ([]*model.SecurityGroupRule, error) {
		if err := quota.Check(s.cfg.Quotas, r.tx, c, items); err != nil {
			return nil, err
		}
		return r.createRules(items)
	})
}

func (r *request) createRules(items []plugin.Body[model.SecurityGroupRule]) ([]*model.SecurityGroupRule, error) {
	rules := make([]*model.SecurityGroupRule, len(items))
	for i, item := range items {
		v := item.Value
		v.ID, v.Standard = id.New[model.SecurityGroupRule](), r.standard(v.Standard)
		v.RevisionNumber = 0 // as the original counts rules
		rules[i] = &v
	}
	if err := checkOneGroup(rules); err != nil {
		return nil, err
	}
	for _, rule := range rules {
		if err := r.settleRule(rule); err != nil {
			return nil, err
		}
	}
	if err := r.lockGroupOf(rules); err != nil {
		return nil, err
	}
	if err := r.checkDuplicates(rules); err != nil {
		return nil, err
	}
	for _, rule := range rules {
		if err := r.insertRule(rule); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// lockGroupOf counts up the revision of the group that rules are added to: of two requests that do so at once, the second goes on when
// the first has committed, and sees its rules.
func (r *request) lockGroupOf(rules []*model.SecurityGroupRule) error {
	group := rules[0].SecurityGroupID
	err := store.TouchSecurityGroup(r.tx, group, len(rules), r.now)
	return store.NotFoundAs(err, apidef.SecurityGroupNotFound(group.String()))
}

// insertRule stores a rule and tells the backend.
func (r *request) insertRule(rule *model.SecurityGroupRule) error {
	if err := goneMeanwhile(store.InsertSecurityGroupRule(r.tx, rule)); err != nil {
		return err
	}
	return r.record(journal.Create, journal.SecurityGroupRule, rule.ID.String(), rule.ProjectID, rule)
}

// reserveRules asks for room for the rules that a new group begins with.
func (r *request) reserveRules(project string, n int) error {
	return quota.Reserve(r.cfg.Quotas, r.tx, project, "security_group_rule", n)
}

// Update refuses: no attribute of a rule may be changed, and what asks for no change has no meaning either.
func (s securityGroupRules) Update(ctx context.Context, c *auth.Caller, ruleID string,
	_ plugin.Body[model.SecurityGroupRule]) (*model.SecurityGroupRule, error) {
	if _, err := s.Get(ctx, c, ruleID); err != nil {
		return nil, err
	}
	return nil, badRequest("security_group_rule", "a rule cannot be changed; delete it and create another")
}

func (s securityGroupRules) Delete(ctx context.Context, c *auth.Caller, ruleID string) error {
	return s.change(ctx, c, func(r *request) error { return r.deleteRule(ruleID) })
}

func (r *request) deleteRule(ruleID string) error {
	rule, err := store.SecurityGroupRule(r.tx, ruleID, ScopeOf(r.caller))
	if err != nil {
		return store.NotFoundAs(err, ruleNotFound(ruleID))
	}
	return r.removeRule(rule)
}

// removeRule removes a rule of a group that stays.
func (r *request) removeRule(rule *model.SecurityGroupRule) error {
	err := store.TouchSecurityGroup(r.tx, rule.SecurityGroupID, 1, r.now)
	if err == nil {
		err = store.DeleteSecurityGroupRule(r.tx, rule.ID)
	}
	if err != nil {
		return store.NotFoundAs(err, ruleNotFound(rule.ID.String()))
	}
	return r.recordRuleGone(rule)
}

func (r *request) recordRuleGone(rule *model.SecurityGroupRule) error {
	return r.record(journal.Delete, journal.SecurityGroupRule, rule.ID.String(), rule.ProjectID, nil)
}
