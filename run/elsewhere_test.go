package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/inspect"
	"midonet.org/midonet/neutron/store/storetest"
	"midonet.org/midonet/test/freeport"
	"midonet.org/midonet/topology"
)

// elsewhere is a midonet cluster, a midonet api that drives it, and a proxy between the two that can be told to fail.
type elsewhere struct {
	*testing.T
	url, dir   string // of the Networking API
	config     string
	clusterDir string
	faults     *faultyProxy
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	e := &elsewhere{T: t, dir: t.TempDir(), clusterDir: t.TempDir()}
	address := freeport.Address(t)
	startRole(t, ServerConfig{ClusterOnly: true, StateDir: e.clusterDir, MidoNetAPI: address}, "http://"+address+"/midonet-api")
	e.faults = newFaultyProxy(t, address)
	e.config = writeConfig(t, fmt.Sprintf(`[DEFAULT]
service_plugins = midonet_l3
[MIDONET]
client = midonet.neutron.client.api.MidonetApiClient
midonet_uri = %s/midonet-api
request_timeout = 60
retry_time = 60
`, e.faults.URL))
	e.url = e.startAPI(e.dir)
	return e
}

// startAPI starts a Networking API that drives the cluster.
func (e *elsewhere) startAPI(dir string) (url string) {
	e.Helper()
	address := freeport.Address(e.T)
	startRole(e.T, ServerConfig{APIOnly: true, StateDir: dir, ConfigFiles: []string{e.config}, API: address}, "http://"+address)
	return "http://" + address
}

// startRole runs a server until the test ends, and returns when it answers.
func startRole(t *testing.T, c ServerConfig, answers string) {
	t.Helper()
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Server(ctx, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	check(t, awaitAnswer(t.Context(), answers))
}

// faultyProxy passes requests on, and lets a test fail some of them.
type faultyProxy struct {
	*httptest.Server
	next atomic.Pointer[string] // the fault of the next change: before, after, or a status
}

func newFaultyProxy(t *testing.T, to string) *faultyProxy {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to})
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f := &faultyProxy{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/login") {
			proxy.ServeHTTP(w, r)
			return
		}
		switch fault := f.next.Swap(nil); {
		case fault == nil:
			proxy.ServeHTTP(w, r)
		case *fault == "before":
			panic(http.ErrAbortHandler)
		case *fault == "after":
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *faultyProxy) fail(how string) { f.next.Store(&how) }

// do asks the Networking API, and returns the resource that it answers with.
func (e *elsewhere) do(want int, method, path, body string, args ...any) map[string]any {
	e.Helper()
	r, err := http.NewRequestWithContext(e.Context(), method, e.url+"/v2.0/"+path, strings.NewReader(fmt.Sprintf(body, args...)))
	check(e.T, err)
	answer, err := http.DefaultClient.Do(r)
	check(e.T, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(e.T, err)
	if answer.StatusCode != want {
		e.Fatalf("%s %s %s: %d %s", method, path, body, answer.StatusCode, text)
	}
	var object map[string]any
	if len(text) > 0 {
		check(e.T, json.Unmarshal(text, &object))
	}
	for _, key := range []string{"network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule"} {
		if one, ok := object[key].(map[string]any); ok {
			return one
		}
	}
	return object
}

// create returns the identifier of what is made.
func (e *elsewhere) create(path, body string, args ...any) string {
	e.Helper()
	return e.do(http.StatusCreated, http.MethodPost, path, body, args...)["id"].(string)
}

func (e *elsewhere) set(path, body string, args ...any) {
	e.Helper()
	e.do(http.StatusOK, http.MethodPut, path, body, args...)
}

// asIfInside compares the cluster's topology with the one that a server of its own makes of the same Neutron tables.
func (e *elsewhere) asIfInside(when string) {
	e.Helper()
	dir := e.TempDir()
	// In one transaction, whatever the server writes meanwhile.
	_, err := storetest.Open(e.T, "sqlite:///"+filepath.Join(e.dir, "neutron.db")).ExecContext(e.Context(), "VACUUM INTO ?", filepath.Join(dir, "neutron.db"))
	check(e.T, err)
	ctx, cancel := context.WithCancel(e.Context())
	ended := make(chan error, 1)
	address := freeport.Address(e.T)
	go func() {
		ended <- Server(ctx, ServerConfig{StateDir: dir, API: address, Log: slog.New(slog.DiscardHandler)})
	}()
	check(e.T, awaitAnswer(e.Context(), "http://"+address))
	eventually(e.T, "the server of its own has the whole topology", func() bool {
		report, err := NewAdminClient(dir).Check(e.Context())
		return err == nil && len(report.Differences) == 0 && report.Pending == 0
	})
	diff := "?"
	for end := time.Now().Add(patience); diff != "" && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// A dump is of what the server's mirror has seen, a moment after it is stored.
		diff = cmp.Diff(rendered(e.T, dir), rendered(e.T, e.clusterDir))
	}
	cancel()
	check(e.T, <-ended)
	if diff != "" {
		e.Errorf("%s, the topology of the cluster (+) is not that of a server of its own (-):\n%s", when, diff)
	}
}

// rendered is the topology of a server but for what depends on the order of changes, a line for each object.
func rendered(t *testing.T, dir string) []string {
	t.Helper()
	dump, err := NewAdminClient(dir).Dump(t.Context())
	check(t, err)
	defer dump.Close()
	objects, err := inspect.ReadDump(dump)
	check(t, err)
	var kept []topology.Object
	for _, o := range objects {
		switch o := o.(type) {
		case *topology.Source, *topology.Progress, *topology.TunnelKey:
			continue
		case *topology.Port:
			o.TunnelKey = 0
		}
		kept = append(kept, o)
	}
	var text bytes.Buffer
	check(t, inspect.WriteDump(&text, kept))
	return slices.Sorted(strings.SplitSeq(strings.TrimSpace(text.String()), "\n"))
}

// TestAMidoNetElsewhere: everything of the core, security groups and routers is made, changed and deleted in a midonet cluster, over
// connections that are lost.
func TestAMidoNetElsewhere(t *testing.T) {
	e := newElsewhere(t)
	outside := e.create("networks", `{"network": {"name": "outside", "router:external": true}}`)
	e.create("subnets", `{"subnet": {"network_id": %q, "ip_version": 4, "cidr": "198.51.100.0/24", "gateway_ip": "198.51.100.1"}}`, outside)
	e.faults.fail("before")
	blue := e.create("networks", `{"network": {"name": "blue"}}`)
	e.faults.fail("after")
	subnet := e.create("subnets", `{"subnet": {"network_id": %q, "ip_version": 4, "cidr": "10.0.0.0/24"}}`, blue)
	e.create("subnets", `{"subnet": {"network_id": %q, "ip_version": 6, "cidr": "2001:db8::/64", "ipv6_ra_mode": "slaac",
		"ipv6_address_mode": "slaac"}}`, blue)
	group := e.create("security-groups", `{"security_group": {"name": "web"}}`)
	e.faults.fail("after")
	rule := e.create("security-group-rules", `{"security_group_rule": {"security_group_id": %q, "direction": "ingress", "protocol": "tcp",
		"port_range_min": 80, "port_range_max": 80}}`, group)
	e.create("security-group-rules", `{"security_group_rule": {"security_group_id": %q, "direction": "ingress", "remote_group_id": %q}}`, group, group)
	e.faults.fail("503")
	vm := e.create("ports", `{"port": {"network_id": %q, "device_owner": "compute:nova", "security_groups": [%q],
		"allowed_address_pairs": [{"ip_address": "10.9.0.0/16"}], "extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400"}]}}`, blue, group)
	e.create("ports", `{"port": {"network_id": %q, "port_security_enabled": false, "security_groups": []}}`, blue)
	router := e.create("routers", `{"router": {"name": "r", "external_gateway_info": {"network_id": %q}}}`, outside)
	e.faults.fail("after")
	e.set("routers/"+router+"/add_router_interface", `{"subnet_id": %q}`, subnet)
	e.set("routers/"+router, `{"router": {"routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.77"}]}}`)
	floating := e.create("floatingips", `{"floatingip": {"floating_network_id": %q, "port_id": %q}}`, outside, vm)
	e.asIfInside("with everything made")

	e.set("networks/"+blue, `{"network": {"admin_state_up": false, "mtu": 1400}}`)
	e.set("subnets/"+subnet, `{"subnet": {"dns_nameservers": ["10.0.0.53"], "host_routes": [{"destination": "192.0.2.0/24", "nexthop": "10.0.0.9"}]}}`)
	e.faults.fail("after")
	e.set("ports/"+vm, `{"port": {"admin_state_up": false, "binding:host_id": "host1"}}`)
	e.set("security-groups/"+group, `{"security_group": {"name": "www"}}`)
	e.set("floatingips/"+floating, `{"floatingip": {"port_id": null}}`)
	e.set("routers/"+router, `{"router": {"routes": [], "admin_state_up": false, "external_gateway_info": {"network_id": %q, "enable_snat": false}}}`, outside)
	e.asIfInside("with everything changed")

	e.faults.fail("after")
	e.do(http.StatusNoContent, http.MethodDelete, "floatingips/"+floating, "")
	e.set("routers/"+router+"/remove_router_interface", `{"subnet_id": %q}`, subnet)
	e.do(http.StatusNoContent, http.MethodDelete, "routers/"+router, "")
	e.do(http.StatusNoContent, http.MethodDelete, "ports/"+vm, "")
	e.do(http.StatusNoContent, http.MethodDelete, "security-group-rules/"+rule, "")
	e.do(http.StatusNoContent, http.MethodDelete, "security-groups/"+group, "")
	e.asIfInside("with most deleted")
	if left := e.do(http.StatusOK, http.MethodGet, "ports?network_id="+blue, "")["ports"].([]any); len(left) != 1 {
		t.Errorf("%d ports are left", len(left))
	}
}

// TestWhatAMidoNetElsewhereRefuses: what the cluster refuses is refused to the client with its words, and taken back; extensions that it has not are
// not listed.
func TestWhatAMidoNetElsewhereRefuses(t *testing.T) {
	e := newElsewhere(t)
	blue := e.create("networks", `{"network": {"name": "blue"}}`)
	midonet := newMidonetClient(t, e.faults.URL+"/midonet-api")
	if got := midonet.do(t, http.MethodDelete, "/neutron/networks/"+blue, "Network", ""); got != http.StatusNoContent {
		t.Fatalf("the network is deleted behind Neutron's back: %d", got)
	}
	fault := e.do(http.StatusNotFound, http.MethodPost, "subnets", `{"subnet": {"network_id": %q, "ip_version": 4, "cidr": "10.0.0.0/24"}}`, blue)
	if said := fault["NeutronError"].(map[string]any); said["type"] != "HTTPNotFound" || !strings.Contains(said["message"].(string), blue) {
		t.Errorf("the client is told %v", said)
	}
	if left := e.do(http.StatusOK, http.MethodGet, "subnets", "")["subnets"].([]any); len(left) != 0 {
		t.Errorf("the subnet is there: %v", left)
	}
	listed := fmt.Sprint(e.do(http.StatusOK, http.MethodGet, "extensions", ""))
	for _, alias := range append(hereAlone, forwardingExtensions...) {
		if strings.Contains(listed, "alias:"+alias+" ") {
			t.Errorf("%s is listed", alias)
		}
	}
	var status bytes.Buffer
	check(t, Status(t.Context(), NewAdminClient(e.dir), &status))
	if said := status.String(); !strings.Contains(said, e.url) || strings.Contains(said, "problem") || strings.Contains(said, " 0 applied") {
		t.Errorf("status says\n%s", said)
	}
}

func TestRolesForAMidoNetElsewhere(t *testing.T) {
	const client = "[midonet]\nclient = midonet.neutron.client.api.MidonetApiClient\n"
	for text, c := range map[string]struct {
		apiOnly bool
		words   []string
	}{
		"[DEFAULT]\nservice_plugins = midonet_l3\n" + client: {false, []string{"midonet server", "midonet api"}},
		client:                          {true, []string{"port_forwarding", "service_plugins = midonet_l3"}},
		"[midonet]\nclient = moon\n":    {true, []string{"[midonet] client", "moon", "MidonetApiClient", "MidonetClusterClient"}},
		"[midonet]\nmidonet_uri = moon": {true, []string{"midonet_uri"}},
		"[midonet]\nmidonet_uri = http://admin:secret@h/midonet-api": {true, []string{"midonet_uri", "username"}},
		"[midonet]\nrequest_timeout = 0":                             {true, []string{"request_timeout", "1"}},
		"[midonet]\nretry_time = 3601":                               {true, []string{"retry_time", "3600"}},
		"":                                                           {true, []string{"[database] connection"}},
	} {
		got := refusal(t, ServerConfig{APIOnly: c.apiOnly, StateDir: t.TempDir(), API: loopback, ConfigFiles: []string{writeConfig(t, text)}})
		for _, word := range c.words {
			if !strings.Contains(got, word) || strings.Contains(got, "secret") {
				t.Errorf("%q is refused with %q, which should say %q", text, got, word)
			}
		}
	}
}
