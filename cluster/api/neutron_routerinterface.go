package api

import (
	"net/http"
	"slices"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
)

var mediaRouterInterface = []string{neutronMedia("RouterInterface")}

// routerInterface is neutron/models/RouterInterface.java: what Neutron answers to whoever adds or removes an interface. The router is
// the path's.
type routerInterface struct {
	PortID    model.PortID     `json:"port_id"`
	SubnetID  model.SubnetID   `json:"subnet_id"`
	SubnetIDs []model.SubnetID `json:"subnet_ids"`
}

// subnets returns what the interface is on.
func (i routerInterface) subnets() []model.SubnetID {
	if len(i.SubnetIDs) == 0 && !i.SubnetID.IsZero() {
		return []model.SubnetID{i.SubnetID}
	}
	return i.SubnetIDs
}

// routerInterfaceRoutes adds what tells of interfaces. A router's interface is a port whose device it is; that it exists, and who it
// belongs to, has nearly always been told with the port.
func (a *API) routerInterfaceRoutes() {
	for action, plan := range map[string]func(translate.View, model.RouterID, routerInterface) ([]importer.Write, error){
		"add_router_interface": planInterface, "remove_router_interface": planNoInterface,
	} {
		a.serve("/neutron/routers/{id}/"+action, endpoint{http.MethodPut, mediaRouterInterface, mediaRouterInterface,
			func(c *call) (reply, error) { return a.changeInterface(c, plan) }})
	}
}

func (a *API) changeInterface(c *call,
	plan func(translate.View, model.RouterID, routerInterface) ([]importer.Write, error)) (reply, error) {
	router, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	var told routerInterface
	if err := c.decode(&told); err != nil {
		return reply{}, err
	}
	if told.PortID.IsZero() {
		return reply{}, invalid("A NeutronRouterInterface has no port_id.")
	}
	_, err = a.apply(c, func(now translate.View) ([]importer.Write, error) {
		return plan(now, id.As[model.Router](router), told)
	})
	return reply{}, err
}

// planInterface makes the port an interface of the router (RouterInterfaceTranslator.scala translateCreate). A port without addresses
// gets the gateways' of the subnets.
func planInterface(now translate.View, router model.RouterID, told routerInterface) ([]importer.Write, error) {
	if translate.Find(now, router) == nil {
		return nil, noSuch(importer.Class(translate.Router), objectID(router))
	}
	found := translate.Find(now, told.PortID)
	if found == nil {
		return nil, noSuch(importer.Class(translate.Port), objectID(told.PortID))
	}
	port := *found
	if len(port.FixedIPs) == 0 {
		var err error
		if port.FixedIPs, err = gatewaysOf(now, &port, told.subnets()); err != nil {
			return nil, err
		}
	}
	if err := checkInterface(now, router, &port); err != nil {
		return nil, err
	}
	w, change := claim(&port, router, model.OwnerRouterInterface)
	switch {
	case change:
		return []importer.Write{w}, nil
	case len(port.FixedIPs) != len(found.FixedIPs):
		return []importer.Write{put(importer.Amend, translate.Port, port.ID, port)}, nil
	}
	return nil, nil
}

func gatewaysOf(now translate.View, port *model.Port, on []model.SubnetID) ([]model.FixedIP, error) {
	var ips []model.FixedIP
	for _, s := range on {
		subnet := translate.Find(now, s)
		switch {
		case subnet == nil:
			return nil, noSuch(importer.Class(translate.Subnet), objectID(s))
		case !subnet.GatewayIP.IsValid():
			return nil, invalid("Cannot create router interface because port %s has no fixed IPs and subnet %s has no gateway IP", port.ID, s)
		}
		ips = append(ips, model.FixedIP{SubnetID: s, IPAddress: subnet.GatewayIP})
	}
	return ips, nil
}

// checkInterface refuses addresses that are not on their subnets, and two of IPv4 where answers are translated to the port's one.
func checkInterface(now translate.View, router model.RouterID, port *model.Port) error {
	ipv4 := 0
	for _, ip := range port.FixedIPs {
		subnet := translate.Find(now, ip.SubnetID)
		if subnet == nil {
			return noSuch(importer.Class(translate.Subnet), objectID(ip.SubnetID))
		}
		if !subnet.CIDR.Contains(ip.IPAddress) {
			return invalid("Port address %s does not belong to subnet %s with CIDR %s", ip.IPAddress, subnet.ID, subnet.CIDR)
		}
		if ip.IPAddress.Is4() {
			ipv4++
		}
	}
	if network := translate.Find(now, port.NetworkID); ipv4 > 1 && network != nil && network.NetworkType != "uplink" {
		return invalid("Cannot create router interface for router %s to multiple IPv4 subnets", router)
	}
	return nil
}

// planNoInterface takes the addresses on the subnets from a port that stays, which Neutron has mostly done already; where the port has
// gone, nothing is left to do.
func planNoInterface(now translate.View, router model.RouterID, told routerInterface) ([]importer.Write, error) {
	found := translate.Find(now, told.PortID)
	if found == nil {
		return nil, nil
	}
	if found.DeviceOwner != model.OwnerRouterInterface || found.DeviceID != router.String() {
		return nil, conflict("Port %s is no interface of router %s", found.ID, router)
	}
	port, off := *found, told.subnets()
	port.FixedIPs = slices.DeleteFunc(slices.Clone(found.FixedIPs), func(ip model.FixedIP) bool { return slices.Contains(off, ip.SubnetID) })
	if len(port.FixedIPs) == len(found.FixedIPs) {
		return nil, nil
	}
	return []importer.Write{put(importer.Amend, translate.Port, port.ID, port)}, nil
}
