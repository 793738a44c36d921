package api

import (
	"net/http"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
)

// versions is the document at / (neutron/pecan_wsgi/controllers/root.py, RootController). It needs no token.
func (s *Server) versions(r *http.Request) (*answer, error) {
	if r.Method != http.MethodGet {
		return nil, errNotAllowed
	}
	type version struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Links  []link `json:"links"`
	}
	v := version{"v2.0", "CURRENT", []link{{"self", s.baseURL(r) + "/v2.0/"}}}
	return ok(encode(map[string][]version{"versions": {v}})), nil
}

// coreResources are those that the document at /v2.0/ lists, whatever else is served.
var coreResources = []string{"networks", "subnets", "subnetpools", "ports"}

// resources is the document at /v2.0/ (V2Controller).
func (s *Server) resources(r *request) (*answer, error) {
	if r.Method != http.MethodGet {
		return nil, errNotAllowed
	}
	type resource struct {
		Links      []link `json:"links"`
		Name       string `json:"name"`
		Collection string `json:"collection"`
	}
	list := []resource{}
	for _, name := range coreResources {
		c, ok := s.collections[name]
		if !ok {
			continue
		}
		def := c.definition()
		href := s.baseURL(r.Request) + "/v2.0/" + def.Collection
		list = append(list, resource{[]link{{"self", href}}, def.Name, def.Collection})
	}
	return ok(encode(map[string][]resource{"resources": list})), nil
}

// extension is an entry of the list with the links that no extension has.
type extension struct {
	apidef.Extension
	Links []link `json:"links"`
}

// extensions is /v2.0/extensions and /v2.0/extensions/{alias}. Other methods are answered with 404, as Neutron does it.
func (s *Server) extensions(r *request, alias []string) (*answer, error) {
	if r.Method != http.MethodGet {
		return nil, errNoResource()
	}
	list := []extension{}
	for _, e := range s.config.Extensions {
		if len(alias) == 1 && e.Alias == alias[0] {
			return ok(encode(map[string]extension{"extension": {e, []link{}}})), nil
		}
		list = append(list, extension{e, []link{}})
	}
	if len(alias) == 1 {
		return nil, errs.New(errs.NotFound, "HTTPNotFound", "Extension with alias %s does not exist", alias[0])
	}
	return ok(encode(map[string][]extension{"extensions": list})), nil
}

func ok(body []byte) *answer { return &answer{status: http.StatusOK, body: body} }
