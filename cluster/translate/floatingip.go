package translate

import (
	"net/netip"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

func linksOfFloatingIP(f *model.FloatingIP) []link {
	return []link{{how: floatingOf, to: f.RouterID, on: f.FloatingNetworkID}, {how: floatingFor, to: f.PortID}}
}

func needsOfFloatingIP(f *model.FloatingIP) []Owner {
	needs := []Owner{{Network, f.FloatingNetworkID}}
	if !f.RouterID.IsZero() {
		needs = append(needs, Owner{Router, f.RouterID})
	}
	if !f.PortID.IsZero() {
		needs = append(needs, Owner{Port, f.PortID})
	}
	return needs
}

// renderFloatingIP renders an address that a router answers for: its neighbours find it behind the router's port, and it is exchanged
// for the fixed address (MidoNet FloatingIpTranslator.scala). One that has forwardings stands for no port, and one whose port is not
// there is nothing. One of IPv6 may stand for a fixed one of IPv4 (fip64), one of IPv4 for no other family.
func renderFloatingIP(v View, f *model.FloatingIP) []topology.Object {
	p, port, ok := floatingPort(v, f)
	standsForPort := !f.PortID.IsZero()
	if !ok || standsForPort && (find(v, f.PortID) == nil || !exchangeable(f.FloatingIPAddress, f.FixedIPAddress)) {
		return nil
	}
	var objects []topology.Object
	if virtual(v, p.NetworkID) != nil && !p.MACAddress.IsZero() {
		objects = append(objects, &topology.Neighbour{
			ID:     id.Derive[topology.Neighbour](f.ID, "neighbour"),
			Bridge: id.As[topology.Bridge](p.NetworkID),
			Addr:   f.FloatingIPAddress,
			MAC:    p.MACAddress,
			Port:   id.As[topology.Port](p.ID),
		})
	}
	if !standsForPort {
		return objects
	}
	return append(objects, &topology.FloatingIP{
		ID:     id.As[topology.FloatingIP](f.ID),
		Router: id.As[topology.Router](f.RouterID),
		Port:   port,
		Addr:   f.FloatingIPAddress,
		Fixed:  f.FixedIPAddress,
	})
}

// touchedByFloatingIP returns the routers, which treat a port with floating addresses in another way, and the forwardings.
func touchedByFloatingIP(_, after View, old, now *model.FloatingIP) []Owner {
	owners := linkedOwners(after, link{how: forwardingOf, to: either(old, now).ID}, PortForwarding)
	for _, f := range []*model.FloatingIP{old, now} {
		if f != nil && !f.RouterID.IsZero() {
			owners = append(owners, Owner{Router, f.RouterID})
		}
	}
	return owners
}

// floatingPort returns the port of the router that answers for the floating address: the gateway if it is on the floating network, else
// an interface there on whose subnet the address is. The second result is the port on the router.
func floatingPort(v View, f *model.FloatingIP) (*model.Port, topology.PortID, bool) {
	if f.RouterID.IsZero() || !f.FloatingIPAddress.IsValid() {
		return nil, topology.PortID{}, false
	}
	var chosen *model.Port
	for _, p := range linked[model.Port](v, link{how: routerPortOf, to: f.RouterID}) {
		switch {
		case p.NetworkID != f.FloatingNetworkID:
		case p.DeviceOwner == model.OwnerRouterGateway:
			port, ok := routerPortID(v, p)
			return p, port, ok
		case chosen == nil && isOnSubnetOf(v, p, f.FloatingIPAddress):
			chosen = p
		}
	}
	if chosen == nil {
		return nil, topology.PortID{}, false
	}
	port, ok := routerPortID(v, chosen)
	return chosen, port, ok
}

func isOnSubnetOf(v View, p *model.Port, a netip.Addr) bool {
	for _, s := range subnetsOf(v, p) {
		if s.CIDR.Contains(a) {
			return true
		}
	}
	return false
}

// answersForFloating reports whether the port, an interface of the router, answers for any floating address. One such address is enough,
// and nearly every address on the network is one, so that the number of addresses does not matter.
func answersForFloating(v View, r model.RouterID, p *model.Port) bool {
	for _, o := range v.linked(link{how: floatingOf, to: r, on: p.NetworkID}) {
		if by, _, ok := floatingPort(v, o.(*model.FloatingIP)); ok && by.ID == p.ID {
			return true
		}
	}
	return false
}

// exchangeable reports whether a router can exchange a floating address for a fixed one.
func exchangeable(floating, fixed netip.Addr) bool {
	return sameFamily(floating, fixed) || floating.Is6() && fixed.Is4()
}

// sameFamily reports whether both are IPv4 or both are IPv6 addresses.
func sameFamily(a, b netip.Addr) bool { return a.IsValid() && b.IsValid() && a.Is4() == b.Is4() }
