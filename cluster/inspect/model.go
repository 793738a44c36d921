package inspect

import (
	"net/netip"

	"midonet.org/midonet/topology"
)

// model is the objects by what they belong to.
type model struct {
	hosts    []*topology.Host
	alive    map[topology.HostID]*topology.HostState
	hostName map[topology.HostID]string

	bridges    []*topology.Bridge
	bridgeName map[topology.BridgeID]string
	port       map[topology.PortID]*topology.Port
	ports      map[topology.BridgeID][]*topology.Port
	dhcp       map[topology.BridgeID][]*topology.DHCP
	macs       map[topology.PortID]string
	addrs      map[topology.PortID][]netip.Addr
	bindings   map[topology.PortID]*topology.Binding
	active     map[topology.PortID]bool

	routers     []*topology.Router
	routerName  map[topology.RouterID]string
	routerPorts map[topology.RouterID][]*topology.Port
	routes      map[topology.RouterID][]*topology.Route
	floating    map[topology.RouterID][]*topology.FloatingIP
	forwardings map[topology.RouterID][]*topology.PortForwarding

	chains    []*topology.Chain
	chainName map[topology.ChainID]string
	groups    []*topology.AddrGroup
	groupName map[topology.AddrGroupID]string
	members   map[topology.AddrGroupID]int

	overlays  map[topology.Key]*topology.Overlay // by target
	portGroup map[topology.PortGroupID]string    // name
}

func gather(objects []topology.Object) *model {
	m := &model{
		alive: map[topology.HostID]*topology.HostState{}, hostName: map[topology.HostID]string{},
		bridgeName: map[topology.BridgeID]string{}, port: map[topology.PortID]*topology.Port{},
		ports: map[topology.BridgeID][]*topology.Port{}, dhcp: map[topology.BridgeID][]*topology.DHCP{},
		macs: map[topology.PortID]string{}, addrs: map[topology.PortID][]netip.Addr{},
		bindings: map[topology.PortID]*topology.Binding{}, active: map[topology.PortID]bool{},
		routerName: map[topology.RouterID]string{}, routerPorts: map[topology.RouterID][]*topology.Port{},
		routes: map[topology.RouterID][]*topology.Route{}, floating: map[topology.RouterID][]*topology.FloatingIP{},
		forwardings: map[topology.RouterID][]*topology.PortForwarding{}, chainName: map[topology.ChainID]string{},
		groupName: map[topology.AddrGroupID]string{}, members: map[topology.AddrGroupID]int{},
		overlays: map[topology.Key]*topology.Overlay{}, portGroup: map[topology.PortGroupID]string{},
	}
	for _, o := range objects {
		m.addHost(o)
		m.addBridge(o)
		m.addRouter(o)
	}
	m.sort()
	return m
}

func (m *model) addHost(o topology.Object) {
	switch o := o.(type) {
	case *topology.Host:
		m.hosts = append(m.hosts, o)
		m.hostName[o.ID] = o.Name
	case *topology.HostState:
		m.alive[o.Host] = o
	case *topology.Binding:
		m.bindings[o.Port] = o
	case *topology.PortState:
		m.active[o.Port] = o.Active
	}
}

func (m *model) addBridge(o topology.Object) {
	switch o := o.(type) {
	case *topology.Bridge:
		m.bridges = append(m.bridges, o)
		m.bridgeName[o.ID] = o.Name
	case *topology.Port:
		m.port[o.ID] = o
		if o.Router.IsZero() {
			m.ports[o.Bridge] = append(m.ports[o.Bridge], o)
		} else {
			m.routerPorts[o.Router] = append(m.routerPorts[o.Router], o)
		}
	case *topology.DHCP:
		m.dhcp[o.Bridge] = append(m.dhcp[o.Bridge], o)
	case *topology.MACEntry:
		m.macs[o.Port] = o.MAC.String()
	case *topology.Neighbour:
		if !o.Addr.IsLinkLocalUnicast() {
			m.addrs[o.Port] = append(m.addrs[o.Port], o.Addr)
		}
	}
}

func (m *model) addRouter(o topology.Object) {
	switch o := o.(type) {
	case *topology.Router:
		m.routers = append(m.routers, o)
		m.routerName[o.ID] = o.Name
	case *topology.Route:
		m.routes[o.Router] = append(m.routes[o.Router], o)
	case *topology.FloatingIP:
		m.floating[o.Router] = append(m.floating[o.Router], o)
	case *topology.PortForwarding:
		m.forwardings[o.Router] = append(m.forwardings[o.Router], o)
	case *topology.Chain:
		m.chains = append(m.chains, o)
		m.chainName[o.ID] = o.Name
	case *topology.AddrGroup:
		m.groups = append(m.groups, o)
		m.groupName[o.ID] = o.Name
	case *topology.GroupMember:
		m.members[o.Group]++
	case *topology.Overlay:
		m.overlays[o.Target] = o
	case *topology.PortGroup:
		m.portGroup[o.ID] = o.Name
	}
}

func (m *model) sort() {
	byName(m.hosts, func(h *topology.Host) string { return h.Name + h.ID.String() })
	byName(m.bridges, func(b *topology.Bridge) string { return b.Name + b.ID.String() })
	byName(m.routers, func(r *topology.Router) string { return r.Name + r.ID.String() })
	byName(m.chains, func(c *topology.Chain) string { return c.Name + c.ID.String() })
	byName(m.groups, func(g *topology.AddrGroup) string { return g.Name + g.ID.String() })
	sortEach(m.ports, func(p *topology.Port) string { return p.Name + p.ID.String() })
	sortEach(m.dhcp, func(d *topology.DHCP) string { return d.Prefix.String() })
	sortEach(m.routerPorts, func(p *topology.Port) string { return p.Name + p.ID.String() })
	sortEach(m.routes, func(r *topology.Route) string { return r.Destination.String() + r.NextHop.String() + r.ID.String() })
	sortEach(m.floating, func(f *topology.FloatingIP) string { return f.Addr.String() + f.ID.String() })
	sortEach(m.forwardings, func(f *topology.PortForwarding) string { return f.Addr.String() + f.ID.String() })
}

func sortEach[K comparable, T any](lists map[K][]T, name func(T) string) {
	for _, list := range lists {
		byName(list, name)
	}
}
