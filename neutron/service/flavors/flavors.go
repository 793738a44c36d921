// Package flavors lets an operator offer choices among the drivers of services (extension flavors; neutron/db/flavors_db.py). A flavor has
// service profiles, and a profile names a driver of a service provider; an instance of the flavor's service would get the provider of its
// first profile.
//
// Flavors and profiles belong to no project. Who may look at them and change them is for the rules of policy alone.
package flavors

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Plugin is flavors, service profiles and which flavor has which. It is safe for use by many goroutines, and by several processes on one
// database.
type Plugin struct {
	db        *store.DB
	services  []string
	providers []*model.ServiceProvider
}

// New returns the plugin that keeps its resources in db. services are the types of service that a flavor may be for, providers those
// whose drivers a profile may name.
func New(db *store.DB, services []string, providers ...*model.ServiceProvider) *Plugin {
	return &Plugin{db, services, providers}
}

// Flavors returns the flavors collection.
func (p *Plugin) Flavors() plugin.Resource[model.Flavor] { return flavors{p} }

// flavors implements plugin.Resource.
type flavors struct{ *Plugin }

func (f flavors) Create(ctx context.Context, _ *auth.Caller, items []plugin.Body[model.Flavor]) ([]*model.Flavor, error) {
	var made []*model.Flavor
	err := f.db.Tx(ctx, func(tx *store.Tx) error {
		made = nil
		for _, body := range items {
			v := body.Value
			if !slices.Contains(f.services, v.ServiceType) {
				return errs.New(errs.Invalid, "InvalidServiceType", "Invalid service type: %s.", v.ServiceType)
			}
			v.ID, v.ServiceProfiles = id.New[model.Flavor](), []model.ServiceProfileID{}
			if err := store.InsertFlavor(tx, &v); err != nil {
				return err
			}
			made = append(made, &v)
		}
		return nil
	})
	return made, err
}

func (f flavors) Get(ctx context.Context, _ *auth.Caller, flavorID string) (*model.Flavor, error) {
	return store.Read(ctx, f.db, func(q store.Querier) (*model.Flavor, error) { return findFlavor(q, flavorID) })
}

func findFlavor(q store.Querier, flavorID string) (*model.Flavor, error) {
	found, err := store.Flavor(q, flavorID)
	return found, store.NotFoundAs(err, flavorNotFound(flavorID))
}

func (f flavors) List(ctx context.Context, _ *auth.Caller, want plugin.Query) ([]*model.Flavor, error) {
	return store.Read(ctx, f.db, func(q store.Querier) ([]*model.Flavor, error) {
		page, err := store.ListFlavors(q, want)
		return page, store.NotFoundAs(err, flavorNotFound(want.Marker))
	})
}

func (f flavors) Update(ctx context.Context, _ *auth.Caller, flavorID string, body plugin.Body[model.Flavor]) (*model.Flavor, error) {
	var out *model.Flavor
	err := f.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if out, err = changeableFlavor(tx, flavorID); err != nil {
			return err
		}
		set(body.Has("name"), &out.Name, body.Value.Name)
		set(body.Has("description"), &out.Description, body.Value.Description)
		set(body.Has("enabled"), &out.Enabled, body.Value.Enabled)
		return store.UpdateFlavor(tx, out)
	})
	return out, err
}

// changeableFlavor returns a flavor, and keeps others off it.
func changeableFlavor(tx *store.Tx, flavorID string) (*model.Flavor, error) {
	if err := store.LockFlavor(tx, flavorID); err != nil {
		return nil, err
	}
	return findFlavor(tx, flavorID)
}

func (f flavors) Delete(ctx context.Context, _ *auth.Caller, flavorID string) error {
	return f.db.Tx(ctx, func(tx *store.Tx) error {
		return store.NotFoundAs(store.DeleteFlavor(tx, flavorID), flavorNotFound(flavorID))
	})
}

// set gives an attribute the value that a request has for it.
func set[V any](given bool, attr *V, value V) {
	if given {
		*attr = value
	}
}

func flavorNotFound(flavorID string) error {
	return errs.New(errs.NotFound, "FlavorNotFound", "Flavor %s could not be found.", flavorID)
}
