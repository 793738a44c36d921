package stream

import (
	"context"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// Bind implements topologypb.StreamServer. A port that is bound on another host moves to the caller's, as in MidoNet: the last to
// bind has the workload. On one host a port keeps its interface and an interface its port until they are unbound.
func (s *Server) Bind(ctx context.Context, req *topologypb.BindRequest) (*topologypb.BindReply, error) {
	port, err := parseID[topology.Port]("port", req.GetPort())
	if err != nil {
		return nil, err
	}
	if err := checkInterface(req.GetInterface()); err != nil {
		return nil, err
	}
	want := &topology.Binding{Port: port, Host: caller(ctx), Interface: req.GetInterface()}
	if err := s.awaitPort(ctx, port); err != nil {
		return nil, err
	}
	err = s.changeBindings(ctx, want.Host, func(tx nsdb.Tx) (bool, error) { return s.bind(tx, want) })
	if err != nil {
		return nil, err
	}
	s.Log.Info("bound", "port", port, "host", want.Host, "interface", want.Interface)
	return &topologypb.BindReply{}, nil
}

// Unbind implements topologypb.StreamServer. It does nothing to a port that is not bound on the calling host.
func (s *Server) Unbind(ctx context.Context, req *topologypb.UnbindRequest) (*topologypb.UnbindReply, error) {
	port, err := parseID[topology.Port]("port", req.GetPort())
	if err != nil {
		return nil, err
	}
	host := caller(ctx)
	err = s.changeBindings(ctx, host, func(tx nsdb.Tx) (bool, error) { return unbind(tx, port, host) })
	if err != nil {
		return nil, err
	}
	s.Log.Info("unbound", "port", port, "host", host)
	return &topologypb.UnbindReply{}, nil
}

// awaitPort waits a little for a port that is not here: Neutron answers a creation when it is in its journal, and who has that
// answer may bind before the journal is drained. A port that does not come is for bind to refuse, unless the journal is not drained by then, as
// when the store was away: it is Unavailable so far.
func (s *Server) awaitPort(ctx context.Context, port topology.PortID) error {
	if err := s.awaitReady(ctx); err != nil {
		return err
	}
	grace, cancel := context.WithTimeout(ctx, portGrace)
	defer cancel()
	state, changes := s.Mirror.Subscribe()
	defer changes.Close()
	key := topology.Key{Kind: topology.KindPort, ID: port}
	for state.Get(key) == nil {
		steps, err := changes.Next(grace)
		if err != nil {
			return s.mayCome(ctx, port)
		}
		for _, step := range steps {
			state = step.After
		}
	}
	return nil
}

// mayCome returns an error for a port that may be on its way from Neutron.
func (s *Server) mayCome(ctx context.Context, port topology.PortID) error {
	if s.Behind == nil {
		return nil
	}
	behind, err := s.Behind(ctx)
	if err == nil && !behind {
		return nil
	}
	return errs.New(errs.Unavailable, "PortPending", "port %v is not in the topology, to which changes are still to come from Neutron; "+
		"midonet status tells how many wait", port).Wrap(err)
}

// changeBindings runs change, which says whether it changed anything, as one step of the store, alone among the calls of the host,
// and returns when the server itself has seen the step, and so what it tells hosts from then on has it.
func (s *Server) changeBindings(ctx context.Context, host topology.HostID, change func(nsdb.Tx) (bool, error)) error {
	if err := s.awaitReady(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	session := s.session(host)
	session.mu.Lock()
	defer session.mu.Unlock()
	var changed bool
	rev, err := s.Store.Update(ctx, func(tx nsdb.Tx) (err error) {
		changed, err = change(tx)
		return err
	})
	if err == nil && changed {
		err = s.feed.await(ctx, rev)
	}
	return unavailable(err)
}

// bind makes the binding. The host's other bindings are looked up in memory; the one that is found is read again in the
// transaction.
func (s *Server) bind(tx nsdb.Tx, want *topology.Binding) (changed bool, err error) {
	if err := portExists(tx, want.Port); err != nil {
		return false, err
	}
	if err := notLinked(tx, want.Port); err != nil {
		return false, err
	}
	present, err := binding(tx, want.Port)
	if err != nil {
		return false, err
	}
	want.Follow(present)
	switch {
	case present == nil:
	case present.SamePlace(want):
		return false, nil
	case present.Host == want.Host:
		return false, errs.New(errs.Conflict, "PortBound",
			"port %v is bound to interface %s of this host already; unbind it first", want.Port, present.Interface)
	default:
		tx.Delete(topology.Key{Kind: topology.KindPortState, ID: want.Port}) // what the other host said of it
	}
	if err := s.freeInterface(tx, want); err != nil {
		return false, err
	}
	tx.Put(want)
	return true, nil
}

// freeInterface refuses when another port is bound to the interface. The binding of a port that has been deleted since is cleared
// away instead.
func (s *Server) freeInterface(tx nsdb.Tx, want *topology.Binding) error {
	for b := range s.Mirror.State().Bindings(want.Host) {
		if b.Interface != want.Interface || b.Port == want.Port {
			continue
		}
		present, err := binding(tx, b.Port)
		if err != nil {
			return err
		}
		if present == nil || *present != *b {
			continue
		}
		switch err := portExists(tx, b.Port); {
		case errs.Is(err, errs.NotFound):
			tx.Delete(b.Key())
			tx.Delete(topology.Key{Kind: topology.KindPortState, ID: b.Port})
		case err != nil:
			return err
		default:
			return errs.New(errs.Conflict, "InterfaceBound", "interface %s of this host is bound to port %v already; unbind that first",
				b.Interface, b.Port)
		}
	}
	return nil
}

func unbind(tx nsdb.Tx, port topology.PortID, host topology.HostID) (changed bool, err error) {
	present, err := binding(tx, port)
	if err != nil || present == nil || present.Host != host {
		return false, err
	}
	tx.Delete(present.Key())
	tx.Delete(topology.Key{Kind: topology.KindPortState, ID: port})
	return true, nil
}

func portExists(tx nsdb.Tx, port topology.PortID) error {
	o, err := tx.Get(topology.Key{Kind: topology.KindPort, ID: port})
	if err == nil && o == nil {
		return errs.New(errs.NotFound, "PortNotFound", "there is no port %v; it must be created in Neutron first", port)
	}
	return err
}

// notLinked refuses a port that is one end of a virtual wire, into which nothing can be plugged.
func notLinked(tx nsdb.Tx, port topology.PortID) error {
	o, err := tx.Get(topology.Key{Kind: topology.KindPort, ID: port})
	if p, ok := o.(*topology.Port); ok && p.Interior() {
		return errs.New(errs.Conflict, "PortLinked", "port %v is linked to port %v; no interface can be plugged into it", port, p.Peer)
	}
	return err
}

// binding returns the port's binding, nil where there is none.
func binding(tx nsdb.Tx, port topology.PortID) (*topology.Binding, error) {
	o, err := tx.Get(topology.Key{Kind: topology.KindBinding, ID: port})
	b, _ := o.(*topology.Binding)
	return b, err
}

func checkInterface(name string) error {
	if !topology.ValidInterfaceName(name) {
		return errs.New(errs.Invalid, "BadInterface", "%q is not an interface name: 1 to %d characters without '/', ':' and space",
			name, topology.MaxInterfaceName)
	}
	return nil
}
