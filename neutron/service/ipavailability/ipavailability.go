// Package ipavailability counts the addresses of networks, those that there are and those that are taken (extension
// network-ip-availability; neutron/db/network_ip_availability_db.py).
package ipavailability

import (
	"context"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// Plugin is the collection of networks as what they have of addresses. They are counted when they are asked for.
type Plugin struct {
	plugin.Unwritable[model.NetworkIPAvailability]
	db *store.DB
}

var _ plugin.Resource[model.NetworkIPAvailability] = (*Plugin)(nil)

// New returns the collection of the networks in db.
func New(db *store.DB) *Plugin { return &Plugin{db: db} }

// Get counts for one network.
func (p *Plugin) Get(ctx context.Context, c *auth.Caller, networkID string) (*model.NetworkIPAvailability, error) {
	return store.Read(ctx, p.db, func(q store.Querier) (*model.NetworkIPAvailability, error) {
		found, err := store.NetworkIPAvailability(q, networkID, ml2.ScopeOf(c))
		return found, store.NotFoundAs(err, networkNotFound(networkID))
	})
}

// List counts for the networks that match.
func (p *Plugin) List(ctx context.Context, c *auth.Caller, want plugin.Query) ([]*model.NetworkIPAvailability, error) {
	return store.Read(ctx, p.db, func(q store.Querier) ([]*model.NetworkIPAvailability, error) {
		page, err := store.ListNetworkIPAvailabilities(q, ml2.ScopeOf(c), want)
		return page, store.NotFoundAs(err, networkNotFound(want.Marker))
	})
}

func networkNotFound(networkID string) error {
	return errs.New(errs.NotFound, "NetworkNotFound", "Network %s could not be found.", networkID)
}
