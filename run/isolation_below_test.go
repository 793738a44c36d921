package run

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/journal"
)

// question is a request at a path below a resource or beside the collections; "$name" in it stands for something that red has.
type question struct {
	by     string // who may: red, or admin
	method string
	rest   string // what follows the path
	body   string
}

// below has a row for each name that the server serves below resources or beside collections: what those may ask there whose it is, in
// an order in which each succeeds. TestEverythingBelowIsIsolated has blue ask all of it, which changes nothing and tells nothing. The
// test fails where a row is missing.
var below = map[string][]question{
	"tags": {
		{"red", "PUT", "", `{"tags":["reds"]}`}, {"red", "GET", "", ""}, {"red", "GET", "/reds", ""}, {"red", "PUT", "/more", ""},
		{"red", "DELETE", "/more", ""}, {"red", "DELETE", "", ""},
	},
	"add_prefixes":            {{"red", "PUT", "", `{"prefixes":["172.16.0.0/12"]}`}},
	"remove_prefixes":         {{"red", "PUT", "", `{"prefixes":["172.16.0.0/12"]}`}},
	"onboard_network_subnets": {{"red", "PUT", "", `{"network_id":"$network"}`}},
	"add_addresses":           {{"red", "PUT", "", `{"addresses":["192.0.2.0/24"]}`}},
	"remove_addresses":        {{"red", "PUT", "", `{"addresses":["10.0.0.0/24"]}`}},
	"add_router_interface":    {{"red", "PUT", "", `{"subnet_id":"$subnet"}`}},
	"remove_router_interface": {{"red", "PUT", "/../add_router_interface", `{"subnet_id":"$subnet"}`}, {"red", "PUT", "", `{"subnet_id":"$subnet"}`}},
	"add_extraroutes": {{"red", "PUT", "/../add_router_interface", `{"subnet_id":"$subnet"}`},
		{"red", "PUT", "", `{"router":{"routes":[{"destination":"192.0.2.0/24","nexthop":"10.9.0.7"}]}}`}},
	"remove_extraroutes": {{"red", "PUT", "", `{"router":{"routes":[{"destination":"192.0.2.0/24","nexthop":"10.9.0.7"}]}}`}},
	"port_forwardings": {
		{"red", "POST", "", `{"port_forwarding":{"external_port":80,"internal_port":80,"protocol":"tcp","internal_ip_address":"10.9.0.9","internal_port_id":"$port"}}`},
		{"red", "GET", "", ""}, {"red", "GET", "/$last", ""}, {"red", "PUT", "/$last", `{"port_forwarding":{"internal_port":81}}`},
		{"red", "DELETE", "/$last", ""},
	},
	"bindings": {
		{"admin", "POST", "", `{"binding":{"host":"two"}}`}, {"admin", "GET", "", ""}, {"admin", "GET", "/two", ""},
		{"admin", "PUT", "/two", `{"binding":{"profile":{"a":1}}}`}, {"admin", "PUT", "/two/activate", ""}, {"admin", "DELETE", "/two", ""},
	},
	"dhcp-agents":      {{"admin", "GET", "", ""}},
	"dhcp-networks":    {{"admin", "GET", "", ""}, {"admin", "DELETE", "/$network", ""}, {"admin", "POST", "", `{"network_id":"$network"}`}},
	"service_profiles": {{"admin", "POST", "", `{"service_profile":{"id":"$profile"}}`}, {"admin", "DELETE", "/$profile", ""}},
	"next_providers":   {},
	"quotas": {{"admin", "GET", "", ""}, {"red", "GET", "/red", ""}, {"red", "GET", "/red/default", ""}, {"red", "GET", "/red/details", ""},
		{"admin", "PUT", "/red", `{"quota":{"network":7}}`}, {"admin", "DELETE", "/red", ""}},
	"auto-allocated-topology": {{"red", "GET", "/red?fields=dry-run", ""}, {"red", "GET", "/red", ""}, {"red", "DELETE", "/red", ""}},
}

// open says which rows of below have something that every project may look at, as it may at the flavors themselves.
var open = map[string]string{"service_profiles": "GET", "next_providers": "GET"}

// methods are what blue tries everywhere.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// TestEverythingBelowIsIsolated tries every path that is not a collection's own.
func TestEverythingBelowIsIsolated(t *testing.T) {
	served := newWorld(t).handler.Below()
	names := map[string]bool{}
	for _, path := range served {
		names[name(path)] = true
	}
	if want, got := slices.Sorted(maps.Keys(below)), slices.Sorted(maps.Keys(names)); !slices.Equal(want, got) {
		t.Fatalf("the table has rows for %v; the server registers %v", want, got)
	}
	for _, path := range served {
		t.Run(strings.ReplaceAll(path, "/", " "), func(t *testing.T) { newReds(t).tryBelow(path) })
	}
}

// name is the last part of a path.
func name(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// reds is a world in which red has one of everything, and blue nothing.
type reds struct {
	*world
	t    *testing.T
	vars map[string]string
}

func newReds(t *testing.T) *reds {
	w := newWorld(t)
	r := &reds{world: w, t: t, vars: map[string]string{}}
	outside := w.makeExternal(t)
	status, answer := w.do("admin", "PUT", "networks/"+outside, `{"network":{"is_default":true}}`)
	if status != http.StatusOK {
		t.Fatalf("the default external network: %d %v", status, answer)
	}
	w.make(t, "admin", "subnetpools", `"name":"default","prefixes":["10.64.0.0/16"],"default_prefixlen":26,"shared":true,"is_default":true`)
	w.make(t, "admin", "subnetpools", `"name":"default6","prefixes":["fd64::/48"],"default_prefixlen":64,"shared":true,"is_default":true`)
	network := w.make(t, "red", "networks", `"name":"reds"`)
	subnet := w.make(t, "red", "subnets", `"name":"reds","network_id":"`+network+`","ip_version":4,"cidr":"10.9.0.0/24"`)
	port := w.make(t, "red", "ports", `"name":"reds","network_id":"`+network+`","device_owner":"compute:nova","fixed_ips":[{"subnet_id":"`+subnet+`","ip_address":"10.9.0.9"}]`)
	r.vars = map[string]string{"network": network, "subnet": subnet, "port": port,
		"profile": w.make(t, "admin", "service_profiles", `"description":"p","metainfo":"{}"`)}
	if _, err := w.agents.SetHosts(t.Context(), []journal.Host{{ID: "aaaaaaaa-0000-4000-8000-000000000001", Name: "one", Alive: true}}); err != nil {
		t.Fatal(err)
	}
	return r
}

// resource returns one of red's in a collection, or one that only administrators make.
func (r *reds) resource(collection string) string {
	switch collection {
	case "networks", "subnets", "ports":
		return r.vars[strings.TrimSuffix(collection, "s")]
	case "agents":
		_, listed := r.do("admin", "GET", "agents?agent_type=DHCP+agent", "")
		return attributes(listed, "agents", "id")[0]
	case "flavors":
		return r.make(r.t, "admin", "flavors", `"name":"f","service_type":"L3_ROUTER_NAT"`)
	case "floatingips":
		return r.floating()
	}
	row, in := isolation[collection], r.vars["network"]
	if row.within != "" {
		in = r.make(r.t, "red", row.within, isolation[row.within].body(in))
	}
	return r.make(r.t, "red", collection, row.body(in))
}

// floating returns an address of red's, which a router translates for what is behind it.
func (r *reds) floating() string {
	_, found := r.do("admin", "GET", "networks?router:external=True", "")
	outside := attributes(found, "networks", "id")[0]
	router := r.make(r.t, "red", "routers", `"external_gateway_info":{"network_id":"`+outside+`"}`)
	if status, answer := r.do("red", "PUT", "routers/"+router+"/add_router_interface", `{"subnet_id":"`+r.vars["subnet"]+`"}`); status != http.StatusOK {
		r.t.Fatalf("the interface: %d %v", status, answer)
	}
	return r.make(r.t, "red", "floatingips", `"floating_network_id":"`+outside+`"`)
}

// tryBelow has blue ask all that a row has, and then those who may: blue is refused, learns nothing of red's, and changes nothing.
func (r *reds) tryBelow(path string) {
	full, resource := path, ""
	if collection, member, isMember := strings.Cut(path, "/"); isMember {
		resource = collection + "/" + r.resource(collection)
		full = resource + "/" + member
	}
	look := func() string {
		_, quotas := r.do("admin", "GET", "quotas/red", "")
		_, routers := r.do("admin", "GET", "routers?project_id=red", "")
		_, it := r.do("admin", "GET", resource, "")
		return fmt.Sprint(quotas, routers, it)
	}
	for _, a := range below[name(path)] {
		before := look()
		for _, method := range methods {
			r.refused(method, full+r.expand(a.rest), r.expand(a.body), name(path))
		}
		if after := look(); after != before {
			r.t.Errorf("before blue asked: %s\nafter: %s", before, after)
		}
		status, answer := r.do(a.by, a.method, at(full+r.expand(a.rest)), r.expand(a.body))
		if status >= 300 {
			r.t.Errorf("%s: %s %s: %d %v", a.by, a.method, a.rest, status, answer)
		}
		for _, made := range answer {
			if object, ok := made.(map[string]any); ok && status == http.StatusCreated {
				r.vars["last"], _ = object["id"].(string)
			}
		}
	}
}

// refused has blue ask something that it must not be given.
func (r *reds) refused(method, path, body, row string) {
	if method == "GET" || method == "HEAD" || method == "DELETE" {
		body = ""
	}
	status, answer := r.do("blue", method, at(path), body)
	text, err := json.Marshal(answer)
	if err != nil {
		r.t.Fatal(err)
	}
	switch {
	case open[row] == method && status == http.StatusOK:
	case status < 400 || status >= 500 && status != http.StatusNotImplemented:
		r.t.Errorf("blue: %s %s: %d %s", method, path, status, text)
	case strings.Contains(string(text), "reds"):
		r.t.Errorf("blue: %s %s tells %s", method, path, text)
	}
}

// at resolves /../ in a path.
func at(path string) string {
	before, after, up := strings.Cut(path, "/../")
	if !up {
		return path
	}
	return before[:strings.LastIndex(before, "/")+1] + after
}

func (r *reds) expand(s string) string {
	return os.Expand(s, func(name string) string { return r.vars[name] })
}
