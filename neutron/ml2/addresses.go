package ml2

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/store"
)

// Device owners of routers' ports (neutron_lib constants.ROUTER_INTERFACE_OWNERS, _SNAT and ROUTER_PORT_OWNERS).
var (
	routerInterfaceOwners = []string{"network:router_interface", "network:ha_router_replicated_interface",
		"network:router_interface_distributed"}
	routerAddressOwners = append(slices.Clone(routerInterfaceOwners), "network:router_centralized_snat")
	routerPortOwners    = append(slices.Clone(routerAddressOwners), "network:router_gateway")
)

// subnetsFor returns those of a network's subnets that a port may have addresses of: those for its device owner, and then those for all. The
// DHCP service has ports wherever DHCP is on (_ipam_get_subnets, query_filter_service_subnets).
func subnetsFor(p *model.Port, plan []*model.Subnet) ([]*model.Subnet, error) {
	var own, common []*model.Subnet
	for _, s := range plan {
		switch {
		case len(s.ServiceTypes) == 0:
			common = append(common, s)
		case slices.Contains(s.ServiceTypes, p.DeviceOwner), s.EnableDHCP && p.DeviceOwner == model.OwnerDHCP:
			own = append(own, s)
		}
	}
	if eligible := append(own, common...); len(eligible) > 0 || len(plan) == 0 {
		return eligible, nil
	}
	return nil, noServiceSubnet(p)
}

// want is one address that a port is to have: that one, or any free one of the subnets, tried in their order.
type want struct {
	address netip.Addr // the zero Addr: any
	subnets []*model.Subnet
}

// wantsByDefault is what a port gets that does not say: an address of each IP version where a subnet hands any out
// (_allocate_ips_for_port).
func wantsByDefault(plan []*model.Subnet) []want {
	var v4, v6 want
	for _, s := range plan {
		switch {
		case s.IPVersion == 4:
			v4.subnets = append(v4.subnets, s)
		case !isAutoAddress(s):
			v6.subnets = append(v6.subnets, s)
		}
	}
	return slices.DeleteFunc([]want{v4, v6}, func(w want) bool { return len(w.subnets) == 0 })
}

// wantsByRequest checks the addresses that a client asks for and finds their subnets (_test_fixed_ips_for_port).
func (r *request) wantsByRequest(p *model.Port, fixed []model.FixedIP, plan []*model.Subnet) ([]want, error) {
	var wants []want
	for _, f := range fixed {
		s, err := r.subnetFor(p, f, plan)
		if err != nil {
			return nil, err
		}
		isRouter := slices.Contains(routerAddressOwners, p.DeviceOwner)
		switch {
		case f.IPAddress.IsValid():
			if isAutoAddress(s) && !isRouter && f.IPAddress != eui64(s.CIDR, p.MACAddress) {
				return nil, autoAddressSubnet(f.IPAddress, s.ID)
			}
			wants = append(wants, want{f.IPAddress, []*model.Subnet{s}})
		case isRouter || !isAutoAddress(s): // the port gets every subnet's automatic address anyway
			wants = append(wants, want{subnets: []*model.Subnet{s}})
		}
	}
	return wants, nil
}

// checkCount keeps a port below the number of addresses that the operator allows.
func (p *Plugin) checkCount(fixed []model.FixedIP) error {
	if limit := p.cfg.MaxFixedIPsPerPort; limit > 0 && len(fixed) > limit {
		return invalidInput("Exceeded maximum amount of fixed ips per port")
	}
	return nil
}

// subnetFor finds the subnet of one entry of fixed_ips (_get_subnet_for_fixed_ip).
func (r *request) subnetFor(p *model.Port, f model.FixedIP, plan []*model.Subnet) (*model.Subnet, error) {
	if len(plan) == 0 {
		return nil, invalidInput("IP allocation requires subnets for network")
	}
	if !f.SubnetID.IsZero() {
		return r.subnetNamed(p, f, plan)
	}
	if !f.IPAddress.IsValid() {
		return nil, invalidInput("IP allocation requires subnet_id or ip_address")
	}
	for _, s := range plan {
		if isHostAddress(s.CIDR, f.IPAddress, p.DeviceOwner) {
			return s, nil
		}
	}
	return nil, invalidForNetwork(f.IPAddress)
}

func (r *request) subnetNamed(p *model.Port, f model.FixedIP, plan []*model.Subnet) (*model.Subnet, error) {
	i := slices.IndexFunc(plan, func(s *model.Subnet) bool { return s.ID == f.SubnetID })
	if i < 0 {
		if _, err := store.Subnet(r.tx, f.SubnetID.String(), ScopeOf(r.caller)); err != nil {
			return nil, store.NotFoundAs(err, subnetNotFound(f.SubnetID.String()))
		}
		return nil, invalidInput("Failed to create port on network %s, because fixed_ips included invalid subnet %s",
			p.NetworkID, f.SubnetID)
	}
	if f.IPAddress.IsValid() && !isHostAddress(plan[i].CIDR, f.IPAddress, p.DeviceOwner) {
		return nil, invalidForSubnet(f.IPAddress)
	}
	return plan[i], nil
}

// isHostAddress reports whether a port may have the address: not IPv4's network and broadcast address, and IPv6's subnet-router
// anycast address for routers alone (neutron/ipam/utils.py, check_subnet_ip).
func isHostAddress(cidr netip.Prefix, a netip.Addr, owner string) bool {
	if a.Is4() {
		return cidr.Contains(a) && a != cidr.Addr() && a != lastAddress(cidr)
	}
	mayBeAnycast := owner == "" || slices.Contains(routerPortOwners, owner)
	return cidr.Contains(a) && (a != cidr.Addr() || mayBeAnycast)
}

// automatic returns the addresses that a port makes for itself from its MAC, in the subnets of that kind but those named
// (_get_auto_address_ips). Routers have no such addresses.
func automatic(p *model.Port, plan []*model.Subnet, except ...model.SubnetID) []want {
	if slices.Contains(routerAddressOwners, p.DeviceOwner) {
		return nil
	}
	var wants []want
	for _, s := range plan {
		if isAutoAddress(s) && !slices.Contains(except, s.ID) {
			wants = append(wants, want{eui64(s.CIDR, p.MACAddress), []*model.Subnet{s}})
		}
	}
	return wants
}

// eui64 returns the address in the prefix, of 64 bits, that has the MAC's modified EUI-64 as its interface identifier (RFC 4291
// appendix A).
func eui64(prefix netip.Prefix, m mac.Addr) netip.Addr {
	octets := prefix.Addr().As16()
	copy(octets[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	return netip.AddrFrom16(octets)
}

// isEUI64 reports whether an address looks like one that eui64 returns (ipv6_utils.is_eui64_address).
func isEUI64(a netip.Addr) bool {
	octets := a.As16()
	return a.Is6() && octets[11] == 0xff && octets[12] == 0xfe
}

// allocate gives the port the addresses it wants, behind those that it has. Those that are named come first, so that none of them is
// taken by one that may be any.
func (r *request) allocate(p *model.Port, wants []want) error {
	slices.SortStableFunc(wants, func(a, b want) int { return named(b) - named(a) })
	for _, w := range wants {
		f, err := r.allocateOne(p, w)
		if err != nil {
			return err
		}
		p.FixedIPs = append(p.FixedIPs, f)
	}
	return nil
}

func named(w want) int {
	if w.address.IsValid() {
		return 1
	}
	return 0
}

// races is how often another address is tried after someone else has taken the one that was free a moment ago, before the request
// begins anew. It cannot happen where transactions that write follow each other, as in SQLite.
const races = 64

func (r *request) allocateOne(p *model.Port, w want) (model.FixedIP, error) {
	for try := range races {
		f, err := r.pick(p, w, try == 0)
		if err != nil {
			return model.FixedIP{}, err
		}
		err = store.InsertAllocation(r.tx, p.ID, f, len(p.FixedIPs))
		switch {
		case err == nil:
			return f, nil
		case store.Violates(err, store.Reference):
			return model.FixedIP{}, subnetNotFound(f.SubnetID.String())
		case !store.Violates(err, store.UniqueAddress):
			return model.FixedIP{}, err
		case w.address.IsValid():
			return model.FixedIP{}, addressTaken(f.IPAddress, f.SubnetID)
		}
	}
	return model.FixedIP{}, store.ErrStale
}

// pick returns the address that is wanted, or a free one of the first subnet that has any; with guess one that nobody has looked for.
func (r *request) pick(p *model.Port, w want, guess bool) (model.FixedIP, error) {
	if w.address.IsValid() {
		return model.FixedIP{SubnetID: w.subnets[0].ID, IPAddress: w.address}, nil
	}
	lowest := slices.Contains(autoDeleteOwners, p.DeviceOwner)
	for _, s := range w.subnets {
		if guess && !lowest && len(s.AllocationPools) > 0 {
			return model.FixedIP{SubnetID: s.ID, IPAddress: randomIn(anyPool(s.AllocationPools))}, nil
		}
		a, ok, err := r.freeIn(s, lowest)
		if err != nil {
			return model.FixedIP{}, err
		}
		if ok {
			return model.FixedIP{SubnetID: s.ID, IPAddress: a}, nil
		}
	}
	return model.FixedIP{}, noAddressLeft(p.NetworkID)
}

// Looking for a free address: one at random is tried unseen, since most are free. Where it is taken, glances at random places, each of a few
// addresses, and only where these find nothing, which means that the pools are nearly full, at all of them. So the cost does not grow with the
// number of ports, and addresses are not handed out again soon after they were released. The network's own services get the lowest free address,
// as in Neutron.
const (
	glances    = 8
	glanceSize = 16
)

func (r *request) freeIn(s *model.Subnet, lowest bool) (netip.Addr, bool, error) {
	for range glances {
		if lowest || len(s.AllocationPools) == 0 {
			break
		}
		pool := anyPool(s.AllocationPools)
		a, ok, err := store.FreeAddress(r.tx, s.ID, randomIn(pool), pool.End, glanceSize)
		if ok || err != nil {
			return a, ok, err
		}
	}
	for _, pool := range s.AllocationPools {
		a, ok, err := store.FreeAddress(r.tx, s.ID, pool.Start, pool.End, 0)
		if ok || err != nil {
			return a, ok, err
		}
	}
	return netip.Addr{}, false, nil
}

// anyPool returns one of the pools, a larger one with a better chance.
func anyPool(pools []model.AllocationPool) model.AllocationPool {
	var total float64
	for _, p := range pools {
		total += float64(sizeOf(p))
	}
	at := rand.Float64() * total
	for _, p := range pools {
		if at -= float64(sizeOf(p)); at < 0 {
			return p
		}
	}
	return pools[len(pools)-1]
}

// addAutoAddresses gives the ports that are on the network already their address of a new subnet
// (add_auto_addrs_on_network_ports).
func (r *request) addAutoAddresses(network model.NetworkID, s *model.Subnet) error {
	ports, err := store.PortsOf(r.tx, network)
	if err != nil {
		return err
	}
	for _, p := range ports {
		if slices.Contains(routerPortOwners, p.DeviceOwner) {
			continue
		}
		if err := r.allocate(p, automatic(p, []*model.Subnet{s})); err != nil {
			return err
		}
		if err := r.savePort(p); err != nil {
			return err
		}
	}
	return nil
}
