package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// Register adds a collection. It is called before the server answers its first request; the same collection twice is a defect of
// the program and panics.
func Register[T any](s *Server, def *apidef.Resource, resource plugin.Resource[T]) {
	if _, ok := s.collections[def.Path]; ok {
		panic("api: collection " + def.Path + " is registered twice")
	}
	s.collections[def.Path] = &controller[T]{server: s, def: def, format: newFormat[T](def), resource: resource}
}

// isNewer reports whether Neutron serves the resource by its newer controller (neutron/pecan_wsgi). The older one, which serves all others,
// looks at a body before the resource.
func isNewer(def *apidef.Resource) bool {
	return slices.Contains([]string{"network", "subnet", "port"}, def.Name)
}

// controller serves the collection of one resource.
type controller[T any] struct {
	server   *Server
	def      *apidef.Resource
	format   *format[T]
	resource plugin.Resource[T]
	parentID string // of the resource below which the collection is; empty for most
}

func (c *controller[T]) definition() *apidef.Resource { return c.def }

func (c *controller[T]) list(r *request) (*answer, error) {
	q, err := r.query.listQuery(c.def, c.server.config.MaxPage)
	if err != nil {
		return nil, err
	}
	if _, _, err := revisionOf(r); err != nil { // it means nothing here, and is read all the same
		return nil, err
	}
	page, err := c.looked(r, q)
	if err != nil {
		return nil, err
	}
	seen, err := c.visible(r, page)
	if err != nil {
		return nil, err
	}
	body, err := c.appendList(append(*bodies.Get().(*[]byte), '{'), r, seen)
	if err != nil {
		return nil, err
	}
	if q.Limit > 0 {
		body = append(body, `,"`+c.def.Collection+`_links":`...)
		body = append(body, encode(c.links(r, q, page))...)
	}
	return &answer{status: http.StatusOK, body: append(body, '}'), again: true}, nil
}

// links asks for the items' ids by their primary key, which every type calls its own way.
func (c *controller[T]) links(r *request, q plugin.Query, items []*model.Sealed[T]) []link {
	first, last := "", ""
	if len(items) > 0 {
		first, last = c.key(items[0]), c.key(items[len(items)-1])
	}
	return c.server.pageLinks(r, len(items), q.Limit, q.PageReverse, first, last)
}

func (c *controller[T]) key(item *model.Sealed[T]) string {
	raw, _ := item.AppendAttribute(nil, c.def.PrimaryKey())
	return valueOfJSON(raw).Text // the primary key is a string in every definition
}

// looked lists resources for a request that only looks at them.
func (c *controller[T]) looked(r *request, q plugin.Query) ([]*model.Sealed[T], error) {
	if shared, ok := c.resource.(plugin.Shared[T]); ok {
		return shared.ListShared(r.Context(), r.caller, q)
	}
	page, err := c.resource.List(r.Context(), r.caller, q)
	return sealed(page), err
}

// look returns a resource for a request that only looks at it.
func (c *controller[T]) look(ctx context.Context, caller *auth.Caller, id string) (*model.Sealed[T], error) {
	if shared, ok := c.resource.(plugin.Shared[T]); ok {
		return shared.GetShared(ctx, caller, id)
	}
	item, err := c.resource.Get(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return model.Seal(item, nil), nil
}

func sealed[T any](items []*T) []*model.Sealed[T] {
	out := make([]*model.Sealed[T], len(items))
	for i, item := range items {
		out[i] = model.Seal(item, nil)
	}
	return out
}

func (c *controller[T]) show(r *request, id string) (*answer, error) {
	if err := c.onlyIf(r, id); err != nil { // a condition holds for changes alone, and is read all the same
		return nil, err
	}
	item, err := c.look(r.Context(), r.caller, id)
	if err != nil {
		return nil, err
	}
	if err := c.maySee(r, item); err != nil {
		return nil, err
	}
	return c.one(http.StatusOK, r, item)
}

func (c *controller[T]) create(r *request) (*answer, error) {
	if _, _, err := revisionOf(r); err != nil { // likewise
		return nil, err
	}
	body, err := readObject(r.Request)
	if err != nil {
		return nil, err
	}
	if list, isBulk := body[c.def.Collection]; isBulk {
		return c.createBulk(r, list)
	}
	attrs, err := single(c.def, body)
	if err != nil {
		return nil, err
	}
	made, err := c.make(r, []map[string]any{attrs})
	if err != nil {
		return nil, err
	}
	return c.one(http.StatusCreated, r, model.Seal(made[0], nil))
}

func (c *controller[T]) createBulk(r *request, list any) (*answer, error) {
	if c.server.config.NoBulk {
		return nil, badRequest("Bulk operation not supported")
	}
	bodies, err := several(c.def, list)
	if err != nil {
		return nil, err
	}
	made, err := c.make(r, bodies)
	if err != nil {
		return nil, err
	}
	body, err := c.appendList([]byte("{"), r, sealed(made))
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusCreated, body: append(body, '}')}, nil
}

// make checks all the bodies, asks whether the caller may create them, and creates them all or none.
func (c *controller[T]) make(r *request, bodies []map[string]any) ([]*T, error) {
	values, items := make([]apidef.Values, len(bodies)), make([]plugin.Body[T], len(bodies))
	for i, attrs := range bodies {
		checked, given, err := c.def.CheckCreate(attrs, ownerOf(r.caller))
		if err != nil {
			return nil, err
		}
		values[i], items[i].Given = checked, given
	}
	if err := c.mayCreate(r, values); err != nil {
		return nil, err
	}
	for i := range items {
		var err error
		if items[i], err = typed[T](values[i], items[i].Given); err != nil {
			return nil, err
		}
	}
	return c.resource.Create(r.Context(), r.caller, items)
}

// ownerOf is what the caller may say about owners: services that act for others may name any project.
func ownerOf(c *auth.Caller) apidef.Owner {
	return apidef.Owner{ProjectID: c.ProjectID, Admin: c.Admin || c.Advsvc}
}

func (c *controller[T]) update(r *request, id string) (*answer, error) {
	if err := c.onlyIf(r, id); err != nil {
		return nil, err
	}
	body, err := readObject(r.Request)
	if err != nil {
		return nil, err
	}
	if _, isBulk := body[c.def.Collection]; isBulk {
		return nil, badRequest("Bulk operation not supported")
	}
	attrs, err := single(c.def, body)
	if err != nil && isNewer(c.def) {
		err = c.onceThere(r, id, err)
	}
	if err != nil {
		return nil, err
	}
	values, given, err := c.def.CheckUpdate(attrs, ownerOf(r.caller))
	if err != nil {
		return nil, err
	}
	if err := c.mayChange(r, id, policy.Update(c.def, values), values); err != nil {
		return nil, err
	}
	change, err := typed[T](values, given)
	if err != nil {
		return nil, err
	}
	item, err := c.resource.Update(r.Context(), r.caller, id, change)
	if err != nil {
		return nil, err
	}
	return c.one(http.StatusOK, r, model.Seal(item, nil))
}

func (c *controller[T]) remove(r *request, id string) (*answer, error) {
	if err := c.onlyIf(r, id); err != nil {
		return nil, err
	}
	body, err := readBody(r.Request)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		wrong := badRequest("Request body is not supported in DELETE.")
		if !isNewer(c.def) {
			return nil, wrong
		}
		return nil, c.onceThere(r, id, wrong)
	}
	if err := c.mayChange(r, id, policy.NewAction("delete_"+c.def.Noun()), nil); err != nil {
		return nil, err
	}
	if err := c.resource.Delete(r.Context(), r.caller, id); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, nil
}

// unnamed is the identifier that Neutron takes a member for that the path does not name: the last one there is in it.
func (c *controller[T]) unnamed() string {
	if c.def.Parent != nil {
		return c.parentID
	}
	return "None"
}

// onceThere returns what is wrong with a request, where the resource exists that it is about; else that it does not.
func (c *controller[T]) onceThere(r *request, id string, wrong error) error {
	if _, err := c.look(r.Context(), r.caller, id); err != nil {
		return err
	}
	return wrong
}

// typed makes the struct of checked values. A value that the checks let through and the type does not take is the client's fault
// too.
func typed[T any](values apidef.Values, given map[string]bool) (plugin.Body[T], error) {
	body := plugin.Body[T]{Given: given}
	for attr, value := range values {
		raw, err := json.Marshal(value)
		if err != nil {
			return body, fmt.Errorf("attribute %s: %w", attr, err)
		}
		if err := model.SetAttribute(&body.Value, attr, raw); err != nil {
			return body, badRequest("Invalid input for %s. Reason: %s.", attr, err)
		}
	}
	return body, nil
}
