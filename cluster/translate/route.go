package translate

import (
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// routeWeight is the weight of every route (MidoNet RouteManager.scala DEFAULT_WEIGHT).
const routeWeight = 100

// routesOf returns the routes out of a router's port: one to each of its own addresses, one to each subnet on the link, by a gateway
// port to everything, by way of each subnet's gateway, and where the port is a subnet's gateway and a DHCP port serves that, to the
// metadata service for that subnet's workloads.
func routesOf(v View, p *model.Port, port *topology.Port) []topology.Object {
	t := routeTable{port: port, seen: map[string]bool{}}
	for _, a := range port.Addresses {
		t.add("local "+a.Addr().String(), topology.Route{Destination: single(a.Addr()), Kind: topology.RouteLocal})
	}
	for _, s := range subnetsOf(v, p) {
		t.add("subnet "+s.CIDR.String(), topology.Route{Destination: s.CIDR.Masked()})
		if p.DeviceOwner == model.OwnerRouterGateway && s.GatewayIP.IsValid() {
			t.add("default "+s.GatewayIP.String(), topology.Route{Destination: everywhere(s.GatewayIP), NextHop: s.GatewayIP})
		}
		if by := dhcpAddress(v, s); by.Is4() && isGatewayOf(p, s) && virtual(v, p.NetworkID) != nil {
			t.add("metadata "+s.CIDR.String(), topology.Route{Source: s.CIDR.Masked(), Destination: single(topology.MetadataIPv4), NextHop: by})
		}
	}
	return t.routes
}

// isGatewayOf reports whether the port has the address that the subnet's workloads send to.
func isGatewayOf(p *model.Port, s *model.Subnet) bool {
	for _, ip := range p.FixedIPs {
		if ip.SubnetID == s.ID && ip.IPAddress == s.GatewayIP {
			return true
		}
	}
	return false
}

// everywhere returns the default route's destination in the family of the address.
func everywhere(a netip.Addr) netip.Prefix {
	if a.Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// routeTable collects the routes out of one port, each once.
type routeTable struct {
	port   *topology.Port
	routes []topology.Object
	seen   map[string]bool
}

// add adds the route in the given role, which its identifier is derived from. A kind that is not set is RouteForward.
func (t *routeTable) add(role string, r topology.Route) {
	if t.seen[role] {
		return
	}
	t.seen[role] = true
	r.ID, r.Router, r.Port, r.Weight = id.Derive[topology.Route](t.port.ID, role), t.port.Router, t.port.ID, routeWeight
	if r.Kind == 0 {
		r.Kind = topology.RouteForward
	}
	t.routes = append(t.routes, &r)
}

// extraRoutes returns the router's extra routes, out of the port whose subnet has the next hop. One whose next hop is on no subnet of
// the router has nowhere to go yet.
func extraRoutes(v View, r *model.Router, ports []*model.Port) []topology.Object {
	var routes []topology.Object
	seen := map[model.HostRoute]bool{}
	for _, extra := range r.Routes {
		port, ok := portTo(v, ports, extra.NextHop)
		if !ok || seen[extra] {
			continue
		}
		seen[extra] = true
		routes = append(routes, &topology.Route{
			ID:          id.Derive[topology.Route](r.ID, "extra "+extra.Destination.String()+" "+extra.NextHop.String()),
			Router:      id.As[topology.Router](r.ID),
			Destination: extra.Destination.Masked(),
			Kind:        topology.RouteForward,
			Port:        port,
			NextHop:     extra.NextHop,
			Weight:      routeWeight,
		})
	}
	return routes
}

// portTo returns the topology port of the router on whose link the address is.
func portTo(v View, ports []*model.Port, a netip.Addr) (topology.PortID, bool) {
	for _, p := range ports {
		for _, s := range subnetsOf(v, p) {
			if s.CIDR.Contains(a) {
				return routerPortID(v, p)
			}
		}
	}
	return topology.PortID{}, false
}
