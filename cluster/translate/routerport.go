package translate

import (
	"encoding/json"
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// minIPv6MTU is the smallest MTU of an IPv6 link (RFC 8200 section 5); a smaller one is not advertised.
const minIPv6MTU = 1280

// routerOf returns the router whose interface or gateway the port is. Its device is compared as text, as Neutron's database compares it: an
// identifier in another form names no router, or whoever may write any text there could make a port that of another's router.
func routerOf(p *model.Port) (router model.RouterID, ok bool) {
	if p.DeviceOwner != model.OwnerRouterInterface && p.DeviceOwner != model.OwnerRouterGateway {
		return router, false
	}
	router, err := id.Parse[model.Router](p.DeviceID)
	return router, err == nil && !router.IsZero() && router.String() == p.DeviceID
}

// routerPortID returns the identifier of the topology port on the router: the Neutron port's own on an uplink network, where it is the
// only one, and a derived one on a virtual network. ok is false where the network is not known.
func routerPortID(v View, p *model.Port) (port topology.PortID, ok bool) {
	network := find(v, p.NetworkID)
	switch {
	case network == nil:
		return port, false
	case network.NetworkType == typeUplink:
		return id.As[topology.Port](p.ID), true
	}
	return id.Derive[topology.Port](p.ID, "router"), true
}

// uplinks returns the identifier of the group of a router's ports on uplink networks.
func uplinks(r model.RouterID) topology.PortGroupID {
	return id.Derive[topology.PortGroup](r, "uplinks")
}

// interfaces returns the identifier of the group of a router's ports on virtual networks, but for its gateway.
func interfaces(r model.RouterID) topology.PortGroupID {
	return id.Derive[topology.PortGroup](r, "interfaces")
}

// renderRouterPort renders a router's interface or gateway: on a virtual network a port of the bridge and one of the router, which are
// each other's peers, on an uplink network one port of the router, into which a host's interface is plugged (MidoNet
// RouterInterfaceTranslator.scala); and the routes out of it.
func renderRouterPort(v View, p *model.Port, network *model.Network, router model.RouterID) []topology.Object {
	port := &topology.Port{
		Router:    id.As[topology.Router](router),
		Name:      p.Name,
		ProjectID: p.ProjectID,
		Device:    p.DeviceID,
		AdminUp:   p.AdminStateUp,
		MAC:       p.MACAddress,
		Addresses: routerAddresses(v, p),
		MTU:       network.MTU,
	}
	port.ID, _ = routerPortID(v, p)
	objects := append([]topology.Object{port}, routesOf(v, p, port)...)
	if network.NetworkType == typeUplink {
		port.Groups = []topology.PortGroupID{uplinks(router)}
		port.Plug = plugOf(p)
		return objects
	}
	if p.DeviceOwner == model.OwnerRouterInterface {
		port.Groups = []topology.PortGroupID{interfaces(router)}
	}
	r := newPortRenderer(p)
	onBridge := r.bridgePort(nil)
	port.Peer, onBridge.Peer = onBridge.ID, port.ID
	port.Advertise = advertisement(v, p, network)
	return append(append(objects, onBridge), r.stations(func(netip.Addr) bool { return false })...)
}

// plugOf returns where the port on an uplink network is to be plugged in; nil where it does not say, or names what no host can have.
func plugOf(p *model.Port) *topology.Plug {
	var profile struct {
		Interface string `json:"interface_name"`
	}
	if len(p.Profile) == 0 || json.Unmarshal(p.Profile, &profile) != nil || p.HostID == "" || !topology.ValidInterfaceName(profile.Interface) {
		return nil
	}
	return &topology.Plug{HostName: p.HostID, Interface: profile.Interface}
}

// routerAddresses returns the router's addresses on the port, with the lengths of their subnets, and with any of IPv6 the link-local
// one. An address whose subnet is not known has no length yet.
func routerAddresses(v View, p *model.Port) []netip.Prefix {
	var addresses []netip.Prefix
	add := func(prefix netip.Prefix) {
		if prefix.IsValid() && !slices.Contains(addresses, prefix) {
			addresses = append(addresses, prefix)
		}
	}
	for _, ip := range p.FixedIPs {
		if s := find(v, ip.SubnetID); s != nil {
			add(netip.PrefixFrom(ip.IPAddress, s.CIDR.Bits()))
		}
	}
	if slices.ContainsFunc(addresses, func(a netip.Prefix) bool { return a.Addr().Is6() }) && !p.MACAddress.IsZero() {
		add(netip.PrefixFrom(linkLocal(p.MACAddress), 64))
	}
	return addresses
}

// subnetsOf returns the known subnets that the port has addresses on, each once, in order of its addresses.
func subnetsOf(v View, p *model.Port) []*model.Subnet {
	var subnets []*model.Subnet
	for _, ip := range p.FixedIPs {
		if s := find(v, ip.SubnetID); s != nil && !slices.Contains(subnets, s) {
			subnets = append(subnets, s)
		}
	}
	return subnets
}

// advertisement returns what the router says to hosts on the link of an interface; nil where no subnet asks for it by ipv6_ra_mode
// (neutron/agent/linux/ra.py).
func advertisement(v View, p *model.Port, network *model.Network) *topology.Advertisement {
	if p.DeviceOwner != model.OwnerRouterInterface {
		return nil
	}
	var a *topology.Advertisement
	for _, s := range subnetsOf(v, p) {
		mode := raMode(s)
		if mode == "" {
			continue
		}
		if a == nil {
			a = &topology.Advertisement{}
		}
		a.Managed = a.Managed || mode == modeStateful
		a.Other = a.Other || mode == modeStateless
		a.Prefixes = append(a.Prefixes, topology.AdvertisedPrefix{Prefix: s.CIDR, Autonomous: mode != modeStateful})
		if mode == modeSLAAC {
			a.DNS = append(a.DNS, s.DNSNameservers...)
		}
	}
	if a != nil && network.MTU >= minIPv6MTU {
		a.MTU = network.MTU
	}
	return a
}

// raMode returns the subnet's ipv6_ra_mode, "" where routers do not advertise it.
func raMode(s *model.Subnet) string {
	if s.IPVersion != 6 || s.IPv6RAMode == nil {
		return ""
	}
	return *s.IPv6RAMode
}

// behind returns what depends on a router's port beside its own objects: the router, whose translation and extra routes go by it, and
// the floating addresses that it answers for, with their forwardings. Nothing is behind any other port.
func behind(v View, p *model.Port) []Owner {
	router, ok := routerOf(p)
	if !ok {
		return nil
	}
	owners := []Owner{{Router, router}}
	for _, f := range linkedOwners(v, link{how: floatingOf, to: router, on: p.NetworkID}, FloatingIP) {
		owners = append(owners, f)
		owners = append(owners, linkedOwners(v, link{how: forwardingOf, to: f.ID}, PortForwarding)...)
	}
	return owners
}

// sameRouterPort reports whether what is behind the port need not notice the change.
func sameRouterPort(old, now *model.Port) bool {
	return old != nil && now != nil && old.DeviceOwner == now.DeviceOwner && old.DeviceID == now.DeviceID &&
		old.NetworkID == now.NetworkID && old.MACAddress == now.MACAddress && slices.Equal(old.FixedIPs, now.FixedIPs)
}
