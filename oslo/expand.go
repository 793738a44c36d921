package oslo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// reference is oslo_config/cfg.py's Template: an escaped dollar sign, $name, ${name}; names may hold dots. A dollar sign before
// anything else stands for itself.
var reference = regexp.MustCompile(`\$\$|\\\$|\$(?i:([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})`)

// expand replaces the references in the value of an entry.
func (v *values) expand(e Entry) (string, error) {
	return v.expandText(e.Value, e.Group, []string{key(e.Group, e.Name)})
}

// expandText replaces the references in a text of the given group; under holds the options whose values are being expanded, since
// one that refers to itself has no value.
func (v *values) expandText(text, group string, under []string) (string, error) {
	var failure error
	out := reference.ReplaceAllStringFunc(text, func(m string) string {
		if m == "$$" || m == `\$` {
			return "$"
		}
		parts := reference.FindStringSubmatch(m)
		value, err := v.lookup(parts[1]+parts[2], group, under)
		if err != nil && failure == nil {
			failure = err
		}
		return value
	})
	return out, failure
}

// lookup finds name as group.name, in the referring option's own group, or in DEFAULT.
func (v *values) lookup(name, group string, under []string) (string, error) {
	candidates := []string{key(group, name), key("DEFAULT", name)}
	if g, n, dotted := strings.Cut(name, "."); dotted {
		candidates = []string{key(g, n)}
	}
	for _, k := range candidates {
		text, ok := v.text(k)
		if !ok {
			continue
		}
		if slices.Contains(under, k) {
			return "", fmt.Errorf("$%s refers to itself", name)
		}
		g, _, _ := strings.Cut(k, "/")
		return v.expandText(text, g, append(slices.Clone(under), k))
	}
	return "", fmt.Errorf("$%s refers to no option; write $$ for a dollar sign", name)
}

// text returns the unexpanded value of an option that a file or a definition gives.
func (v *values) text(k string) (string, bool) {
	if written := v.written[k]; len(written) > 0 {
		return written[len(written)-1].Value, true
	}
	o, ok := v.options[k]
	return o.Default, ok
}
