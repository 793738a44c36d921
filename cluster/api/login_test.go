package api

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
)

// TestLogin logs in as auth_lib.py does: the token is what stands between "=" and ";" of the cookie.
func TestLogin(t *testing.T) {
	f := newFixture(t)
	f.token = ""
	r := f.do(http.MethodPost, "/login", header{"Authorization": basic(account), "X-Auth-Project": "77777777-7777-7777-7777-777777777777"}, "{}").want(200)
	cookie := regexp.MustCompile(`^sessionId=([^;=]+); Expires=(\w{3}, \d\d-\d\d-\d{4} \d\d:\d\d:\d\d UTC)$`).FindStringSubmatch(r.Header.Get("Set-Cookie"))
	if cookie == nil {
		t.Fatalf("Set-Cookie: %s", r.Header.Get("Set-Cookie"))
	}
	body := r.object()
	if body["key"] != cookie[1] || body["expires"] != cookie[2] || r.Header.Get("Content-Type") != mediaToken {
		t.Errorf("%s %s with the cookie %v", r.Header.Get("Content-Type"), r.body, cookie)
	}
	f.get("", mediaApplication).wantError(401, "Authentication error")
	f.token = cookie[1]
	f.get("", mediaApplication).want(200)
}

func TestLoginIsRefused(t *testing.T) {
	f := newFixture(t)
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for given, want := range map[string]string{
		"":                                  "Authorization header is not set.",
		"Bearer x":                          "Authorization header does not contain Basic.",
		"Basic !":                           "Authorization header is not valid",
		"Basic " + encode("admin"):          "Authorization header is not valid",
		"Basic " + encode("admin:wrong"):    "Invalid username or password.",
		"Basic " + encode("root:pass:w0rd"): "Invalid username or password.",
	} {
		r := f.do(http.MethodPost, "/login", header{"Authorization": given}, "{}")
		r.wantError(401, want)
		if r.Header.Get("WWW-Authenticate") != `Basic  realm="BASIC_AUTH_REALM"` || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q: headers %v", given, r.Header)
		}
	}
}

func TestTokensExpireAndCannotBeMade(t *testing.T) {
	tokens, now := newTokens(), time.Now()
	good := tokens.issue(now.Add(tokenLife))
	if !tokens.valid(good, now) || tokens.valid(good, now.Add(tokenLife)) {
		t.Error("a token is not good from its issue until it expires")
	}
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	raw[6]++
	for _, bad := range []string{"", "00000000", good[1:], strings.ToUpper(good), base64.RawURLEncoding.EncodeToString(raw), newTokens().issue(now.Add(tokenLife))} {
		if tokens.valid(bad, now) {
			t.Errorf("token %q is taken", bad)
		}
	}
}

// borrowed is an identity that says what a test wants.
type borrowed struct {
	user User
	err  error
}

func (b borrowed) Login(context.Context, string, string, string) (Token, error) {
	return Token{}, b.err
}
func (b borrowed) Tenants(*http.Request) ([]Tenant, error)      { return nil, b.err }
func (b borrowed) Tenant(*http.Request, string) (Tenant, error) { return Tenant{}, b.err }
func (b borrowed) Authorize(*http.Request) (User, error)        { return b.user, b.err }

func TestWhoIsNoAdministrator(t *testing.T) {
	for _, c := range []struct {
		identity borrowed
		status   int
		body     string
	}{
		{borrowed{user: User{Name: "mia"}}, 401, `{"message":null,"code":401}`},
		{borrowed{err: errs.New(errs.Unauthorized, "", "No.")}, 401, `{"message":"No.","code":401}`},
		{borrowed{err: errs.New(errs.Unavailable, "", "Later.")}, 503, `{"message":"Later.","code":503}`},
	} {
		api := New(Config{Identity: c.identity, Log: slog.New(slog.DiscardHandler)})
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, Root+"/bridges", nil))
		if answer.Code != c.status || answer.Body.String() != c.body {
			t.Errorf("%d %s, want %d %s", answer.Code, answer.Body, c.status, c.body)
		}
		if challenged := answer.Header().Get("WWW-Authenticate") != ""; challenged != (c.status == 401) {
			t.Errorf("%d with headers %v", answer.Code, answer.Header())
		}
		if later := answer.Header().Get("RetryAfter"); (later == "3") != (c.status == 503) {
			t.Errorf("%d with RetryAfter %q", answer.Code, later)
		}
	}
}

func TestTenants(t *testing.T) {
	f := newFixture(t)
	admin := map[string]any{"id": "admin", "name": "admin", "description": "Admin Tenant", "enabled": true, "uri": f.uri + "/tenants/admin",
		"routers": f.uri + "/routers?tenant_id=admin", "bridges": f.uri + "/bridges?tenant_id=admin",
		"chains": f.uri + "/chains?tenant_id=admin", "portGroups": f.uri + "/port_groups?tenant_id=admin"}
	if diff := cmp.Diff([]map[string]any{admin}, f.get("/tenants", mediaTenants).want(200).objects()); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(admin, f.get("/tenants/admin", mediaTenant).want(200).object()); diff != "" {
		t.Errorf("tenant (-want +got):\n%s", diff)
	}
	blue := f.get("/tenants/blue%2Fgreen", mediaTenant).want(200).object()
	if blue["id"] != "blue/green" || blue["uri"] != f.uri+"/tenants/blue%2Fgreen" || blue["bridges"] != f.uri+"/bridges?tenant_id=blue%2Fgreen" {
		t.Errorf("another tenant is %v", blue)
	}
	f.post("/tenants", mediaTenant, "{}").want(405)
	f.delete("/tenants/admin").want(405)
}
