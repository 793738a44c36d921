package cloud

import (
	"encoding/json"
	"testing"

	"midonet.org/midonet/test/keystone"
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
	response, raw, err := keystone.Ask(c.Admin, method, c.URL+path, body, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.Log())
	}
	if response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s\n%s", method, path, response.Status, raw)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, raw)
	}
}
