package compare

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/test/original"
)

// place is a collection in the world.
type place struct {
	def    *apidef.Resource
	parent string            // the name of what it is below; empty for most
	item   string            // the name of one that is there; empty where nothing is
	base   map[string]string // what a POST has, each attribute's JSON; nil where clients make nothing
	beside map[string]string // what another has that lives beside it, where they cannot be alike
}

func (p place) path() string {
	if p.def.Parent != nil {
		return "/v2.0/" + p.def.Parent.Path + "/" + p.parent + "/" + p.def.Path
	}
	return "/v2.0/" + p.def.Path
}

// world is what is asked about: every resource that is served. Port bindings are not made here: without agents neutron-server has nothing to
// bind with (test/replay has its answers with some).
func world() []place {
	return []place{
		{def: apidef.Networks(), item: "$net1", base: map[string]string{}},
		{def: apidef.Subnets(), item: "$sub1", base: map[string]string{"network_id": `"$netb"`, "ip_version": "4", "cidr": `"10.0.9.0/24"`},
			beside: map[string]string{"cidr": `"10.0.8.0/24"`}},
		{def: apidef.Ports(), item: "$port1", base: map[string]string{"network_id": `"$net1"`, "fixed_ips": "[]"}},
		{def: apidef.PortBindings(), parent: "$port1"},
		{def: apidef.Routers(), item: "$r1", base: map[string]string{}},
		{def: apidef.FloatingIPs(), item: "$fip1", base: map[string]string{"floating_network_id": `"$ext"`}},
		{def: apidef.PortForwardings(), parent: "$pfip", item: "$pf1", base: map[string]string{"internal_port_id": `"$pfp"`,
			"internal_ip_address": `"10.0.1.50"`, "protocol": `"tcp"`, "internal_port": "80", "external_port": "8080"},
			beside: map[string]string{"internal_port": "81", "external_port": "8081"}},
		{def: apidef.SubnetPools(), item: "$pool4", base: map[string]string{"name": `"p"`, "prefixes": `["10.200.0.0/16"]`}},
		{def: apidef.AddressScopes(), item: "$scope4", base: map[string]string{"name": `"s"`, "ip_version": "4"}},
		{def: apidef.RBACPolicies(), item: "$rb1", base: map[string]string{"object_type": `"network"`, "object_id": `"$netb"`,
			"action": `"access_as_shared"`, "target_tenant": `"zed"`}, beside: map[string]string{"target_tenant": `"upd"`}},
		{def: apidef.SecurityGroups(), item: "$sg1", base: map[string]string{"name": `"g"`}},
		{def: apidef.SecurityGroupRules(), item: "$rule0", base: map[string]string{"security_group_id": `"$sgb"`, "direction": `"ingress"`},
			beside: map[string]string{"protocol": `"udp"`}},
		{def: apidef.AddressGroups(), item: "$ag1", base: map[string]string{"name": `"a"`}},
		{def: apidef.Flavors(), item: "$fl1", base: map[string]string{"name": `"f"`, "service_type": `"L3_ROUTER_NAT"`}},
		{def: apidef.FlavorProfiles(), parent: "$fl1"},
		{def: apidef.NextProviders(), parent: "$fl1"},
		{def: apidef.ServiceProfiles(), item: "$sp1", base: map[string]string{"description": `"d"`, "driver": `""`, "metainfo": `"{}"`}},
		{def: apidef.Agents()},
		{def: apidef.AvailabilityZones()},
		{def: apidef.ServiceProviders()},
		{def: apidef.NetworkIPAvailabilities(), item: "$net1"},
	}
}

// step makes something that the world has under a name.
type step struct{ name, path, attrs string }

// steps make the world. What addresses it has lie beyond those that a server draws.
var steps = []step{
	{"net1", "networks", `{"name":"net1","description":"one","tenant_id":"blue"}`},
	{"net2", "networks", `{"name":"net2","shared":true,"admin_state_up":false,"tenant_id":"blue","port_security_enabled":false}`},
	{"net3", "networks", `{"name":"Net 3_%","tenant_id":"red","dns_domain":"example.org."}`},
	{"netb", "networks", `{"name":"netb"}`},
	{"ext", "networks", `{"name":"ext","router:external":true,"tenant_id":"ops"}`},
	{"scope4", "address-scopes", `{"name":"scope4","ip_version":4,"shared":true}`},
	{"scope6", "address-scopes", `{"name":"scope6","ip_version":6,"tenant_id":"blue"}`},
	{"pool4", "subnetpools", `{"name":"pool4","prefixes":["10.16.0.0/12"],"default_prefixlen":24,"address_scope_id":"$scope4","shared":true,"is_default":true}`},
	{"pool6", "subnetpools", `{"name":"pool6","prefixes":["fd00:6::/40"],"default_prefixlen":64,"tenant_id":"blue","default_quota":1000000}`},
	{"sub1", "subnets", `{"name":"sub1","network_id":"$net1","ip_version":4,"cidr":"10.0.1.0/24","tenant_id":"blue","dns_nameservers":["192.0.2.9"]}`},
	{"sub1b", "subnets", `{"name":"sub1b","network_id":"$net1","ip_version":4,"cidr":"10.0.2.0/24","enable_dhcp":false,"gateway_ip":null,"tenant_id":"blue","service_types":["compute:nova"]}`},
	{"sub6", "subnets", `{"name":"sub6","network_id":"$net1","ip_version":6,"cidr":"fd00:1::/64","ipv6_ra_mode":"slaac","ipv6_address_mode":"slaac","tenant_id":"blue"}`},
	{"sub2", "subnets", `{"name":"sub2","network_id":"$net2","ip_version":4,"subnetpool_id":"$pool4","tenant_id":"blue"}`},
	{"sub3", "subnets", `{"name":"sub3","network_id":"$net3","ip_version":4,"cidr":"192.168.0.0/24","tenant_id":"red"}`},
	{"sube", "subnets", `{"name":"sube","network_id":"$ext","ip_version":4,"cidr":"172.24.4.0/24","tenant_id":"ops"}`},
	{"sg1", "security-groups", `{"name":"sg1","description":"web","tenant_id":"blue"}`},
	{"sg2", "security-groups", `{"name":"sg2","tenant_id":"blue"}`},
	{"sg3", "security-groups", `{"name":"sg3","stateful":false,"tenant_id":"red"}`},
	{"sgb", "security-groups", `{"name":"sgb"}`},
	{"ag1", "address-groups", `{"name":"ag1","addresses":["10.0.0.0/8","fd00::/16"],"tenant_id":"blue"}`},
	{"rule0", "security-group-rules", `{"security_group_id":"$sg1","protocol":"tcp","port_range_min":80,"port_range_max":90,"direction":"ingress","description":"r0","tenant_id":"blue"}`},
	{"rule1", "security-group-rules", `{"security_group_id":"$sg1","protocol":"udp","ethertype":"IPv6","direction":"egress","description":"r1","tenant_id":"blue"}`},
	{"rule2", "security-group-rules", `{"security_group_id":"$sg1","protocol":"icmp","port_range_min":8,"port_range_max":0,"direction":"ingress","tenant_id":"blue"}`},
	{"rule3", "security-group-rules", `{"security_group_id":"$sg1","protocol":"47","direction":"ingress","tenant_id":"blue"}`},
	{"rule4", "security-group-rules", `{"security_group_id":"$sg1","protocol":null,"direction":"ingress","tenant_id":"blue"}`},
	{"rule5", "security-group-rules", `{"security_group_id":"$sg1","protocol":"tcp","remote_group_id":"$sg2","direction":"ingress","tenant_id":"blue"}`},
	{"rule6", "security-group-rules", `{"security_group_id":"$sg1","protocol":"tcp","remote_address_group_id":"$ag1","direction":"ingress","tenant_id":"blue"}`},
	{"rule7", "security-group-rules", `{"security_group_id":"$sg1","protocol":"tcp","remote_ip_prefix":"10.1.2.3/24","direction":"ingress","tenant_id":"blue"}`},
	{"port1", "ports", `{"name":"port1","network_id":"$net1","mac_address":"fa:16:3e:00:11:22","fixed_ips":[{"subnet_id":"$sub1","ip_address":"10.0.1.111"}],"device_id":"dev-1","device_owner":"compute:nova","security_groups":["$sg1"],"tenant_id":"blue","binding:host_id":"host1","dns_name":"web"}`},
	{"port2", "ports", `{"name":"port2","network_id":"$net1","fixed_ips":[{"subnet_id":"$sub1b","ip_address":"10.0.2.110"}],"mac_address":"fa:16:3e:00:11:33","security_groups":["$sg1","$sg2"],"tenant_id":"blue","device_owner":"compute:nova","allowed_address_pairs":[{"ip_address":"10.9.0.0/16"}],"description":"two"}`},
	{"port3", "ports", `{"name":"port3","network_id":"$net2","mac_address":"fa:16:3e:00:11:44","admin_state_up":false,"port_security_enabled":false,"security_groups":[],"tenant_id":"red","fixed_ips":[],"extra_dhcp_opts":[{"opt_name":"mtu","opt_value":"1400"}]}`},
	{"pfp", "ports", `{"network_id":"$net1","name":"pfp","tenant_id":"blue","fixed_ips":[{"subnet_id":"$sub1","ip_address":"10.0.1.50"}]}`},
	{"r1", "routers", `{"name":"r1","tenant_id":"blue","external_gateway_info":{"network_id":"$ext","external_fixed_ips":[{"subnet_id":"$sube","ip_address":"172.24.4.110"}]}}`},
	{"r2", "routers", `{"name":"r2","tenant_id":"red","admin_state_up":false,"description":"rr"}`},
	{"", "routers/$r1/add_router_interface", `{"subnet_id":"$sub1"}`},
	{"fip1", "floatingips", `{"floating_network_id":"$ext","port_id":"$port1","tenant_id":"blue","floating_ip_address":"172.24.4.100","description":"f1"}`},
	{"fip2", "floatingips", `{"floating_network_id":"$ext","tenant_id":"red","floating_ip_address":"172.24.4.101"}`},
	{"pfip", "floatingips", `{"floating_network_id":"$ext","tenant_id":"blue","floating_ip_address":"172.24.4.120"}`},
	{"pf1", "floatingips/$pfip/port_forwardings", `{"internal_port_id":"$pfp","internal_ip_address":"10.0.1.50","protocol":"tcp","internal_port":90,"external_port":9000}`},
	{"pf2", "floatingips/$pfip/port_forwardings", `{"internal_port_id":"$pfp","internal_ip_address":"10.0.1.50","protocol":"udp","internal_port":91,"external_port":9001,"description":"dns"}`},
	{"rb1", "rbac-policies", `{"object_type":"network","object_id":"$net1","action":"access_as_shared","target_tenant":"red","tenant_id":"blue"}`},
	{"rb2", "rbac-policies", `{"object_type":"security_group","object_id":"$sg1","action":"access_as_shared","target_tenant":"*"}`},
	{"sp1", "service_profiles", `{"description":"sp1","driver":"","metainfo":"{\"a\":1}"}`},
	{"fl1", "flavors", `{"name":"fl1","service_type":"L3_ROUTER_NAT","description":"fl"}`},
	{"fl2", "flavors", `{"name":"fl2","service_type":"L3_ROUTER_NAT","enabled":false}`},
	{"", "networks/$net1/tags", `{"tags":["red","blue"]}`},
	{"", "networks/$net3/tags", `{"tags":["blue"]}`},
	{"", "ports/$port1/tags", `{"tags":["a"]}`},
	{"", "ports/$port2/tags", `{"tags":["a","b"]}`},
	{"", "routers/$r1/tags", `{"tags":["x","y"]}`},
	{"", "subnets/$sub1/tags", `{"tags":["s"]}`},
	{"", "floatingips/$fip1/tags", `{"tags":["f"]}`},
	{"", "security-groups/$sg1/tags", `{"tags":["g"]}`},
	{"", "subnetpools/$pool4/tags", `{"tags":["p"]}`},
}

// buildWorld makes the same in both.
func (l *laboratory) buildWorld(t *testing.T) {
	t.Helper()
	for _, s := range []*side{l.theirs, l.ours} {
		for _, make := range steps {
			s.make(t, make)
		}
	}
}

// make makes a step: a POST of a resource, or a PUT where the step makes nothing.
func (s *side) make(t *testing.T, make step) {
	t.Helper()
	by := administrator(ownerOf(make))
	if make.name == "" {
		if a := s.ask(t, request{method: "PUT", path: "/v2.0/" + make.path, body: make.attrs, caller: by}); a.status != 200 {
			t.Fatalf("%s: PUT %s: %s", s.base, make.path, a.short())
		}
		return
	}
	def := definitionAt(make.path)
	a := s.ask(t, request{method: "POST", path: "/v2.0/" + make.path, body: wrapped(def, make.attrs), caller: by})
	ids := made(def, a)
	if len(ids) != 1 {
		t.Fatalf("%s: POST %s %s: %s", s.base, make.path, make.attrs, a.short())
	}
	s.ids[make.name] = ids[0]
}

// administrator is one who is a member of a project. Zed's own rules of security groups and of port forwardings let nobody else in.
func administrator(project string) original.Caller {
	return original.Caller{Project: project, Roles: operator.Roles}
}

// owned is what attributes say of their owner.
var owned = regexp.MustCompile(`"tenant_id":"(\w+)"`)

// ownerOf is the project that a step's resource belongs to, or the one that it is below.
func ownerOf(made step) string {
	if above := strings.TrimPrefix(named.FindString(made.path), "$"); above != "" {
		if i := slices.IndexFunc(steps, func(s step) bool { return s.name == above }); i >= 0 {
			return ownerOf(steps[i])
		}
	}
	if of := owned.FindStringSubmatch(made.attrs); of != nil {
		return of[1]
	}
	return operator.Project
}

// definitionAt returns the definition of the collection at a path.
func definitionAt(path string) *apidef.Resource {
	for _, p := range world() {
		if p.path() == "/v2.0/"+path {
			return p.def
		}
	}
	panic("no collection at " + path) // a slip in steps
}

// callers are who looks at everything.
func callers() []original.Caller {
	if *newDefaults {
		return []original.Caller{operator, blue, red, reader, writer}
	}
	return []original.Caller{operator, blue, red}
}
