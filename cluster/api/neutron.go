package api

import (
	"encoding/json"
	"net/http"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

const mediaNeutron = "application/vnd.org.midonet.neutron.Neutron-v3+json"

// neutronMedia is the media type of a class of Neutron objects (neutron/NeutronMediaType.java).
func neutronMedia(class string) string {
	return "application/vnd.org.midonet.neutron." + class + "-v1+json"
}

// neutronRoot is the document from which clients find Neutron's resources (neutron/models/Neutron.java).
type neutronRoot struct {
	URI                           string `json:"uri"`
	Networks                      string `json:"networks"`
	NetworkTemplate               string `json:"network_template"`
	Subnets                       string `json:"subnets"`
	SubnetTemplate                string `json:"subnet_template"`
	Ports                         string `json:"ports"`
	PortTemplate                  string `json:"port_template"`
	Routers                       string `json:"routers"`
	RouterTemplate                string `json:"router_template"`
	AddRouterInterfaceTemplate    string `json:"add_router_interface_template"`
	RemoveRouterInterfaceTemplate string `json:"remove_router_interface_template"`
	FloatingIPs                   string `json:"floating_ips"`
	FloatingIPTemplate            string `json:"floating_ip_template"`
	SecurityGroups                string `json:"security_groups"`
	SecurityGroupTemplate         string `json:"security_group_template"`
	SecurityGroupRules            string `json:"security_group_rules"`
	SecurityGroupRuleTemplate     string `json:"security_group_rule_template"`
}

func showNeutronRoot(c *call) (reply, error) {
	uri := c.base + "/neutron"
	return reply{body: neutronRoot{
		URI:      uri,
		Networks: uri + "/networks", NetworkTemplate: uri + "/networks/{id}",
		Subnets: uri + "/subnets", SubnetTemplate: uri + "/subnets/{id}",
		Ports: uri + "/ports", PortTemplate: uri + "/ports/{id}",
		Routers: uri + "/routers", RouterTemplate: uri + "/routers/{id}",
		AddRouterInterfaceTemplate:    uri + "/routers/{id}/add_router_interface",
		RemoveRouterInterfaceTemplate: uri + "/routers/{id}/remove_router_interface",
		FloatingIPs:                   uri + "/floating_ips", FloatingIPTemplate: uri + "/floating_ips/{id}",
		SecurityGroups: uri + "/security_groups", SecurityGroupTemplate: uri + "/security_groups/{id}",
		SecurityGroupRules: uri + "/security_group_rules", SecurityGroupRuleTemplate: uri + "/security_group_rules/{id}",
	}}, nil
}

func (a *API) neutronRoutes() {
	a.serve("/neutron", endpoint{method: http.MethodGet, produces: []string{mediaNeutron}, handle: showNeutronRoot})
	serveCollection(a, networks)
	serveCollection(a, subnets)
	serveCollection(a, ports)
	serveCollection(a, routers)
	serveCollection(a, floatingIPs)
	serveCollection(a, securityGroups)
	serveCollection(a, securityGroupRules)
	a.routerInterfaceRoutes()
}

// objectID is the identifier of any Neutron object.
type objectID = id.ID[topology.Source]

// collection is how one kind of Neutron object, of package model's type T, is served (neutron/resources/NetworkResource.java and its like).
type collection[T any] struct {
	resource translate.Resource
	path     string // of the collection, under /neutron
	one      string // media type of one object
	many     string // media type of several
	bulk     bool   // several can be created at once
	fixed    bool   // objects cannot be updated

	id func(*T) *id.ID[T]
	// read makes an object of a body, and refuses one that cannot be obeyed.
	read func(body []byte) (*T, error)
	// plan returns all that is written when the object is created or replaced as the body says; nil: the object alone.
	plan func(now translate.View, verb importer.Verb, wanted *T, body []byte) ([]importer.Write, error)
	// leave returns what is written when the object is deleted, beside that; nil: nothing.
	leave func(now translate.View, gone id.ID[T]) []importer.Write
	// show returns what makes bodies of objects as they are in the state.
	show func(*mirror.State) func(*T) (any, error)
}

// serveCollection adds the paths of the collection.
func serveCollection[T any](a *API, k collection[T]) {
	one, many := []string{k.one}, []string{k.many}
	all := []endpoint{
		{http.MethodGet, nil, many, k.list},
		{http.MethodPost, one, one, func(c *call) (reply, error) { return k.create(a, c) }},
	}
	if k.bulk {
		all = append(all, endpoint{http.MethodPost, many, many, func(c *call) (reply, error) { return k.createBulk(a, c) }})
	}
	each := []endpoint{
		{http.MethodGet, nil, one, k.get},
		{http.MethodDelete, nil, nil, func(c *call) (reply, error) { return k.remove(a, c) }},
	}
	if !k.fixed {
		each = append(each, endpoint{http.MethodPut, one, one, func(c *call) (reply, error) { return k.replace(a, c) }})
	}
	a.serve("/neutron"+k.path, all...)
	a.serve("/neutron"+k.path+"/{id}", each...)
}

// list answers every object of the kind, in order of identifier.
func (k collection[T]) list(c *call) (reply, error) {
	all, show := []any{}, k.show(c.state)
	for o := range c.state.ByKind(topology.KindSource) {
		source := o.(*topology.Source)
		if source.Resource != string(k.resource) {
			continue
		}
		body, err := shown(source, show)
		if err != nil {
			return reply{}, err
		}
		all = append(all, body)
	}
	return reply{body: all}, nil
}

func (k collection[T]) get(c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	body, err := k.find(c.state, id.As[T](named))
	return reply{body: body}, err
}

// find returns the body of a stored object, which must be there.
func (k collection[T]) find(s *mirror.State, named id.ID[T]) (any, error) {
	source := sourceOf(s, k.resource, named)
	if source == nil {
		return nil, noSuch(importer.Class(k.resource), objectID(named))
	}
	return shown(source, k.show(s))
}

// sourceOf returns the stored object, nil where there is none.
func sourceOf(s *mirror.State, r translate.Resource, named [16]byte) *topology.Source {
	source := mirror.Lookup[*topology.Source](s, topology.KindSource, named)
	if source == nil || source.Resource != string(r) {
		return nil
	}
	return source
}

func shown[T any](source *topology.Source, show func(*T) (any, error)) (any, error) {
	object := new(T)
	if err := json.Unmarshal(source.JSON, object); err != nil {
		return nil, err
	}
	return show(object)
}

func (k collection[T]) create(a *API, c *call) (reply, error) {
	wanted, bodies, err := k.write(a, c, importer.Create, []json.RawMessage{c.body}, id.ID[T]{})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, location: c.base + "/neutron" + k.path + "/" + k.id(wanted[0]).String(), body: bodies[0]}, nil
}

// createBulk creates all or none.
func (k collection[T]) createBulk(a *API, c *call) (reply, error) {
	var given []json.RawMessage
	if err := c.decode(&given); err != nil {
		return reply{}, err
	}
	_, bodies, err := k.write(a, c, importer.Create, given, id.ID[T]{})
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, location: c.base + "/neutron" + k.path, body: bodies}, nil
}

func (k collection[T]) replace(a *API, c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	_, bodies, err := k.write(a, c, importer.Replace, []json.RawMessage{c.body}, id.As[T](named))
	if err != nil {
		return reply{}, err
	}
	return reply{body: bodies[0]}, nil
}

// remove answers 204 for what is not there too.
func (k collection[T]) remove(a *API, c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	gone := id.As[T](named)
	_, err = a.apply(c, func(now translate.View) ([]importer.Write, error) {
		writes := []importer.Write{{Owner: translate.Owner{Resource: k.resource, ID: gone}, Verb: importer.Delete}}
		if k.leave != nil && translate.Find(now, gone) != nil {
			writes = append(writes, k.leave(now, gone)...)
		}
		return writes, nil
	})
	return reply{}, err
}

// write stores what the bodies say in one step, and returns the objects and what is to be answered for each. The identifier in a URI,
// zero where there is none, wins over a body's.
func (k collection[T]) write(a *API, c *call, verb importer.Verb, given []json.RawMessage, named id.ID[T]) ([]*T, []any, error) {
	var wanted []*T
	for _, body := range given {
		object, err := k.read(body)
		if err != nil {
			return nil, nil, err
		}
		own := k.id(object)
		if !named.IsZero() {
			*own = named
		}
		if own.IsZero() {
			return nil, nil, invalid("A %s has no id.", importer.Class(k.resource))
		}
		wanted = append(wanted, object)
	}
	state, err := a.apply(c, func(now translate.View) ([]importer.Write, error) { return k.planAll(now, verb, wanted, given) })
	if err != nil {
		return nil, nil, err
	}
	bodies := []any{}
	for _, object := range wanted {
		body, err := k.find(state, *k.id(object))
		if err != nil {
			return nil, nil, err
		}
		bodies = append(bodies, body)
	}
	return wanted, bodies, nil
}

func (k collection[T]) planAll(now translate.View, verb importer.Verb, wanted []*T, given []json.RawMessage) ([]importer.Write, error) {
	var writes []importer.Write
	for n, object := range wanted {
		if k.plan == nil {
			writes = append(writes, put(verb, k.resource, *k.id(object), object))
			continue
		}
		planned, err := k.plan(now, verb, object, given[n])
		if err != nil {
			return nil, err
		}
		writes = append(writes, planned...)
	}
	return writes, nil
}

// put returns the write that makes an object what it is given as.
func put(verb importer.Verb, r translate.Resource, named [16]byte, object any) importer.Write {
	stored, err := json.Marshal(object)
	if err != nil { // the types of package model have a form
		panic(err)
	}
	return importer.Write{Owner: translate.Owner{Resource: r, ID: named}, Verb: verb, JSON: stored}
}

// apply stores what the plan says, and returns a state that has it.
func (a *API) apply(c *call, plan importer.Plan) (*mirror.State, error) {
	revision, err := a.Importer.ApplyPlan(c.Context(), plan)
	if err != nil {
		return nil, err
	}
	return a.committed(c.Context(), revision)
}

// named reads an identifier from the path. What is no identifier names nothing.
func (c *call) named(name string) (objectID, error) {
	n, err := id.Parse[topology.Source](c.PathValue(name))
	if err != nil || n.IsZero() {
		return n, errs.New(errs.NotFound, "NotFound", "There is nothing with ID %s.", c.PathValue(name))
	}
	return n, nil
}

// invalid says what is wrong with a body.
func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, "BadObject", format, args...)
}

// conflict says what in the present state forbids a request.
func conflict(format string, args ...any) error {
	return errs.New(errs.Conflict, "Conflict", format, args...)
}
