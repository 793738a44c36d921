package ml2

import (
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// share adds the policy by which a new object, or one that was not shared, is everyone's.
func (r *request) share(objectType, objectID, owner string, action model.RBACAction) error {
	return store.InsertRBACPolicy(r.tx, &model.RBACPolicy{
		ID: id.New[model.RBACPolicy](), ProjectID: owner, ObjectType: objectType, ObjectID: objectID, Action: action,
		TargetProject: model.Everyone,
	})
}

// shareNewNetwork adds the policies that follow from shared and router:external.
func (r *request) shareNewNetwork(n *model.Network) error {
	if n.Shared {
		if err := r.share(model.RBACNetwork, n.ID.String(), n.ProjectID, model.AccessAsShared); err != nil {
			return err
		}
	}
	if n.External {
		return r.share(model.RBACNetwork, n.ID.String(), n.ProjectID, model.AccessAsExternal)
	}
	return nil
}

// shareNetwork changes whether a network is everyone's, where a request says so, and fills in whether it is the caller's. It reports
// whether it has changed anything.
func (r *request) shareNetwork(n *model.Network, body plugin.Body[model.Network]) (changed bool, err error) {
	if !body.Has("shared") {
		return false, nil
	}
	targets, err := store.RBACTargets(r.tx, n.ID.String(), model.AccessAsShared)
	if err != nil {
		return false, err
	}
	was, want := slices.Contains(targets, model.Everyone), body.Value.Shared
	n.Shared = want || slices.Contains(targets, r.caller.ProjectID)
	switch {
	case want && !was:
		return true, r.share(model.RBACNetwork, n.ID.String(), n.ProjectID, model.AccessAsShared)
	case was && !want:
		if err := r.checkUnshare(n, targets); err != nil {
			return false, err
		}
		return true, store.DeleteRBACPolicies(r.tx, n.ID.String(), model.AccessAsShared, model.Everyone)
	}
	return false, nil
}

// checkUnshare refuses to take a network away from projects that use it and have no policy of their own (_validate_shared_update).
func (r *request) checkUnshare(n *model.Network, targets []string) error {
	projects, err := store.ProjectsOnNetwork(r.tx, n.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(projects, func(p string) bool { return p != n.ProjectID && !slices.Contains(targets, p) }) {
		return invalidSharedSetting(n.Name)
	}
	return nil
}

// setExternal makes a network everyone's gateway network or no one's, where a request says so (_process_l3_update).
func (r *request) setExternal(n *model.Network, body plugin.Body[model.Network]) error {
	if !body.Has("router:external") || body.Value.External == n.External {
		return nil
	}
	makeExternal(n, body.Value.External)
	if n.External {
		return r.share(model.RBACNetwork, n.ID.String(), n.ProjectID, model.AccessAsExternal)
	}
	gateways, err := store.HasGatewayPorts(r.tx, n.ID)
	if err != nil {
		return err
	}
	if gateways {
		return externalInUse(n.ID)
	}
	return store.DeleteRBACPolicies(r.tx, n.ID.String(), model.AccessAsExternal)
}

// recordNetwork appends the task of a network that has changed. Whether a network is shared depends on who looks; the journal has what
// everyone sees.
func (r *request) recordNetwork(n *model.Network) error {
	seen := recordedNetwork(n)
	if n.Shared {
		targets, err := store.RBACTargets(r.tx, n.ID.String(), model.AccessAsShared)
		if err != nil {
			return err
		}
		seen.Shared = slices.Contains(targets, model.Everyone)
	}
	return r.record(journal.Update, journal.Network, n.ID.String(), n.ProjectID, seen)
}

// recordedNetwork is the network as the backend learns of it: without what follows from the hosts, which the backend knows.
func recordedNetwork(n *model.Network) *model.Network {
	own := *n
	own.AvailabilityZones = nil
	return &own
}
