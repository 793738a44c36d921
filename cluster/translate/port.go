package translate

import (
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// ownerNetwork begins the device_owner of every port that is the network's own and no workload's.
const ownerNetwork = "network:"

func linksOfPort(p *model.Port) []link {
	links := []link{{how: portOn, to: p.NetworkID}}
	for _, g := range p.SecurityGroups {
		links = append(links, link{how: memberOf, to: g})
	}
	for _, a := range paired(p) {
		links = append(links, pairedLink(p, a))
	}
	router, ofRouter := routerOf(p)
	if ofRouter {
		links = append(links, link{how: routerPortOf, to: router}, link{how: routerPortOn, to: p.NetworkID})
	}
	for _, ip := range p.FixedIPs {
		switch {
		case ofRouter:
			links = append(links, link{how: routerPortOn, to: ip.SubnetID})
		case p.DeviceOwner == model.OwnerDHCP:
			links = append(links, link{how: dhcpPortOn, to: ip.SubnetID})
		}
	}
	return links
}

func needsOfPort(p *model.Port) []Owner {
	needs := []Owner{{Network, p.NetworkID}}
	for _, ip := range p.FixedIPs {
		needs = append(needs, Owner{Subnet, ip.SubnetID})
	}
	for _, g := range p.SecurityGroups {
		needs = append(needs, Owner{SecurityGroup, g})
	}
	return needs
}

func renderPort(v View, port *model.Port) []topology.Object {
	network := find(v, port.NetworkID)
	router, ofRouter := routerOf(port)
	switch {
	case network == nil || port.DeviceOwner == model.OwnerFloatingIP: // no interface is ever plugged into the latter
		return nil
	case ofRouter:
		return renderRouterPort(v, port, network, router)
	case network.NetworkType == typeUplink:
		return nil
	}
	r := newPortRenderer(port)
	objects := append([]topology.Object{r.bridgePort(security(v, port))}, r.stations(func(a netip.Addr) bool { return shared(v, port, a) })...)
	if !strings.HasPrefix(port.DeviceOwner, ownerNetwork) {
		objects = append(objects, r.reservations(v.Settings().DNSDomain)...)
	}
	return append(objects, memberships(port)...)
}

// touchedByPort returns what depends on a port beside its own objects: the subnets that a DHCP port serves and the routers' ports on
// them, what is behind a router's port, whose addresses it shares, and what stands for a port that comes or goes.
func touchedByPort(before, after View, old, now *model.Port) []Owner {
	same := sameRouterPort(old, now)
	owners := append(dependOn(before, old, same), dependOn(after, now, same)...)
	owners = append(owners, sharersOf(after, old, now)...)
	if old == nil || now == nil {
		p := either(old, now).ID
		owners = append(owners, linkedOwners(after, link{how: floatingFor, to: p}, FloatingIP)...)
		owners = append(owners, linkedOwners(after, link{how: forwardingTo, to: p}, PortForwarding)...)
	}
	return owners
}

// dependOn returns what depends on the port as it is in the view, nil where it is not in it; same says that what is behind it need not
// notice the change.
func dependOn(v View, p *model.Port, same bool) []Owner {
	switch {
	case p == nil:
		return nil
	case p.DeviceOwner == model.OwnerDHCP:
		return servedBy(v, p)
	case same:
		return nil
	}
	return behind(v, p)
}

// servedBy returns the subnets that have a DHCP port's address, and the routers' ports on them, which lead to the metadata service
// through it.
func servedBy(v View, p *model.Port) []Owner {
	var owners []Owner
	for _, ip := range p.FixedIPs {
		owners = append(owners, Owner{Subnet, ip.SubnetID})
		owners = append(owners, linkedOwners(v, link{how: routerPortOn, to: ip.SubnetID}, Port)...)
	}
	return owners
}

// portRenderer renders one port.
type portRenderer struct {
	port   *model.Port
	bridge topology.BridgeID
	id     topology.PortID
}

func newPortRenderer(p *model.Port) portRenderer {
	return portRenderer{port: p, bridge: id.As[topology.Bridge](p.NetworkID), id: id.As[topology.Port](p.ID)}
}

func (r portRenderer) bridgePort(s *topology.Security) *topology.Port {
	return &topology.Port{
		ID:        r.id,
		Bridge:    r.bridge,
		Name:      r.port.Name,
		ProjectID: r.port.ProjectID,
		Device:    r.port.DeviceID,
		AdminUp:   r.port.AdminStateUp,
		Security:  s,
	}
}

// stations returns what is known without learning: where the MAC is, and which MAC has each address. Nobody knows who at the moment has
// one that other ports may use too: whoever has it answers for it, and says so when it has taken it over.
func (r portRenderer) stations(shared func(netip.Addr) bool) []topology.Object {
	if r.port.MACAddress.IsZero() {
		return nil
	}
	objects := []topology.Object{topology.NewMACEntry(r.bridge, r.port.MACAddress, r.id)}
	for _, addr := range r.addresses() {
		if !shared(addr) {
			objects = append(objects, topology.NewNeighbour(r.bridge, addr, r.port.MACAddress, r.id))
		}
	}
	return objects
}

// addresses returns the fixed addresses once each, and with any of IPv6 the link-local one that the interface gives itself, since
// neighbours and routers solicit that too.
func (r portRenderer) addresses() []netip.Addr {
	var addrs []netip.Addr
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr) {
		if a.IsValid() && !seen[a] {
			seen[a] = true
			addrs = append(addrs, a)
		}
	}
	for _, ip := range r.port.FixedIPs {
		add(ip.IPAddress)
		if ip.IPAddress.Is6() {
			add(linkLocal(r.port.MACAddress))
		}
	}
	return addrs
}

// reservations returns what DHCP gives to the holder of the port's MAC, one for each fixed address, under the domain that it tells.
func (r portRenderer) reservations(domain string) []topology.Object {
	var objects []topology.Object
	names := r.port.NamesUnder(model.RootedDomain(domain))
	for i, ip := range r.port.FixedIPs {
		if slices.Contains(r.port.FixedIPs[:i], ip) {
			continue
		}
		objects = append(objects, &topology.DHCPHost{
			ID:       id.Derive[topology.DHCPHost](r.id, "dhcp "+ip.SubnetID.String()+" "+ip.IPAddress.String()),
			DHCP:     id.As[topology.DHCP](ip.SubnetID),
			Bridge:   r.bridge,
			Port:     r.id,
			MAC:      r.port.MACAddress,
			Addr:     ip.IPAddress,
			Hostname: hostname(names[i].Hostname, domain),
			Options:  r.options(ip.IPAddress),
		})
	}
	return objects
}

// options returns the port's extra DHCP options for the family of the address.
func (r portRenderer) options(addr netip.Addr) []topology.DHCPOption {
	version := 4
	if addr.Is6() {
		version = 6
	}
	var options []topology.DHCPOption
	for _, o := range r.port.ExtraDHCP {
		if o.IPVersion == version || o.IPVersion == 0 && version == 4 {
			options = append(options, topology.DHCPOption{Name: o.Name, Value: o.Value})
		}
	}
	return options
}

// hostname returns a name as DHCP tells it, beside the domain and without it (dnsmasq does so with what neutron/agent/linux/dhcp.py
// tells it).
func hostname(name, domain string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, "."), "."+domain)
}

// linkLocal returns the IPv6 link-local address that an interface makes of its MAC (modified EUI-64, RFC 4291 appendix A).
func linkLocal(hw mac.Addr) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: hw[0] ^ 2, 9: hw[1], 10: hw[2], 11: 0xff, 12: 0xfe, 13: hw[3], 14: hw[4], 15: hw[5]})
}
