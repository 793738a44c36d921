package apidef

import (
	"fmt"
	"math"
)

// Quotas is the definition of /v2.0/quotas: an attribute for each kind of resource that has a quota
// (neutron/extensions/quotasv2.py). Its requests are not those of other collections.
func Quotas(resources []string) *Resource {
	attrs := make([]Attribute, len(resources))
	for i, name := range resources {
		attrs[i] = Attribute{Name: name, Type: Integer, Help: "How many a project may have; -1: any number.",
			Update: true, Convert: toInteger, Validate: inRange(-1, math.MaxInt32)}
	}
	return New("quota", "quotas", attrs)
}

// inRange is validate_range for numbers.
func inRange(least, most int64) Validator {
	return func(v any) string {
		n, ok := integer(v)
		switch {
		case !ok:
			return fmt.Sprintf("'%s' is not an integer", text(v))
		case n < least:
			return fmt.Sprintf("'%d' is too small - must be at least '%d'", n, least)
		case n > most:
			return fmt.Sprintf("'%d' is too large - must be no larger than '%d'", n, most)
		}
		return ""
	}
}
