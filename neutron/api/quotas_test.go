package api

import (
	"context"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/plugin"
)

// quotas are quotas in memory: of networks and ports, by project.
type quotas map[string][2]int

func both(limits [2]int) []plugin.Quota {
	return []plugin.Quota{{Resource: "network", Limit: limits[0]}, {Resource: "port", Limit: limits[1]}}
}

func (q quotas) Default() []plugin.Quota { return both([2]int{10, -1}) }

func (q quotas) Get(_ context.Context, _ *auth.Caller, project string) ([]plugin.Quota, error) {
	if own, ok := q[project]; ok {
		return both(own), nil
	}
	return q.Default(), nil
}

func (q quotas) Details(ctx context.Context, c *auth.Caller, project string) ([]plugin.Quota, error) {
	found, err := q.Get(ctx, c, project)
	found[0].Used = 3
	return found, err
}

func (q quotas) List(context.Context, *auth.Caller) (all []plugin.ProjectQuotas, err error) {
	for project, own := range q {
		all = append(all, plugin.ProjectQuotas{Project: project, Quotas: both(own)})
	}
	return all, nil
}

func (q quotas) Set(ctx context.Context, c *auth.Caller, project string, limits []plugin.Quota, check bool) ([]plugin.Quota, error) {
	own := [2]int{10, -1}
	for _, l := range limits {
		if check && l.Limit < 3 {
			return nil, errs.New(errs.Invalid, "HTTPBadRequest", "too few")
		}
		at := 0
		if l.Resource == "port" {
			at = 1
		}
		own[at] = l.Limit
	}
	q[project] = own
	return both(own), nil
}

func (q quotas) Reset(_ context.Context, _ *auth.Caller, project string) error {
	if _, ok := q[project]; !ok {
		return errs.New(errs.NotFound, "TenantQuotaNotFound", "none")
	}
	delete(q, project)
	return nil
}

// withQuotas returns a server where a member of the project asks; "": the administrator.
func withQuotas(t *testing.T, project string) (*Server, quotas) {
	q := quotas{"red": {1, 2}}
	s, _ := newServer(t, func(c *Config) {
		if project != "" {
			c.Auth = asProject(project)
		}
	})
	RegisterQuotas(s, q)
	return s, q
}

func TestQuotasOfTheAdministrator(t *testing.T) {
	s, q := withQuotas(t, "")
	const defaults, red = `{"quota":{"network":10,"port":-1}}`, `{"quota":{"network":1,"port":2}}`
	wantAnswer(t, s, "GET", "/v2.0/quotas", ``, 200, `{"quotas":[{"network":1,"port":2,"project_id":"red","tenant_id":"red"}]}`)
	wantAnswer(t, s, "GET", "/v2.0/quotas/red", ``, 200, red)
	wantAnswer(t, s, "GET", "/v2.0/quotas/red.json", ``, 200, red)
	wantAnswer(t, s, "GET", "/v2.0/quotas/blue", ``, 200, defaults)
	wantAnswer(t, s, "GET", "/v2.0/quotas/red/default", ``, 200, defaults)
	wantAnswer(t, s, "GET", "/v2.0/quotas/red/details", ``, 200,
		`{"quota":{"network":{"limit":1,"used":3,"reserved":0},"port":{"limit":2,"used":0,"reserved":0}}}`)
	wantAnswer(t, s, "GET", "/v2.0/quotas/tenant", ``, 200, `{"tenant":{"tenant_id":"fake_project_id"}}`)
	wantAnswer(t, s, "GET", "/v2.0/quotas/project", ``, 200, `{"project":{"project_id":"fake_project_id"}}`)
	wantAnswer(t, s, "PUT", "/v2.0/quotas/blue", `{"quota":{"network":"7","force":true}}`, 200, `{"quota":{"network":7,"port":-1}}`)
	wantAnswer(t, s, "PUT", "/v2.0/quotas/blue", `{"quota":{"port":1,"check_limit":true}}`, 400, neutronError("HTTPBadRequest", "too few"))
	wantAnswer(t, s, "PUT", "/v2.0/quotas/blue", `{"quota":{"port":1,"check_limit":false}}`, 200, `{"quota":{"network":10,"port":1}}`)
	wantAnswer(t, s, "DELETE", "/v2.0/quotas/blue", ``, 204, ``)
	wantAnswer(t, s, "DELETE", "/v2.0/quotas/blue", ``, 404, neutronError("TenantQuotaNotFound", "none"))
	if len(q) != 1 {
		t.Errorf("left: %v", q)
	}
}

func TestQuotaBodiesThatAreRefused(t *testing.T) {
	s, q := withQuotas(t, "")
	for body, want := range map[string]string{
		`{"quota":{"network":-2}}`: "Invalid input for network. Reason: '-2' is too small - must be at least '-1'.",
		`{"quota":{"network":2147483648}}`: "Invalid input for network. Reason: '2147483648' is too large - must be no larger than " +
			"'2147483647'.",
		`{"quota":{"network":1,"bogus":2}}`:            "Unrecognized attribute(s) 'bogus'",
		`{"quota":{"tenant_id":"x"}}`:                  "Unrecognized attribute(s) 'project_id, tenant_id'",
		`{"quota":{"tenant_id":"a","project_id":"b"}}`: "'project_id' and 'tenant_id' do not match",
		`{"quota":7}`: "Object 'quota' contains invalid data",
		`{}`:          "Unable to find 'quota' in request body",
		``:            "Unable to find 'quota' in request body",
		`[]`:          "Body contains invalid data",
	} {
		wantAnswer(t, s, "PUT", "/v2.0/quotas/blue", body, 400, neutronError("HTTPBadRequest", want))
	}
	wantAnswer(t, s, "PUT", "/v2.0/quotas/blue", `{"quota":{"network":"x"}}`, 400,
		neutronError("InvalidInput", "Invalid input for operation: 'x' is not an integer."))
	if len(q) != 1 {
		t.Errorf("set: %v", q)
	}
	notAllowed, notFound := neutronError("HTTPMethodNotAllowed", notAllowedText), neutronError("HTTPNotFound", notFound)
	wantAnswer(t, s, "POST", "/v2.0/quotas", `{}`, 501,
		neutronError("HTTPNotImplemented", "POST requests are not supported on this resource."))
	wantAnswer(t, s, "DELETE", "/v2.0/quotas", ``, 405, notAllowed)
	wantAnswer(t, s, "POST", "/v2.0/quotas/blue", `{}`, 405, notAllowed)
	wantAnswer(t, s, "PUT", "/v2.0/quotas/blue/details", `{}`, 404, notFound)
	wantAnswer(t, s, "GET", "/v2.0/quotas/blue/other", ``, 404, notFound)
	wantAnswer(t, s, "GET", "/v2.0/quotas/blue/details/more", ``, 404, notFound)
}

// TestQuotasOfAMember: a project sees its own, and changes none.
func TestQuotasOfAMember(t *testing.T) {
	s, q := withQuotas(t, "blue")
	denied := func(rule string) string {
		return neutronError("PolicyNotAuthorized", "rule:"+rule+" is disallowed by policy")
	}
	const own = `{"quota":{"network":10,"port":-1}}`
	wantAnswer(t, s, "GET", "/v2.0/quotas/blue", ``, 200, own)
	wantAnswer(t, s, "GET", "/v2.0/quotas/blue/default", ``, 200, own)
	wantAnswer(t, s, "GET", "/v2.0/quotas/blue/details", ``, 200,
		`{"quota":{"network":{"limit":10,"used":3,"reserved":0},"port":{"limit":-1,"used":0,"reserved":0}}}`)
	wantAnswer(t, s, "GET", "/v2.0/quotas", ``, 403, denied("get_quota"))
	wantAnswer(t, s, "GET", "/v2.0/quotas/red", ``, 403, denied("get_quota"))
	wantAnswer(t, s, "GET", "/v2.0/quotas/red/default", ``, 403, denied("get_quota"))
	wantAnswer(t, s, "GET", "/v2.0/quotas/red/details", ``, 403, neutronError("AdminRequired",
		"User does not have admin privileges: Only admin is authorized to access quotas for another project."))
	for _, project := range []string{"blue", "red"} {
		wantAnswer(t, s, "PUT", "/v2.0/quotas/"+project, `{"quota":{"network":99}}`, 403, denied("update_quota"))
		wantAnswer(t, s, "DELETE", "/v2.0/quotas/"+project, ``, 403, denied("delete_quota"))
	}
	if len(q) != 1 || q["red"] != [2]int{1, 2} {
		t.Errorf("left: %v", q)
	}
	s, _ = withQuotas(t, "")
	s.config.Auth = asProject("")
	wantAnswer(t, s, "GET", "/v2.0/quotas/tenant", ``, 400,
		neutronError("QuotaMissingTenant", "Tenant-id was missing from quota request."))
}
