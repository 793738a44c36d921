package operator

import (
	"net/netip"
	"reflect"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// CreatePort makes an exterior port of a bridge or router, which may be a rendered one.
func (e *Edit) CreatePort(p *topology.Port, put Put) error {
	if err := e.deviceExists(deviceOf(p)); err != nil {
		return err
	}
	number, err := e.tunnelKey(p.ID)
	if err != nil {
		return err
	}
	p.Made, p.TunnelKey = topology.Operators, number
	if err := e.create(p); err != nil {
		return err
	}
	e.follow(nil, derived(p, nil))
	return e.overlay(p.Key(), deviceOf(p), put)
}

// UpdatePort changes a port; of a rendered one, only what is put on it. Its own chains among that stand for none beside them. What is derived
// from it follows.
func (e *Edit) UpdatePort(port topology.PortID, change func(*topology.Port), put Put) error {
	have, err := exists[*topology.Port](e, topology.KindPort, port)
	if err != nil {
		return err
	}
	want := *have
	if change(&want); !reflect.DeepEqual(&want, have) {
		if !have.ByOperator {
			return rendered(topology.KindPort, port)
		}
		peer, err := e.peerOf(have)
		if err != nil {
			return err
		}
		e.tx.Put(&want)
		e.follow(derived(have, peer), derived(&want, peer))
	}
	return e.overlay(have.Key(), deviceOf(have), func(o *topology.Overlay) {
		put(o)
		if o.InChain == topology.InboundChain(port) {
			o.InChain = topology.ChainID{}
		}
		if o.OutChain == topology.OutboundChain(port) {
			o.OutChain = topology.ChainID{}
		}
	})
}

// Link joins two ports of an operator by a wire. One between two bridges is kept; nothing crosses it but what entries of the bridges' MAC tables send
// there, as in the original where no port has a VLAN.
func (e *Edit) Link(a, b topology.PortID) error {
	notLinkable := errs.New(errs.Conflict, "NotLinkable", "Ports are not linkable.")
	var ends [2]*topology.Port
	for i, port := range []topology.PortID{a, b} {
		p, err := own[*topology.Port](e, topology.KindPort, port)
		if err != nil {
			return err
		}
		bound, err := get[*topology.Binding](e, topology.KindBinding, port)
		switch {
		case err != nil:
			return err
		case p.Interior() || bound != nil || a == b:
			return notLinkable
		}
		q := *p
		ends[i] = &q
	}
	for i, p := range ends {
		e.tx.Delete(topology.TunnelKeyKey(p.TunnelKey))
		p.Peer, p.TunnelKey, p.Device = ends[1-i].ID, 0, ""
		if router := ends[1-i].Router; p.Router.IsZero() && !router.IsZero() {
			p.Device = router.String() // by which an agent asks for a router that it has not been sent
		}
		e.tx.Put(p)
	}
	e.follow(nil, stations(ends[0], ends[1]))
	return nil
}

// Unlink cuts the wire of an operator's port; without one there is nothing to do.
func (e *Edit) Unlink(port topology.PortID) error {
	p, err := own[*topology.Port](e, topology.KindPort, port)
	if err != nil || !p.Interior() {
		return err
	}
	peer, err := e.peerOf(p)
	if err != nil {
		return err
	}
	e.follow(stations(p, peer), nil)
	for _, end := range []*topology.Port{p, peer} {
		if err := e.loosen(end); err != nil {
			return err
		}
	}
	return nil
}

// loosen makes the port, nil for none, an exterior one.
func (e *Edit) loosen(p *topology.Port) error {
	if p == nil {
		return nil
	}
	number, err := e.tunnelKey(p.ID)
	if err != nil {
		return err
	}
	q := *p
	q.Peer, q.TunnelKey, q.Device = topology.PortID{}, number, ""
	e.tx.Put(&q)
	return nil
}

// peerOf returns the other end of the port's wire; nil where there is none.
func (e *Edit) peerOf(p *topology.Port) (*topology.Port, error) {
	if !p.Interior() {
		return nil, nil
	}
	peer, err := get[*topology.Port](e, topology.KindPort, p.Peer)
	if err != nil || peer == nil || peer.Peer != p.ID {
		return nil, err
	}
	return peer, nil
}

// deviceOf returns the key of the bridge or router that has the port.
func deviceOf(p *topology.Port) topology.Key {
	if !p.Router.IsZero() {
		return topology.Key{Kind: topology.KindRouter, ID: p.Router}
	}
	return topology.Key{Kind: topology.KindBridge, ID: p.Bridge}
}

func (e *Edit) deviceExists(k topology.Key) error {
	o, err := e.tx.Get(k)
	if err == nil && o == nil {
		err = Missing(k.Kind, k.ID)
	}
	return err
}

// objects are by key.
type objects map[topology.Key]topology.Object

func (o objects) add(all ...topology.Object) {
	for _, x := range all {
		o[x.Key()] = x
	}
}

// derived returns what follows from a port and the other end of its wire, nil where there is none.
func derived(p, peer *topology.Port) objects {
	all := stations(p, peer)
	all.add(localRoutes(p)...)
	return all
}

// localRoutes say that the addresses of a router's port are the router's own.
func localRoutes(p *topology.Port) []topology.Object {
	var routes []topology.Object
	for _, own := range p.Addresses {
		a := own.Addr()
		routes = append(routes, &topology.Route{Made: topology.Operators, ID: id.Derive[topology.Route](p.ID, "local "+a.String()), Router: p.Router,
			Destination: netip.PrefixFrom(a, a.BitLen()), Kind: topology.RouteLocal, Port: p.ID})
	}
	return routes
}

// stations are what a bridge knows of the router at the other end of a wire, as the renderer has it for Neutron's routers.
func stations(p, peer *topology.Port) objects {
	all := objects{}
	if peer == nil || p.Router.IsZero() == peer.Router.IsZero() {
		return all
	}
	at, router := p, peer
	if !p.Router.IsZero() {
		at, router = peer, p
	}
	entry := topology.NewMACEntry(at.Bridge, router.MAC, at.ID)
	entry.Made = topology.Operators
	all.add(entry)
	for _, own := range router.Addresses {
		n := topology.NewNeighbour(at.Bridge, own.Addr(), router.MAC, at.ID)
		n.Made = topology.Operators
		all.add(n)
	}
	return all
}

// follow makes the derived objects those of after.
func (e *Edit) follow(before, after objects) {
	for k := range before {
		if after[k] == nil {
			e.tx.Delete(k)
		}
	}
	for k, o := range after {
		if !reflect.DeepEqual(before[k], o) {
			e.tx.Put(o)
		}
	}
}
