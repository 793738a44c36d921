package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
)

// query escapes the text of a filter. What has a name in it is left, for the name to be replaced.
func query(text string) string {
	if strings.Contains(text, "$") {
		return text
	}
	return url.QueryEscape(text)
}

// askLists asks for lists by each attribute: filters, sort keys, fields, and queries of every form.
func (l *laboratory) askLists(t *testing.T, p place) {
	key := p.def.PrimaryKey()
	narrow := "&fields=" + key
	if p.def.Attribute("name") != nil {
		narrow += "&fields=name"
	}
	var owners, lists, inOrder, pages []request
	list := func(query string) {
		r := request{method: "GET", path: p.path() + "?" + query}
		if !ofOwner.MatchString(query) || !strings.HasPrefix(p.def.Noun(), "security_group") {
			lists = append(lists, r)
		} else if !ofNobody.MatchString(query) {
			owners = append(owners, r)
		}
	}
	for _, name := range names(p.def) {
		if name == "revision_number" { // see comparable
			continue
		}
		of := texts[:2] // an attribute by which nothing is found, and where nothing is
		if a := p.def.Attribute(name); a.Filter && p.item != "" {
			of = slices.Concat(texts, textsOf[name], textsOf[string(a.Type)])
		}
		for _, text := range of {
			list(name + "=" + query(text) + narrow)
		}
		list(name + "=" + query(of[len(of)-1]) + "&" + name + "=abc" + narrow)
		list("fields=" + name)
	}
	for _, name := range append(names(p.def), strange...) {
		list(name)
		list(name + "=abc" + narrow)
		pages = append(pages, request{method: "GET", path: p.path() + "?limit=2&sort_key=" + name + "&fields=" + name})
		if p.item != "" {
			lists = append(lists, request{method: "GET", path: p.path() + "/" + p.item + "?fields=" + name})
		}
		for _, direction := range []string{"asc", "desc"} {
			inOrder = append(inOrder, request{method: "GET", path: p.path() + "?sort_key=" + name + "&sort_dir=" + direction + "&fields=" + name})
		}
	}
	for _, q := range queries {
		if r := (request{method: "GET", path: p.path() + "?" + q}); strings.Contains(q, "limit") {
			pages = append(pages, r)
		} else {
			list(q)
		}
	}
	for _, r := range owners { // one after the other
		l.asks(t, r, sorted)
	}
	l.look(t, lists, sorted)
	l.look(t, inOrder, inItsOrder)
	l.look(t, pages, counted)
}

// A list of a project's security groups or their rules makes the project's default group where there is none, which is then in other lists:
// such lists come first. neutron-server makes one for nobody too, which ours does not: that is not asked for.
var (
	ofOwner  = regexp.MustCompile(`(tenant|project)_id(=|$)`)
	ofNobody = regexp.MustCompile(`(tenant|project)_id(=&|=$|$)`)
)

// names are those of a definition's attributes. changed_since is not asked: the original refuses it.
func names(def *apidef.Resource) []string {
	var all []string
	for _, a := range def.Attributes {
		if a.Name != "changed_since" {
			all = append(all, a.Name)
		}
	}
	return all
}

// random are values that differ from side to side, and their order with them.
var random = regexp.MustCompile(`\$\w+|<\w+>`)

// inItsOrder leaves a list in the order in which it came, unless that is of identifiers or times.
func inItsOrder(text string) string {
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) != nil {
		return text
	}
	maps.DeleteFunc(body, func(key string, _ any) bool { return strings.HasSuffix(key, "_links") }) // their markers are identifiers
	if plain := compact(body); !random.MatchString(plain) {
		return plain
	}
	return sorted(text)
}

// sorted puts the lists of an answer in order, and takes away the links, whose markers depend on it.
func sorted(text string) string {
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) != nil {
		return text
	}
	comparable(body)
	for key, v := range body {
		if list, ok := v.([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(rank(a), rank(b)) })
		}
		if strings.HasSuffix(key, "_links") {
			delete(body, key)
		}
	}
	return compact(body)
}

// counted puts the number of items in place of the lists of an answer: what is on a page depends on the identifiers.
func counted(text string) string {
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) != nil {
		return text
	}
	for key, v := range body {
		if list, ok := v.([]any); ok {
			body[key] = len(list)
		}
	}
	return compact(body)
}

// rank is by what items are put in order: a name, then everything.
func rank(v any) string {
	if item, ok := v.(map[string]any); ok {
		return fmt.Sprint(item["id"], " ", item["name"], " ", compact(v))
	}
	return compact(v)
}

// representatives are of neutron-server's ways to serve a resource: its newer controller, its older one, and below another. What all resources of
// a way have in common, one is asked for whole, the others for some.
var representatives = []string{"network", "router", "floatingip_port_forwarding"}

func stands(p place) bool { return slices.Contains(representatives, p.def.Noun()) }

// methods are those of HTTP that clients may try.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}

// askMethods asks with every method for the collection and for what is and is not below it.
func (l *laboratory) askMethods(t *testing.T, p place) {
	paths := []string{"", "/", "/abc", "/00000000-0000-0000-0000-000000000000", "/None", "/abc/foo", "/abc/foo/bar", "/abc/tags", "/abc/edit", ".json", "/abc.json", "/new"}
	if !stands(p) {
		paths = []string{"", "/abc", "/00000000-0000-0000-0000-000000000000", "/abc/tags"}
	} else if p.item != "" {
		paths = append(paths, "/"+p.item+"/foo/bar", "/"+p.item+".json", "/"+p.item+"/edit", "//"+p.item, "/"+p.item+"//tags", "/"+p.item+"%0a", "/"+p.item+".xml")
	}
	if p.item != "" {
		paths = append(paths, "/"+p.item+"/foo", "/"+p.item+"/")
	}
	for _, path := range paths {
		for _, method := range methods {
			if method == "DELETE" && strings.HasPrefix(strings.TrimLeft(path, "/"), p.item) && p.item != "" && !strings.Contains(path, "/foo") {
				continue
			}
			body := ""
			if method == "POST" || method == "PUT" || method == "PATCH" {
				body = "{}"
			}
			l.asks(t, request{method: method, path: p.path() + path, body: body}, sorted)
		}
	}
	underscored := strings.ReplaceAll(p.path(), "-", "_")
	l.asks(t, request{method: "GET", path: underscored}, sorted)
	l.asks(t, request{method: "GET", path: strings.ToUpper(p.path())}, sorted)
}

// askCallers asks as members of projects: who sees what, and who may change it.
func (l *laboratory) askCallers(t *testing.T, p place) {
	for _, caller := range callers() {
		l.asks(t, request{method: "GET", path: p.path(), caller: caller}, sorted)
		for _, made := range steps {
			if made.name == "" || "/v2.0/"+made.path != p.path() {
				continue
			}
			at := p.path() + "/$" + made.name
			l.asks(t, request{method: "GET", path: at, caller: caller}, sorted)
			l.asks(t, request{method: "PUT", path: at, body: wrapped(p.def, `{"description":"d"}`), caller: caller}, sorted)
			l.asks(t, request{method: "PUT", path: at, body: wrapped(p.def, `{"foo":"d"}`), caller: caller}, sorted)
		}
		if p.base != nil {
			r := request{method: "POST", path: p.path(), body: wrapped(p.def, object(p.base, "", "")), caller: caller}
			l.post(t, p, r)
		}
	}
	for _, attr := range p.def.Attributes { // what a member may say of each attribute
		if p.base == nil || !attr.Create && !attr.Update {
			continue
		}
		for _, value := range valuesOf[attr.Name] {
			l.post(t, p, request{method: "POST", path: p.path(), body: wrapped(p.def, object(p.base, attr.Name, value)), caller: blue})
		}
		for _, value := range []string{"true", "null", `"abc"`} {
			l.post(t, p, request{method: "POST", path: p.path(), body: wrapped(p.def, object(p.base, attr.Name, value)), caller: blue})
		}
	}
}

// askTags asks for the tags of an item, whether or not its kind has tags. Two that differ in case are not asked for: neutron-server on MariaDB takes minutes
// to find that it cannot have both.
func (l *laboratory) askTags(t *testing.T, p place) {
	if p.item == "" || p.def.Parent != nil {
		return
	}
	for _, item := range []string{p.item, "00000000-0000-0000-0000-000000000000", "abc"} {
		at := p.path() + "/" + item + "/tags"
		sets, one, as := setsOfTags, tags, callers()
		switch {
		case item != p.item:
			sets, one, as = setsOfTags[:3], tags[:1], callers()[1:2]
		case !stands(p):
			sets, one = setsOfTags[:6], tags[:2]
		}
		for _, body := range sets {
			l.asks(t, request{method: "PUT", path: at, body: body}, sorted)
			l.asks(t, request{method: "GET", path: at}, sorted)
		}
		for _, tag := range one {
			for _, method := range []string{"GET", "PUT", "PUT", "GET", "DELETE", "DELETE", "POST", "PATCH"} {
				l.ask(t, request{method: method, path: at + "/" + tag})
			}
		}
		for _, caller := range as {
			l.ask(t, request{method: "PUT", path: at, body: `{"tags":["w"]}`, caller: caller})
			l.ask(t, request{method: "GET", path: at, caller: caller})
			l.ask(t, request{method: "PUT", path: at + "/v", caller: caller})
			l.ask(t, request{method: "GET", path: at + "/v", caller: caller})
			l.ask(t, request{method: "DELETE", path: at + "/v", caller: caller})
			l.ask(t, request{method: "DELETE", path: at, caller: caller})
		}
		for _, method := range []string{"POST", "PATCH", "DELETE", "HEAD", "DELETE"} {
			l.ask(t, request{method: method, path: at})
		}
		for _, caller := range as {
			l.ask(t, request{method: "GET", path: p.path() + "/" + item, caller: caller})
		}
	}
}

// askBodies sets each attribute to each value, in what is made and in what is changed, and sends bodies of other forms.
func (l *laboratory) askBodies(t *testing.T, p place) {
	if p.base == nil {
		return
	}
	item := l.beside(t, p)
	defer l.leave(t, p)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(names(p.def), strange...)))) {
		create, update := refused, refused
		if a := p.def.Attribute(name); a != nil {
			own := valuesOf[name]
			every := slices.Concat(values, valuesOfType[a.Type], own)
			if a.Update {
				update = every
			}
			switch {
			case a.Create && a.Update: // checked by the same rules
				create = slices.Concat(refused, own)
			case a.Create:
				create = every
			}
		}
		for _, value := range create {
			l.post(t, p, request{method: "POST", path: p.path(), body: wrapped(p.def, object(p.base, name, value))})
		}
		for _, value := range update {
			l.put(t, p, request{method: "PUT", path: item, body: wrapped(p.def, `{"`+name+`":`+value+`}`)})
		}
		if p.base[name] != "" {
			l.post(t, p, request{method: "POST", path: p.path(), body: wrapped(p.def, object(p.base, name, ""))})
		}
		if name == "binding:host_id" { // ours binds a port that has a host, neutron-server has nothing to bind it with
			l.renew(t, p)
		}
	}
	forms := bodies
	if !stands(p) {
		forms = bodies[:9]
	}
	for _, form := range forms {
		body := strings.NewReplacer("SINGLE", p.def.Name, "COLLECTION", p.def.Collection).Replace(form)
		l.post(t, p, request{method: "POST", path: p.path(), body: body})
		l.put(t, p, request{method: "PUT", path: item, body: body})
		if stands(p) {
			l.ask(t, request{method: "DELETE", path: p.path() + "/00000000-0000-0000-0000-000000000000", body: body})
		}
	}
	for _, owner := range owners {
		attrs := strings.TrimSuffix(object(p.base, "", ""), "}") + "," + strings.TrimPrefix(owner, "{")
		for _, caller := range callers()[:2] {
			l.post(t, p, request{method: "POST", path: p.path(), body: wrapped(p.def, strings.Replace(attrs, "{,", "{", 1)), caller: caller})
			l.put(t, p, request{method: "PUT", path: item, body: wrapped(p.def, owner), caller: caller})
		}
	}
	l.askBulks(t, p)
}

// askBulks makes several at once, of which one is wrong in each way that there is, and looks whether any is left of what was refused.
func (l *laboratory) askBulks(t *testing.T, p place) {
	good := object(p.base, "", "")
	members := []string{good, `{"foo":1}`, `{}`, `null`, `"x"`, object(p.base, "name", `"`+long+`"`), object(p.base, "description", "1"), object(p.base, "id", `"x"`),
		object(p.base, "tenant_id", `"red"`), wrapped(p.def, good)}
	for name := range p.base {
		members = append(members, object(p.base, name, ""), object(p.base, name, `"x"`))
	}
	slices.Sort(members)
	for _, member := range members {
		for i, bulk := range []string{good + "," + member, member + "," + good} { // each order by another caller
			l.post(t, p, request{method: "POST", path: p.path(), body: `{"` + p.def.Collection + `":[` + bulk + `]}`, caller: callers()[i]})
		}
	}
	if !strings.HasPrefix(p.def.Noun(), "security_group") { // projects that others have named have groups by then
		l.asks(t, request{method: "GET", path: p.path() + "?fields=project_id"}, sorted)
	}
}

// beside makes another of a place's items, to be changed, and returns its path.
func (l *laboratory) beside(t *testing.T, p place) string {
	t.Helper()
	attrs := maps.Clone(p.base)
	maps.Copy(attrs, p.beside)
	name := besideOf(p)
	if l.ours.ids[name] == "" {
		for _, s := range []*side{l.theirs, l.ours} {
			s.make(t, step{name, strings.TrimPrefix(p.path(), "/v2.0/"), object(attrs, "", "")})
		}
	}
	return p.path() + "/$" + name
}

// put asks both to change what is beside a place's item. Where one of them has done it and the other has not, both begin anew with another, so that
// what is asked next differs for its own reasons alone.
func (l *laboratory) put(t *testing.T, p place, r request) {
	t.Helper()
	theirs, ours := l.ask(t, r)
	if theirs.status < 300 != (ours.status < 300) {
		l.renew(t, p)
	}
}

// renew makes what is beside a place's item anew.
func (l *laboratory) renew(t *testing.T, p place) {
	t.Helper()
	l.leave(t, p)
	l.beside(t, p)
}

// leave takes away what is beside a place's item, which may have been tied to what the next place needs.
func (l *laboratory) leave(t *testing.T, p place) {
	t.Helper()
	item := l.beside(t, p)
	for _, s := range []*side{l.theirs, l.ours} {
		s.discard(t, item)
	}
	delete(l.ours.ids, besideOf(p))
}

// besideOf is the name of what is beside a place's item.
func besideOf(p place) string { return "beside_" + p.def.Noun() }

// askConditions sends If-Match with everything.
func (l *laboratory) askConditions(t *testing.T, p place) {
	if p.base == nil {
		return
	}
	item := l.beside(t, p)
	defer l.leave(t, p)
	for i, condition := range conditions {
		header := map[string]string{"If-Match": condition}
		for _, at := range []string{item, p.path() + "/00000000-0000-0000-0000-000000000000"} {
			l.ask(t, request{method: "GET", path: at, header: header})
			l.ask(t, request{method: "PUT", path: at, body: wrapped(p.def, `{}`), header: header})
			l.ask(t, request{method: "PUT", path: at, body: wrapped(p.def, fmt.Sprintf(`{"description":"%d"}`, i)), header: header})
		}
		l.ask(t, request{method: "DELETE", path: p.path() + "/00000000-0000-0000-0000-000000000000", header: header})
		l.asks(t, request{method: "GET", path: p.path(), header: header}, sorted)
	}
}

// askDocuments asks for what is no collection, and for collections that are not served.
func (l *laboratory) askDocuments(t *testing.T) {
	for _, path := range []string{"/", "/v2.0/", "/v2.0/extensions/router", "/v2.0/extensions/foo", "/v2.0/extensions/ROUTER", "/v2.0/extensions/router/foo", "/v2", "/v3/", "/v1.0/networks",
		"/foo", "/v2.0/foo", "/v2.0/foo/abc", "/v2.0/foo/abc/tags", "/v2.0/foo/abc/tags/x", "/v2.0//networks", "/v2.0/Networks", "/V2.0/networks", "/v2.0/networks.xml",
		"/v2.0/extensions/network.json", "/v2.0/n%65tworks", "/v2.0/quotas/a/b/c", "/v2.0/routers/$r1/l3-agents", "/v2.0/floatingip_pools"} {
		for _, method := range methods {
			body := ""
			if method == "POST" || method == "PUT" || method == "PATCH" {
				body = "{}"
			}
			l.asks(t, request{method: method, path: path, body: body}, sorted)
		}
	}
	for _, contents := range []string{"application/json; charset=utf-8", "application/json; charset=latin-1", "text/plain", "application/xml", "", "foo", "*/*", "application/json;"} {
		l.post(t, world()[0], request{method: "POST", path: "/v2.0/networks", body: `{"network":{}}`, header: map[string]string{"Content-Type": contents}})
		l.ask(t, request{method: "PUT", path: "/v2.0/routers/$r1", body: `{"router":{}}`, header: map[string]string{"Content-Type": contents}})
	}
	for _, accept := range accepts {
		for _, path := range []string{"/v2.0/networks?name=net1&fields=name", "/v2.0/routers/$r1?fields=name", "/v2.0/", "/v2.0/quotas/blue"} {
			l.asks(t, request{method: "GET", path: path, header: map[string]string{"Accept": accept}}, sorted)
		}
	}
	for _, path := range []string{"//v2.0//routers//$r1/?fields=name", "/v2.0/networks/..//routers", "/v2.0/networks/./$net1", "/v2.0/networks%2F$net1?fields=name", "/v2.0/networks/$net1%20?fields=name",
		"/v2.0/networks/$net1%00", "/v2.0/floatingips//$pfip//port_forwardings//$pf1?fields=id", "/v2.0/networks?fields=name&name=" + strings.Repeat("x", 9000)} {
		l.asks(t, request{method: "GET", path: path}, sorted)
	}
}

// askQuotas asks for quotas, and sets them.
func (l *laboratory) askQuotas(t *testing.T) {
	for _, caller := range callers() {
		for _, path := range []string{"", "/blue", "/red", "/blue/default", "/blue/details", "/tenant", "/project", "/nobody", "/blue.json", "/" + long, "?fields=network", "/blue?fields=network",
			"/blue/details?fields=network", "?limit=1", "?foo=1", "?tenant_id=blue", "/blue/foo"} {
			l.asks(t, request{method: "GET", path: "/v2.0/quotas" + path, caller: caller}, sorted)
		}
		l.ask(t, request{method: "PUT", path: "/v2.0/quotas/blue", body: `{"quota":{"network":5}}`, caller: caller})
		l.ask(t, request{method: "DELETE", path: "/v2.0/quotas/blue", caller: caller})
	}
	for _, kind := range []string{"network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule", "rbac_policy", "subnetpool", "foo", "check_limit", "tenant_id",
		"project_id", "address_group", "NETWORK"} {
		for _, value := range slices.Concat(values, valuesOfType[apidef.Integer], []string{`2147483647`, `2147483648`, `-2`, `"5"`, `"-1"`, `1`, `2`}) {
			l.ask(t, request{method: "PUT", path: "/v2.0/quotas/blue", body: `{"quota":{"` + kind + `":` + value + `}}`})
			if kind != "check_limit" {
				l.ask(t, request{method: "PUT", path: "/v2.0/quotas/blue", body: `{"quota":{"` + kind + `":` + value + `,"check_limit":true}}`})
			}
		}
		l.ask(t, request{method: "DELETE", path: "/v2.0/quotas/blue"})
	}
	for _, body := range []string{"", `{}`, `[]`, `{"quota":null}`, `{"quota":[]}`, `{"quota":"x"}`, `{"quota":{}}`, `{"quotas":{}}`, `{"quota":{"network":3},"foo":1}`,
		`{"quota":{"network":3,"subnet":"x"}}`, `{"quota":{"tenant_id":"a","project_id":"b"}}`, `{"quota":{"network":3,"tenant_id":"blue"}}`} {
		l.ask(t, request{method: "PUT", path: "/v2.0/quotas/blue", body: body})
		l.ask(t, request{method: "GET", path: "/v2.0/quotas/blue"})
	}
	l.asks(t, request{method: "GET", path: "/v2.0/quotas"}, sorted)
	for _, project := range []string{"nobody", "blue", long} {
		l.ask(t, request{method: "DELETE", path: "/v2.0/quotas/" + project})
	}
}

// actions are the names below an item that are done to it, and what they are sent.
var actions = map[string][]string{
	"/v2.0/routers/$r1/add_router_interface":           {`{"subnet_id":"$sub1"}`, `{"subnet_id":"$sub3"}`, `{"port_id":"$port3"}`, `{"port_id":"$port1"}`, `{"subnet_id":"abc"}`, `{"port_id":"abc"}`, `{"subnet_id":"$sub1","port_id":"$port1"}`, `{"subnet_id":"$sub1b"}`, `{"subnet_id":null}`, `{"foo":1}`},
	"/v2.0/routers/$r1/remove_router_interface":        {`{"subnet_id":"$sub3"}`, `{"port_id":"$port3"}`, `{"subnet_id":"abc"}`, `{"port_id":"abc"}`, `{"subnet_id":"$sub1","port_id":"$port1"}`, `{"subnet_id":null}`, `{"foo":1}`, `{"subnet_id":"$sub1"}`},
	"/v2.0/routers/$r1/add_extraroutes":                {`{"router":{"routes":[{"destination":"10.7.0.0/16","nexthop":"10.0.1.70"}]}}`, `{"router":{"routes":[{"destination":"10.7.0.0/16","nexthop":"99.0.1.7"}]}}`, `{"router":{"routes":"x"}}`, `{"router":{}}`, `{"routes":[]}`, `{"router":{"routes":[]}}`, `{"router":{"routes":[{"destination":"x"}]}}`},
	"/v2.0/routers/$r1/remove_extraroutes":             {`{"router":{"routes":[{"destination":"10.8.0.0/16","nexthop":"10.0.1.70"}]}}`, `{"router":{"routes":[{"destination":"10.7.0.0/16","nexthop":"10.0.1.70"}]}}`, `{"router":{"routes":"x"}}`, `{"router":{}}`},
	"/v2.0/subnetpools/$pool4/add_prefixes":            {`{"prefixes":["11.0.0.0/8"]}`, `{"prefixes":["fd00::/64"]}`, `{"prefixes":"x"}`, `{"prefixes":[]}`, `{"prefixes":["x"]}`, `{"subnetpool":{"prefixes":[]}}`, `{"prefixes":["11.0.0.0/8"],"foo":1}`, `{"foo":1}`},
	"/v2.0/subnetpools/$pool4/remove_prefixes":         {`{"prefixes":["11.0.0.0/8"]}`, `{"prefixes":["10.16.0.0/12"]}`, `{"prefixes":["12.0.0.0/8"]}`, `{"prefixes":"x"}`, `{"prefixes":[]}`, `{"prefixes":["x"]}`, `{"foo":1}`},
	"/v2.0/subnetpools/$pool4/onboard_network_subnets": {`{"network_id":"$net3"}`, `{"network_id":"abc"}`, `{"network_id":null}`, `{"network_id":"00000000-0000-0000-0000-000000000000"}`, `{"foo":1}`},
	"/v2.0/address-groups/$ag1/add_addresses":          {`{"address_group":{"addresses":["9.9.9.9"]}}`, `{"addresses":["9.9.9.9"]}`, `{"address_group":{"addresses":["x"]}}`, `{"address_group":{"addresses":[]}}`, `{"address_group":{"addresses":"x"}}`, `{"address_group":{"addresses":["9.9.9.9"],"name":"x"}}`, `{"address_group":{}}`},
	"/v2.0/address-groups/$ag1/remove_addresses":       {`{"address_group":{"addresses":["9.9.9.9"]}}`, `{"addresses":["9.9.9.9"]}`, `{"address_group":{"addresses":["x"]}}`, `{"address_group":{"addresses":[]}}`, `{"address_group":{}}`},
	"/v2.0/ports/$port1/bindings/host1/activate":       {`{}`},
	"/v2.0/routers/$r1/foo":                            {`{}`},
	"/v2.0/flavors/$fl1/service_profiles":              {`{"service_profile":{"id":"abc"}}`, `{"service_profile":{}}`, `{"service_profile":{"id":"$sp1"}}`, `{"foo":1}`},
}

// named is what the world has.
var named = regexp.MustCompile(`\$\w+`)

// askActions does what can be done to an item. Some need what others have done.
func (l *laboratory) askActions(t *testing.T) {
	for _, path := range slices.Sorted(maps.Keys(actions)) {
		for _, caller := range []int{2, 1, 0} { // the administrator last
			for _, body := range slices.Concat([]string{``, `{}`, `[]`, `x`, `null`}, actions[path]) {
				l.asks(t, request{method: "PUT", path: path, body: body, caller: callers()[caller]}, sorted)
			}
		}
		for _, method := range []string{"GET", "POST", "DELETE", "PATCH"} {
			body := ""
			if method == "POST" || method == "PATCH" {
				body = "{}"
			}
			l.asks(t, request{method: method, path: path, body: body}, sorted)
		}
		absent := named.ReplaceAllString(path, "00000000-0000-0000-0000-000000000000")
		for _, body := range actions[path] {
			l.ask(t, request{method: "PUT", path: absent, body: body})
		}
	}
}

// askTopologies asks whether a topology could be made, and does not make one.
func (l *laboratory) askTopologies(t *testing.T) {
	for _, caller := range callers() {
		for _, project := range []string{"/blue", "/null", "/None", "/red"} {
			for _, q := range []string{"?fields=dry-run", "?fields=dry-run&fields=id"} {
				l.ask(t, request{method: "GET", path: "/v2.0/auto-allocated-topology" + project + q, caller: caller})
			}
		}
	}
}
