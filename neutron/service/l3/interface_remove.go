package l3

import (
	"context"
	"encoding/json"
	"slices"

	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// RemoveInterface is the action remove_router_interface.
func (p *Plugin) RemoveInterface(ctx context.Context, c *auth.Caller, routerID string, body json.RawMessage) (any, error) {
	return changed(ctx, p, c, func(r *request) (any, error) {
		router, err := r.touchedRouter(routerID)
		if err != nil {
			return nil, err
		}
		want, err := readInterface(body, true)
		if err != nil {
			return nil, err
		}
		return r.removeInterface(router, want)
	})
}

func (r *request) removeInterface(router *model.Router, want interfaceRequest) (*Interface, error) {
	interfaces, err := store.PortsOfDevice(r.Tx(), router.ID.String(), model.OwnerRouterInterface)
	if err != nil {
		return nil, err
	}
	if want.port != "" {
		return r.removeByPort(router, interfaces, want)
	}
	return r.removeBySubnet(router, interfaces, want.subnet)
}

// removeByPort is _remove_interface_by_port; a subnet that is named too must be one of the port's.
func (r *request) removeByPort(router *model.Router, interfaces []*model.Port, want interfaceRequest) (*Interface, error) {
	i := slices.IndexFunc(interfaces, func(p *model.Port) bool { return p.ID.String() == want.port })
	if i < 0 {
		return nil, interfaceNotFound(router.ID, want.port)
	}
	port := interfaces[i]
	subnets, err := r.subnetsOf(port)
	if err != nil {
		return nil, err
	}
	named := func(s *model.Subnet) bool { return s.ID.String() == want.subnet }
	if want.subnet != "" && !slices.ContainsFunc(subnets, named) {
		return nil, subnetMismatch(port.ID, want.subnet)
	}
	for _, s := range subnets {
		if err := r.checkInterfaceUnused(router, s); err != nil {
			return nil, err
		}
	}
	return r.told(journal.Delete, removed(router, port, subnets), r.DeletePort(port.ID))
}

// removeBySubnet takes the subnet's address from the interface that has it, and the interface where that was its last
// (_remove_interface_by_subnet).
func (r *request) removeBySubnet(router *model.Router, interfaces []*model.Port, subnetID string) (*Interface, error) {
	subnet, err := r.Subnet(subnetID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(interfaces, func(p *model.Port) bool { return len(without(p.FixedIPs, subnet.ID)) < len(p.FixedIPs) })
	if i < 0 {
		return nil, interfaceNotFoundForSubnet(router.ID, subnet.ID)
	}
	if err := r.checkInterfaceUnused(router, subnet); err != nil {
		return nil, err
	}
	port := interfaces[i]
	if left := without(port.FixedIPs, subnet.ID); len(left) > 0 {
		_, err = r.readdress(port, left)
	} else {
		err = r.DeletePort(port.ID)
	}
	return r.told(journal.Delete, removed(router, port, []*model.Subnet{subnet}), err)
}

// without returns the addresses that are not of the subnet.
func without(ips []model.FixedIP, subnet model.SubnetID) []model.FixedIP {
	return slices.DeleteFunc(slices.Clone(ips), func(f model.FixedIP) bool { return f.SubnetID == subnet })
}

// removed is the answer to an interface that was removed; the first of the subnets is the one that older clients know.
func removed(router *model.Router, port *model.Port, subnets []*model.Subnet) *Interface {
	return answer(router, port, subnets, subnets[0])
}

// checkInterfaceUnused refuses to take a router from a subnet that floating addresses, forwardings or routes need it on
// (_confirm_router_interface_not_in_use). Floating addresses of the subnet itself are MidoNet's case, router-interface-fip.
func (r *request) checkInterfaceUnused(router *model.Router, s *model.Subnet) error {
	translated, err := store.FloatingIPsBy(r.Tx(), "router_id", router.ID.String())
	if err != nil {
		return err
	}
	for _, f := range translated {
		if s.CIDR.Contains(f.FloatingIPAddress) {
			return interfaceIsGateway(router.ID, s.ID)
		}
	}
	for _, f := range translated {
		forwarded := slices.ContainsFunc(f.PortForwardings, func(pf model.ForwardingSummary) bool {
			return s.CIDR.Contains(pf.InternalIPAddress)
		})
		if forwarded || f.FixedIPAddress.IsValid() && s.CIDR.Contains(f.FixedIPAddress) {
			return interfaceInUse(router.ID, s.ID)
		}
	}
	for _, route := range router.Routes {
		if s.CIDR.Contains(route.NextHop) {
			return interfaceInUseByRoute(router.ID, s.ID)
		}
	}
	return nil
}
