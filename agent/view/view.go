// Package view is the agent's picture of the virtual topology: an immutable value that the simulator reads.
//
// A View is made from a snapshot of topology objects, and a new View from an old one and a Delta; the old one stays as it was, so
// a simulation under way is not disturbed. Apply also says which flow.Tags the delta touches: exactly the tags of answers that
// might come out differently now. Order does not matter: a port may come before its bridge, and an object that refers to one that
// is not here is kept until it is.
//
// The new View shares nearly everything with the old one, so that a delta costs what it changes and not what there is.
package view

import (
	"iter"
	"net/netip"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// DHCPServerMAC is the address that the agents' DHCP servers answer from (midolman: DhcpImpl).
var DHCPServerMAC = mac.Addr{0x02, 0xa8, 0x9c, 0xde, 0x39, 0x27}

// Station is where a MAC of a bridge is.
type Station struct {
	Port    topology.PortID
	Learned bool // seen by a host, rather than known from Neutron
}

// Neighbour is who has an address of a bridge.
type Neighbour struct {
	MAC  mac.Addr
	Port topology.PortID // the zero ID for the agents' own DHCP server, which has no port
}

// Location is which interface of which host is plugged into a port.
type Location struct {
	Host      topology.HostID
	Interface string
	Local     bool
	// Endpoints are the host's underlay addresses; empty when the host is unknown.
	Endpoints []netip.Addr
	// Active says that the interface is up on a live host; packets are sent to the port either way, since state lags behind.
	Active bool
}

// LocalPort is a port that an interface of this host is to be plugged into.
type LocalPort struct {
	Port      *topology.Port
	Interface string
}

// View is the topology as one host knows it. It is immutable and safe for use by any number of goroutines.
type View struct {
	host    topology.HostID
	objects table[topology.Object] // all of them, also those that refer to something that is not here
	bridges index[*Bridge]
	ports   index[*port]
	hosts   table[*topology.Host]
	local   table[*topology.Binding] // the bindings of this host

	routers    index[*Router]
	chains     index[*chain]
	addrGroups table[members]
	portGroups table[*portGroup]
}

// Bridge is a bridge with everything that names it. In the view it exists as soon as anything does.
type Bridge struct {
	*topology.Bridge                   // nil: not here
	Overlay          *topology.Overlay // what operators have put on it; never nil

	ports      table[topology.PortID]
	interior   table[topology.PortID] // those of ports that have a peer
	entries    table[group[*topology.MACEntry]]
	learned    table[group[*topology.LearnedMAC]]
	neighbours table[group[*topology.Neighbour]]
	dhcp       group[*topology.DHCP]
	dhcpHosts  table[group[*topology.DHCPHost]]
}

// port is everything that names one port. It exists as soon as anything does.
type port struct {
	object  *topology.Port // joined with its overlay; nil: not here
	overlay *topology.Overlay
	binding *topology.Binding
	state   *topology.PortState
	entries group[*topology.MACEntry]
	// neighbours are those of a router's port that hosts have found.
	neighbours table[group[*topology.RouterNeighbour]]
}

func (p *port) empty() bool {
	return p.object == nil && p.overlay == noOverlay && p.binding == nil && p.state == nil && len(p.entries) == 0 && p.neighbours.size == 0
}

// noBridge and noPort stand for what nothing names. They are never changed.
var (
	noBridge = &Bridge{Overlay: noOverlay}
	noPort   = &port{overlay: noOverlay}
)

// New returns the empty view of the given host: nothing is known and every packet is an error.
func New(host topology.HostID) *View { return &View{host: host} }

// Self returns the host whose view this is.
func (v *View) Self() topology.HostID { return v.host }

// Bridge returns the bridge, nil where it is not here.
func (v *View) Bridge(id topology.BridgeID) *Bridge {
	if b := v.bridgeNode(id); b.Bridge != nil {
		return b
	}
	return nil
}

// Port returns the port, nil where it is not here.
func (v *View) Port(id topology.PortID) *topology.Port { return v.portNode(id).object }

// Host returns the host, nil where it is not here.
func (v *View) Host(id topology.HostID) *topology.Host {
	h, _ := v.hosts.get(idKey(id))
	return h
}

// Hosts yields every host that is known here, in no order.
func (v *View) Hosts() iter.Seq[*topology.Host] {
	return func(yield func(*topology.Host) bool) {
		v.hosts.all()(func(_ key, h *topology.Host) bool { return yield(h) })
	}
}

// Location returns what is plugged into the port; false where nothing is. The port itself need not be here.
func (v *View) Location(id topology.PortID) (Location, bool) {
	n := v.portNode(id)
	if n.binding == nil {
		return Location{}, false
	}
	l := Location{Host: n.binding.Host, Interface: n.binding.Interface, Local: n.binding.Host == v.host}
	if h := v.Host(l.Host); h != nil {
		l.Endpoints = h.Endpoints
	}
	l.Active = n.state != nil && n.state.Active && n.state.Host == l.Host
	return l, true
}

// Station returns where the MAC is on the bridge, which need not be here.
func (v *View) Station(id topology.BridgeID, hw mac.Addr) (Station, bool) {
	return v.bridgeNode(id).Station(hw)
}

// Station returns where the MAC is: what Neutron says, else what a host has seen. Should two objects claim one MAC, the one with the
// lower identifier holds, whichever came first.
func (b *Bridge) Station(hw mac.Addr) (Station, bool) {
	if g, ok := b.entries.get(macKey(hw)); ok {
		return Station{Port: g[0].Port}, true
	}
	if g, ok := b.learned.get(macKey(hw)); ok {
		return Station{Port: g[0].Port, Learned: true}, true
	}
	return Station{}, false
}

// Neighbour returns who has the address on the bridge. A DHCP server's address that no port has is the agents' own.
func (v *View) Neighbour(id topology.BridgeID, addr netip.Addr) (Neighbour, bool) {
	b := v.bridgeNode(id)
	if g, ok := b.neighbours.get(addrKey(addr)); ok {
		return Neighbour{MAC: g[0].MAC, Port: g[0].Port}, true
	}
	for _, d := range b.dhcp {
		if d.Server == addr && hasOwnServer(d) {
			return Neighbour{MAC: DHCPServerMAC}, true
		}
	}
	return Neighbour{}, false
}

// ServesDHCP reports whether a station with DHCPServerMAC is on the bridge.
func (v *View) ServesDHCP(id topology.BridgeID) bool {
	for _, d := range v.bridgeNode(id).dhcp {
		if hasOwnServer(d) {
			return true
		}
	}
	return false
}

// hasOwnServer tells whether the subnet's server has an address to itself. A server that answers from the gateway's address leaves
// that address to the gateway, which may be a machine that nobody here knows.
func hasOwnServer(d *topology.DHCP) bool {
	return d.Enabled && d.Server.IsValid() && d.Server != d.Router
}

// Flood returns the ports that a frame to all reaches, in order of identifier: those of the bridge that have a binding and are
// administratively up. Whether each can be reached is for Location to say.
func (v *View) Flood(id topology.BridgeID) []topology.PortID {
	b := v.bridgeNode(id)
	reached := make([]topology.PortID, 0, b.ports.size)
	for _, p := range b.ports.all() {
		if n := v.portNode(p); n.object.AdminUp && n.binding != nil {
			reached = append(reached, p)
		}
	}
	sortIDs(reached)
	return reached
}

// DHCP returns the DHCP subnets of the bridge, in order of identifier.
func (v *View) DHCP(id topology.BridgeID) []*topology.DHCP { return v.bridgeNode(id).dhcp }

// DHCPHosts returns the reservations for the MAC on the bridge, in order of identifier. Their subnets need not be here.
func (v *View) DHCPHosts(id topology.BridgeID, hw mac.Addr) []*topology.DHCPHost {
	g, _ := v.bridgeNode(id).dhcpHosts.get(macKey(hw))
	return g
}

// LocalPorts returns the ports that are here and bound to an interface of this host, in order of identifier.
func (v *View) LocalPorts() []LocalPort {
	ids := make([]topology.PortID, 0, v.local.size)
	for _, b := range v.local.all() {
		ids = append(ids, b.Port)
	}
	sortIDs(ids)
	ports := make([]LocalPort, 0, len(ids))
	for _, id := range ids {
		if n := v.portNode(id); n.object != nil {
			ports = append(ports, LocalPort{Port: n.object, Interface: n.binding.Interface})
		}
	}
	return ports
}

// Object returns the object with the key, nil where it is not here.
func (v *View) Object(key topology.Key) topology.Object {
	o, _ := v.objects.get(objectKey(key))
	return o
}

// Objects yields every object, in no order.
func (v *View) Objects() iter.Seq[topology.Object] {
	return func(yield func(topology.Object) bool) {
		for _, o := range v.objects.all() {
			if !yield(o) {
				return
			}
		}
	}
}

func (v *View) bridgeNode(id topology.BridgeID) *Bridge {
	if n := v.bridges.near(idKey(id)); n != nil {
		return n.value
	}
	return v.bridges.search(idKey(id), noBridge)
}

func (v *View) portNode(id topology.PortID) *port {
	if n := v.ports.near(idKey(id)); n != nil {
		return n.value
	}
	return v.ports.search(idKey(id), noPort)
}
