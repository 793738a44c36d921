package api

import (
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// TestPortPolicies follows neutron/conf/policies/port.py: a member may ask for a MAC address and not change it, and has no say in the
// binding.
func TestPortPolicies(t *testing.T) {
	member, admin := &auth.Caller{ProjectID: "blue"}, &auth.Caller{Admin: true}
	for _, c := range []struct {
		action, attr string
		allowed      bool
	}{
		{"create", "name", true}, {"create", "mac_address", true}, {"update", "mac_address", false},
		{"create", "binding:vnic_type", true}, {"create", "binding:host_id", false}, {"update", "binding:profile", false},
	} {
		values, given := apidef.Values{c.attr: "x"}, map[string]bool{c.attr: true}
		if err := mayWrite(apidef.Ports(), admin, c.action, values, given); err != nil {
			t.Errorf("an administrator may not %s %s: %v", c.action, c.attr, err)
		}
		err := mayWrite(apidef.Ports(), member, c.action, values, given)
		if c.allowed && err != nil || !c.allowed && !errs.Is(err, errs.Forbidden) {
			t.Errorf("%s of %s by a member: %v", c.action, c.attr, err)
		}
	}
	for _, attr := range []string{"binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details"} {
		if mayRead(apidef.Ports().Attribute(attr), member) {
			t.Errorf("a member sees %s", attr)
		}
	}
}
