package apidef

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// SubnetPools is the definition of /v2.0/subnetpools: neutron-lib api/definitions/subnetpool.py with address_scope.py.
func SubnetPools() *Resource {
	core := []Attribute{
		{Name: "id", Type: UUID, Help: "Identifier, assigned by the server.",
			Validate: isUUID, Filter: true, Sort: true, PrimaryKey: true},
		{Name: "name", Type: String, Help: "Name for people; it need not be unique.",
			Create: true, Update: true, Required: true, Validate: notBlank(nameSize), Filter: true, Sort: true},
		{Name: "prefixes", Type: List, Help: "What subnets get their ranges from. It can be added to; remove_prefixes takes away.",
			Create: true, Update: true, Required: true, Validate: subnetList},
		{Name: "ip_version", Type: Integer, Help: "4 or 6, that of the prefixes.", Filter: true, Sort: true},
		prefixLength("default_prefixlen", "Of the range of a subnet that does not say; by default min_prefixlen."),
		prefixLength("min_prefixlen", "Of the largest subnet; by default 8 for IPv4 and 64 for IPv6."),
		prefixLength("max_prefixlen", "Of the smallest subnet; by default 32 for IPv4 and 128 for IPv6."),
		{Name: "default_quota", Type: Integer, Help: "How many addresses of IPv4, or networks of 64 bits of IPv6, a project may have; null or 0: any number.",
			Create: true, Update: true, Convert: toInteger, Validate: columnSized, Filter: true, Sort: true},
		{Name: "is_default", Type: Boolean, Help: "Whether subnets with use_default_subnetpool are from it; one pool of each version may be.",
			Create: true, Update: true, Default: false, Convert: toBoolean, Filter: true, Sort: true, Policy: true},
		{Name: "shared", Type: Boolean, Help: "Whether it is shared with who asks; in a POST, with every project.",
			Create: true, Default: false, Convert: toBoolean, Filter: true, Policy: true},
		{Name: "address_scope_id", Type: UUID, Help: "The address scope that it is in, or null.",
			Create: true, Update: true, Validate: orNull(isUUID), Filter: true, Sort: true},
	}
	return New("subnetpool", "subnetpools", core, standard(), tagged())
}

// columnSized is validate_non_negative, and refuses what the database's column has no room for (a failure of the server in Neutron).
func columnSized(v any) string {
	if n, ok := integer(v); ok && n > math.MaxInt32 {
		return fmt.Sprintf("'%d' is too large - must be no larger than '%d'", n, math.MaxInt32)
	}
	return nonNegative(v)
}

// prefixLength is one of the three lengths of a pool. They are given as numbers and shown as texts.
func prefixLength(name, help string) Attribute {
	return Attribute{Name: name, Type: String, Help: help,
		Create: true, Update: true, Convert: toInteger, Validate: nonNegative, Filter: true, Sort: true}
}

// notBlank is validate_not_empty_string, with the length that the database has room for.
func notBlank(size int) Validator {
	return func(v any) string {
		if s, ok := v.(string); ok && strings.TrimSpace(s) == "" {
			return fmt.Sprintf("'%s' Blank strings are not permitted", s)
		}
		return stringUpTo(size)(v)
	}
}

// subnetList is validate_subnet_list: ranges, each once.
func subnetList(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("'%s' is not a list", text(v))
	}
	seen := map[string]bool{}
	for _, e := range list {
		if seen[repr(e)] {
			return fmt.Sprintf("Duplicate items in the list: '%s'", text(e))
		}
		seen[repr(e)] = true
	}
	for _, e := range list {
		if reason := isPrefix(e); reason != "" {
			return reason
		}
	}
	return ""
}

// isPrefix is validate_subnet of what no converter has seen.
func isPrefix(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprintf("'%s' is not a valid IP subnet", text(v))
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return ""
	}
	if p, ok := parseNetwork(s); ok {
		return fmt.Sprintf("'%s' isn't a recognized IP subnet cidr, '%s' is recommended", s, p.Masked())
	}
	return fmt.Sprintf("'%s' is not a valid IP subnet", s)
}
