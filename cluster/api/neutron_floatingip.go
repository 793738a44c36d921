package api

import (
	"net/netip"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

var floatingIPs = collection[model.FloatingIP]{
	resource: translate.FloatingIP, path: "/floating_ips", one: neutronMedia("FloatingIp"), many: neutronMedia("FloatingIps"),
	id:   func(f *model.FloatingIP) *id.ID[model.FloatingIP] { return &f.ID },
	read: readFloatingIP, plan: planFloatingIP, show: byItself(showFloatingIP),
}

// neutronFloatingIP is neutron/models/FloatingIp.java.
type neutronFloatingIP struct {
	ID                model.FloatingIPID `json:"id"`
	FloatingIPAddress *netip.Addr        `json:"floating_ip_address"`
	FloatingNetworkID *model.NetworkID   `json:"floating_network_id"`
	RouterID          *model.RouterID    `json:"router_id"`
	PortID            *model.PortID      `json:"port_id"`
	FixedIPAddress    *netip.Addr        `json:"fixed_ip_address"`
	TenantID          string             `json:"tenant_id"`
}

// readFloatingIP refuses an address that stands for a port in a way that cannot be rendered. A floating one of IPv6 stands for a fixed one
// of IPv4 too (fip64).
func readFloatingIP(body []byte) (*model.FloatingIP, error) {
	f, err := readInto(body, &model.FloatingIP{})
	switch {
	case err != nil:
		return nil, err
	case f.PortID.IsZero():
		return f, nil
	case f.RouterID.IsZero():
		return nil, invalid("Router ID must be provided")
	case !f.FixedIPAddress.Is4():
		return nil, invalid("Only IPv4 fixed-addresses are supported")
	}
	return f, nil
}

// planFloatingIP refuses an address that no port of the router answers for (FloatingIpTranslator.scala getFipRtrPortId).
func planFloatingIP(now translate.View, verb importer.Verb, f *model.FloatingIP, _ []byte) ([]importer.Write, error) {
	known := translate.Find(now, f.FloatingNetworkID) != nil && translate.Find(now, f.RouterID) != nil && translate.Find(now, f.PortID) != nil
	if known && !translate.Answers(now, f) { // what is not known, the importer refuses
		return nil, conflict("Router %s has no port whose subnet contains %s", f.RouterID, f.FloatingIPAddress)
	}
	return []importer.Write{put(verb, translate.FloatingIP, f.ID, f)}, nil
}

func showFloatingIP(f *model.FloatingIP) any {
	return neutronFloatingIP{
		ID: f.ID, FloatingIPAddress: present(f.FloatingIPAddress), FloatingNetworkID: present(f.FloatingNetworkID),
		RouterID: present(f.RouterID), PortID: present(f.PortID), FixedIPAddress: present(f.FixedIPAddress), TenantID: f.ProjectID,
	}
}
