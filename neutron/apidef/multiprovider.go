package apidef

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// segmentKeys are what a segment has (neutron-lib api/definitions/provider_net.py).
var segmentKeys = []string{"provider:network_type", "provider:physical_network", "provider:segmentation_id"}

// segments is convert_and_validate_segments (neutron-lib api/validators/multiprovidernet.py): a list of objects with the provider
// attributes, of which a segmentation_id that is empty or zero is none.
func segments(v any) (any, error) {
	if v != nil {
		v, _ = emptyToList(v)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, BadRequest("Invalid input for segments. Reason: '%s' is not a list.", text(v))
	}
	out := make([]any, len(list))
	for i, e := range list {
		given, ok := e.(map[string]any)
		if !ok {
			return nil, BadRequest("Invalid input for segments. Reason: %s.", isObject(e))
		}
		var err error
		if out[i], err = segment(given); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func segment(given map[string]any) (map[string]any, error) {
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(given)), func(k string) bool { return slices.Contains(segmentKeys, k) })
	if len(unknown) > 0 {
		return nil, BadRequest("Unrecognized attribute(s) '%s'", strings.Join(unknown, ", "))
	}
	out := maps.Clone(given)
	for key, size := range map[string]int{"provider:network_type": networkTypeSize, "provider:physical_network": physicalNetworkSize} {
		if reason := orNull(stringUpTo(size))(out[key]); reason != "" {
			return nil, BadRequest("Invalid input for segments. Reason: %s.", fmt.Sprintf("%s: %s", key, reason))
		}
	}
	number := out["provider:segmentation_id"]
	if isNothing(number) {
		delete(out, "provider:segmentation_id")
		return out, nil
	}
	n, err := toInteger(number)
	out["provider:segmentation_id"] = n
	return out, err
}
