package topology

import (
	"net/netip"

	"midonet.org/midonet/id"
)

// Made says who made an object of the kinds that are rendered: the renderer, or an operator through the MidoNet API. What an operator
// made is no business of the renderer, which neither changes nor misses nor removes it.
type Made struct{ ByOperator bool }

// Operators marks an object as an operator's.
var Operators = Made{ByOperator: true}

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
)

// Device stands for a bridge or a router where either will do.
type Device struct{}

// Overlay is what an operator has put on a bridge, router or port, whoever made that: chains that are asked beside those which the
// object has of itself, and of a port the port groups that it is in beside its own. A packet enters by InChain first of all, and leaves
// by OutChain last of all; both must let it pass.
type Overlay struct {
	Target Key // a bridge, router or port
	At     Key // the bridge or router that is the target or has it
	// InChain sees what enters the target, OutChain what leaves it; zero: none.
	InChain, OutChain ChainID
	Groups            []PortGroupID
}

// TunnelZone is a set of hosts for each of which it names the underlay address that other hosts send to (MidoNet's of type VXLAN).
type TunnelZone struct {
	ID   TunnelZoneID
	Name string
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

// Key returns the zone's key.
func (o *TunnelZone) Key() Key { return Key{KindTunnelZone, o.ID} }

// Key returns the key of the membership.
func (o *TunnelZoneHost) Key() Key { return Key{KindTunnelZoneHost, o.ID} }
