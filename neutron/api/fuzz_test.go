package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/auth"
)

// FuzzRequest asks that no request is a fault of ours, and that every body is JSON.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "networks", "", `{"network":{"name":"x","mtu":1e3}}`)
	f.Add("POST", "networks", "", `{"networks":[{"network":{}},{"name":[]}]}`)
	f.Add("GET", "networks", "limit=1&fields=id&sort_key=name&sort_dir=asc&name=%20&page_reverse=True", "")
	f.Add("PUT", "networks/00000000-0000-4000-8000-000000000001", "fields=x", `{"network":{"provider:segmentation_id":null}}`)
	f.Add("DELETE", "extensions/a/b", "=&&;=", "x")
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		s := New(Config{Auth: auth.Noauth{}, Log: slog.New(slog.DiscardHandler), Extensions: apidef.Extensions(),
			Policy: newPolicy(t)})
		Register(s, apidef.Networks(), &networks{})
		r := &http.Request{Method: method, URL: &url.URL{Path: "/v2.0/" + path, RawQuery: query}, Host: "h", Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(body))}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 || w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s?%s %q: %d %s", method, path, query, body, w.Code, w.Body)
		}
	})
}
