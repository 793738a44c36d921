package operator

import (
	"context"
	"slices"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// maxUnits bounds what one step does of a deletion, by the objects that the units read and write.
const maxUnits = nsdb.MaxObjects - 8

// unit is a part of a deletion that is done in one step. It finds nothing to do where it has been done before.
type unit struct {
	cost int // how many objects it may read and write
	do   func(*Edit) error
	key  topology.Key // of the object that it deletes, and that is all; zero: it does something else
}

// blind reports whether the unit may delete its object without having looked at it in the same step. What a lease holds cannot be, and a tunnel
// key may have become another port's.
func (u unit) blind() bool {
	return u.key != topology.Key{} && !u.key.Kind.Leased() && u.key.Kind != topology.KindTunnelKey
}

// Delete removes an operator's object, and with it what makes no sense without it.
func (e *Editor) Delete(ctx context.Context, key topology.Key) error {
	state := e.mirror.State()
	first := unit{cost: 3, do: func(edit *Edit) error {
		o, err := edit.tx.Get(key)
		switch {
		case err != nil:
			return err
		case o == nil && key.Kind == topology.KindChain && FindChain(state, key.ID) != nil:
			return rendered(key.Kind, key.ID)
		case o == nil:
			return Missing(key.Kind, key.ID)
		case !operators(o):
			return rendered(key.Kind, key.ID)
		}
		if err := edit.mayGo(o); err != nil {
			return err
		}
		edit.tx.Delete(key)
		edit.tx.Delete(topology.OverlayKey(key))
		return nil
	}}
	return e.doAll(ctx, append([]unit{first}, dependants(state, key, state.Get(key))...))
}

// operators reports whether operators may remove the object.
func operators(o topology.Object) bool {
	switch o.(type) {
	case *topology.TunnelZone, *topology.Host:
		return true
	}
	return topology.ByOperator(o)
}

// DeleteHost forgets a host, which must be away and have no bindings.
func (e *Editor) DeleteHost(ctx context.Context, host topology.HostID) error {
	state := e.mirror.State()
	bindings := 0
	for range state.Bindings(host) {
		bindings++
	}
	switch {
	case state.Get(topology.Key{Kind: topology.KindHostState, ID: host}) != nil:
		return errs.New(errs.Forbidden, "HostAlive", "Cannot delete host %s because it is active.", host)
	case bindings > 0:
		return errs.New(errs.Forbidden, "HostBound", "Cannot delete host %s because it has %d binding(s).", host, bindings)
	}
	return e.Delete(ctx, topology.Key{Kind: topology.KindHost, ID: host})
}

// doAll does the units in order, or where they are too much for one step all but those that need one of their own in a large step.
func (e *Editor) doAll(ctx context.Context, units []unit) error {
	cost := 0
	for _, u := range units {
		cost += u.cost
	}
	if cost > maxUnits {
		var err error
		if units, err = e.doLarge(ctx, units); err != nil {
			return err
		}
	}
	for len(units) > 0 {
		n := fitting(units)
		if _, err := e.Edit(ctx, together(units[:n])); err != nil {
			return err
		}
		units = units[n:]
	}
	return nil
}

// doLarge does the first unit, what may be deleted blindly, and as many of the others as fit beside it, in one step, and returns what is left.
func (e *Editor) doLarge(ctx context.Context, units []unit) (left []unit, err error) {
	var deletes []topology.Key
	var others []unit
	for n, u := range units {
		if n > 0 && u.blind() {
			deletes = append(deletes, u.key)
		} else {
			others = append(others, u)
		}
	}
	n := fitting(others)
	return others[n:], e.editLarge(ctx, deletes, together(others[:n]))
}

// fitting returns how many of the units, one at least, fit one step.
func fitting(units []unit) int {
	n, cost := 0, 0
	for n < len(units) && (n == 0 || cost+units[n].cost <= maxUnits) {
		cost += units[n].cost
		n++
	}
	return n
}

// together returns the edit that does the units.
func together(units []unit) func(*Edit) error {
	return func(edit *Edit) error {
		for _, u := range units {
			if err := u.do(edit); err != nil {
				return err
			}
		}
		return nil
	}
}

// dependants returns the units that remove, or mend, what refers to the object with the key, once that is gone. was is what it was, nil
// where that is not known.
func dependants(s *mirror.State, key topology.Key, was topology.Object) []unit {
	d := newDeletion(s)
	d.ofReferrers(key)
	switch key.Kind {
	case topology.KindBridge:
		d.ofBridge(topology.BridgeID(key.ID))
	case topology.KindRouter:
		d.ofRouter(topology.RouterID(key.ID))
	case topology.KindPort:
		p, _ := was.(*topology.Port)
		d.ofPort(topology.PortID(key.ID), p)
	case topology.KindDHCP:
		d.ofDHCP(topology.DHCPID(key.ID), was)
	case topology.KindChain:
		d.ofJumps(topology.ChainID(key.ID))
	case topology.KindAddrGroup:
		for m := range s.GroupMembers(topology.AddrGroupID(key.ID)) {
			d.drop(m)
		}
	case topology.KindTunnelZone:
		for m := range s.TunnelZoneHosts(topology.TunnelZoneID(key.ID)) {
			d.gone(m.Key())
		}
	case topology.KindHost:
		for m := range s.Memberships(topology.HostID(key.ID)) {
			d.gone(m.Key())
		}
	}
	return d.units
}

// deletion collects the units of a deletion.
type deletion struct {
	state *mirror.State
	units []unit
	going map[topology.Key]bool
}

func newDeletion(s *mirror.State) *deletion {
	return &deletion{state: s, going: map[topology.Key]bool{}}
}

func (d *deletion) add(cost int, do func(*Edit) error) {
	d.units = append(d.units, unit{cost: cost, do: do})
}

// gone removes the objects with the keys, of those that are there.
func (d *deletion) gone(keys ...topology.Key) {
	for _, k := range keys {
		if d.state.Get(k) != nil && !d.going[k] {
			d.going[k] = true
			d.units = append(d.units, unit{cost: 1, key: k, do: func(e *Edit) error {
				e.tx.Delete(k)
				return nil
			}})
			d.ofReferrers(k)
		}
	}
}

// ofReferrers removes or mends what names the object with the key, the rules for a trace request among it.
func (d *deletion) ofReferrers(key topology.Key) {
	if key.Kind == topology.KindTraceRequest {
		d.ofRules(func(r *topology.Rule) bool { return tracesFor(r, topology.TraceRequestID(key.ID)) })
	}
	for r := range d.state.Referrers(key) {
		i := slices.IndexFunc(r.References(), func(x topology.Reference) bool { return x.To == key })
		d.ofReference(r, r.References()[i])
	}
}

// ofReference does what becomes of the object when what it names is gone.
func (d *deletion) ofReference(r topology.Referrer, to topology.Reference) {
	if to.Gone == topology.GoesToo {
		if _, overlay := r.(*topology.Overlay); overlay || topology.ByOperator(r) {
			d.gone(r.Key())
		}
		return
	}
	d.add(1, func(e *Edit) error {
		o, err := e.tx.Get(r.Key())
		have, there := o.(topology.Referrer)
		if err != nil || !there || d.going[r.Key()] {
			return err
		}
		if left := have.Without(to.To); left != nil {
			e.tx.Put(left)
		} else {
			e.tx.Delete(r.Key())
		}
		return nil
	})
}

// drop removes the object if an operator made it.
func (d *deletion) drop(o topology.Object) {
	if topology.ByOperator(o) {
		d.gone(o.Key())
	}
}

func (d *deletion) ofBridge(b topology.BridgeID) {
	for p := range d.state.Ports(b) {
		d.port(p)
	}
	for o := range d.state.DHCPs(b) {
		d.drop(o)
	}
	for o := range d.state.DHCPHosts(b) {
		d.drop(o)
	}
	for o := range d.state.MACEntries(b) {
		d.drop(o)
	}
	for o := range d.state.Neighbours(b) {
		d.drop(o)
	}
}

func (d *deletion) ofRouter(r topology.RouterID) {
	for p := range d.state.RouterPorts(r) {
		d.port(p)
	}
	for o := range d.state.Routes(r) {
		d.drop(o)
	}
}

// port removes an operator's port; of a rendered one, which goes with its device, what operators have put on it.
func (d *deletion) port(p *topology.Port) {
	if topology.ByOperator(p) {
		d.gone(p.Key())
	} else {
		d.ofReferrers(p.Key())
	}
	d.ofPort(p.ID, p)
}

// ofPort removes what is of the port. was is nil where it is not known what the port was.
func (d *deletion) ofPort(port topology.PortID, was *topology.Port) {
	if was == nil {
		return
	}
	if topology.ByOperator(was) {
		d.gone(topology.TunnelKeyKey(was.TunnelKey), topology.Key{Kind: topology.KindBinding, ID: port}, topology.Key{Kind: topology.KindPortState, ID: port})
	}
	for r := range mirror.MadeByOperators[*topology.Route](d.state, topology.KindRoute) {
		if r.Port == port {
			d.gone(r.Key())
		}
	}
	for m := range mirror.MadeByOperators[*topology.MACEntry](d.state, topology.KindMACEntry) {
		if m.Port == port {
			d.gone(m.Key())
		}
	}
	for n := range mirror.MadeByOperators[*topology.Neighbour](d.state, topology.KindNeighbour) {
		if n.Port == port {
			d.gone(n.Key())
		}
	}
	if was.Interior() && topology.ByOperator(was) {
		d.ofWire(was)
	}
}

// ofWire loosens the other end of the wire of a port that goes, unless that goes too.
func (d *deletion) ofWire(was *topology.Port) {
	d.add(24, func(e *Edit) error {
		peer, err := get[*topology.Port](e, topology.KindPort, was.Peer)
		if err != nil || peer == nil || peer.Peer != was.ID || d.going[peer.Key()] {
			return err
		}
		e.follow(stations(was, peer), nil)
		return e.loosen(peer)
	})
}

func (d *deletion) ofDHCP(dhcp topology.DHCPID, was topology.Object) {
	subnet, ok := was.(*topology.DHCP)
	if !ok {
		return
	}
	for h := range d.state.DHCPHosts(subnet.Bridge) {
		if h.DHCP == dhcp {
			d.drop(h)
		}
	}
}

// ofJumps takes the jumps to the chain out of operators' chains, and the chain from operators' routers that have it for what they forward.
func (d *deletion) ofJumps(chain topology.ChainID) {
	for r := range mirror.MadeByOperators[*topology.Router](d.state, topology.KindRouter) {
		if r.ForwardChain != chain {
			continue
		}
		d.add(1, func(e *Edit) error {
			have, err := get[*topology.Router](e, topology.KindRouter, r.ID)
			if err != nil || have == nil || have.ForwardChain != chain {
				return err
			}
			want := *have
			want.ForwardChain = topology.ChainID{}
			e.tx.Put(&want)
			return nil
		})
	}
	d.ofRules(func(r *topology.Rule) bool { return r.Jump == chain })
}

// tracesFor reports whether the rule is there for the trace request.
func tracesFor(r *topology.Rule, request topology.TraceRequestID) bool {
	return r.Kept != nil && r.Kept.Trace != nil && r.Kept.Trace.Request == request
}

// ofRules takes the rules that make no sense any more out of operators' chains.
func (d *deletion) ofRules(senseless func(*topology.Rule) bool) {
	for c := range mirror.MadeByOperators[*topology.Chain](d.state, topology.KindChain) {
		if !slices.ContainsFunc(c.Rules, func(r topology.Rule) bool { return senseless(&r) }) {
			continue
		}
		d.add(1, func(e *Edit) error {
			have, err := get[*topology.Chain](e, topology.KindChain, c.ID)
			if err != nil || have == nil {
				return err
			}
			return e.keepRules(have, func(r *topology.Rule) bool { return !senseless(r) })
		})
	}
}
