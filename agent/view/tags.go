package view

import (
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
// State that no answer depends on touches nothing: whether a port is active (packets are sent to it either way), what a host
// reports of itself, names, and the keys, sources and progress that only the cluster reads.
func (e *edit) touch(old, now topology.Object) {
	if sameAnswers(old, now) {
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
		e.add(flow.TagPort, o.ID)
		e.add(flow.TagFlood, o.Bridge)
	case *topology.Binding:
		e.add(flow.TagPort, o.Port)
		if p := e.view.Port(o.Port); p != nil {
			e.add(flow.TagFlood, p.Bridge)
		}
	case *topology.Host:
		e.add(flow.TagHost, o.ID)
		if o.ID == e.view.host {
			e.tags.add(flow.Tag{Class: flow.TagTunnel})
		}
	case *topology.MACEntry:
		e.addStation(o.Bridge, o.MAC)
	case *topology.LearnedMAC:
		e.addStation(o.Bridge, o.MAC)
	case *topology.Neighbour:
		e.add(flow.TagNeighbour, o.Bridge)
	case *topology.DHCP:
		e.add(flow.TagDHCP, o.ID)
		e.add(flow.TagNeighbour, o.Bridge)
		e.addStation(o.Bridge, DHCPServerMAC)
	case *topology.DHCPHost:
		e.add(flow.TagDHCP, o.DHCP)
	}
}

func (e *edit) add(class flow.TagClass, id [16]byte) { e.tags.add(flow.Tag{Class: class, ID: id}) }

func (e *edit) addStation(bridge topology.BridgeID, hw mac.Addr) {
	e.tags.add(flow.Tag{Class: flow.TagMAC, ID: bridge, MAC: hw})
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
		return ok && o.Bridge == n.Bridge && o.AdminUp == n.AdminUp && o.TunnelKey == n.TunnelKey
	case *topology.Host:
		n, ok := now.(*topology.Host)
		return ok && slices.Equal(o.Endpoints, n.Endpoints)
	}
	return false
}
