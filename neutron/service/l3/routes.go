package l3

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// reach is where a router's next hops may be: on its networks, and not itself.
type reach struct {
	ranges []netip.Prefix
	own    []netip.Addr
}

// reachOf returns what the router reaches by its ports with these owners.
func (r *request) reachOf(router *model.Router, owners ...string) (*reach, error) {
	ports, err := store.PortsOfDevice(r.Tx(), router.ID.String(), owners...)
	if err != nil {
		return nil, err
	}
	found := &reach{}
	for _, p := range ports {
		subnets, err := r.subnetsOf(p)
		if err != nil {
			return nil, err
		}
		for i, f := range p.FixedIPs {
			found.own = append(found.own, f.IPAddress)
			found.ranges = append(found.ranges, subnets[i].CIDR)
		}
	}
	return found, nil
}

// subnetsOf returns the subnet of each of a port's addresses, whoever sees them.
func (r *request) subnetsOf(p *model.Port) ([]*model.Subnet, error) {
	subnets := make([]*model.Subnet, len(p.FixedIPs))
	for i, f := range p.FixedIPs {
		var err error
		if subnets[i], err = store.Subnet(r.Tx(), f.SubnetID.String(), everyone); err != nil {
			return nil, err
		}
	}
	return subnets, nil
}

// setRoutes gives the router other routes, if it can have them.
func (r *request) setRoutes(router *model.Router, routes []model.HostRoute) error {
	reach, err := r.reachOf(router, model.OwnerRouterInterface, model.OwnerRouterGateway)
	if err != nil {
		return err
	}
	if err := r.checkRoutes(router, routes, reach); err != nil {
		return err
	}
	if routes == nil {
		routes = []model.HostRoute{}
	}
	router.Routes = routes
	return nil
}

// checkRoutes is _validate_routes.
func (r *request) checkRoutes(router *model.Router, routes []model.HostRoute, to *reach) error {
	if len(routes) > r.cfg.MaxRoutes {
		return routesExhausted(router.ID, r.cfg.MaxRoutes)
	}
	for _, route := range routes {
		connected := slices.ContainsFunc(to.ranges, func(p netip.Prefix) bool { return p.Contains(route.NextHop) })
		switch {
		case !connected:
			return invalidRoutes(routes, "the nexthop is not connected with router")
		case slices.Contains(to.own, route.NextHop):
			return invalidRoutes(routes, "the nexthop is used by router")
		}
	}
	return nil
}

// AddExtraRoutes is the action add_extraroutes: the routes are the router's besides those that it has.
func (p *Plugin) AddExtraRoutes(ctx context.Context, c *auth.Caller, routerID string, body json.RawMessage) (any, error) {
	return p.editRoutes(ctx, c, routerID, body, func(has, given []model.HostRoute) []model.HostRoute {
		for _, route := range given {
			if !slices.Contains(has, route) {
				has = append(has, route)
			}
		}
		return has
	})
}

// RemoveExtraRoutes is the action remove_extraroutes: the routes are the router's no longer. One that it does not have is no error.
func (p *Plugin) RemoveExtraRoutes(ctx context.Context, c *auth.Caller, routerID string, body json.RawMessage) (any, error) {
	return p.editRoutes(ctx, c, routerID, body, func(has, given []model.HostRoute) []model.HostRoute {
		return slices.DeleteFunc(has, func(route model.HostRoute) bool { return slices.Contains(given, route) })
	})
}

func (p *Plugin) editRoutes(ctx context.Context, c *auth.Caller, routerID string, body json.RawMessage,
	edit func(has, given []model.HostRoute) []model.HostRoute) (any, error) {
	given, err := routesOf(body)
	if err != nil {
		return nil, err
	}
	return changed(ctx, p, c, func(r *request) (any, error) {
		router, err := r.changeableRouter(routerID)
		if err != nil {
			return nil, err
		}
		had := router.Routes
		if err := r.setRoutes(router, edit(slices.Clone(had), given)); err != nil {
			return nil, err
		}
		if slices.Equal(router.Routes, had) {
			return router, nil // as in the original, no change
		}
		return router, r.saveRouter(router)
	})
}

// routesOf reads {"router": {"routes": […]}}, checked as the attribute routes of a router is.
func routesOf(body json.RawMessage) ([]model.HostRoute, error) {
	var b struct {
		Router map[string]any `json:"router"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Router["routes"] == nil {
		return nil, apidef.BadRequest("Invalid input. Expected {'router': {'routes': [...]}}")
	}
	values, _, err := apidef.Routers().CheckUpdate(map[string]any{"routes": b.Router["routes"]}, apidef.Owner{Admin: true})
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(values["routes"])
	if err != nil {
		return nil, err
	}
	var routes []model.HostRoute
	return routes, json.Unmarshal(raw, &routes)
}
