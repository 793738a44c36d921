package topology

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
)

// Made says who made an object of the kinds that are rendered: the renderer, or an operator through the MidoNet API. What an operator
// made is no business of the renderer, which neither changes nor misses nor removes it.
type Made struct{ ByOperator bool }

// Operators marks an object as an operator's.
var Operators = Made{ByOperator: true}

// MarkOperators marks the object that it is part of as an operator's.
func (m *Made) MarkOperators() { *m = Operators }

// MadeByOperator reports whether an operator made the object.
func (m Made) MadeByOperator() bool { return m.ByOperator }

// ByOperator reports whether an operator made the object.
func ByOperator(o Object) bool {
	m, ok := o.(interface{ MadeByOperator() bool })
	return ok && m.MadeByOperator()
}

// Identifiers of what only operators make.
type (
	TunnelZoneID     = id.ID[TunnelZone]
	TunnelZoneHostID = id.ID[TunnelZoneHost]
	DeviceID         = id.ID[Device]
	VIFID            = id.ID[VIF]
)

// Device stands for a bridge or a router where either will do.
type Device struct{}

// Overlay is what an operator has put on a bridge, router or port, whoever made that: chains that are asked beside those which the
// object has of itself, of a port the port groups that it is in beside its own, and what else the object has that only operators give it. A
// packet enters by InChain first of all, and leaves by OutChain last of all; both must let it pass. What follows Groups no agent obeys yet.
type Overlay struct {
	Target Key // a bridge, router or port
	At     Key // the bridge or router that is the target or has it
	// InChain sees what enters the target, OutChain what leaves it; zero: none.
	InChain, OutChain ChainID
	Groups            []PortGroupID

	QoSPolicy QoSPolicyID // of a bridge or port
	// Mirrors of what enters and leaves, and of a port beyond its filters.
	InMirrors, OutMirrors, PostInMirrors, PreOutMirrors []MirrorID

	LoadBalancer  LoadBalancerID // of a router
	LocalRedirect ChainID        // of a router: sees what is for the router itself
	ASNumber      uint32         // of a router; 0: it does not speak BGP
	VNI           uint32         // of a router's port that is joined to another site
	OffRampVXLAN  bool           // likewise

	VLAN uint16 // of a bridge's port: the frames that it takes and gives without the tag; 0: none
	VIF  VIFID  // of a port: what whoever manages workloads calls it. It is for people, and means nothing here
}

// VIF is an interface of a workload, as whoever manages workloads names it.
type VIF struct{}

// TunnelZone is a set of hosts for each of which it names the underlay address that other hosts send to (MidoNet's of type VXLAN), or where
// it is for physical switches, the one that those send to.
type TunnelZone struct {
	ID   TunnelZoneID
	Name string
	VTEP bool // for switches
	GRE  bool // an operator has asked for GRE; hosts tunnel by VXLAN all the same
}

// TunnelZoneHost makes Addr the host's endpoint of its family, in place of the one that the host reports, while the host has Addr.
type TunnelZoneHost struct {
	ID   TunnelZoneHostID
	Zone TunnelZoneID
	Host HostID
	Addr netip.Addr
}

// NewTunnelZoneHost returns the membership with its derived identifier: a host is in a zone once.
func NewTunnelZoneHost(zone TunnelZoneID, host HostID, addr netip.Addr) *TunnelZoneHost {
	return &TunnelZoneHost{ID: id.Derive[TunnelZoneHost](zone, host.String()), Zone: zone, Host: host, Addr: addr}
}

// Key returns the key of the overlay, which follows from its target: there is one of each.
func (o *Overlay) Key() Key { return OverlayKey(o.Target) }

// OverlayKey returns the key of what operators have put on the target.
func OverlayKey(target Key) Key { return Key{KindOverlay, target.ID} }

// References implements Referrer.
func (o *Overlay) References() []Reference {
	r := refs{{o.Target, GoesToo}}
	r.add(Forgets, KindChain, o.InChain, o.OutChain, o.LocalRedirect)
	r.add(Forgets, KindQoSPolicy, o.QoSPolicy)
	r.add(Forgets, KindLoadBalancer, o.LoadBalancer)
	for _, g := range o.Groups {
		r.add(Forgets, KindPortGroup, g)
	}
	for _, mirrors := range [][]MirrorID{o.InMirrors, o.OutMirrors, o.PostInMirrors, o.PreOutMirrors} {
		for _, m := range mirrors {
			r.add(Forgets, KindMirror, m)
		}
	}
	return r
}

// Without implements Referrer.
func (o *Overlay) Without(gone Key) Object {
	left := *o
	switch gone.Kind {
	case KindChain:
		left.InChain, left.OutChain, left.LocalRedirect = unless(o.InChain, gone), unless(o.OutChain, gone), unless(o.LocalRedirect, gone)
	case KindPortGroup:
		left.Groups = without(o.Groups, gone)
	case KindQoSPolicy:
		left.QoSPolicy = unless(o.QoSPolicy, gone)
	case KindLoadBalancer:
		left.LoadBalancer = unless(o.LoadBalancer, gone)
	case KindMirror:
		left.InMirrors, left.OutMirrors = without(o.InMirrors, gone), without(o.OutMirrors, gone)
		left.PostInMirrors, left.PreOutMirrors = without(o.PostInMirrors, gone), without(o.PreOutMirrors, gone)
	}
	if left.IsEmpty() {
		return nil
	}
	return &left
}

// IsEmpty reports whether nothing is put on the target.
func (o *Overlay) IsEmpty() bool {
	return len(o.References()) == 1 && o.ASNumber == 0 && o.VNI == 0 && !o.OffRampVXLAN && o.VLAN == 0 && o.VIF.IsZero()
}

// Unheeded returns the properties of what is put on the target that no part of this MidoNet obeys, by the names that the MidoNet API has for them.
func (o *Overlay) Unheeded() []string {
	var names []string
	for _, p := range []struct {
		name string
		set  bool
	}{
		{"mirrors", len(o.InMirrors)+len(o.OutMirrors)+len(o.PostInMirrors)+len(o.PreOutMirrors) > 0}, {"qosPolicyId", !o.QoSPolicy.IsZero()},
		{"loadBalancerId", !o.LoadBalancer.IsZero()}, {"localRedirectChainId", !o.LocalRedirect.IsZero()}, {"asNumber", o.ASNumber != 0},
		{"rtrPortVni", o.VNI != 0}, {"offRampVxlan", o.OffRampVXLAN}, {"vlanId", o.VLAN != 0},
	} {
		if p.set {
			names = append(names, p.name)
		}
	}
	return names
}

func unless[T any](id id.ID[T], gone Key) id.ID[T] {
	if id == gone.ID {
		return [16]byte{}
	}
	return id
}

// without returns the identifiers but for one, nil where none is left.
func without[T any](ids []id.ID[T], gone Key) []id.ID[T] {
	left := slices.DeleteFunc(slices.Clone(ids), func(id id.ID[T]) bool { return id == gone.ID })
	if len(left) == 0 {
		return nil
	}
	return left
}

// Key returns the zone's key.
func (o *TunnelZone) Key() Key { return Key{KindTunnelZone, o.ID} }

// Key returns the key of the membership.
func (o *TunnelZoneHost) Key() Key { return Key{KindTunnelZoneHost, o.ID} }
