package operator

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Kept reports whether the object is one that nobody could make again if the store were lost: an operator's, a host by its name, which an
// operator's may name before the host is back, or that a host's certificates were taken back.
func Kept(o topology.Object) bool {
	switch o.(type) {
	case *topology.Overlay, *topology.TunnelZone, *topology.TunnelZoneHost, *topology.Host, *topology.Revocation:
		return true
	}
	return topology.ByOperator(o)
}

// Restore puts back, in one step, what is Kept of a copy of a store, and returns how many objects that were. Other objects are passed over:
// what is rendered, what hosts say, and bindings, which whoever has the interface makes again. So is what has its place taken by an object of
// Neutron's, and what makes no sense in this store goes again (Job).
//
// A store in which operators have made something already is refused (Conflict), for the two could not be told apart; nobody may be making anything
// meanwhile.
func (e *Editor) Restore(ctx context.Context, copied []topology.Object) (int, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return 0, unavailable(ctx.Err())
	}
	state := e.mirror.State()
	for o := range state.All() {
		if kind := o.Key().Kind; Kept(o) && kind != topology.KindHost && kind != topology.KindRevocation {
			return 0, errs.New(errs.Conflict, "NotEmpty", "Operators have made %v already; a copy can be put back only where they have made nothing.", o.Key())
		}
	}
	writes := map[topology.Key]topology.Object{}
	for _, o := range copied {
		taken := state.Get(o.Key()) != nil
		if _, key := o.(*topology.TunnelKey); key && taken && Kept(o) {
			return 0, errs.New(errs.Conflict, "TunnelKeyTaken", "%v of the copy is another port's here.", o.Key())
		}
		if Kept(o) && !taken {
			writes[o.Key()] = o
		}
	}
	if len(writes) == 0 {
		return 0, nil
	}
	revision, err := e.store.UpdateLarge(ctx, nsdb.LargeChange{Writes: writes, Guard: func(nsdb.Tx) error { return nil }})
	if err == nil {
		_, err = e.mirror.WaitFor(ctx, revision)
	}
	if err != nil {
		return 0, unavailable(err)
	}
	return len(writes), nil
}
