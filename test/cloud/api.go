package cloud

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// Extensions are the aliases that the server lists, sorted as it lists them.
func (c *Cloud) Extensions(t testing.TB) []string {
	t.Helper()
	var answer struct{ Extensions []struct{ Alias string } }
	c.Call(t, "GET", "/v2.0/extensions", nil, &answer)
	var aliases []string
	for _, e := range answer.Extensions {
		aliases = append(aliases, e.Alias)
	}
	return aliases
}

// Call sends a request as the administrator and reads the answer into the last argument, unless that is nil. An answer that is not
// 2xx fails the test.
func (c *Cloud) Call(t testing.TB, method, path string, body, answer any) {
	t.Helper()
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		payload = bytes.NewReader(raw)
	}
	r, err := http.NewRequest(method, c.URL+path, payload)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", c.Admin)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.Log())
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s, %v\n%s", method, path, response.Status, err, raw)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, raw)
	}
}
