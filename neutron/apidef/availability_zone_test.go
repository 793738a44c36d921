package apidef

import (
	"strings"
	"testing"
)

// TestZoneHints tries the limit of the whole list: 255 characters as Python writes it.
func TestZoneHints(t *testing.T) {
	hints := Networks().Attribute("availability_zone_hints")
	for _, c := range []struct {
		value any
		want  string
	}{
		{[]any{}, ""},
		{[]any{"a", "b"}, ""},
		{nil, "Invalid input for availability_zone_hints. Reason: 'None' is not a list."},
		{"nova", "Invalid input for availability_zone_hints. Reason: 'nova' is not a list."},
		{[]any{int64(1)}, "Invalid input for availability_zone_hints. Reason: '1' is not a valid string."},
		{[]any{"a", "a"}, "Invalid input for availability_zone_hints. Reason: Duplicate items in the list: 'a'."},
		{[]any{strings.Repeat("a", 251)}, ""},
		{[]any{strings.Repeat("a", 252)}, "Invalid input for operation: Too many availability_zone_hints specified."},
		{[]any{strings.Repeat("a", 100), strings.Repeat("b", 147)}, ""},
		{[]any{strings.Repeat("a", 100), strings.Repeat("b", 148)}, "Invalid input for operation: Too many availability_zone_hints specified."},
		{[]any{strings.Repeat("ä", 41) + `"\\` + "\n<"}, "Invalid input for operation: Too many availability_zone_hints specified."},
		{[]any{strings.Repeat("ä", 41) + `"\` + "<"}, ""},
	} {
		got := ""
		if _, err := hints.check(c.value); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.value, got, c.want)
		}
	}
}
