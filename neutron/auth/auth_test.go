package auth

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
)

func TestNoauth(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers map[string]string
		want    Caller
	}{
		{"nothing", nil, Caller{ProjectID: "fake_project_id", Admin: true}},
		{"a token is not looked at", map[string]string{"X-Auth-Token": "anything"}, Caller{ProjectID: "fake_project_id", Admin: true}},
		{"an identity", map[string]string{"X-Project-Id": "blue", "X-User-Id": "u", "X-Roles": "member, reader,"},
			Caller{ProjectID: "blue", UserID: "u", Roles: []string{"member", "reader"}, Admin: true}},
		{"the older name of the project", map[string]string{"X-Tenant-Id": "red"}, Caller{ProjectID: "red", Admin: true}},
	} {
		r := httptest.NewRequest("GET", "http://localhost/v2.0/networks", nil)
		for k, v := range c.headers {
			r.Header.Set(k, v)
		}
		got, err := Noauth{}.Authenticate(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestNoauthRefusesWebPages(t *testing.T) {
	for _, c := range []struct {
		name, value string
		refused     bool
	}{
		{"Origin", "http://example.org", true}, {"Origin", "null", true}, {"Sec-Fetch-Site", "cross-site", true},
		{"Sec-Fetch-Site", "none", false}, {"User-Agent", "openstacksdk", false},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/v2.0/networks", nil)
		r.Header.Set(c.name, c.value)
		if _, err := (Noauth{}).Authenticate(r); errs.Is(err, errs.Forbidden) != c.refused {
			t.Errorf("%s: %s: %v", c.name, c.value, err)
		}
	}
}

func TestNoauthIsCalledByItsOwnName(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for host, refused := range map[string]bool{
		"127.0.0.1:9696": false, "[::1]:9696": false, "::1": false, "localhost:9696": false, "localhost": false, "controller:9696": false, "": false,
		"api.localhost:9696": false, machine: false, "localhost.:9696": false,
		"example.org:9696": true, "example.org.": true, "127.0.0.1.example.org": true, "localhost.example.org:9696": true,
	} {
		r := httptest.NewRequest(http.MethodGet, "/v2.0/networks", nil)
		r.Host = host
		if _, err := (Noauth{}).Authenticate(r); errs.Is(err, errs.Forbidden) != refused {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestHasRole(t *testing.T) {
	c := Caller{Roles: []string{"member", "reader"}}
	if !c.HasRole("reader") || c.HasRole("admin") {
		t.Errorf("roles %v", c.Roles)
	}
}
