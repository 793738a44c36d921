package operator

import (
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// This file makes and changes the objects of which operators make all: what BGP, load balancing, mirrors, quality of service, service
// containers, trace requests and physical switches are made of. They are kept for the parts of MidoNet that are to obey them.

// Made is an object of a kind that says who made it.
type Made interface {
	topology.Object
	MarkOperators()
}

// Create makes an object. Everything that it names exists.
func (e *Edit) Create(o Made) error {
	if err := e.admit(nil, o); err != nil {
		return err
	}
	return e.create(o)
}

// Replace puts an object in the place of one that operators have made. Everything that it names exists.
func (e *Edit) Replace(o Made) error {
	have, err := own[topology.Object](e, o.Key().Kind, o.Key().ID)
	if err != nil {
		return err
	}
	if err := e.admit(have, o); err != nil {
		return err
	}
	e.tx.Put(o)
	return nil
}

// admit makes the object an operator's, and refuses one that cannot be beside the others or names what is not there.
func (e *Edit) admit(have topology.Object, o Made) error {
	o.MarkOperators()
	if err := e.rule(o); err != nil {
		return err
	}
	return e.namesExist(have, o)
}

// Set is Replace for an object that need not be there yet.
func (e *Edit) Set(o Made) error {
	o.MarkOperators()
	err := e.namesExist(nil, o)
	if err == nil {
		e.tx.Put(o)
	}
	return err
}

// Remove deletes an object that nothing names.
func (e *Edit) Remove(o Made) { e.tx.Delete(o.Key()) }

// namesExist refuses an object that names what is not there and what it did not name before; have is nil for a new one.
func (e *Edit) namesExist(have, want topology.Object) error {
	before := references(have)
	for _, r := range references(want) {
		if slices.Contains(before, r) {
			continue
		}
		if o, err := e.tx.Get(r.To); err != nil || o == nil {
			return orMissing(err, r.To)
		}
	}
	return nil
}

func references(o topology.Object) []topology.Reference {
	if r, ok := o.(topology.Referrer); ok {
		return r.References()
	}
	return nil
}

// rule refuses an object that cannot be beside the others.
func (e *Edit) rule(o topology.Object) error {
	switch o := o.(type) {
	case *topology.BGPPeer:
		return e.peerIsOnly(o)
	case *topology.L2Insertion:
		return e.insertionFits(o)
	case *topology.VIP:
		_, err := exists[*topology.Pool](e, topology.KindPool, o.Pool)
		return invalid(err)
	case *topology.VTEP:
		return e.switchFits(o)
	}
	return nil
}

func (e *Edit) peerIsOnly(p *topology.BGPPeer) error {
	for o := range e.State.Referring(topology.KindBGPPeer, topology.Key{Kind: topology.KindRouter, ID: p.Router}) {
		if other := o.(*topology.BGPPeer); other.ID != p.ID && other.Addr == p.Addr && other.ASNumber == p.ASNumber {
			return errs.New(errs.Invalid, "PeerNotUnique", "A BGP peer with address %s and AS number %d already exists.", p.Addr, p.ASNumber)
		}
	}
	return nil
}

// insertionFits holds what the original's L2InsertionTranslation.scala does: what protects a port is not itself protected.
func (e *Edit) insertionFits(i *topology.L2Insertion) error {
	for o := range e.State.ByKind(topology.KindL2Insertion) {
		other := o.(*topology.L2Insertion)
		switch {
		case other.ID == i.ID:
		case other.Port == i.Port && other.Service == i.Service:
			return errs.New(errs.Invalid, "InsertionExists", "Insertion for same port/srvPort pair already exists")
		case other.Service == i.Port:
			return errs.New(errs.Invalid, "PortIsService", "Protected port %s can't have a service", i.Port)
		case other.Port == i.Service:
			return errs.New(errs.Invalid, "ServiceIsProtected", "Service port %s can't have an insertion", i.Service)
		}
	}
	return nil
}

func (e *Edit) switchFits(v *topology.VTEP) error {
	zone, err := get[*topology.TunnelZone](e, topology.KindTunnelZone, v.Zone)
	switch {
	case err != nil:
		return err
	case zone == nil:
		return errs.New(errs.Invalid, "BadTunnelZone", "Tunnel zone ID is not valid.")
	case !zone.VTEP:
		return errs.New(errs.Invalid, "NotOfSwitches", "Tunnel zone is not of type VTEP.")
	}
	for o := range e.State.ByKind(topology.KindVTEP) {
		if other := o.(*topology.VTEP); other.ID != v.ID && other.Addr == v.Addr {
			return errs.New(errs.Conflict, "VTEPExists", "A VTEP with IP address %s already exists.", v.Addr)
		}
	}
	for o := range e.State.ByKind(topology.KindHostState) {
		if hasAddr(o.(*topology.HostState), v.Addr) {
			return errs.New(errs.Conflict, "AddressOfHost", "VTEP conflicts with an existing host with IP address %s.", v.Addr)
		}
	}
	return nil
}

// mayGo refuses to delete what others hold on to.
func (e *Edit) mayGo(o topology.Object) error {
	switch o := o.(type) {
	case *topology.Router:
		put, err := get[*topology.Overlay](e, topology.KindOverlay, o.ID)
		if err == nil && put != nil && !put.LoadBalancer.IsZero() {
			err = errs.New(errs.Conflict, "ObjectReferenced", "Cannot delete the Router with ID %s because it is still referenced by the "+
				"LoadBalancer with ID %s.", o.ID, put.LoadBalancer)
		}
		return err
	case *topology.Bridge:
		for range e.State.Referring(topology.KindVTEP, o.Key()) {
			return errs.New(errs.Conflict, "BridgeHasBindings", "The bridge still has VTEP bindings, please remove them before deleting the bridge")
		}
	case *topology.TunnelZone:
		var switches []string
		for v := range e.State.Referring(topology.KindVTEP, o.Key()) {
			switches = append(switches, text(v.Key().ID))
		}
		if len(switches) > 0 {
			return errs.New(errs.Conflict, "ZoneInUse", "Tunnel Zone is used by VTEP(s), please delete the following VTEPs before deleting this "+
				"tunnel zone: List(%s)", strings.Join(switches, ", "))
		}
	case *topology.VTEP:
		if len(o.Bindings) > 0 {
			return errs.New(errs.Invalid, "VTEPHasBindings", "The VTEP with IP address %s cannot be deleted because it still has bindings. To delete "+
				"the VTEP, please delete its bindings and then resubmit this request.", o.Addr)
		}
	}
	return nil
}

// Bind puts a VLAN of a switch's port on a bridge; a switch has so many bindings at most.
func (e *Edit) Bind(vtep topology.VTEPID, b topology.VTEPBinding, most int) error {
	have, err := get[*topology.VTEP](e, topology.KindVTEP, vtep)
	if err != nil {
		return err
	}
	if have == nil {
		return invalid(Missing(topology.KindVTEP, vtep))
	}
	for _, other := range have.Bindings {
		if other.Port == b.Port && other.VLAN == b.VLAN {
			return errs.New(errs.Conflict, "PortBound", "The VTEP at %s:%d already has a binding for port %s on vlan %d to network %s",
				have.Addr, have.Port, b.Port, b.VLAN, other.Bridge)
		}
	}
	if len(have.Bindings) >= most {
		return errs.New(errs.Conflict, "SwitchFull", "The VTEP at %s:%d has %d bindings, the most that one can have.", have.Addr, have.Port, most)
	}
	want := *have
	want.Bindings = append(slices.Clone(have.Bindings), b)
	if err := e.Replace(&want); err != nil {
		return invalid(err)
	}
	return nil
}

// Unbind takes a VLAN of a switch's port from its bridge; one that is on none is so already.
func (e *Edit) Unbind(vtep topology.VTEPID, port string, vlan uint16) error {
	have, err := exists[*topology.VTEP](e, topology.KindVTEP, vtep)
	if err != nil {
		return err
	}
	want := *have
	want.Bindings = slices.DeleteFunc(slices.Clone(have.Bindings), func(b topology.VTEPBinding) bool { return b.Port == port && b.VLAN == vlan })
	if len(want.Bindings) < len(have.Bindings) {
		e.tx.Put(&want)
	}
	return nil
}

// invalid makes what is missing a fault of the request.
func invalid(err error) error {
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	return errs.New(errs.Invalid, "Missing", "%v", err)
}
