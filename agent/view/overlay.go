package view

import (
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// noOverlay stands for what nothing has been put on. It is never changed.
var noOverlay = &topology.Overlay{}

// joined returns the port with what operators have put on it.
func (v *View) joined(p *topology.Port) *topology.Port {
	o := v.portNode(p.ID).overlay
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

// putOverlay puts o on the target in the place of what was there.
func (e *edit) putOverlay(target topology.Key, o *topology.Overlay) {
	switch target.Kind {
	case topology.KindBridge:
		e.bridge(target.ID, func(b *Bridge) { b.Overlay = o })
	case topology.KindRouter:
		e.router(target.ID, func(r *Router) { r.Overlay = o })
	case topology.KindPort:
		e.port(target.ID, func(p *port) { p.overlay = o })
		if p, ok := e.view.Object(target).(*topology.Port); ok {
			e.leavePort(p.ID)
			e.enterPort(p)
		}
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
