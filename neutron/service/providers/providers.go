// Package providers lists the drivers of services that have several to choose from (neutron/db/servicetype_db.py). MidoNet's routers have
// one way to work and so no provider, as in the original; services whose plugins bring drivers are given to New.
package providers

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// Plugin is the collection of service providers.
type Plugin struct {
	plugin.Unwritable[model.ServiceProvider]
	all []*model.ServiceProvider
}

var _ plugin.Resource[model.ServiceProvider] = (*Plugin)(nil)

// New returns the collection of the given providers.
func New(all ...*model.ServiceProvider) *Plugin { return &Plugin{all: all} }

// Get returns a provider by its name.
func (p *Plugin) Get(_ context.Context, _ *auth.Caller, name string) (*model.ServiceProvider, error) {
	at := slices.IndexFunc(p.all, func(s *model.ServiceProvider) bool { return s.Name == name })
	if at < 0 {
		return nil, notFound(name)
	}
	return p.all[at], nil
}

// List returns the providers that match.
func (p *Plugin) List(_ context.Context, _ *auth.Caller, q plugin.Query) ([]*model.ServiceProvider, error) {
	found, err := plugin.Select(p.all, q, "name")
	if err != nil {
		err = notFound(q.Marker)
	}
	return found, err
}

func notFound(name string) error {
	return errs.New(errs.NotFound, "ServiceProviderNotFound", "Service provider '%s' could not be found.", name)
}
