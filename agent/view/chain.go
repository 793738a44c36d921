package view

import (
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// Chain is a chain as packets walk it.
type Chain struct {
	ID    topology.ChainID
	Name  string
	Rules []Rule
}

// Rule is a rule with what is found out about it once and not for each packet.
type Rule struct {
	*topology.Rule
	// Short is, of a rule that jumps to a short chain which is here, that chain: nobody has to look it up, and what it says is under the tag
	// of the one that the rule is of. Else nil.
	Short *Chain
	Looks Looks // what its condition depends on; 0: every packet meets it
}

// Named is a chain as something names it: the zero ID where it names none, and Chain nil where the chain is not here.
type Named struct {
	ID    topology.ChainID
	Chain *Chain
}

// Looks is which parts of what can be known of a packet a condition depends on. Most conditions have one or two fields, and there are
// thirty.
type Looks uint8

// The parts.
const (
	LooksAtHeader Looks = 1 << iota // what a flow's key has
	LooksAtPlace                    // where the packet is, and what its addresses and its connection belong to
	LooksAtQuote                    // the packet that an ICMP error is about
	looksAtAll                      // or it depends on nothing but is met by some packets alone
)

func looksOf(c *topology.Condition) (l Looks) {
	if c.EtherType != 0 || c.NoVLAN || c.VLAN != 0 || c.MatchTOS || c.MatchProto || !c.SrcMAC.IsZero() || !c.DstMAC.IsZero() ||
		c.Src.IsValid() || c.Dst.IsValid() || c.SrcPorts.Set || c.DstPorts.Set {
		l |= LooksAtHeader
	}
	if len(c.InPorts) > 0 || len(c.OutPorts) > 0 || c.DstRewritten || !c.SrcGroup.IsZero() || !c.DstGroup.IsZero() ||
		!c.PortGroup.IsZero() || !c.InPortGroup.IsZero() || !c.OutPortGroup.IsZero() || !c.Traversed.IsZero() || c.ForwardFlow || c.ReturnFlow {
		l |= LooksAtPlace
	}
	if c.ICMPData != nil {
		l |= LooksAtQuote
	}
	if c.Fragments != topology.FragmentsAny || c.NotAll {
		l |= looksAtAll
	}
	return l
}

// shortChain is how many rules a short chain has at most. A router's chains jump to such ones, some of which seldom have any rule.
const shortChain = 8

// isShort reports whether the chain is one of few rules that jump to none.
func isShort(c *topology.Chain) bool {
	if len(c.Rules) > shortChain {
		return false
	}
	for i := range c.Rules {
		if c.Rules[i].Action == topology.ActionJump {
			return false
		}
	}
	return true
}

// chain is everything that names one chain. It exists as soon as anything does.
type chain struct {
	object  *topology.Chain        // nil: not here
	walked  *Chain                 // object, as packets walk it
	namedBy table[topology.Object] // the chains that jump to it, and the routers whose it is
}

var noChain = &chain{}

// walked returns the chain as packets walk it.
func (v *View) walked(c *topology.Chain) *Chain {
	w := &Chain{ID: c.ID, Name: c.Name, Rules: make([]Rule, len(c.Rules))}
	for i := range c.Rules {
		r := &c.Rules[i]
		w.Rules[i] = Rule{Rule: r, Looks: looksOf(&r.When)}
		if r.Action == topology.ActionJump {
			w.Rules[i].Short = v.short(r.Jump)
		}
	}
	return w
}

// short returns the chain where it is a short one that is here, else nil.
func (v *View) short(id topology.ChainID) *Chain {
	if n := v.chainNode(id); n.object != nil && isShort(n.object) {
		return n.walked
	}
	return nil
}

// set makes the object the router's.
func (r *Router) set(object *topology.Router, v *View) {
	r.Router = object
	r.In, r.Forward, r.Out = v.asking(object.InChain), v.asking(object.ForwardChain), v.asking(object.OutChain)
}

// unset takes it away.
func (r *Router) unset() { r.Router, r.In, r.Forward, r.Out = nil, Named{}, Named{}, Named{} }

// asking returns the chain, or none where it is here and has no rule.
func (v *View) asking(id topology.ChainID) Named {
	n := v.Named(id)
	if n.Chain != nil && len(n.Chain.Rules) == 0 {
		return Named{}
	}
	return n
}

// Named returns the chain by its name.
func (v *View) Named(id topology.ChainID) Named {
	if id.IsZero() {
		return Named{}
	}
	return Named{ID: id, Chain: v.chainNode(id).walked}
}

func (v *View) chainNode(id topology.ChainID) *chain {
	if c, ok := v.chains.get(idKey(id)); ok {
		return c
	}
	return noChain
}

// chainsOf returns the chains that the object, a router or a chain, names.
func chainsOf(o topology.Object) []topology.ChainID {
	var ids []topology.ChainID
	switch o := o.(type) {
	case *topology.Router:
		ids = []topology.ChainID{o.InChain, o.ForwardChain, o.OutChain}
	case *topology.Chain:
		for i := range o.Rules {
			ids = append(ids, o.Rules[i].Jump)
		}
	}
	return slices.DeleteFunc(ids, topology.ChainID.IsZero)
}

// enterNames and leaveNames note which chains the object names, and forget it.
func (e *edit) enterNames(o topology.Object) {
	for _, id := range chainsOf(o) {
		e.chain(id, func(c *chain) { c.namedBy = c.namedBy.with(objectKey(o.Key()), o) })
	}
}

func (e *edit) leaveNames(o topology.Object) {
	for _, id := range chainsOf(o) {
		e.chain(id, func(c *chain) { c.namedBy = c.namedBy.without(objectKey(o.Key())) })
	}
}

// chain does for a chain what bridge does for a bridge.
func (e *edit) chain(id topology.ChainID, change func(*chain)) {
	c := *e.view.chainNode(id)
	change(&c)
	if c.object == nil && c.namedBy.size == 0 {
		e.view.chains = e.view.chains.without(idKey(id))
		return
	}
	e.view.chains = e.view.chains.with(idKey(id), &c)
}

// enterChain and leaveChain enter a chain and take it out, and make what names it new where it is part of that.
func (e *edit) enterChain(c *topology.Chain) {
	e.enterNames(c)
	w := e.view.walked(c)
	e.chain(c.ID, func(n *chain) { n.object, n.walked = c, w })
	e.renew(c)
}

func (e *edit) leaveChain(c *topology.Chain) {
	e.leaveNames(c)
	e.chain(c.ID, func(n *chain) { n.object, n.walked = nil, nil })
	e.renew(c)
}

// renew makes what names the chain anew: routers, and those chains that it is a part of.
func (e *edit) renew(c *topology.Chain) {
	for _, o := range e.view.chainNode(c.ID).namedBy.all() {
		switch o := o.(type) {
		case *topology.Router:
			e.router(o.ID, func(r *Router) { r.set(o, e.view) })
		case *topology.Chain:
			if isShort(c) {
				w := e.view.walked(o)
				e.chain(o.ID, func(n *chain) { n.walked = w })
				e.renew(o)
			}
		}
	}
}

// touchChain adds the tags of the answers that depend on the chain, by name or as a part of what names it.
func (e *edit) touchChain(c *topology.Chain) {
	e.add(flow.TagChain, c.ID)
	if !isShort(c) {
		return
	}
	for _, o := range e.view.chainNode(c.ID).namedBy.all() {
		switch o := o.(type) {
		case *topology.Router:
			if len(c.Rules) == 0 {
				e.add(flow.TagRouter, o.ID)
			}
		case *topology.Chain:
			e.add(flow.TagChain, o.ID)
		}
	}
}
