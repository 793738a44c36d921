package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/errs"
)

// The names are those of the original's fake uplink (networking-midonet devstack/settings), which operators know.
const (
	edgeRouterName    = "mn-edge"
	uplinkNetworkName = "mn-uplink-net"
	uplinkPortName    = "mn-uplink-port"
	uplinkVirtual     = "mn-uplink-virt" // the end in the host, plugged into the virtual router's port
	uplinkOutside     = "mn-uplink-host" // the end outside; with the host's number
)

// UplinkSpec says which host gets an uplink to the outside, and which external network is reached through it.
type UplinkSpec struct {
	Host    string
	Network string // name of the external network, which is made where there is none
}

// Uplink is a way out of the virtual network.
type Uplink struct {
	Host      string
	Namespace string // of the machine outside
	Outside   []string
	Ranges    []string // of the external network
}

// outsideAddresses are what the machine outside has beside its ends of the uplinks: the Internet, so to speak. Like all of the
// sandbox's they are set aside for documentation (RFC 5737, RFC 3849) and exist inside its namespaces alone.
var outsideAddresses = []string{"198.51.100.1/32", "2001:db8:64::1/128"}

// publicRanges are the subnets of an external network that AddUplink makes.
var publicRanges = []string{"203.0.113.0/24", "2001:db8:71::/64"}

// uplinkRange is the subnet of one host's uplink, with the virtual router's address and that of the machine outside.
type uplinkRange struct {
	prefix           netip.Prefix
	virtual, outside netip.Addr
}

func uplinkRanges(host int) []uplinkRange {
	var all []uplinkRange
	for _, text := range []string{fmt.Sprintf("172.19.%d.0/30", host-1), fmt.Sprintf("fd1a:6fd3:a22:%x::/64", host)} {
		p := netip.MustParsePrefix(text)
		all = append(all, uplinkRange{prefix: p, virtual: p.Addr().Next(), outside: p.Addr().Next().Next()})
	}
	return all
}

// AddUplink joins the virtual network to a machine outside it, as the original's fake uplink does: an edge router with an interface on
// the external network and one on a network of type uplink, whose port is bound to an interface of the host by its Neutron attributes
// alone. Further uplinks share the edge router, whose default routes then are several. What is there already stays as it is.
func (s *Sandbox) AddUplink(ctx context.Context, spec UplinkSpec) (Uplink, error) {
	up := Uplink{Host: spec.Host, Namespace: s.outsideNamespace()}
	err := s.change(func(st *state) error {
		h := st.host(spec.Host)
		if h == nil {
			return errs.New(errs.NotFound, "HostNotFound", "there is no host %q; `midonet sandbox up` makes hosts", spec.Host)
		}
		if st.uplink(spec.Host) == nil {
			st.Uplinks = append(st.Uplinks, uplinkRecord{Host: spec.Host, Number: h.Number, Network: spec.Network})
		}
		if err := s.save(st); err != nil {
			return err
		}
		ranges := uplinkRanges(h.Number)
		if err := s.connectUplink(h, ranges); err != nil {
			return err
		}
		public, err := s.ensureEdge(ctx, h, spec.Network, ranges)
		if err != nil {
			return err
		}
		for _, subnet := range public {
			up.Ranges = append(up.Ranges, subnet.CIDR.String())
		}
		up.Outside = outsideAddresses
		return s.routeInward(st, public)
	})
	return up, err
}

// OutsideNamespace returns the name of the network namespace of the machine outside.
func (s *Sandbox) OutsideNamespace() string { return s.outsideNamespace() }

func (s *Sandbox) outsideNamespace() string { return s.prefix + "-outside" }

// connectUplink makes the pair of interfaces between the host and the machine outside.
func (s *Sandbox) connectUplink(h *hostRecord, ranges []uplinkRange) error {
	if err := ensureNamespace(s.outsideNamespace()); err != nil {
		return err
	}
	host, outer := s.hostNamespace(h.Name), outsideInterface(h.Number)
	if err := vethBetween(host, uplinkVirtual, s.outsideNamespace(), outer, 1500, nil); err != nil {
		return err
	}
	var addresses []string
	for _, r := range ranges {
		addresses = append(addresses, netip.PrefixFrom(r.outside, r.prefix.Bits()).String())
	}
	return errors.Join(
		setAddresses(host, uplinkVirtual, nil),
		setAddresses(s.outsideNamespace(), outer, addresses),
		setAddresses(s.outsideNamespace(), "lo", outsideAddresses))
}

// uplinkNetwork and uplinkPort name what a host's uplink is in Neutron. Each has a network of its own: Neutron refuses a second port of
// a router on a network where both have IPv6 subnets.
func uplinkNetwork(host string) string { return uplinkNetworkName + "-" + host }
func uplinkPort(host string) string    { return uplinkPortName + "-" + host }

func outsideInterface(host int) string { return fmt.Sprintf("%s%d", uplinkOutside, host) }

// routeInward gives the machine outside a route to the external network over every uplink.
func (s *Sandbox) routeInward(st *state, public []subnet) error {
	h, err := links(s.outsideNamespace())
	if err != nil {
		return err
	}
	defer h.Close()
	for _, subnet := range public {
		var hops []*netlink.NexthopInfo
		for _, u := range st.Uplinks {
			link, err := h.LinkByName(outsideInterface(u.Number))
			if err != nil {
				return err
			}
			for _, r := range uplinkRanges(u.Number) {
				if r.virtual.Is4() == subnet.CIDR.Addr().Is4() {
					hops = append(hops, &netlink.NexthopInfo{LinkIndex: link.Attrs().Index, Gw: r.virtual.AsSlice()})
				}
			}
		}
		_, dst, err := net.ParseCIDR(subnet.CIDR.String())
		if err != nil {
			return err
		}
		if err := h.RouteReplace(&netlink.Route{Dst: dst, MultiPath: hops}); err != nil {
			return fmt.Errorf("route to %s outside: %w", subnet.CIDR, err)
		}
	}
	return nil
}

// ensureEdge makes the Neutron resources of the uplink, and returns the subnets of the external network.
func (s *Sandbox) ensureEdge(ctx context.Context, h *hostRecord, network string, ranges []uplinkRange) ([]subnet, error) {
	public, err := s.ensureNetwork(ctx, networkRequest{Name: network, External: true}, publicRanges)
	if err != nil {
		return nil, err
	}
	edge, err := s.neutron.ensureRouter(ctx, edgeRouterName, s.demoMark())
	if err != nil {
		return nil, err
	}
	subnets, err := s.neutron.subnets(ctx, public.ID)
	if err != nil {
		return nil, err
	}
	for _, one := range subnets {
		if err := s.neutron.addInterface(ctx, edge, interfaceRequest{SubnetID: one.ID}); err != nil {
			return nil, err
		}
	}
	return subnets, s.ensureUplinkPort(ctx, h, edge, ranges)
}

// ensureNetwork returns the network of that name, or makes it with the ranges as subnets.
func (s *Sandbox) ensureNetwork(ctx context.Context, r networkRequest, ranges []string) (network, error) {
	found, err := s.neutron.findNetwork(ctx, r.Name)
	if !errs.Is(err, errs.NotFound) {
		return found, err
	}
	r.Description = s.demoMark()
	made, err := s.neutron.createNetwork(ctx, r)
	if err != nil {
		return made, err
	}
	for _, text := range ranges {
		if err := s.ensureSubnet(ctx, made, netip.MustParsePrefix(text)); err != nil {
			return made, err
		}
	}
	return made, nil
}

// ensureSubnet makes the subnet, which serves no DHCP, unless the network has it.
func (s *Sandbox) ensureSubnet(ctx context.Context, on network, cidr netip.Prefix) error {
	present, err := s.neutron.subnets(ctx, on.ID)
	if err != nil {
		return err
	}
	for _, p := range present {
		if p.CIDR == cidr {
			return nil
		}
	}
	version, no := 4, false
	if cidr.Addr().Is6() {
		version = 6
	}
	return s.neutron.createSubnet(ctx, subnetRequest{
		NetworkID: on.ID, Name: fmt.Sprintf("%s-%d", on.Name, version), IPVersion: version, CIDR: cidr.String(), DHCP: &no,
	})
}

// ensureUplinkPort makes the port on the uplink network, bound to the host's interface, makes it an interface of the edge router, and
// gives the router its default routes over it.
func (s *Sandbox) ensureUplinkPort(ctx context.Context, h *hostRecord, edge router, ranges []uplinkRange) error {
	uplinks, err := s.ensureNetwork(ctx, networkRequest{Name: uplinkNetwork(h.Name), Type: "uplink"}, nil)
	if err != nil {
		return err
	}
	request := portRequest{NetworkID: uplinks.ID, Name: uplinkPort(h.Name), HostID: &h.Name, Profile: &bindingProfile{Interface: uplinkVirtual}}
	var routes []route
	for _, r := range ranges {
		if err := s.ensureSubnet(ctx, uplinks, r.prefix); err != nil {
			return err
		}
		request.FixedIPs = append(request.FixedIPs, fixedIP{Address: r.virtual})
		everywhere := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if r.outside.Is6() {
			everywhere = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		routes = append(routes, route{Destination: everywhere, NextHop: r.outside})
	}
	p, err := s.neutron.ensurePort(ctx, request)
	if err != nil {
		return err
	}
	if err := s.neutron.addInterface(ctx, edge, interfaceRequest{PortID: p.ID}); err != nil {
		return err
	}
	if err := s.neutron.addRoutes(ctx, edge, routes); err != nil {
		return err
	}
	return s.waitActive(ctx, p.ID, h.Name)
}

// waitActive returns when Neutron says that the port is active.
func (s *Sandbox) waitActive(ctx context.Context, portID, host string) error {
	ctx, cancel := context.WithTimeout(ctx, portActive)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		now, err := s.neutron.port(ctx, portID)
		if err == nil && now.Status != "ACTIVE" {
			err = fmt.Errorf("port %s stays %s; the agent's log is %s", portID, now.Status, s.agentLog(host))
		}
		return err == nil, err
	})
}

// deleteUplinks removes from Neutron what the uplinks made there. Networks and routers that were not made for them stay.
func (s *Sandbox) deleteUplinks(ctx context.Context, st *state) error {
	if len(st.Uplinks) == 0 {
		return nil
	}
	edges, err := s.neutron.routersNamed(ctx, edgeRouterName)
	if err != nil {
		return err
	}
	for _, edge := range edges {
		if edge.Description == s.demoMark() {
			if err := s.neutron.dismantle(ctx, edge); err != nil {
				return err
			}
		}
	}
	for _, u := range st.Uplinks {
		if err := s.deleteUplinkNetwork(ctx, u.Host); err != nil {
			return err
		}
	}
	external := st.Uplinks[0].Network
	if err := s.vacate(ctx, external); err != nil {
		return err
	}
	if err := s.deleteMarkedNetworks(ctx, external); err != nil {
		return err
	}
	st.Uplinks = nil
	return s.save(st)
}

// vacate takes from the external network that this sandbox made what people have put on it: floating addresses, and gateways of their
// routers, which stay.
func (s *Sandbox) vacate(ctx context.Context, name string) error {
	found, err := s.neutron.networksNamed(ctx, name)
	if err != nil {
		return err
	}
	for _, net := range found {
		if net.Description != s.demoMark() {
			continue
		}
		if err := s.neutron.deleteFloatingIPs(ctx, net.ID); err != nil {
			return err
		}
		routers, err := s.neutron.clearGateways(ctx, net.ID)
		for _, r := range routers {
			fmt.Fprintf(s.out, "router %s has no gateway any more\n", r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteUplinkNetwork deletes the network of a host's uplink, and the port on it, which no router has where a failure came in between.
func (s *Sandbox) deleteUplinkNetwork(ctx context.Context, host string) error {
	found, err := s.neutron.networksNamed(ctx, uplinkNetwork(host))
	if err != nil {
		return err
	}
	for _, one := range found {
		if one.Description != s.demoMark() {
			continue
		}
		ports, err := s.neutron.portsNamed(ctx, one.ID, uplinkPort(host))
		if err != nil {
			return err
		}
		for _, p := range ports {
			if err := s.neutron.deletePort(ctx, p.ID); err != nil {
				return err
			}
		}
	}
	return s.deleteMarkedNetworks(ctx, uplinkNetwork(host))
}
