package apidef

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
)

const uuid = "6fa459ea-ee8a-4ca4-894e-db77e160355e"

// decode reads a body as the controller does.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// wantFault asks for the exception class and text that Neutron answers.
func wantFault(t *testing.T, body string, err error, typ, message string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: error %v, want %s %q", body, err, typ, message)
		return
	}
	if e.Type != typ || e.Message != message || e.Kind != errs.Invalid {
		t.Errorf("%s:\ngot  %s %q\nwant %s %q", body, e.Type, e.Message, typ, message)
	}
}

func TestCreateRefusals(t *testing.T) {
	long := strings.Repeat("x", 256)
	in := func(attr, reason string) string { return "Invalid input for " + attr + ". Reason: " + reason + "." }
	for _, c := range []struct {
		r            *Resource
		body         string
		typ, message string
	}{
		{Networks(), `{"colour":"blue","taste":1}`, "HTTPBadRequest", "Unrecognized attribute(s) 'colour, taste'"},
		{Networks(), `{"status":"DOWN"}`, "HTTPBadRequest", "Attribute 'status' not allowed in POST"},
		{Networks(), `{"id":"` + uuid + `"}`, "HTTPBadRequest", "Attribute 'id' not allowed in POST"},
		{Networks(), `{"name":4}`, "HTTPBadRequest", in("name", "'4' is not a valid string")},
		{Networks(), `{"name":null}`, "HTTPBadRequest", in("name", "'None' is not a valid string")},
		{Networks(), `{"name":["x"]}`, "HTTPBadRequest", in("name", "'['x']' is not a valid string")},
		{Networks(), `{"name":{"a":true,"b":null}}`, "HTTPBadRequest", in("name", "'{'a': True, 'b': None}' is not a valid string")},
		{Networks(), `{"name":"` + long + `"}`, "HTTPBadRequest", in("name", "'"+long+"' exceeds maximum length of 255")},
		{Networks(), `{"admin_state_up":"perhaps"}`, "InvalidInput",
			"Invalid input for operation: 'perhaps' cannot be converted to boolean."},
		{Networks(), `{"shared":null}`, "InvalidInput", "Invalid input for operation: 'None' cannot be converted to boolean."},
		{Networks(), `{"mtu":-1}`, "HTTPBadRequest", in("mtu", "'-1' should be non-negative")},
		{Networks(), `{"mtu":"big"}`, "InvalidInput", "Invalid input for operation: 'big' is not an integer."},
		{Networks(), `{"mtu":1e999999999}`, "InvalidInput", "Invalid input for operation: '1e999999999' is not an integer."},
		{Networks(), `{"provider:segmentation_id":"x"}`, "InvalidInput", "Invalid input for operation: 'x' is not an integer."},
		{Networks(), `{"tenant_id":"a","project_id":"b"}`, "HTTPBadRequest", "'project_id' and 'tenant_id' do not match"},
		{Subnets(), `{"network_id":"` + uuid + `"}`, "HTTPBadRequest",
			"Failed to parse request. Required attribute 'ip_version' not specified"},
		{Subnets(), subnet(`"ip_version":5`), "HTTPBadRequest", in("ip_version", "5 is not in valid_values")},
		{Subnets(), subnet(`"cidr":"10.0.0.0/33"`), "InvalidInput",
			"Invalid input for operation: 10.0.0.0/33 is not in a CIDR format."},
		{Subnets(), subnet(`"cidr":null`), "InvalidInput", "Invalid input for operation: None is not in a CIDR format."},
		{Subnets(), subnet(`"gateway_ip":"10.0.0.300"`), "HTTPBadRequest",
			in("gateway_ip", "'10.0.0.300' is not a valid IP address")},
		{Subnets(), subnet(`"gateway_ip":"010.0.0.1"`), "HTTPBadRequest",
			in("gateway_ip", "'010.0.0.1' is not an accepted IP address, '10.0.0.1' is recommended")},
		{Subnets(), subnet(`"gateway_ip":"fe80::1%eth0"`), "HTTPBadRequest",
			in("gateway_ip", "'fe80::1%eth0' is not a valid IP address")},
		{Subnets(), subnet(`"allocation_pools":{}`), "HTTPBadRequest",
			in("allocation_pools", "Invalid data format for IP pool: '{}'")},
		{Subnets(), subnet(`"allocation_pools":["x"]`), "HTTPBadRequest",
			in("allocation_pools", "Invalid input. 'x' must be a dictionary with keys: ['start', 'end']")},
		{Subnets(), subnet(`"allocation_pools":[{"start":"10.0.0.9"}]`), "HTTPBadRequest", in("allocation_pools",
			"Validation of dictionary's keys failed. Expected keys: {'start', 'end'} Provided keys: {'start'}")},
		{Subnets(), subnet(`"allocation_pools":[{"start":"10.0.0.9","end":7}]`), "HTTPBadRequest",
			in("allocation_pools", "'7' is not a valid IP address")},
		{Subnets(), subnet(`"dns_nameservers":["x"]`), "HTTPBadRequest",
			in("dns_nameservers", "'x' is not a valid nameserver. 'x' is not a valid IP address")},
		{Subnets(), subnet(`"dns_nameservers":["9.9.9.9","9.9.9.9"]`), "HTTPBadRequest",
			in("dns_nameservers", "Duplicate nameserver '9.9.9.9'")},
		{Subnets(), subnet(`"host_routes":[{"destination":"x","nexthop":"10.0.0.1"}]`), "HTTPBadRequest",
			in("host_routes", "'x' is not a valid CIDR")},
		{Subnets(), subnet(`"host_routes":[{"destination":"10.0.0.7/8","nexthop":"10.0.0.1"}]`), "HTTPBadRequest",
			in("host_routes", "'10.0.0.7/8' is not a recognized CIDR, '10.0.0.0/8' is recommended")},
		{Subnets(), subnet(`"host_routes":[{"destination":"10.0.0.7","nexthop":"10.0.0.1"}]`), "HTTPBadRequest",
			in("host_routes", "'10.0.0.7' is not a recognized CIDR, '10.0.0.7/32' is recommended")},
		{Subnets(), subnet(`"host_routes":[{"destination":"127.0.0.0/8","nexthop":"10.0.0.1"}]`), "HTTPBadRequest",
			in("host_routes", "'127.0.0.0/8' is not a routable CIDR")},
		{Subnets(), subnet(`"host_routes":[{"destination":"10.0.0.0/8","nexthop":"x"}]`), "HTTPBadRequest",
			in("host_routes", "'x' is not a valid IP address")},
		{Subnets(), subnet(`"host_routes":[{"destination":"10.0.0.0/8","nexthop":"10.0.0.1"},` +
			`{"nexthop":"10.0.0.1","destination":"10.0.0.0/8"}]`), "HTTPBadRequest",
			in("host_routes", "Duplicate hostroute '{'destination': '10.0.0.0/8', 'nexthop': '10.0.0.1'}'")},
		{Subnets(), subnet(`"ipv6_ra_mode":"magic"`), "HTTPBadRequest", in("ipv6_ra_mode", "magic is not in valid_values")},
		{Subnets(), subnet(`"subnetpool_id":"x"`), "HTTPBadRequest", in("subnetpool_id", "'x' is not a valid UUID")},
		{Ports(), `{"name":"x"}`, "HTTPBadRequest", "Failed to parse request. Required attribute 'network_id' not specified"},
		{Ports(), `{"network_id":"blue"}`, "HTTPBadRequest", in("network_id", "'blue' is not a valid UUID")},
		{Ports(), `{"network_id":""}`, "HTTPBadRequest", in("network_id", "'' is not a valid UUID")},
		{Ports(), port(`"mac_address":"02:00:00:00:00"`), "HTTPBadRequest",
			in("mac_address", "'02:00:00:00:00' is not a valid MAC address")},
		{Ports(), port(`"mac_address":"00:00:00:00:00:00"`), "HTTPBadRequest",
			in("mac_address", "'00:00:00:00:00:00' is not a valid MAC address")},
		{Ports(), port(`"mac_address":"ff-ff-ff-ff-ff-ff"`), "HTTPBadRequest",
			in("mac_address", "'ff:ff:ff:ff:ff:ff' is not a valid MAC address")},
		{Ports(), port(`"device_owner":"network:router_interface "`), "HTTPBadRequest",
			in("device_owner", "'network:router_interface ' ends in a space")},
		{Ports(), port(`"device_id":"x "`), "HTTPBadRequest", in("device_id", "'x ' ends in a space")},
		{Ports(), port(`"extra_dhcp_opts":[{"opt_name":"mtu ","opt_value":"1400"}]`), "InvalidInput",
			"Invalid input for operation: No valid key specs matched for: {'opt_name': 'mtu ', 'opt_value': '1400'}."},
		{RBACPolicies(), `{"object_type":"network","object_id":"` + uuid + `","action":"access_as_shared","target_tenant":"* "}`, "HTTPBadRequest",
			in("target_tenant", "'* ' ends in a space")},
		{Ports(), port(`"fixed_ips":"10.0.0.5"`), "HTTPBadRequest",
			in("fixed_ips", "Invalid data format for fixed IP: '10.0.0.5'")},
		{Ports(), port(`"fixed_ips":["10.0.0.5"]`), "HTTPBadRequest",
			in("fixed_ips", "Invalid data format for fixed IP: '10.0.0.5'")},
		{Ports(), port(`"fixed_ips":[{"ip_address":"10.0.0.5"},{"ip_address":"10.0.0.5"}]`), "HTTPBadRequest",
			in("fixed_ips", "Duplicate IP address '10.0.0.5'")},
		{Ports(), port(`"fixed_ips":[{"subnet_id":7}]`), "HTTPBadRequest", in("fixed_ips", "'7' is not a valid UUID")},
		{Ports(), port(`"binding:vnic_type":"magic"`), "HTTPBadRequest", in("binding:vnic_type", "magic is not in valid_values")},
		{Ports(), port(`"binding:profile":"x"`), "HTTPBadRequest", in("binding:profile", "'x' is not a dictionary")},
		{Ports(), port(`"binding:vif_type":"ovs"`), "HTTPBadRequest", "Attribute 'binding:vif_type' not allowed in POST"},
		{Ports(), port(`"port_security_enabled":"perhaps"`), "InvalidInput",
			"Invalid input for operation: 'perhaps' cannot be converted to boolean."},
		{Ports(), port(`"security_groups":"x"`), "HTTPBadRequest", in("security_groups", "'x' is not a list")},
		{Ports(), port(`"security_groups":["x"]`), "HTTPBadRequest", in("security_groups", "'x' is not a valid UUID")},
		{Ports(), port(`"security_groups":["` + uuid + `","` + uuid + `"]`), "HTTPBadRequest",
			in("security_groups", "Duplicate items in the list: '"+uuid+"'")},
		{Ports(), port(`"allowed_address_pairs":{}`), "HTTPBadRequest", "Allowed address pairs must be a list."},
		{Ports(), port(`"allowed_address_pairs":["x"]`), "HTTPBadRequest", in("allowed_address_pairs", "'x' is not a dictionary")},
		{Ports(), pairs(`{"mac_address":"x","ip_address":"10.0.0.5"}`), "HTTPBadRequest", "'x' is not a valid MAC address"},
		{Ports(), pairs(`{"mac_address":"fa:16:3e:00:00:01"}`), "AllowedAddressPairsMissingIP",
			"AllowedAddressPair must contain ip_address"},
		{Ports(), pairs(`{"ip_address":"10.0.0.5"},{"ip_address":"10.0.0.5"}`), "DuplicateAddressPairInRequest",
			"Request contains duplicate address pair: mac_address None ip_address 10.0.0.5."},
		{Ports(), pairs(`{"ip_address":"10.0.0.5","colour":"blue"}`), "HTTPBadRequest", "Unrecognized attribute(s) 'colour'"},
		{Ports(), pairs(`{"ip_address":"10.0.0.500"}`), "HTTPBadRequest", "'10.0.0.500' is not a valid IP address"},
		{Ports(), pairs(`{"ip_address":"10.0.0.5/33"}`), "HTTPBadRequest", "'10.0.0.5/33' is not a valid IP subnet"},
		{Ports(), pairs(`{"ip_address":"10.0.0.5/255.255.255.0"}`), "HTTPBadRequest",
			"'10.0.0.5/255.255.255.0' isn't a recognized IP subnet cidr, '10.0.0.0/24' is recommended"},
		{Ports(), port(`"extra_dhcp_opts":{}`), "InvalidInput", "Invalid input for operation: '{}' is not a list."},
		{Ports(), port(`"extra_dhcp_opts":[{"colour":"blue"}]`), "InvalidInput",
			"Invalid input for operation: No valid key specs matched for: {'colour': 'blue'}."},
		{Ports(), port(`"extra_dhcp_opts":[{"opt_name":"mtu","opt_value":""}]`), "InvalidInput",
			"Invalid input for operation: No valid key specs matched for: {'opt_name': 'mtu', 'opt_value': ''}."},
		{Ports(), port(`"extra_dhcp_opts":[{"opt_name":"mtu"}]`), "InvalidInput",
			"Invalid input for operation: No valid key specs matched for: {'opt_name': 'mtu'}."},
		{Ports(), port(`"extra_dhcp_opts":[{"opt_name":"mtu","opt_value":"1","ip_version":5}]`), "InvalidInput",
			"Invalid input for operation: No valid key specs matched for: {'ip_version': 5, 'opt_name': 'mtu', 'opt_value': '1'}."},
	} {
		_, _, err := c.r.CheckCreate(decode(t, c.body), Owner{ProjectID: "blue", Admin: true})
		wantFault(t, c.body, err, c.typ, c.message)
	}
}

// pairs is a valid body with address pairs.
func pairs(list string) string { return port(`"allowed_address_pairs":[` + list + `]`) }

// subnet is a valid body with one attribute changed; of a name given twice, JSON takes the last.
func subnet(attr string) string {
	return `{"network_id":"` + uuid + `","ip_version":4,"cidr":"10.0.0.0/24",` + attr + `}`
}

func port(attr string) string { return `{"network_id":"` + uuid + `",` + attr + `}` }

// TestRulesOpenNothingByMistake: a group that was left empty, and numbers in other forms than their own.
func TestRulesOpenNothingByMistake(t *testing.T) {
	for given, typ := range map[string]string{
		`"remote_group_id":""`: "SecurityGroupNotFound", `"remote_address_group_id":""`: "AddressGroupNotFound", `"remote_group_id":[]`: "SecurityGroupNotFound",
		`"protocol":"06"`: "SecurityGroupRuleInvalidProtocol", `"protocol":"6 "`: "SecurityGroupRuleInvalidProtocol", `"protocol":"+6"`: "SecurityGroupRuleInvalidProtocol",
		`"protocol":"-0"`: "SecurityGroupRuleInvalidProtocol", `"protocol":"256"`: "SecurityGroupRuleInvalidProtocol", `"protocol":""`: "SecurityGroupRuleInvalidProtocol",
	} {
		_, _, err := SecurityGroupRules().CheckCreate(decode(t, `{"security_group_id":"`+uuid+`","direction":"ingress",`+given+`}`), Owner{ProjectID: "blue"})
		var fault *errs.Error
		if !errors.As(err, &fault) || fault.Type != typ {
			t.Errorf("%s: %v, and not %s", given, err, typ)
		}
	}
}

func TestUpdateRefusals(t *testing.T) {
	for _, c := range []struct {
		r             *Resource
		body, message string
	}{
		{Networks(), `{"status":"DOWN"}`, "Cannot update read-only attribute status"},
		{Networks(), `{"tenant_id":"blue"}`, "Cannot update read-only attribute tenant_id"},
		{Networks(), `{"project_id":"blue"}`, "Cannot update read-only attribute tenant_id"},
		{Networks(), `{"colour":1}`, "Unrecognized attribute(s) 'colour'"},
		{Subnets(), `{"cidr":"10.0.0.0/8"}`, "Cannot update read-only attribute cidr"},
		{Ports(), `{"network_id":"` + uuid + `"}`, "Cannot update read-only attribute network_id"},
	} {
		_, _, err := c.r.CheckUpdate(decode(t, c.body), Owner{Admin: true})
		wantFault(t, c.body, err, "HTTPBadRequest", c.message)
	}
}

func TestOwnership(t *testing.T) {
	_, _, err := Networks().CheckCreate(decode(t, `{"project_id":"red"}`), Owner{ProjectID: "blue"})
	wantFault(t, "another's project", err, "HTTPBadRequest", "Specifying 'project_id' or 'tenant_id' other than the authenticated "+
		"project in request requires admin or advsvc privileges")
	_, _, err = Networks().CheckCreate(decode(t, `{"tenant_id":""}`), Owner{})
	wantFault(t, "nobody's, by who has no project", err, "HTTPBadRequest", "Specifying 'project_id' or 'tenant_id' other than the authenticated "+
		"project in request requires admin or advsvc privileges")
	for _, body := range []string{`{}`, `{"tenant_id":""}`} {
		_, _, err = Networks().CheckCreate(decode(t, body), Owner{Admin: true})
		wantFault(t, "no project", err, "HTTPBadRequest", "Running without keystone AuthN requires that tenant_id is specified")
	}
	for body, want := range map[string]string{`{}`: "blue", `{"tenant_id":"red"}`: "red", `{"project_id":"red","tenant_id":"red"}`: "red"} {
		values, _, err := Networks().CheckCreate(decode(t, body), Owner{ProjectID: "blue", Admin: true})
		if err != nil || values["project_id"] != want {
			t.Errorf("%s is owned by %v, %v; want %s", body, values["project_id"], err, want)
		}
		if _, ok := values["tenant_id"]; ok {
			t.Errorf("%s: the alias is handed on", body)
		}
	}
}

func TestCreateFillsDefaultsAndTellsWhatWasGiven(t *testing.T) {
	values, given, err := Networks().CheckCreate(decode(t, `{"name":"n","admin_state_up":"off","mtu":"1400"}`), Owner{ProjectID: "blue"})
	if err != nil {
		t.Fatal(err)
	}
	want := Values{"name": "n", "admin_state_up": false, "mtu": int64(1400), "shared": false, "router:external": false,
		"port_security_enabled": true, "description": "", "project_id": "blue", "availability_zone_hints": []any{}, "dns_domain": "",
		"is_default": false}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"name": true, "admin_state_up": true, "mtu": true}, given); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}
}

func TestUpdateHasNoDefaults(t *testing.T) {
	values, _, err := Ports().CheckUpdate(decode(t, `{"name":"x"}`), Owner{})
	if diff := cmp.Diff(Values{"name": "x"}, values); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestNumbersFitTheirColumn at the edge of the quota of a pool.
func TestNumbersFitTheirColumn(t *testing.T) {
	body := func(n string) map[string]any { return decode(t, `{"default_quota":`+n+`}`) }
	if _, _, err := SubnetPools().CheckUpdate(body("2147483647"), Owner{}); err != nil {
		t.Error(err)
	}
	_, _, err := SubnetPools().CheckUpdate(body("2147483648"), Owner{})
	wantFault(t, "one more", err, "HTTPBadRequest",
		"Invalid input for default_quota. Reason: '2147483648' is too large - must be no larger than '2147483647'.")
}

// TestBindingsAreBounded at the edges of what is kept.
func TestBindingsAreBounded(t *testing.T) {
	host := func(n int) map[string]any { return map[string]any{"binding:host_id": strings.Repeat("h", n)} }
	if _, _, err := Ports().CheckUpdate(host(255), Owner{}); err != nil {
		t.Error(err)
	}
	_, _, err := Ports().CheckUpdate(host(256), Owner{})
	wantFault(t, "a host", err, "HTTPBadRequest", "Invalid input for binding:host_id. Reason: '"+strings.Repeat("h", 256)+"' exceeds maximum length of 255.")
}

func TestConversions(t *testing.T) {
	for _, c := range []struct {
		r          *Resource
		attr, body string
		want       any
	}{
		{Subnets(), "cidr", subnet(`"cidr":"10.1.2.3/16"`), "10.1.0.0/16"},
		{Subnets(), "cidr", subnet(`"cidr":"10.0.0.0"`), "10.0.0.0/32"},
		{Subnets(), "cidr", subnet(`"cidr":"10.0.0.0/255.255.254.0"`), "10.0.0.0/23"},
		{Subnets(), "cidr", subnet(`"cidr":"FD00:0::/64"`), "fd00::/64"},
		{Subnets(), "gateway_ip", subnet(`"gateway_ip":"FD00:0:0::1"`), "fd00::1"},
		{Subnets(), "gateway_ip", subnet(`"gateway_ip":null`), nil},
		{Subnets(), "dns_nameservers", subnet(`"dns_nameservers":null`), []any{}},
		{Subnets(), "ip_version", subnet(`"ip_version":"6"`), int64(6)},
		{Ports(), "mac_address", port(`"mac_address":"FA-16-3E-00-00-01"`), "fa:16:3e:00:00:01"},
		{Ports(), "mac_address", port(`"mac_address":"fa163e000001"`), "fa:16:3e:00:00:01"},
		{Ports(), "extra_dhcp_opts", port(`"extra_dhcp_opts":null`), []any{}},
		{Ports(), "extra_dhcp_opts", port(`"extra_dhcp_opts":[{"opt_name":"router","opt_value":"","ip_version":"4"}]`),
			[]any{map[string]any{"opt_name": "router", "opt_value": "", "ip_version": int64(4)}}},
		{Ports(), "security_groups", port(`"security_groups":null`), []any{}},
		{Ports(), "allowed_address_pairs", port(`"allowed_address_pairs":null`), []any{}},
		{Ports(), "allowed_address_pairs", pairs(`{"ip_address":"10.0.0.5/24","mac_address":"FA-16-3E-00-00-01"}`),
			[]any{map[string]any{"ip_address": "10.0.0.5/24", "mac_address": "fa:16:3e:00:00:01"}}},
		{Networks(), "admin_state_up", `{"admin_state_up":" Yes "}`, true},
		{Networks(), "admin_state_up", `{"admin_state_up":0}`, false},
		{Networks(), "admin_state_up", `{"admin_state_up":-0}`, false},
		{Networks(), "mtu", `{"mtu":1400.9}`, int64(1400)},
	} {
		values, _, err := c.r.CheckCreate(decode(t, c.body), Owner{ProjectID: "blue"})
		if err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if diff := cmp.Diff(c.want, values[c.attr]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.body, diff)
		}
	}
}

// TestNumberText has what Python's repr() says.
func TestNumberText(t *testing.T) {
	for in, want := range map[json.Number]string{"5": "5", "-0": "0", "1e0": "1.0", "-0.0": "-0.0", "1.50": "1.5", "1E15": "1000000000000000.0", "1e16": "1e+16",
		"0.0001": "0.0001", "0.00001": "1e-05", "100000000000000000000": "100000000000000000000", "1e400": "1e400"} {
		if got := text(in); got != want {
			t.Errorf("%s is written %s, and not %s", in, got, want)
		}
	}
}

func TestFilterText(t *testing.T) {
	for _, c := range []struct {
		r              *Resource
		attr, in, want string
	}{
		{Networks(), "shared", "yes", "True"}, {Networks(), "admin_state_up", "0", "False"}, {Networks(), "mtu", " 1400 ", "1400"},
		{Networks(), "mtu", "+1_400", "1400"}, {Networks(), "mtu", "-99999999999999999999", "-99999999999999999999"},
		{Networks(), "name", " a ", " a "}, {Subnets(), "cidr", "10.0.0.1/24", "10.0.0.0/24"},
		{Subnets(), "gateway_ip", "FD00::1", "fd00::1"}, {Ports(), "mac_address", "FA-16-3E-00-00-01", "fa:16:3e:00:00:01"},
		{Ports(), "fixed_ips", "ip_address = 10.0.0.5", "ip_address=10.0.0.5"},
	} {
		if got, err := c.r.Attribute(c.attr).FilterText(c.in); err != nil || got != c.want {
			t.Errorf("%s=%s is %q, %v; want %q", c.attr, c.in, got, err, c.want)
		}
	}
	_, err := Ports().Attribute("fixed_ips").FilterText("10.0.0.5")
	wantFault(t, "fixed_ips=10.0.0.5", err, "InvalidInput", "Invalid input for operation: '10.0.0.5' is not of the form <key>=[value].")
}

// FuzzCheckCreate asks that no body makes the checks panic, and that every refusal is the client's fault.
func FuzzCheckCreate(f *testing.F) {
	f.Add(subnet(`"host_routes":[{"destination":"10.0.0.0/8","nexthop":"10.0.0.1"}],"allocation_pools":[{"start":1,"end":null}]`))
	f.Add(port(`"fixed_ips":[{"ip_address":"fd00::1","subnet_id":null}],"extra_dhcp_opts":[{"opt_name":1,"opt_value":[]}]`))
	f.Add(port(`"security_groups":[[],null],"allowed_address_pairs":[{"ip_address":7,"mac_address":[]},{"ip_address":"1/2"}]`))
	f.Add(`{"mtu":1e30,"provider:segmentation_id":-0.0,"name":"'\"\\"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range []*Resource{Networks(), Subnets(), Ports()} {
			var body map[string]any
			if json.NewDecoder(strings.NewReader(text)).Decode(&body) != nil {
				return
			}
			if _, _, err := r.CheckCreate(decode(t, text), Owner{ProjectID: "blue", Admin: true}); err != nil && !errs.Is(err, errs.Invalid) {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

// TestInternalAttributesAreUnknown: a body cannot tell what this program keeps for itself from what there is not.
func TestInternalAttributesAreUnknown(t *testing.T) {
	for _, def := range All() {
		for _, a := range def.Attributes {
			if !a.Internal {
				continue
			}
			want := "Unrecognized attribute(s) '" + a.Name + "'"
			if _, _, err := def.CheckUpdate(map[string]any{a.Name: "x"}, Owner{Admin: true}); err == nil || err.Error() != want {
				t.Errorf("%s %s: %v", def.Noun(), a.Name, err)
			}
			if a.Create || a.Update || a.Filter || a.Sort || !a.Hidden {
				t.Errorf("%s %s is internal, and clients meet it", def.Noun(), a.Name)
			}
		}
	}
}
