package topology

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

// Identifiers of what joins physical switches.
type (
	VTEPID         = id.ID[VTEP]
	PeeringEntryID = id.ID[PeeringEntry]
)

// VTEP is a physical switch that speaks VXLAN (OVSDB schema hardware_vtep), and which of its ports are on which bridges.
type VTEP struct {
	Made
	ID       VTEPID
	Addr     netip.Addr // of its management
	Port     uint16
	Zone     TunnelZoneID
	Bindings []VTEPBinding
}

// VTEPBinding puts a VLAN of a switch's port on a bridge.
type VTEPBinding struct {
	Port   string
	VLAN   uint16 // 0: untagged
	Bridge BridgeID
}

// PeeringEntry says that a MAC is behind the tunnel endpoint Addr of a router's port that is joined to another site.
type PeeringEntry struct {
	Made
	ID   PeeringEntryID
	Port PortID
	MAC  mac.Addr
	Addr netip.Addr
}

// NewPeeringEntry returns the entry with its derived identifier: one for each port, MAC and address.
func NewPeeringEntry(port PortID, hw mac.Addr, addr netip.Addr) *PeeringEntry {
	return &PeeringEntry{ID: id.Derive[PeeringEntry](port, hw.String()+" "+addr.String()), Port: port, MAC: hw, Addr: addr}
}

// Key returns the switch's key.
func (o *VTEP) Key() Key { return Key{KindVTEP, o.ID} }

// Key returns the entry's key.
func (o *PeeringEntry) Key() Key { return Key{KindPeeringEntry, o.ID} }

// References implements Referrer. A zone or bridge that an operator would remove is kept while a switch names it.
func (o *VTEP) References() []Reference {
	var r refs
	r.add(Forgets, KindTunnelZone, o.Zone)
	for _, b := range o.Bindings {
		r.add(Forgets, KindBridge, b.Bridge)
	}
	return r
}

// Without implements Referrer.
func (o *VTEP) Without(gone Key) Object {
	left := *o
	switch gone.Kind {
	case KindTunnelZone:
		left.Zone = TunnelZoneID{}
	default:
		left.Bindings = slices.DeleteFunc(slices.Clone(o.Bindings), func(b VTEPBinding) bool { return b.Bridge == gone.ID })
	}
	return &left
}

// References implements Referrer.
func (o *PeeringEntry) References() []Reference { return []Reference{{Key{KindPort, o.Port}, GoesToo}} }

// Without implements Referrer.
func (o *PeeringEntry) Without(Key) Object { return o }
