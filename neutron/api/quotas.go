package api

import (
	"net/http"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/plugin"
	"midonet.org/midonet/neutron/policy"
)

// RegisterQuotas adds /v2.0/quotas, which is no collection like the others: a project's quotas are there without being made, and are
// reset where others are deleted (neutron/extensions/quotasv2.py and quotasv2_detail.py).
func RegisterQuotas(s *Server, quotas plugin.Quotas) {
	var names []string
	for _, q := range quotas.Default() {
		names = append(names, q.Resource)
	}
	s.apart["quotas"] = &quotaController{def: apidef.Quotas(names), quotas: quotas}
}

// quotaController serves /v2.0/quotas.
type quotaController struct {
	def    *apidef.Resource
	quotas plugin.Quotas
}

func (q *quotaController) serve(r *request, rest []string) (*answer, error) {
	switch len(rest) {
	case 0:
		return q.onAll(r)
	case 1:
		return q.onProject(r, rest[0])
	case 2:
		return q.onMember(r, rest[0], rest[1])
	}
	return nil, errNoResource()
}

func (q *quotaController) onAll(r *request) (*answer, error) {
	switch r.Method {
	case http.MethodGet:
		return q.list(r)
	case http.MethodPost:
		return nil, errs.New(errs.Unsupported, "HTTPNotImplemented", "POST requests are not supported on this resource.")
	}
	return nil, errNotAllowed
}

func (q *quotaController) list(r *request) (*answer, error) {
	if err := q.may(r, "get_quota"); err != nil {
		return nil, err
	}
	all, err := q.quotas.List(r.Context(), r.caller)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, p := range all {
		one := map[string]any{"project_id": p.Project, "tenant_id": p.Project}
		for name, limit := range limits(p.Quotas) {
			one[name] = limit
		}
		list = append(list, one)
	}
	return ok(encode(map[string]any{"quotas": list})), nil
}

func (q *quotaController) onProject(r *request, project string) (*answer, error) {
	switch r.Method {
	case http.MethodGet:
		return q.show(r, project)
	case http.MethodPut:
		return q.update(r, project)
	case http.MethodDelete:
		return q.reset(r, project)
	}
	return nil, errNotAllowed
}

// show answers with a project's quotas; "tenant" and "project" are questions who asks.
func (q *quotaController) show(r *request, project string) (*answer, error) {
	if project == "tenant" || project == "project" {
		if r.caller.ProjectID == "" {
			return nil, errs.New(errs.Invalid, "QuotaMissingTenant", "Tenant-id was missing from quota request.")
		}
		return ok(encode(map[string]map[string]string{project: {project + "_id": r.caller.ProjectID}})), nil
	}
	if err := q.maySee(r, project); err != nil {
		return nil, err
	}
	found, err := q.quotas.Get(r.Context(), r.caller, project)
	return quotaAnswer(limits(found), err)
}

// maySee refuses another project's quotas to those whom the rules do not let see all.
func (q *quotaController) maySee(r *request, project string) error {
	if project == r.caller.ProjectID {
		return nil
	}
	return q.may(r, "get_quota")
}

// may asks a rule, whose target is the caller's own project as in Neutron (validate_policy).
func (q *quotaController) may(r *request, rule string) error {
	own := apidef.Values{"project_id": r.caller.ProjectID, "tenant_id": r.caller.ProjectID}
	return r.judge.Enforce(r.Context(), policy.NewAction(rule), requested{q.def, own})
}

func (q *quotaController) onMember(r *request, project, name string) (*answer, error) {
	switch {
	case r.Method != http.MethodGet:
	case name == "default":
		if err := q.maySee(r, project); err != nil {
			return nil, err
		}
		return quotaAnswer(limits(q.quotas.Default()), nil)
	case name == "details":
		return q.details(r, project)
	}
	return nil, errNoResource()
}

func (q *quotaController) details(r *request, project string) (*answer, error) {
	if project != r.caller.ProjectID && !r.caller.Admin {
		return nil, errs.New(errs.Forbidden, "AdminRequired",
			"User does not have admin privileges: Only admin is authorized to access quotas for another project.")
	}
	found, err := q.quotas.Details(r.Context(), r.caller, project)
	if err != nil {
		return nil, err
	}
	type use struct {
		Limit    int `json:"limit"`
		Used     int `json:"used"`
		Reserved int `json:"reserved"` // always 0: to count and to create is one transaction here
	}
	details := map[string]use{}
	for _, q := range found {
		details[q.Resource] = use{Limit: q.Limit, Used: q.Used}
	}
	return quotaAnswer(details, nil)
}

func (q *quotaController) update(r *request, project string) (*answer, error) {
	if err := q.may(r, "update_quota"); err != nil {
		return nil, err
	}
	body, err := readObject(r.Request)
	if err != nil {
		return nil, err
	}
	attrs, err := single(q.def, body)
	if err != nil {
		return nil, err
	}
	notBelowUse := truth(attrs["check_limit"])
	delete(attrs, "check_limit")
	delete(attrs, "force") // to set a limit below the use is what Neutron does unless check_limit says otherwise
	if err := bothOwners(attrs); err != nil {
		return nil, err
	}
	values, _, err := q.def.CheckUpdate(attrs, apidef.Owner{Admin: true})
	if err != nil {
		return nil, err
	}
	var wanted []plugin.Quota
	for _, a := range q.def.Attributes {
		if n, given := values[a.Name].(int64); given {
			wanted = append(wanted, plugin.Quota{Resource: a.Name, Limit: int(n)})
		}
	}
	found, err := q.quotas.Set(r.Context(), r.caller, project, wanted, notBelowUse)
	return quotaAnswer(limits(found), err)
}

// bothOwners puts an owner that a body names there under both of its names, for both to be refused (neutron-lib api/attributes.py,
// populate_project_id).
func bothOwners(attrs map[string]any) error {
	tenant, hasTenant := attrs["tenant_id"]
	project, hasProject := attrs["project_id"]
	switch {
	case hasTenant && hasProject && apidef.Text(tenant) != apidef.Text(project):
		return badRequest("'project_id' and 'tenant_id' do not match")
	case hasTenant:
		attrs["project_id"] = tenant
	case hasProject:
		attrs["tenant_id"] = project
	}
	return nil
}

func (q *quotaController) reset(r *request, project string) (*answer, error) {
	if err := q.may(r, "delete_quota"); err != nil {
		return nil, err
	}
	if err := q.quotas.Reset(r.Context(), r.caller, project); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, nil
}

func limits(quotas []plugin.Quota) map[string]int {
	out := map[string]int{}
	for _, q := range quotas {
		out[q.Resource] = q.Limit
	}
	return out
}

func quotaAnswer(quota any, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	return ok(encode(map[string]any{"quota": quota})), nil
}

// truth is Python's truth of a JSON value.
func truth(v any) bool {
	switch apidef.Text(v) {
	case "None", "False", "0", "0.0", "", "[]", "{}":
		return false
	}
	return true
}
