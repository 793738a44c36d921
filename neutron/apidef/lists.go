package apidef

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// allocationPools is validate_ip_pools.
func allocationPools(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("Invalid data format for IP pool: '%s'", text(v))
	}
	for _, e := range list {
		if reason := hasKeys(e, "start", "end"); reason != "" {
			return reason
		}
		pool := e.(map[string]any)
		for _, key := range []string{"start", "end"} {
			if reason := isAddress(pool[key]); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// nameservers is validate_nameservers, which goes through whatever it is given.
func nameservers(v any) string {
	list, ok := Elements(v)
	if !ok {
		return fmt.Sprintf("Invalid data format for nameserver: '%s'", text(v))
	}
	seen := map[string]bool{}
	for _, e := range list {
		host := text(e)
		if reason := isAddress(e); reason != "" {
			return fmt.Sprintf("'%s' is not a valid nameserver. %s", host, reason)
		}
		if seen[host] {
			return fmt.Sprintf("Duplicate nameserver '%s'", host)
		}
		seen[host] = true
	}
	return ""
}

// Elements are what Python finds in a value: of a text the characters, of an object the keys.
func Elements(v any) (list []any, ok bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case string:
		for _, r := range v {
			list = append(list, string(r))
		}
		return list, true
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			list = append(list, k)
		}
		return list, true
	}
	return nil, false
}

// emptyToList makes a list of whatever is empty, where Neutron looks at elements alone.
func emptyToList(v any) (any, error) {
	if all, ok := Elements(v); v == nil || ok && len(all) == 0 {
		return []any{}, nil
	}
	return v, nil
}

// hostRoutes is validate_hostroutes.
func hostRoutes(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("Invalid data format for hostroute: '%s'", text(v))
	}
	seen := map[string]bool{}
	for _, e := range list {
		if reason := hasKeys(e, "nexthop", "destination"); reason != "" {
			return reason
		}
		route := e.(map[string]any)
		if reason := isRouteCIDR(route["destination"]); reason != "" {
			return reason
		}
		if reason := isAddress(route["nexthop"]); reason != "" {
			return reason
		}
		if seen[repr(e)] {
			return fmt.Sprintf("Duplicate hostroute '%s'", repr(e))
		}
		seen[repr(e)] = true
	}
	return ""
}

// fixedIPs is validate_fixed_ips. Keys other than the two are passed over; the plugin refuses an element that has neither.
func fixedIPs(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("Invalid data format for fixed IP: '%s'", text(v))
	}
	seen := map[string]bool{}
	for _, e := range list {
		fixed, ok := e.(map[string]any)
		if !ok {
			return fmt.Sprintf("Invalid data format for fixed IP: '%s'", text(e))
		}
		if reason := fixedIP(fixed, seen); reason != "" {
			return reason
		}
	}
	return ""
}

// fixedIP checks one element; seen holds the addresses of those before it. A subnet may come twice, an address may not.
func fixedIP(fixed map[string]any, seen map[string]bool) string {
	if ip, ok := fixed["ip_address"]; ok {
		if seen[text(ip)] {
			return fmt.Sprintf("Duplicate IP address '%s'", text(ip))
		}
		if reason := isAddress(ip); reason != "" {
			return reason
		}
		seen[text(ip)] = true
	}
	if subnet, ok := fixed["subnet_id"]; ok {
		return isUUID(subnet)
	}
	return ""
}

// Sizes of an extra DHCP option, in characters, and the options whose value may be blank (neutron-lib
// api/definitions/extra_dhcp_opt.py).
const (
	optionNameSize  = 64
	optionValueSize = 255
)

var blankOptions = []any{"router", "classless-static-route"}

// extraDHCPOptions is validate_any_key_specs_or_none with the option's two descriptions; like it, it makes the IP version a number
// and refuses with InvalidInput. null is the empty list.
func extraDHCPOptions(v any) (any, error) {
	if v == nil {
		return []any{}, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, InvalidInput("'%s' is not a list", text(v))
	}
	if twice := duplicates(list); len(twice) > 0 {
		return nil, InvalidInput("Duplicate items in the list: '%s'", strings.Join(twice, ", "))
	}
	out := make([]any, len(list))
	for i, e := range list {
		option, ok := dhcpOption(e)
		if !ok {
			return nil, InvalidInput("No valid key specs matched for: %s", text(e))
		}
		out[i] = option
	}
	return out, nil
}

func dhcpOption(v any) (map[string]any, bool) {
	given, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	option := map[string]any{}
	for key, value := range given {
		switch key {
		case "opt_name", "opt_value":
			option[key] = value
		case "ip_version":
			n, ok := integer(value)
			if !ok || (n != 4 && n != 6) {
				return nil, false
			}
			option[key] = n
		default:
			return nil, false
		}
	}
	value, hasValue := given["opt_value"]
	if !hasValue || unpadded(oneLine(optionNameSize))(given["opt_name"]) != "" {
		return nil, false
	}
	return option, validOptionValue(given["opt_name"], value)
}

func validOptionValue(name, value any) bool {
	if oneOfTexts(blankOptions)(name) == "" && orNull(stringUpTo(optionValueSize))(value) == "" {
		return true
	}
	return orNull(oneLine(optionValueSize))(value) == ""
}

// oneLine is validate_oneline_not_empty_string.
func oneLine(size int) Validator {
	return func(v any) string {
		if reason := stringUpTo(size)(v); reason != "" {
			return reason
		}
		s := v.(string)
		if strings.TrimSpace(s) == "" {
			return fmt.Sprintf("'%s' Blank strings are not permitted", s)
		}
		if strings.ContainsAny(s, "\n\r\v\f\u0085\u2028\u2029") {
			return fmt.Sprintf("Multi-line string is not allowed: '%s'", s)
		}
		return ""
	}
}
