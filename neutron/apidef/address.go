package apidef

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// isAddress is validate_ip_address: an IPv4 address in four decimal parts without leading zeros, or an IPv6 address.
func isAddress(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprintf("'%s' is not a valid IP address", text(v))
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return ""
	}
	if a, ok := withoutLeadingZeros(s); ok {
		return fmt.Sprintf("'%s' is not an accepted IP address, '%s' is recommended", s, a)
	}
	return fmt.Sprintf("'%s' is not a valid IP address", s)
}

// withoutLeadingZeros reads an IPv4 address whose parts may have leading zeros, which some programs take for octal.
func withoutLeadingZeros(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	var octets [4]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
	}
	return netip.AddrFrom4(octets), true
}

// parseNetwork reads a range as netaddr.IPNetwork does: a prefix length, an IPv4 netmask, or an address alone.
func parseNetwork(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, true
	}
	addr, mask, hasMask := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	if !hasMask {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	m, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() || !m.Is4() {
		return netip.Prefix{}, false
	}
	return netmaskPrefix(a, m)
}

// netmaskPrefix is a's range under a netmask, whose ones have to come first.
func netmaskPrefix(a, mask netip.Addr) (netip.Prefix, bool) {
	for bits := range a.BitLen() + 1 {
		all := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), bits)
		if all.Masked().Addr() == mask {
			return netip.PrefixFrom(a, bits), true
		}
	}
	return netip.Prefix{}, false
}

// isSubnet is validate_subnet. toCIDR has been applied, so nothing is left to recommend.
func isSubnet(v any) string {
	if s, ok := v.(string); ok {
		if _, err := netip.ParsePrefix(s); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("'%s' is not a valid IP subnet", text(v))
}

// isRouteCIDR is validate_route_cidr: a range whose host bits are zero and which is not loopback's.
func isRouteCIDR(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprintf("'%s' is not a valid CIDR", text(v))
	}
	p, ok := parseNetwork(s)
	_, notPlain := netip.ParsePrefix(s) // an address alone or with a netmask
	switch {
	case !ok:
		return fmt.Sprintf("'%s' is not a valid CIDR", s)
	case notPlain != nil || p != p.Masked():
		return fmt.Sprintf("'%s' is not a recognized CIDR, '%s' is recommended", s, p.Masked())
	case p.Addr().IsLoopback():
		return fmt.Sprintf("'%s' is not a routable CIDR", s)
	}
	return ""
}
