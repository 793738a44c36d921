package sim

import (
	"math"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// place is where a chain is evaluated.
type place struct {
	device  [16]byte        // that keeps the state of translations: the router, or the port's bridge
	router  *view.Router    // whose floating addresses count; nil on a bridge
	in, out topology.PortID // of the device; zero where not known
}

// outcome is what a chain decides.
type outcome uint8

const (
	undecided outcome = iota
	accepted
	dropped
	rejected
	returned // leaves this chain only
	waiting  // the walk has ended: the packet waits for something
)

// maxChains is how many chains one evaluation may visit.
const maxChains = 64

// mayAsk notes the chain, and reports whether it may be asked. Jumping into one again goes on with the next rule, as the original has it,
// so that chains that jump in a circle end.
func (w *walk) mayAsk(c *view.Chain) bool {
	if len(w.asked) == maxChains || slices.Contains(w.asked, c) {
		w.step(chainDevice(c), "has been asked already, and is not asked again")
		return false
	}
	w.asked = append(w.asked, c)
	return true
}

// filter evaluates a chain and those it jumps to.
func (w *walk) filter(c *view.Chain, at *place) outcome {
	w.asked, w.mayCircle = w.asked[:0], !c.Tree
	if o := w.chain(c, at); o != returned {
		return o
	}
	return undecided
}

func (w *walk) chain(c *view.Chain, at *place) outcome {
	w.tag(flow.TagChain, c.ID)
	if c.Missing {
		w.step(chainDevice(c), "is not known here, and has no say")
		return undecided
	}
	return w.rules(c, at)
}

// rules asks the rules of a chain one after the other.
func (w *walk) rules(c *view.Chain, at *place) outcome {
	if w.mayCircle && !w.mayAsk(c) {
		return undecided
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Looks != 0 && !w.meets(&r.When, r.Looks, at) {
			continue
		}
		if o := w.do(c, r, at); o != undecided {
			return o
		}
	}
	return undecided
}

// do does what the chain's rule says, and returns undecided where the next rule is next.
func (w *walk) do(c *view.Chain, r *view.Rule, at *place) outcome {
	switch action := r.Does; {
	case action < topology.ActionJump:
		if w.in.Trace {
			w.tellDecision(c, r)
		}
		return outcomeOf[action]
	case action == topology.ActionJump:
		return w.jump(c, r, at)
	}
	switch w.translate(c, r.Rule, at) {
	case waiting:
		return waiting
	case accepted:
		return outcomeOf[r.After]
	}
	return undecided
}

func (w *walk) tellDecision(c *view.Chain, r *view.Rule) {
	w.step(chainDevice(c), "rule %s %s the packet", r.ID.Short(), decisions[r.Does])
}

// jump asks the chain that a rule jumps to.
func (w *walk) jump(c *view.Chain, r *view.Rule, at *place) outcome {
	if w.in.Trace {
		w.tellJump(c, r)
	}
	var o outcome
	if r.Short != nil {
		o = w.rules(r.Short, at)
	} else {
		o = w.chain(w.view.Named(r.Jump), at)
	}
	if o == returned {
		return undecided
	}
	return o
}

func (w *walk) tellJump(c *view.Chain, r *view.Rule) {
	w.step(chainDevice(c), "rule %s jumps to chain %s", r.ID.Short(), w.chainName(r.Jump))
}

var decisions = map[topology.RuleAction]string{
	topology.ActionAccept: "accepts", topology.ActionDrop: "drops", topology.ActionReject: "rejects",
	topology.ActionReturn: "returns", topology.ActionContinue: "counts",
}

// outcomeOf is what an action that translates nothing leads to: one that is no such, to nothing.
var outcomeOf = [math.MaxUint8 + 1]outcome{
	topology.ActionAccept: accepted, topology.ActionDrop: dropped, topology.ActionReject: rejected, topology.ActionReturn: returned,
}

// allowed runs a port's own chain, where there is one, and reports whether the packet goes on.
func (w *walk) allowed(p *topology.Port, id topology.ChainID) bool {
	return id.IsZero() || w.portChain(p, id)
}

func (w *walk) portChain(p *topology.Port, id topology.ChainID) bool {
	at := place{device: deviceOf(p), router: w.routerOf(p), in: w.at.ID}
	if id == p.OutChain && p != w.at {
		at.out = p.ID
	}
	switch w.filter(w.view.Named(id), &at) {
	case rejected:
		if !w.at.Router.IsZero() && w.packet.IsIP() && w.arrived.DstMAC == w.at.MAC {
			w.refuse(w.at, prohibited, w.portDevice(p.ID), "refuses the packet, as its rules say")
			return false
		}
		fallthrough
	case dropped:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet, as its rules say")
		return false
	case waiting:
		return false
	}
	return true
}

func chainDevice(c *view.Chain) device {
	return device{kind: "chain", id: topology.BridgeID(c.ID), name: c.Name}
}

func (w *walk) chainName(id topology.ChainID) string {
	if c := w.view.Named(id); c != nil && c.Name != "" {
		return topology.Shown(c.Name)
	}
	return id.Short()
}
