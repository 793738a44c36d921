package apidef

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
)

// Converter brings a value that a client gave into its canonical form, or refuses it with an error of kind Invalid.
type Converter func(value any) (any, error)

// InvalidInput is neutron-lib's exception of that name, with its text.
func InvalidInput(format string, args ...any) error {
	e := errs.New(errs.Invalid, "InvalidInput", format, args...)
	e.Message = "Invalid input for operation: " + e.Message + "."
	return e
}

// toBoolean is convert_to_boolean: oslo's spellings of true and false.
func toBoolean(v any) (any, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	switch strings.ToLower(strings.TrimSpace(text(v))) {
	case "1", "t", "true", "on", "y", "yes":
		return true, nil
	case "0", "f", "false", "off", "n", "no":
		return false, nil
	}
	return nil, InvalidInput("'%s' cannot be converted to boolean", text(v))
}

// toBooleanOrNull is convert_to_boolean_if_not_none.
func toBooleanOrNull(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	return toBoolean(v)
}

// toInteger is convert_to_int, which is Python's int(): a number is cut to its whole part, a string has to be whole.
func toInteger(v any) (any, error) {
	if n, ok := integer(v); ok {
		return n, nil
	}
	return nil, InvalidInput("'%s' is not an integer", text(v))
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		n, ok := WholeNumber(v)
		return n.Int64(), ok && n.IsInt64()
	case json.Number:
		return wholePart(v)
	}
	return 0, false
}

// WholeNumber reads a number as Python's int() does: with space around it, a sign, and underscores between digits. It may be of any size.
func WholeNumber(s string) (n *big.Int, ok bool) {
	digits := strings.TrimLeft(strings.TrimSpace(s), "+-")
	if digits == "" || strings.Trim(digits, "_") != digits || strings.Contains(digits, "__") {
		return new(big.Int), false
	}
	n, ok = new(big.Int).SetString(strings.ReplaceAll(strings.TrimSpace(s), "_", ""), 10)
	if !ok {
		return new(big.Int), false
	}
	return n, true
}

// wholePart cuts a JSON number. Numbers too large for any attribute are refused before they are expanded: 1e999999999 is short to
// write and long to compute.
func wholePart(v json.Number) (int64, bool) {
	if n, err := v.Int64(); err == nil {
		return n, true
	}
	f, err := v.Float64()
	if err != nil || f > 1e18 || f < -1e18 {
		return 0, false
	}
	n, _ := big.NewFloat(f).Int64()
	return n, true
}

// toText makes a string of a scalar; null stays null. Neutron hands the host name to the database as it came.
func toText(v any) (any, error) {
	switch v.(type) {
	case nil, string:
		return v, nil
	case []any, map[string]any:
		return nil, InvalidInput("'%s' is not a valid string", text(v))
	}
	return text(v), nil
}

func nullToEmptyList(v any) (any, error) {
	if v == nil {
		return []any{}, nil
	}
	return v, nil
}

// toCanonicalAddress is convert_ip_to_canonical_format: an IPv6 address in its shortest form; what is no address stays, for the
// validator to refuse.
func toCanonicalAddress(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Is6() && a.Zone() == "" {
		return a.String(), nil
	}
	return v, nil
}

// toCIDR is convert_cidr_to_canonical_format, and clears the host bits, as the subnet's creation does later in Neutron
// (neutron/db/db_base_plugin_v2.py, create_subnet). An address alone is a range of one.
func toCIDR(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, InvalidInput("%s is not in a CIDR format", text(v))
	}
	p, ok := parseNetwork(s)
	if !ok {
		return nil, InvalidInput("%s is not in a CIDR format", s)
	}
	return p.Masked().String(), nil
}

// toCanonicalMAC is convert_to_sanitized_mac_address: colons between octets; what is no address stays, for the validator to refuse.
func toCanonicalMAC(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return v, nil
	}
	if a, err := parseMAC(s); err == nil {
		return a.String(), nil
	}
	return v, nil
}

// parseMAC reads the forms that net.ParseMAC takes and twelve bare digits.
func parseMAC(s string) (mac.Addr, error) {
	if len(s) == 12 && !strings.ContainsAny(s, ":-.") {
		s = s[0:4] + "." + s[4:8] + "." + s[8:12]
	}
	return mac.Parse(s)
}

// keyAndValue checks the text form of a filter by a part of a list, such as ip_address=10.0.0.5 (convert_kvp_str_to_list).
func keyAndValue(s string) (string, error) {
	key, value, ok := strings.Cut(s, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !ok || key == "" {
		return "", InvalidInput("'%s' is not of the form <key>=[value]", s)
	}
	return key + "=" + value, nil
}

// timeForms are how a client may write a time: ISO 8601, UTC where it does not say otherwise.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04",
	time.DateOnly}

// toTime brings a time into the form that resources show, in whole seconds: no time of theirs lies between it and what was written
// (neutron/services/timestamp/timestamp_db.py).
func toTime(s string) (string, error) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			return t.Add(time.Second - 1).UTC().Truncate(time.Second).Format(time.RFC3339), nil
		}
	}
	return "", InvalidInput("The input changed_since must be in the following format: YYYY-MM-DDTHH:MM:SSZ")
}
