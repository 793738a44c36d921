package api

import (
	"net/http"
	"strings"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// RegisterAssociation adds /v2.0/<collection>/<id>/<name>: GET lists resources of the other definition, POST adds one and DELETE of
// <name>/<its id> takes it away. The rules are get_<name>, and create_ and delete_ of the name without its s; they look at no resource
// (neutron/extensions/dhcpagentscheduler.py).
func RegisterAssociation[T any](s *Server, owner, listed *apidef.Resource, name string, with plugin.Association[T]) {
	s.addMember(owner, name, &association[T]{controller: &controller[T]{server: s, def: listed, format: newFormat[T](listed)}, name: name, with: with})
}

type association[T any] struct {
	controller *controller[T] // of what is listed
	name       string
	with       plugin.Association[T]
}

func (a *association[T]) serve(r *request, id string, rest []string) (*answer, error) {
	switch {
	case len(rest) == 0 && r.Method == http.MethodGet:
		return a.list(r, id)
	case len(rest) == 0 && r.Method == http.MethodPost:
		return a.add(r, id)
	case len(rest) == 1 && r.Method == http.MethodDelete:
		return a.remove(r, id, rest[0])
	case len(rest) > 1:
		return nil, errNoResource()
	}
	return nil, errNotAllowed
}

// may asks the rule of a verb.
func (a *association[T]) may(r *request, verb, name string) error {
	return r.judge.Enforce(r.Context(), policy.NewAction(verb+"_"+name), requested{a.controller.def, apidef.Values{}})
}

func (a *association[T]) list(r *request, id string) (*answer, error) {
	if err := a.may(r, "get", a.name); err != nil {
		return nil, err
	}
	items, err := a.with.List(r.Context(), r.caller, id)
	if err != nil {
		return nil, err
	}
	body, err := a.controller.appendList([]byte("{"), r, sealed(items))
	return ok(append(body, '}')), err
}

func (a *association[T]) add(r *request, id string) (*answer, error) {
	body, err := readRawObject(r.Request)
	if err != nil {
		return nil, err
	}
	if err := a.may(r, "create", strings.TrimSuffix(a.name, "s")); err != nil {
		return nil, err
	}
	if err := a.with.Add(r.Context(), r.caller, id, body); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusCreated, body: []byte("null")}, nil
}

func (a *association[T]) remove(r *request, id, item string) (*answer, error) {
	if err := a.may(r, "delete", strings.TrimSuffix(a.name, "s")); err != nil {
		return nil, err
	}
	if err := a.with.Remove(r.Context(), r.caller, id, item); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, nil
}
