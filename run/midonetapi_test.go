package run

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/test/freeport"
)

// midonetClient is a client of a MidoNet API, logged in with the default account.
type midonetClient struct{ uri, token string }

func newMidonetClient(t *testing.T, uri string) midonetClient {
	t.Helper()
	login, err := http.NewRequestWithContext(t.Context(), http.MethodPost, uri+"/login", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	login.SetBasicAuth("admin", "passw0rd")
	answer, err := http.DefaultClient.Do(login)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var token struct{ Key string }
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	return midonetClient{uri, token.Key}
}

// do sends a request and returns the status of the answer. The class is that of the body's media type.
func (m midonetClient) do(t *testing.T, method, path, class, body string) int {
	t.Helper()
	return m.send(t, method, path, "application/vnd.org.midonet.neutron."+class+"-v1+json", body)
}

// doJSON is do for the topology's resources.
func (m midonetClient) doJSON(t *testing.T, method, path, body string) int {
	t.Helper()
	return m.send(t, method, path, "application/json", body)
}

func (m midonetClient) send(t *testing.T, method, path, contentType, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.uri+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", m.token)
	r.Header.Set("Content-Type", contentType)
	result, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Body.Close()
	if result.StatusCode >= 300 {
		text, _ := io.ReadAll(result.Body)
		t.Logf("%s %s: %d %s", method, path, result.StatusCode, text)
	}
	return result.StatusCode
}

const networkBody = `{"id": "aaaaaaaa-0000-4000-8000-000000000001", "name": "blue", "tenant_id": "t", "admin_state_up": true}`

// TestClusterAlone: no Networking API and no database; the topology is what the MidoNet API is told, and stays over a restart. A
// server with a database of its own then refuses the store.
func TestClusterAlone(t *testing.T) {
	dir, address := t.TempDir(), freeport.Address(t)
	uri := "http://" + address + "/midonet-api"
	alone := ServerConfig{ClusterOnly: true, StateDir: dir, MidoNetAPI: address, Log: slog.New(slog.DiscardHandler)}
	run := func(during func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- Server(ctx, alone) }()
		if err := awaitAnswer(t.Context(), uri); err != nil {
			t.Fatal(err)
		}
		during()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the cluster ended with %v", err)
		}
	}
	run(func() {
		if got := newMidonetClient(t, uri).do(t, http.MethodPost, "/neutron/networks", "Network", networkBody); got != 201 {
			t.Errorf("creating a network: %d", got)
		}
		var status bytes.Buffer
		if err := Status(t.Context(), NewAdminClient(dir), &status); err != nil {
			t.Fatal(err)
		}
		if said := status.String(); !strings.Contains(said, uri) || !strings.Contains(said, "blue") || strings.Contains(said, "Networking API") {
			t.Errorf("status says:\n%s", said)
		}
	})
	run(func() {
		if got := newMidonetClient(t, uri).do(t, http.MethodPost, "/neutron/networks", "Network", networkBody); got != 409 {
			t.Errorf("creating the network again after a restart: %d", got)
		}
	})
	if got := refusal(t, ServerConfig{StateDir: dir, API: loopback}); !strings.Contains(got, "clients of a MidoNet API") {
		t.Errorf("a server of its own on the cluster's store was refused with %q", got)
	}
}

// TestOperatorsObjectsComeBack: what a dump has of them is put back by another server, which says what of it changes no packet.
func TestOperatorsObjectsComeBack(t *testing.T) {
	const router = `{"id": "aaaaaaaa-0000-4000-8000-00000000000a", "name": "by hand"}`
	lost, address := t.TempDir(), freeport.Address(t)
	startServerWith(t, ServerConfig{StateDir: lost, MidoNetAPI: address})
	m := newMidonetClient(t, "http://"+address+"/midonet-api")
	for _, made := range [][2]string{{"/routers", router}, {"/routers/aaaaaaaa-0000-4000-8000-00000000000a/bgp_peers", `{"asNumber": 1, "address": "192.0.2.1"}`}} {
		if got := m.doJSON(t, http.MethodPost, made[0], made[1]); got != 201 {
			t.Fatalf("%s: %d", made[0], got)
		}
	}
	dump, err := NewAdminClient(lost).Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(dump)
	dump.Close()
	file := filepath.Join(t.TempDir(), "dump")
	if err != nil || os.WriteFile(file, text, 0o600) != nil {
		t.Fatal(err)
	}

	dir, address := t.TempDir(), freeport.Address(t)
	startServerWith(t, ServerConfig{StateDir: dir, MidoNetAPI: address})
	client := NewAdminClient(dir)
	var said, status strings.Builder
	if err := DBRestore(t.Context(), client, file, &said); err != nil || said.String() != "put back 2 objects\n" {
		t.Errorf("restore said %q, %v", said.String(), err)
	}
	if got := newMidonetClient(t, "http://"+address+"/midonet-api").doJSON(t, http.MethodGet, "/routers/aaaaaaaa-0000-4000-8000-00000000000a", ""); got != 200 {
		t.Errorf("reading the router: %d", got)
	}
	if err := Status(t.Context(), client, &status); err != nil || !strings.Contains(status.String(), "obeyed by no part of this MidoNet yet: 1 bgp_peer") {
		t.Errorf("status says %s, %v", status.String(), err)
	}
	if err := DBRestore(t.Context(), client, file, &said); err == nil || !strings.Contains(err.Error(), "only where they have made nothing") {
		t.Errorf("once more: %v", err)
	}
	if err := os.WriteFile(file, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := DBRestore(t.Context(), client, file, &said); err == nil || !strings.Contains(err.Error(), "line 1 of the dump") {
		t.Errorf("nonsense: %v", err)
	}
}

func TestServerRefusesMidoNetWrites(t *testing.T) {
	address := freeport.Address(t)
	url := startServerWith(t, ServerConfig{StateDir: t.TempDir(), MidoNetAPI: address})
	m := newMidonetClient(t, "http://"+address+"/midonet-api")
	for path, class := range map[string]string{"/neutron/networks": "Network", "/neutron/security_groups": "SecurityGroup"} {
		if got := m.do(t, http.MethodPost, path, class, networkBody); got != 409 {
			t.Errorf("creating a %s: %d, want 409", class, got)
		}
	}
	add := "/neutron/routers/aaaaaaaa-0000-4000-8000-000000000001/add_router_interface"
	if got := m.do(t, http.MethodPut, add, "RouterInterface", `{"port_id": "aaaaaaaa-0000-4000-8000-000000000001"}`); got != 409 {
		t.Errorf("adding an interface: %d, want 409", got)
	}
	if got := m.do(t, http.MethodGet, "/bridges", "", ""); got != 200 {
		t.Errorf("listing bridges: %d", got)
	}

	external := post(t, url+"/v2.0/networks", `{"network": {"name": "public", "router:external": true}}`)
	post(t, url+"/v2.0/subnets", `{"subnet": {"network_id": "`+external+`", "ip_version": 4, "cidr": "203.0.113.0/24"}}`)
	post(t, url+"/v2.0/routers", `{"router": {"name": "r", "external_gateway_info": {"network_id": "`+external+`"}}}`)
	eventually(t, "what the Networking API was told is read here", func() bool {
		var routers []struct {
			Gateway string `json:"gw_port_id"`
		}
		var groups []struct {
			Name  string
			Rules []any `json:"security_group_rules"`
		}
		m.read(t, "/neutron/routers", &routers)
		m.read(t, "/neutron/security_groups", &groups)
		return len(routers) == 1 && routers[0].Gateway != "" && len(groups) == 1 && groups[0].Name == "default" && len(groups[0].Rules) == 4
	})
}

// read reads a collection.
func (m midonetClient) read(t *testing.T, path string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.uri+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", m.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatalf("%s: %d %v", path, answer.StatusCode, err)
	}
}

func TestTheKnownPasswordStaysOnLoopback(t *testing.T) {
	got := refusal(t, ServerConfig{StateDir: t.TempDir(), API: loopback, MidoNetAPI: "0.0.0.0:0"})
	if !strings.Contains(got, "[midonet] password") || !strings.Contains(got, "0.0.0.0:0") {
		t.Errorf("refused with %q", got)
	}
	own := &config.Options{MidoNet: config.MidoNet{Password: "another"}}
	if err := refuseKnownPassword(own, "0.0.0.0:8181"); err != nil {
		t.Errorf("a password of one's own is refused too: %v", err)
	}
	for _, address := range []string{"127.0.0.1:8181", "[::1]:8181", "localhost:8181", "unix:/run/midonet-api.sock"} {
		if err := refuseKnownPassword(&config.Options{}, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
