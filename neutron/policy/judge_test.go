package policy

import (
	"context"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// The callers of the tests.
var (
	admin   = &auth.Caller{UserID: "root", ProjectID: "ops", Roles: []string{"admin", "member", "reader"}}
	member  = &auth.Caller{UserID: "m", ProjectID: "blue", Roles: []string{"member", "reader"}}
	reader  = &auth.Caller{UserID: "r", ProjectID: "blue", Roles: []string{"reader"}}
	other   = &auth.Caller{UserID: "o", ProjectID: "red", Roles: []string{"member", "reader"}}
	service = &auth.Caller{UserID: "s", ProjectID: "services", Roles: []string{"advsvc"}}
	system  = &auth.Caller{UserID: "root", SystemScope: "all", Roles: []string{"admin", "member", "reader"}}
)

// blueNetwork is the network that the ports and subnets of the tests are in.
var blueNetwork = network{"id": "n1", "tenant_id": "blue", "project_id": "blue", "shared": false}

func judge(r *Rules, c *auth.Caller) *Judge {
	who := *c
	r.Identify(context.Background(), &who)
	return r.Judge(&who, blueNetwork)
}

func owned(project string, more apidef.Values) apidef.Values {
	v := apidef.Values{"project_id": project, "tenant_id": project, "network_id": "n1"}
	for k, e := range more {
		v[k] = e
	}
	return v
}

func refusal(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestWhoMayWrite has Neutron's words for what each caller may not do with Neutron's own rules.
func TestWhoMayWrite(t *testing.T) {
	rules := compile(t, Options{}, nil)
	fixed := []any{map[string]any{"subnet_id": "s", "ip_address": "10.0.0.5"}}
	for _, c := range []struct {
		name   string
		who    *auth.Caller
		action func(*apidef.Resource, apidef.Values) Action
		def    *apidef.Resource
		values apidef.Values
		want   string
	}{
		{"a member's network", member, Create, apidef.Networks(), owned("blue", nil), ""},
		{"a reader's network, while the legacy rules hold", reader, Create, apidef.Networks(), owned("blue", nil), ""},
		{"the default of an attribute", member, Create, apidef.Networks(), owned("blue", apidef.Values{"shared": false}), ""},
		{"a shared network", member, Create, apidef.Networks(), owned("blue", apidef.Values{"shared": true}),
			"(rule:create_network and rule:create_network:shared) is disallowed by policy"},
		{"two attributes", member, Create, apidef.Networks(), owned("blue", apidef.Values{"shared": true, "provider:network_type": "uplink"}),
			"((rule:create_network and rule:create_network:shared) and rule:create_network:provider:network_type) is disallowed by policy"},
		{"attributes in Neutron's order, a network's", member, Create, apidef.Networks(), owned("blue", apidef.Values{"provider:network_type": "uplink",
			"port_security_enabled": false, "mtu": int64(1400), "router:external": true}),
			"((((rule:create_network and rule:create_network:router:external) and rule:create_network:mtu) and " +
				"rule:create_network:port_security_enabled) and rule:create_network:provider:network_type) is disallowed by policy"},
		{"… a router's", member, Create, apidef.Routers(), owned("blue", apidef.Values{"distributed": true, "ha": true}),
			"((rule:create_router and rule:create_router:ha) and rule:create_router:distributed) is disallowed by policy"},
		{"… a port's", member, Create, apidef.Ports(), owned("red", apidef.Values{"binding:host_id": "h", "allowed_address_pairs": []any{}}),
			"((rule:create_port and rule:create_port:allowed_address_pairs) and rule:create_port:binding:host_id) is disallowed by policy"},
		{"an administrator's shared network", admin, Create, apidef.Networks(), owned("ops", apidef.Values{"shared": true}), ""},
		{"the system administrator's", system, Create, apidef.Networks(), owned("ops", apidef.Values{"shared": true}), ""},
		{"the default of an attribute, in an update", member, Update, apidef.Networks(), owned("blue", apidef.Values{"shared": false}),
			"(rule:update_network and rule:update_network:shared) is disallowed by policy"},
		{"an MTU, whose rule no one defined", member, Create, apidef.Networks(), owned("blue", apidef.Values{"mtu": int64(1400)}), ""},
		{"another's network", other, Update, apidef.Networks(), owned("blue", apidef.Values{"name": "x"}),
			"rule:update_network is disallowed by policy"},
		{"a subnet on the own network", member, Create, apidef.Subnets(), owned("blue", nil), ""},
		{"a subnet on another's network", other, Create, apidef.Subnets(), owned("red", nil), "rule:create_subnet is disallowed by policy"},
		{"another's subnet on the own network", member, Update, apidef.Subnets(), owned("red", nil), ""},
		{"addresses on the own network", member, Create, apidef.Ports(), owned("blue", apidef.Values{"fixed_ips": fixed}), ""},
		{"addresses on another's network", other, Create, apidef.Ports(), owned("red", apidef.Values{"fixed_ips": fixed}),
			"(rule:create_port and (rule:create_port:fixed_ips and (rule:create_port:fixed_ips:ip_address and " +
				"rule:create_port:fixed_ips:subnet_id))) is disallowed by policy"},
		{"a MAC address on the own network", member, Create, apidef.Ports(), owned("blue", apidef.Values{"mac_address": "x"}), ""},
		{"a MAC address on another's network", other, Create, apidef.Ports(), owned("red", apidef.Values{"mac_address": "x"}),
			"(rule:create_port and rule:create_port:mac_address) is disallowed by policy"},
		{"another MAC address", member, Update, apidef.Ports(), owned("blue", apidef.Values{"mac_address": "x"}),
			"(rule:update_port and rule:update_port:mac_address) is disallowed by policy"},
		{"a service's MAC address", service, Update, apidef.Ports(), owned("blue", apidef.Values{"mac_address": "x"}), ""},
		{"a host", member, Create, apidef.Ports(), owned("blue", apidef.Values{"binding:host_id": "h"}),
			"(rule:create_port and rule:create_port:binding:host_id) is disallowed by policy"},
		{"a kind of interface", member, Create, apidef.Ports(), owned("blue", apidef.Values{"binding:vnic_type": "direct"}), ""},
		{"a service's port on the own network", member, Create, apidef.Ports(),
			owned("blue", apidef.Values{"device_owner": "network:dhcp"}), ""},
		{"a service's port on another's network", other, Create, apidef.Ports(),
			owned("red", apidef.Values{"device_owner": "network:dhcp"}),
			"(rule:create_port and rule:create_port:device_owner) is disallowed by policy"},
		{"another owner's name on another's network", other, Create, apidef.Ports(),
			owned("red", apidef.Values{"device_owner": "compute:nova"}), ""},
	} {
		err := judge(rules, c.who).Enforce(t.Context(), c.action(c.def, c.values), object(c.values))
		if got := refusal(err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if err != nil && !errs.Is(err, errs.Forbidden) {
			t.Errorf("%s: kind %d", c.name, errs.KindOf(err))
		}
	}
}

// TestNewDefaults leaves the legacy rules out: a reader writes nothing, and an administrator is asked like anyone else.
func TestNewDefaults(t *testing.T) {
	rules := compile(t, Options{EnforceNewDefaults: true}, map[string]any{"update_network": "!"})
	create := Create(apidef.Networks(), owned("blue", nil))
	for who, want := range map[*auth.Caller]string{member: "", admin: "", reader: "rule:create_network is disallowed by policy"} {
		if got := refusal(judge(rules, who).Enforce(t.Context(), create, object(owned("blue", nil)))); got != want {
			t.Errorf("%s: %q", who.UserID, got)
		}
	}
	err := judge(rules, admin).Enforce(t.Context(), NewAction("update_network"), object(owned("blue", nil)))
	if want := "rule:update_network is disallowed by policy"; refusal(err) != want {
		t.Errorf("an administrator: %v", err)
	}
}

func TestScopes(t *testing.T) {
	rules := compile(t, Options{EnforceScope: true, EnforceNewDefaults: true}, nil)
	target := object(owned("blue", nil))
	err := judge(rules, system).Enforce(t.Context(), NewAction("get_network"), target)
	if want := "rule:get_network requires a scope of ['project'], request was made with system scope."; refusal(err) != want {
		t.Errorf("a system token: %v", err)
	}
	for who, want := range map[*auth.Caller]Verdict{system: No, member: Yes} {
		j := judge(rules, who)
		if got, err := j.Check(t.Context(), j.Known(t.Context(), NewAction("get_network")), target); got != want || err != nil {
			t.Errorf("%s in a list: %d, %v", who.UserID, got, err)
		}
	}
	if err := judge(rules, member).Enforce(t.Context(), NewAction("get_network"), target); err != nil {
		t.Errorf("a project's token: %v", err)
	}
}

// TestAParentThatIsGone gives the client the parent's own fault.
func TestAParentThatIsGone(t *testing.T) {
	rules := compile(t, Options{}, nil)
	target := owned("red", apidef.Values{"network_id": "n2", "mac_address": "x"})
	err := judge(rules, other).Enforce(t.Context(), Create(apidef.Ports(), target), object(target))
	if !errs.Is(err, errs.NotFound) || err.Error() != "Network n2 could not be found." {
		t.Errorf("%v", err)
	}
}

func TestIdentify(t *testing.T) {
	rules := compile(t, Options{}, map[string]any{"context_is_admin": "role:admin or role:cloud_admin"})
	for _, c := range []struct {
		who           auth.Caller
		admin, advsvc bool
	}{
		{auth.Caller{Roles: []string{"cloud_admin"}}, true, true}, {auth.Caller{Roles: []string{"ADVSVC"}}, false, true},
		{auth.Caller{Roles: []string{"member"}}, false, false}, {auth.Caller{Admin: true}, true, true},
	} {
		rules.Identify(t.Context(), &c.who)
		if c.who.Admin != c.admin || c.who.Advsvc != c.advsvc {
			t.Errorf("roles %v: admin %t, advsvc %t", c.who.Roles, c.who.Admin, c.who.Advsvc)
		}
	}
}

// parentsOf are resources by kind, all with one identifier.
type parentsOf map[string]object

func (p parentsOf) ParentAttribute(_ context.Context, kind, id, attr string) (Value, error) {
	if p[kind] == nil || id != "p1" {
		return Value{}, errs.New(errs.NotFound, "NotFound", "%s %s could not be found.", kind, id)
	}
	v, _ := p[kind].Attribute(attr)
	return v, nil
}

// TestTheParentInThePath: ext_parent is whatever the target's path is below.
func TestTheParentInThePath(t *testing.T) {
	rules := compile(t, Options{}, map[string]any{"create_floatingip_port_forwarding": "rule:ext_parent_owner"})
	create := NewAction("create_floatingip_port_forwarding")
	for _, c := range []struct {
		target object
		want   string
	}{
		{object{ParentInPath("floatingip"): "p1"}, ""},
		{object{ParentInPath("router"): "p1"}, "rule:create_floatingip_port_forwarding is disallowed by policy"},
		{object{ParentInPath("floatingip"): "p2"}, "floatingip p2 could not be found."},
		{object{"project_id": "blue"}, "rule:create_floatingip_port_forwarding is disallowed by policy"},
	} {
		who := *member
		rules.Identify(t.Context(), &who)
		j := rules.Judge(&who, parentsOf{"floatingip": {"tenant_id": "blue"}, "router": {"tenant_id": "red"}})
		if got := refusal(j.Enforce(t.Context(), create, c.target)); got != c.want {
			t.Errorf("%v: %q, want %q", c.target, got, c.want)
		}
	}
}
