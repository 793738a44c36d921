package hostif

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"midonet.org/midonet/errs"
)

// Underlay is where other hosts send tunnelled packets for this one.
type Underlay struct {
	// Endpoints holds at most one IPv4 and one IPv6 address, IPv4 first; none where the host has no underlay.
	Endpoints []netip.Addr
	// MTU is the lowest MTU in octets of the interfaces that hold the endpoints; 0 without endpoints.
	MTU int
}

// DefaultInterfaces returns the names of the interfaces that default routes lead to, IPv4's first and the preferred route of each
// family first. They are where Endpoints looks when nothing is configured.
func (h *Host) DefaultInterfaces(interfaces []Interface) ([]string, error) {
	names := make(map[int]string, len(interfaces))
	for _, i := range interfaces {
		names[i.Index] = i.Name
	}
	var found []string
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := dump(func() ([]netlink.Route, error) { return h.requests.RouteList(nil, family) })
		if err != nil {
			return nil, fmt.Errorf("list routes: %w", err)
		}
		slices.SortStableFunc(routes, func(a, b netlink.Route) int { return a.Priority - b.Priority })
		for _, r := range routes {
			if name, ok := names[r.LinkIndex]; ok && isDefault(r) && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found, nil
}

func isDefault(r netlink.Route) bool {
	if r.Dst == nil {
		return true
	}
	ones, _ := r.Dst.Mask.Size()
	return ones == 0 && r.Dst.IP.IsUnspecified()
}

// Endpoints chooses the underlay. Each entry of configured is an address of this host or the name of an interface, whose first
// address of each family counts; the first entry with an address of a family decides that family. An empty configured stands for
// the interfaces named in defaults. Link-local, loopback and multicast addresses are never chosen.
//
// An entry that names no present address is an errs.NotFound. The Underlay that the other entries give is returned all the same,
// since an interface may yet come.
func Endpoints(interfaces []Interface, configured, defaults []string) (Underlay, error) {
	wanted := configured
	if len(wanted) == 0 {
		wanted = defaults
	}
	var u choice
	var missing []error
	for _, entry := range wanted {
		if !u.take(interfaces, entry) && len(configured) > 0 {
			missing = append(missing, errs.New(errs.NotFound, "UnderlayAddressNotFound",
				"underlay %q is neither a usable address nor an interface with one on this host", entry))
		}
	}
	return u.underlay(), errors.Join(missing...)
}

// choice is at most one address for each family and the interface that holds it.
type choice struct {
	v4, v6     netip.Addr
	mtu4, mtu6 int
}

// take adds what the entry stands for and reports whether it stands for any usable address.
func (c *choice) take(interfaces []Interface, entry string) bool {
	addr, parseErr := netip.ParseAddr(entry)
	found := false
	for _, i := range interfaces {
		for _, a := range i.Addrs {
			if usable(a) && (parseErr == nil && a == addr.Unmap() || i.Name == entry) {
				c.add(a, i.MTU)
				found = true
			}
		}
	}
	return found
}

func (c *choice) add(a netip.Addr, mtu int) {
	switch {
	case a.Is4() && !c.v4.IsValid():
		c.v4, c.mtu4 = a, mtu
	case a.Is6() && !c.v6.IsValid():
		c.v6, c.mtu6 = a, mtu
	}
}

func (c *choice) underlay() Underlay {
	var u Underlay
	if c.v4.IsValid() {
		u = Underlay{Endpoints: []netip.Addr{c.v4}, MTU: c.mtu4}
	}
	if c.v6.IsValid() {
		u.Endpoints = append(u.Endpoints, c.v6)
		if u.MTU == 0 || c.mtu6 < u.MTU {
			u.MTU = c.mtu6
		}
	}
	return u
}

func usable(a netip.Addr) bool { return a.IsGlobalUnicast() }
