package apidef

import "math"

// zoneHintsSize is the length that a list of zones may have as JSON, in characters (neutron-lib db/constants.py, AZ_HINTS_DB_LEN).
const zoneHintsSize = 255

// AvailabilityZones is the definition of /v2.0/availability_zones (neutron-lib api/definitions/availability_zone.py with
// availability_zone_filter.py).
func AvailabilityZones() *Resource {
	return New("availability_zone", "availability_zones", []Attribute{
		{Name: "name", Type: String, Help: "The zone.", Filter: true, Sort: true, PrimaryKey: true},
		{Name: "resource", Type: String, Help: "What may ask for it: network or router.", Filter: true},
		{Name: "state", Type: String, Help: "available.", Filter: true},
	})
}

// zoned is what resources have that may ask for zones.
func zoned(sort bool) []Attribute {
	return []Attribute{
		{Name: "availability_zone_hints", Type: List, Help: "The zones that it is asked to be in; by default those of the configuration.",
			Create: true, Default: []any{}, Convert: zoneHints, Validate: uniqueStrings(math.MaxInt), Sort: sort},
		{Name: "availability_zones", Type: List, Help: "The zones that it is in, which are all that hosts are in."},
	}
}

// zoneHints refuses lists that are too long as a whole, which has a fault of its own (_validate_availability_zone_hints in neutron-lib
// api/validators/availability_zone.py). What is no list of texts is for the validator to refuse.
func zoneHints(v any) (any, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return v, nil
	}
	size := len("[]") - len(", ")
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return v, nil
		}
		size += len(`"", `) + pythonSize(s)
	}
	if size > zoneHintsSize {
		return nil, InvalidInput("Too many availability_zone_hints specified")
	}
	return v, nil
}

// pythonSize is the length of a text as Python writes it between the quotes of JSON, which is with the characters of ASCII alone.
func pythonSize(s string) int {
	size := 0
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '\b' || r == '\f' || r == '\n' || r == '\r' || r == '\t':
			size += len(`\n`)
		case r >= ' ' && r < 0x80:
			size++
		case r > 0xffff:
			size += len(`\ud83d\ude00`)
		default:
			size += len(`\u00e4`)
		}
	}
	return size
}
