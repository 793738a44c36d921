package quota

import (
	"context"
	"errors"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Plugin answers the API's questions about quotas.
type Plugin struct {
	db     *store.DB
	limits Limits
}

var _ plugin.Quotas = (*Plugin)(nil)

// NewPlugin returns the plugin whose projects have the limits unless the database says otherwise.
func NewPlugin(db *store.DB, l Limits) *Plugin { return &Plugin{db, l} }

// Default returns the quotas of projects that no one gave others.
func (p *Plugin) Default() []plugin.Quota {
	out := make([]plugin.Quota, len(countables))
	for i, c := range countables {
		out[i] = plugin.Quota{Resource: c.name, Limit: p.limits.Default(c.name)}
	}
	return out
}

// with returns the default quotas with the limits that a project was given in their place.
func (p *Plugin) with(own []*store.QuotaLimit) []plugin.Quota {
	out := p.Default()
	for i := range out {
		for _, o := range own {
			if o.Resource == out[i].Resource {
				out[i].Limit = o.Limit
			}
		}
	}
	return out
}

// Get returns a project's quotas.
func (p *Plugin) Get(ctx context.Context, _ *auth.Caller, project string) (quotas []plugin.Quota, err error) {
	err = p.db.Read(ctx, func(q store.Querier) error {
		own, err := store.QuotaLimits(q, project)
		quotas = p.with(own)
		return err
	})
	return quotas, err
}

// Details returns a project's quotas and what it has of them.
func (p *Plugin) Details(ctx context.Context, _ *auth.Caller, project string) (quotas []plugin.Quota, err error) {
	err = p.db.Read(ctx, func(q store.Querier) error {
		own, err := store.QuotaLimits(q, project)
		if err != nil {
			return err
		}
		quotas = p.with(own)
		for i := range quotas {
			if quotas[i].Used, err = usedOf(q, project, quotas[i].Resource); err != nil {
				return err
			}
		}
		return nil
	})
	return quotas, err
}

// List returns the quotas of the projects that were given others than the default ones.
func (p *Plugin) List(ctx context.Context, _ *auth.Caller) (all []plugin.ProjectQuotas, err error) {
	err = p.db.Read(ctx, func(q store.Querier) error {
		own, err := store.AllQuotaLimits(q)
		all = nil
		for len(own) > 0 {
			n := 1
			for n < len(own) && own[n].Project == own[0].Project {
				n++
			}
			all = append(all, plugin.ProjectQuotas{Project: own[0].Project, Quotas: p.with(own[:n])})
			own = own[n:]
		}
		return err
	})
	return all, err
}

// Set gives a project the limits and returns all its quotas. With notBelowUse it refuses limits below what the project has; like
// Neutron it then takes -1, which is no limit, for a number.
func (p *Plugin) Set(ctx context.Context, _ *auth.Caller, project string, limits []plugin.Quota,
	notBelowUse bool) (quotas []plugin.Quota, err error) {
	err = p.db.Tx(ctx, func(tx *store.Tx) error {
		for _, l := range limits {
			if notBelowUse {
				if err := checkUse(tx, project, l); err != nil {
					return err
				}
			}
			if err := store.SetQuotaLimit(tx, store.QuotaLimit{Project: project, Resource: l.Resource, Limit: l.Limit}); err != nil {
				return err
			}
		}
		own, err := store.QuotaLimits(tx, project)
		quotas = p.with(own)
		return err
	})
	return quotas, err
}

func checkUse(tx *store.Tx, project string, l plugin.Quota) error {
	if err := store.TakeQuotaTurn(tx, project, l.Resource); err != nil {
		return err
	}
	used, err := usedOf(tx, project, l.Resource)
	if err == nil && used > l.Limit {
		err = errs.New(errs.Invalid, "HTTPBadRequest", "Quota limit %d for %s must be greater than or equal to already used %d",
			l.Limit, l.Resource, used)
	}
	return err
}

// Reset takes the limits that a project was given.
func (p *Plugin) Reset(ctx context.Context, _ *auth.Caller, project string) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		err := store.DeleteQuotaLimits(tx, project)
		if errors.Is(err, store.ErrNotFound) {
			err = errs.New(errs.NotFound, "TenantQuotaNotFound", "Quota for tenant %s could not be found.", project)
		}
		return err
	})
}
