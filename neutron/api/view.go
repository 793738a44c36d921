package api

import (
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/policy"
)

// view writes resources with the attributes that the caller sees and, where the query names fields, those among them.
type view[T any] struct {
	controller *controller[T]
	request    *request
	sure       map[string]bool              // attributes that are seen whatever the resource
	unsure     []string                     // attributes whose rule depends on the resource
	encoders   map[string]*model.Encoder[T] // by which of the unsure ones are seen, one letter each
}

// newView asks the rules of the attributes. Those that a rule decides without looking at a resource, which are nearly all, are
// asked once for a whole list.
func (c *controller[T]) newView(r *request) (*view[T], error) {
	v := &view[T]{controller: c, request: r, sure: map[string]bool{}, encoders: map[string]*model.Encoder[T]{}}
	fields := r.query.all("fields")
	for _, attr := range model.Attributes[T]() {
		if a := c.def.Attribute(attr); a == nil || a.Hidden || len(fields) > 0 && !slices.Contains(fields, attr) {
			continue
		}
		verdict, err := r.judge.Defined(r.Context(), c.ruleOf(attr), nil)
		switch {
		case err != nil:
			return nil, err
		case verdict == policy.Yes:
			v.sure[attr] = true
		case verdict == policy.Maybe:
			v.unsure = append(v.unsure, attr)
		}
	}
	return v, nil
}

// ruleOf is the rule of seeing an attribute. Both names of the owner go by the older one (neutron/pecan_wsgi/hooks/
// policy_enforcement.py, _exclude_attributes_by_policy).
func (c *controller[T]) ruleOf(attr string) string {
	if attr == "project_id" {
		attr = "tenant_id"
	}
	return "get_" + c.def.Noun() + ":" + attr
}

// append appends the resource's JSON form to dst.
func (v *view[T]) append(dst []byte, item *T) ([]byte, error) {
	seen := make([]byte, len(v.unsure))
	for i, attr := range v.unsure {
		verdict, err := v.request.judge.Defined(v.request.Context(), v.controller.ruleOf(attr), v.controller.existing(item, nil))
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		seen[i] = 'n'
		if err == nil && verdict == policy.Yes {
			seen[i] = 'y'
		}
	}
	return v.encoder(string(seen)).Append(dst, item), nil
}

// encoder returns the encoder for a choice among the unsure attributes.
func (v *view[T]) encoder(seen string) *model.Encoder[T] {
	if e, ok := v.encoders[seen]; ok {
		return e
	}
	e := model.NewEncoder[T](func(attr string) bool {
		i := slices.Index(v.unsure, attr)
		return v.sure[attr] || i >= 0 && seen[i] == 'y'
	})
	v.encoders[seen] = e
	return e
}

// one is the answer {"network": {…}}.
func (c *controller[T]) one(status int, r *request, item *T) (*answer, error) {
	v, err := c.newView(r)
	if err != nil {
		return nil, err
	}
	body := append([]byte(`{"`), c.def.Name...)
	if body, err = v.append(append(body, `":`...), item); err != nil {
		return nil, err
	}
	return &answer{status: status, body: append(body, '}')}, nil
}

// appendList appends "networks": […].
func (c *controller[T]) appendList(body []byte, r *request, items []*T) ([]byte, error) {
	v, err := c.newView(r)
	if err != nil {
		return nil, err
	}
	body = append(body, `"`+c.def.Collection+`":[`...)
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = v.append(body, item); err != nil {
			return nil, err
		}
	}
	return append(body, ']'), nil
}
