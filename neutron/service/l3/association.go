package l3

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// association is which port a floating address is to stand for; the zero value: none.
type association struct {
	port  model.PortID
	fixed netip.Addr // the zero Addr: the port's only IPv4 address
}

// associate gives a floating address, that is not stored here, its port and router (_check_and_get_fip_assoc). One that has forwardings
// keeps its router.
func (r *request) associate(f *model.FloatingIP, want association) error {
	if want.port.IsZero() {
		if want.fixed.IsValid() {
			return badRequest("floatingip", "fixed_ip_address cannot be specified without a port_id")
		}
		if !f.PortID.IsZero() || len(f.PortForwardings) == 0 {
			f.RouterID = model.RouterID{}
		}
		f.PortID, f.FixedIPAddress, f.Status = model.PortID{}, netip.Addr{}, statusOf(f)
		return nil
	}
	port, err := r.Port(want.port.String())
	if err != nil {
		return err
	}
	fixed, err := r.fixedFor(f, port, want.fixed)
	if err != nil {
		return err
	}
	router, err := r.routerBetween(port, fixed, f.FloatingNetworkID)
	if err != nil {
		return err
	}
	if err := r.checkOnlyFloating(f, port, fixed.IPAddress); err != nil {
		return err
	}
	f.PortID, f.FixedIPAddress, f.RouterID, f.Status = port.ID, fixed.IPAddress, router, model.StatusActive
	return r.mayReach(f)
}

// followPort has a floating address stand for the address that its port has, where that has lost the one from before: in the original any
// change of a floating address looks at its port anew.
func (r *request) followPort(f *model.FloatingIP) error {
	port, err := store.Port(r.Tx(), f.PortID.String(), everyone)
	if err != nil || slices.ContainsFunc(port.FixedIPs, func(has model.FixedIP) bool { return has.IPAddress == f.FixedIPAddress }) {
		return err
	}
	return r.associate(f, association{port: f.PortID})
}

// mayReach asks a backend elsewhere whether routers may reach a floating address by an interface, where this one does not by its gateway.
func (r *request) mayReach(f *model.FloatingIP) error {
	if !r.Elsewhere() {
		return nil
	}
	router, err := store.Router(r.Tx(), f.RouterID.String(), everyone)
	if err != nil || router.Gateway != nil && router.Gateway.NetworkID == f.FloatingNetworkID {
		return err
	}
	return r.Needs("router-interface-fip")
}

// fixedFor returns the port's address that the floating one is to stand for (_internal_fip_assoc_data). The %(id)s is what the original
// answers too.
func (r *request) fixedFor(f *model.FloatingIP, port *model.Port, asked netip.Addr) (model.FixedIP, error) {
	switch {
	case port.ProjectID != f.ProjectID && !r.Caller().Admin:
		return model.FixedIP{}, badRequest("floatingip", "Cannot process floating IP association with Port %s, since that port is owned "+
			"by a different tenant", port.ID)
	case port.DeviceOwner == model.OwnerDHCP:
		return model.FixedIP{}, badRequest("floatingip", "Port %%(id)s is unable to be assigned a floating IP")
	case asked.Is6():
		return model.FixedIP{}, badRequest("floatingip", "Cannot process floating IP association with %s, since that is not an IPv4 address",
			asked)
	case asked.IsValid():
		i := slices.IndexFunc(port.FixedIPs, func(f model.FixedIP) bool { return f.IPAddress == asked })
		if i < 0 {
			return model.FixedIP{}, badRequest("floatingip", "Port %s does not have fixed ip %s", port.ID, asked)
		}
		return port.FixedIPs[i], nil
	}
	return onlyIPv4(port)
}

func onlyIPv4(port *model.Port) (model.FixedIP, error) {
	own := ipv4Of(port)
	switch len(own) {
	case 1:
		return own[0], nil
	case 0:
		return model.FixedIP{}, badRequest("floatingip", "Cannot add floating IP to port %s that has no fixed IPv4 addresses", port.ID)
	}
	return model.FixedIP{}, badRequest("floatingip", "Port %s has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address "+
		"when assigning a floating IP", port.ID)
}

func ipv4Of(port *model.Port) []model.FixedIP {
	return slices.DeleteFunc(slices.Clone(port.FixedIPs), func(f model.FixedIP) bool { return f.IPAddress.Is6() })
}

// checkOnlyFloating refuses a second floating address of one network for one fixed address. The port is locked.
func (r *request) checkOnlyFloating(f *model.FloatingIP, port *model.Port, fixed netip.Addr) error {
	others, err := store.FloatingIPsBy(r.Tx(), "port_id", port.ID.String())
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.ID != f.ID && o.FloatingNetworkID == f.FloatingNetworkID && o.FixedIPAddress == fixed {
			return alreadyAssociated(f, port.ID, fixed)
		}
	}
	return nil
}

// routerBetween returns the router that is to translate between a port's address and an external network, locked: the one that is the
// subnet's gateway, or else the oldest that is on both (get_router_for_floatingip in networking-midonet, where a router may reach the
// network by an interface as well as by its gateway: router-interface-fip).
func (r *request) routerBetween(port *model.Port, fixed model.FixedIP, network model.NetworkID) (model.RouterID, error) {
	chosen, err := r.chooseRouter(port, fixed, network)
	if err != nil {
		return model.RouterID{}, err
	}
	if err := store.LockRouter(r.Tx(), chosen.String()); err != nil {
		return model.RouterID{}, err
	}
	again, err := r.chooseRouter(port, fixed, network) // what was chosen may have changed until it was locked
	if err == nil && again != chosen {
		err = store.ErrStale
	}
	return again, err
}

func (r *request) chooseRouter(port *model.Port, fixed model.FixedIP, network model.NetworkID) (model.RouterID, error) {
	subnet, err := store.Subnet(r.Tx(), fixed.SubnetID.String(), everyone)
	if err != nil {
		return model.RouterID{}, err
	}
	paths, err := store.RouterPaths(r.Tx(), subnet, network)
	if err != nil {
		return model.RouterID{}, err
	}
	if len(paths) == 0 {
		return model.RouterID{}, notReachable(subnet.ID, network, port.ID)
	}
	for _, p := range paths {
		if p.Address == subnet.GatewayIP {
			return p.Router, nil
		}
	}
	return paths[0].Router, nil
}
