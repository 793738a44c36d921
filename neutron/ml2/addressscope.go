package ml2

import (
	"context"
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// AddressScopes returns the address scopes collection.
func (p *Plugin) AddressScopes() plugin.Resource[model.AddressScope] { return addressScopes{p} }

// addressScopes implements plugin.Resource; the rules are those of neutron/db/address_scope_db.py.
type addressScopes struct{ *Plugin }

func (s addressScopes) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.AddressScope]) ([]*model.AddressScope, error) {
	return createAll(ctx, s.Plugin, c, items, (*request).createAddressScope)
}

func (r *request) createAddressScope(body plugin.Body[model.AddressScope]) (*model.AddressScope, error) {
	v := body.Value
	v.ID = id.New[model.AddressScope]()
	if err := store.InsertAddressScope(r.tx, &v); err != nil || !v.Shared {
		return &v, err
	}
	return &v, r.share(model.RBACAddressScope, v.ID.String(), v.ProjectID, model.AccessAsShared)
}

func (s addressScopes) Get(ctx context.Context, c *auth.Caller, scopeID string) (*model.AddressScope, error) {
	return store.ReadOne(ctx, s.db, func(q store.Querier) (*model.AddressScope, error) {
		found, err := store.AddressScope(q, scopeID, ScopeOf(c))
		return found, store.NotFoundAs(err, addressScopeNotFound(scopeID))
	})
}

func (s addressScopes) List(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*model.AddressScope, error) {
	return store.ReadOne(ctx, s.db, func(q store.Querier) ([]*model.AddressScope, error) {
		page, err := store.ListAddressScopes(q, ScopeOf(c), want)
		return page, store.NotFoundAs(err, addressScopeNotFound(want.Marker))
	})
}

func (s addressScopes) Update(ctx context.Context, c *auth.Caller, scopeID string,
	body plugin.Body[model.AddressScope]) (*model.AddressScope, error) {
	var out *model.AddressScope
	err := s.change(ctx, c, func(r *request) (err error) {
		if out, err = r.changeableScope(scopeID); err != nil {
			return err
		}
		return r.updateAddressScope(out, body)
	})
	return out, err
}

// changeableScope returns a scope that the caller sees, and locks it. Whether the caller may change it was asked before.
func (r *request) changeableScope(scopeID string) (*model.AddressScope, error) {
	if err := store.LockAddressScope(r.tx, scopeID); err != nil {
		return nil, err
	}
	s, err := store.AddressScope(r.tx, scopeID, ScopeOf(r.caller))
	return s, store.NotFoundAs(err, addressScopeNotFound(scopeID))
}

func (r *request) updateAddressScope(s *model.AddressScope, body plugin.Body[model.AddressScope]) error {
	if body.Has("shared") {
		if s.Shared && !body.Value.Shared {
			return cannotUnshareScope(s.ID.String())
		}
		if body.Value.Shared {
			if err := r.shareScope(s); err != nil {
				return err
			}
		}
	}
	set(body.Has("name"), &s.Name, body.Value.Name)
	return store.UpdateAddressScope(r.tx, s)
}

// shareScope makes a scope everyone's, if it is not, by a policy of who asks for it (neutron/objects/rbac_db.py, update_shared).
func (r *request) shareScope(s *model.AddressScope) error {
	targets, err := store.RBACTargets(r.tx, s.ID.String(), model.AccessAsShared)
	if err != nil {
		return err
	}
	s.Shared = true
	if slices.Contains(targets, model.Everyone) {
		return nil
	}
	return r.share(model.RBACAddressScope, s.ID.String(), r.caller.ProjectID, model.AccessAsShared)
}

func (s addressScopes) Delete(ctx context.Context, c *auth.Caller, scopeID string) error {
	return s.change(ctx, c, func(r *request) error {
		found, err := r.changeableScope(scopeID)
		if err != nil {
			return err
		}
		err = store.DeleteAddressScope(r.tx, found.ID)
		if store.Violates(err, store.Reference) {
			return addressScopeInUse(scopeID)
		}
		return store.NotFoundAs(err, addressScopeNotFound(scopeID))
	})
}

// joinScope checks whether a pool may be as it is to be in its address scope, which stays locked (_validate_address_scope_id). old is nil
// for a new pool.
func (r *request) joinScope(p, old *model.SubnetPool) error {
	if old != nil && !old.AddressScopeID.IsZero() {
		if err := r.mayChangeIn(old); err != nil {
			return err
		}
	}
	if p.AddressScopeID.IsZero() {
		return nil
	}
	s, err := r.changeableScope(p.AddressScopeID.String())
	if err != nil {
		return err
	}
	if s.IPVersion != p.IPVersion {
		return scopeVersion(p, s)
	}
	if old != nil && old.AddressScopeID != p.AddressScopeID {
		neighbours, err := store.NeighboursOf(r.tx, p)
		if err != nil {
			return err
		}
		if len(neighbours) > 0 {
			return scopeAffinity()
		}
	}
	return r.checkUniqueInScope(p)
}

// mayChangeIn refuses to change a pool in an address scope that is only shared with the caller (_check_subnetpool_update_allowed).
func (r *request) mayChangeIn(p *model.SubnetPool) error {
	s, err := store.AddressScope(r.tx, p.AddressScopeID.String(), ScopeOf(r.caller))
	if err != nil {
		return store.NotFoundAs(err, addressScopeNotFound(p.AddressScopeID.String()))
	}
	if r.caller.Admin || s.ProjectID == r.caller.ProjectID {
		return nil
	}
	return illegalPoolUpdate("subnetpool %s cannot be updated when associated with shared address scope %s", p.ID, s.ID)
}

// checkUniqueInScope refuses prefixes that another pool of the scope has.
func (r *request) checkUniqueInScope(p *model.SubnetPool) error {
	pools, err := store.PoolsInScope(r.tx, p.AddressScopeID)
	if err != nil {
		return err
	}
	for _, other := range pools {
		overlaps := func(o netip.Prefix) bool { return slices.ContainsFunc(p.Prefixes, o.Overlaps) }
		if other.ID != p.ID && slices.ContainsFunc(other.Prefixes, overlaps) {
			return scopePrefixConflict()
		}
	}
	return nil
}
