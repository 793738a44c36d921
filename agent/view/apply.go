package view

import (
	"reflect"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// Delta is a change of the objects that the host needs. A key that is both deleted and put is put.
type Delta struct {
	Puts    []topology.Object
	Deletes []topology.Key
}

// Apply returns the view after the delta, and the tags of the answers that may differ from v's. Putting what is there already, and
// deleting what is not, changes nothing and touches nothing.
func (v *View) Apply(d Delta) (*View, []flow.Tag) {
	next := *v
	next.bridges.found, next.ports.found, next.routers.found, next.chains.found = nil, nil, nil, nil
	e := edit{view: &next}
	for _, k := range d.Deletes {
		e.replace(k, nil)
	}
	for _, o := range d.Puts {
		e.replace(o.Key(), o)
	}
	next.bridges.found, next.ports.found = new(found[*Bridge]), new(found[*port])
	next.routers.found, next.chains.found = new(found[*Router]), new(found[*chain])
	return &next, e.tags.list
}

// edit is a delta being applied to a view that nobody else has yet.
type edit struct {
	view *View
	tags tagSet
}

// replace puts o, or nothing where it is nil, in the place of the object with the key.
func (e *edit) replace(k topology.Key, o topology.Object) {
	old := e.view.Object(k)
	switch {
	case old == nil && o == nil:
		return
	case old != nil && o != nil && reflect.DeepEqual(old, o):
		return
	}
	e.touch(old, o)
	if old != nil {
		e.unindex(old)
		e.view.objects = e.view.objects.without(objectKey(k))
	}
	if o != nil {
		e.view.objects = e.view.objects.with(objectKey(k), o)
		e.index(o)
	}
}

func (e *edit) index(o topology.Object) {
	switch o := o.(type) {
	case *topology.Bridge:
		e.bridge(o.ID, func(b *Bridge) { b.Bridge = o })
	case *topology.Port:
		e.enterPort(o)
	case *topology.DHCP:
		e.bridge(o.Bridge, func(b *Bridge) { b.dhcp = b.dhcp.with(o) })
	case *topology.DHCPHost:
		e.bridge(o.Bridge, func(b *Bridge) { b.dhcpHosts = enter(b.dhcpHosts, macKey(o.MAC), o) })
	case *topology.MACEntry:
		e.bridge(o.Bridge, func(b *Bridge) { b.entries = enter(b.entries, macKey(o.MAC), o) })
		e.port(o.Port, func(p *port) { p.entries = p.entries.with(o) })
	case *topology.LearnedMAC:
		e.bridge(o.Bridge, func(b *Bridge) { b.learned = enter(b.learned, macKey(o.MAC), o) })
	case *topology.Neighbour:
		e.bridge(o.Bridge, func(b *Bridge) { b.neighbours = enter(b.neighbours, addrKey(o.Addr), o) })
	case *topology.Host:
		e.view.hosts = e.view.hosts.with(idKey(o.ID), o)
	case *topology.Binding:
		e.port(o.Port, func(p *port) { p.binding = o })
		if o.Host == e.view.host {
			e.view.local = e.view.local.with(idKey(o.Port), o)
		}
	case *topology.PortState:
		e.port(o.Port, func(p *port) { p.state = o })
	case *topology.Overlay:
		e.putOverlay(o.Target, o)
	default:
		e.indexLayer3(o)
	}
}

func (e *edit) unindex(o topology.Object) {
	switch o := o.(type) {
	case *topology.Bridge:
		e.bridge(o.ID, func(b *Bridge) { b.Bridge = nil })
	case *topology.Port:
		e.leavePort(o.ID)
	case *topology.DHCP:
		e.bridge(o.Bridge, func(b *Bridge) { b.dhcp = b.dhcp.without(o.Key()) })
	case *topology.DHCPHost:
		e.bridge(o.Bridge, func(b *Bridge) { b.dhcpHosts = leave(b.dhcpHosts, macKey(o.MAC), o) })
	case *topology.MACEntry:
		e.bridge(o.Bridge, func(b *Bridge) { b.entries = leave(b.entries, macKey(o.MAC), o) })
		e.port(o.Port, func(p *port) { p.entries = p.entries.without(o.Key()) })
	case *topology.LearnedMAC:
		e.bridge(o.Bridge, func(b *Bridge) { b.learned = leave(b.learned, macKey(o.MAC), o) })
	case *topology.Neighbour:
		e.bridge(o.Bridge, func(b *Bridge) { b.neighbours = leave(b.neighbours, addrKey(o.Addr), o) })
	case *topology.Host:
		e.view.hosts = e.view.hosts.without(idKey(o.ID))
	case *topology.Binding:
		e.port(o.Port, func(p *port) { p.binding = nil })
		e.view.local = e.view.local.without(idKey(o.Port))
	case *topology.PortState:
		e.port(o.Port, func(p *port) { p.state = nil })
	case *topology.Overlay:
		e.putOverlay(o.Target, noOverlay)
	default:
		e.unindexLayer3(o)
	}
}

// indexPort enters the port with its bridge and its port groups. A router's port is found by its own identifier alone.
func (e *edit) indexPort(p *topology.Port) {
	if !p.Bridge.IsZero() {
		e.bridge(p.Bridge, func(b *Bridge) {
			b.ports = b.ports.with(idKey(p.ID), p.ID)
			if p.Interior() {
				b.interior = b.interior.with(idKey(p.ID), p.ID)
			}
		})
	}
	for _, g := range p.Groups {
		e.portGroup(g, func(g *portGroup) { g.members = g.members.with(idKey(p.ID), p.ID) })
	}
}

func (e *edit) unindexPort(p *topology.Port) {
	if !p.Bridge.IsZero() {
		e.bridge(p.Bridge, func(b *Bridge) { b.ports, b.interior = b.ports.without(idKey(p.ID)), b.interior.without(idKey(p.ID)) })
	}
	for _, g := range p.Groups {
		e.portGroup(g, func(g *portGroup) { g.members = g.members.without(idKey(p.ID)) })
	}
}

// bridge puts a changed copy of everything that names the bridge in place, or nothing where nothing does any more.
func (e *edit) bridge(id topology.BridgeID, change func(*Bridge)) {
	b := *e.view.bridgeNode(id)
	change(&b)
	if b.empty() {
		e.view.bridges.table = e.view.bridges.without(idKey(id))
		return
	}
	e.view.bridges.table = e.view.bridges.with(idKey(id), &b)
}

func (b *Bridge) empty() bool {
	return b.Bridge == nil && b.Overlay == noOverlay && len(b.dhcp) == 0 &&
		b.ports.size+b.interior.size+b.entries.size+b.learned.size+b.neighbours.size+b.dhcpHosts.size == 0
}

// port does for a port what bridge does for a bridge.
func (e *edit) port(id topology.PortID, change func(*port)) {
	p := *e.view.portNode(id)
	change(&p)
	if p.empty() {
		e.view.ports.table = e.view.ports.without(idKey(id))
		return
	}
	e.view.ports.table = e.view.ports.with(idKey(id), &p)
}
