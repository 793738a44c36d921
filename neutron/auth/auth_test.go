package auth

import (
	"net/http"
	"net/http/httptest"
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
		r := httptest.NewRequest("GET", "/v2.0/networks", nil)
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
		r := httptest.NewRequest(http.MethodPost, "/v2.0/networks", nil)
		r.Header.Set(c.name, c.value)
		if _, err := (Noauth{}).Authenticate(r); errs.Is(err, errs.Forbidden) != c.refused {
			t.Errorf("%s: %s: %v", c.name, c.value, err)
		}
	}
}

func TestHasRole(t *testing.T) {
	c := Caller{Roles: []string{"member", "reader"}}
	if !c.HasRole("reader") || c.HasRole("admin") {
		t.Errorf("roles %v", c.Roles)
	}
}
