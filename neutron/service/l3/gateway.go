package l3

import (
	"net/netip"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// setGateway gives a router the gateway that a request asks for, nil for none, in the database and in the value
// (_update_router_gw_info). It leaves storing the rest of the router to the caller.
func (r *request) setGateway(router *model.Router, want *model.GatewayInfo) error {
	if err := r.checkGateway(router, want); err != nil {
		return err
	}
	if want == nil {
		return r.removeGateway(router)
	}
	var err error
	switch has := router.Gateway; {
	case has == nil || has.NetworkID != want.NetworkID:
		err = r.moveGateway(router, want)
	case addressesChange(has.FixedIPs, want.FixedIPs):
		err = r.readdressGateway(router, want.FixedIPs)
	}
	if err != nil {
		return err
	}
	router.Gateway.EnableSNAT = want.EnableSNAT || want.SNATByDefault && r.cfg.SNATByDefault
	return nil
}

// checkGateway is _validate_gw_info: the network is external, the addresses are not its gateways', and the router's routes can stay.
func (r *request) checkGateway(router *model.Router, want *model.GatewayInfo) error {
	var subnets []*model.Subnet
	if want != nil {
		network, err := r.Network(want.NetworkID.String())
		if err != nil {
			return err
		}
		if !network.External {
			return badRequest("router", "Network %s is not an external network", network.ID)
		}
		if subnets, err = store.SubnetsOf(r.Tx(), network.ID); err != nil {
			return err
		}
		if err := checkNotGateway(want.FixedIPs, subnets); err != nil {
			return err
		}
	}
	if len(router.Routes) == 0 {
		return nil
	}
	reach, err := r.reachOf(router, model.OwnerRouterInterface)
	if err != nil {
		return err
	}
	for _, s := range subnets {
		reach.ranges = append(reach.ranges, s.CIDR)
	}
	return r.checkRoutes(router, router.Routes, reach)
}

func checkNotGateway(asked []model.FixedIP, subnets []*model.Subnet) error {
	for _, f := range asked {
		for _, s := range subnets {
			if f.IPAddress.IsValid() && f.IPAddress == s.GatewayIP {
				return badRequest("router", "External IP %s is the same as the gateway IP", f.IPAddress)
			}
		}
	}
	return nil
}

// addressesChange is _check_for_external_ip_change: a request that names no addresses keeps those that are there.
func addressesChange(has, asked []model.FixedIP) bool {
	if len(asked) == 0 {
		return false
	}
	subnets, addresses := setsOf(has)
	askedSubnets, askedAddresses := setsOf(asked)
	return !equalSets(subnets, askedSubnets) || !equalSets(addresses, askedAddresses)
}

// setsOf returns the subnets and the addresses that are named.
func setsOf(ips []model.FixedIP) (map[model.SubnetID]bool, map[netip.Addr]bool) {
	subnets, addresses := map[model.SubnetID]bool{}, map[netip.Addr]bool{}
	for _, f := range ips {
		if !f.SubnetID.IsZero() {
			subnets[f.SubnetID] = true
		}
		if f.IPAddress.IsValid() {
			addresses[f.IPAddress] = true
		}
	}
	return subnets, addresses
}

func equalSets[K comparable](a, b map[K]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}

// readdressGateway asks the core plugin for other addresses, which MidoNet's rule about owners refuses.
func (r *request) readdressGateway(router *model.Router, asked []model.FixedIP) error {
	port, err := store.GatewayPort(r.Tx(), router.ID)
	if err != nil {
		return err
	}
	changed, err := r.UpdatePort(port, plugin.Body[model.Port]{
		Value: model.Port{FixedIPs: asked}, Given: map[string]bool{"fixed_ips": true},
	})
	if err == nil {
		router.Gateway.FixedIPs = changed.FixedIPs
	}
	return err
}

// moveGateway makes the router's port on another network, in place of the one that it has.
func (r *request) moveGateway(router *model.Router, want *model.GatewayInfo) error {
	if err := r.removeGateway(router); err != nil {
		return err
	}
	subnets, err := store.SubnetsOf(r.Tx(), want.NetworkID)
	if err != nil {
		return err
	}
	if err := r.checkNewSubnets(router, subnets); err != nil {
		return err
	}
	port, err := r.CreatePort(gatewayPort(router, want))
	if err != nil {
		return err
	}
	if len(port.FixedIPs) == 0 {
		return badRequest("router", "No IPs assigned to the gateway port for router %s", router.ID)
	}
	router.Gateway = &model.GatewayInfo{NetworkID: port.NetworkID, FixedIPs: port.FixedIPs}
	return store.SetGatewayPort(r.Tx(), router.ID, port.ID)
}

// gatewayPort is the port by which a router is on an external network. It has no project, since it is hidden from the router's.
func gatewayPort(router *model.Router, want *model.GatewayInfo) plugin.Body[model.Port] {
	return plugin.Body[model.Port]{
		Value: model.Port{
			NetworkID: want.NetworkID, AdminStateUp: true, FixedIPs: want.FixedIPs,
			DeviceID: router.ID.String(), DeviceOwner: model.OwnerRouterGateway,
		},
		Given: map[string]bool{"fixed_ips": len(want.FixedIPs) > 0},
	}
}

// removeGateway takes the router's gateway away, unless floating addresses are reached by it (_delete_current_gw_port).
func (r *request) removeGateway(router *model.Router) error {
	if router.Gateway == nil {
		return nil
	}
	for _, f := range router.Gateway.FixedIPs {
		subnet, err := store.Subnet(r.Tx(), f.SubnetID.String(), everyone)
		if err != nil {
			return err
		}
		used, err := r.hasFloatingIPsIn(router.ID, subnet.CIDR)
		if err != nil {
			return err
		}
		if used {
			return gatewayInUse(router.ID, router.Gateway.NetworkID)
		}
	}
	port, err := store.GatewayPort(r.Tx(), router.ID)
	if err != nil {
		return err
	}
	if err := store.SetGatewayPort(r.Tx(), router.ID, model.PortID{}); err != nil {
		return err
	}
	router.Gateway = nil
	return r.DeletePort(port)
}

// hasFloatingIPsIn reports whether the router translates floating addresses of the range (_subnet_has_fip in networking-midonet).
func (r *request) hasFloatingIPsIn(router model.RouterID, cidr netip.Prefix) (bool, error) {
	translated, err := store.FloatingIPsBy(r.Tx(), "router_id", router.String())
	for _, f := range translated {
		if cidr.Contains(f.FloatingIPAddress) {
			return true, err
		}
	}
	return false, err
}
