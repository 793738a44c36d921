package operator

import (
	"slices"

	"midonet.org/midonet/topology"
)

// Filters are the chains that an operator puts on a bridge, router or port; zero: none.
type Filters struct{ In, Out topology.ChainID }

// CreateBridge makes a bridge.
func (e *Edit) CreateBridge(b *topology.Bridge, f Filters) error {
	b.Made = topology.Operators
	if err := e.create(b); err != nil {
		return err
	}
	return e.filter(b.Key(), b.Key(), f)
}

// UpdateBridge changes a bridge; of a rendered one, only the filters.
func (e *Edit) UpdateBridge(id topology.BridgeID, change func(*topology.Bridge), f Filters) error {
	have, err := exists[*topology.Bridge](e, topology.KindBridge, id)
	if err != nil {
		return err
	}
	want := *have
	if change(&want); want != *have {
		if !have.ByOperator {
			return rendered(topology.KindBridge, id)
		}
		e.tx.Put(&want)
	}
	return e.filter(have.Key(), have.Key(), f)
}

// CreateRouter makes a router.
func (e *Edit) CreateRouter(r *topology.Router, f Filters) error {
	r.Made = topology.Operators
	if err := e.create(r); err != nil {
		return err
	}
	return e.filter(r.Key(), r.Key(), f)
}

// UpdateRouter changes a router; of a rendered one, only the filters. Its own chains among these stand for none beside them.
func (e *Edit) UpdateRouter(id topology.RouterID, change func(*topology.Router), f Filters) error {
	have, err := exists[*topology.Router](e, topology.KindRouter, id)
	if err != nil {
		return err
	}
	want := *have
	if change(&want); want != *have {
		if !have.ByOperator {
			return rendered(topology.KindRouter, id)
		}
		e.tx.Put(&want)
	}
	if f.In == have.InChain {
		f.In = topology.ChainID{}
	}
	if f.Out == have.OutChain {
		f.Out = topology.ChainID{}
	}
	return e.filter(have.Key(), have.Key(), f)
}

// filter puts the chains, which must exist, on the target, which is at the bridge or router.
func (e *Edit) filter(target, at topology.Key, f Filters) error {
	for _, c := range []topology.ChainID{f.In, f.Out} {
		if c.IsZero() {
			continue
		}
		if _, err := exists[*topology.Chain](e, topology.KindChain, c); err != nil {
			return err
		}
	}
	return e.overlay(target, at, func(o *topology.Overlay) { o.InChain, o.OutChain = f.In, f.Out })
}

// overlay changes what is put on the target. Nothing put on it is no object.
func (e *Edit) overlay(target, at topology.Key, change func(*topology.Overlay)) error {
	have, err := get[*topology.Overlay](e, topology.KindOverlay, target.ID)
	if err != nil {
		return err
	}
	want := topology.Overlay{Target: target, At: at}
	if have != nil {
		want = *have
		want.Groups = slices.Clone(have.Groups)
	}
	change(&want)
	if want.InChain.IsZero() && want.OutChain.IsZero() && len(want.Groups) == 0 {
		e.tx.Delete(want.Key())
		return nil
	}
	e.tx.Put(&want)
	return nil
}
