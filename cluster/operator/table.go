package operator

import (
	"net/netip"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// PutMACEntry says that the MAC is behind the port of the bridge, for the frames of a VLAN or, where that is 0, for all. A MAC is behind one port: a
// Conflict says behind which.
func (e *Edit) PutMACEntry(bridge topology.BridgeID, hw mac.Addr, port topology.PortID, vlan uint16) error {
	if _, err := exists[*topology.Bridge](e, topology.KindBridge, bridge); err != nil {
		return err
	}
	p, err := exists[*topology.Port](e, topology.KindPort, port)
	switch {
	case err != nil:
		return err
	case p.Bridge != bridge:
		return errs.New(errs.Invalid, "PortOfAnotherBridge", "The port must belong to the bridge that owns the MAC table.")
	}
	put, err := get[*topology.Overlay](e, topology.KindOverlay, port)
	switch {
	case err != nil:
		return err
	case put != nil && put.VLAN != 0 && put.VLAN != vlan:
		return errs.New(errs.Invalid, "PortOfAnotherVLAN", "The specified port handles traffic only for VLAN %d.", put.VLAN)
	}
	for m := range e.State.MACEntries(bridge) {
		if m.MAC == hw && m.VLAN == vlan && m.Port != port {
			return errs.New(errs.Conflict, "MACIsElsewhere", "The MAC address %s is behind port %s of the bridge already.", hw, m.Port)
		}
	}
	entry := topology.NewMACEntry(bridge, hw, port).OnVLAN(vlan)
	if have, err := e.tx.Get(entry.Key()); err != nil || have != nil {
		return err
	}
	entry.Made = topology.Operators
	e.tx.Put(entry)
	return nil
}

// DeleteMACEntry takes back what PutMACEntry said.
func (e *Edit) DeleteMACEntry(bridge topology.BridgeID, hw mac.Addr, port topology.PortID, vlan uint16) error {
	key := topology.NewMACEntry(bridge, hw, port).OnVLAN(vlan).Key()
	have, err := own[*topology.MACEntry](e, key.Kind, key.ID)
	if err != nil {
		return err
	}
	if err := e.notOfWire(have.Port, key); err != nil {
		return err
	}
	e.tx.Delete(key)
	return nil
}

// PutNeighbour says who has the address on the bridge, wherever that is. An address has one MAC: a Conflict says which.
func (e *Edit) PutNeighbour(bridge topology.BridgeID, addr netip.Addr, hw mac.Addr) error {
	if _, err := exists[*topology.Bridge](e, topology.KindBridge, bridge); err != nil {
		return err
	}
	n := neighbourOf(bridge, addr, hw)
	for have := range e.State.Neighbours(bridge) {
		switch {
		case have.Addr != addr || have.ID == n.ID && have.MAC == hw:
		default:
			return errs.New(errs.Conflict, "AddressIsElsewhere", "The address %s is at %s on the bridge already.", addr, have.MAC)
		}
	}
	e.tx.Put(n)
	return nil
}

// DeleteNeighbour takes back what PutNeighbour said.
func (e *Edit) DeleteNeighbour(bridge topology.BridgeID, addr netip.Addr, hw mac.Addr) error {
	for have := range e.State.Neighbours(bridge) {
		if have.Addr != addr || have.MAC != hw {
			continue
		}
		n, err := own[*topology.Neighbour](e, topology.KindNeighbour, have.ID)
		if err != nil {
			return err
		}
		if err := e.notOfWire(n.Port, n.Key()); err != nil {
			return err
		}
		e.tx.Delete(n.Key())
		return nil
	}
	return errs.New(errs.NotFound, "NotFound", "The specified bridge does not have the specified ARP table entry.")
}

// neighbourOf returns the entry with its derived identifier: one for each bridge and address.
func neighbourOf(bridge topology.BridgeID, addr netip.Addr, hw mac.Addr) *topology.Neighbour {
	return &topology.Neighbour{Made: topology.Operators, ID: id.Derive[topology.Neighbour](bridge, "operator's "+addr.String()),
		Bridge: bridge, Addr: addr, MAC: hw}
}

// notOfWire refuses to remove what a bridge knows of the router at the other end of the port's wire, while that is there.
func (e *Edit) notOfWire(port topology.PortID, key topology.Key) error {
	p, err := get[*topology.Port](e, topology.KindPort, port)
	if err != nil || p == nil {
		return err
	}
	peer, err := e.peerOf(p)
	if err == nil && stations(p, peer)[key] != nil {
		err = errs.New(errs.Conflict, "OfWire", "The entry follows from the link of port %s; it goes with that.", port)
	}
	return err
}
