package policy

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"midonet.org/midonet/neutron/apidef"
)

// check is a node of a parsed rule. Its text is what oslo.policy prints for it, and parses to the same check.
type check interface {
	decide(e *evaluation) Verdict
	String() string
}

// evaluation is one question to a check.
type evaluation struct {
	ctx     context.Context
	rules   *Rules
	who     credentials
	target  Target // nil where it is not known
	parents Parents
	err     error // the first failure to look up a parent; the verdict is then void
}

// attribute returns the target's attribute. It is called only where there is a target.
func (e *evaluation) attribute(name string) (Value, bool) { return e.target.Attribute(name) }

// parent looks up an attribute of the resource that the target's attribute key names.
func (e *evaluation) parent(kind, key, attr string) (Value, bool) {
	id, ok := e.attribute(key)
	if !ok || id.Null || e.parents == nil || e.err != nil {
		return Value{}, false
	}
	v, err := e.parents.ParentAttribute(e.ctx, kind, id.Text, attr)
	if err != nil {
		e.err = err
		return Value{}, false
	}
	return v, true
}

// parentInPath looks up an attribute of the resource below which the target's path is (ParentInPath).
func (e *evaluation) parentInPath(attr string) (Value, bool) {
	for _, kind := range pathParents {
		if _, ok := e.attribute(ParentInPath(kind)); ok {
			return e.parent(kind, ParentInPath(kind), attr)
		}
	}
	return Value{}, false
}

// constant is @ or !.
type constant Verdict

func (c constant) decide(*evaluation) Verdict { return Verdict(c) }

func (c constant) String() string {
	if Verdict(c) == Yes {
		return "@"
	}
	return "!"
}

type notCheck struct{ of check }

func (c notCheck) decide(e *evaluation) Verdict { return c.of.decide(e).not() }
func (c notCheck) String() string               { return "not " + c.of.String() }

type andCheck []check

func (c andCheck) decide(e *evaluation) Verdict {
	least := Yes
	for _, part := range c {
		if least = min(least, part.decide(e)); least == No {
			break
		}
	}
	return least
}

func (c andCheck) String() string { return joined(c, " and ") }

type orCheck []check

func (c orCheck) decide(e *evaluation) Verdict {
	greatest := No
	for _, part := range c {
		if greatest = max(greatest, part.decide(e)); greatest == Yes {
			break
		}
	}
	return greatest
}

func (c orCheck) String() string { return joined(c, " or ") }

func joined(parts []check, by string) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.String()
	}
	return "(" + strings.Join(texts, by) + ")"
}

// ruleCheck is rule:name. A rule that no one defined is the default rule, as in oslo.policy; without that one it is refused.
type ruleCheck string

func (c ruleCheck) decide(e *evaluation) Verdict {
	r, ok := e.rules.lookup(string(c))
	if !ok {
		return No
	}
	return r.decide(e)
}

func (c ruleCheck) String() string { return "rule:" + string(c) }

// roleCheck is role:name. Upper and lower case are alike.
type roleCheck struct{ match template }

func (c roleCheck) decide(e *evaluation) Verdict {
	name, v := c.match.expand(e)
	if v != Yes {
		return v
	}
	return verdictOf(slices.ContainsFunc(e.who.Roles, func(r string) bool { return strings.EqualFold(r, name) }))
}

func (c roleCheck) String() string { return "role:" + c.match.String() }

// literalCheck is 'a value':%(attribute)s, comparing the target with a literal of Python's.
type literalCheck struct {
	kind  string // as it was written
	value string
	match template
}

func (c literalCheck) decide(e *evaluation) Verdict {
	want, v := c.match.expand(e)
	if v != Yes {
		return v
	}
	return verdictOf(want == c.value)
}

func (c literalCheck) String() string { return c.kind + ":" + c.match.String() }

// callerCheck is attribute:value, comparing an attribute of the caller (user_id, project_id, system_scope …).
type callerCheck struct {
	attr  string
	match template
}

func (c callerCheck) decide(e *evaluation) Verdict {
	want, v := c.match.expand(e)
	if v != Yes {
		return v
	}
	return verdictOf(slices.Contains(e.who.values(c.attr), want))
}

func (c callerCheck) String() string { return c.attr + ":" + c.match.String() }

// ownerCheck is tenant_id:%(attribute)s: the caller's project is the target's, or with %(network:tenant_id)s that of the network that
// the target belongs to (neutron/policy.py, OwnerCheck).
type ownerCheck struct {
	attr                 string // of the target
	kind, key, parentKey string // of the parent: its kind, the target's attribute with its identifier, the parent's attribute
}

func (c ownerCheck) decide(e *evaluation) Verdict {
	if e.target == nil {
		return Maybe
	}
	owner, ok := e.attribute(c.attr)
	switch {
	case ok:
	case c.kind == extParent:
		owner, ok = e.parentInPath(c.parentKey)
	case c.key != "":
		owner, ok = e.parent(c.kind, c.key, c.parentKey)
	}
	return verdictOf(ok && slices.Contains(e.who.values("tenant_id"), owner.Text))
}

func (c ownerCheck) String() string { return "tenant_id:%(" + c.attr + ")s" }

// fieldCheck is field:collection:attribute=value, or =~regular expression, which is matched from the start of the value
// (neutron/policy.py, FieldCheck). field:networks:shared is also asked of what is in a network.
type fieldCheck struct {
	collection, attr, written string
	value                     string // as the attribute's converter makes it
	pattern                   *regexp.Regexp
}

func (c fieldCheck) decide(e *evaluation) Verdict {
	if e.target == nil {
		return Maybe
	}
	v, ok := e.attribute(c.attr)
	if !ok && c.collection == "networks" && c.attr == "shared" {
		v, ok = e.parent("network", "network_id", c.attr)
	}
	switch {
	case !ok || v.Null:
		return No
	case c.pattern != nil:
		return verdictOf(c.pattern.MatchString(v.Text))
	}
	return verdictOf(v.Text == c.value)
}

func (c fieldCheck) String() string { return "field:" + c.collection + ":" + c.attr + "=" + c.written }

// fieldValue brings the value of a field check into the form that targets have: what the attribute's converter makes of it.
func fieldValue(resources map[string]*apidef.Resource, collection, attr, value string) (string, error) {
	def := resources[collection]
	if def == nil {
		return value, nil
	}
	a := def.Attribute(attr)
	if a == nil || a.Convert == nil {
		return value, nil
	}
	v, err := a.Convert(value)
	if err != nil {
		return "", err
	}
	return apidef.Text(v), nil
}
