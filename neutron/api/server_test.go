package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/neutron/policy"
)

// asProject is an authenticator for a member of a project.
type asProject string

func (p asProject) Authenticate(*http.Request) (*auth.Caller, error) {
	return &auth.Caller{ProjectID: string(p), UserID: "user", Roles: []string{"member"}}, nil
}

func (asProject) Challenge() string { return "Keystone" }

var errUnauthorized = errs.New(errs.Unauthorized, "Unauthorized", "The request you have made requires authentication.")

func newServer(t testing.TB, options ...func(*Config)) (*Server, *networks) {
	t.Helper()
	c := Config{Auth: auth.Noauth{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Extensions: apidef.Extensions(),
		Policy: newPolicy(t)}
	for _, o := range options {
		o(&c)
	}
	s, n := New(c), &networks{}
	Register(s, apidef.Networks(), n)
	return s, n
}

// newPolicy returns Neutron's own rules.
func newPolicy(t testing.TB) *policy.Enforcer {
	t.Helper()
	resources := []*apidef.Resource{apidef.Networks(), apidef.Subnets(), apidef.Ports()}
	e, err := policy.New(policy.Options{DefaultRule: "default"}, policy.Files{}, resources, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func newRequest(method, target, body string) *http.Request {
	return httptest.NewRequest(method, "http://controller:9696"+target, strings.NewReader(body))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// do sends one request to the handler and returns the answer.
func do(t *testing.T, h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	return serve(h, newRequest(method, target, body))
}

func TestEveryAnswerHasARequestID(t *testing.T) {
	s, n := newServer(t)
	form := regexp.MustCompile(`^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, target := range []string{"/", "/v2.0/", "/v2.0/networks", "/nowhere", "/v2.0/networks/none"} {
		w := do(t, s, "GET", target, "")
		got := w.Header().Get("X-Openstack-Request-Id")
		if !form.MatchString(got) || seen[got] {
			t.Errorf("%s: request id %q", target, got)
		}
		seen[got] = true
		if ct := w.Header().Get("Content-Type"); ct != "application/json" {
			t.Errorf("%s: content type %q", target, ct)
		}
	}
	w := do(t, s, "GET", "/v2.0/networks", "")
	if got := n.callers[len(n.callers)-1].RequestID; got != w.Header().Get("X-Openstack-Request-Id") {
		t.Errorf("the plugin was told %q", got)
	}
}

func TestFaults(t *testing.T) {
	internal := neutronError("HTTPInternalServerError", internalText)
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{errs.New(errs.Invalid, "BadRequest", "m"), 400, neutronError("BadRequest", "m")},
		{errs.New(errs.Forbidden, "Forbidden", "m"), 403, neutronError("Forbidden", "m")},
		{errs.New(errs.NotFound, "PortNotFound", "m"), 404, neutronError("PortNotFound", "m")},
		{errs.New(errs.Conflict, "NetworkInUse", "m"), 409, neutronError("NetworkInUse", "m")},
		{errs.New(errs.Precondition, "RevisionNumberConstraintFailed", "m"), 412, neutronError("RevisionNumberConstraintFailed", "m")},
		{errs.New(errs.Unavailable, "ServiceUnavailable", "m"), 503, neutronError("ServiceUnavailable", "m")},
		{errs.New(errs.Unsupported, "X", "m"), 501, `{"NotImplementedError":{"type":"NotImplementedError","message":"m","detail":""}}`},
		{fmt.Errorf("while listing: %w", errs.New(errs.Conflict, "A", "m").Wrap(errors.New("deep"))), 409, neutronError("A", "m")},
		{errs.New(errs.Internal, "X", "password=secret"), 500, internal},
		{errors.New("dial tcp: secret host"), 500, internal},
	} {
		s, n := newServer(t)
		n.fail = func(string) error { return c.err }
		wantAnswer(t, s, "GET", "/v2.0/networks", "", c.status, c.body)
	}
}

// TestLevelsOfTheLog asks that an operator who looks for warnings finds what failed since a part is away, and no mistakes of clients.
func TestLevelsOfTheLog(t *testing.T) {
	for level, fault := range map[string]error{
		"INFO":  errs.New(errs.Conflict, "NetworkInUse", "m"),
		"WARN":  errs.New(errs.Unavailable, "ServiceUnavailable", "m").Wrap(errors.New("the disk is full")),
		"ERROR": errors.New("a defect"),
	} {
		var log bytes.Buffer
		s, n := newServer(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		n.fail = func(string) error { return fault }
		do(t, s, "GET", "/v2.0/networks", "")
		if !strings.Contains(log.String(), "level="+level+` msg="api request"`) {
			t.Errorf("%v, which is for level %s: %s", fault, level, log.String())
		}
	}
}

func TestPanicIsOneRequestsFault(t *testing.T) {
	var log bytes.Buffer
	s, n := newServer(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	n.fail = func(string) error { panic("secret of the panic") }
	w := do(t, s, "GET", "/v2.0/networks", "")
	if w.Code != 500 || w.Body.String() != neutronError("HTTPInternalServerError", internalText) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, want := range []string{"secret of the panic", w.Header().Get("X-Openstack-Request-Id"), "memory_test.go", "level=ERROR"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not have %q:\n%s", want, log.String())
		}
	}
	n.fail = nil
	if w := do(t, s, "GET", "/v2.0/networks", ""); w.Code != 200 {
		t.Errorf("the next request: %d", w.Code)
	}
}

// TestConnectionsAreBounded sends a header that is too long and a body that ends too early to the real server.
func TestConnectionsAreBounded(t *testing.T) {
	s, _ := newServer(t)
	server := HTTPServer(s, slog.New(slog.DiscardHandler))
	if server.ReadHeaderTimeout == 0 || server.ReadTimeout == 0 || server.WriteTimeout == 0 || server.IdleTimeout == 0 {
		t.Error("a time is not bounded")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	defer server.Close()
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":         "HTTP/1.1 431",
		"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{\"network\":":       "HTTP/1.1 400",
		"POST /v2.0/networks HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{\"network\":": "HTTP/1.1 400",
	} {
		if got := exchange(t, l.Addr().String(), request); !strings.HasPrefix(got, want) {
			t.Errorf("%.60q…\nanswer %.60q, want %s", request, got, want)
		}
	}
}

// exchange writes a request, closes the writing side and returns the answer.
func exchange(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request) // the server may answer and close before it has read all
	conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn) // a reset after the answer is no failure
	return string(answer)
}
