package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// asProject is an authenticator for a member of a project.
type asProject string

func (p asProject) Authenticate(*http.Request) (*auth.Caller, error) {
	return &auth.Caller{ProjectID: string(p), UserID: "user", Roles: []string{"member"}}, nil
}

func newServer(t *testing.T, options ...func(*Config)) (*Server, *networks) {
	t.Helper()
	c := Config{Auth: auth.Noauth{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Extensions: apidef.Extensions()}
	for _, o := range options {
		o(&c)
	}
	s, n := New(c), &networks{}
	Register(s, apidef.Networks(), n)
	return s, n
}

// do sends one request to the handler and returns the answer.
func do(t *testing.T, h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "http://controller:9696"+target, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
