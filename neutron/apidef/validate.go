package apidef

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"midonet.org/midonet/id"
)

// Validator says why a value is refused, in the words of neutron-lib's validator; the empty string accepts it.
type Validator func(value any) (reason string)

// orNull accepts null besides what v accepts.
func orNull(v Validator) Validator {
	return func(value any) string {
		if value == nil {
			return ""
		}
		return v(value)
	}
}

// stringUpTo is validate_string: a string of at most size characters.
func stringUpTo(size int) Validator {
	return func(v any) string {
		s, ok := v.(string)
		if !ok {
			return fmt.Sprintf("'%s' is not a valid string", text(v))
		}
		if utf8.RuneCountInString(s) > size {
			return fmt.Sprintf("'%s' exceeds maximum length of %d", s, size)
		}
		return ""
	}
}

// unpadded refuses texts that end in a space besides those that v refuses. It is for texts that decide something: MySQL's collations take
// them for the same without the space, and nothing else does, rules of policy least of all.
func unpadded(v Validator) Validator {
	return func(value any) string {
		if s, ok := value.(string); ok && strings.HasSuffix(s, " ") {
			return fmt.Sprintf("'%s' ends in a space", s)
		}
		return v(value)
	}
}

// isUUID is validate_uuid, but for the nil UUID, which stands for none (RFC 9562, section 5.9).
func isUUID(v any) string {
	if s, ok := v.(string); ok && s != "" {
		if u, err := id.Parse[struct{}](s); err == nil && !u.IsZero() {
			return ""
		}
	}
	return fmt.Sprintf("'%s' is not a valid UUID", text(v))
}

// oneOf is validate_values for scalars, compared by their text. The message names no values because Neutron's does not.
func oneOf(values ...string) Validator {
	return func(v any) string {
		if slices.Contains(values, text(v)) {
			return ""
		}
		return text(v) + " is not in valid_values"
	}
}

// oneOfTexts is validate_values for strings.
func oneOfTexts(values []any) Validator {
	return func(v any) string {
		if _, ok := v.(string); ok && slices.Contains(values, v) {
			return ""
		}
		return text(v) + " is not in valid_values"
	}
}

// nonNegative is validate_non_negative.
func nonNegative(v any) string {
	n, ok := integer(v)
	if !ok {
		return fmt.Sprintf("'%s' is not an integer", text(v))
	}
	if n < 0 {
		return fmt.Sprintf("'%d' should be non-negative", n)
	}
	return ""
}

// isObject is validate_dict without a description of keys.
func isObject(v any) string {
	if _, ok := v.(map[string]any); ok {
		return ""
	}
	return fmt.Sprintf("'%s' is not a dictionary", text(v))
}

// isMAC is validate_mac_address: any address but all zeros and all ones.
func isMAC(v any) string {
	if s, ok := v.(string); ok {
		a, err := parseMAC(s)
		if err == nil && !a.IsZero() && a.String() != "ff:ff:ff:ff:ff:ff" {
			return ""
		}
	}
	return fmt.Sprintf("'%s' is not a valid MAC address", text(v))
}

// hasKeys is _verify_dict_keys: v is an object with exactly these keys. Python writes the two sets in an order of its own; here it is
// that of the definition and the alphabet's.
func hasKeys(v any, keys ...string) string {
	o, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprintf("Invalid input. '%s' must be a dictionary with keys: %s", text(v), reprStrings(keys))
	}
	given := slices.Sorted(maps.Keys(o))
	if slices.Equal(given, slices.Sorted(slices.Values(keys))) {
		return ""
	}
	return fmt.Sprintf("Validation of dictionary's keys failed. Expected keys: %s Provided keys: %s",
		reprSet(keys), reprSet(given))
}

func reprStrings(ss []string) string {
	quoted := make([]string, len(ss))
	for i, s := range ss {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// reprSet writes a Python set: braces, and set() where it is empty.
func reprSet(ss []string) string {
	if len(ss) == 0 {
		return "set()"
	}
	list := reprStrings(ss)
	return "{" + list[1:len(list)-1] + "}"
}
