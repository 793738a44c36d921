package agents

import (
	"context"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// zoned are the resources that may ask for zones.
var zoned = []string{"network", "router"}

// Zones is the collection of availability zones.
type Zones struct {
	plugin.Unwritable[model.AvailabilityZone]
	zones []*model.AvailabilityZone
}

var _ plugin.Resource[model.AvailabilityZone] = (*Zones)(nil)

// NewZones returns the collection of the named zones.
func NewZones(names []string) *Zones {
	z := &Zones{}
	for _, name := range names {
		for _, resource := range zoned {
			z.zones = append(z.zones, &model.AvailabilityZone{Name: name, Resource: resource, State: "available"})
		}
	}
	return z
}

// Get returns a zone as networks know it.
func (z *Zones) Get(_ context.Context, _ *auth.Caller, name string) (*model.AvailabilityZone, error) {
	at := slices.IndexFunc(z.zones, func(zone *model.AvailabilityZone) bool { return zone.Name == name })
	if at < 0 {
		return nil, zoneNotFound(name)
	}
	return z.zones[at], nil
}

// List returns the zones that match.
func (z *Zones) List(_ context.Context, _ *auth.Caller, q plugin.Query) ([]*model.AvailabilityZone, error) {
	found, err := plugin.Select(z.zones, q, "name")
	if err != nil {
		err = zoneNotFound(q.Marker)
	}
	return found, err
}

func zoneNotFound(name string) error {
	return errs.New(errs.NotFound, "AvailabilityZoneNotFound", "AvailabilityZone %s could not be found.", name)
}
