package api

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/policy"
)

// withRules returns a server that obeys the operator's rules as well as Neutron's, and in which a member of blue asks. The plugin
// shows every caller everything: what is hidden here, policy hides.
func withRules(t *testing.T, rules string) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := policy.New(policy.Options{DefaultRule: "default"}, policy.Files{File: file},
		[]*apidef.Resource{apidef.Networks()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s, n := newServer(t, func(c *Config) { c.Policy = e })
	for _, body := range []string{
		`{"network":{"name":"own","project_id":"blue"}}`, `{"network":{"name":"foreign","project_id":"red"}}`,
		`{"network":{"name":"common","project_id":"red","shared":true}}`,
	} {
		if w := do(t, s, "POST", "/v2.0/networks", body); w.Code != http.StatusCreated {
			t.Fatal(w.Body)
		}
	}
	n.callers = nil
	s.config.Auth = asProject("blue")
	return s
}

const (
	ownID     = "00000000-0000-4000-8000-000000000001"
	foreignID = "00000000-0000-4000-8000-000000000002"
	commonID  = "00000000-0000-4000-8000-000000000003"
)

const byName = "/v2.0/networks?sort_key=name&sort_dir=asc&fields=name"

func TestPolicyHidesFromLists(t *testing.T) {
	wantAnswer(t, withRules(t, ""), "GET", byName, "", 200, `{"networks":[{"name":"common"},{"name":"own"}]}`)
	wantAnswer(t, withRules(t, "get_network: '!'"), "GET", byName, "", 200, `{"networks":[]}`)
	wantAnswer(t, withRules(t, "get_network: '@'"), "GET", byName, "", 200,
		`{"networks":[{"name":"common"},{"name":"foreign"},{"name":"own"}]}`)
	wantAnswer(t, withRules(t, "get_network: rule:shared"), "GET", byName, "", 200, `{"networks":[{"name":"common"}]}`)
}

func TestPolicyHidesAttributes(t *testing.T) {
	const query = "/v2.0/networks?sort_key=name&sort_dir=asc&fields=name&fields=mtu&fields=project_id&fields=provider:network_type"
	for rules, want := range map[string]string{
		"": `{"networks":[{"project_id":"red","name":"common","mtu":0},{"project_id":"blue","name":"own","mtu":0}]}`,
		"get_network:mtu: rule:owner": `{"networks":[{"project_id":"red","name":"common"},` +
			`{"project_id":"blue","name":"own","mtu":0}]}`,
		"get_network:mtu: '!'":       `{"networks":[{"project_id":"red","name":"common"},{"project_id":"blue","name":"own"}]}`,
		"get_network:tenant_id: '!'": `{"networks":[{"name":"common","mtu":0},{"name":"own","mtu":0}]}`,
		"get_network:provider:network_type: rule:owner": `{"networks":[{"project_id":"red","name":"common","mtu":0},` +
			`{"project_id":"blue","name":"own","mtu":0,"provider:network_type":"midonet"}]}`,
	} {
		wantAnswer(t, withRules(t, rules), "GET", query, "", 200, want)
	}
}

// TestPolicyRefuses: 403 for what the caller may see, 404 for what it may not, and the plugin hears of neither.
func TestPolicyRefuses(t *testing.T) {
	notFound := neutronError("HTTPNotFound", notFound)
	for _, c := range []struct {
		rules, method, id, body string
		status                  int
		want                    string
	}{
		{"", "GET", foreignID, "", 404, notFound},
		{"", "PUT", foreignID, `{"network":{"name":"x"}}`, 404, notFound},
		{"", "DELETE", foreignID, "", 404, notFound},
		{"", "PUT", commonID, `{"network":{"name":"x"}}`, 403,
			neutronError("PolicyNotAuthorized", "rule:update_network is disallowed by policy")},
		{"", "DELETE", commonID, "", 403, neutronError("PolicyNotAuthorized", "rule:delete_network is disallowed by policy")},
		{"update_network:name: '!'", "PUT", ownID, `{"network":{"shared":true}}`, 403,
			neutronError("PolicyNotAuthorized", "(rule:update_network and rule:update_network:shared) is disallowed by policy")},
		{"delete_network: role:owner", "DELETE", ownID, "", 403,
			neutronError("PolicyNotAuthorized", "rule:delete_network is disallowed by policy")},
	} {
		wantAnswer(t, withRules(t, c.rules), c.method, "/v2.0/networks/"+c.id, c.body, c.status, c.want)
	}
	if w := do(t, withRules(t, "delete_network: role:member"), "DELETE", "/v2.0/networks/"+commonID, ""); w.Code != 204 {
		t.Errorf("the operator's rule lets a member delete: %d %s", w.Code, w.Body)
	}
}

// TestAdministratorByRole has context_is_admin make administrators of another role's holders.
func TestAdministratorByRole(t *testing.T) {
	s := withRules(t, "context_is_admin: role:member")
	w := do(t, s, "GET", "/v2.0/networks/"+foreignID, "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"provider:network_type":"midonet"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
