package run

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/api"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/ml2"
	"midonet.org/midonet/neutron/policy"
	"midonet.org/midonet/neutron/service/agents"
	"midonet.org/midonet/neutron/service/l3"
	"midonet.org/midonet/neutron/store"
	"midonet.org/midonet/neutron/store/storetest"
)

// isolated says how a resource is made for the test of who sees and changes what.
type isolated struct {
	// body returns what a project posts for a resource of its own in the given network.
	body func(network string) string
	// sharedWith reports whether a resource of this kind in another's shared network is seen by all.
	sharedWithNetwork bool
	// change is a change that an owner may make.
	change string
	// foreign is the status of a resource in another's network, which does not exist for the caller; 0 for 404.
	foreign int
	// foreignInBulk is the same where one's own is asked for with it; 0 for that of foreign.
	foreignInBulk int
	// within is the collection that it needs one of, whose identifier body gets; empty for networks.
	within string
	// immutable says that no one may change it.
	immutable bool
	// readRuleOnly says that only looking at it has a rule of its own.
	readRuleOnly bool
}

// isolation has a row for each resource that is served; the test fails where one is missing.
var isolation = map[string]isolated{
	"networks": {body: func(string) string { return `"name":"net"` }, sharedWithNetwork: true, change: `"name":"changed"`},
	"subnets": {body: func(network string) string {
		return `"network_id":"` + network + `","ip_version":4,"cidr":"10.9.0.0/24"`
	}, sharedWithNetwork: true, change: `"name":"changed"`},
	"ports":          {body: func(network string) string { return `"network_id":"` + network + `"` }, change: `"name":"changed"`},
	"routers":        {body: func(string) string { return `"name":"router"` }, change: `"name":"changed"`},
	"floatingips":    {body: func(network string) string { return `"floating_network_id":"` + network + `"` }, change: `"description":"changed"`},
	"subnetpools":    {body: func(string) string { return `"name":"pool","prefixes":["10.0.0.0/8"]` }, change: `"name":"changed"`},
	"address-scopes": {body: func(string) string { return `"name":"scope","ip_version":4` }, change: `"name":"changed"`},
	"rbac-policies": {body: func(network string) string {
		return `"object_type":"network","object_id":"` + network + `","action":"access_as_shared","target_tenant":"` + id.New[struct{}]().String() + `"`
	}, change: `"target_tenant":"yellow"`, foreign: http.StatusBadRequest},
	"security-groups": {body: func(string) string { return `"name":"web"` }, change: `"name":"changed"`},
	"security-group-rules": {body: func(group string) string {
		return `"direction":"ingress","protocol":"tcp","security_group_id":"` + group + `"`
	}, change: `"protocol":"udp"`, within: "security-groups", immutable: true, foreignInBulk: http.StatusBadRequest},
	"address-groups": {body: func(string) string { return `"name":"offices","addresses":["10.0.0.0/24"]` }, change: `"name":"changed"`,
		readRuleOnly: true},
}

// unowned are the collections of what projects do not make, which have tests of their own.
var unowned = []string{"agents", "availability_zones", "flavors", "network-ip-availabilities", "service-providers", "service_profiles"}

// outside are the resources that are made on an external network, which everyone sees, rather than on the project's own.
var outside = []string{"floatingips"}

// byHeader takes callers for whom their headers say they are: a member of the project, or an administrator.
type byHeader struct{}

func (byHeader) Authenticate(r *http.Request) (*auth.Caller, error) {
	project := r.Header.Get("X-Project-Id")
	if project == "admin" {
		return &auth.Caller{UserID: "root", ProjectID: project, Roles: []string{"admin", "member", "reader"}}, nil
	}
	return &auth.Caller{UserID: "user-of-" + project, ProjectID: project, Roles: []string{"member", "reader"}}, nil
}

func (byHeader) Challenge() string { return "Keystone" }

// world is the API as the server registers it.
type world struct {
	handler *api.Server
	rules   *policy.Rules
	agents  *agents.Plugin
}

func newWorld(t testing.TB, files ...string) *world {
	t.Helper()
	return newWorldOn(t, storetest.SQLite(t), files...)
}

// newWorldOn is newWorld on a database that is there.
func newWorldOn(t testing.TB, database string, files ...string) *world {
	t.Helper()
	options, _, err := config.Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{ServerConfig: ServerConfig{Log: slog.New(slog.DiscardHandler)}, options: options, auth: byHeader{}}
	s.mirror = mirror.New(nil, s.Log) // of an empty cluster
	if s.db, err = store.Open(t.Context(), database, store.Options{Log: s.Log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	s.journal = journal.New(s.db)
	s.plugin = ml2.New(s.db, s.journal, options.ML2(), s.Log)
	s.l3 = l3.New(s.plugin, s.db, options.L3())
	if s.policy, err = policy.New(options.PolicyOptions(), policy.Files{}, definitions(), s.Log); err != nil {
		t.Fatal(err)
	}
	return &world{handler: s.apiHandler(), rules: s.policy.Rules(), agents: s.hostAgents()}
}

// do sends a request for a project and returns the status and the body.
func (w *world) do(project, method, path, body string) (int, map[string]any) {
	r := httptest.NewRequest(method, "http://localhost/v2.0/"+path, strings.NewReader(body))
	r.Header.Set("X-Project-Id", project)
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	var object map[string]any
	json.Unmarshal(answer.Body.Bytes(), &object) // an answer without a body leaves it nil
	return answer.Code, object
}

// make creates a resource for a project and returns its identifier.
func (w *world) make(t testing.TB, project, collection, attrs string) string {
	t.Helper()
	name := w.definition(collection).Name
	status, answer := w.do(project, "POST", collection, `{"`+name+`":{`+attrs+`}}`)
	if status != http.StatusCreated {
		t.Fatalf("%s creates one of the %s: %d %v", project, collection, status, answer)
	}
	return answer[name].(map[string]any)["id"].(string)
}

// collections are the paths of what the server serves.
func (w *world) collections(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, def := range w.handler.Collections() {
		paths = append(paths, def.Path)
	}
	if len(paths) == 0 {
		t.Fatal("the server serves no resources")
	}
	return paths
}

// definition returns the resource whose collection has the path.
func (w *world) definition(path string) *apidef.Resource {
	for _, def := range w.handler.Collections() {
		if def.Path == path {
			return def
		}
	}
	panic("there is no collection " + path)
}

// TestEveryResourceIsIsolated tries every verb on every resource that the server registers: its own, another project's, and one that
// is shared.
func TestEveryResourceIsIsolated(t *testing.T) {
	served := slices.DeleteFunc(newWorld(t).collections(t), func(c string) bool { return slices.Contains(unowned, c) })
	if rows := slices.Sorted(maps.Keys(isolation)); !slices.Equal(rows, slices.Sorted(slices.Values(served))) {
		t.Fatalf("the table has rows for %v; the server registers %v", rows, served)
	}
	for _, collection := range served {
		t.Run(collection, func(t *testing.T) {
			w := newWorld(t)
			w.wantRules(t, collection)
			row, nets := isolation[collection], map[string]string{}
			for _, project := range []string{"blue", "red"} {
				nets[project] = w.make(t, project, "networks", `"name":"net"`)
			}
			shared := w.make(t, "admin", "networks", `"name":"common","shared":true`)
			if slices.Contains(outside, collection) {
				nets["blue"] = w.makeExternal(t)
				nets["red"], shared = nets["blue"], nets["blue"]
			}
			if row.within != "" {
				for _, project := range []string{"blue", "red"} {
					nets[project] = w.make(t, project, row.within, isolation[row.within].body(nets[project]))
				}
				shared = w.make(t, "admin", row.within, isolation[row.within].body(shared))
			}
			ids := map[string]string{}
			for project, network := range map[string]string{"blue": nets["blue"], "red": nets["red"], "admin": shared} {
				ids[project] = network
				if collection != "networks" {
					ids[project] = w.make(t, project, collection, row.body(network))
				}
			}
			w.wantHidden(t, collection, row, ids["red"])
			w.wantRefusedOwner(t, collection, row, nets)
			if row.sharedWithNetwork {
				w.wantSeenOnly(t, collection, row, ids["admin"])
			} else {
				w.wantHidden(t, collection, row, ids["admin"])
			}
			w.wantOwn(t, collection, row, ids["blue"])
		})
	}
}

// makeExternal makes an external network with addresses.
func (w *world) makeExternal(t *testing.T) string {
	t.Helper()
	network := w.make(t, "admin", "networks", `"name":"outside","router:external":true`)
	w.make(t, "admin", "subnets", `"network_id":"`+network+`","ip_version":4,"cidr":"172.24.4.0/24"`)
	return network
}

// wantRules checks that each verb has a rule of its own, rather than the default one.
func (w *world) wantRules(t *testing.T, collection string) {
	t.Helper()
	verbs := []string{"get", "create", "update", "delete"}
	switch row := isolation[collection]; {
	case row.readRuleOnly:
		verbs = verbs[:1]
	case row.immutable:
		verbs = slices.DeleteFunc(verbs, func(v string) bool { return v == "update" })
	}
	for _, verb := range verbs {
		if rule := verb + "_" + w.definition(collection).Noun(); !w.rules.Has(rule) {
			t.Errorf("there is no rule %s", rule)
		}
	}
}

// want tries a verb on a resource as blue.
func (w *world) want(t *testing.T, status int, method, path, body string) map[string]any {
	t.Helper()
	got, answer := w.do("blue", method, path, body)
	if got != status {
		t.Errorf("%s %s: %d %v, want %d", method, path, got, answer, status)
	}
	return answer
}

// lists returns the identifiers that blue lists with a query.
func (w *world) lists(t *testing.T, collection, query string) []string {
	t.Helper()
	answer := w.want(t, http.StatusOK, "GET", collection+"?"+query, "")
	ids := []string{}
	for _, item := range answer[w.definition(collection).Collection].([]any) {
		ids = append(ids, item.(map[string]any)["id"].(string))
	}
	return ids
}

func (w *world) put(collection string, row isolated) string {
	return fmt.Sprintf(`{"%s":{%s}}`, w.definition(collection).Name, row.change)
}

// wantPut tries a change as blue.
func (w *world) wantPut(t *testing.T, status int, path, collection string, row isolated) {
	t.Helper()
	if row.immutable {
		status = http.StatusBadRequest
	}
	w.want(t, status, "PUT", path, w.put(collection, row))
}

// wantHidden checks that a resource does not exist for blue, and that trying leaves it as it was.
func (w *world) wantHidden(t *testing.T, collection string, row isolated, id string) {
	t.Helper()
	path := collection + "/" + id
	_, before := w.do("admin", "GET", path, "")
	queries := []string{"", "id=" + id, "tenant_id=red&tenant_id=admin", "limit=100", "fields=id"}
	if w.definition(collection).Attribute("id").Sort {
		queries = append(queries, "limit=100&sort_key=id&sort_dir=asc")
	}
	for _, query := range queries {
		if slices.Contains(w.lists(t, collection, query), id) {
			t.Errorf("blue lists it with %q", query)
		}
	}
	w.want(t, http.StatusNotFound, "GET", path, "")
	w.wantPut(t, http.StatusNotFound, path, collection, row)
	w.want(t, http.StatusNotFound, "DELETE", path, "")
	if _, after := w.do("admin", "GET", path, ""); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("it was %v and is %v", before, after)
	}
}

// wantSeenOnly checks that blue sees a resource and cannot change it.
func (w *world) wantSeenOnly(t *testing.T, collection string, row isolated, id string) {
	t.Helper()
	path := collection + "/" + id
	_, before := w.do("admin", "GET", path, "")
	if !slices.Contains(w.lists(t, collection, ""), id) {
		t.Error("blue does not list what is shared")
	}
	w.want(t, http.StatusOK, "GET", path, "")
	w.wantPut(t, http.StatusForbidden, path, collection, row)
	w.want(t, http.StatusForbidden, "DELETE", path, "")
	if _, after := w.do("admin", "GET", path, ""); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("it was %v and is %v", before, after)
	}
}

// wantRefusedOwner checks that blue makes nothing for red, nor in red's network, alone or among others.
func (w *world) wantRefusedOwner(t *testing.T, collection string, row isolated, nets map[string]string) {
	t.Helper()
	def, before := w.definition(collection), len(w.lists(t, collection, ""))
	name := def.Name
	own, foreign := row.body(nets["blue"]), row.body(nets["red"])
	w.want(t, http.StatusBadRequest, "POST", collection, `{"`+name+`":{`+own+`,"project_id":"red"}}`)
	w.want(t, http.StatusBadRequest, "POST", collection, `{"`+def.Collection+`":[{`+own+`},{`+own+`,"tenant_id":"red"}]}`)
	if own != foreign {
		status := cmp.Or(row.foreign, http.StatusNotFound)
		w.want(t, status, "POST", collection, `{"`+name+`":{`+foreign+`}}`)
		w.want(t, cmp.Or(row.foreignInBulk, status), "POST", collection, `{"`+def.Collection+`":[{`+own+`},{`+foreign+`}]}`)
	}
	if after := len(w.lists(t, collection, "")); after != before {
		t.Errorf("blue had %d and has %d", before, after)
	}
}

// wantOwn checks that blue may do everything with its own, and sees none of the administrator's attributes.
func (w *world) wantOwn(t *testing.T, collection string, row isolated, id string) {
	t.Helper()
	path := collection + "/" + id
	if !slices.Contains(w.lists(t, collection, "id="+id), id) {
		t.Error("blue does not list its own")
	}
	shown := w.want(t, http.StatusOK, "GET", path, "")[w.definition(collection).Name].(map[string]any)
	for attr := range shown {
		if strings.HasPrefix(attr, "provider:") || strings.HasPrefix(attr, "binding:") && attr != "binding:vnic_type" {
			t.Errorf("blue sees %s", attr)
		}
	}
	w.wantPut(t, http.StatusOK, path, collection, row)
	w.want(t, http.StatusNoContent, "DELETE", path, "")
}
