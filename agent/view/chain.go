package view

import (
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// Chain is a chain as packets walk it: its rules, but for those that jump to a short chain without any.
type Chain struct {
	ID      topology.ChainID
	Name    string
	Rules   []Rule
	Missing bool // something names it, and it is not here
	Tree    bool // no way through it comes to the same chain twice: it jumps to none but short ones, and to each once
}

// Rule is a rule with what is found out about it once and not for each packet.
type Rule struct {
	*topology.Rule
	// Short is, of a rule that jumps to a short chain which is here, that chain: nobody has to look it up, and what it says is under the tag
	// of the one that the rule is of. Else nil.
	Short *Chain
	Looks Looks               // what its condition depends on; 0: every packet meets it
	Does  topology.RuleAction // Rule.Action, which is nearer here
}

// Looks is which parts of what can be known of a packet a condition depends on. Most conditions have one or two fields, and there are
// thirty.
type Looks uint16

// The parts, in the order in which they are looked at.
const (
	LooksAtFragment   Looks = 1 << iota // which part of a packet it is
	LooksAtFrame                        // Ethernet's addresses and types, VLAN, TOS
	LooksAtProto                        // the protocol
	LooksAtAddresses                    // the network's
	LooksAtPorts                        // those of TCP and the like, type and code of ICMP
	LooksAtPlace                        // the device's ports, and what happened to the packet there
	LooksAtMembers                      // groups of addresses
	LooksAtWay                          // groups of ports, and the devices on the way
	LooksAtConnection                   // whether the packet is an answer
	LooksAtQuote                        // the packet that an ICMP error is about
	looksAtAll                          // or it depends on nothing but is met by some packets alone
)

func looksOf(c *topology.Condition) (l Looks) {
	set := func(looks bool, part Looks) {
		if looks {
			l |= part
		}
	}
	set(c.EtherType != 0 || c.NoVLAN || c.VLAN != 0 || c.MatchTOS || !c.SrcMAC.IsZero() || !c.DstMAC.IsZero(), LooksAtFrame)
	set(c.MatchProto, LooksAtProto)
	set(c.Src.IsValid() || c.Dst.IsValid(), LooksAtAddresses)
	set(c.SrcPorts.Set || c.DstPorts.Set, LooksAtPorts)
	set(len(c.InPorts) > 0 || len(c.OutPorts) > 0 || c.DstRewritten, LooksAtPlace)
	set(!c.SrcGroup.IsZero() || !c.DstGroup.IsZero(), LooksAtMembers)
	set(!c.PortGroup.IsZero() || !c.InPortGroup.IsZero() || !c.OutPortGroup.IsZero() || !c.Traversed.IsZero(), LooksAtWay)
	set(c.ForwardFlow || c.ReturnFlow, LooksAtConnection)
	set(c.ICMPData != nil, LooksAtQuote)
	set(c.Fragments != topology.FragmentsAny, LooksAtFragment)
	set(c.NotAll, looksAtAll)
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
	walked  *Chain                 // the chain, as packets walk it
	namedBy table[topology.Object] // the chains that jump to it, and the routers whose it is
}

var noChain = &chain{}

// walked returns the chain as packets walk it.
func (v *View) walked(c *topology.Chain) *Chain {
	w := &Chain{ID: c.ID, Name: c.Name, Rules: make([]Rule, 0, len(c.Rules)), Tree: true}
	for i := range c.Rules {
		r := Rule{Rule: &c.Rules[i], Looks: looksOf(&c.Rules[i].When), Does: c.Rules[i].Action}
		if r.Action == topology.ActionJump {
			r.Short = v.short(r.Jump)
			if r.Short != nil && len(r.Short.Rules) == 0 {
				continue
			}
			w.Tree = w.Tree && r.Short != nil && !slices.ContainsFunc(w.Rules, func(have Rule) bool { return have.Short == r.Short })
		}
		w.Rules = append(w.Rules, r)
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
func (r *Router) unset() { r.Router, r.In, r.Forward, r.Out = nil, nil, nil, nil }

// asking returns the chain, nil where it is here and has no rule.
func (v *View) asking(id topology.ChainID) *Chain {
	c := v.Named(id)
	if c != nil && len(c.Rules) == 0 && !c.Missing {
		return nil
	}
	return c
}

// Named returns the chain that something names by the identifier, nil where that is zero and names none.
func (v *View) Named(id topology.ChainID) *Chain {
	if id.IsZero() {
		return nil
	}
	if c := v.chainNode(id).walked; c != nil {
		return c
	}
	return &Chain{ID: id, Missing: true}
}

func (v *View) chainNode(id topology.ChainID) *chain {
	if n := v.chains.near(idKey(id)); n != nil {
		return n.value
	}
	return v.chains.search(idKey(id), noChain)
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
		e.view.chains.table = e.view.chains.without(idKey(id))
		return
	}
	e.view.chains.table = e.view.chains.with(idKey(id), &c)
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
	e.chain(c.ID, func(n *chain) { n.object, n.walked = nil, &Chain{ID: c.ID, Missing: true} })
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
