package ml2

import (
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/store"
)

// askForZones returns the zones that a new resource asks for, which are sorted and by default those of the configuration (get_az_hints),
// and the zones that it is in. Each zone that is asked for must have a host (validate_availability_zones); the resource is there then,
// since networks are wherever their ports are and routers on every host.
func (r *request) askForZones(asked []string) (hints, zones []string, err error) {
	if len(asked) == 0 {
		asked = r.cfg.DefaultZones
	}
	hints = append([]string{}, asked...)
	slices.Sort(hints)
	if zones, err = store.Zones(r.tx); err != nil {
		return nil, nil, err
	}
	for _, zone := range hints {
		if !slices.Contains(zones, zone) {
			return nil, nil, errs.New(errs.NotFound, "AvailabilityZoneNotFound", "AvailabilityZone %s could not be found.", zone)
		}
	}
	return hints, zones, nil
}

// AskForZones returns the zones that a new resource of a service asks for, sorted, and those that it is in; AvailabilityZoneNotFound where
// one that is asked for has no host.
func (s *Session) AskForZones(asked []string) (hints, zones []string, err error) {
	return s.r.askForZones(asked)
}
