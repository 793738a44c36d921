package ml2

import (
	"context"
	"errors"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/store"
)

// subnets implements plugin.Resource.
type subnets struct {
	*Plugin
	Reader[model.Subnet]
}

func (s subnets) Create(ctx context.Context, c *auth.Caller, items []plugin.Body[model.Subnet]) ([]*model.Subnet, error) {
	return createAll(ctx, s.Plugin, c, items, (*request).createSubnet)
}

func (r *request) createSubnet(body plugin.Body[model.Subnet]) (*model.Subnet, error) {
	v := body.Value
	v.ID, v.Standard = id.New[model.Subnet](), r.standard(v.Standard)
	v.RevisionNumber = 0 // a new network or port is at 1; the original counts a subnet from 0, and its service types as a change
	if len(v.ServiceTypes) > 0 {
		v.RevisionNumber = 1
	}
	if err := r.choosePool(&v); err != nil {
		return nil, err
	}
	if err := r.placeSubnet(&v, body); err != nil {
		return nil, err
	}
	if err := store.InsertSubnet(r.tx, &v); err != nil {
		return nil, err
	}
	if err := r.record(journal.Create, journal.Subnet, v.ID.String(), v.ProjectID, &v); err != nil {
		return nil, err
	}
	if isAutoAddress(&v) {
		return &v, r.addAutoAddresses(v.NetworkID, &v)
	}
	return &v, nil
}

// placeSubnet gives a new subnet its range and its addresses, and checks all of it beside what is on the network already.
func (r *request) placeSubnet(s *model.Subnet, body plugin.Body[model.Subnet]) error {
	if s.SubnetPoolID.IsZero() {
		if err := checkRange(s); err != nil {
			return err
		}
		if err := r.checkSubnet(s, nil, body); err != nil {
			return err
		}
	}
	others, err := r.neighboursOf(s)
	if err != nil {
		return err
	}
	pool, err := r.takeRange(s, body)
	if err != nil {
		return err
	}
	if err := settleAddresses(s, body); err != nil {
		return err
	}
	return r.checkNeighbours(s, others, pool)
}

// neighboursOf returns the other subnets of a new one's network, which it locks: of two requests that add a subnet to one network, the second
// goes on when the first has committed, and sees its subnet.
func (r *request) neighboursOf(s *model.Subnet) ([]*model.Subnet, error) {
	if err := store.TouchNetwork(r.tx, s.NetworkID, r.now); err != nil {
		return nil, store.NotFoundAs(err, networkNotFound(s.NetworkID.String()))
	}
	network, err := store.NetworkWithPlan(r.tx, s.NetworkID, ScopeOf(r.caller))
	if err != nil {
		return nil, store.NotFoundAs(err, networkNotFound(s.NetworkID.String()))
	}
	return network.Plan, checkSubnetMTU(network.MTU, s)
}

// checkSubnetMTU is _validate_subnet_network_mtu.
func checkSubnetMTU(mtu int, s *model.Subnet) error {
	if mtu < ipv4MinMTU {
		return mtuSubnetConflict(s.NetworkID, ipv4MinMTU)
	}
	if s.IPVersion == 6 && mtu < ipv6MinMTU {
		return mtuSubnetConflict(s.NetworkID, ipv6MinMTU)
	}
	return nil
}

// checkNeighbours refuses a range that is everything, or shares addresses with another of the network (_validate_subnet_cidr), and one whose
// pool does not go with the others'. The network's row is locked by now.
func (r *request) checkNeighbours(s *model.Subnet, others []*model.Subnet, pool *model.SubnetPool) error {
	if s.CIDR.Bits() == 0 {
		return invalidInput("0 is not allowed as CIDR prefix length")
	}
	if slices.ContainsFunc(others, func(o *model.Subnet) bool { return o.CIDR.Overlaps(s.CIDR) }) {
		return invalidInput("Requested subnet with cidr: %s for network: %s overlaps with another subnet", s.CIDR, s.NetworkID)
	}
	return r.checkAffinity(s, pool, others)
}

func (s subnets) Update(ctx context.Context, c *auth.Caller, subnetID string, body plugin.Body[model.Subnet]) (*model.Subnet, error) {
	return changed(ctx, s.Plugin, c, func(r *request) (*model.Subnet, error) { return r.updateSubnet(subnetID, body) })
}

func (r *request) updateSubnet(subnetID string, body plugin.Body[model.Subnet]) (*model.Subnet, error) {
	old, err := r.changeableSubnet(subnetID)
	if err != nil {
		return nil, err
	}
	s := *old
	applySubnet(&s, body)
	if err := r.checkSubnet(&s, old, body); err != nil {
		return nil, err
	}
	if err := r.checkNewAddresses(&s, old, body); err != nil {
		return nil, err
	}
	s.UpdatedAt = r.now
	if err := store.UpdateSubnet(r.tx, &s); err != nil {
		return nil, err
	}
	if err := store.TouchNetwork(r.tx, s.NetworkID, r.now); err != nil {
		return nil, err
	}
	return &s, r.record(journal.Update, journal.Subnet, s.ID.String(), s.ProjectID, &s)
}

func applySubnet(s *model.Subnet, body plugin.Body[model.Subnet]) {
	v := body.Value
	set(body.Has("name"), &s.Name, v.Name)
	set(body.Has("description"), &s.Description, v.Description)
	set(body.Has("gateway_ip"), &s.GatewayIP, v.GatewayIP)
	set(body.Has("allocation_pools") && v.AllocationPools != nil, &s.AllocationPools, v.AllocationPools)
	set(body.Has("dns_nameservers"), &s.DNSNameservers, v.DNSNameservers)
	set(body.Has("host_routes"), &s.HostRoutes, v.HostRoutes)
	set(body.Has("enable_dhcp"), &s.EnableDHCP, v.EnableDHCP)
	set(body.Has("service_types"), &s.ServiceTypes, v.ServiceTypes)
}

// checkNewAddresses checks pools and gateway where a request changes one of them (_update_subnet_precommit).
func (r *request) checkNewAddresses(s, old *model.Subnet, body plugin.Body[model.Subnet]) error {
	newPools := body.Has("allocation_pools") && body.Value.AllocationPools != nil
	if newPools {
		if err := checkPools(s.AllocationPools, s.CIDR); err != nil {
			return err
		}
		s.AllocationPools = sortedPools(s.AllocationPools)
	}
	if s.GatewayIP != old.GatewayIP {
		if err := r.checkGatewayUnused(old); err != nil {
			return err
		}
	} else if !newPools {
		return nil
	}
	return checkGatewayOutside(s.GatewayIP, s.AllocationPools)
}

// checkGatewayUnused refuses to take the gateway address from a router that has it.
func (r *request) checkGatewayUnused(s *model.Subnet) error {
	if !s.GatewayIP.IsValid() {
		return nil
	}
	port, owner, err := store.AddressHolder(r.tx, s.ID, s.GatewayIP)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case slices.Contains(routerPortOwners, owner):
		return gatewayInUse(s.GatewayIP, port)
	}
	return nil
}

// changeableSubnet returns a subnet that the caller sees, and locks its network. Whether the caller may change it was asked before.
func (r *request) changeableSubnet(subnetID string) (*model.Subnet, error) {
	if err := store.LockSubnet(r.tx, subnetID); err != nil {
		return nil, err
	}
	s, err := store.Subnet(r.tx, subnetID, ScopeOf(r.caller))
	if err != nil {
		return nil, store.NotFoundAs(err, subnetNotFound(subnetID))
	}
	return s, nil
}

func (s subnets) Delete(ctx context.Context, c *auth.Caller, subnetID string) error {
	return s.change(ctx, c, func(r *request) error { return r.deleteSubnet(subnetID) })
}

func (r *request) deleteSubnet(subnetID string) error {
	found, err := r.changeableSubnet(subnetID)
	if err != nil {
		return err
	}
	if err := r.releaseSubnet(found); err != nil {
		return err
	}
	return r.removeSubnet(found)
}

// releaseSubnet takes the subnet's addresses from the ports that may lose them: those of the network's own services, and, where
// addresses follow from the MAC, all but routers' (_remove_subnet_ip_allocations_from_ports). Any other keeps the subnet.
func (r *request) releaseSubnet(s *model.Subnet) error {
	users, err := store.PortsOnSubnet(r.tx, s.ID)
	if err != nil {
		return err
	}
	for _, p := range users {
		mayLose := slices.Contains(autoDeleteOwners, p.DeviceOwner) ||
			isAutoAddress(s) && !slices.Contains(routerInterfaceOwners, p.DeviceOwner)
		if !mayLose {
			return subnetInUse(s.ID)
		}
	}
	for _, p := range users {
		kept := slices.DeleteFunc(p.FixedIPs, func(f model.FixedIP) bool { return f.SubnetID == s.ID })
		if err := r.replaceAddresses(p, kept, nil); err != nil {
			return err
		}
		if err := r.savePort(p); err != nil {
			return err
		}
	}
	return nil
}

// removeSubnet deletes the row of a subnet from which no address is allocated.
func (r *request) removeSubnet(s *model.Subnet) error {
	err := store.DeleteSubnet(r.tx, s.ID)
	if store.Violates(err, store.Reference) {
		return subnetInUse(s.ID) // a port that came meanwhile
	}
	if err != nil {
		return store.NotFoundAs(err, subnetNotFound(s.ID.String()))
	}
	if err := store.TouchNetwork(r.tx, s.NetworkID, r.now); err != nil {
		return err
	}
	return r.record(journal.Delete, journal.Subnet, s.ID.String(), s.ProjectID, nil)
}
