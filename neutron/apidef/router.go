package apidef

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// gatewayKeys are what external_gateway_info has (neutron-lib api/definitions/l3.py and l3_ext_gw_mode.py).
var gatewayKeys = []string{"network_id", "enable_snat", "external_fixed_ips"}

// Routers is the definition of /v2.0/routers: neutron-lib api/definitions/l3.py with l3_ext_gw_mode.py, extraroute.py,
// router_availability_zone.py, dvr.py and l3_ext_ha_mode.py.
func Routers() *Resource {
	core := []Attribute{
		adminState(),
		{Name: "status", Type: String, Help: "ACTIVE, or ERROR.", Sort: true},
		{Name: "external_gateway_info", Type: Object,
			Help:   "The external network: network_id, enable_snat and external_fixed_ips; null for none.",
			Create: true, Update: true, NullByDefault: true, Convert: gatewayInfo, Validate: orNull(isGatewayInfo), Policy: true, Keys: gatewayKeys},
		{Name: "routes", Type: List, Help: "Routes besides those to its networks: objects with destination and nexthop.",
			Update: true, Convert: nullToEmptyList, Validate: hostRoutes},
	}
	return New("router", "routers", identity(), core, placed(), zoned(false), standard(), tagged())
}

// placed is what Neutron's own routers say of where they are (neutron-lib api/definitions/dvr.py and l3_ext_ha_mode.py).
func placed() []Attribute {
	return []Attribute{
		{Name: "ha", Type: Boolean, Help: "Kept as it was asked for: every router outlives any host. Where `service_plugins` has `router`.",
			Create: true, Update: true, Convert: toBooleanOrNull, Policy: true},
		{Name: "distributed", Type: Boolean, Help: "Kept as it was asked for: every router is on every host. Where `service_plugins` has `router`.",
			Create: true, Update: true, Convert: toBooleanOrNull, Policy: true},
	}
}

// gatewayInfo makes null of whatever is empty, and a boolean of enable_snat.
func gatewayInfo(v any) (any, error) {
	if isNothing(v) {
		return nil, nil
	}
	if object, ok := v.(map[string]any); ok {
		return convertKey(object, "enable_snat", toBoolean)
	}
	return v, nil
}

// convertKey returns an object with one of its values converted, where it has that.
func convertKey(object map[string]any, key string, convert Converter) (map[string]any, error) {
	value, ok := object[key]
	if !ok {
		return object, nil
	}
	converted, err := convert(value)
	object = maps.Clone(object)
	object[key] = converted
	return object, err
}

// isGatewayInfo is validate_dict_or_nodata with the keys of a gateway.
func isGatewayInfo(v any) string {
	if reason := isObject(v); reason != "" {
		return reason
	}
	info := v.(map[string]any)
	if _, ok := info["network_id"]; !ok {
		return fmt.Sprintf("Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: %s",
			reprSet(slices.Sorted(maps.Keys(info))))
	}
	unexpected := slices.DeleteFunc(slices.Sorted(maps.Keys(info)), func(k string) bool { return slices.Contains(gatewayKeys, k) })
	if len(unexpected) > 0 {
		return "Unexpected keys supplied: " + strings.Join(unexpected, ", ")
	}
	if reason := isUUID(info["network_id"]); reason != "" {
		return reason
	}
	if ips, ok := info["external_fixed_ips"]; ok {
		return fixedIPs(ips)
	}
	return ""
}
