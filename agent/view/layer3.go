package view

import (
	"net/netip"

	"midonet.org/midonet/agent/prefix"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Router is a router with everything that names it. In the view it exists as soon as anything does.
type Router struct {
	*topology.Router                   // nil: not here
	Overlay          *topology.Overlay // what operators have put on it; never nil
	// In, Forward and Out are its chains, nil where there is none to ask: those that are known to have no rule need not be.
	In, Forward, Out *Chain

	routes      prefix.Map[group[*topology.Route]]
	floating    table[group[*topology.FloatingIP]] // by floating address
	fixed       table[group[*topology.FloatingIP]] // by fixed address
	forwardings table[group[*topology.PortForwarding]]
	blocks      table[group[*topology.NATBlock]]
}

func (r *Router) empty() bool {
	return r.Router == nil && r.Overlay == noOverlay && r.routes.Len()+r.floating.size+r.fixed.size+r.forwardings.size+r.blocks.size == 0
}

// members are the members of a group of addresses. Several ports may have one prefix (allowed address pairs do).
type members = prefix.Map[group[*topology.GroupMember]]

// portGroup is a port group and the ports that name it.
type portGroup struct {
	object  *topology.PortGroup // nil: not here
	members table[topology.PortID]
}

var (
	noRouter    = &Router{Overlay: noOverlay}
	noPortGroup = &portGroup{}
)

// Router returns the router, nil where it is not here.
func (v *View) Router(id topology.RouterID) *Router {
	if r := v.routerNode(id); r.Router != nil {
		return r
	}
	return nil
}

// Routes are the routes of a router to one prefix, in order of identifier.
type Routes = group[*topology.Route]

// RoutesTo appends to buf the routes of the router whose destination the address is in, those of the shortest prefix first.
func (r *Router) RoutesTo(dst netip.Addr, buf []Routes) []Routes { return r.routes.Covering(dst, buf) }

// NextHops returns the addresses to which routes of the router send what leaves by the port.
func (r *Router) NextHops(port topology.PortID) (hops []netip.Addr) {
	for _, family := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		r.routes.Within(netip.PrefixFrom(family, 0), func(routes Routes) bool {
			for _, t := range routes {
				if t.Kind == topology.RouteForward && t.Port == port && t.NextHop.IsValid() && !t.NextHop.IsUnspecified() {
					hops = append(hops, t.NextHop)
				}
			}
			return true
		})
	}
	return hops
}

// FloatingIP returns what the router answers for under the floating address, nil where it does not.
func (r *Router) FloatingIP(addr netip.Addr) *topology.FloatingIP {
	g, _ := r.floating.get(addrKey(addr))
	return g.first()
}

// FloatingIPsOf returns the floating addresses that the router exchanges the fixed address for, in order of identifier.
func (r *Router) FloatingIPsOf(fixed netip.Addr) []*topology.FloatingIP {
	g, _ := r.fixed.get(addrKey(fixed))
	return g
}

// Forwarding returns where the router sends the port of the address, nil where it does not.
func (r *Router) Forwarding(addr netip.Addr, proto uint8, port uint16) *topology.PortForwarding {
	g, _ := r.forwardings.get(addrKey(addr))
	for _, f := range g {
		if f.Proto == proto && f.Ports.Contains(port) {
			return f
		}
	}
	return nil
}

// Forwards reports whether the router forwards any port of the address.
func (r *Router) Forwards(addr netip.Addr) bool {
	_, ok := r.forwardings.get(addrKey(addr))
	return ok
}

// ForwardsTo reports whether the router forwards any port to the fixed address.
func (r *Router) ForwardsTo(fixed netip.Addr) bool {
	for _, g := range r.forwardings.all() {
		for _, f := range g {
			if f.Fixed == fixed {
				return true
			}
		}
	}
	return false
}

// NATBlocks returns the blocks of ports of the router's address that hosts hold, in order of identifier.
func (v *View) NATBlocks(id topology.RouterID, addr netip.Addr) []*topology.NATBlock {
	g, _ := v.routerNode(id).blocks.get(addrKey(addr))
	return g
}

// RouterNeighbour returns who has the address on the link of the router's port, as hosts have found.
func (v *View) RouterNeighbour(port topology.PortID, addr netip.Addr) (mac.Addr, bool) {
	g, ok := v.portNode(port).neighbours.get(addrKey(addr))
	if !ok {
		return mac.Addr{}, false
	}
	return g[0].MAC, true
}

// InGroup reports whether the address is a member of the group, or in one that is a prefix.
func (v *View) InGroup(id topology.AddrGroupID, addr netip.Addr) bool {
	m, _ := v.addrGroups.get(idKey(id))
	return m.Contains(addr)
}

// PortGroup returns the port group, nil where it is not here, and the ports that name it, in order of identifier.
func (v *View) PortGroup(id topology.PortGroupID) (*topology.PortGroup, []topology.PortID) {
	g := v.portGroupNode(id)
	ports := make([]topology.PortID, 0, g.members.size)
	for _, p := range g.members.all() {
		ports = append(ports, p)
	}
	sortIDs(ports)
	return g.object, ports
}

// Interior returns the ports of the bridge that have a peer, in order of identifier.
func (v *View) Interior(id topology.BridgeID) []topology.PortID {
	b := v.bridgeNode(id)
	ports := make([]topology.PortID, 0, b.interior.size)
	for _, p := range b.interior.all() {
		ports = append(ports, p)
	}
	sortIDs(ports)
	return ports
}

func (v *View) routerNode(id topology.RouterID) *Router {
	if n := v.routers.near(idKey(id)); n != nil {
		return n.value
	}
	return v.routers.search(idKey(id), noRouter)
}

func (v *View) portGroupNode(id topology.PortGroupID) *portGroup {
	if g, ok := v.portGroups.get(idKey(id)); ok {
		return g
	}
	return noPortGroup
}

func (e *edit) indexLayer3(o topology.Object) {
	switch o := o.(type) {
	case *topology.Router:
		e.enterNames(o)
		e.router(o.ID, func(r *Router) { r.set(o, e.view) })
	case *topology.Route:
		e.router(o.Router, func(r *Router) {
			at, _ := r.routes.Get(o.Destination)
			r.routes = r.routes.With(o.Destination, at.with(o))
		})
	case *topology.FloatingIP:
		e.router(o.Router, func(r *Router) {
			r.floating, r.fixed = enter(r.floating, addrKey(o.Addr), o), enter(r.fixed, addrKey(o.Fixed), o)
		})
	case *topology.PortForwarding:
		e.router(o.Router, func(r *Router) { r.forwardings = enter(r.forwardings, addrKey(o.Addr), o) })
	case *topology.NATBlock:
		e.router(o.Router, func(r *Router) { r.blocks = enter(r.blocks, addrKey(o.Addr), o) })
	case *topology.RouterNeighbour:
		e.port(o.Port, func(p *port) { p.neighbours = enter(p.neighbours, addrKey(o.Addr), o) })
	case *topology.Chain:
		e.enterChain(o)
	case *topology.GroupMember:
		m, _ := e.view.addrGroups.get(idKey(o.Group))
		at, _ := m.Get(o.Prefix)
		e.view.addrGroups = e.view.addrGroups.with(idKey(o.Group), m.With(o.Prefix, at.with(o)))
	case *topology.PortGroup:
		e.portGroup(o.ID, func(g *portGroup) { g.object = o })
	}
}

func (e *edit) unindexLayer3(o topology.Object) {
	switch o := o.(type) {
	case *topology.Router:
		e.leaveNames(o)
		e.router(o.ID, func(r *Router) { r.unset() })
	case *topology.Route:
		e.router(o.Router, func(r *Router) { r.routes = leavePrefix(r.routes, o.Destination, o) })
	case *topology.FloatingIP:
		e.router(o.Router, func(r *Router) {
			r.floating, r.fixed = leave(r.floating, addrKey(o.Addr), o), leave(r.fixed, addrKey(o.Fixed), o)
		})
	case *topology.PortForwarding:
		e.router(o.Router, func(r *Router) { r.forwardings = leave(r.forwardings, addrKey(o.Addr), o) })
	case *topology.NATBlock:
		e.router(o.Router, func(r *Router) { r.blocks = leave(r.blocks, addrKey(o.Addr), o) })
	case *topology.RouterNeighbour:
		e.port(o.Port, func(p *port) { p.neighbours = leave(p.neighbours, addrKey(o.Addr), o) })
	case *topology.Chain:
		e.leaveChain(o)
	case *topology.GroupMember:
		m, _ := e.view.addrGroups.get(idKey(o.Group))
		if m = leavePrefix(m, o.Prefix, o); m.Len() > 0 {
			e.view.addrGroups = e.view.addrGroups.with(idKey(o.Group), m)
		} else {
			e.view.addrGroups = e.view.addrGroups.without(idKey(o.Group))
		}
	case *topology.PortGroup:
		e.portGroup(o.ID, func(g *portGroup) { g.object = nil })
	}
}

// router does for a router what bridge does for a bridge.
func (e *edit) router(id topology.RouterID, change func(*Router)) {
	r := *e.view.routerNode(id)
	change(&r)
	if r.empty() {
		e.view.routers.table = e.view.routers.without(idKey(id))
		return
	}
	e.view.routers.table = e.view.routers.with(idKey(id), &r)
}

func (e *edit) portGroup(id topology.PortGroupID, change func(*portGroup)) {
	g := *e.view.portGroupNode(id)
	change(&g)
	if g.object == nil && g.members.size == 0 {
		e.view.portGroups = e.view.portGroups.without(idKey(id))
		return
	}
	e.view.portGroups = e.view.portGroups.with(idKey(id), &g)
}
