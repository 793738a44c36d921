package api

import (
	"reflect"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// mayWrite refuses attributes that only an administrator may give (neutron/conf/policies/network.py and port.py). On create the
// default may be given by anyone, since it changes nothing (neutron/policy.py, _is_attribute_explicitly_set).
func mayWrite(def *apidef.Resource, c *auth.Caller, action string, values apidef.Values, given map[string]bool) error {
	if c.Admin {
		return nil
	}
	rule := "rule:" + action + "_" + def.Name
	refused := rule
	for _, a := range def.Attributes {
		if !a.ForAdmin(action == "update") || !given[a.Name] || action == "create" && reflect.DeepEqual(values[a.Name], a.Default) {
			continue
		}
		refused = "(" + refused + " and " + rule + ":" + a.Name + ")"
	}
	if refused == rule {
		return nil
	}
	return errs.New(errs.Forbidden, "PolicyNotAuthorized", "%s is disallowed by policy", refused)
}

// mayRead reports whether the caller sees the attribute.
func mayRead(a *apidef.Attribute, c *auth.Caller) bool { return c.Admin || !a.AdminRead }
