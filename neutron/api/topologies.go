package api

import (
	"net/http"
	"slices"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// dryRun is the field by which a client asks whether a topology could be made (neutron/services/auto_allocate/db.py).
const dryRun = "dry-run"

// RegisterTopologies adds /v2.0/auto-allocated-topology, whose GET makes what is not there.
func RegisterTopologies(s *Server, topologies plugin.Topologies) {
	def := apidef.AutoAllocatedTopologies()
	s.apart[def.Path] = &topologyController{def, topologies}
}

// topologyController serves /v2.0/auto-allocated-topology/<project>.
type topologyController struct {
	def        *apidef.Resource
	topologies plugin.Topologies
}

func (t *topologyController) serve(r *request, rest []string) (*answer, error) {
	if len(rest) > 1 {
		return nil, errNoResource()
	}
	if len(rest) == 0 || r.Method != http.MethodGet && r.Method != http.MethodDelete {
		return nil, errNotAllowed
	}
	project := rest[0]
	if project == "None" { // what a client says that leaves it to the token
		project = r.caller.ProjectID
	}
	if !r.caller.Admin && project != r.caller.ProjectID {
		return nil, errs.New(errs.Forbidden, "NotAuthorized", "Not authorized.")
	}
	if r.Method == http.MethodDelete {
		return t.remove(r, project)
	}
	return t.show(r, project)
}

func (t *topologyController) show(r *request, project string) (*answer, error) {
	if err := t.may(r, "get_", project); errs.Is(err, errs.Forbidden) {
		return nil, errNoResource()
	} else if err != nil {
		return nil, err
	}
	fields := r.query.all("fields")
	switch {
	case slices.Contains(fields, dryRun):
		err := t.topologies.Check(r.Context(), r.caller)
		return t.answer(map[string]string{"id": dryRun + "=pass", "tenant_id": project}, err)
	case len(fields) > 0:
		return nil, badParameter("auto_allocate", "Unrecognized field")
	}
	found, err := t.topologies.Get(r.Context(), r.caller, project)
	if err != nil {
		return nil, err
	}
	return t.answer(map[string]string{"id": found.NetworkID.String(), "tenant_id": project, "project_id": project}, nil)
}

func (t *topologyController) answer(topology map[string]string, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	return ok(encode(map[string]any{t.def.Name: topology})), nil
}

func (t *topologyController) remove(r *request, project string) (*answer, error) {
	if err := t.may(r, "delete_", project); err != nil {
		return nil, err
	}
	if err := t.topologies.Delete(r.Context(), r.caller, project); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, nil
}

// may asks the rule of an action on a project's topology, which need not be there.
func (t *topologyController) may(r *request, verb, project string) error {
	if r.judge.Unbound() {
		return nil
	}
	return r.judge.Enforce(r.Context(), policy.NewAction(verb+t.def.Name), requested{t.def, apidef.Values{"project_id": project}})
}
