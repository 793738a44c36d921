package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
)

const (
	first = "00000000-0000-4000-8000-000000000001"
	times = `"created_at":"2026-11-23T06:00:00Z","updated_at":"2026-11-23T06:00:00Z","revision_number":1,"tags":[]`
)

// shown is the complete form of a network made by the double.
func shown(id, project, name string) string {
	return `{"id":"` + id + `","project_id":"` + project + `","tenant_id":"` + project + `","description":"",` + times + `,"name":"` + name +
		`","admin_state_up":true,"status":"ACTIVE","shared":false,"subnets":[],"mtu":0,"router:external":false,"is_default":false,` +
		`"provider:network_type":"midonet","provider:physical_network":null,"provider:segmentation_id":null,` +
		`"ipv4_address_scope":null,"ipv6_address_scope":null,"availability_zone_hints":[],"availability_zones":[],"dns_domain":"","port_security_enabled":true}`
}

func TestCreateShowUpdateDelete(t *testing.T) {
	s, n := newServer(t)
	blue := shown(first, "fake_project_id", "blue")
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"network":{"name":"blue"}}`, 201, `{"network":`+blue+`}`)
	wantAnswer(t, s, "GET", "/v2.0/networks/"+first, "", 200, `{"network":`+blue+`}`)
	wantAnswer(t, s, "GET", "/v2.0/networks/"+first+".json", "", 200, `{"network":`+blue+`}`)
	wantAnswer(t, s, "GET", "/v2.0/networks/", "", 200, `{"networks":[`+blue+`]}`)
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+first, `{"network":{"name":"navy"}}`, 200,
		`{"network":`+shown(first, "fake_project_id", "navy")+`}`)
	if diff := cmp.Diff(map[string]bool{"name": true}, n.bodies[1].Given); diff != "" {
		t.Errorf("given to Update (-want +got):\n%s", diff)
	}
	wantAnswer(t, s, "DELETE", "/v2.0/networks/"+first, "", 204, "")
	wantAnswer(t, s, "GET", "/v2.0/networks", "", 200, `{"networks":[]}`)
	wantAnswer(t, s, "DELETE", "/v2.0/networks/"+first, "", 404,
		neutronError("NetworkNotFound", "Network "+first+" could not be found."))
}

func TestPluginGetsTypedValues(t *testing.T) {
	s, n := newServer(t)
	do(t, s, "POST", "/v2.0/networks", `{"network":{"name":"x","tenant_id":"red","mtu":"1400","shared":"yes","provider:segmentation_id":7}}`)
	seven, no := 7, false
	want := model.Network{Standard: model.Standard{ProjectID: "red"}, Name: "x", MTU: 1400, Shared: true, AdminStateUp: true,
		SegmentationID: &seven, IsDefault: &no, PortSecurityEnabled: true, AvailabilityZoneHints: []string{}}
	if len(n.bodies) != 1 {
		t.Fatal("nothing was created")
	}
	if diff := cmp.Diff(want, n.bodies[0].Value); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
	if !n.bodies[0].Has("project_id") || n.bodies[0].Has("tenant_id") || n.bodies[0].Has("admin_state_up") {
		t.Errorf("given %v", n.bodies[0].Given)
	}
}

func TestBulkCreate(t *testing.T) {
	s, n := newServer(t)
	second := first[:len(first)-1] + "2"
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"networks":[{"name":"a"},{"network":{"name":"b"}}]}`, 201,
		`{"networks":[`+shown(first, "fake_project_id", "a")+`,`+shown(second, "fake_project_id", "b")+`]}`)
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"networks":[{"name":"c"},{"name":4}]}`, 400,
		neutronError("HTTPBadRequest", "Invalid input for name. Reason: '4' is not a valid string."))
	if len(n.items) != 2 {
		t.Errorf("a bulk create with a bad item made %d networks", len(n.items)-2)
	}
	s, _ = newServer(t, func(c *Config) { c.NoBulk = true })
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"networks":[{"name":"a"}]}`, 400,
		neutronError("HTTPBadRequest", "Bulk operation not supported"))
}

func TestBodiesThatAreRefused(t *testing.T) {
	s, n := newServer(t)
	do(t, s, "POST", "/v2.0/networks", `{"network":{}}`)
	made := len(n.bodies)
	invalid, missing := "Body contains invalid data", "Unable to find 'network' in request body"
	noObject := "Object 'network' contains invalid data"
	for _, c := range []struct{ method, body, message string }{
		{"POST", `{"network": {"name":`, invalid}, {"POST", `[]`, invalid}, {"POST", `"x"`, invalid}, {"POST", `null`, invalid},
		{"POST", `{"network":{}} {}`, invalid}, {"POST", "{\"network\":{\"name\":\"\xff\"}}", notAllowedText}, {"POST", `x`, invalid},
		{"POST", strings.Repeat("[", 20000), invalid},
		{"POST", ``, missing}, {"POST", `{}`, missing}, {"POST", `{"network":null}`, missing}, {"POST", `{"subnet":{}}`, missing},
		{"POST", `{"network":"x"}`, noObject}, {"POST", `{"network":[]}`, noObject}, {"POST", `{"network":7}`, noObject},
		{"POST", `{"networks":[]}`, "Resources required"}, {"POST", `{"networks":null}`, "Resources required"},
		{"POST", `{"networks":{}}`, "Resources required"},
		{"POST", `{"networks":[7]}`, invalid}, {"POST", `{"networks":7}`, invalid}, {"POST", `{"networks":[{"network":7}]}`, noObject},
		{"PUT", `{"networks":[{}]}`, "Bulk operation not supported"}, {"PUT", `{}`, missing}, {"PUT", `{`, invalid},
		{"PUT", `{"network":{"id":"x"}}`, "Cannot update read-only attribute id"},
		{"DELETE", `{}`, "Request body is not supported in DELETE."},
	} {
		target := "/v2.0/networks"
		if c.method != "POST" {
			target += "/" + first
		}
		wantAnswer(t, s, c.method, target, c.body, 400, neutronError("HTTPBadRequest", c.message))
	}
	if len(n.bodies) != made || len(n.items) != 1 {
		t.Error("a refused body reached the plugin")
	}
}

func TestBodyIsBounded(t *testing.T) {
	s, _ := newServer(t, func(c *Config) { c.MaxBody = 100 })
	body := `{"network":{"description":"` + strings.Repeat("x", 100) + `"}}`
	for _, target := range []string{"POST /v2.0/networks", "PUT /v2.0/networks/x", "DELETE /v2.0/networks/x"} {
		method, path, _ := strings.Cut(target, " ")
		wantAnswer(t, s, method, path, body, 413, neutronError("HTTPRequestEntityTooLarge", "Request is too large."))
	}
}

// TestMembersAndAdministrators follows neutron/conf/policies/network.py: what a project's member may not give and does not see.
func TestMembersAndAdministrators(t *testing.T) {
	s, n := newServer(t, func(c *Config) { c.Auth = asProject("blue") })
	denied := func(rule string) string { return neutronError("PolicyNotAuthorized", rule+" is disallowed by policy") }
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"network":{"shared":true}}`, 403,
		denied("(rule:create_network and rule:create_network:shared)"))
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"networks":[{},{"router:external":true,"provider:network_type":"uplink"}]}`, 403,
		denied("((rule:create_network and rule:create_network:router:external) and rule:create_network:provider:network_type)"))
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"network":{"project_id":"red"}}`, 400, neutronError("HTTPBadRequest",
		"Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges"))
	if len(n.items) != 0 {
		t.Fatal("a refused network was made")
	}
	w := do(t, s, "POST", "/v2.0/networks", `{"network":{"shared":false}}`)
	if w.Code != 201 || strings.Contains(w.Body.String(), "provider:") || !strings.Contains(w.Body.String(), `"project_id":"blue"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+first, `{"network":{"shared":false}}`, 403,
		denied("(rule:update_network and rule:update_network:shared)"))
	wantAnswer(t, s, "GET", "/v2.0/networks?fields=provider:network_type&fields=id", "", 200, `{"networks":[{"id":"`+first+`"}]}`)
	n.fail = func(string) error { return errs.New(errs.NotFound, "NetworkNotFound", "not yours") }
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+first, `{"network":{"shared":true}}`, 404, neutronError("NetworkNotFound", "not yours"))
}

func TestFields(t *testing.T) {
	s, _ := newServer(t)
	do(t, s, "POST", "/v2.0/networks", `{"network":{"name":"blue"}}`)
	for query, want := range map[string]string{
		"fields=name":                      `{"name":"blue"}`,
		"fields=name&fields=id":            `{"id":"` + first + `","name":"blue"}`,
		"fields=tenant_id":                 `{"tenant_id":"fake_project_id"}`,
		"fields=colour":                    `{}`,
		"fields=name&fields=&fields=other": `{"name":"blue"}`,
	} {
		wantAnswer(t, s, "GET", "/v2.0/networks?"+query, "", 200, `{"networks":[`+want+`]}`)
		wantAnswer(t, s, "GET", "/v2.0/networks/"+first+"?"+query, "", 200, `{"network":`+want+`}`)
	}
}

func TestEveryShownAttributeIsDefined(t *testing.T) {
	s, _ := newServer(t)
	var got struct{ Network map[string]any }
	if err := json.Unmarshal(do(t, s, "POST", "/v2.0/networks", `{"network":{}}`).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, attr := range model.Attributes[model.Network]() {
		if _, shown := got.Network[attr]; shown == apidef.Networks().Attribute(attr).Hidden {
			t.Errorf("%s is shown: %v", attr, shown)
		}
	}
}
