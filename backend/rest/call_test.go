package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/test/golden"
)

// TestRequests is what MidoNet is sent for everything that can be done, as text: method, path, the headers that say something, and what MidoNet
// reads of the body. Identifiers are numbered as they appear.
func TestRequests(t *testing.T) {
	midonet := newFakeMidoNet(t)
	s := newServer(t, midonet.uri())
	everything(s)
	text := &transcript{names: map[string]string{}}
	for _, r := range midonet.requests {
		text.add(r)
	}
	golden.Check(t, "testdata/requests.txt", text.String())
}

// everything makes, changes and deletes each kind of resource in every way that tells MidoNet something of its own.
func everything(s *neutronServer) {
	s.Helper()
	outside := create(s, s.core.Networks(), admin, body(model.Network{Name: "outside", AdminStateUp: true, External: true,
		PortSecurityEnabled: true}, "router:external"))
	s.subnet(admin, outside, "198.51.100.0/24")
	blue := s.network(alice, "blue")
	subnet := s.subnet(alice, blue, "10.0.0.0/24")
	update(s, s.core.Networks(), alice, blue.ID, body(model.Network{Name: "bluer"}, "name"))
	update(s, s.core.Subnets(), alice, subnet.ID,
		body(model.Subnet{DNSNameservers: []netip.Addr{netip.MustParseAddr("10.0.0.53")}}, "dns_nameservers"))

	group := create(s, s.core.SecurityGroups(), alice, body(model.SecurityGroup{Name: "web", Stateful: true}))
	update(s, s.core.SecurityGroups(), alice, group.ID, body(model.SecurityGroup{Name: "www"}, "name"))
	tcp, web := "tcp", 80
	rule := create(s, s.core.SecurityGroupRules(), alice, body(model.SecurityGroupRule{SecurityGroupID: group.ID, Direction: model.Ingress,
		EtherType: model.IPv4, Protocol: &tcp, PortRangeMin: &web, PortRangeMax: &web}))
	vm := create(s, s.core.Ports(), alice, body(model.Port{NetworkID: blue.ID, AdminStateUp: true, DeviceOwner: "compute:nova",
		FixedIPs: []model.FixedIP{{IPAddress: netip.MustParseAddr("10.0.0.10")}}, SecurityGroups: []model.SecurityGroupID{group.ID}},
		"network_id", "fixed_ips", "security_groups"))
	update(s, s.core.Ports(), admin, vm.ID, body(model.Port{HostID: "host1", ExtraDHCP: []model.ExtraDHCPOpt{{Name: "tftp-server", Value: "10.0.0.9",
		IPVersion: 4}}}, "binding:host_id", "extra_dhcp_opts"))

	router := create(s, s.l3.Routers(), alice, body(model.Router{Name: "r", AdminStateUp: true,
		Gateway: &model.GatewayInfo{NetworkID: outside.ID, SNATByDefault: true,
			FixedIPs: []model.FixedIP{{IPAddress: netip.MustParseAddr("198.51.100.10")}}}}, "external_gateway_info"))
	action(s, s.l3.AddInterface, router, `{"subnet_id": %q}`, subnet.ID)
	update(s, s.l3.Routers(), alice, router.ID, body(model.Router{Routes: []model.HostRoute{{
		Destination: netip.MustParsePrefix("192.0.2.0/24"), NextHop: netip.MustParseAddr("10.0.0.77")}}}, "routes"))
	update(s, s.l3.Routers(), alice, router.ID, body(model.Router{}, "routes"))
	floating := create(s, s.l3.FloatingIPs(), alice, body(model.FloatingIP{FloatingNetworkID: outside.ID,
		FloatingIPAddress: netip.MustParseAddr("198.51.100.20")}))
	update(s, s.l3.FloatingIPs(), alice, floating.ID, body(model.FloatingIP{PortID: vm.ID}, "port_id"))

	check(s, s.l3.FloatingIPs().Delete(ctx, alice, floating.ID.String()))
	action(s, s.l3.RemoveInterface, router, `{"subnet_id": %q}`, subnet.ID)
	update(s, s.l3.Routers(), alice, router.ID, body(model.Router{}, "external_gateway_info"))
	check(s, s.l3.Routers().Delete(ctx, alice, router.ID.String()))
	check(s, s.core.Ports().Delete(ctx, alice, vm.ID.String()))
	for _, r := range append(group.Rules, *rule) {
		check(s, s.core.SecurityGroupRules().Delete(ctx, alice, r.ID.String()))
	}
	check(s, s.core.SecurityGroups().Delete(ctx, alice, group.ID.String()))
	check(s, s.core.Networks().Delete(ctx, alice, blue.ID.String()))
}

// transcript writes requests with names for what differs between runs.
type transcript struct {
	strings.Builder
	names map[string]string
}

var (
	identifiers = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times       = regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z`)
	macs        = regexp.MustCompile(`fa:16:3e(:[0-9a-f]{2}){3}`)
)

func (x *transcript) add(s seen) {
	text := fmt.Sprintf("%s %s\n", s.method, s.path)
	for _, name := range []string{"Content-Type", "Accept"} {
		if v := s.header.Get(name); v != "" {
			text += name + ": " + v + "\n"
		}
	}
	text += read(s.body) + "\n\n"
	text = identifiers.ReplaceAllStringFunc(text, func(id string) string {
		if x.names[id] == "" {
			x.names[id] = fmt.Sprintf("id%d", len(x.names)+1)
		}
		return x.names[id]
	})
	x.WriteString(macs.ReplaceAllString(times.ReplaceAllString(text, "TIME"), "MAC"))
}

// attributes are what MidoNet reads (midonet-cluster's neutron/models); it passes over everything else.
var attributes = strings.Fields(`admin_state_up allowed_address_pairs allocation_pools binding:host_id binding:profile cidr description
	device_id device_owner direction dns_nameservers enable_dhcp ethertype external_gateway_info extra_dhcp_opts fixed_ip_address fixed_ips
	floating_ip_address floating_network_id gateway_ip gw_port_id host_routes id ip_version mac_address name network_id port_id
	port_range_max port_range_min port_security_enabled protocol provider:network_type qos_policy_id remote_group_id remote_ip_prefix
	router:external router_id routes security_group_id security_group_rules security_groups shared status subnet_id subnet_ids tenant_id`)

// read is a body with those attributes alone.
func read(body string) string {
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		return body
	}
	maps.DeleteFunc(all, func(attr string, _ json.RawMessage) bool { return !slices.Contains(attributes, attr) })
	text, err := json.Marshal(all)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestTasksWithoutCalls: what MidoNet's API does not have, and what no one sends.
func TestTasksWithoutCalls(t *testing.T) {
	for want, task := range map[string]journal.Task{
		"has no ADDRESSGROUP":  {Type: journal.Create, DataType: journal.AddressGroup, Data: []byte("{}")},
		"has no TEAPOT":        {Type: journal.Delete, DataType: "TEAPOT"},
		`"FLUSH" is not known`: {Type: journal.Flush, DataType: journal.Network},
		"the interface of":     {Type: journal.Create, DataType: journal.RouterInterface, Data: []byte("[]")},
	} {
		if _, err := CallOf(task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", task, err, want)
		}
	}
}

func TestJudgements(t *testing.T) {
	network := func(what journal.Type) journal.Task { return journal.Task{Type: what, DataType: journal.Network} }
	plug := journal.Task{Type: journal.Create, DataType: journal.RouterInterface}
	for _, c := range []struct {
		task   journal.Task
		status int
		body   string
		want   verdict
	}{
		{network(journal.Create), 201, "", done},
		{network(journal.Update), 200, "", done},
		{network(journal.Delete), 204, "", done},
		{network(journal.Delete), 404, "", done},
		{network(journal.Update), 404, "", refused},
		{network(journal.Create), 409, "", compare},
		{network(journal.Update), 409, "", refused},
		{network(journal.Delete), 409, "", refused},
		{network(journal.Create), 300, "", refused},
		{network(journal.Create), 400, "", refused},
		{network(journal.Create), 500, "", refused},
		{network(journal.Create), 502, "", again},
		{network(journal.Update), 503, "", again},
		{network(journal.Delete), 504, "", again},
		{plug, 409, `{"message": "A(n) Port with ID x already exists."}`, done},
		{plug, 409, `{"message": "Router x has no port whose subnet contains y"}`, refused},
	} {
		if got := judge(c.task, answer{c.status, []byte(c.body)}); got != c.want {
			t.Errorf("%s %s answered %d %s: %d, want %d", c.task.Type, c.task.DataType, c.status, c.body, got, c.want)
		}
	}
}

func TestMessages(t *testing.T) {
	for want, a := range map[string]answer{
		"It is so.": {400, []byte(`{"message": "It is so.", "code": 400}`)},
		"Validation error(s) found name: is too long.": {400, []byte(`{"message": "Validation error(s) found", "code": 400,
			"violations": [{"property": "name", "message": "is too long"}]}`)},
		"<html>": {502, []byte("<html>\n")},
		http.StatusText(http.StatusServiceUnavailable): {http.StatusServiceUnavailable, nil},
	} {
		if got := a.message(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
