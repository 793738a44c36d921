package view

import (
	"reflect"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// tagSet is tags in the order in which they were first added.
type tagSet struct {
	list []flow.Tag
	seen map[flow.Tag]bool
}

func (s *tagSet) add(t flow.Tag) {
	if s.seen == nil {
		s.seen = make(map[flow.Tag]bool)
	}
	if !s.seen[t] {
		s.seen[t] = true
		s.list = append(s.list, t)
	}
}

// touch adds the tags of the answers that may change when now takes the place of old; either may be nil.
//
// State that no answer depends on touches nothing: whether a bridge's port is active (packets are sent to it either way), what a host
// reports of itself, blocks of ports (what a host has of them is in its State), names, and the keys, sources and progress that only
// the cluster reads.
func (e *edit) touch(old, now topology.Object) {
	if sameAnswers(old, now) || e.sameMembers(old, now) {
		return
	}
	for _, o := range []topology.Object{old, now} {
		if o != nil {
			e.touchObject(o)
		}
	}
}

func (e *edit) touchObject(o topology.Object) {
	switch o := o.(type) {
	case *topology.Bridge:
		e.add(flow.TagBridge, o.ID)
	case *topology.Port:
		e.touchPort(e.view.joined(o))
	case *topology.Overlay:
		e.touchOverlay(o)
	case *topology.Binding:
		e.add(flow.TagPort, o.Port)
		if p := e.view.Port(o.Port); p != nil {
			e.touchPort(p)
		}
	case *topology.PortState:
		// Routes count while their port is active.
		if p := e.view.Port(o.Port); p != nil && !p.Router.IsZero() {
			e.add(flow.TagPort, o.Port)
		}
	case *topology.Host:
		e.add(flow.TagHost, o.ID)
		if o.ID == e.view.host {
			e.tags.add(flow.Tag{Class: flow.TagTunnel})
		}
	case *topology.MACEntry:
		e.addStation(o.Bridge, o.MAC)
		e.add(flow.TagPort, o.Port)
	case *topology.LearnedMAC:
		e.addStation(o.Bridge, o.MAC)
	case *topology.Neighbour:
		e.tags.add(flow.HostTag(flow.TagNeighbour, o.Bridge, o.Addr))
	case *topology.DHCP:
		e.add(flow.TagDHCP, o.ID)
		if o.Server.IsValid() {
			e.tags.add(flow.HostTag(flow.TagNeighbour, o.Bridge, o.Server))
		}
		e.addStation(o.Bridge, DHCPServerMAC)
	case *topology.DHCPHost:
		e.add(flow.TagDHCP, o.DHCP)
	default:
		e.touchLayer3(o)
	}
}

func (e *edit) touchPort(p *topology.Port) {
	e.add(flow.TagPort, p.ID)
	if !p.Bridge.IsZero() {
		e.add(flow.TagFlood, p.Bridge)
	}
	e.touchGroups(p.Groups)
}

func (e *edit) touchGroups(groups []topology.PortGroupID) {
	for _, g := range groups {
		e.add(flow.TagPortGroup, g)
	}
}

func (e *edit) touchLayer3(o topology.Object) {
	switch o := o.(type) {
	case *topology.Router:
		e.add(flow.TagRouter, o.ID)
	case *topology.Route:
		if o.Destination.IsValid() {
			e.tags.add(flow.PrefixTag(flow.TagRoute, o.Router, o.Destination.Masked()))
		}
	case *topology.FloatingIP:
		e.tags.add(flow.HostTag(flow.TagFloating, o.Router, o.Addr))
		e.tags.add(flow.HostTag(flow.TagFloating, o.Router, o.Fixed))
	case *topology.PortForwarding:
		e.add(flow.TagForwarding, o.Router)
		e.tags.add(flow.HostTag(flow.TagForwarding, o.Router, o.Addr))
		for _, t := range flow.ForwardingTags(o.Router, o.Addr, o.Proto, o.Ports) {
			e.tags.add(t)
		}
	case *topology.RouterNeighbour:
		e.tags.add(flow.HostTag(flow.TagNeighbour, o.Port, o.Addr))
	case *topology.Chain:
		e.touchChain(o)
	case *topology.GroupMember:
		if o.Prefix.IsValid() {
			e.tags.add(flow.PrefixTag(flow.TagGroup, o.Group, o.Prefix.Masked()))
		}
	case *topology.PortGroup:
		e.add(flow.TagPortGroup, o.ID)
	}
}

// sameMembers reports whether a member comes or goes whose prefix another port has in the group as well.
func (e *edit) sameMembers(old, now topology.Object) bool {
	m, ok := now.(*topology.GroupMember)
	others := 1
	switch {
	case old == nil && ok:
	case now == nil:
		if m, ok = old.(*topology.GroupMember); !ok {
			return false
		}
		others = 2 // it is still there itself
	default:
		return false
	}
	group, _ := e.view.addrGroups.get(idKey(m.Group))
	same, _ := group.Get(m.Prefix)
	return len(same) >= others
}

func (e *edit) add(class flow.TagClass, id [16]byte) { e.tags.add(flow.Tag{Class: class, ID: id}) }

func (e *edit) addStation(bridge topology.BridgeID, hw mac.Addr) {
	e.tags.add(flow.StationTag(bridge, hw))
}

// sameAnswers reports whether two versions of an object differ only in what is for people, so that renaming a network does not
// send every packet of it to the simulator. Two bindings differ in the interface as well: the datapath's outputs follow it.
func sameAnswers(old, now topology.Object) bool {
	switch o := old.(type) {
	case *topology.Bridge:
		n, ok := now.(*topology.Bridge)
		return ok && o.AdminUp == n.AdminUp
	case *topology.Port:
		n, ok := now.(*topology.Port)
		return ok && samePort(o, n)
	case *topology.Host:
		n, ok := now.(*topology.Host)
		return ok && slices.Equal(o.Endpoints, n.Endpoints) && o.Metadata == n.Metadata && o.Openings == n.Openings && o.Origins == n.Origins
	case *topology.Router:
		n, ok := now.(*topology.Router)
		return ok && o.AdminUp == n.AdminUp && o.InChain == n.InChain && o.OutChain == n.OutChain && o.ForwardChain == n.ForwardChain
	case *topology.Chain:
		n, ok := now.(*topology.Chain)
		return ok && reflect.DeepEqual(o.Rules, n.Rules)
	case *topology.PortGroup:
		n, ok := now.(*topology.PortGroup)
		return ok && o.Stateful == n.Stateful
	case *topology.RouterNeighbour:
		n, ok := now.(*topology.RouterNeighbour)
		return ok && o.Port == n.Port && o.Addr == n.Addr && o.MAC == n.MAC
	}
	return false
}

// samePort compares all but what is for people, the instance behind the port, and what is advertised, which no flow carries.
func samePort(a, b *topology.Port) bool {
	x, y := *a, *b
	for _, p := range []*topology.Port{&x, &y} {
		p.Name, p.ProjectID, p.Device, p.Advertise = "", "", "", nil
	}
	return reflect.DeepEqual(x, y)
}
