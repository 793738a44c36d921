package view

import (
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// noOverlay stands for what nothing has been put on. It is never changed.
var noOverlay = &topology.Overlay{}

// Overlay returns what operators have put on a bridge or router. That of a port is in the Port.
func (v *View) Overlay(target topology.Key) *topology.Overlay {
	if v.overlays.size == 0 {
		return noOverlay
	}
	if o, ok := v.overlays.get(objectKey(target)); ok {
		return o
	}
	return noOverlay
}

// joined returns the port with what operators have put on it.
func (v *View) joined(p *topology.Port) *topology.Port {
	o := v.Overlay(p.Key())
	if o == noOverlay {
		return p
	}
	j := *p
	j.InChain, j.OutChain = o.InChain, o.OutChain
	j.Groups = slices.Concat(p.Groups, o.Groups)
	return &j
}

// enterPort and leavePort enter a port, joined with its overlay, and take it out.
func (e *edit) enterPort(p *topology.Port) {
	j := e.view.joined(p)
	e.port(p.ID, func(n *port) { n.object = j })
	e.indexPort(j)
}

func (e *edit) leavePort(id topology.PortID) {
	if j := e.view.Port(id); j != nil {
		e.port(id, func(n *port) { n.object = nil })
		e.unindexPort(j)
	}
}

// overlay puts o, or nothing where it is nil, on the target.
func (e *edit) overlay(target topology.Key, o *topology.Overlay) {
	if o == nil {
		e.view.overlays = e.view.overlays.without(objectKey(target))
	} else {
		e.view.overlays = e.view.overlays.with(objectKey(target), o)
	}
	if p, ok := e.view.Object(target).(*topology.Port); ok {
		e.leavePort(p.ID)
		e.enterPort(p)
	}
}

// touchOverlay adds the tags of the answers that depend on what is put on the target.
func (e *edit) touchOverlay(o *topology.Overlay) {
	switch p, _ := e.view.Object(o.Target).(*topology.Port); {
	case o.Target.Kind == topology.KindBridge:
		e.add(flow.TagBridge, o.Target.ID)
	case o.Target.Kind == topology.KindRouter:
		e.add(flow.TagRouter, o.Target.ID)
	case p != nil:
		e.touchPort(p)
		e.touchGroups(o.Groups)
	}
}
