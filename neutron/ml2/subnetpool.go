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

// SubnetPools returns the subnet pools collection.
func (p *Plugin) SubnetPools() plugin.Resource[model.SubnetPool] {
	return subnetPools{p, NewReader(p.db, store.SubnetPools, subnetPoolNotFound)}
}

// subnetPools implements plugin.Resource.
type subnetPools struct {
	*Plugin
	Reader[model.SubnetPool]
}

func (p subnetPools) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.SubnetPool]) ([]*model.SubnetPool, error) {
	return createAll(ctx, p.Plugin, c, items, (*request).createSubnetPool)
}

func (r *request) createSubnetPool(body plugin.Body[model.SubnetPool]) (*model.SubnetPool, error) {
	v := body.Value
	v.ID, v.Standard = id.New[model.SubnetPool](), r.standard(v.Standard)
	v.RevisionNumber = 0 // as of a subnet
	if err := settlePool(&v, body); err != nil {
		return nil, err
	}
	if err := r.joinScope(&v, nil); err != nil {
		return nil, err
	}
	if err := store.InsertSubnetPool(r.tx, &v); err != nil {
		return nil, poolFault(err, &v)
	}
	if !v.Shared {
		return &v, nil
	}
	return &v, r.share(model.RBACSubnetPool, v.ID.String(), v.ProjectID, model.AccessAsShared)
}

// settlePool gives a new pool the bounds that the request leaves open, and checks all of them (SubnetPoolReader).
func settlePool(p *model.SubnetPool, body plugin.Body[model.SubnetPool]) error {
	if err := settlePrefixes(p); err != nil {
		return err
	}
	bounds := boundsOf(p.IPVersion)
	if !body.Has("min_prefixlen") {
		p.MinPrefixLen = bounds.shortest
	}
	if !body.Has("max_prefixlen") {
		p.MaxPrefixLen = bounds.bits
	}
	if !body.Has("default_prefixlen") {
		p.DefaultPrefixLen = p.MinPrefixLen
	}
	return checkPrefixLens(p)
}

// poolBounds are what is right for pools of an IP version (_PREFIX_VERSION_INFO).
type poolBounds struct {
	shortest model.PrefixLen // that subnets may have where the pool does not say
	bits     model.PrefixLen // of an address
	unit     int             // what quotas count: networks of this prefix length
}

func boundsOf(version int) poolBounds {
	if version == 4 {
		return poolBounds{shortest: 8, bits: 32, unit: 32}
	}
	return poolBounds{shortest: 64, bits: 128, unit: 64}
}

// settlePrefixes brings the prefixes of a pool to their shortest form, and takes the IP version from them.
func settlePrefixes(p *model.SubnetPool) error {
	if len(p.Prefixes) == 0 {
		return emptyPrefixList()
	}
	first := p.Prefixes[0].Addr()
	if slices.ContainsFunc(p.Prefixes, func(other netip.Prefix) bool { return other.Addr().Is4() != first.Is4() }) {
		return prefixVersionMismatch()
	}
	p.IPVersion = versionOf(first)
	p.Prefixes = compact(p.Prefixes)
	return nil
}

func versionOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// checkPrefixLens holds the three lengths to their order (SubnetPoolHelper).
func checkPrefixLens(p *model.SubnetPool) error {
	longest := boundsOf(p.IPVersion).bits
	switch {
	case p.MinPrefixLen > p.MaxPrefixLen:
		return illegalBounds("min_prefixlen", p.MinPrefixLen, "max_prefixlen", p.MaxPrefixLen)
	case p.MaxPrefixLen > longest:
		return illegalBounds("max_prefixlen", p.MaxPrefixLen, "ip_version_max", longest)
	case p.DefaultPrefixLen < p.MinPrefixLen:
		return illegalBounds("default_prefixlen", p.DefaultPrefixLen, "min_prefixlen", p.MinPrefixLen)
	case p.DefaultPrefixLen > p.MaxPrefixLen:
		return illegalBounds("default_prefixlen", p.DefaultPrefixLen, "max_prefixlen", p.MaxPrefixLen)
	}
	return nil
}

func (p subnetPools) Update(ctx context.Context, c *auth.Caller, poolID string,
	body plugin.Body[model.SubnetPool]) (*model.SubnetPool, error) {
	var out *model.SubnetPool
	err := p.change(ctx, c, func(r *request) (err error) {
		if out, err = r.changeablePool(poolID); err != nil {
			return err
		}
		return r.updatePool(out, body)
	})
	return out, err
}

// changeablePool returns a pool that the caller sees, and locks it. Whether the caller may change it was asked before.
func (r *request) changeablePool(poolID string) (*model.SubnetPool, error) {
	if err := store.LockSubnetPool(r.tx, poolID); err != nil {
		return nil, err
	}
	p, err := store.SubnetPool(r.tx, poolID, ScopeOf(r.caller))
	return p, store.NotFoundAs(err, subnetPoolNotFound(poolID))
}

func (r *request) updatePool(p *model.SubnetPool, body plugin.Body[model.SubnetPool]) error {
	old, v := *p, body.Value
	if body.Has("prefixes") {
		if err := mayReplace(old.Prefixes, v.Prefixes); err != nil {
			return err
		}
		p.Prefixes = v.Prefixes
	}
	set(body.Has("name"), &p.Name, v.Name)
	set(body.Has("description"), &p.Description, v.Description)
	set(body.Has("default_quota"), &p.DefaultQuota, v.DefaultQuota)
	set(body.Has("default_prefixlen"), &p.DefaultPrefixLen, v.DefaultPrefixLen)
	set(body.Has("min_prefixlen"), &p.MinPrefixLen, v.MinPrefixLen)
	set(body.Has("max_prefixlen"), &p.MaxPrefixLen, v.MaxPrefixLen)
	set(body.Has("is_default"), &p.IsDefault, v.IsDefault)
	set(body.Has("address_scope_id"), &p.AddressScopeID, v.AddressScopeID)
	if err := settlePrefixes(p); err != nil {
		return err
	}
	if err := checkPrefixLens(p); err != nil {
		return err
	}
	if err := r.joinScope(p, &old); err != nil {
		return err
	}
	return r.savePool(p)
}

// mayReplace allows to add to the prefixes of a pool.
func mayReplace(old, wanted []netip.Prefix) error {
	if len(spansWithout(spansOf(old), spansOf(wanted))) > 0 {
		return illegalPrefixUpdate("Existing prefixes must be a subset of the new prefixes")
	}
	return nil
}

// savePool stores a pool that has changed.
func (r *request) savePool(p *model.SubnetPool) error {
	p.UpdatedAt = r.now
	return poolFault(store.UpdateSubnetPool(r.tx, p), p)
}

func (p subnetPools) Delete(ctx context.Context, c *auth.Caller, poolID string) error {
	return p.change(ctx, c, func(r *request) error {
		found, err := r.changeablePool(poolID)
		if err != nil {
			return err
		}
		allocated, err := store.ProjectsWithSubnetsFrom(r.tx, poolID)
		if err != nil {
			return err
		}
		if len(allocated) > 0 {
			return poolInUse()
		}
		return store.NotFoundAs(store.DeleteSubnetPool(r.tx, found.ID), subnetPoolNotFound(poolID))
	})
}
