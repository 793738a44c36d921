package topology

import (
	"strings"
	"unicode"
)

// Shown returns a name, which whoever owns the object has chosen, as it may be put on an operator's terminal: in place of what is not
// printable, by which lines could be forged and terminals given orders, stands U+FFFD.
func Shown(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}
