package api

import (
	"context"
	"encoding/json"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// withActions registers actions of networks: echo, which answers with what it was given, and touch, which answers with the network.
func withActions(s *Server) {
	type echoed struct {
		ID   string          `json:"id"`
		Body json.RawMessage `json:"body"`
	}
	echo := func(_ context.Context, _ *auth.Caller, id string, body json.RawMessage) (any, error) {
		if string(body) == `{"fail":true}` {
			return nil, errs.New(errs.Conflict, "EchoInUse", "no")
		}
		return echoed{id, body}, nil
	}
	RegisterAction(s, apidef.Networks(), "PUT", "echo", echo)
	RegisterAction(s, apidef.Networks(), "GET", "echo", echo)
	RegisterAction(s, apidef.Networks(), "PUT", "touch",
		func(ctx context.Context, c *auth.Caller, id string, _ json.RawMessage) (any, error) {
			return s.collections["networks"].(*controller[model.Network]).resource.Get(ctx, c, id)
		})
}

func TestMemberActions(t *testing.T) {
	s := withRules(t, "echo: role:member and rule:owner")
	withActions(s)
	own := "/v2.0/networks/" + ownID
	wantAnswer(t, s, "PUT", own+"/echo", `{"a":[1]}`, 200, `{"id":"`+ownID+`","body":{"a":[1]}}`)
	wantAnswer(t, s, "PUT", own+"/echo.json", ``, 200, `{"id":"`+ownID+`","body":null}`)
	wantAnswer(t, s, "GET", own+"/echo", ``, 200, `{"id":"`+ownID+`","body":null}`)
	wantAnswer(t, s, "PUT", own+"/echo", `{"fail":true}`, 409, neutronError("EchoInUse", "no"))
	for _, method := range []string{"POST", "DELETE", "PATCH"} {
		wantAnswer(t, s, method, own+"/echo", ``, 405, neutronError("HTTPMethodNotAllowed", notAllowedText))
	}
	for _, body := range []string{`[]`, `null`, `7`, ` "x"`} { // which are as good as none
		wantAnswer(t, s, "PUT", own+"/echo", body, 200, `{"id":"`+ownID+`","body":null}`)
	}
	for _, body := range []string{`{`, `{} {}`, ` `, "{\"\xff\":1}"} {
		wantAnswer(t, s, "PUT", own+"/echo", body, 400, neutronError("HTTPBadRequest", "Body contains invalid data"))
	}
	wantAnswer(t, s, "PUT", own+"/other", `{}`, 404, neutronError("HTTPNotFound", notFound))
	wantAnswer(t, s, "PUT", own+"/echo/more", `{}`, 404, neutronError("HTTPNotFound", notFound))
}

// TestRulesOfMemberActions: the rule of an action has its name, and a network that the caller may not see does not exist for it.
func TestRulesOfMemberActions(t *testing.T) {
	s := withRules(t, "echo: role:member and rule:owner")
	withActions(s)
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+commonID+"/echo", `{}`, 403,
		neutronError("PolicyNotAuthorized", "rule:echo is disallowed by policy"))
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+foreignID+"/echo", `{}`, 404, neutronError("HTTPNotFound", notFound))
	const gone = "00000000-0000-4000-8000-00000000ffff"
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+gone+"/echo", `{}`, 404,
		neutronError("NetworkNotFound", "Network "+gone+" could not be found."))
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+ownID+"/touch?fields=name&fields=provider:network_type", `{}`, 200,
		`{"network":{"name":"own"}}`)
	s = withRules(t, "echo: '@'")
	withActions(s)
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+commonID+"/echo", `{}`, 200, `{"id":"`+commonID+`","body":{}}`)
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+foreignID+"/echo", `{}`, 404, neutronError("HTTPNotFound", notFound))
}

// twins is the definition of a collection below each network.
func twins() *apidef.Resource {
	return apidef.New("twin", "twins", apidef.Networks().Attributes).Under(apidef.Networks())
}

// withTwins gives every network a collection of its own.
func withTwins(s *Server) {
	of := map[string]*networks{}
	RegisterChild(s, apidef.Networks(), twins(), func(parentID string) plugin.Resource[model.Network] {
		if of[parentID] == nil {
			of[parentID] = &networks{}
		}
		return of[parentID]
	})
}

func TestChildCollections(t *testing.T) {
	s, _ := newServer(t)
	withTwins(s)
	const a, b = "/v2.0/networks/a/twins", "/v2.0/networks/b/twins"
	wantAnswer(t, s, "POST", a, `{"twin":{"name":"x"}}`, 201, `{"twin":`+shown(first, "fake_project_id", "x")+`}`)
	wantAnswer(t, s, "POST", a+"?fields=name", `{"twins":[{"name":"y"},{"name":"z"}]}`, 201, `{"twins":[{"name":"y"},{"name":"z"}]}`)
	wantAnswer(t, s, "GET", a+"?fields=name&name=y&name=x", ``, 200, `{"twins":[{"name":"x"},{"name":"y"}]}`)
	wantAnswer(t, s, "GET", b, ``, 200, `{"twins":[]}`)
	wantAnswer(t, s, "PUT", a+"/"+first+"?fields=name", `{"twin":{"name":"w"}}`, 200, `{"twin":{"name":"w"}}`)
	wantAnswer(t, s, "GET", a+"/"+first+"?fields=name", ``, 200, `{"twin":{"name":"w"}}`)
	wantAnswer(t, s, "GET", b+"/"+first, ``, 404, neutronError("NetworkNotFound", "Network "+first+" could not be found."))
	wantAnswer(t, s, "POST", a+"/"+first, `{}`, 405, neutronError("HTTPMethodNotAllowed", notAllowedText))
	wantAnswer(t, s, "DELETE", a+"/"+first, ``, 204, ``)
	wantAnswer(t, s, "GET", a+"/"+first+"/more", ``, 404, neutronError("HTTPNotFound", notFound))
	wantAnswer(t, s, "GET", "/v2.0/twins", ``, 404, neutronError("HTTPNotFound", notFound))
}

// TestRulesOfChildCollections: their names have the parent's, and they may ask whose the parent is.
func TestRulesOfChildCollections(t *testing.T) {
	const rule = "create_network_twin: role:member and project_id:%(project_id)s\nget_network_twin: '@'\n" +
		"create_network_twin:shared: '!'"
	s := withRules(t, rule)
	withTwins(s)
	own := "/v2.0/networks/" + ownID + "/twins"
	wantAnswer(t, s, "POST", own+"?fields=name", `{"twin":{"name":"x"}}`, 201, `{"twin":{"name":"x"}}`)
	wantAnswer(t, s, "POST", own, `{"twin":{"shared":true}}`, 403, neutronError("PolicyNotAuthorized",
		"(rule:create_network_twin and rule:create_network_twin:shared) is disallowed by policy"))
	wantAnswer(t, s, "POST", "/v2.0/networks/"+foreignID+"/twins?fields=name", `{"twin":{"name":"x"}}`, 201, `{"twin":{"name":"x"}}`)
	s = withRules(t, rule+"\ndelete_network_twin: '!'")
	withTwins(s)
	do(t, s, "POST", own, `{"twin":{"name":"x"}}`)
	wantAnswer(t, s, "DELETE", own+"/"+first, ``, 403,
		neutronError("PolicyNotAuthorized", "rule:delete_network_twin is disallowed by policy"))
}
