package api

import (
	"net/http"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// RegisterTags adds the paths of tags below the resources of every collection that is registered and whose definition has tags: a tag
// is there (204) or not, is added with PUT, and all are replaced at once (neutron/extensions/tagging.py).
//
// Who may change a resource may change its tags. Neutron 21 asks no rule here, and so lets a project mark what another shares with it.
func RegisterTags(s *Server, tags plugin.Tags) {
	for _, def := range s.Collections() {
		if def.Attribute("tags") != nil {
			s.addMember(def, "tags", &tagController{collection: s.collections[def.Path], def: def, tags: tags})
		}
	}
}

// tagController serves the tags of the resources of one collection.
type tagController struct {
	collection collection
	def        *apidef.Resource
	tags       plugin.Tags
}

func (t *tagController) serve(r *request, id string, rest []string) (*answer, error) {
	switch len(rest) {
	case 0:
		return t.onAll(r, id)
	case 1:
		return t.onOne(r, id, rest[0])
	}
	return nil, errNoResource()
}

func (t *tagController) onAll(r *request, id string) (*answer, error) {
	switch r.Method {
	case http.MethodGet:
		tags, err := t.get(r, id)
		return tagsAnswer(tags, err)
	case http.MethodPut:
		return t.replace(r, id)
	case http.MethodDelete:
		if err := t.mayChange(r, id); err != nil {
			return nil, err
		}
		return &answer{status: http.StatusNoContent}, t.tags.Set(r.Context(), r.caller, t.def.Collection, id, nil)
	case http.MethodPost:
		return nil, errs.New(errs.NotFound, "HTTPNotFound", "not supported")
	}
	return nil, errNotAllowed
}

func (t *tagController) onOne(r *request, id, tag string) (*answer, error) {
	if err := apidef.Tag(tag); err != nil {
		return nil, err
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return t.find(r, id, tag)
	case http.MethodPut, http.MethodDelete:
	default:
		return nil, errNotAllowed
	}
	if err := t.mayChange(r, id); err != nil {
		return nil, err
	}
	if r.Method == http.MethodDelete {
		return &answer{status: http.StatusNoContent}, t.tags.Remove(r.Context(), r.caller, t.def.Collection, id, tag)
	}
	return &answer{status: http.StatusCreated, body: []byte("null")}, t.tags.Add(r.Context(), r.caller, t.def.Collection, id, tag)
}

// get returns the tags of a resource that the caller sees.
func (t *tagController) get(r *request, id string) ([]string, error) {
	if err := t.collection.maySeeByID(r, id); err != nil {
		return nil, t.absent(err, id)
	}
	return t.tags.Get(r.Context(), r.caller, t.def.Collection, id)
}

func (t *tagController) find(r *request, id, tag string) (*answer, error) {
	tags, err := t.get(r, id)
	if err == nil && !slices.Contains(tags, tag) {
		err = errs.New(errs.NotFound, "TagNotFound", "Tag %s could not be found.", tag)
	}
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, nil
}

func (t *tagController) replace(r *request, id string) (*answer, error) {
	given, err := tagsIn(r)
	if err != nil {
		return nil, err
	}
	tags, err := apidef.Tags(given)
	if err != nil {
		return nil, err
	}
	if err := t.mayChange(r, id); err != nil {
		return nil, err
	}
	return tagsAnswer(tags, t.tags.Set(r.Context(), r.caller, t.def.Collection, id, tags))
}

// tagsIn returns what a body gives for tags. Of a body that gives nothing the same is said whatever else it is.
func tagsIn(r *request) (any, error) {
	raw, err := readBody(r.Request)
	if err != nil {
		return nil, err
	}
	var body any
	if len(raw) > 0 {
		if body, err = valueIn(raw); err != nil {
			return nil, err
		}
	}
	object, _ := body.(map[string]any)
	given, ok := object["tags"]
	if !ok {
		return nil, apidef.InvalidInput("Invalid tags body")
	}
	return given, nil
}

func tagsAnswer(tags []string, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	if tags == nil {
		tags = []string{}
	}
	return ok(encode(map[string][]string{"tags": tags})), nil
}

// mayChange refuses tags to those who may not change the resource.
func (t *tagController) mayChange(r *request, id string) error {
	return t.absent(t.collection.mayChange(r, id, policy.NewAction("update_"+t.def.Noun()), nil), id)
}

// absent says of a resource that is not there what Neutron says where tags are asked for.
func (t *tagController) absent(err error, id string) error {
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "TagResourceNotFound", "Resource %s %s could not be found.", t.def.Collection, id)
	}
	return err
}
