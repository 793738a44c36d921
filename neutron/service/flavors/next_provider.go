package flavors

import (
	"context"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// NextProviderOf returns the collection that has the provider of a flavor's first profile, and nothing else.
func (p *Plugin) NextProviderOf(flavorID string) plugin.Resource[model.NextProvider] {
	return nextProviders{Plugin: p, flavorID: flavorID}
}

// nextProviders implements plugin.Resource for one flavor.
type nextProviders struct {
	*Plugin
	plugin.Unwritable[model.NextProvider]
	flavorID string
}

// find returns the provider (get_flavor_next_provider).
func (n nextProviders) find(ctx context.Context) (*model.NextProvider, error) {
	return store.Read(ctx, n.db, func(q store.Querier) (*model.NextProvider, error) {
		flavor, err := findFlavor(q, n.flavorID)
		if err != nil {
			return nil, err
		}
		if len(flavor.ServiceProfiles) == 0 {
			return nil, associations{n.Plugin, n.flavorID}.notAssociated("")
		}
		profile, err := findProfile(q, flavor.ServiceProfiles[0].String())
		if err != nil {
			return nil, err
		}
		if !profile.Enabled {
			return nil, errs.New(errs.Unavailable, "ServiceProfileDisabled", "Service Profile is not enabled.")
		}
		provider, err := n.providerOf(profile.Driver)
		if err != nil {
			return nil, err
		}
		return &model.NextProvider{Provider: provider.Name, Driver: provider.Driver}, nil
	})
}

func (n nextProviders) Get(ctx context.Context, _ *auth.Caller, name string) (*model.NextProvider, error) {
	next, err := n.find(ctx)
	if err == nil && next.Provider != name {
		return nil, errs.New(errs.NotFound, "ServiceProviderNotFound", "Service provider '%s' could not be found.", name)
	}
	return next, err
}

func (n nextProviders) List(ctx context.Context, _ *auth.Caller, want plugin.Query) ([]*model.NextProvider, error) {
	next, err := n.find(ctx)
	if err != nil {
		return nil, err
	}
	return plugin.Select([]*model.NextProvider{next}, want, "provider")
}
