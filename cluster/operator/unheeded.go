package operator

import (
	"bytes"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// Unobeyed is how many things there are of a sort that no part of this MidoNet obeys, beside the kinds of objects of which that is true
// (topology.Kind.Heeded).
type Unobeyed struct {
	Number int
	What   string
}

// Unheeded counts what operators have made that is only kept: properties of bridges, routers and ports, rules and routes and entries of sorts that are
// not obeyed, and links between bridges.
func Unheeded(s *mirror.State) []Unobeyed {
	var all []Unobeyed
	at := map[string]int{}
	count := func(what string) {
		if _, known := at[what]; !known {
			at[what] = len(all)
			all = append(all, Unobeyed{What: what})
		}
		all[at[what]].Number++
	}
	for o := range s.ByKind(topology.KindOverlay) {
		for _, property := range o.(*topology.Overlay).Unheeded() {
			count(property)
		}
	}
	for o := range s.ByKind(topology.KindChain) {
		if c := o.(*topology.Chain); c.ByOperator {
			for i := range c.Rules {
				if what := UnheededRule(&c.Rules[i]); what != "" {
					count(what)
				}
			}
		}
	}
	for o := range s.ByKind(topology.KindTunnelZone) {
		if o.(*topology.TunnelZone).GRE {
			count("tunnel_zone of type gre")
		}
	}
	for o := range s.ByKind(topology.KindRoute) {
		if !topology.Heeded(o) {
			count("route of type Fip64")
		}
	}
	for o := range s.ByKind(topology.KindMACEntry) {
		if !topology.Heeded(o) {
			count("mac_entry of a VLAN")
		}
	}
	for o := range s.ByKind(topology.KindPort) {
		p := o.(*topology.Port)
		if !p.ByOperator || !p.Interior() || p.Bridge.IsZero() || bytes.Compare(p.Peer[:], p.ID[:]) < 0 {
			continue
		}
		if peer := mirror.Lookup[*topology.Port](s, topology.KindPort, p.Peer); peer != nil && peer.Router.IsZero() {
			count("link between bridges")
		}
	}
	return all
}

// UnheededRule says what the rule has that no part of this MidoNet obeys; "" for nothing.
func UnheededRule(r *topology.Rule) string {
	switch {
	case r.Kept == nil:
		return ""
	case r.Kept.Trace != nil:
		return "rule of type trace"
	case r.Kept.Transform != nil:
		return "rule of type l2_transform"
	}
	return "meterName"
}
