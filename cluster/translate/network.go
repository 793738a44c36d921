package translate

import (
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// typeUplink is the provider network type that stands for the physical network outside: it has no bridge, and only ports of routers
// come to anything on it (MidoNet NetworkTranslator.scala).
const typeUplink = "uplink"

func renderNetwork(_ View, n *model.Network) []topology.Object {
	if n.NetworkType == typeUplink {
		return nil
	}
	return []topology.Object{&topology.Bridge{
		ID:        id.As[topology.Bridge](n.ID),
		Name:      n.Name,
		ProjectID: n.ProjectID,
		AdminUp:   n.AdminStateUp,
		MTU:       n.MTU,
		External:  n.External,
	}}
}

// virtual returns the network if it is known and has a bridge, else nil. Nearly all that is on another network renders to nothing: of
// an unknown one it cannot be said yet whether it is virtual.
func virtual(v View, n model.NetworkID) *model.Network {
	network := find(v, n)
	if network == nil || network.NetworkType == typeUplink {
		return nil
	}
	return network
}

// touchedByNetwork returns what a change of a network reaches: everything on it when it comes or goes or its kind changes, and what
// announces the MTU when that does, and what DHCP answers when the hosts that do so change.
func touchedByNetwork(_, after View, old, now *model.Network) []Owner {
	switch {
	case old == nil || now == nil || (old.NetworkType == typeUplink) != (now.NetworkType == typeUplink):
		return everythingOn(after, either(old, now).ID)
	case old.MTU != now.MTU:
		owners := linkedOwners(after, link{how: subnetOn, to: now.ID}, Subnet)
		return append(owners, linkedOwners(after, link{how: routerPortOn, to: now.ID}, Port)...)
	case !slices.Equal(old.DHCPSilences, now.DHCPSilences):
		return linkedOwners(after, link{how: subnetOn, to: now.ID}, Subnet)
	}
	return nil
}

func everythingOn(v View, n model.NetworkID) []Owner {
	owners := linkedOwners(v, link{how: subnetOn, to: n}, Subnet)
	owners = append(owners, linkedOwners(v, link{how: portOn, to: n}, Port)...)
	for _, p := range linked[model.Port](v, link{how: routerPortOn, to: n}) {
		owners = append(owners, behind(v, p)...)
	}
	return owners
}
