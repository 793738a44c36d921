package api

import (
	"context"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/policy"
)

// requested is a resource that a client asks for, as policy sees it.
type requested struct {
	def    *apidef.Resource
	values apidef.Values
}

// Attribute returns a value that the client gave or a default.
func (t requested) Attribute(name string) (policy.Value, bool) {
	v, ok := t.values[t.def.Canonical(name)]
	return policy.ValueOf(v), ok
}

// existing is a resource that is there, with the changes that a client asks for, as policy sees it.
type existing[T any] struct {
	def     *apidef.Resource
	item    *model.Sealed[T]
	changes apidef.Values
}

// Attribute returns a value as it would be after the change.
func (t existing[T]) Attribute(name string) (policy.Value, bool) {
	if v, ok := (requested{t.def, t.changes}).Attribute(name); ok {
		return v, true
	}
	var buffer [64]byte
	raw, ok := t.item.AppendAttribute(buffer[:0], name)
	if !ok {
		return policy.Value{}, false
	}
	return valueOfJSON(raw), true
}

// inParent is a target below another resource, which it names as the rules expect it.
type inParent struct {
	policy.Target
	key, id string
}

// Attribute returns the parent's identifier besides what the target has.
func (t inParent) Attribute(name string) (policy.Value, bool) {
	if name == t.key {
		return policy.Value{Text: t.id}, true
	}
	return t.Target.Attribute(name)
}

func (c *controller[T]) requested(values apidef.Values) policy.Target {
	return c.inParent(requested{c.def, values})
}

func (c *controller[T]) existing(item *model.Sealed[T], changes apidef.Values) policy.Target {
	return c.inParent(existing[T]{c.def, item, changes})
}

func (c *controller[T]) inParent(t policy.Target) policy.Target {
	if c.def.Parent == nil {
		return t
	}
	return inParent{t, policy.ParentInPath(c.def.Parent.Name), c.parentID}
}

// valueOfJSON reads a value from its JSON form. Identifiers, names and switches, which rules look at most, need no decoder.
func valueOfJSON(raw []byte) policy.Value {
	switch s := string(raw); {
	case s == "true":
		return policy.ValueOf(true)
	case s == "false":
		return policy.ValueOf(false)
	case len(s) >= 2 && s[0] == '"' && !strings.Contains(s, `\`):
		return policy.Value{Text: s[1 : len(s)-1]}
	}
	v, err := decode(raw)
	if err != nil { // only if a type of ours wrote something that is not JSON
		panic(err)
	}
	return policy.ValueOf(v)
}

// parents looks up the networks that resources are in, each at most once for a request.
type parents struct {
	server *Server
	caller *auth.Caller
	seen   map[string]parent
}

type parent struct {
	value policy.Value
	err   error
}

// newParents returns a source of attributes for one request. Whose a network is does not depend on who asks; whether it is shared does.
func newParents(s *Server, c *auth.Caller) *parents {
	all := &auth.Caller{RequestID: c.RequestID, ProjectID: c.ProjectID, Admin: true}
	return &parents{server: s, caller: all, seen: map[string]parent{}}
}

// ParentAttribute asks the collection whose resources are of that kind.
func (p *parents) ParentAttribute(ctx context.Context, kind, id, attr string) (policy.Value, error) {
	key := kind + " " + id + " " + attr
	if found, ok := p.seen[key]; ok {
		return found.value, found.err
	}
	var found parent
	found.value, found.err = p.find(ctx, kind, id, attr)
	p.seen[key] = found
	return found.value, found.err
}

func (p *parents) find(ctx context.Context, kind, id, attr string) (policy.Value, error) {
	for _, c := range p.server.collections {
		if c.definition().Name == kind {
			return c.attribute(ctx, p.caller, id, attr)
		}
	}
	return policy.Value{}, errNoResource()
}

// attribute returns an attribute of the resource with the identifier, if the caller may see that.
func (c *controller[T]) attribute(ctx context.Context, caller *auth.Caller, id, attr string) (policy.Value, error) {
	item, err := c.look(ctx, caller, id)
	if err != nil {
		return policy.Value{}, err
	}
	v, _ := c.existing(item, nil).Attribute(attr)
	return v, nil
}

// mayCreate refuses resources that the caller may not make, and attributes that it may not give.
func (c *controller[T]) mayCreate(r *request, items []apidef.Values) error {
	if r.judge.Unbound() {
		return nil
	}
	for _, values := range items {
		if err := c.ownsNetwork(r, values); err != nil {
			return err
		}
	}
	for _, values := range items {
		if err := r.judge.Enforce(r.Context(), policy.Create(c.def, values), c.requested(values)); err != nil {
			return err
		}
	}
	return nil
}

// ownsNetwork refuses ports and subnets on another project's network, unless it is shared
// (neutron/pecan_wsgi/hooks/ownership_validation.py). Of a network that the caller may not see it learns nothing.
func (c *controller[T]) ownsNetwork(r *request, values apidef.Values) error {
	network, inNetwork := values["network_id"].(string)
	if !inNetwork || r.caller.Advsvc {
		return nil
	}
	networks := r.server.collections["networks"]
	shared, err := networks.attribute(r.Context(), r.caller, network, "shared")
	if err != nil {
		return err
	}
	owner, err := networks.attribute(r.Context(), r.caller, network, "project_id")
	project := apidef.Text(values["project_id"])
	if err != nil || shared.Text == "True" || owner.Text == project {
		return err
	}
	return errs.New(errs.Forbidden, "HTTPForbidden", "Tenant %s not allowed to create %s on this network", project, c.def.Name)
}

// mayChange refuses an update or a removal that the caller may not do. Of resources that it may not even see it learns nothing
// (neutron/pecan_wsgi/hooks/policy_enforcement.py).
func (c *controller[T]) mayChange(r *request, id string, action policy.Action, changes apidef.Values) error {
	if r.judge.Unbound() {
		return nil
	}
	item, err := c.look(r.Context(), r.caller, id)
	if err != nil {
		return err
	}
	target := c.existing(item, changes)
	refused := r.judge.Enforce(r.Context(), action, target)
	if !errs.Is(refused, errs.Forbidden) {
		return refused
	}
	seen, err := r.judge.Check(r.Context(), c.seeing(), target)
	if err == nil && seen != policy.Yes {
		err = errNoResource()
	}
	if err != nil {
		return err
	}
	return refused
}

// mayAct refuses an action on a resource that the caller may not do, as if there were none where it may not even see the resource
// (neutron/api/v2/base.py, _handle_action).
func (c *controller[T]) mayAct(r *request, id string, action policy.Action) error {
	if r.judge.Unbound() {
		return nil
	}
	item, err := c.look(r.Context(), r.caller, id)
	if err != nil {
		return err
	}
	if err := c.maySee(r, item); err != nil {
		return err
	}
	return r.judge.Enforce(r.Context(), action, c.existing(item, nil))
}

// seeing is the action of looking at a resource of this collection.
func (c *controller[T]) seeing() policy.Action { return policy.NewAction("get_" + c.def.Noun()) }

// maySee refuses to show what the rules hide, as if it did not exist.
func (c *controller[T]) maySee(r *request, item *model.Sealed[T]) error {
	err := r.judge.Enforce(r.Context(), c.seeing(), c.existing(item, nil))
	if errs.Is(err, errs.Forbidden) {
		return errNoResource()
	}
	return err
}

// maySeeByID is maySee for a resource that is to be found first.
func (c *controller[T]) maySeeByID(r *request, id string) error {
	item, err := c.look(r.Context(), r.caller, id)
	if err != nil {
		return err
	}
	return c.maySee(r, item)
}

// visible returns those of the items that the rules let the caller see. Where the rule does not depend on the item it is asked once.
func (c *controller[T]) visible(r *request, items []*model.Sealed[T]) ([]*model.Sealed[T], error) {
	sure, err := r.judge.Check(r.Context(), c.seeing(), nil)
	if err != nil || sure == policy.Yes {
		return items, err
	}
	if sure == policy.No {
		return nil, nil
	}
	var out []*model.Sealed[T]
	seeing := r.judge.Known(r.Context(), c.seeing())
	for _, item := range items {
		v, err := r.judge.Check(r.Context(), seeing, c.existing(item, nil))
		switch {
		case errs.Is(err, errs.NotFound): // what it belongs to went away meanwhile, and so it did
		case err != nil:
			return nil, err
		case v == policy.Yes:
			out = append(out, item)
		}
	}
	return out, nil
}
