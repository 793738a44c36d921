package operator

import (
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// CreateRoute adds a route to a router, which may be a rendered one. A route that forwards names a port of the router.
func (e *Edit) CreateRoute(r *topology.Route) error {
	r.Made = topology.Operators
	if _, err := exists[*topology.Router](e, topology.KindRouter, r.Router); err != nil {
		return err
	}
	if r.Kind == topology.RouteForward || !r.Port.IsZero() {
		p, err := get[*topology.Port](e, topology.KindPort, r.Port)
		switch {
		case err != nil:
			return err
		case p == nil || p.Router != r.Router:
			return errs.New(errs.Invalid, "NoNextHopPort", "This type of route requires a next hop port that is a port on the same router.")
		}
	}
	return e.create(r)
}

// DeleteRoute removes an operator's route.
func (e *Edit) DeleteRoute(id topology.RouteID) error {
	r, err := own[*topology.Route](e, topology.KindRoute, id)
	if err == nil {
		e.tx.Delete(r.Key())
	}
	return err
}
