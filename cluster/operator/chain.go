package operator

import (
	"iter"
	"slices"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// MaxRules is how many rules a chain of an operator has at most. A chain is one object, which every change writes and sends whole.
const MaxRules = 500

// CreateChain makes an empty chain.
func (e *Edit) CreateChain(c *topology.Chain) error {
	c.Made = topology.Operators
	return e.create(c)
}

// CreateRule puts a rule into an operator's chain, at a position that counts from 1. Everything that it names exists.
func (e *Edit) CreateRule(chain topology.ChainID, position int, r topology.Rule) error {
	c, err := e.ownChain(chain)
	if err != nil {
		return err
	}
	switch {
	case position < 1 || position > len(c.Rules)+1:
		return errs.New(errs.Invalid, "BadPosition", "Position exceeds number of rules in chain")
	case len(c.Rules) == MaxRules:
		return errs.New(errs.Conflict, "ChainFull", "Chain %s has %d rules, the most that a chain can have.", chain, MaxRules)
	case isStored(e.State, r.ID):
		return errs.New(errs.Conflict, "ObjectExists", "A(n) Rule with ID %s already exists.", r.ID)
	}
	if err := e.namesWhatIs(&r); err != nil {
		return err
	}
	want := *c
	want.Rules = slices.Insert(slices.Clone(c.Rules), position-1, r)
	e.tx.Put(&want)
	return nil
}

// namesWhatIs refuses a rule that refers to what is not there.
func (e *Edit) namesWhatIs(r *topology.Rule) error {
	var named []topology.Key
	name := func(kind topology.Kind, ids ...[16]byte) {
		for _, id := range ids {
			if id != [16]byte{} {
				named = append(named, topology.Key{Kind: kind, ID: id})
			}
		}
	}
	name(topology.KindChain, r.Jump)
	name(topology.KindAddrGroup, r.When.SrcGroup, r.When.DstGroup)
	name(topology.KindPortGroup, r.When.PortGroup, r.When.InPortGroup, r.When.OutPortGroup)
	if k := r.Kept; k != nil && k.Trace != nil {
		name(topology.KindTraceRequest, k.Trace.Request)
	} else if k != nil && k.Transform != nil {
		name(topology.KindPort, k.Transform.Target)
	}
	for _, ports := range [][]topology.PortID{r.When.InPorts, r.When.OutPorts} {
		for _, p := range ports {
			name(topology.KindPort, p)
		}
	}
	for _, k := range named {
		if o, err := e.tx.Get(k); err != nil || o == nil {
			return orMissing(err, k)
		}
	}
	if r.When.Traversed.IsZero() {
		return nil
	}
	if o, err := e.tx.Get(topology.Key{Kind: topology.KindBridge, ID: r.When.Traversed}); err != nil || o != nil {
		return err
	}
	return e.deviceExists(topology.Key{Kind: topology.KindRouter, ID: r.When.Traversed})
}

func orMissing(err error, k topology.Key) error {
	if err != nil {
		return err
	}
	return Missing(k.Kind, k.ID)
}

// DeleteRule removes a rule from an operator's chain.
func (e *Edit) DeleteRule(rule topology.RuleID) error {
	in := FindRule(e.State, rule)
	if in == nil {
		return errs.New(errs.NotFound, "NotFound", "There is no Rule with ID %s.", rule)
	}
	c, err := e.ownChain(in.ID)
	if err != nil {
		return err
	}
	return e.keepRules(c, func(r *topology.Rule) bool { return r.ID != rule })
}

// keepRules writes the chain with those of its rules that are to be kept.
func (e *Edit) keepRules(c *topology.Chain, keep func(*topology.Rule) bool) error {
	want := *c
	want.Rules = nil
	for i := range c.Rules {
		if keep(&c.Rules[i]) {
			want.Rules = append(want.Rules, c.Rules[i])
		}
	}
	if len(want.Rules) < len(c.Rules) {
		e.tx.Put(&want)
	}
	return nil
}

// Chains yields every chain: those that are stored, and those that the security of ports stands for.
func Chains(s *mirror.State) iter.Seq[*topology.Chain] {
	return func(yield func(*topology.Chain) bool) {
		for o := range s.ByKind(topology.KindChain) {
			if !yield(o.(*topology.Chain)) {
				return
			}
		}
		for o := range s.ByKind(topology.KindPort) {
			for _, c := range o.(*topology.Port).Chains() {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// FindChain returns one of Chains; nil where there is none with the identifier.
func FindChain(s *mirror.State, chain topology.ChainID) *topology.Chain {
	if stored := mirror.Lookup[*topology.Chain](s, topology.KindChain, chain); stored != nil {
		return stored
	}
	for o := range s.ByKind(topology.KindPort) {
		p := o.(*topology.Port)
		if p.Security == nil {
			continue
		}
		switch chain {
		case topology.InboundChain(p.ID), topology.OutboundChain(p.ID), topology.AntiSpoofChain(p.ID):
			return chainOf(slices.Values(p.Chains()), func(c *topology.Chain) bool { return c.ID == chain })
		}
	}
	return nil
}

// FindRule returns the one of Chains that has the rule; nil where none has.
func FindRule(s *mirror.State, rule topology.RuleID) *topology.Chain {
	return chainOf(Chains(s), func(c *topology.Chain) bool { return hasRule(c, rule) })
}

func chainOf(chains iter.Seq[*topology.Chain], is func(*topology.Chain) bool) *topology.Chain {
	for c := range chains {
		if is(c) {
			return c
		}
	}
	return nil
}

func hasRule(c *topology.Chain, rule topology.RuleID) bool {
	return slices.ContainsFunc(c.Rules, func(r topology.Rule) bool { return r.ID == rule })
}

// isStored reports whether a chain that is stored has the rule.
func isStored(s *mirror.State, rule topology.RuleID) bool {
	for o := range s.ByKind(topology.KindChain) {
		if hasRule(o.(*topology.Chain), rule) {
			return true
		}
	}
	return false
}

// ownChain returns the chain, which must be there and an operator's.
func (e *Edit) ownChain(chain topology.ChainID) (*topology.Chain, error) {
	c, err := own[*topology.Chain](e, topology.KindChain, chain)
	if errs.KindOf(err) == errs.NotFound && FindChain(e.State, chain) != nil {
		err = rendered(topology.KindChain, chain)
	}
	return c, err
}
