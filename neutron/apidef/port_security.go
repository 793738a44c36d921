package apidef

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
)

// portSecurity is what decides which packets a port lets through.
func portSecurity() []Attribute {
	return []Attribute{
		{Name: "port_security_enabled", Type: Boolean, Help: "Whether its packets are filtered; by default as its network says.",
			Create: true, Update: true, Convert: toBoolean, Policy: true},
		{Name: "security_groups", Type: List, Help: "The security groups that it is in; by default its project's group default.",
			Create: true, Update: true, Convert: nullToEmptyList, Validate: uuidList, Filter: true},
	}
}

// uuidList is validate_uuid_list.
func uuidList(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintf("'%s' is not a list", text(v))
	}
	if twice := duplicates(list); len(twice) > 0 {
		return fmt.Sprintf("Duplicate items in the list: '%s'", strings.Join(twice, ", "))
	}
	for _, e := range list {
		if reason := isUUID(e); reason != "" {
			return reason
		}
	}
	return ""
}

// duplicates returns the texts of the elements that come a second time (_collect_duplicates).
func duplicates(list []any) []string {
	var twice []string
	seen := map[string]bool{}
	for _, e := range list {
		if seen[repr(e)] {
			twice = append(twice, text(e))
		}
		seen[repr(e)] = true
	}
	return twice
}

// addressPairs is validate_allowed_address_pairs (neutron-lib api/validators/allowedaddresspairs.py), which has faults of its own.
// null is the empty list. How many there may be is for the plugin to say.
func addressPairs(v any) (any, error) {
	if v == nil {
		return []any{}, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, BadRequest("Allowed address pairs must be a list.")
	}
	seen := map[string]bool{}
	out := make([]any, len(list))
	for i, e := range list {
		pair, ok := e.(map[string]any)
		if !ok {
			return nil, BadRequest("Invalid input for allowed_address_pairs. Reason: '%s' is not a dictionary.", text(e))
		}
		var err error
		if out[i], err = addressPair(pair, seen); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// addressPair checks one element; seen holds those before it. The MAC address gets its canonical form, the IP address stays as it is.
func addressPair(pair map[string]any, seen map[string]bool) (map[string]any, error) {
	macAddress, hasMAC := pair["mac_address"]
	if hasMAC {
		macAddress, _ = toCanonicalMAC(macAddress)
		if reason := isMAC(macAddress); reason != "" {
			return nil, BadRequest("%s", reason)
		}
	}
	address, ok := pair["ip_address"]
	if !ok {
		return nil, errs.New(errs.Invalid, "AllowedAddressPairsMissingIP", "AllowedAddressPair must contain ip_address")
	}
	if key := text(macAddress) + " " + text(address); seen[key] {
		return nil, DuplicateAddressPair(text(macAddress), text(address))
	} else {
		seen[key] = true
	}
	if reason := pairKeys(pair); reason != "" {
		return nil, BadRequest("%s", reason)
	}
	if reason := addressOrRange(address); reason != "" {
		return nil, BadRequest("%s", reason)
	}
	out := maps.Clone(pair)
	if hasMAC {
		out["mac_address"] = macAddress
	}
	return out, nil
}

// DuplicateAddressPair is the fault of a request that names an address pair twice; mac is None where a pair leaves it to the port.
func DuplicateAddressPair(mac, ip string) error {
	return errs.New(errs.Invalid, "DuplicateAddressPairInRequest",
		"Request contains duplicate address pair: mac_address %s ip_address %s.", mac, ip)
}

func pairKeys(pair map[string]any) string {
	var unknown []string
	for _, key := range slices.Sorted(maps.Keys(pair)) {
		if key != "mac_address" && key != "ip_address" {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return fmt.Sprintf("Unrecognized attribute(s) '%s'", strings.Join(unknown, ", "))
}

// addressOrRange is validate_ip_address, or validate_subnet where there is a slash.
func addressOrRange(v any) string {
	if s, ok := v.(string); ok && strings.Contains(s, "/") {
		return isRange(v)
	}
	return isAddress(v)
}
