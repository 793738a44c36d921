package api

import (
	"net/http"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// wantAnswer asks for a status and, to the letter, a body.
func wantAnswer(t *testing.T, h http.Handler, method, target, body string, status int, want string) {
	t.Helper()
	w := do(t, h, method, target, body)
	if w.Code != status || w.Body.String() != want {
		t.Errorf("%s %s %s\ngot  %d %s\nwant %d %s", method, target, body, w.Code, w.Body, status, want)
	}
}

// neutronError is the body of a fault.
func neutronError(typ, message string) string {
	return string(encode(map[string]fault{"NeutronError": {Type: typ, Message: message}}))
}

const notFound = "The resource could not be found."

func TestDocuments(t *testing.T) {
	s, _ := newServer(t, func(c *Config) {
		c.Extensions = []apidef.Extension{{Alias: "provider", Name: "Provider Network", Description: "d", Updated: "2012"}}
	})
	versions := `{"versions":[{"id":"v2.0","status":"CURRENT","links":[{"rel":"self","href":"http://controller:9696/v2.0/"}]}]}`
	resources := `{"resources":[{"links":[{"rel":"self","href":"http://controller:9696/v2.0/networks"}],` +
		`"name":"network","collection":"networks"}]}`
	provider := `{"alias":"provider","name":"Provider Network","description":"d","updated":"2012","links":[]}`
	wantAnswer(t, s, "GET", "/", "", 200, versions)
	wantAnswer(t, s, "GET", "/v2.0/", "", 200, resources)
	wantAnswer(t, s, "GET", "/v2.0", "", 200, resources)
	wantAnswer(t, s, "GET", "/v2.0/extensions", "", 200, `{"extensions":[`+provider+`]}`)
	wantAnswer(t, s, "GET", "/v2.0/extensions.json", "", 200, `{"extensions":[`+provider+`]}`)
	wantAnswer(t, s, "GET", "/v2.0/extensions/provider", "", 200, `{"extension":`+provider+`}`)
	wantAnswer(t, s, "GET", "/v2.0/extensions/router", "", 404,
		neutronError("HTTPNotFound", "Extension with alias router does not exist"))
	wantAnswer(t, s, "POST", "/v2.0/extensions", "{}", 404, neutronError("HTTPNotFound", notFound))
}

// refusing lets no one in.
type refusing struct{}

func (refusing) Challenge() string { return `Keystone uri="http://keystone"` }

func (refusing) Authenticate(*http.Request) (*auth.Caller, error) { return nil, errUnauthorized }

func TestVersionsNeedNoCredentials(t *testing.T) {
	s, _ := newServer(t, func(c *Config) { c.Auth = refusing{} })
	if w := do(t, s, "GET", "/", ""); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	w := do(t, s, "GET", "/v2.0/networks", "")
	want := `{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}`
	if w.Code != 401 || w.Body.String() != want || w.Header().Get("WWW-Authenticate") != `Keystone uri="http://keystone"` {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
}

func TestRoutesThatDoNotExist(t *testing.T) {
	s, _ := newServer(t)
	notAllowed := neutronError("HTTPMethodNotAllowed", notAllowedText)
	for _, c := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/v2.0/moons", 404, neutronError("HTTPNotFound", notFound)},
		{"GET", "/v2.0/networks/x/y", 404, neutronError("HTTPNotFound", notFound)},
		{"GET", "/v2.00/networks", 404, neutronError("HTTPNotFound", notFound)},
		{"GET", "/v3", 404, neutronError("HTTPNotFound", notFound)},
		{"GET", "/favicon.ico", 404, neutronError("HTTPNotFound", notFound)},
		{"POST", "/", 405, notAllowed},
		{"POST", "/v2.0/", 405, notAllowed},
		{"HEAD", "/v2.0/networks", 405, notAllowed},
		{"PATCH", "/v2.0/networks", 405, notAllowed},
		{"POST", "/v2.0/networks/x", 405, notAllowed},
		{"PUT", "/v2.0/networks", 404, neutronError("NetworkNotFound", "Network None could not be found.")},
		{"DELETE", "/v2.0/networks", 404, neutronError("NetworkNotFound", "Network None could not be found.")},
	} {
		wantAnswer(t, s, c.method, c.target, "", c.status, c.body)
	}
}

// TestTheResourceComesFirst: what is wrong with a request is said of a resource that is there.
func TestTheResourceComesFirst(t *testing.T) {
	s, _ := newServer(t)
	absent := neutronError("NetworkNotFound", "Network x could not be found.")
	wantAnswer(t, s, "PUT", "/v2.0/networks/x", `{}`, 404, absent)
	wantAnswer(t, s, "DELETE", "/v2.0/networks/x", `{}`, 404, absent)
	do(t, s, "POST", "/v2.0/networks", `{"network":{}}`)
	const there = "/v2.0/networks/00000000-0000-4000-8000-000000000001"
	wantAnswer(t, s, "PUT", there, `{}`, 400, neutronError("HTTPBadRequest", "Unable to find 'network' in request body"))
	wantAnswer(t, s, "DELETE", there, `{}`, 400, neutronError("HTTPBadRequest", "Request body is not supported in DELETE."))
}

// TestPathsAsTheyAreWritten: further slashes do not matter, and octets that are no UTF-8 are refused wherever they are.
func TestPathsAsTheyAreWritten(t *testing.T) {
	s, _ := newServer(t)
	wantAnswer(t, s, "GET", "///v2.0//networks/", "", 200, `{"networks":[]}`)
	wantAnswer(t, s, "GET", "/v2.0/networks//x/", "", 404, neutronError("NetworkNotFound", "Network x could not be found."))
	for _, path := range []string{"/%ff", "/v2.0/%ff", "/v2.0/networks/%ff", "/v2.0/networks/x/tags/%ff"} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			wantAnswer(t, s, method, path, "", 400, neutronError("HTTPBadRequest", notAllowedText))
		}
	}
}

func TestLinksFollowTheProxyInFront(t *testing.T) {
	s, _ := newServer(t)
	r := newRequest("GET", "/", "")
	r.Header.Set("X-Forwarded-Proto", "https")
	if got := serve(s, r).Body.String(); !strings.Contains(got, `"https://controller:9696/v2.0/"`) {
		t.Errorf("behind a TLS proxy: %s", got)
	}
	s, _ = newServer(t, func(c *Config) { c.LinkPrefix = "https://cloud.example/network/" })
	if got := do(t, s, "GET", "/", "").Body.String(); !strings.Contains(got, `"https://cloud.example/network/v2.0/"`) {
		t.Errorf("with network_link_prefix: %s", got)
	}
}
