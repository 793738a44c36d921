package agents

import (
	"context"
	"errors"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// zoned are the resources that may ask for zones.
var zoned = []string{"network", "router"}

// Zones is the collection of availability zones: those that hosts are in.
type Zones struct {
	plugin.Unwritable[model.AvailabilityZone]
	db *store.DB
}

var _ plugin.Resource[model.AvailabilityZone] = (*Zones)(nil)

// NewZones returns the collection of the zones of the hosts in the database.
func NewZones(db *store.DB) *Zones { return &Zones{db: db} }

// all returns every zone, for each resource that may ask for it.
func (z *Zones) all(ctx context.Context) ([]*model.AvailabilityZone, error) {
	names, err := store.ReadOne(ctx, z.db, store.Zones)
	var zones []*model.AvailabilityZone
	for _, name := range names {
		for _, resource := range zoned {
			zones = append(zones, &model.AvailabilityZone{Name: name, Resource: resource, State: "available"})
		}
	}
	return zones, err
}

// Get returns a zone as networks know it.
func (z *Zones) Get(ctx context.Context, _ *auth.Caller, name string) (*model.AvailabilityZone, error) {
	zones, err := z.all(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(zones, func(zone *model.AvailabilityZone) bool { return zone.Name == name })
	if at < 0 {
		return nil, zoneNotFound(name)
	}
	return zones[at], nil
}

// List returns the zones that match.
func (z *Zones) List(ctx context.Context, _ *auth.Caller, q plugin.Query) ([]*model.AvailabilityZone, error) {
	zones, err := z.all(ctx)
	if err != nil {
		return nil, err
	}
	found, err := plugin.Select(zones, q, "name")
	if errors.Is(err, plugin.ErrUnknownMarker) {
		err = zoneNotFound(q.Marker)
	}
	return found, err
}

func zoneNotFound(name string) error {
	return errs.New(errs.NotFound, "AvailabilityZoneNotFound", "AvailabilityZone %s could not be found.", name)
}
