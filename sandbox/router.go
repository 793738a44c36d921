package sandbox

import (
	"cmp"
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

// deleteFloatingIPs deletes the floating addresses of an external network, with their forwardings.
func (n *neutron) deleteFloatingIPs(ctx context.Context, network string) error {
	type resource struct{ ID string }
	var found struct {
		FloatingIPs []struct {
			resource
			NetworkID string `json:"floating_network_id"`
		}
	}
	if err := n.call(ctx, http.MethodGet, "floatingips", url.Values{"floating_network_id": {network}}, nil, &found); err != nil {
		return err
	}
	for _, f := range found.FloatingIPs {
		if f.NetworkID != network {
			continue // what comes back is deleted: trust no filter with that
		}
		var forwardings struct {
			All []resource `json:"port_forwardings"`
		}
		path := "floatingips/" + f.ID
		if err := n.call(ctx, http.MethodGet, path+"/port_forwardings", nil, nil, &forwardings); err != nil && !errs.Is(err, errs.NotFound) {
			return err // NotFound: gone by now, or a server without them
		}
		for _, one := range forwardings.All {
			if err := n.remove(ctx, path+"/port_forwardings/"+one.ID); err != nil {
				return err
			}
		}
		if err := n.remove(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// clearGateways takes their gateway from the routers that have it on the network, and returns their names.
func (n *neutron) clearGateways(ctx context.Context, network string) (names []string, err error) {
	var found struct{ Routers []gatewayRouter }
	if err := n.call(ctx, http.MethodGet, "routers", nil, nil, &found); err != nil {
		return nil, err
	}
	none := map[string]map[string]any{"router": {"external_gateway_info": nil}}
	for _, r := range found.Routers {
		if r.Gateway == nil || r.Gateway.NetworkID != network {
			continue
		}
		if err := n.call(ctx, http.MethodPut, "routers/"+r.ID, nil, none, nil); err != nil && !errs.Is(err, errs.NotFound) {
			return names, err
		}
		names = append(names, cmp.Or(r.Name, r.ID))
	}
	return names, nil
}

// gatewayRouter is a router with the network that its gateway is on.
type gatewayRouter struct {
	router
	Gateway *struct {
		NetworkID string `json:"network_id"`
	} `json:"external_gateway_info"`
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
