package api

import (
	"net/http"
	"testing"
)

func TestHealthNeedsNoToken(t *testing.T) {
	s, _ := newServer(t, func(c *Config) { c.Auth = refusing{} })
	for method, want := range map[string]int{"GET": http.StatusOK, "HEAD": http.StatusOK, "POST": http.StatusMethodNotAllowed} {
		if r := serve(s, newRequest(method, "/healthcheck", "")); r.Code != want || method == "GET" && r.Body.String() != "OK" {
			t.Errorf("%s: %d %q, want %d", method, r.Code, r.Body, want)
		}
	}
	for _, path := range []string{"/healthcheck/", "/healthcheck.json", "/v2.0/healthcheck"} {
		if r := serve(s, newRequest("GET", path, "")); r.Code == http.StatusOK {
			t.Errorf("%s is answered %d", path, r.Code)
		}
	}
}
