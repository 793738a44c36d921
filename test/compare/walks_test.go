package compare

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/test/original"
)

// The tables of the other files ask what somebody thought of. A walk is steps at random through a small world of its own: several callers make, join,
// change, share and delete things, well or badly. After each step both servers must have answered alike, and show the same of what there is, with the
// same revisions.

var (
	oneWalk  = flag.Uint64("walk", 0, "the number of a walk to take alone, and to tell each step of")
	allWalks = flag.Uint64("walks", 12, "how many walks are taken")
	length   = flag.Int("steps", 70, "how many steps a walk has")
	seed     = flag.Uint64("seed", 0, "another one gives other walks")
)

// choices are attributes, or names of actions, each with the values that a walk chooses from.
type choices map[string][]string

// kind is of what walks make. In the JSON of values, @port stands for a port of the walk, or for one that there is not.
type kind struct {
	def    *apidef.Resource
	slots  int
	parent string  // the noun of what it is below
	need   choices // what a POST has, each attribute's values
	may    choices // what a POST or a PUT has besides
	post   choices // what a POST alone has besides
	put    choices // what a PUT alone has besides
	acts   choices // what is done to one, by PUT unless it says otherwise, and the bodies
	by     choices // what a list is asked by besides
}

var common = choices{"name": {`"a"`, `"b"`, `""`}, "description": {`"one"`, `""`}}

var booleans = []string{"true", "false"}

// kinds are in the order in which they are made; what comes later is deleted first.
var kinds = []kind{
	{def: apidef.AddressScopes(), slots: 2, need: choices{"name": {`"scope"`}, "ip_version": {"4", "6"}}, may: choices{"shared": booleans}},
	{def: apidef.SubnetPools(), slots: 2,
		need: choices{"name": {`"pool"`}, "prefixes": {`["10.0.1.0/24"]`, `["10.0.1.0/24","10.0.2.0/24"]`, `["fd00:1::/62"]`}},
		may: choices{"default_prefixlen": {"25", "26", "64"}, "min_prefixlen": {"25", "28", "64"}, "max_prefixlen": {"28", "32", "64"},
			"default_quota":    {"64", "256", "null"},
			"address_scope_id": {`"@address_scope"`, "null"}, "shared": booleans, "is_default": booleans},
		acts: choices{"add_prefixes": {`{"prefixes":["10.0.2.0/24"]}`, `{"prefixes":["10.0.1.0/25"]}`},
			"remove_prefixes":         {`{"prefixes":["10.0.2.0/24"]}`, `{"prefixes":["10.0.1.0/24"]}`},
			"onboard_network_subnets": {`{"network_id":"@network"}`}}},
	{def: apidef.AddressGroups(), slots: 2, need: choices{"name": {`"ag"`}}, may: choices{"addresses": {`[]`, `["10.1.0.0/16"]`, `["fd00::1/128","10.2.0.0/16"]`}},
		acts: choices{"add_addresses": {`{"addresses":["10.1.0.0/16"]}`, `{"addresses":["10.3.0.1"]}`},
			"remove_addresses": {`{"addresses":["10.1.0.0/16"]}`, `{"addresses":["10.3.0.1"]}`}}},
	{def: apidef.SecurityGroups(), slots: 3, need: choices{"name": {`"sg"`, `"default"`}}, may: choices{"stateful": booleans}},
	{def: apidef.SecurityGroupRules(), slots: 4, need: choices{"security_group_id": {`"@security_group"`, `"@security_group"`, `"$default"`}, "direction": {`"ingress"`, `"egress"`}},
		may: choices{"protocol": {`"tcp"`, `"udp"`, `"icmp"`, `"6"`, "null", `"ipv6-icmp"`, `"gre"`, `"any"`}, "port_range_min": {"80", "8"},
			"port_range_max": {"80", "90", "0"}, "ethertype": {`"IPv4"`, `"IPv6"`},
			"remote_group_id": {`"@security_group"`, `"$default"`}, "remote_ip_prefix": {`"10.1.0.0/16"`, `"fd00::/64"`}, "remote_address_group_id": {`"@address_group"`}}},
	{def: apidef.Networks(), slots: 3, may: choices{"shared": booleans, "router:external": booleans, "admin_state_up": booleans, "port_security_enabled": booleans,
		"dns_domain": {`"example.org."`, `""`}, "is_default": booleans, "mtu": {"0", "1400", "1200", "9000"}}},
	{def: apidef.RBACPolicies(), slots: 3, need: choices{"object_type": {`"network"`, `"security_group"`, `"address_scope"`, `"subnetpool"`, `"address_group"`},
		"object_id":     {`"@network"`, `"@network"`, `"@security_group"`, `"@address_scope"`, `"@subnetpool"`, `"@address_group"`},
		"action":        {`"access_as_shared"`, `"access_as_shared"`, `"access_as_external"`},
		"target_tenant": {`"red"`, `"blue"`, `"*"`}}, put: choices{"target_tenant": {`"red"`, `"blue"`, `"*"`}}},
	{def: apidef.Subnets(), slots: 4, need: choices{"network_id": {`"@network"`}, "ip_version": {"4", "4", "6"}},
		may: choices{"cidr": {`"10.0.1.0/24"`, `"10.0.2.0/24"`, `"192.168.0.0/24"`, `"172.24.4.0/24"`, `"fd00:1::/64"`, `"fd00:2::/64"`, `"10.0.2.0/30"`},
			"gateway_ip":  {"null", `"10.0.1.254"`, `"fd00:1::fe"`},
			"enable_dhcp": booleans, "dns_nameservers": {`["10.9.9.9"]`, `[]`}, "host_routes": {`[{"destination":"10.7.0.0/16","nexthop":"10.0.1.200"}]`, `[]`},
			"service_types": {`["compute:nova"]`, `["network:floatingip"]`, `[]`}, "subnetpool_id": {`"@subnetpool"`}, "prefixlen": {"26", "64"},
			"use_default_subnetpool": {"true"},
			"ipv6_ra_mode":           {`"slaac"`}, "ipv6_address_mode": {`"slaac"`, `"dhcpv6-stateless"`},
			"allocation_pools": {`[{"start":"10.0.1.2","end":"10.0.1.253"}]`, `[{"start":"10.0.1.2","end":"10.0.1.3"},{"start":"10.0.1.110","end":"10.0.1.120"}]`, `[]`}},
		by: choices{"name": {"a", "b"}, "shared": booleans}},
	{def: apidef.Ports(), slots: 6, need: choices{"network_id": {`"@network"`}},
		may: choices{"fixed_ips": {`[]`, `[{"subnet_id":"@subnet"}]`, `[{"ip_address":"10.0.1.111"}]`, `[{"subnet_id":"@subnet","ip_address":"10.0.1.112"}]`, `[{"subnet_id":"@subnet"},{"subnet_id":"@subnet"}]`,
			`[{"ip_address":"fd00:1::5"}]`, `[{"subnet_id":"@subnet"},{"ip_address":"10.0.1.113"}]`},
			"mac_address": {`"02:00:00:00:00:01"`, `"02:00:00:00:00:02"`}, "device_id": {`"vm"`, `"@router"`, `""`},
			"device_owner": {`"compute:nova"`, `""`, `"network:dhcp"`, `"network:router_interface"`, `"network:floatingip"`}, "admin_state_up": booleans,
			"security_groups":       {`[]`, `["@security_group"]`, `["@security_group","@security_group"]`, `["$default"]`, "null"},
			"allowed_address_pairs": {`[]`, `[{"ip_address":"10.9.0.1"}]`, `[{"ip_address":"10.9.0.0/24","mac_address":"02:00:00:00:00:09"}]`},
			"port_security_enabled": booleans, "extra_dhcp_opts": {`[{"opt_name":"mtu","opt_value":"1400"}]`, `[{"opt_name":"mtu","opt_value":null}]`},
			"dns_name": {`"web"`, `""`}, "dns_domain": {`"example.org."`, `""`}, "binding:vnic_type": {`"normal"`, `"direct"`}, "binding:profile": {`{"a":"b"}`, `{}`}},
		by: choices{"fixed_ips": {"subnet_id=@subnet", "ip_address=10.0.1.111", "ip_address_substr=10.0.1.11"}, "device_id": {"@router", "vm"},
			"mac_address": {"02:00:00:00:00:01"}}},
	{def: apidef.Routers(), slots: 2,
		may: choices{"external_gateway_info": {`{"network_id":"$ext"}`, `{"network_id":"@network"}`, "null", `{"network_id":"$ext","enable_snat":false}`},
			"admin_state_up": booleans},
		post: choices{"external_gateway_info": {`{"network_id":"$ext"}`, `{"network_id":"@network","external_fixed_ips":[{"subnet_id":"@subnet"}]}`,
			`{"network_id":"$ext","external_fixed_ips":[{"ip_address":"172.24.4.200"}]}`}},
		put: choices{"routes": {`[{"destination":"10.5.0.0/16","nexthop":"10.0.1.200"}]`, `[]`}},
		acts: choices{"add_router_interface": {`{"subnet_id":"@subnet"}`, `{"subnet_id":"@subnet"}`, `{"port_id":"@port"}`},
			"remove_router_interface": {`{"subnet_id":"@subnet"}`, `{"port_id":"@port"}`},
			"add_extraroutes":         {`{"router":{"routes":[{"destination":"10.6.0.0/16","nexthop":"10.0.1.201"}]}}`},
			"remove_extraroutes":      {`{"router":{"routes":[{"destination":"10.6.0.0/16","nexthop":"10.0.1.201"}]}}`}}},
	{def: apidef.FloatingIPs(), slots: 3, need: choices{"floating_network_id": {`"$ext"`, `"$ext"`, `"@network"`}},
		may:  choices{"port_id": {`"@port"`, "null"}, "fixed_ip_address": {`"10.0.1.111"`}, "dns_name": {`"fip"`}},
		post: choices{"floating_ip_address": {`"172.24.4.210"`, `"172.24.4.100"`, `"10.0.1.114"`}, "subnet_id": {`"$sube"`, `"@subnet"`}},
		by:   choices{"router_id": {"@router"}, "floating_ip_address": {"172.24.4.210"}}},
	{def: apidef.PortForwardings(), slots: 2, parent: "floatingip", need: choices{"internal_port_id": {`"@port"`},
		"internal_ip_address": {`"10.0.1.111"`, `"10.0.1.112"`},
		"protocol":            {`"tcp"`, `"udp"`}, "internal_port": {"80", "81"}, "external_port": {"8080", "8081"}}},
	{def: apidef.PortForwardings(), slots: 3, parent: "floatingip", need: choices{"internal_port_id": {`"@port"`},
		"internal_ip_address": {`"10.0.1.111"`, `"10.0.1.112"`}, "protocol": {`"tcp"`, `"udp"`},
		"internal_port_range": {`"80:81"`, `"81:90"`, `"90:90"`, `"70:79"`}, "external_port_range": {`"8080:8081"`, `"8081:8090"`, `"8090:8090"`, `"8079"`}}},
	{def: apidef.ServiceProfiles(), slots: 2, need: choices{"driver": {`""`, `"x.y"`}, "metainfo": {`"{}"`}}, may: choices{"enabled": booleans}},
	{def: apidef.Flavors(), slots: 2, need: choices{"name": {`"f"`}, "service_type": {`"L3_ROUTER_NAT"`, `"FOO"`}}, may: choices{"enabled": booleans},
		acts: choices{"POST service_profiles": {`{"service_profile":{"id":"@service_profile"}}`}, "DELETE service_profiles/@service_profile": {``},
			"GET service_profiles/@service_profile": {``}, "GET next_providers": {``}}},
}

// Of those who ask, some may only read or only write, some are services, one administers from a project that has things, and one has no role that a rule knows.
var (
	reader   = original.Caller{Project: "blue", Roles: []string{"reader"}}
	writer   = original.Caller{Project: "blue", Roles: []string{"member"}}
	service  = original.Caller{Project: "service", Roles: []string{"advsvc"}}
	manager  = original.Caller{Project: "blue", Roles: []string{"admin"}}
	stranger = original.Caller{Project: "red", Roles: []string{"other"}}
	walkers  = []original.Caller{operator, operator, operator, operator, blue, blue, blue, blue, red, red, reader, writer, service, manager, stranger}
)

// kindsOf are those of a walk. Some walks have few, and so come to what is rare where there are all.
func kindsOf(number uint64) []kind {
	switch number % 6 {
	case 0: // routers that are distributed and highly available, without gateways, for which neutron-server would make ports of its own
		all := slices.Clone(kinds)
		routers := among(all, "router")
		routers.may = choices{"distributed": booleans, "ha": booleans, "admin_state_up": booleans}
		routers.post = nil
		return all
	case 1: // workloads that move from host to host
		few := only("network", "subnet", "port")
		ports := among(few, "port")
		ports.need = choices{"network_id": {`"@network"`}, "device_owner": {`"compute:nova"`}}
		ports.may = choices{"binding:host_id": {`"host1"`, `"host2"`, `"host3"`, `"elsewhere"`, `""`}, "binding:profile": {`{"a":"b"}`, `{}`}, "name": {`"a"`}}
		ports.acts = choices{"POST bindings": {`{"binding":{"host":"host1"}}`, `{"binding":{"host":"host2","profile":{"a":"b"}}}`,
			`{"binding":{"host":"host3","vnic_type":"direct"}}`},
			"bindings/host1":          {`{"binding":{"profile":{"c":"d"}}}`, `{"binding":{"profile":{},"vnic_type":"normal"}}`},
			"bindings/host1/activate": {`{}`}, "bindings/host2/activate": {`{}`}, "DELETE bindings/host1": {``}, "DELETE bindings/host2": {``},
			"GET bindings": {``}, "GET bindings/host2": {``}}
		return few
	case 2: // ports that are forwarded
		few := only("network", "subnet", "port", "router", "floatingip", "floatingip_port_forwarding")
		among(few, "subnet").need = choices{"network_id": {`"@network"`}, "ip_version": {"4"}, "cidr": {`"10.0.1.0/24"`}}
		among(few, "subnet").may = nil
		ports := among(few, "port")
		ports.need = choices{"network_id": {`"@network"`}, "fixed_ips": {`[{"ip_address":"10.0.1.111"}]`, `[{"ip_address":"10.0.1.112"}]`}}
		ports.may, ports.acts = nil, nil
		routers := among(few, "router")
		routers.need = choices{"external_gateway_info": {`{"network_id":"$ext"}`}}
		routers.may, routers.post = choices{"admin_state_up": booleans}, nil
		routers.acts = choices{"add_router_interface": {`{"subnet_id":"@subnet"}`}, "remove_router_interface": {`{"subnet_id":"@subnet"}`}}
		among(few, "floatingip").need = choices{"floating_network_id": {`"$ext"`}}
		return few
	case 3: // what other things are made from
		return only("address_scope", "subnetpool", "address_group", "network", "subnet", "flavor", "service_profile")
	}
	return kinds
}

func only(nouns ...string) []kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool { return !slices.Contains(nouns, k.def.Noun()) })
}

// among is the first of its noun.
func among(all []kind, noun string) *kind {
	return &all[slices.IndexFunc(all, func(k kind) bool { return k.def.Noun() == noun })]
}

// walk is one of them. Its chances decide what is asked: both servers are asked the same.
type walk struct {
	*laboratory
	t *testing.T
	*rand.Rand
	number     uint64
	kinds      []kind
	topologies []string            // the projects that have got one
	there      map[string][]string // the names of what was made, by noun
	below      map[string]string   // the path that it is below
	told       bool
}

func (l *laboratory) askWalks(t *testing.T) {
	numbers := []uint64{*oneWalk}
	if *oneWalk == 0 {
		numbers = nil
		for n := range *allWalks {
			numbers = append(numbers, n+1)
		}
	}
	for _, caller := range walkers { // whose first look, or port that comes to nothing, makes its default group there
		l.asks(t, request{method: "GET", path: "/v2.0/security-groups", caller: caller}, sorted)
	}
	for _, s := range []*side{l.theirs, l.ours} {
		s.ids["default"] = s.defaultGroup(t, blue)
		s.make(t, step{"apart", "ports", `{"network_id":"$net3","tenant_id":"blue","fixed_ips":[]}`})
	}
	for _, n := range numbers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer l.report(t)
			w := &walk{laboratory: l, t: t, Rand: rand.New(rand.NewPCG(n, *seed)),
				number: n, kinds: kindsOf(n), there: map[string][]string{}, below: map[string]string{}, told: *oneWalk != 0}
			w.take()
			w.clear()
		})
	}
	for _, r := range met {
		if at := slices.IndexFunc(world(), func(p place) bool { return p.path() == r.path }); at >= 0 && r.method == "POST" {
			l.post(t, world()[at], r)
		} else {
			l.asks(t, r, revised)
		}
	}
	hidden := request{method: "GET", path: "/v2.0/service_profiles?limit=1&sort_key=enabled&sort_dir=asc&fields=enabled", caller: blue}
	l.asksForPages(t, kindOf("service_profile"), hidden, "next", []string{"enabled"})
	inOrder := request{method: "GET", path: "/v2.0/security-group-rules?limit=2&sort_key=protocol&sort_dir=desc&fields=protocol", caller: operator}
	l.asksForPages(t, kindOf("security_group_rule"), inOrder, "next", []string{"protocol"})
}

// defaultGroup is the identifier of a project's default group.
func (s *side) defaultGroup(t *testing.T, caller original.Caller) string {
	t.Helper()
	list := s.ask(t, request{method: "GET", path: "/v2.0/security-groups?name=default&tenant_id=" + caller.Project, caller: caller})
	var body struct {
		Groups []struct{ ID string } `json:"security_groups"`
	}
	check(t, json.Unmarshal([]byte(list.raw), &body))
	return body.Groups[0].ID
}

// met is what walks came upon, and the next ones may not.
var met = []request{
	{method: "POST", path: "/v2.0/rbac-policies", body: `{"rbac_policy":{"action":"access_as_external","object_type":"security_group","object_id":"$sg1","target_tenant":"red"}}`},
	{method: "GET", path: "/v2.0/quotas/ops/details"},
	{method: "POST", path: "/v2.0/subnets", body: `{"subnet":{"ip_version":4,"cidr":"10.0.1.0/24","network_id":"` + nobody + `"}}`, caller: service},
	{method: "PUT", path: "/v2.0/quotas/blue", body: `{"quota":{"network":0}}`},
	{method: "POST", path: "/v2.0/networks", body: `{"network":{"shared":true}}`, caller: blue},
	{method: "DELETE", path: "/v2.0/quotas/blue"},
	{method: "DELETE", path: "/v2.0/rbac-policies/$rb2"},
	{method: "POST", path: "/v2.0/subnets", body: `{"subnet":{"ip_version":4,"cidr":"10.99.0.0/24","network_id":"$net2"}}`, caller: red},
	{method: "POST", path: "/v2.0/subnets", body: `{"subnet":{"ip_version":4,"network_id":"$netb","subnetpool_id":"$pool4","ipv6_ra_mode":"slaac"}}`},
	{method: "POST", path: "/v2.0/subnets",
		body: `{"subnet":{"ip_version":4,"network_id":"$netb","subnetpool_id":"$pool4","cidr":"10.16.9.0/24","gateway_ip":"10.16.9.0"}}`},
	{method: "PUT", path: "/v2.0/networks/$netb", body: `{"network":{"router:external":true}}`},
	{method: "POST", path: "/v2.0/routers", body: `{"router":{"external_gateway_info":{"network_id":"$netb"}}}`},
	{method: "POST", path: "/v2.0/floatingips", body: `{"floatingip":{"floating_network_id":"$netb"}}`},
	{method: "PUT", path: "/v2.0/networks/$netb", body: `{"network":{"router:external":false}}`},
	{method: "GET", path: "/v2.0/subnets/$sub3", caller: service},
	{method: "POST", path: "/v2.0/floatingips/" + nobody + "/port_forwardings", body: `{"port_forwarding":{"internal_port_id":"$pfp"}}`, caller: service},
	{method: "PUT", path: "/v2.0/ports/$port2", body: `{"port":{}}`},
	{method: "PUT", path: "/v2.0/networks/$net2", body: `{"network":{}}`, caller: blue},
	{method: "POST", path: "/v2.0/ports/$port1/bindings", body: `{"binding":{"host":"host3","vnic_type":"direct"}}`},
	{method: "PUT", path: "/v2.0/ports/$apart", body: `{"port":{"name":"apart"}}`, caller: blue},
	{method: "GET", path: "/v2.0/networks?tags=a&tags-any=b"},
	{method: "DELETE", path: "/v2.0/networks/$net1", header: map[string]string{"If-Match": "revision_number=99"}},
	{method: "POST", path: "/v2.0/flavors/$fl1/service_profiles", body: `{"service_profile":{"id":"` + nobody + `"}}`},
	{method: "DELETE", path: "/v2.0/auto-allocated-topology/red"},
	{method: "PUT", path: "/v2.0/networks/$ext", body: `{"network":{"is_default":true}}`},
	{method: "PUT", path: "/v2.0/quotas/blue", body: `{"quota":{"router":0}}`},
	{method: "GET", path: "/v2.0/auto-allocated-topology/blue"},
}

// take goes on until the servers have come apart: after that they would differ for that reason alone.
func (w *walk) take() {
	w.limit()
	for range *length {
		if !w.step() {
			return
		}
		if !w.look(w.sight()) {
			return
		}
		if w.IntN(8) == 0 {
			w.browse()
		}
	}
	for _, k := range w.kinds {
		if k.parent == "" && !w.look("/"+k.def.Path) {
			return
		}
	}
	w.look("/quotas/" + pick(w, []string{"blue", "red"}) + "/details")
	w.look("/network-ip-availabilities")
}

// sight is a path to look at: something that is there, or what filters find.
func (w *walk) sight() string {
	k := w.kinds[w.IntN(len(w.kinds))]
	switch dice := w.IntN(12); {
	case dice == 0:
		return "/network-ip-availabilities/" + w.fill("@network")
	case dice == 1:
		return "/quotas/" + pick(w, []string{"blue", "red"}) + pick(w, []string{"", "/details", "/default"})
	case dice < 6:
		return "/" + w.oneOf(k)
	}
	of := choices{"tenant_id": {"blue", "red"}, "id": {"@" + k.def.Noun()}}
	if w.number%6 != 0 { // see ofHA
		of["fields"] = []string{"id", "name", "tenant_id"}
	}
	if k.tagged() {
		maps.Copy(of, choices{"tags": {"a", "a,b"}, "tags-any": {"a", "a,b"}, "not-tags": {"a", "a,b"}, "not-tags-any": {"b", "a,b"}})
	}
	for _, table := range []choices{k.need, k.may, k.by, common} {
		maps.Copy(of, table)
	}
	var filters []string
	for range 1 + w.IntN(2) {
		name := pick(w, sortedKeys(of))
		filters = append(filters, name+"="+query(w.fill(strings.Trim(pick(w, of[name]), `"[]`))))
	}
	return strings.TrimPrefix(w.collection(k), "/v2.0") + "?" + strings.Join(filters, "&")
}

// tagged reports whether things of the kind have tags.
func (k kind) tagged() bool { return k.def.Attribute("tags") != nil }

// limited are the kinds that projects have quotas of.
var limited = []string{"network", "subnet", "port", "router", "floatingip", "subnetpool", "rbac_policy", "security_group", "security_group_rule"}

// limit gives the projects quotas that they will meet now and then.
func (w *walk) limit() {
	for _, project := range []string{"blue", "red"} {
		limits := map[string]string{}
		for _, noun := range limited {
			limits[noun] = pick(w, []string{"-1", "-1", "-1", "1", "3", "6"})
		}
		w.does(request{method: "PUT", path: "/v2.0/quotas/" + project, body: `{"quota":` + object(limits, "", "") + "}", caller: operator})
	}
}

// step asks for a change, and reports whether both did the same.
func (w *walk) step() bool {
	switch w.IntN(60) {
	case 0:
		w.limit()
	case 1:
		return w.topology()
	}
	k := w.kinds[w.IntN(len(w.kinds))]
	for w.lacks(k) && w.IntN(15) > 0 {
		k = w.kinds[w.IntN(len(w.kinds))]
	}
	noun := k.def.Noun()
	caller := w.caller()
	if len(w.there[noun]) < k.slots && (len(w.there[noun]) == 0 || w.IntN(2) == 0) {
		return w.make(k, caller)
	}
	item := w.item(k)
	switch dice := w.IntN(10); {
	case dice < 2:
		theirs, ours := w.does(request{method: "DELETE", path: item, caller: caller, header: w.condition(k)})
		if theirs.status < 300 && ours.status < 300 {
			w.forget(noun, item)
		}
		return alike(theirs, ours)
	case dice < 6 && len(k.acts) > 0:
		act := pick(w, sortedKeys(k.acts))
		method, at, named := strings.Cut(act, " ")
		if !named {
			method, at = "PUT", act
		}
		if strings.Contains(at, "bindings") { // of which Neutron 21 has no rules
			caller = operator
		}
		return alike(w.does(request{method: method, path: item + "/" + w.fill(at), body: w.fill(pick(w, k.acts[act])), caller: caller}))
	case dice < 7 && k.tagged():
		return alike(w.does(w.tagging(item + "/tags")))
	}
	attrs := w.some(k, k.put, func(a *apidef.Attribute) bool { return a.Update })
	if noun == "network" && attrs["name"] == "" { // docs/divergences.md has a row about how that is counted
		delete(attrs, "description")
	}
	theirs, ours := w.does(request{method: "PUT", path: item, body: wrapped(k.def, w.fill(object(attrs, "", ""))), caller: caller, header: w.condition(k)})
	if theirs.status < 300 && ours.status < 300 {
		w.look(strings.TrimPrefix(item, "/v2.0"))
	}
	return alike(theirs, ours)
}

// topology asks for a project's own topology, which is made where there is none, or to be rid of it.
func (w *walk) topology() bool {
	caller, project := w.caller(), pick(w, []string{"blue", "red", "None"})
	theirs, ours := w.does(request{method: pick(w, []string{"GET", "GET", "DELETE"}), path: topologies + project, caller: caller})
	if theirs.status == 200 || ours.status == 200 {
		if project == "None" {
			project = caller.Project
		}
		w.topologies = append(w.topologies, project)
	}
	return alike(theirs, ours)
}

const topologies = "/v2.0/auto-allocated-topology/"

// lacks reports whether one of the kind needs what there is not yet.
func (w *walk) lacks(k kind) bool {
	if k.parent != "" && len(w.there[k.parent]) == 0 {
		return true
	}
	for _, values := range k.need {
		if noun := placeholder.FindString(values[0]); noun != "" && len(w.there[noun[1:]]) == 0 {
			return true
		}
	}
	return false
}

// tagging is a change of tags.
func (w *walk) tagging(at string) request {
	r := request{method: "PUT", path: at, body: pick(w, []string{`{"tags":["a"]}`, `{"tags":["a","b"]}`, `{"tags":[]}`}), caller: operator}
	if w.IntN(2) == 0 {
		r = request{method: pick(w, []string{"PUT", "PUT", "DELETE", "GET"}), path: at + pick(w, []string{"/a", "/b"}), caller: operator}
	}
	return r
}

// countedAlike are the kinds whose revisions both count alike.
var countedAlike = []string{"network", "security_group", "security_group_rule", "subnetpool"}

// condition is a revision that a change asks for now and then.
func (w *walk) condition(k kind) map[string]string {
	if !slices.Contains(countedAlike, k.def.Noun()) || w.IntN(6) > 0 {
		return nil
	}
	return map[string]string{"If-Match": fmt.Sprint("revision_number=", w.IntN(4))}
}

// together are the kinds of which both make several in one request.
var together = []string{"network", "subnet", "port", "security_group", "security_group_rule"}

// make makes one more of a kind, or two.
func (w *walk) make(k kind, caller original.Caller) bool {
	noun := k.def.Noun()
	path := w.collection(k)
	if strings.Contains(path, nobody) { // of which neutron-server assures itself for minutes before it refuses others
		caller = operator
	}
	body := wrapped(k.def, w.another(k, caller))
	if slices.Contains(together, noun) && w.IntN(8) == 0 {
		body = `{"` + k.def.Collection + `":[` + w.another(k, caller) + "," + w.another(k, caller) + "]}"
	}
	theirs, ours := w.does(request{method: "POST", path: path, body: w.fill(body), caller: caller})
	t, o := made(k.def, theirs), made(k.def, ours)
	if len(t) == len(o) {
		for i := range t {
			name := fmt.Sprintf("w%d_%s%d", w.number, noun, w.IntN(1_000_000))
			w.theirs.ids[name], w.ours.ids[name] = t[i], o[i]
			w.there[noun] = append(w.there[noun], name)
			w.below[name] = path
		}
		return alike(theirs, ours)
	}
	for i, s := range []*side{w.theirs, w.ours} { // what one of them has made alone
		for _, id := range [][]string{t, o}[i] {
			s.discard(w.t, path+"/"+id)
		}
	}
	return alike(theirs, ours)
}

// another is a new one of a kind, as JSON.
func (w *walk) another(k kind, caller original.Caller) string {
	attrs := w.some(k, k.post, func(a *apidef.Attribute) bool { return a.Create })
	for _, name := range sortedKeys(k.need) {
		if w.IntN(40) > 0 {
			attrs[name] = pick(w, k.need[name])
		}
	}
	if caller.Project == operator.Project && w.IntN(2) == 0 {
		attrs["tenant_id"] = pick(w, []string{`"blue"`, `"red"`})
	}
	return object(attrs, "", "")
}

// collection is the path of a kind.
func (w *walk) collection(k kind) string {
	if k.parent != "" {
		return w.item(kindOf(k.parent)) + "/" + k.def.Path
	}
	return "/v2.0/" + k.def.Path
}

// alike reports whether both have done what was asked, or neither.
func alike(theirs, ours answer) bool { return (theirs.status < 300) == (ours.status < 300) }

func (w *walk) caller() original.Caller { return pick(w, walkers) }

// some are attributes at chance, of those that a kind may be given, and now and then of those that it may not.
func (w *walk) some(k kind, besides choices, may func(*apidef.Attribute) bool) map[string]string {
	all := maps.Clone(common)
	maps.Copy(all, k.may)
	maps.Copy(all, besides)
	astray := w.IntN(25) == 0
	maps.DeleteFunc(all, func(name string, _ []string) bool {
		a := k.def.Attribute(name)
		return !astray && (a == nil || !may(a))
	})
	attrs := map[string]string{}
	for _, name := range sortedKeys(all) {
		if w.IntN(len(all)) < 2 {
			attrs[name] = pick(w, all[name])
		}
	}
	return attrs
}

// placeholder is what stands for something of the walk.
var placeholder = regexp.MustCompile(`@\w+`)

const nobody = "00000000-0000-4000-8000-000000000001"

// fill puts something of the walk in place of each @noun.
func (w *walk) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(at string) string {
		if names := w.there[at[1:]]; len(names) > 0 && w.IntN(30) > 0 {
			return "$" + pick(w, names)
		}
		return nobody
	})
}

// oneOf is a path, below /v2.0, of something of a kind.
func (w *walk) oneOf(k kind) string { return strings.TrimPrefix(w.item(k), "/v2.0/") }

// item is the path of something of a kind, or of one that there is not.
func (w *walk) item(k kind) string {
	if names := w.there[k.def.Noun()]; len(names) > 0 {
		name := pick(w, names)
		return w.below[name] + "/$" + name
	}
	return w.collection(k) + "/" + nobody
}

func kindOf(noun string) kind {
	return kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.def.Noun() == noun })]
}

// ordering are what lists are put in order by whose values are alike on both sides.
var ordering = []string{"name", "description", "tenant_id", "ip_version", "cidr", "admin_state_up", "protocol", "ethertype", "device_owner", "port_range_min", "enable_dhcp",
	"is_default", "stateful", "enabled", "mtu"}

// browse compares a list page by page, forwards or backwards, by what it is put in order by: what is alike in that is in an order of its own on each side.
func (w *walk) browse() {
	k := w.kinds[w.IntN(len(w.kinds))]
	var keys []string
	for _, name := range ordering {
		if name == "description" && k.def.Noun() == "address_group" { // at which neutron-server fails
			continue
		}
		if a := k.def.Attribute(name); a != nil && a.Sort {
			keys = append(keys, name)
		}
	}
	if k.def.Noun() == "rbac_policy" || len(keys) == 0 || k.parent != "" && len(w.there[k.parent]) == 0 {
		return
	}
	w.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	keys = keys[:1+w.IntN(min(3, len(keys)))]
	path, rel := w.collection(k)+fmt.Sprint("?limit=", 1+w.IntN(3)), "next"
	for _, key := range keys {
		path += "&sort_key=" + key + "&sort_dir=" + pick(w, []string{"asc", "desc"}) + "&fields=" + key
	}
	if k.def.Attribute("name") != nil {
		path += pick(w, []string{"&name=a&name=b", "&name=a"})
	}
	if w.IntN(3) == 0 {
		path, rel = path+"&page_reverse=True", "previous"
	}
	w.asksForPages(w.t, k, request{method: "GET", path: path, caller: w.caller()}, rel, keys)
}

// asksForPages asks both for a list page by page, and notes a difference in what its items have of keys.
func (l *laboratory) asksForPages(t *testing.T, k kind, r request, rel string, keys []string) {
	if theirs, ours := l.theirs.pages(t, k, r, rel, keys), l.ours.pages(t, k, r, rel, keys); theirs != ours {
		l.note(finding{r.String(), theirs, ours})
	}
}

// pages are what the items of a list's pages have of keys, each page in a line, from the one that is asked for on by the links to the others.
func (s *side) pages(t *testing.T, k kind, r request, rel string, keys []string) (lines string) {
	for range 100 {
		a := s.ask(t, r)
		var page map[string]json.RawMessage
		var links []struct{ Rel, Href string }
		if a.status != 200 || json.Unmarshal([]byte(a.raw), &page) != nil {
			return lines + a.short()
		}
		var items []map[string]any
		check(t, json.Unmarshal(page[k.def.Collection], &items))
		for _, item := range items {
			for _, key := range keys {
				lines += fmt.Sprint(item[key], " ")
			}
			lines += "; "
		}
		lines += "\n"
		if page[k.def.Collection+"_links"] != nil {
			check(t, json.Unmarshal(page[k.def.Collection+"_links"], &links))
		}
		i := slices.IndexFunc(links, func(l struct{ Rel, Href string }) bool { return l.Rel == rel })
		if i < 0 {
			return lines
		}
		r.path = strings.TrimPrefix(links[i].Href, s.base)
	}
	return lines + "without an end"
}

// forget is of what is gone, with what was below it.
func (w *walk) forget(noun, item string) {
	w.there[noun] = slices.DeleteFunc(w.there[noun], func(name string) bool { return strings.HasSuffix(item, "$"+name) })
	for noun, names := range w.there {
		w.there[noun] = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(w.below[name], item+"/") })
	}
}

// does asks both for a change.
func (w *walk) does(r request) (theirs, ours answer) {
	theirs, ours = w.asks(w.t, r, revised)
	if w.told {
		w.t.Logf("%.600s\n  neutron-server: %.300s\n  ours:           %.300s", r, theirs.short(), ours.short())
	}
	return theirs, ours
}

// look compares what a caller sees of a path.
func (w *walk) look(path string) bool {
	return alike(w.does(request{method: "GET", path: "/v2.0" + path, caller: w.caller()}))
}

// clear deletes what the walk has made, on each side by itself.
func (w *walk) clear() {
	for _, project := range slices.Compact(slices.Sorted(slices.Values(w.topologies))) {
		w.theirs.discard(w.t, topologies+project)
		w.ours.discard(w.t, topologies+project)
	}
	for i := range w.kinds {
		k := w.kinds[len(w.kinds)-1-i]
		for _, s := range []*side{w.theirs, w.ours} {
			for _, name := range w.there[k.def.Noun()] {
				s.remove(w.t, k, w.below[name]+"/$"+name, s.ids[name])
			}
		}
		w.there[k.def.Noun()] = nil
	}
}

// remove deletes one thing, whatever it takes.
func (s *side) remove(t *testing.T, k kind, item, id string) {
	if k.def.Noun() == "router" {
		var list struct{ Ports []struct{ ID string } }
		a := s.ask(t, request{method: "GET", path: "/v2.0/ports?device_owner=network:router_interface&device_id=" + id, caller: operator})
		if json.Unmarshal([]byte(a.raw), &list) == nil {
			s.ask(t, request{method: "PUT", path: item, body: `{"router":{"routes":[]}}`, caller: operator})
			for _, p := range list.Ports {
				s.ask(t, request{method: "PUT", path: item + "/remove_router_interface", body: `{"port_id":"` + p.ID + `"}`, caller: operator})
			}
		}
	}
	s.discard(t, item)
}

// hosts6 are addresses of the walks' IPv6 subnets, and the names that are made of them.
var hosts6 = regexp.MustCompile(`\bfd00[:-][12][:-]{2}[0-9a-f]+([:-][0-9a-f]+)*`)

// undrawn puts a word in place of those that servers draw, which are short, and no gateways.
func undrawn(text string) string {
	return hosts6.ReplaceAllStringFunc(text, func(address string) string {
		host := strings.ReplaceAll(address, "-", ":")[len("fd00:1::"):]
		if strings.Contains(host, ":") || host == "1" || host == "fe" {
			return address
		}
		return "<drawn>"
	})
}

// interfaces are whose ports of distributed and highly available routers are, which all are alike here.
var interfaces = regexp.MustCompile(`network:(router_interface_distributed|ha_router_replicated_interface)`)

// revised is sorted with the revisions that both are to have (docs/divergences.md has a row about the others).
func revised(text string) string {
	text = interfaces.ReplaceAllString(undrawn(text), "network:router_interface")
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) != nil {
		return text
	}
	for key, v := range body {
		if list, ok := v.([]any); ok {
			list = slices.DeleteFunc(list, ofHA)
			for _, e := range list {
				showRevision(e)
			}
			body[key] = list
		}
		showRevision(v)
	}
	return sorted(compact(body))
}

// ofHA reports whether neutron-server has made a network or a subnet for the routers of a project to agree on who is the master.
func ofHA(v any) bool {
	resource, _ := v.(map[string]any)
	name := fmt.Sprint(resource["name"], resource["network_name"])
	return strings.Contains(name, "HA network tenant") || strings.Contains(name, "HA subnet tenant")
}

func showRevision(v any) {
	resource, _ := v.(map[string]any)
	_, isRouter := resource["external_gateway_info"]
	if resource["revision_number"] == nil || isRouter || resource["floating_ip_address"] != nil {
		return
	}
	owner, _ := resource["device_owner"].(string)
	if strings.HasPrefix(owner, "network:") || owner == "compute:nova" || strings.Contains(compact(resource["fixed_ips"]), "fd00") {
		return
	}
	resource["revision"] = resource["revision_number"]
}

func pick[T any](w *walk, of []T) T { return of[w.IntN(len(of))] }

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
