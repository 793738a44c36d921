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
	allWalks = flag.Uint64("walks", 6, "how many walks are taken")
	length   = flag.Int("steps", 70, "how many steps a walk has")
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
	put    choices // what a PUT alone has besides
	acts   choices // what is done to one, and the bodies
}

var common = choices{"name": {`"a"`, `"b"`, `""`}, "description": {`"one"`, `""`, `null`}}

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
	{def: apidef.SecurityGroupRules(), slots: 4, need: choices{"security_group_id": {`"@security_group"`}, "direction": {`"ingress"`, `"egress"`}},
		may: choices{"protocol": {`"tcp"`, `"udp"`, `"icmp"`, `"6"`, "null", `"ipv6-icmp"`}, "port_range_min": {"80", "8"},
			"port_range_max": {"80", "90", "0"}, "ethertype": {`"IPv4"`, `"IPv6"`},
			"remote_group_id": {`"@security_group"`}, "remote_ip_prefix": {`"10.1.0.0/16"`, `"fd00::/64"`}, "remote_address_group_id": {`"@address_group"`}}},
	{def: apidef.Networks(), slots: 3, may: choices{"shared": booleans, "router:external": booleans, "admin_state_up": booleans, "port_security_enabled": booleans,
		"dns_domain": {`"example.org."`, `""`}, "is_default": booleans}},
	{def: apidef.RBACPolicies(), slots: 3, need: choices{"object_type": {`"network"`, `"security_group"`, `"address_scope"`, `"subnetpool"`, `"address_group"`},
		"object_id":     {`"@network"`, `"@network"`, `"@security_group"`, `"@address_scope"`, `"@subnetpool"`, `"@address_group"`},
		"action":        {`"access_as_shared"`, `"access_as_shared"`, `"access_as_external"`},
		"target_tenant": {`"red"`, `"blue"`, `"*"`}}, put: choices{"target_tenant": {`"red"`, `"blue"`, `"*"`}}},
	{def: apidef.Subnets(), slots: 4, need: choices{"network_id": {`"@network"`}, "ip_version": {"4", "4", "6"}},
		may: choices{"cidr": {`"10.0.1.0/24"`, `"10.0.2.0/24"`, `"192.168.0.0/24"`, `"172.24.4.0/24"`, `"fd00:1::/64"`, `"fd00:2::/64"`},
			"gateway_ip":  {"null", `"10.0.1.254"`, `"fd00:1::fe"`},
			"enable_dhcp": booleans, "dns_nameservers": {`["10.9.9.9"]`, `[]`}, "host_routes": {`[{"destination":"10.7.0.0/16","nexthop":"10.0.1.200"}]`, `[]`},
			"service_types": {`["compute:nova"]`, `["network:floatingip"]`, `[]`}, "subnetpool_id": {`"@subnetpool"`}, "prefixlen": {"26", "64"},
			"use_default_subnetpool": {"true"},
			"ipv6_ra_mode":           {`"slaac"`}, "ipv6_address_mode": {`"slaac"`, `"dhcpv6-stateless"`}},
		put: choices{"allocation_pools": {`[{"start":"10.0.1.2","end":"10.0.1.253"}]`}}},
	{def: apidef.Ports(), slots: 6, need: choices{"network_id": {`"@network"`}},
		may: choices{"fixed_ips": {`[]`, `[{"subnet_id":"@subnet"}]`, `[{"ip_address":"10.0.1.111"}]`, `[{"subnet_id":"@subnet","ip_address":"10.0.1.112"}]`, `[{"subnet_id":"@subnet"},{"subnet_id":"@subnet"}]`},
			"mac_address": {`"02:00:00:00:00:01"`, `"02:00:00:00:00:02"`}, "device_id": {`"vm"`, `"@router"`, `""`},
			"device_owner": {`"compute:nova"`, `""`, `"network:dhcp"`}, "admin_state_up": booleans,
			"security_groups":       {`[]`, `["@security_group"]`, `["@security_group","@security_group"]`},
			"allowed_address_pairs": {`[]`, `[{"ip_address":"10.9.0.1"}]`, `[{"ip_address":"10.9.0.0/24","mac_address":"02:00:00:00:00:09"}]`},
			"port_security_enabled": booleans, "extra_dhcp_opts": {`[{"opt_name":"mtu","opt_value":"1400"}]`, `[{"opt_name":"mtu","opt_value":null}]`},
			"dns_name": {`"web"`, `""`}}},
	{def: apidef.Routers(), slots: 2,
		may: choices{"external_gateway_info": {`{"network_id":"$ext"}`, `{"network_id":"@network"}`, "null", `{"network_id":"$ext","enable_snat":false}`},
			"admin_state_up": booleans}, put: choices{"routes": {`[{"destination":"10.5.0.0/16","nexthop":"10.0.1.200"}]`, `[]`}},
		acts: choices{"add_router_interface": {`{"subnet_id":"@subnet"}`, `{"subnet_id":"@subnet"}`, `{"port_id":"@port"}`},
			"remove_router_interface": {`{"subnet_id":"@subnet"}`, `{"port_id":"@port"}`},
			"add_extraroutes":         {`{"router":{"routes":[{"destination":"10.6.0.0/16","nexthop":"10.0.1.201"}]}}`},
			"remove_extraroutes":      {`{"router":{"routes":[{"destination":"10.6.0.0/16","nexthop":"10.0.1.201"}]}}`}}},
	{def: apidef.FloatingIPs(), slots: 3, need: choices{"floating_network_id": {`"$ext"`, `"$ext"`, `"@network"`}},
		may: choices{"port_id": {`"@port"`, "null"}, "fixed_ip_address": {`"10.0.1.111"`}, "dns_name": {`"fip"`}}},
	{def: apidef.PortForwardings(), slots: 2, parent: "floatingip", need: choices{"internal_port_id": {`"@port"`},
		"internal_ip_address": {`"10.0.1.111"`, `"10.0.1.112"`},
		"protocol":            {`"tcp"`, `"udp"`}, "internal_port": {"80", "81"}, "external_port": {"8080", "8081"}}},
}

// Of those who ask, some may only read, and some are services.
var (
	reader  = original.Caller{Project: "blue", Roles: []string{"reader"}}
	service = original.Caller{Project: "service", Roles: []string{"advsvc"}}
	walkers = []original.Caller{operator, operator, blue, blue, blue, red, red, reader, service}
)

// walk is one of them. Its chances decide what is asked: both servers are asked the same.
type walk struct {
	*laboratory
	t *testing.T
	*rand.Rand
	number uint64
	there  map[string][]string // the names of what was made, by noun
	below  map[string]string   // the path that it is below
	told   bool
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
	for _, n := range numbers {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer l.report(t)
			w := &walk{laboratory: l, t: t, Rand: rand.New(rand.NewPCG(n, 0)),
				number: n, there: map[string][]string{}, below: map[string]string{}, told: *oneWalk != 0}
			w.take()
			w.clear()
		})
	}
	for _, r := range met {
		l.ask(t, r)
	}
}

// met is what walks came upon, and the next ones may not.
var met = []request{
	{method: "POST", path: "/v2.0/subnets", body: `{"subnet":{"ip_version":4,"cidr":"10.0.1.0/24","network_id":"` + nobody + `"}}`, caller: service},
	{method: "PUT", path: "/v2.0/quotas/blue", body: `{"quota":{"network":0}}`},
	{method: "POST", path: "/v2.0/networks", body: `{"network":{"shared":true}}`, caller: blue},
	{method: "DELETE", path: "/v2.0/quotas/blue"},
	{method: "DELETE", path: "/v2.0/rbac-policies/$rb2"},
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
	}
	for _, k := range kinds {
		if k.parent == "" && !w.look("/"+k.def.Path) {
			return
		}
	}
	w.look("/quotas/" + pick(w, []string{"blue", "red"}) + "/details")
	w.look("/network-ip-availabilities")
}

// sight is a path to look at: something that is there, or what a filter finds.
func (w *walk) sight() string {
	k := kinds[w.IntN(len(kinds))]
	if k.parent != "" || w.IntN(2) == 0 {
		return "/" + w.oneOf(k)
	}
	of := choices{}
	for _, table := range []choices{k.need, k.may, common} {
		maps.Copy(of, table)
	}
	name := pick(w, sortedKeys(of))
	return "/" + k.def.Path + "?" + name + "=" + query(w.fill(strings.Trim(pick(w, of[name]), `"[]`)))
}

// limited are the kinds that projects have quotas of.
var limited = []string{"network", "subnet", "port", "router", "floatingip", "subnetpool", "rbac_policy", "security_group", "security_group_rule"}

// limit gives the projects quotas that they will meet now and then.
func (w *walk) limit() {
	for _, project := range []string{"blue", "red"} {
		limits := map[string]string{}
		for _, noun := range limited {
			limits[noun] = pick(w, []string{"-1", "-1", "1", "3", "6"})
		}
		w.does(request{method: "PUT", path: "/v2.0/quotas/" + project, body: `{"quota":` + object(limits, "", "") + "}", caller: operator})
	}
}

// step asks for a change, and reports whether both did the same.
func (w *walk) step() bool {
	k := kinds[w.IntN(len(kinds))]
	noun := k.def.Noun()
	caller := w.caller()
	if len(w.there[noun]) < k.slots && (len(w.there[noun]) == 0 || w.IntN(2) == 0) {
		return w.make(k, caller)
	}
	item := w.item(k)
	switch dice := w.IntN(10); {
	case dice < 2:
		theirs, ours := w.does(request{method: "DELETE", path: item, caller: caller})
		if ours.status < 300 {
			w.forget(noun, item)
		}
		return alike(theirs, ours)
	case dice < 6 && len(k.acts) > 0:
		act := pick(w, sortedKeys(k.acts))
		return alike(w.does(request{method: "PUT", path: item + "/" + act, body: w.fill(pick(w, k.acts[act])), caller: caller}))
	case dice < 7 && noun != "security_group_rule" && noun != "rbac_policy" && k.parent == "":
		return alike(w.does(request{method: "PUT", path: item + "/tags", body: pick(w, []string{`{"tags":["a"]}`, `{"tags":["a","b"]}`, `{"tags":[]}`}), caller: operator}))
	}
	attrs := w.some(k.may, k.put, common)
	return alike(w.does(request{method: "PUT", path: item, body: wrapped(k.def, w.fill(object(attrs, "", ""))), caller: caller}))
}

// make makes one more of a kind.
func (w *walk) make(k kind, caller original.Caller) bool {
	noun := k.def.Noun()
	path := "/v2.0/" + k.def.Path
	if k.parent != "" {
		path = w.item(kindOf(k.parent)) + "/" + k.def.Path
	}
	attrs := w.some(k.may, common)
	for _, name := range sortedKeys(k.need) {
		if w.IntN(20) > 0 {
			attrs[name] = pick(w, k.need[name])
		}
	}
	if caller.Project == operator.Project && w.IntN(2) == 0 {
		attrs["tenant_id"] = pick(w, []string{`"blue"`, `"red"`})
	}
	theirs, ours := w.does(request{method: "POST", path: path, body: wrapped(k.def, w.fill(object(attrs, "", ""))), caller: caller})
	t, o := made(k.def, theirs), made(k.def, ours)
	if len(t) == 1 && len(o) == 1 {
		name := fmt.Sprintf("w%d_%s%d", w.number, noun, w.IntN(1_000_000))
		w.theirs.ids[name], w.ours.ids[name] = t[0], o[0]
		w.there[noun] = append(w.there[noun], name)
		w.below[name] = path
		return true
	}
	for i, s := range []*side{w.theirs, w.ours} { // what one of them has made alone
		for _, id := range [][]string{t, o}[i] {
			s.ask(w.t, request{method: "DELETE", path: path + "/" + id, caller: operator})
		}
	}
	return alike(theirs, ours)
}

func alike(theirs, ours answer) bool { return theirs.status == ours.status }

func (w *walk) caller() original.Caller { return pick(w, walkers) }

// some are attributes at chance, at least one where there is one.
func (w *walk) some(tables ...choices) map[string]string {
	all := choices{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
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
		if names := w.there[at[1:]]; len(names) > 0 && w.IntN(15) > 0 {
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
	path := "/v2.0/" + k.def.Path
	if k.parent != "" {
		path = w.item(kindOf(k.parent)) + "/" + k.def.Path
	}
	return path + "/" + nobody
}

func kindOf(noun string) kind {
	return kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.def.Noun() == noun })]
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
	for i := range kinds {
		k := kinds[len(kinds)-1-i]
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
	s.ask(t, request{method: "DELETE", path: item, caller: operator})
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

// revised is sorted with the revisions that both are to have (docs/divergences.md has a row about the others).
func revised(text string) string {
	text = undrawn(text)
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) != nil {
		return text
	}
	for _, v := range body {
		if list, ok := v.([]any); ok {
			for _, e := range list {
				showRevision(e)
			}
		}
		showRevision(v)
	}
	return sorted(compact(body))
}

func showRevision(v any) {
	resource, ok := v.(map[string]any)
	if !ok || resource["revision_number"] == nil || resource["external_gateway_info"] != nil || resource["floating_ip_address"] != nil {
		return
	}
	owner, _ := resource["device_owner"].(string)
	if strings.HasPrefix(owner, "network:") || strings.Contains(compact(resource["fixed_ips"]), "fd00") {
		return
	}
	resource["revision"] = resource["revision_number"]
}

func pick[T any](w *walk, of []T) T { return of[w.IntN(len(of))] }

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
