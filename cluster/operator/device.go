package operator

import (
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Put changes what operators have put on a bridge, router or port. Everything that is put there exists.
type Put func(*topology.Overlay)

// CreateBridge makes a bridge.
func (e *Edit) CreateBridge(b *topology.Bridge, put Put) error {
	b.Made = topology.Operators
	if err := e.create(b); err != nil {
		return err
	}
	return e.overlay(b.Key(), b.Key(), put)
}

// UpdateBridge changes a bridge; of a rendered one, only what is put on it.
func (e *Edit) UpdateBridge(id topology.BridgeID, change func(*topology.Bridge), put Put) error {
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
	return e.overlay(have.Key(), have.Key(), put)
}

// CreateRouter makes a router.
func (e *Edit) CreateRouter(r *topology.Router, put Put) error {
	r.Made = topology.Operators
	if err := e.create(r); err != nil {
		return err
	}
	if err := e.forwardChainExists(r); err != nil {
		return err
	}
	return e.overlay(r.Key(), r.Key(), put)
}

// UpdateRouter changes a router; of a rendered one, only what is put on it. Its own chains among that stand for none beside them.
func (e *Edit) UpdateRouter(id topology.RouterID, change func(*topology.Router), put Put) error {
	have, err := exists[*topology.Router](e, topology.KindRouter, id)
	if err != nil {
		return err
	}
	want := *have
	if change(&want); want != *have {
		if !have.ByOperator {
			return rendered(topology.KindRouter, id)
		}
		if err := e.forwardChainExists(&want); err != nil {
			return err
		}
		e.tx.Put(&want)
	}
	return e.overlay(have.Key(), have.Key(), func(o *topology.Overlay) {
		put(o)
		if o.InChain == have.InChain {
			o.InChain = topology.ChainID{}
		}
		if o.OutChain == have.OutChain {
			o.OutChain = topology.ChainID{}
		}
	})
}

func (e *Edit) forwardChainExists(r *topology.Router) error {
	if r.ForwardChain.IsZero() {
		return nil
	}
	_, err := exists[*topology.Chain](e, topology.KindChain, r.ForwardChain)
	return err
}

// overlay changes what is put on the target, which is at the bridge or router. Nothing put on it is no object.
func (e *Edit) overlay(target, at topology.Key, put Put) error {
	have, err := get[*topology.Overlay](e, topology.KindOverlay, target.ID)
	if err != nil {
		return err
	}
	if have == nil {
		have = &topology.Overlay{Target: target, At: at}
	}
	want := *have
	want.Groups = slices.Clone(have.Groups)
	put(&want)
	if err := e.namesExist(have, &want); err != nil {
		return err
	}
	if want.LoadBalancer != have.LoadBalancer {
		if err := e.balancerFree(&want); err != nil {
			return err
		}
	}
	if want.IsEmpty() {
		e.tx.Delete(want.Key())
	} else {
		e.tx.Put(&want)
	}
	return nil
}

// balancerFree refuses a load balancer that another router has.
func (e *Edit) balancerFree(o *topology.Overlay) error {
	for other := range e.State.Referring(topology.KindOverlay, topology.Key{Kind: topology.KindLoadBalancer, ID: o.LoadBalancer}) {
		if at := other.(*topology.Overlay).Target; at != o.Target {
			return errs.New(errs.Conflict, "ReferenceConflict", "Operation failed because the LoadBalancer with ID %s already references the "+
				"Router with ID %s via the field router_id. This field can accommodate only one reference.", o.LoadBalancer, text(at.ID))
		}
	}
	return nil
}
