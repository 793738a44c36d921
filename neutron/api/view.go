package api

import (
	"slices"
	"sync"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/policy"
)

// format is how resources of one kind are written, whoever asks.
type format[T any] struct {
	shown []displayed
	// encoders has an encoder for each choice of attributes that was met, one letter for each of shown: y or n. Choices that a client makes are
	// not kept.
	encoders sync.Map
}

// displayed is an attribute that answers may have, and the rule of seeing it.
type displayed struct{ attr, rule string }

func newFormat[T any](def *apidef.Resource) *format[T] {
	f := &format[T]{}
	for _, attr := range model.Attributes[T]() {
		if a := def.Attribute(attr); a != nil && !a.Hidden {
			f.shown = append(f.shown, displayed{attr, ruleOf(def, attr)})
		}
	}
	return f
}

// ruleOf is the rule of seeing an attribute. Both names of the owner go by the older one (neutron/pecan_wsgi/hooks/
// policy_enforcement.py, _exclude_attributes_by_policy).
func ruleOf(def *apidef.Resource, attr string) string {
	if attr == "project_id" {
		attr = "tenant_id"
	}
	return "get_" + def.Noun() + ":" + attr
}

// encoder returns the encoder for a choice; kept says whether it will be asked for again.
func (f *format[T]) encoder(choice string, kept bool) *model.Encoder[T] {
	if e, ok := f.encoders.Load(choice); ok {
		return e.(*model.Encoder[T])
	}
	e := model.NewEncoder[T](func(attr string) bool {
		i := slices.IndexFunc(f.shown, func(s displayed) bool { return s.attr == attr })
		return i >= 0 && choice[i] == seen
	})
	if kept {
		f.encoders.Store(choice, e)
	}
	return e
}

// view writes resources with the attributes that the caller sees and, where the query names fields, those among them.
type view[T any] struct {
	controller *controller[T]
	request    *request
	choice     []byte                       // for each attribute of the format: seen, unseen or unsure
	unsure     []int                        // which of them depend on the resource
	encoders   map[string]*model.Encoder[T] // by choice
	chosen     bool                         // the client has named fields
}

const (
	seen   = 'y'
	unseen = 'n'
	unsure = '?'
)

// newView asks the rules of the attributes. Those that a rule decides without looking at a resource, which are nearly all, are
// asked once for a whole list.
func (c *controller[T]) newView(r *request) (*view[T], error) {
	fields := r.query.all("fields")
	v := &view[T]{controller: c, request: r, choice: make([]byte, len(c.format.shown)), chosen: len(fields) > 0}
	for i, s := range c.format.shown {
		v.choice[i] = unseen
		if v.chosen && !slices.Contains(fields, s.attr) {
			continue
		}
		verdict, err := r.judge.Defined(r.Context(), s.rule, nil)
		switch {
		case err != nil:
			return nil, err
		case verdict == policy.Yes:
			v.choice[i] = seen
		case verdict == policy.Maybe:
			v.choice[i] = unsure
			v.unsure = append(v.unsure, i)
		}
	}
	return v, nil
}

// append appends the resource's JSON form to dst.
func (v *view[T]) append(dst []byte, item *model.Sealed[T]) ([]byte, error) {
	for _, i := range v.unsure {
		verdict, err := v.request.judge.Defined(v.request.Context(), v.controller.format.shown[i].rule, v.controller.existing(item, nil))
		if err != nil && !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		v.choice[i] = unseen
		if err == nil && verdict == policy.Yes {
			v.choice[i] = seen
		}
	}
	return item.AppendForm(dst, v.encoder(), !v.chosen), nil
}

// encoder returns the encoder for the present choice.
func (v *view[T]) encoder() *model.Encoder[T] {
	if e, ok := v.encoders[string(v.choice)]; ok {
		return e
	}
	choice := string(v.choice)
	e := v.controller.format.encoder(choice, !v.chosen)
	if v.encoders == nil {
		v.encoders = map[string]*model.Encoder[T]{}
	}
	v.encoders[choice] = e
	return e
}

// one is the answer {"network": {…}}.
func (c *controller[T]) one(status int, r *request, item *model.Sealed[T]) (*answer, error) {
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
func (c *controller[T]) appendList(body []byte, r *request, items []*model.Sealed[T]) ([]byte, error) {
	v, err := c.newView(r)
	if err != nil {
		return nil, err
	}
	body = append(body, `"`+c.def.Collection+`":[`...)
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		before := len(body)
		if body, err = v.append(body, item); err != nil {
			return nil, err
		}
		if i == 0 { // the others are about as long
			body = slices.Grow(body, (len(body)-before+1)*(len(items)+len(items)/8))
		}
	}
	return append(body, ']'), nil
}
