package sandbox

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"

	"midonet.org/midonet/errs"
)

// router is the part of a Neutron router that the sandbox reads.
type router struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Routes      []route `json:"routes"`
}

type route struct {
	Destination netip.Prefix `json:"destination"`
	NextHop     netip.Addr   `json:"nexthop"`
}

// interfaceRequest names the subnet or the port that a router gets an interface by.
type interfaceRequest struct {
	SubnetID string `json:"subnet_id,omitempty"`
	PortID   string `json:"port_id,omitempty"`
}

func (n *neutron) routersNamed(ctx context.Context, name string) ([]router, error) {
	var found struct{ Routers []router }
	err := n.call(ctx, http.MethodGet, "routers", url.Values{"name": {name}}, nil, &found)
	return slices.DeleteFunc(found.Routers, func(r router) bool { return r.Name != name }), err
}

// ensureRouter returns the router of the name, or makes it with the description.
func (n *neutron) ensureRouter(ctx context.Context, name, description string) (router, error) {
	found, err := n.routersNamed(ctx, name)
	if err != nil || len(found) > 0 {
		return append(found, router{})[0], err
	}
	var made struct{ Router router }
	body := map[string]map[string]string{"router": {"name": name, "description": description}}
	err = n.call(ctx, http.MethodPost, "routers", nil, body, &made)
	return made.Router, err
}

// interfaces returns the ports by which the router is on its networks.
func (n *neutron) interfaces(ctx context.Context, r router) ([]port, error) {
	ports, err := n.portsOf(ctx, r.ID)
	return slices.DeleteFunc(ports, func(p port) bool { return p.DeviceOwner != "network:router_interface" }), err
}

// addInterface adds an interface unless the router has it.
func (n *neutron) addInterface(ctx context.Context, r router, want interfaceRequest) error {
	present, err := n.interfaces(ctx, r)
	if err != nil {
		return err
	}
	for _, p := range present {
		on := func(ip fixedIP) bool { return ip.SubnetID == want.SubnetID }
		if p.ID == want.PortID || slices.ContainsFunc(p.FixedIPs, on) {
			return nil
		}
	}
	return n.call(ctx, http.MethodPut, "routers/"+r.ID+"/add_router_interface", nil, want, nil)
}

// addRoutes adds the routes that the router does not have.
func (n *neutron) addRoutes(ctx context.Context, r router, routes []route) error {
	body := map[string]map[string][]route{"router": {"routes": routes}}
	return n.call(ctx, http.MethodPut, "routers/"+r.ID+"/add_extraroutes", nil, body, nil)
}

// dismantle deletes the router with its routes and interfaces.
func (n *neutron) dismantle(ctx context.Context, r router) error {
	none := map[string]map[string][]route{"router": {"routes": {}}}
	if err := n.call(ctx, http.MethodPut, "routers/"+r.ID, nil, none, nil); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	ports, err := n.interfaces(ctx, r)
	if err != nil {
		return err
	}
	for _, p := range ports {
		err := n.call(ctx, http.MethodPut, "routers/"+r.ID+"/remove_router_interface", nil, interfaceRequest{PortID: p.ID}, nil)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	return n.remove(ctx, "routers/"+r.ID)
}

// ensurePort returns the port of the request's name on its network, or makes it.
func (n *neutron) ensurePort(ctx context.Context, p portRequest) (port, error) {
	found, err := n.portsNamed(ctx, p.NetworkID, p.Name)
	if err != nil || len(found) > 0 {
		return append(found, port{})[0], err
	}
	return n.createPort(ctx, p)
}

// portsNamed returns the ports of that name on the network.
func (n *neutron) portsNamed(ctx context.Context, network, name string) ([]port, error) {
	var found struct{ Ports []port }
	err := n.call(ctx, http.MethodGet, "ports", url.Values{"network_id": {network}, "name": {name}}, nil, &found)
	return found.Ports, err
}
