package operator

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// CreateZone makes a tunnel zone without hosts. Names are unique.
func (e *Edit) CreateZone(z *topology.TunnelZone) error {
	if err := e.zoneNameFree(z); err != nil {
		return err
	}
	return e.create(z)
}

// RenameZone changes a tunnel zone's name.
func (e *Edit) RenameZone(zone topology.TunnelZoneID, name string) error {
	have, err := exists[*topology.TunnelZone](e, topology.KindTunnelZone, zone)
	if err != nil {
		return err
	}
	z := *have
	z.Name = name
	if err := e.zoneNameFree(&z); err != nil {
		return err
	}
	e.tx.Put(&z)
	return nil
}

func (e *Edit) zoneNameFree(z *topology.TunnelZone) error {
	for o := range e.State.ByKind(topology.KindTunnelZone) {
		if other := o.(*topology.TunnelZone); other.Name == z.Name && other.ID != z.ID {
			return errs.New(errs.Conflict, "ZoneNameTaken", "Tunnel zone name already exists.")
		}
	}
	return nil
}

// JoinZone makes addr the endpoint of the host. A live host has the address, and no zone of hosts names another of the same family for it.
func (e *Edit) JoinZone(zone topology.TunnelZoneID, host topology.HostID, addr netip.Addr) error {
	z, err := exists[*topology.TunnelZone](e, topology.KindTunnelZone, zone)
	if err != nil {
		return err
	}
	if _, err := exists[*topology.Host](e, topology.KindHost, host); err != nil {
		return err
	}
	if !addr.IsGlobalUnicast() {
		return errs.New(errs.Invalid, "BadEndpoint", "%s is no address that tunnels can go to.", addr)
	}
	for m := range e.State.Memberships(host) {
		switch {
		case m.Zone == zone:
			return errs.New(errs.Conflict, "HostInZone", "Tunnel zone membership already exists.")
		case z.VTEP || e.forSwitches(m.Zone):
		case m.Addr != addr && m.Addr.Is4() == addr.Is4():
			return errs.New(errs.Conflict, "AnotherEndpoint", "Tunnel zone %s has %s for the host; a host has one endpoint of a family.", m.Zone, m.Addr)
		}
	}
	if s := mirror.Lookup[*topology.HostState](e.State, topology.KindHostState, host); s != nil && !hasAddr(s, addr) {
		return errs.New(errs.Conflict, "NotOfHost", "Host %s has no interface with the address %s.", host, addr)
	}
	return e.create(topology.NewTunnelZoneHost(zone, host, addr))
}

// forSwitches reports whether the zone is one of physical switches.
func (e *Edit) forSwitches(zone topology.TunnelZoneID) bool {
	z := mirror.Lookup[*topology.TunnelZone](e.State, topology.KindTunnelZone, zone)
	return z != nil && z.VTEP
}

func hasAddr(s *topology.HostState, addr netip.Addr) bool {
	return slices.ContainsFunc(s.Interfaces, func(i topology.Interface) bool { return slices.Contains(i.Addrs, addr) })
}

// LeaveZone gives the host back the endpoint that it reports.
func (e *Edit) LeaveZone(zone topology.TunnelZoneID, host topology.HostID) error {
	if _, err := exists[*topology.TunnelZone](e, topology.KindTunnelZone, zone); err != nil {
		return err
	}
	key := topology.NewTunnelZoneHost(zone, host, netip.Addr{}).Key()
	have, err := e.tx.Get(key)
	switch {
	case err != nil:
		return err
	case have == nil:
		return errs.New(errs.NotFound, "NotFound", "Resource not found")
	}
	e.tx.Delete(key)
	return nil
}
