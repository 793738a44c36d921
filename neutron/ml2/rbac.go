package ml2

import (
	"context"
	"errors"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// RBAC policies: the rules of neutron/db/rbac_db_mixin.py and neutron/objects/rbac_db.py, and those of networks in
// db_base_plugin_v2.py (_validate_network_rbac_policy_change) and external_net_db.py.

// shareable is a type of objects that RBAC policies speak of.
type shareable struct {
	actions []model.RBACAction
	// users returns the projects that use an object: they need to have it, or to have it shared with them (get_bound_project_ids).
	users func(q store.Querier, objectID string) ([]string, error)
}

// shareables are the types. A type joins with a line here, one in apidef.RBACObjectTypes and one in store's rbacTables.
var shareables = map[string]shareable{
	model.RBACNetwork:       {[]model.RBACAction{model.AccessAsShared, model.AccessAsExternal}, store.ProjectsWithPorts},
	model.RBACSubnetPool:    {[]model.RBACAction{model.AccessAsShared}, store.ProjectsWithSubnetsFrom},
	model.RBACAddressScope:  {[]model.RBACAction{model.AccessAsShared}, store.ProjectsWithPoolsIn},
	model.RBACSecurityGroup: {[]model.RBACAction{model.AccessAsShared}, store.ProjectsWithMembers},
	model.RBACAddressGroup:  {[]model.RBACAction{model.AccessAsShared}, store.ProjectsNamingAddressGroup},
}

// RBACPolicies returns the RBAC policies collection.
func (p *Plugin) RBACPolicies() plugin.Resource[model.RBACPolicy] { return rbacPolicies{p} }

// rbacPolicies implements plugin.Resource.
type rbacPolicies struct{ *Plugin }

func (p rbacPolicies) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.RBACPolicy]) ([]*model.RBACPolicy, error) {
	return createAll(ctx, p.Plugin, c, items, (*request).createRBACPolicy)
}

func (r *request) createRBACPolicy(body plugin.Body[model.RBACPolicy]) (*model.RBACPolicy, error) {
	v := body.Value
	v.ID = id.New[model.RBACPolicy]()
	if actions := shareables[v.ObjectType].actions; !slices.Contains(actions, v.Action) {
		return nil, invalidAction(&v, actions)
	}
	if err := r.mayShare(&v); err != nil {
		return nil, err
	}
	if v.ObjectType == model.RBACSubnetPool {
		if err := r.hasScopeOf(&v); err != nil {
			return nil, err
		}
	}
	if err := store.InsertRBACPolicy(r.tx, &v); err != nil {
		return nil, duplicatePolicy(err)
	}
	if v.ObjectType != model.RBACNetwork {
		return &v, nil
	}
	return &v, r.followPolicies(v.ObjectID, v.Action)
}

// mayShare refuses policies on what the caller does not own; of what it does not see it learns nothing. The object stays locked.
func (r *request) mayShare(p *model.RBACPolicy) error {
	owner, err := store.LockRBACObject(r.tx, p.ObjectType, p.ObjectID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return invalidInput("%s %s could not be found", p.ObjectType, p.ObjectID)
	case err != nil || r.caller.Admin || owner == r.caller.ProjectID:
		return err
	}
	shared, err := store.RBACTargets(r.tx, p.ObjectID, model.AccessAsShared)
	if err != nil {
		return err
	}
	if !includes(shared, r.caller.ProjectID) {
		return invalidInput("%s %s could not be found", p.ObjectType, p.ObjectID)
	}
	what := "objects"
	if p.ObjectType == model.RBACNetwork {
		what = "networks"
	}
	return invalidInput("Only admins can manipulate policies on %s they do not own", what)
}

// hasScopeOf refuses to share a subnet pool with a project that has no access to the pool's address scope
// (neutron/objects/subnetpool.py, validate_rbac_policy_create).
func (r *request) hasScopeOf(p *model.RBACPolicy) error {
	pool, err := store.SubnetPool(r.tx, p.ObjectID, store.Scope{})
	if err != nil || pool.AddressScopeID.IsZero() {
		return err
	}
	targets, err := store.RBACTargets(r.tx, pool.AddressScopeID.String(), model.AccessAsShared)
	if err != nil || includes(targets, p.TargetProject) {
		return err
	}
	return invalidInput("Failed to create RBAC policy on object %s because target project doesn't have access to associated address scope.",
		p.ObjectID)
}

// includes reports whether a project is among the targets of policies.
func includes(targets []string, project string) bool {
	return slices.Contains(targets, model.Everyone) || slices.Contains(targets, project)
}

// followPolicies brings a network up to date with its policies, which have changed: its revision counts up, and it is external as long
// as a policy says for whom, or a router's gateway is on it (_process_ext_policy_create, _process_ext_policy_delete).
func (r *request) followPolicies(networkID string, action model.RBACAction) error {
	n, err := store.Network(r.tx, networkID, store.Scope{})
	if err != nil {
		return err
	}
	if action == model.AccessAsExternal {
		external, err := r.isExternal(n)
		if err != nil {
			return err
		}
		if external != n.External { // the original counts that it is external, and the policy
			makeExternal(n, external)
			n.RevisionNumber++
			if err := store.TouchNetwork(r.tx, n.ID, r.now); err != nil {
				return err
			}
		}
	}
	n.UpdatedAt = r.now
	if err := store.UpdateNetwork(r.tx, n); err != nil {
		return err
	}
	return r.recordNetwork(n)
}

func (r *request) isExternal(n *model.Network) (bool, error) {
	targets, err := store.RBACTargets(r.tx, n.ID.String(), model.AccessAsExternal)
	if err != nil || len(targets) > 0 {
		return true, err
	}
	gateways, err := store.HasGatewayPorts(r.tx, n.ID)
	return gateways && n.External, err
}

func (p rbacPolicies) Get(ctx context.Context, c *auth.Caller, policyID string) (*model.RBACPolicy, error) {
	return store.ReadOne(ctx, p.db, func(q store.Querier) (*model.RBACPolicy, error) {
		found, err := store.RBACPolicy(q, policyID, ScopeOf(c))
		return found, store.NotFoundAs(err, policyNotFound(policyID))
	})
}

func (p rbacPolicies) List(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*model.RBACPolicy, error) {
	return store.ReadOne(ctx, p.db, func(q store.Querier) ([]*model.RBACPolicy, error) {
		page, err := store.ListRBACPolicies(q, ScopeOf(c), want)
		return page, store.NotFoundAs(err, policyNotFound(want.Marker))
	})
}

func (p rbacPolicies) Update(ctx context.Context, c *auth.Caller, policyID string,
	body plugin.Body[model.RBACPolicy]) (*model.RBACPolicy, error) {
	var out *model.RBACPolicy
	err := p.change(ctx, c, func(r *request) (err error) {
		if out, err = r.changeablePolicy(policyID); err == nil && body.Has("target_tenant") {
			err = r.retarget(out, body.Value.TargetProject)
		}
		return err
	})
	return out, err
}

// changeablePolicy returns a policy that the caller sees, with its object locked.
func (r *request) changeablePolicy(policyID string) (*model.RBACPolicy, error) {
	p, err := store.RBACPolicy(r.tx, policyID, ScopeOf(r.caller))
	if err != nil {
		return nil, store.NotFoundAs(err, policyNotFound(policyID))
	}
	if _, err := store.LockRBACObject(r.tx, p.ObjectType, p.ObjectID); err != nil {
		return nil, store.NotFoundAs(err, policyNotFound(policyID)) // it went with its object
	}
	return p, nil
}

// retarget lets a policy hold for another project, where the one that loses it can do without.
func (r *request) retarget(p *model.RBACPolicy, target string) error {
	if target == p.TargetProject {
		return nil
	}
	if err := r.mayShare(p); err != nil {
		return policyInUse(p, err.Error())
	}
	if target != model.Everyone {
		if err := r.mayLose(p, target); err != nil {
			return err
		}
	}
	p.TargetProject = target
	if err := store.UpdateRBACPolicy(r.tx, p); err != nil {
		return duplicatePolicy(err)
	}
	if p.ObjectType != model.RBACNetwork {
		return nil
	}
	return r.followPolicies(p.ObjectID, p.Action)
}

func (p rbacPolicies) Delete(ctx context.Context, c *auth.Caller, policyID string) error {
	return p.change(ctx, c, func(r *request) error {
		found, err := r.changeablePolicy(policyID)
		if err != nil {
			return err
		}
		if err := r.mayLose(found, ""); err != nil {
			return err
		}
		if err := store.DeleteRBACPolicy(r.tx, found.ID); err != nil || found.ObjectType != model.RBACNetwork {
			return store.NotFoundAs(err, policyNotFound(policyID))
		}
		return r.followPolicies(found.ObjectID, found.Action)
	})
}

// mayLose refuses to take a policy away, or to give it to another project, where projects use the object because of it. Of networks that
// routers have their gateway on, the original counts who gets the policy, and of those that are shared it does not.
func (r *request) mayLose(p *model.RBACPolicy, heir string) error {
	if err := r.isNotOfDefault(p); err != nil {
		return err
	}
	users, reason, err := r.dependents(p)
	if err != nil {
		return err
	}
	left, err := store.RBACTargets(r.tx, p.ObjectID, p.Action)
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(t string) bool { return t == p.TargetProject })
	if p.Action == model.AccessAsExternal {
		left = append(left, heir)
	}
	for _, user := range users {
		if includes([]string{p.TargetProject}, user) && !includes(left, user) {
			return policyInUse(p, reason)
		}
	}
	return nil
}

// isNotOfDefault refuses to take the default external network away from everyone.
func (r *request) isNotOfDefault(p *model.RBACPolicy) error {
	if p.Action != model.AccessAsExternal || p.TargetProject != model.Everyone {
		return nil
	}
	network, err := store.DefaultExternalNetwork(r.tx)
	if errors.Is(err, store.ErrNotFound) || err == nil && network.String() != p.ObjectID {
		return nil
	}
	if err != nil {
		return err
	}
	return policyInUse(p, "Default external networks must be shared to everyone.")
}

// dependents returns the projects that use an object and do so by policies, and the words for that.
func (r *request) dependents(p *model.RBACPolicy) (users []string, reason string, err error) {
	if p.Action == model.AccessAsExternal {
		users, err = store.ProjectsWithGateways(r.tx, p.ObjectID)
		return users, "There are routers attached to this network that depend on this policy for access.", err
	}
	owner, err := store.LockRBACObject(r.tx, p.ObjectType, p.ObjectID)
	if err != nil {
		return nil, "", err
	}
	users, err = shareables[p.ObjectType].users(r.tx, p.ObjectID)
	reason = "project_id=" + p.TargetProject
	if p.ObjectType == model.RBACNetwork {
		reason = invalidSharedSetting(p.ObjectID).Error()
	}
	return slices.DeleteFunc(users, func(u string) bool { return u == owner }), reason, err
}

func policyNotFound(policyID string) error {
	return errs.New(errs.NotFound, "RbacPolicyNotFound", "RBAC policy of type unknown with ID %s not found", policyID)
}

func policyInUse(p *model.RBACPolicy, reason string) error {
	return errs.New(errs.Conflict, "RbacPolicyInUse", "RBAC policy on object %s cannot be removed because other objects depend on it."+
		"\nDetails: %s", p.ObjectID, reason)
}

// duplicatePolicy gives a policy that exists already its fault.
func duplicatePolicy(err error) error {
	if store.Violates(err, store.UniqueRBACPolicy) {
		return errs.New(errs.Conflict, "DuplicateRbacPolicy", "An RBAC policy already exists with those values.")
	}
	return err
}

// invalidAction writes the valid actions as a tuple of Python's.
func invalidAction(p *model.RBACPolicy, valid []model.RBACAction) error {
	list := "("
	for i, a := range valid {
		if i > 0 {
			list += " "
		}
		list += "'" + string(a) + "',"
	}
	if len(valid) > 1 {
		list = list[:len(list)-1]
	}
	return errs.New(errs.Invalid, "InvalidActionForType", "Invalid action '%s' for object type '%s'. Valid actions: %s",
		p.Action, p.ObjectType, list+")")
}
