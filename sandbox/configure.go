package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"
)

// guestIfc is the workload's interface, as a virtual machine would call its first.
const guestIfc = "eth0"

// dhcpTry is how long the client waits for an answer before it asks again, and dhcpRetries how often it does.
const (
	dhcpTry     = time.Second
	dhcpRetries = 30
)

// configure gives the workload its addresses and its way out: by DHCP where one of the port's IPv4 subnets serves it, by the kernel where
// the router advertises a prefix (SLAAC), set by hand otherwise. The link-local IPv6 address comes from the kernel too.
func (s *Sandbox) configure(ctx context.Context, workload string, p port) error {
	subnets, err := s.neutron.subnets(ctx, p.NetworkID)
	if err != nil {
		return err
	}
	var static []string
	var gateways []netip.Addr
	dynamic := false
	for _, ip := range p.FixedIPs {
		i := slices.IndexFunc(subnets, func(sn subnet) bool { return sn.ID == ip.SubnetID })
		switch {
		case i < 0:
			return fmt.Errorf("address %s is of subnet %s, which its network does not have", ip.Address, ip.SubnetID)
		case subnets[i].DHCP && ip.Address.Is4():
			dynamic = true
		case subnets[i].RAMode != nil && *subnets[i].RAMode == "slaac":
		default:
			static = append(static, netip.PrefixFrom(ip.Address, subnets[i].CIDR.Bits()).String())
			if g := subnets[i].Gateway; g != nil && subnets[i].RAMode == nil {
				gateways = append(gateways, *g)
			}
		}
	}
	if err := setAddresses(s.workloadNamespace(workload), guestIfc, static); err != nil {
		return err
	}
	if err := s.setDefaultRoutes(workload, gateways); err != nil || !dynamic {
		return err
	}
	return s.configureByDHCP(ctx, workload)
}

// setDefaultRoutes sets the default route of each gateway's family; the first gateway of a family has it.
func (s *Sandbox) setDefaultRoutes(workload string, gateways []netip.Addr) error {
	h, err := links(s.workloadNamespace(workload))
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(guestIfc)
	if err != nil {
		return err
	}
	for i, g := range gateways {
		if slices.ContainsFunc(gateways[:i], func(before netip.Addr) bool { return before.Is4() == g.Is4() }) {
			continue
		}
		everywhere := &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
		if g.Is4() {
			everywhere = &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
		}
		if err := h.RouteReplace(&netlink.Route{Dst: everywhere, Gw: g.AsSlice(), LinkIndex: link.Attrs().Index}); err != nil {
			return fmt.Errorf("default route by %s: %w", g, err)
		}
	}
	return nil
}

// configureByDHCP asks for a lease inside the workload's namespace and applies it. The lease is not renewed: Neutron keeps the
// address for the port as long as the port exists.
func (s *Sandbox) configureByDHCP(ctx context.Context, workload string) error {
	var ack *dhcpv4.DHCPv4
	err := InNamespace(s.workloadNamespace(workload), func() error {
		client, err := nclient4.New(guestIfc, nclient4.WithTimeout(dhcpTry), nclient4.WithRetry(dhcpRetries))
		if err != nil {
			return err
		}
		defer client.Close()
		lease, err := client.Request(ctx, dhcpv4.WithRequestedOptions(dhcpv4.OptionClasslessStaticRoute))
		if err == nil {
			ack = lease.ACK
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("no address by DHCP: %w", err)
	}
	return s.applyLease(workload, ack)
}

func (s *Sandbox) applyLease(workload string, ack *dhcpv4.DHCPv4) error {
	h, err := links(s.workloadNamespace(workload))
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(guestIfc)
	if err != nil {
		return err
	}
	if mtu := leaseMTU(ack); mtu != 0 && mtu != link.Attrs().MTU {
		if err := h.LinkSetMTU(link, mtu); err != nil {
			return err
		}
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: ack.YourIPAddr, Mask: ack.SubnetMask()}}
	if err := h.AddrReplace(link, address); err != nil {
		return fmt.Errorf("address %s: %w", address, err)
	}
	for _, r := range leaseRoutes(ack) {
		r.LinkIndex = link.Attrs().Index
		if err := h.RouteReplace(&r); err != nil {
			return fmt.Errorf("route %s: %w", r, err)
		}
	}
	return s.writeResolvConf(workload, ack)
}

// leaseMTU is option 26 (RFC 2132, section 5.1), 0 without it.
func leaseMTU(ack *dhcpv4.DHCPv4) int {
	mtu, err := dhcpv4.GetUint16(dhcpv4.OptionInterfaceMTU, ack.Options)
	if err != nil {
		return 0
	}
	return int(mtu)
}

// leaseRoutes are the classless routes of option 121 and, only where there are none, a default route by the router option
// (RFC 3442, "DHCP Client Behavior").
func leaseRoutes(ack *dhcpv4.DHCPv4) []netlink.Route {
	var routes []netlink.Route
	for _, r := range ack.ClasslessStaticRoute() {
		route := netlink.Route{Dst: r.Dest, Gw: r.Router}
		if r.Router.IsUnspecified() {
			route = netlink.Route{Dst: r.Dest, Scope: netlink.SCOPE_LINK}
		}
		routes = append(routes, route)
	}
	// A route to a router must exist before one by way of it.
	slices.SortStableFunc(routes, func(a, b netlink.Route) int { return len(a.Gw) - len(b.Gw) })
	if len(routes) == 0 && len(ack.Router()) > 0 {
		everywhere := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
		routes = append(routes, netlink.Route{Dst: everywhere, Gw: ack.Router()[0]})
	}
	return routes
}

// writeResolvConf keeps the lease's name servers for the commands that Exec runs; see shadowSystem.
func (s *Sandbox) writeResolvConf(workload string, ack *dhcpv4.DHCPv4) error {
	var text strings.Builder
	if domain := ack.DomainName(); domain != "" {
		fmt.Fprintf(&text, "search %s\n", strings.TrimSuffix(domain, "."))
	}
	for _, server := range ack.DNS() {
		fmt.Fprintf(&text, "nameserver %s\n", server)
	}
	path := s.resolvConf(workload)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
