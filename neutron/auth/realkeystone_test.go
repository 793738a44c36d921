package auth_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/auth"
	"midonet.org/midonet/test/keystone"
)

// TestRealKeystone validates tokens of every kind at Debian's Keystone.
func TestRealKeystone(t *testing.T) {
	k := keystone.Start(t)
	admin := k.Login(t, "admin", "admin")
	roles := k.Roles(t, admin)
	blue := k.Create(t, admin, "project", "projects", map[string]any{"name": "blue", "domain_id": "default"})
	service := k.Create(t, admin, "project", "projects", map[string]any{"name": "service", "domain_id": "default"})
	serviceRole := k.Create(t, admin, "role", "roles", map[string]any{"name": "service"})
	neutron := k.User(t, admin, "neutron", service, roles["admin"])
	k.Call(t, admin, "PUT", "/projects/"+service+"/users/"+neutron+"/roles/"+serviceRole, nil)
	member := k.User(t, admin, "mia", blue, roles["member"])

	config := auth.KeystoneConfig{
		AuthURL: k.URL[:len(k.URL)-len("/v3")], Username: "neutron", Password: keystone.Password, UserDomainName: "Default",
		ProjectName: "service", ProjectDomainName: "Default", Interface: "internal", RegionName: "RegionOne", Timeout: time.Minute,
		CacheTime: time.Hour, ServiceTokenRoles: []string{"service"}, ServiceType: "network", Log: slog.New(slog.DiscardHandler),
	}
	cached := authenticator(t, config)
	config.CacheTime = 0
	uncached := authenticator(t, config)

	t.Run("a member's token", func(t *testing.T) {
		got, err := cached.Authenticate(request(k.Login(t, "mia", "blue"), ""))
		want := &auth.Caller{UserID: member, UserName: "mia", UserDomainID: "default", ProjectID: blue, ProjectName: "blue",
			ProjectDomainID: "default", Roles: []string{"member", "reader"}}
		if diff := cmp.Diff(want, got, cmp.Transformer("set", setOf)); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("the system's and a domain's token", func(t *testing.T) {
		got, err := cached.Authenticate(request(k.LoginScoped(t, "admin", map[string]any{"system": map[string]any{"all": true}}), ""))
		if err != nil || got.SystemScope != "all" || got.ProjectID != "" || !got.HasRole("admin") {
			t.Errorf("%+v, %v", got, err)
		}
		adminID := got.UserID
		k.Call(t, admin, "PUT", "/domains/default/users/"+adminID+"/roles/"+roles["admin"], nil)
		got, err = cached.Authenticate(request(k.LoginScoped(t, "admin", map[string]any{"domain": map[string]any{"id": "default"}}), ""))
		if err != nil || got.DomainID != "default" || got.ProjectID != "" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("no token and a wrong one", func(t *testing.T) {
		for _, secret := range []string{"", "  ", "gAAAAABnonsense", "x"} {
			if _, err := cached.Authenticate(request(secret, "")); !errs.Is(err, errs.Unauthorized) {
				t.Errorf("%q: %v", secret, err)
			}
		}
	})
	t.Run("projects", func(t *testing.T) {
		all, err := cached.Projects(t.Context(), admin)
		if err != nil || len(all) != 3 {
			t.Errorf("the administrator sees %v, %v", all, err)
		}
		for _, p := range all {
			if one, err := cached.Project(t.Context(), admin, p.ID); err != nil || one != p {
				t.Errorf("%+v by itself is %+v, %v", p, one, err)
			}
		}
		if _, err := cached.Project(t.Context(), admin, "no/where"); !errs.Is(err, errs.NotFound) {
			t.Errorf("an unknown project: %v", err)
		}
		for _, secret := range []string{k.Login(t, "mia", "blue"), "nonsense"} { // a member may not list them
			if _, err := cached.Projects(t.Context(), secret); !errs.Is(err, errs.Unauthorized) {
				t.Errorf("without the right: %v", err)
			}
		}
	})
	t.Run("a login with a password", func(t *testing.T) {
		secret, expires, err := cached.Login(t.Context(), "mia", keystone.Password, "blue")
		if err != nil || !expires.After(time.Now()) {
			t.Fatal(expires, err)
		}
		if got, err := cached.Authenticate(request(secret, "")); err != nil || got.UserID != member || got.ProjectID != blue {
			t.Errorf("%+v, %v", got, err)
		}
		if _, _, err := cached.Login(t.Context(), "neutron", keystone.Password, ""); err != nil {
			t.Errorf("in the project of the configuration: %v", err)
		}
		for _, l := range [][3]string{{"mia", "wrong", "blue"}, {"mia", keystone.Password, ""}, {"mia", keystone.Password, "red"}, {"", "", ""}} {
			if _, _, err := cached.Login(t.Context(), l[0], l[1], l[2]); !errs.Is(err, errs.Unauthorized) {
				t.Errorf("%v: %v", l, err)
			}
		}
	})
	t.Run("a revoked token", func(t *testing.T) {
		secret := k.Login(t, "mia", "blue")
		for _, a := range []*auth.Keystone{cached, uncached} {
			if _, err := a.Authenticate(request(secret, "")); err != nil {
				t.Fatal(err)
			}
		}
		k.Revoke(t, admin, secret)
		if _, err := uncached.Authenticate(request(secret, "")); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("it is accepted without a cache: %v", err)
		}
		if _, err := cached.Authenticate(request(secret, "")); err != nil {
			t.Errorf("it is refused while the cache remembers it: %v", err)
		}
	})
	t.Run("a service passes a request on", func(t *testing.T) {
		got, err := cached.Authenticate(request(k.Login(t, "mia", "blue"), k.Login(t, "neutron", "service")))
		if err != nil || got.Service == nil || got.Service.UserID != neutron || got.Service.ProjectID != service {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("an application credential with access rules", func(t *testing.T) {
		secret := applicationCredential(t, k, member)
		if _, err := cached.Authenticate(request(secret, "")); err != nil {
			t.Errorf("the request that the rule names: %v", err)
		}
		r := request(secret, "")
		r.Method = http.MethodDelete
		if _, err := cached.Authenticate(r); !errs.Is(err, errs.Unauthorized) {
			t.Errorf("another request: %v", err)
		}
	})
	t.Run("Keystone goes away and comes back", func(t *testing.T) {
		secret := k.Login(t, "mia", "blue")
		k.Stop()
		_, err := uncached.Authenticate(request(secret, ""))
		if !errs.Is(err, errs.Unavailable) {
			t.Errorf("while it is away: %v", err)
		}
		k.Resume(t)
		if _, err := uncached.Authenticate(request(secret, "")); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
	t.Run("the service user's token is revoked", func(t *testing.T) {
		k.Call(t, admin, "PATCH", "/users/"+neutron, map[string]any{"user": map[string]any{"enabled": false}})
		if _, err := uncached.Authenticate(request(k.Login(t, "mia", "blue"), "")); !errs.Is(err, errs.Unavailable) {
			t.Errorf("while the service user is disabled: %v", err)
		}
		// Keystone counts in seconds, and takes what is issued in the one in which a user was disabled for what was issued before.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		k.Call(t, admin, "PATCH", "/users/"+neutron, map[string]any{"user": map[string]any{"enabled": true}})
		if _, err := uncached.Authenticate(request(k.Login(t, "mia", "blue"), "")); err != nil {
			t.Errorf("when it is enabled again: %v", err)
		}
	})
}

func authenticator(t *testing.T, c auth.KeystoneConfig) *auth.Keystone {
	t.Helper()
	k, err := auth.NewKeystone(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// request is one with a user's token and, where given, a service's.
func request(user, service string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v2.0/networks", nil)
	r.Header.Set("X-Auth-Token", user)
	if service != "" {
		r.Header.Set("X-Service-Token", service)
	}
	return r
}

func setOf(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}

// applicationCredential makes one that may list networks and nothing else, and returns a token of it.
func applicationCredential(t *testing.T, k *keystone.Keystone, user string) string {
	t.Helper()
	token := k.Login(t, "mia", "blue")
	id := k.Create(t, token, "application_credential", "users/"+user+"/application_credentials", map[string]any{
		"name": "lister", "secret": keystone.Password,
		"access_rules": []map[string]any{{"service": "network", "method": "GET", "path": "/v2.0/*"}},
	})
	header, _ := k.Call(t, "", "POST", "/auth/tokens", map[string]any{"auth": map[string]any{"identity": map[string]any{
		"methods":                []string{"application_credential"},
		"application_credential": map[string]any{"id": id, "secret": keystone.Password},
	}}})
	return header.Get("X-Subject-Token")
}
