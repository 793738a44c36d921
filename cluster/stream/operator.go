package stream

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// BindFor makes the binding for an operator, in turn with what the host itself asks for. Unlike a host, which has the workload, an
// operator moves no port that is bound elsewhere (MidoNet's HostInterfacePortResource.scala): that is a Conflict, as is an interface
// that has a port. NotFound: there is no such port.
func (s *Server) BindFor(ctx context.Context, want topology.Binding) error {
	if err := checkInterface(want.Interface); err != nil {
		return err
	}
	return s.changeBindings(ctx, want.Host, func(tx nsdb.Tx) (bool, error) {
		present, err := binding(tx, want.Port)
		if err != nil {
			return false, err
		}
		if present != nil {
			return false, errs.New(errs.Conflict, "PortBound", "Port %s is already bound to an interface", want.Port)
		}
		return s.bind(tx, &want)
	})
}

// Plug makes the binding whatever the port was bound to before, for the cluster itself: Neutron says where an uplink is. Conflict: the
// interface has another port. NotFound: there is no such port.
func (s *Server) Plug(ctx context.Context, want topology.Binding) error {
	if err := checkInterface(want.Interface); err != nil {
		return err
	}
	return s.changeBindings(ctx, want.Host, func(tx nsdb.Tx) (bool, error) {
		present, err := binding(tx, want.Port)
		if err != nil || present != nil && present.SamePlace(&want) {
			return false, err
		}
		want.Follow(present)
		if err := portExists(tx, want.Port); err != nil {
			return false, err
		}
		if err := s.freeInterface(tx, &want); err != nil {
			return false, err
		}
		tx.Delete(topology.Key{Kind: topology.KindPortState, ID: want.Port}) // what was said of it elsewhere
		tx.Put(&want)
		return true, nil
	})
}

// UnbindFor removes the binding of the port to the host for an operator. NotFound: there is none.
func (s *Server) UnbindFor(ctx context.Context, host topology.HostID, port topology.PortID) error {
	return s.changeBindings(ctx, host, func(tx nsdb.Tx) (bool, error) {
		changed, err := unbind(tx, port, host)
		if err == nil && !changed {
			err = errs.New(errs.NotFound, "NotBound", "Host interface port not found")
		}
		return changed, err
	})
}
