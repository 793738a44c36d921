package translate

import (
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// typeUplink is the provider network type that stands for the physical network outside; nothing virtual is made for it (MidoNet
// NetworkTranslator.scala).
const typeUplink = "uplink"

func renderNetwork(v View, n model.NetworkID) []topology.Object {
	network := virtual(v, n)
	if network == nil {
		return nil
	}
	return []topology.Object{&topology.Bridge{
		ID:        id.As[topology.Bridge](network.ID),
		Name:      network.Name,
		ProjectID: network.ProjectID,
		AdminUp:   network.AdminStateUp,
		MTU:       network.MTU,
	}}
}

// virtual returns the network if it is known and has a bridge, else nil. Whatever is on another network renders to nothing: of an
// unknown one it cannot be said yet whether it is virtual.
func virtual(v View, n model.NetworkID) *model.Network {
	network := v.Network(n)
	if network == nil || network.NetworkType == typeUplink {
		return nil
	}
	return network
}

// touchedByNetwork returns the subnets and ports that a change of their network reaches: all when the bridge comes or goes, and the
// subnets when they must announce another MTU.
func touchedByNetwork(before, after View, n model.NetworkID) []Owner {
	old, now := virtual(before, n), virtual(after, n)
	appears := (old == nil) != (now == nil)
	if !appears && (old == nil || old.MTU == now.MTU) {
		return nil
	}
	owners := subnetOwners(after.SubnetsOf(n))
	if appears {
		for _, p := range after.PortsOf(n) {
			owners = append(owners, Owner{Port, p.ID})
		}
	}
	return owners
}

func subnetOwners(subnets []*model.Subnet) []Owner {
	var owners []Owner
	for _, s := range subnets {
		owners = append(owners, Owner{Subnet, s.ID})
	}
	return owners
}
