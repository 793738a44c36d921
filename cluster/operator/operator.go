// Package operator makes the changes of the topology that an operator asks for through the MidoNet API.
//
// Operator's objects live beside those that are rendered from Neutron's. Whoever made an object is written in it (topology.Made), and the
// two are kept apart by three rules:
//
//   - What an operator made only operators change. The importer neither compares nor repairs nor removes it, so that a start,
//     `midonet db check` and a new data version leave it alone.
//   - What is rendered only Neutron changes: renaming, moving or deleting it here is a Conflict, for the renderer would undo it. That
//     holds for its parts too: a rendered chain takes no rule, a rendered port no link, a rendered DHCP subnet no host.
//   - Each may refer to the other. An operator may add ports, routes, DHCP subnets and entries of the MAC and ARP tables to a rendered
//     bridge or router, jump to a rendered chain, and name rendered ports and groups in conditions. Chains and port groups may be put
//     on any bridge, router and port: they are an Overlay, which is asked beside what the object has of itself and never in its place. So are
//     mirrors, QoS policies and load balancers.
//
// Should Neutron make an object with the identifier of an operator's, Neutron's takes its place.
//
// An edit is one step of the store, made on the newest state: everything that it refers to exists in that step. What is deleted takes
// along what makes no sense without it, as in the original (MidonetBackend.scala, its bindings): a bridge its ports, DHCP subnets and
// tables, a router its ports and routes, a port its routes, table entries and binding, a chain its rules and the jumps to it, and anything
// what names it and goes with it (topology.Referrer). That is one step however much it is; only reservations of tunnel keys, and mends of more
// than fit, follow in further ones. What operators put on a rendered object goes when Neutron removes that (Job).
package operator

import (
	"cmp"
	"context"
	"errors"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// Editor makes edits, one after the other.
type Editor struct {
	store  nsdb.Large
	mirror *mirror.Mirror
	turn   chan struct{} // has room for the edit that is being made
}

// NewEditor returns an editor of the store, of which the mirror is; the caller runs that.
func NewEditor(store nsdb.Large, m *mirror.Mirror) *Editor {
	return &Editor{store: store, mirror: m, turn: make(chan struct{}, 1)}
}

// Edit is one step of the store being made.
type Edit struct {
	tx nsdb.Tx
	// State is a recent state, for what is not found by its key. What it says may have changed since.
	State *mirror.State
}

// Edit makes what fn does one step, and returns the first state of the mirror that has it. An error of fn is returned, and nothing is
// written. fn may run more than once. The state that fn sees has all that this editor has made; what other servers make at the same
// moment it may not have, so that of two of them both may find a name free, for one.
func (e *Editor) Edit(ctx context.Context, fn func(*Edit) error) (*mirror.State, error) {
	return e.make(ctx, fn, e.store.Update)
}

// editLarge is Edit for one that deletes more than fits an Update: the keys, provided that fn, which writes others, agrees.
func (e *Editor) editLarge(ctx context.Context, deletes []topology.Key, fn func(*Edit) error) error {
	writes := map[topology.Key]topology.Object{}
	for _, k := range deletes {
		writes[k] = nil
	}
	_, err := e.make(ctx, fn, func(ctx context.Context, guard func(nsdb.Tx) error) (nsdb.Revision, error) {
		return e.store.UpdateLarge(ctx, nsdb.LargeChange{Writes: writes, Guard: func(tx nsdb.Tx) error {
			return guard(&beside{tx, writes})
		}})
	})
	return err
}

// beside is a transaction that leaves the deletion of some keys to the large change that it is part of.
type beside struct {
	nsdb.Tx
	writes map[topology.Key]topology.Object
}

func (t *beside) Delete(key topology.Key) {
	if _, ok := t.writes[key]; !ok {
		t.Tx.Delete(key)
	}
}

// make makes an edit by the store's function, when it is its turn.
func (e *Editor) make(ctx context.Context, fn func(*Edit) error,
	update func(context.Context, func(nsdb.Tx) error) (nsdb.Revision, error)) (*mirror.State, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	revision, err := update(ctx, func(tx nsdb.Tx) error { return fn(&Edit{tx: tx, State: e.mirror.State()}) })
	switch {
	case errors.Is(err, nsdb.ErrTooLarge):
		return nil, errs.New(errs.TooLarge, "ChangeTooLarge", "The change is too large for one step.").Wrap(err)
	case err != nil && errs.KindOf(err) == errs.Internal:
		return nil, unavailable(err)
	case err != nil:
		return nil, err
	}
	state, err := e.mirror.WaitFor(ctx, revision)
	if err != nil {
		return nil, unavailable(err)
	}
	return state, nil
}

func unavailable(err error) error {
	return errs.New(errs.Unavailable, "StoreUnavailable", "The network state database does not answer.").Wrap(err)
}

// get returns the object with the key as it is in this step, nil where there is none.
func get[T topology.Object](e *Edit, kind topology.Kind, id [16]byte) (T, error) {
	o, err := e.tx.Get(topology.Key{Kind: kind, ID: id})
	t, _ := o.(T)
	return t, err
}

// exists returns the object with the key, which must be there.
func exists[T topology.Object](e *Edit, kind topology.Kind, id [16]byte) (T, error) {
	o, err := get[T](e, kind, id)
	if err == nil && topology.Object(o) == topology.Object(*new(T)) {
		err = Missing(kind, id)
	}
	return o, err
}

// own returns the object with the key, which must be there and an operator's.
func own[T topology.Object](e *Edit, kind topology.Kind, id [16]byte) (T, error) {
	o, err := exists[T](e, kind, id)
	if err == nil && !topology.ByOperator(o) {
		err = rendered(kind, id)
	}
	return o, err
}

// create puts an object whose key must be free.
func (e *Edit) create(o topology.Object) error {
	present, err := e.tx.Get(o.Key())
	switch {
	case err != nil:
		return err
	case present != nil:
		return errs.New(errs.Conflict, "ObjectExists", "A(n) %s with ID %s already exists.", class(o.Key().Kind), text(o.Key().ID))
	}
	e.tx.Put(o)
	return nil
}

// The words are those of the original's storage (ZoomExceptions.scala).

// Missing says that there is no such object.
func Missing(kind topology.Kind, id [16]byte) error {
	return errs.New(errs.NotFound, "NotFound", "There is no %s with ID %s.", class(kind), text(id))
}

func rendered(kind topology.Kind, id [16]byte) error {
	return errs.New(errs.Conflict, "MadeFromNeutron", "%s %s is made from an object of Neutron, and can be changed only there.",
		class(kind), text(id))
}

// classes are the original's names of kinds (topology.proto).
var classes = map[topology.Kind]string{
	topology.KindBridge: "Network", topology.KindPort: "Port", topology.KindRouter: "Router", topology.KindRoute: "Route", topology.KindChain: "Chain",
	topology.KindAddrGroup: "IPAddrGroup", topology.KindPortGroup: "PortGroup", topology.KindDHCP: "Dhcp", topology.KindTunnelZone: "TunnelZone",
	topology.KindHost: "Host", topology.KindBGPNetwork: "BgpNetwork", topology.KindBGPPeer: "BgpPeer", topology.KindLoadBalancer: "LoadBalancer",
	topology.KindPool: "Pool", topology.KindPoolMember: "PoolMember", topology.KindVIP: "Vip", topology.KindHealthMonitor: "HealthMonitor",
	topology.KindMirror: "Mirror", topology.KindL2Insertion: "L2Insertion", topology.KindQoSPolicy: "QosPolicy",
	topology.KindQoSBandwidthRule: "QosRuleBandwidthLimit", topology.KindQoSDSCPRule: "QosRuleDscp",
	topology.KindServiceContainer: "ServiceContainer", topology.KindServiceContainerGroup: "ServiceContainerGroup",
	topology.KindTraceRequest: "TraceRequest", topology.KindVTEP: "Vtep",
}

func class(kind topology.Kind) string { return cmp.Or(classes[kind], kind.String()) }

func text(u [16]byte) string { return id.ID[topology.Object](u).String() }
