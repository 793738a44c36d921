package policy

import (
	"maps"
	"reflect"
	"slices"

	"midonet.org/midonet/neutron/apidef"
)

// Action is what a caller asks to do: a rule's name such as get_network or, for a create or an update, that rule and those of the
// attributes that are given.
type Action struct {
	name  string
	check check
	with  bool // rules of attributes have joined
}

// NewAction returns the action that the rule of that name governs.
func NewAction(rule string) Action { return Action{name: rule, check: ruleCheck(rule)} }

// String returns the action as Neutron's refusals write it: (rule:create_network and rule:create_network:shared).
func (a Action) String() string { return a.check.String() }

func (a Action) and(c check) Action {
	return Action{name: a.name, check: andCheck{a.check, c}, with: true}
}

// Create is the creation of a resource with the given values. Values that are the attribute's default ask for nothing that needs a
// permission (neutron/policy.py, _is_attribute_explicitly_set).
func Create(def *apidef.Resource, values apidef.Values) Action {
	return write("create_"+def.Noun(), def, values, func(a *apidef.Attribute) bool {
		v, ok := values[a.Name]
		if a.NullByDefault {
			return v != nil
		}
		return ok && (a.Default == nil || !reflect.DeepEqual(v, a.Default))
	})
}

// Update is a change of the given attributes.
func Update(def *apidef.Resource, values apidef.Values) Action {
	return write("update_"+def.Noun(), def, values, func(a *apidef.Attribute) bool {
		_, ok := values[a.Name]
		return ok
	})
}

// write joins the rule of an action with those of the attributes that are set (neutron/policy.py, _build_match_rule).
func write(rule string, def *apidef.Resource, values apidef.Values, set func(*apidef.Attribute) bool) Action {
	action := NewAction(rule)
	for i := range def.Attributes {
		a := &def.Attributes[i]
		if !a.Policy || !set(a) {
			continue
		}
		var c check = ruleCheck(rule + ":" + a.Name)
		if parts := subAttributes(rule+":"+a.Name, a.Keys, values[a.Name]); len(parts) > 0 {
			c = andCheck{c, parts}
		}
		action = action.and(c)
	}
	return action
}

// subAttributes are the rules of the keys of an object for which there are some, such as create_router:external_gateway_info:enable_snat,
// and those of the keys of the objects in a list, such as create_port:fixed_ips:ip_address: all that the definition has, or those that are given, in
// alphabetical order, since their own is not kept.
func subAttributes(rule string, keys []string, value any) andCheck {
	if object, ok := value.(map[string]any); ok {
		return keyRules(rule, keys, object)
	}
	list, ok := value.([]any)
	if !ok {
		return nil
	}
	var parts andCheck
	for _, entry := range list {
		object, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		names := keys
		if len(names) == 0 {
			names = slices.Sorted(maps.Keys(object))
		}
		for _, key := range names {
			parts = append(parts, ruleCheck(rule+":"+key))
		}
	}
	return parts
}

func keyRules(rule string, keys []string, object map[string]any) andCheck {
	var parts andCheck
	for _, key := range keys {
		if _, ok := object[key]; ok {
			parts = append(parts, ruleCheck(rule+":"+key))
		}
	}
	return parts
}
