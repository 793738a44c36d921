package topology

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxInterfaceName is the longest name of a network interface, octets: the kernel's IFNAMSIZ less the final zero.
const MaxInterfaceName = 15

// ValidInterfaceName reports whether the kernel could have an interface of that name (dev_valid_name in its net/core/dev.c) and it
// can be written: the kernel takes octets that are no UTF-8 too.
func ValidInterfaceName(name string) bool {
	bad := func(r rune) bool { return r == '/' || r == ':' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	return name != "" && name != "." && name != ".." && len(name) <= MaxInterfaceName && utf8.ValidString(name) && !strings.ContainsFunc(name, bad)
}
