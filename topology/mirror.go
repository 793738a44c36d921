package topology

import (
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

// Identifiers of what takes packets aside.
type (
	MirrorID      = id.ID[Mirror]
	L2InsertionID = id.ID[L2Insertion]
)

// Mirror sends copies of packets that meet one of the conditions to a port. Bridges, routers and ports name it in their Overlays.
type Mirror struct {
	Made
	ID         MirrorID
	To         PortID
	Conditions []Condition
}

// L2Insertion leads what passes a port by a service, which is behind another port.
type L2Insertion struct {
	Made
	ID       L2InsertionID
	Port     PortID // whose packets
	Service  PortID
	VLAN     uint16 // with which the service knows them; 0: none
	Position int    // among those of the port
	FailOpen bool   // packets pass when the service's port is down
	MAC      mac.Addr
}

// Key returns the mirror's key.
func (o *Mirror) Key() Key { return Key{KindMirror, o.ID} }

// Key returns the insertion's key.
func (o *L2Insertion) Key() Key { return Key{KindL2Insertion, o.ID} }

// References implements Referrer.
func (o *Mirror) References() []Reference { return []Reference{{Key{KindPort, o.To}, GoesToo}} }

// Without implements Referrer.
func (o *Mirror) Without(Key) Object { return o }

// References implements Referrer.
func (o *L2Insertion) References() []Reference {
	return []Reference{{Key{KindPort, o.Port}, GoesToo}, {Key{KindPort, o.Service}, GoesToo}}
}

// Without implements Referrer.
func (o *L2Insertion) Without(Key) Object { return o }
