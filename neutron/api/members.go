package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// member serves a name below the resources of a collection: an action, or a collection of their own. id names the resource; rest is
// what follows the member's name in the path.
type member interface {
	serve(r *request, id string, rest []string) (*answer, error)
}

// apart serves a path below /v2.0/ that is no collection; rest is what follows it.
type apart interface {
	serve(r *request, rest []string) (*answer, error)
}

func memberKey(def *apidef.Resource, name string) string { return def.Path + "/" + name }

// addMember adds a name below a collection that is registered already; the same name twice is a defect of the program and panics.
func (s *Server) addMember(def *apidef.Resource, name string, m member) {
	key := memberKey(def, name)
	if _, ok := s.collections[def.Path]; !ok {
		panic("api: " + key + " is registered before its collection")
	}
	if _, ok := s.members[key]; ok {
		panic("api: " + key + " is registered twice")
	}
	s.members[key] = m
}

// Below returns the paths that are registered below the resources of collections, or beside collections, in order: routers/tags stands for
// /v2.0/routers/<id>/tags and what follows it, and quotas for /v2.0/quotas.
func (s *Server) Below() []string {
	paths := slices.AppendSeq(slices.Collect(maps.Keys(s.members)), maps.Keys(s.apart))
	slices.Sort(paths)
	return paths
}

// onMember takes the parts of a path of three or more.
func (s *Server) onMember(r *request, path []string) (*answer, error) {
	m, ok := s.members[path[0]+"/"+path[2]]
	if !ok {
		return nil, errNoResource()
	}
	return m.serve(r, path[1], path[3:])
}

// RegisterAction adds a member action to a collection that is registered: method (GET, PUT or POST) on
// /v2.0/<collection>/<id>/<name>. The rule of policy is the one of that name. An action may have several methods.
func RegisterAction(s *Server, def *apidef.Resource, method, name string, action plugin.Action) {
	a, ok := s.members[memberKey(def, name)].(*actions)
	if !ok {
		a = &actions{collection: s.collections[def.Path], name: name, byMethod: map[string]plugin.Action{}}
		s.addMember(def, name, a)
	}
	a.byMethod[method] = action
}

// actions are what one name below the resources of a collection does, by the request's method.
type actions struct {
	collection collection
	name       string
	byMethod   map[string]plugin.Action
}

func (a *actions) serve(r *request, id string, rest []string) (*answer, error) {
	if len(rest) > 0 {
		return nil, errNoResource()
	}
	do, ok := a.byMethod[r.Method]
	switch {
	case !ok && a.collection.definition().Name == "subnetpool": // whose actions Neutron has for one method, and nothing for others
		return nil, errNoResource()
	case !ok:
		return nil, errNotAllowed
	}
	return act(a.collection, r, id, a.name, do)
}

// looksAtTheBody are the actions whose bodies the original checks before it looks for the resource.
var looksAtTheBody = []string{"add_router_interface", "remove_router_interface"}

// act has an action done to a resource of the collection. A body that is no object is as good as none.
func act(c collection, r *request, id, name string, do plugin.Action) (*answer, error) {
	body, err := readRawObject(r.Request)
	if err != nil {
		return nil, err
	}
	if err := c.mayAct(r, id, policy.NewAction(name)); err != nil {
		return nil, err
	}
	result, err := do(r.Context(), r.caller, id, body)
	switch {
	case err == nil:
		return c.acted(r, result)
	case slices.Contains(looksAtTheBody, name):
		return nil, err
	}
	return nil, c.onceThere(r, id, err)
}

// acted is the answer to an action: the resource as the caller sees it, where that is the result, else the result as it is.
func (c *controller[T]) acted(r *request, result any) (*answer, error) {
	if item, isResource := result.(*T); isResource {
		return c.one(http.StatusOK, r, model.Seal(item, nil))
	}
	body, err := json.Marshal(result)
	return &answer{status: http.StatusOK, body: body}, err
}

// RegisterChild adds a collection below each resource of another: /v2.0/floatingips/<id>/port_forwardings[/<child's id>]. The child's
// definition says what it is Under. of returns the children of the resource with that identifier; whether there is such a resource,
// and whether the caller sees it, is for the plugin to say.
func RegisterChild[T any](s *Server, parent, child *apidef.Resource, of func(parentID string) plugin.Resource[T]) {
	if child.Parent == nil || child.Parent.Name != parent.Name {
		panic("api: " + child.Collection + " are not under " + parent.Name)
	}
	s.addMember(parent, child.Path, &children[T]{server: s, def: child, format: newFormat[T](child), of: of,
		actions: map[string]func(string) plugin.Action{}})
}

// RegisterChildAction adds a member action to a collection below the resources of another that is registered:
// PUT /v2.0/ports/<id>/bindings/<child's id>/activate. of returns the action for the children of the resource with that identifier.
func RegisterChildAction[T any](s *Server, parent, child *apidef.Resource, name string, of func(parentID string) plugin.Action) {
	s.members[memberKey(parent, child.Path)].(*children[T]).actions[name] = of
}

// children serves the collections of one kind below the resources of another.
type children[T any] struct {
	server *Server
	def    *apidef.Resource
	format *format[T]
	of     func(parentID string) plugin.Resource[T]

	actions map[string]func(parentID string) plugin.Action // by name; by PUT
}

func (c *children[T]) serve(r *request, id string, rest []string) (*answer, error) {
	own := &controller[T]{server: c.server, def: c.def, format: c.format, resource: c.of(id), parentID: id}
	if len(rest) != 2 {
		return onPath(own, r, rest)
	}
	of, ok := c.actions[rest[1]]
	switch {
	case !ok:
		return nil, errNoResource()
	case r.Method != http.MethodPut:
		return nil, errNotAllowed
	}
	return act(own, r, rest[0], rest[1], of(id))
}
