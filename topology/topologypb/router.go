package topologypb

import "midonet.org/midonet/topology"

func fromRouter(o *topology.Router) *Router {
	return &Router{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, ProjectId: o.ProjectID, AdminUp: o.AdminUp, InChain: idBytes(o.InChain),
		OutChain: idBytes(o.OutChain), ForwardChain: idBytes(o.ForwardChain)}
}

// Topology returns the router's value.
func (x *Router) Topology() (*topology.Router, error) {
	d := decoder{kind: topology.KindRouter}
	return &topology.Router{
		Made:         topology.Made{ByOperator: x.GetByOperator()},
		ID:           identity[topology.Router](&d, "id", x.GetId()),
		Name:         x.GetName(),
		ProjectID:    x.GetProjectId(),
		AdminUp:      x.GetAdminUp(),
		InChain:      reference[topology.Chain](&d, "in chain", x.GetInChain()),
		OutChain:     reference[topology.Chain](&d, "out chain", x.GetOutChain()),
		ForwardChain: reference[topology.Chain](&d, "forward chain", x.GetForwardChain()),
	}, d.err
}

func fromRoute(o *topology.Route) *Route {
	return &Route{ByOperator: o.ByOperator, Id: idBytes(o.ID), Router: idBytes(o.Router), Source: fromPrefix(o.Source), Destination: fromPrefix(o.Destination),
		Kind: uint32(o.Kind), Port: idBytes(o.Port), NextHop: o.NextHop.AsSlice(), Weight: o.Weight, Attributes: o.Attributes}
}

// Topology returns the route's value.
func (x *Route) Topology() (*topology.Route, error) {
	d := decoder{kind: topology.KindRoute}
	return &topology.Route{
		Made:        topology.Made{ByOperator: x.GetByOperator()},
		ID:          identity[topology.Route](&d, "id", x.GetId()),
		Router:      reference[topology.Router](&d, "router", x.GetRouter()),
		Source:      d.prefix("source", x.GetSource()),
		Destination: d.prefix("destination", x.GetDestination()),
		Kind:        topology.RouteKind(d.small("kind", x.GetKind())),
		Port:        reference[topology.Port](&d, "port", x.GetPort()),
		NextHop:     d.addr("next hop", x.GetNextHop()),
		Weight:      x.GetWeight(),
		Attributes:  x.GetAttributes(),
	}, d.err
}

func fromFloatingIP(o *topology.FloatingIP) *FloatingIP {
	return &FloatingIP{Id: idBytes(o.ID), Router: idBytes(o.Router), Port: idBytes(o.Port), Addr: o.Addr.AsSlice(),
		Fixed: o.Fixed.AsSlice()}
}

// Topology returns the value of the floating address.
func (x *FloatingIP) Topology() (*topology.FloatingIP, error) {
	d := decoder{kind: topology.KindFloatingIP}
	return &topology.FloatingIP{
		ID:     identity[topology.FloatingIP](&d, "id", x.GetId()),
		Router: reference[topology.Router](&d, "router", x.GetRouter()),
		Port:   reference[topology.Port](&d, "port", x.GetPort()),
		Addr:   d.addr("addr", x.GetAddr()),
		Fixed:  d.addr("fixed", x.GetFixed()),
	}, d.err
}

func fromPortForwarding(o *topology.PortForwarding) *PortForwarding {
	return &PortForwarding{Id: idBytes(o.ID), Router: idBytes(o.Router), Port: idBytes(o.Port), Addr: o.Addr.AsSlice(),
		Proto: uint32(o.Proto), Ports: fromPortRange(o.Ports), Fixed: o.Fixed.AsSlice(), FixedPort: uint32(o.FixedPort)}
}

// Topology returns the value of the forwarding.
func (x *PortForwarding) Topology() (*topology.PortForwarding, error) {
	d := decoder{kind: topology.KindPortForwarding}
	return &topology.PortForwarding{
		ID:        identity[topology.PortForwarding](&d, "id", x.GetId()),
		Router:    reference[topology.Router](&d, "router", x.GetRouter()),
		Port:      reference[topology.Port](&d, "port", x.GetPort()),
		Addr:      d.addr("addr", x.GetAddr()),
		Proto:     d.small("proto", x.GetProto()),
		Ports:     d.ports("ports", x.GetPorts()),
		Fixed:     d.addr("fixed", x.GetFixed()),
		FixedPort: d.port("fixed port", x.GetFixedPort()),
	}, d.err
}

func fromNATBlock(o *topology.NATBlock) *NATBlock {
	return &NATBlock{Id: idBytes(o.ID), Router: idBytes(o.Router), Addr: o.Addr.AsSlice(), First: uint32(o.First), Host: idBytes(o.Host)}
}

// Topology returns the block's value.
func (x *NATBlock) Topology() (*topology.NATBlock, error) {
	d := decoder{kind: topology.KindNATBlock}
	return &topology.NATBlock{
		ID:     identity[topology.NATBlock](&d, "id", x.GetId()),
		Router: reference[topology.Router](&d, "router", x.GetRouter()),
		Addr:   d.addr("addr", x.GetAddr()),
		First:  d.port("first", x.GetFirst()),
		Host:   reference[topology.Host](&d, "host", x.GetHost()),
	}, d.err
}

func fromRouterNeighbour(o *topology.RouterNeighbour) *RouterNeighbour {
	return &RouterNeighbour{Id: idBytes(o.ID), Router: idBytes(o.Router), Port: idBytes(o.Port), Addr: o.Addr.AsSlice(),
		Mac: macBytes(o.MAC), Host: idBytes(o.Host)}
}

// Topology returns the neighbour's value.
func (x *RouterNeighbour) Topology() (*topology.RouterNeighbour, error) {
	d := decoder{kind: topology.KindRouterNeighbour}
	return &topology.RouterNeighbour{
		ID:     identity[topology.RouterNeighbour](&d, "id", x.GetId()),
		Router: reference[topology.Router](&d, "router", x.GetRouter()),
		Port:   reference[topology.Port](&d, "port", x.GetPort()),
		Addr:   d.addr("addr", x.GetAddr()),
		MAC:    d.mac("mac", x.GetMac()),
		Host:   reference[topology.Host](&d, "host", x.GetHost()),
	}, d.err
}
