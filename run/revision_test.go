package run

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestEveryRevisionMayBeACondition: what shows a revision number is changed and deleted only while it has the one of the request.
func TestEveryRevisionMayBeACondition(t *testing.T) {
	w := newWorld(t)
	network := w.make(t, "blue", "networks", `"name":"net"`)
	for _, def := range w.handler.Collections() {
		row, ok := isolation[def.Path]
		if !ok || def.Attribute("revision_number") == nil {
			continue
		}
		in := network
		if slices.Contains(outside, def.Path) {
			in = w.makeExternal(t)
		}
		if row.within != "" {
			in = w.make(t, "blue", row.within, isolation[row.within].body(in))
		}
		id := w.make(t, "blue", def.Path, row.body(in))
		for _, method := range []string{"PUT", "DELETE"} {
			body := ""
			if method == "PUT" && row.immutable {
				continue
			}
			if method == "PUT" {
				body = w.put(def.Path, row)
			}
			r := httptest.NewRequest(method, "http://localhost/v2.0/"+def.Path+"/"+id, strings.NewReader(body))
			r.Header.Set("X-Project-Id", "blue")
			r.Header.Set("If-Match", "revision_number=999")
			answer := httptest.NewRecorder()
			w.handler.ServeHTTP(answer, r)
			if answer.Code != http.StatusPreconditionFailed || !strings.Contains(answer.Body.String(), "Constrained to 999") {
				t.Errorf("%s %s: %d %s", method, def.Path, answer.Code, answer.Body)
			}
		}
	}
}
