package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// parentKeys are the attributes by which resources name the resource that they belong to (neutron/policy.py, _RESOURCE_FOREIGN_KEYS).
var parentKeys = map[string]string{"network": "network_id", "security_group": "security_group_id"}

// extParent is what rules call the resource below which the target's path is, whatever its kind.
const extParent = "ext_parent"

// pathParents are the kinds of resources that have collections of their own which rules speak of (neutron-lib services/constants.py,
// EXT_PARENT_RESOURCE_MAPPING).
var pathParents = []string{"floatingip", "router"}

// ParentInPath is the attribute by which a target names the resource of that kind below which its path is.
func ParentInPath(kind string) string { return extParent + "_" + kind + "_id" }

// owner makes the check tenant_id:%(attribute)s.
func owner(t template) (check, error) {
	attr, ok := t.only()
	if !ok {
		return nil, fmt.Errorf("tenant_id:%s: match should be in the form %%(<field_name>)s", t)
	}
	c := ownerCheck{attr: attr}
	kind, of, ok := strings.Cut(attr, ":")
	if !ok {
		kind, of, _ = strings.Cut(attr, "_")
	}
	if key := parentKeys[kind]; key != "" || kind == extParent {
		c.kind, c.key, c.parentKey = kind, key, of
	}
	return c, nil
}

// field makes the check field:collection:attribute=value from what follows field:. The attribute's name may hold colons.
func (g grammar) field(match string) (check, error) {
	collection, rest, ok := strings.Cut(match, ":")
	attr, value, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 {
		return nil, fmt.Errorf("field:%s: write field:collection:attribute=value", match)
	}
	c := fieldCheck{collection: collection, attr: attr, written: value}
	var err error
	if expression, isPattern := strings.CutPrefix(value, "~"); isPattern {
		if c.pattern, err = regexp.Compile("^(?:" + expression + ")"); err != nil {
			return nil, fmt.Errorf("field:%s: %w", match, err)
		}
		return c, nil
	}
	if c.value, err = fieldValue(g.resources, collection, attr, value); err != nil {
		return nil, fmt.Errorf("field:%s: %w", match, err)
	}
	return c, nil
}
