package apidef

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text writes a value as Python's str() does, which is what policy rules compare.
func Text(v any) string { return text(v) }

// text writes a value as Neutron's messages do, which is Python's str(): None, True, and single quotes inside of lists.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

// repr writes a value as Python's repr() does. The keys of an object come in alphabetical order, since their own is not kept.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return boolText(v)
	case json.Number:
		return numberText(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		return quote(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, quote(k)+": "+repr(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// isNothing reports whether a value counts as false in Python.
func isNothing(v any) bool {
	if _, ok := v.(string); ok {
		return v == ""
	}
	return slices.Contains([]string{"None", "False", "0", "0.0", "-0.0", "[]", "{}"}, repr(v))
}

// numberText writes a number as Python's repr() does: a whole one as it is, and one with a point or an exponent by the fewest digits that tell it
// from others. One that is too large for that stays as it was written.
func numberText(n json.Number) string {
	if n == "-0" {
		return "0"
	}
	f, err := n.Float64()
	if err != nil || !strings.ContainsAny(n.String(), ".eE") {
		return n.String()
	}
	if size := math.Abs(f); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	whole := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(whole, ".") {
		whole += ".0"
	}
	return whole
}

func boolText(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func quote(s string) string {
	mark := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	out := []byte{byte(mark)}
	for _, r := range s {
		switch {
		case r == mark || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case unicode.IsPrint(r):
			out = utf8.AppendRune(out, r)
		case r < 0x100:
			out = fmt.Appendf(out, `\x%02x`, r)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = fmt.Appendf(out, `\U%08x`, r)
		}
	}
	return string(append(out, byte(mark)))
}

// Quoted writes names as Neutron's messages list them: ['a', 'b'].
func Quoted(names []string) string { return reprStrings(names) }
