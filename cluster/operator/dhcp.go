package operator

import (
	"net/netip"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// CreateDHCP adds a DHCP subnet to a bridge, which may be a rendered one. A bridge has one subnet of each prefix.
func (e *Edit) CreateDHCP(d *topology.DHCP) error {
	if _, err := exists[*topology.Bridge](e, topology.KindBridge, d.Bridge); err != nil {
		return err
	}
	for have := range e.State.DHCPs(d.Bridge) {
		if have.Prefix == d.Prefix && have.ID != dhcpID(d.Bridge, d.Prefix) {
			return duplicateSubnet(d.Prefix)
		}
	}
	d.Made, d.ID = topology.Operators, dhcpID(d.Bridge, d.Prefix)
	err := e.create(d)
	if errs.Is(err, errs.Conflict) {
		return duplicateSubnet(d.Prefix)
	}
	return err
}

func duplicateSubnet(p netip.Prefix) error {
	return errs.New(errs.Conflict, "SubnetExists", "The specified DHCP subnet(%s) already exists on this bridge.", p)
}

func dhcpID(bridge topology.BridgeID, p netip.Prefix) topology.DHCPID {
	return id.Derive[topology.DHCP](bridge, "operator's "+p.String())
}

// UpdateDHCP changes an operator's DHCP subnet.
func (e *Edit) UpdateDHCP(dhcp topology.DHCPID, change func(*topology.DHCP)) error {
	have, err := own[*topology.DHCP](e, topology.KindDHCP, dhcp)
	if err != nil {
		return err
	}
	want := *have
	change(&want)
	e.tx.Put(&want)
	return nil
}

// PutDHCPHost reserves an address of an operator's subnet for the holder of a MAC, who may be behind any port of the bridge. fresh says
// that it is a new one, else it takes the place of the one that is there.
func (e *Edit) PutDHCPHost(dhcp topology.DHCPID, h *topology.DHCPHost, fresh bool) error {
	d, err := own[*topology.DHCP](e, topology.KindDHCP, dhcp)
	if err != nil {
		return err
	}
	h.Made, h.ID, h.DHCP, h.Bridge = topology.Operators, dhcpHostID(dhcp, h.MAC), dhcp, d.Bridge
	have, err := get[*topology.DHCPHost](e, topology.KindDHCPHost, h.ID)
	switch {
	case err != nil:
		return err
	case fresh && have != nil:
		return errs.New(errs.Conflict, "HostExists", "Subnet %s on bridge %s already has a host with MAC address %s.", d.Prefix, d.Bridge, h.MAC)
	case !fresh && have == nil:
		return noDHCPHost(h.MAC)
	}
	for other := range e.State.DHCPHosts(d.Bridge) {
		if other.DHCP == dhcp && other.Addr == h.Addr && other.ID != h.ID {
			return errs.New(errs.Conflict, "AddressReserved", "The address %s is reserved for %s already.", h.Addr, other.MAC)
		}
	}
	e.tx.Put(h)
	return nil
}

// DeleteDHCPHost removes a reservation.
func (e *Edit) DeleteDHCPHost(dhcp topology.DHCPID, hw mac.Addr) error {
	if _, err := own[*topology.DHCP](e, topology.KindDHCP, dhcp); err != nil {
		return err
	}
	have, err := get[*topology.DHCPHost](e, topology.KindDHCPHost, dhcpHostID(dhcp, hw))
	switch {
	case err != nil:
		return err
	case have == nil:
		return noDHCPHost(hw)
	}
	e.tx.Delete(have.Key())
	return nil
}

func dhcpHostID(dhcp topology.DHCPID, hw mac.Addr) topology.DHCPHostID {
	return id.Derive[topology.DHCPHost](dhcp, "host "+hw.String())
}

func noDHCPHost(hw mac.Addr) error {
	return errs.New(errs.NotFound, "NotFound", "The subnet has no host with the MAC address %s.", hw)
}
