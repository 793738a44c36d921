package api

import (
	"context"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
)

// tags are tags in memory, by collection and identifier.
type tags map[string][]string

func (g tags) Get(_ context.Context, _ *auth.Caller, collection, id string) ([]string, error) {
	return g[collection+" "+id], nil
}

func (g tags) Add(_ context.Context, _ *auth.Caller, collection, id, tag string) error {
	if !slices.Contains(g[collection+" "+id], tag) {
		g[collection+" "+id] = append(g[collection+" "+id], tag)
	}
	return nil
}

func (g tags) Set(_ context.Context, _ *auth.Caller, collection, id string, all []string) error {
	g[collection+" "+id] = all
	return nil
}

func (g tags) Remove(_ context.Context, _ *auth.Caller, collection, id, tag string) error {
	at := slices.Index(g[collection+" "+id], tag)
	if at < 0 {
		return errs.New(errs.NotFound, "TagNotFound", "Tag %s could not be found.", tag)
	}
	g[collection+" "+id] = slices.Delete(g[collection+" "+id], at, at+1)
	return nil
}

// TestTags has what Neutron 21 answers.
func TestTags(t *testing.T) {
	s, g := withRules(t, ""), tags{}
	RegisterTags(s, g)
	own := "/v2.0/networks/" + ownID + "/tags"
	wantAnswer(t, s, "GET", own, ``, 200, `{"tags":[]}`)
	wantAnswer(t, s, "PUT", own, `{"tags":["a","b"]}`, 200, `{"tags":["a","b"]}`)
	wantAnswer(t, s, "PUT", own+"/c.json", ``, 201, `null`)
	wantAnswer(t, s, "PUT", own+"/c", ``, 201, `null`)
	wantAnswer(t, s, "PUT", own+"/d%20e,f", ``, 201, `null`)
	wantAnswer(t, s, "GET", own, ``, 200, `{"tags":["a","b","c","d e,f"]}`)
	wantAnswer(t, s, "GET", own+"/c", ``, 204, ``)
	wantAnswer(t, s, "HEAD", own+"/c", ``, 204, ``)
	wantAnswer(t, s, "DELETE", own+"/c", ``, 204, ``)
	missing := neutronError("TagNotFound", "Tag c could not be found.")
	wantAnswer(t, s, "GET", own+"/c", ``, 404, missing)
	wantAnswer(t, s, "DELETE", own+"/c", ``, 404, missing)
	wantAnswer(t, s, "DELETE", own, ``, 204, ``)
	wantAnswer(t, s, "GET", own, ``, 200, `{"tags":[]}`)
	wantAnswer(t, s, "POST", own, `{"tags":["x"]}`, 404, neutronError("HTTPNotFound", "not supported"))
	wantAnswer(t, s, "PATCH", own, `{}`, 405, neutronError("HTTPMethodNotAllowed", notAllowedText))
	wantAnswer(t, s, "POST", own+"/x", `{}`, 405, neutronError("HTTPMethodNotAllowed", notAllowedText))
	wantAnswer(t, s, "GET", own+"/a%2Fb", ``, 404, neutronError("HTTPNotFound", notFound))
	wantAnswer(t, s, "PUT", "/v2.0/networks/"+ownID, `{"network":{"tags":["x"]}}`, 400,
		neutronError("HTTPBadRequest", "Cannot update read-only attribute tags"))
	wantAnswer(t, s, "POST", "/v2.0/networks", `{"network":{"tags-any":["x"]}}`, 400,
		neutronError("HTTPBadRequest", "Attribute 'tags-any' not allowed in POST"))
}

func TestTagsThatAreRefused(t *testing.T) {
	s, g := withRules(t, ""), tags{}
	RegisterTags(s, g)
	own, long := "/v2.0/networks/"+ownID+"/tags", strings.Repeat("ü", 256)
	for body, reason := range map[string]string{
		`{}`: "Invalid tags body", ``: "Invalid tags body", `[]`: "Invalid tags body", `null`: "Invalid tags body",
		`{"tags":null}`: "'None' is not a list", `{"tags":"x"}`: "'x' is not a list", `{"tags":[1]}`: "'1' is not a valid string",
		`{"tags":["b","a","b","a","b","c"]}`: "Duplicate items in the list: 'b, a'",
		`{"tags":["` + long + `"]}`:          "'" + long + "' exceeds maximum length of 255",
	} {
		wantAnswer(t, s, "PUT", own, body, 400, neutronError("InvalidInput", "Invalid input for operation: "+reason+"."))
	}
	wantAnswer(t, s, "PUT", own, `x`, 400, neutronError("HTTPBadRequest", "Body contains invalid data"))
	wantAnswer(t, s, "PUT", own+"/"+strings.Repeat("x", 256), ``, 400, neutronError("InvalidInput",
		"Invalid input for operation: '"+strings.Repeat("x", 256)+"' exceeds maximum length of 255."))
	if len(g) > 0 {
		t.Errorf("set: %v", g)
	}
}

// TestTagsOfOthers: what a project does not see does not exist, and what another shares with it is not its own to mark.
func TestTagsOfOthers(t *testing.T) {
	s, g := withRules(t, ""), tags{"networks " + commonID: {"a"}, "networks " + foreignID: {"a"}}
	RegisterTags(s, g)
	foreign, common := "/v2.0/networks/"+foreignID+"/tags", "/v2.0/networks/"+commonID+"/tags"
	absent := neutronError("TagResourceNotFound", "Resource networks "+foreignID+" could not be found.")
	for _, target := range []string{"GET ", "DELETE ", "GET /a", "PUT /b", "DELETE /a"} {
		method, rest, _ := strings.Cut(target, " ")
		wantAnswer(t, s, method, foreign+rest, ``, 404, absent)
	}
	wantAnswer(t, s, "PUT", foreign, `{"tags":[]}`, 404, absent)
	wantAnswer(t, s, "GET", common, ``, 200, `{"tags":["a"]}`)
	wantAnswer(t, s, "GET", common+"/a", ``, 204, ``)
	denied := neutronError("PolicyNotAuthorized", "rule:update_network is disallowed by policy")
	for _, target := range []string{"DELETE ", "PUT /b", "DELETE /a"} {
		method, rest, _ := strings.Cut(target, " ")
		wantAnswer(t, s, method, common+rest, ``, 403, denied)
	}
	wantAnswer(t, s, "PUT", common, `{"tags":[]}`, 403, denied)
	if len(g["networks "+commonID]) != 1 || len(g["networks "+foreignID]) != 1 {
		t.Errorf("left: %v", g)
	}
}
