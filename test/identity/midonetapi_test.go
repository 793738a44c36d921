package identity

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/run"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/test/keystone"
)

// midonetAPI is a MidoNet REST API beside Keystone.
type midonetAPI struct{ uri string }

// midonetCluster runs `midonet cluster` with the cloud's configuration until the test ends.
func (c *cloud) midonetCluster(t *testing.T) midonetAPI {
	t.Helper()
	address, dir := freeport.Address(t), t.TempDir() // which goes when the cluster has ended
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run.Server(ctx, run.ServerConfig{ClusterOnly: true, ConfigFiles: []string{filepath.Join(c.conf, "neutron.conf")},
			StateDir: dir, MidoNetAPI: address, Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the cluster ended with %v", err)
		}
	})
	m := midonetAPI{"http://" + address + "/midonet-api"}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(m.uri)
		if err == nil {
			answer.Body.Close()
			return m
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// do sends a request and returns the status, the headers and the message of an error.
func (m midonetAPI) do(t *testing.T, r *http.Request) (status int, header http.Header, message any) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil && len(raw) > 0 && raw[0] == '{' {
		t.Fatalf("%v: %s", err, raw)
	}
	return answer.StatusCode, answer.Header, body["message"]
}

func (m midonetAPI) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.uri+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// login logs in as python-midonetclient does, and returns the status, the token and the message of an error.
func (m midonetAPI) login(t *testing.T, user, password, project string) (status int, token string, message any) {
	t.Helper()
	r := m.request(t, http.MethodPost, "/login", "{}")
	r.SetBasicAuth(user, password)
	if project != "" {
		r.Header.Set("X-Auth-Project", project)
	}
	status, header, message := m.do(t, r)
	session, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	_, token, _ = strings.Cut(session, "=")
	return status, token, message
}

// get reads the list of bridges with a token.
func (m midonetAPI) get(t *testing.T, token string) (status int, message any) {
	t.Helper()
	r := m.request(t, http.MethodGet, "/bridges", "{}")
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	status, header, message := m.do(t, r)
	if (status == 401) != (header.Get("WWW-Authenticate") != "") {
		t.Errorf("a %d with the challenge %q", status, header.Get("WWW-Authenticate"))
	}
	return status, message
}

// tenants returns the names of the tenants, the first of which is read by itself as well.
func (m midonetAPI) tenants(t *testing.T, token string) (names []string) {
	t.Helper()
	read := func(uri string, v any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Auth-Token", token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if err := json.NewDecoder(answer.Body).Decode(v); err != nil || answer.StatusCode != 200 {
			t.Fatalf("%s: %d %v", uri, answer.StatusCode, err)
		}
	}
	var all []struct{ Name, URI string }
	read(m.uri+"/tenants", &all)
	for n, one := range all {
		if n == 0 {
			read(one.URI, &one)
		}
		names = append(names, one.Name)
	}
	slices.Sort(names)
	return names
}

// testMidoNetAPI: Keystone says who may use the MidoNet REST API, which is for administrators alone.
func (c *cloud) testMidoNetAPI(t *testing.T) {
	m := c.midonetCluster(t)
	for _, l := range []struct {
		user, password, project string
		status                  int
	}{
		{"admin", keystone.Password, "admin", 200},
		{"neutron", keystone.Password, "", 200}, // of the project in the configuration
		{"admin", keystone.Password, "", 401},   // has no role there
		{"admin", keystone.Password, "nowhere", 401},
		{"admin", "passw0rd", "admin", 401}, // [midonet] username and password are not taken
		{"nobody", keystone.Password, "admin", 401},
		{"bea", keystone.Password, "blue", 200},
	} {
		status, token, message := m.login(t, l.user, l.password, l.project)
		if status != l.status || (token == "") == (status == 200) {
			t.Errorf("%s of %q logs in with %d %v, want %d", l.user, l.project, status, message, l.status)
		}
		if text, _ := message.(string); status == 401 && !strings.HasPrefix(text, "Invalid Keystone credentials: ") {
			t.Errorf("%s of %q is refused with %q", l.user, l.project, text)
		}
		if l.user == "bea" {
			if status, message := m.get(t, token); status != 401 || message != nil {
				t.Errorf("a member is answered %d %v", status, message)
			}
		} else if status, _ := m.get(t, token); token != "" && status != 200 {
			t.Errorf("%s with a token of its own login is answered %d", l.user, status)
		}
	}
	for _, token := range []string{"", "nonsense"} {
		if status, _ := m.get(t, token); status != 401 {
			t.Errorf("token %q: %d", token, status)
		}
	}

	token := c.keystone.Login(t, "admin", "admin")
	write := m.request(t, http.MethodPost, "/neutron/networks",
		`{"id": "aaaaaaaa-0000-4000-8000-000000000001", "name": "blue", "tenant_id": "t", "admin_state_up": true}`)
	write.Header.Set("X-Auth-Token", token)
	write.Header.Set("Content-Type", "application/vnd.org.midonet.neutron.Network-v1+json")
	if status, _, message := m.do(t, write); status != 201 {
		t.Errorf("creating a network with Keystone's own token: %d %v", status, message)
	}
	if got := m.tenants(t, token); !slices.Equal(got, []string{"admin", "blue", "red", "service"}) {
		t.Errorf("the tenants are %v", got)
	}
	nowhere := m.request(t, http.MethodGet, "/tenants/nowhere", "{}")
	nowhere.Header.Set("X-Auth-Token", token)
	if status, _, message := m.do(t, nowhere); status != 404 {
		t.Errorf("an unknown tenant: %d %v", status, message)
	}
	c.keystone.Revoke(t, c.admin, token)
	c.eventually(t, func() bool { status, _ := m.get(t, token); return status == 401 })

	other := c.keystone.Login(t, "admin", "admin")
	c.keystone.Stop()
	defer c.keystone.Resume(t)
	if status, message := m.get(t, other); status != 503 {
		t.Errorf("while Keystone is away, a token is answered %d %v", status, message)
	}
	if status, _, message := m.login(t, "admin", keystone.Password, "admin"); status != 503 {
		t.Errorf("while Keystone is away, a login is answered %d %v", status, message)
	}
}
