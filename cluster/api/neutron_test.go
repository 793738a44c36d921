package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/importer"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

const (
	net1  = "aaaaaaaa-0000-4000-8000-000000000001"
	sub1  = "bbbbbbbb-0000-4000-8000-000000000001"
	port1 = "cccccccc-0000-4000-8000-000000000001"

	mediaNetwork  = "application/vnd.org.midonet.neutron.Network-v1+json"
	mediaNetworks = "application/vnd.org.midonet.neutron.Networks-v1+json"
	mediaSubnet   = "application/vnd.org.midonet.neutron.Subnet-v1+json"
	mediaSubnets  = "application/vnd.org.midonet.neutron.Subnets-v1+json"
	mediaPort     = "application/vnd.org.midonet.neutron.Port-v1+json"
	mediaPorts    = "application/vnd.org.midonet.neutron.Ports-v1+json"
)

// What the plugin sends: Neutron's own dictionaries, with more in them than MidoNet knows.
const (
	networkBody = `{"id": "` + net1 + `", "name": "blue", "status": "ACTIVE", "shared": true, "tenant_id": "t1", "project_id": "t1",
		"admin_state_up": true, "router:external": false, "provider:network_type": "midonet", "subnets": [], "mtu": 1450,
		"port_security_enabled": true, "availability_zones": [], "revision_number": 3}`
	subnetBody = `{"id": "` + sub1 + `", "name": "s", "network_id": "` + net1 + `", "ip_version": 4, "cidr": "10.0.0.0/24",
		"gateway_ip": "10.0.0.1", "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.254"}], "dns_nameservers": ["9.9.9.9"],
		"host_routes": [{"destination": "192.168.0.0/16", "nexthop": "10.0.0.9"}], "enable_dhcp": true, "tenant_id": "t1",
		"ipv6_ra_mode": null, "subnetpool_id": null, "shared": false}`
	portBody = `{"id": "` + port1 + `", "name": "p", "network_id": "` + net1 + `", "admin_state_up": true, "status": "DOWN",
		"mac_address": "fa:16:3e:00:00:01", "fixed_ips": [{"subnet_id": "` + sub1 + `", "ip_address": "10.0.0.5"}],
		"device_id": "vm", "device_owner": "compute:nova", "tenant_id": "t1", "security_groups": [], "binding:host_id": "h1",
		"binding:profile": {"interface_name": "eth5"}, "binding:vif_type": "midonet", "extra_dhcp_opts":
		[{"opt_name": "tftp-server", "opt_value": "10.0.0.9"}]}`
)

func (f *fixture) createAll() {
	f.Helper()
	f.post("/neutron/networks", mediaNetwork, networkBody).want(201)
	f.post("/neutron/subnets", mediaSubnet, subnetBody).want(201)
	f.post("/neutron/ports", mediaPort, portBody).want(201)
}

func TestRootsNameWhatIsServed(t *testing.T) {
	f := newFixture(t)
	app := f.get("", mediaApplication).want(200).object()
	if app["uri"] != f.uri+"/" || app["version"] != "v5.0" || app["neutron"] != f.uri+"/neutron" {
		t.Errorf("root: %v", app)
	}
	neutron := f.get("/neutron", mediaNeutron).want(200).object()
	for _, doc := range []map[string]any{app, neutron} {
		for key, uri := range doc {
			path, ok := strings.CutPrefix(uri.(string), f.uri)
			if !ok || strings.Contains(path, "{") {
				continue
			}
			r := f.get(path, "*/*").want(200)
			if !strings.Contains(r.Header.Get("Content-Type"), "json") {
				t.Errorf("%s: %s", key, r.Header.Get("Content-Type"))
			}
		}
	}
	for _, path := range []string{"/", "/neutron/", "/neutron/networks/"} {
		f.get(path, "*/*").want(200)
	}
	f.get("/routers_of_old", "*/*").wantError(404, "Not found.")
}

func TestNeutronObjects(t *testing.T) {
	f := newFixture(t)
	r := f.post("/neutron/networks", mediaNetwork, networkBody).want(201)
	if r.Header.Get("Location") != f.uri+"/neutron/networks/"+net1 || r.Header.Get("Content-Type") != mediaNetwork {
		t.Errorf("headers %v", r.Header)
	}
	want := map[string]any{"id": net1, "name": "blue", "status": "ACTIVE", "shared": true, "tenant_id": "t1", "admin_state_up": true,
		"router:external": false, "provider:network_type": nil, "qos_policy_id": nil, "mtu": 1450.0}
	if diff := cmp.Diff(want, r.object()); diff != "" {
		t.Errorf("created network (-want +got):\n%s", diff)
	}
	f.post("/neutron/subnets", mediaSubnet, subnetBody).want(201)
	f.post("/neutron/ports", mediaPort, portBody).want(201)

	want = map[string]any{"id": sub1, "name": "s", "ip_version": 4.0, "network_id": net1, "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1",
		"allocation_pools": []any{map[string]any{"start": "10.0.0.2", "end": "10.0.0.254"}}, "dns_nameservers": []any{"9.9.9.9"},
		"host_routes": []any{map[string]any{"destination": "192.168.0.0/16", "nexthop": "10.0.0.9"}}, "tenant_id": "t1",
		"enable_dhcp": true, "shared": true}
	if diff := cmp.Diff(want, f.get("/neutron/subnets/"+sub1, mediaSubnet).want(200).object()); diff != "" {
		t.Errorf("subnet (-want +got):\n%s", diff)
	}
	want = map[string]any{"id": port1, "name": "p", "network_id": net1, "admin_state_up": true, "mac_address": "fa:16:3e:00:00:01",
		"fixed_ips": []any{map[string]any{"subnet_id": sub1, "ip_address": "10.0.0.5"}}, "device_id": "vm", "device_owner": "compute:nova",
		"tenant_id": "t1", "status": "DOWN", "security_groups": []any{}, "binding:host_id": "h1",
		"binding:profile": map[string]any{"interface_name": "eth5"}, "port_security_enabled": true, "allowed_address_pairs": nil,
		"extra_dhcp_opts": []any{map[string]any{"opt_name": "tftp-server", "opt_value": "10.0.0.9"}}, "qos_policy_id": nil}
	if diff := cmp.Diff(want, f.get("/neutron/ports/"+port1, mediaPort).want(200).object()); diff != "" {
		t.Errorf("port (-want +got):\n%s", diff)
	}
	f.wantStored(topology.KindBridge, 1)
	f.wantStored(topology.KindPort, 1)
	f.wantStored(topology.KindDHCPHost, 1)

	r = f.put("/neutron/networks/"+net1, mediaNetwork, strings.Replace(networkBody, `"blue"`, `"red"`, 1)).want(200)
	if r.object()["name"] != "red" || f.get("/neutron/networks/"+net1, mediaNetwork).object()["name"] != "red" {
		t.Errorf("the network was not updated: %s", r.body)
	}
	for _, path := range []string{"/neutron/ports/" + port1, "/neutron/subnets/" + sub1, "/neutron/networks/" + net1} {
		f.delete(path).want(204)
		f.delete(path).want(204)
		f.get(path, "*/*").want(404)
	}
	f.wantStored(topology.KindSource, 0)
	f.wantStored(topology.KindPort, 0)
}

// TestPortSecurityIsShown: what filters a port is what its body says.
func TestPortSecurityIsShown(t *testing.T) {
	f := newFixture(t)
	f.createAll()
	secured := strings.Replace(portBody, `"security_groups": []`, `"security_groups": [], "port_security_enabled": true,
		"allowed_address_pairs": [{"ip_address": "10.9.0.0/24", "mac_address": "fa:16:3e:00:00:09"}]`, 1)
	shown := f.put("/neutron/ports/"+port1, mediaPort, secured).want(200).object()
	want := []any{map[string]any{"ip_address": "10.9.0.0/24", "mac_address": "fa:16:3e:00:00:09"}}
	if diff := cmp.Diff(want, shown["allowed_address_pairs"]); diff != "" || shown["port_security_enabled"] != true {
		t.Errorf("port security is %v, address pairs (-want +got):\n%s", shown["port_security_enabled"], diff)
	}
}

func (f *fixture) wantStored(kind topology.Kind, want int) {
	f.Helper()
	snapshot, err := f.store.View(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for key := range snapshot.Objects {
		if key.Kind == kind {
			n++
		}
	}
	if n != want {
		f.Errorf("%d objects of kind %v are stored, want %d", n, kind, want)
	}
	report, err := f.importer.Check(f.Context())
	if err != nil || len(report.Differences) != 0 {
		f.Errorf("incremental differs from full: %v %v", report.Differences, err)
	}
}

func bulkPorts(n int) string {
	var all []string
	for i := range n {
		body := strings.Replace(portBody, port1, fmt.Sprintf("cccccccc-0000-4000-8000-%012x", i+1), 1)
		body = strings.Replace(body, "fa:16:3e:00:00:01", fmt.Sprintf("fa:16:3e:00:00:%02x", i+1), 1)
		all = append(all, strings.Replace(body, "10.0.0.5", fmt.Sprintf("10.0.0.%d", i+10), 1))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// TestBulkIsAllOrNothing also writes more than one step of the store holds.
func TestBulkIsAllOrNothing(t *testing.T) {
	f := newFixture(t)
	f.post("/neutron/networks", mediaNetworks, "["+networkBody+"]").want(201)
	f.post("/neutron/subnets", mediaSubnets, "["+subnetBody+"]").want(201)
	f.post("/neutron/ports", mediaPort, strings.Replace(portBody, port1, "cccccccc-0000-4000-8000-000000000003", 1)).want(201)
	f.post("/neutron/ports", mediaPorts, bulkPorts(5)).wantError(409,
		"A(n) NeutronPort with ID cccccccc-0000-4000-8000-000000000003 already exists.")
	f.wantStored(topology.KindPort, 1)
	f.delete("/neutron/ports/cccccccc-0000-4000-8000-000000000003").want(204)
	r := f.post("/neutron/ports", mediaPorts, bulkPorts(150)).want(201)
	var answered []struct{ ID string }
	r.decode(&answered)
	if len(answered) != 150 || answered[0].ID != port1 || r.Header.Get("Location") != f.uri+"/neutron/ports" {
		t.Errorf("%d ports answered, at %s", len(answered), r.Header.Get("Location"))
	}
	f.get("/neutron/ports", mediaPorts).want(200).decode(&answered)
	if len(answered) != 150 || answered[149].ID != "cccccccc-0000-4000-8000-000000000096" {
		t.Errorf("%d ports listed", len(answered))
	}
	f.wantStored(topology.KindPort, 150)
	f.post("/neutron/networks", mediaNetworks, "["+strings.Repeat(networkBody+",", importer.MaxWrites)+networkBody+"]").want(413)
	f.post("/neutron/ports", mediaPorts, `[]`).want(201)
}

func TestNeutronRefusals(t *testing.T) {
	f := newFixture(t)
	f.createAll()
	const other = "dddddddd-0000-4000-8000-000000000001"
	f.post("/neutron/networks", mediaNetwork, networkBody).wantError(409, "A(n) NeutronNetwork with ID "+net1+" already exists.")
	f.put("/neutron/networks/"+other, mediaNetwork, networkBody).wantError(404, "There is no NeutronNetwork with ID "+other+".")
	f.get("/neutron/networks/"+other, mediaNetwork).wantError(404, "There is no NeutronNetwork with ID "+other+".")
	f.get("/neutron/networks/"+port1, mediaNetwork).want(404)
	f.get("/neutron/networks/nonsense", mediaNetwork).want(404)
	f.post("/neutron/subnets", mediaSubnet, strings.NewReplacer(sub1, other, net1, other).Replace(subnetBody)).
		wantError(404, "There is no NeutronNetwork with ID "+other+".")
	f.post("/neutron/ports", mediaPort, strings.NewReplacer(port1, other, sub1, other).Replace(portBody)).
		wantError(404, "There is no NeutronSubnet with ID "+other+".")
	f.put("/neutron/ports/"+port1, mediaPort, strings.Replace(portBody, `"security_groups": []`, `"security_groups": ["`+other+`"]`, 1)).
		wantError(404, "There is no SecurityGroup with ID "+other+".")
	f.post("/neutron/networks", mediaNetwork, `{"name": "x"}`).wantError(400, "A NeutronNetwork has no id.")
	f.post("/neutron/networks", mediaNetwork, `{"id": 7}`).want(400)
	f.post("/neutron/networks", mediaNetwork, `{`).want(400)
	f.post("/neutron/ports", mediaPort, strings.NewReplacer(port1, other, "10.0.0.5", "10.0.0.500").Replace(portBody)).want(400)
	f.post("/neutron/networks", mediaNetwork, `{"name": "`+strings.Repeat("x", maxBody)+`"}`).want(413)
	f.wantStored(topology.KindSource, 3)
}

func TestMediaTypesAndMethods(t *testing.T) {
	f := newFixture(t)
	f.post("/neutron/networks", mediaSubnet, networkBody).want(415)
	f.do(http.MethodPost, "/neutron/networks", nil, networkBody).want(415)
	f.do(http.MethodPost, "/neutron/networks", header{"Content-Type": mediaNetwork, "Accept": mediaSubnet}, networkBody).want(406)
	f.get("/neutron/networks", "application/json").want(406)
	f.get("/neutron/networks", mediaNetworks+";q=0").want(406)
	f.get("/neutron/networks", "text/html, application/*;q=0.5").want(200)
	f.do(http.MethodGet, "/neutron/networks", nil, "").want(200)
	f.get("/system_state", "application/json").want(200)
	r := f.do(http.MethodPatch, "/neutron/networks", nil, "{}").want(405)
	if got := strings.Join(r.Header.Values("Allow"), " "); got != "GET POST" {
		t.Errorf("Allow: %s", got)
	}
	f.delete("/neutron/networks").want(405)
}

// quietJournal has no tasks.
type quietJournal struct{}

func (quietJournal) Identity(context.Context) (string, error)             { return "j", nil }
func (quietJournal) Pending(context.Context, int) ([]journal.Task, error) { return nil, nil }
func (quietJournal) Done(context.Context, []int64, journal.Mark) error    { return nil }
func (quietJournal) Mark(context.Context) (journal.Mark, error)           { return journal.Mark{}, nil }
func (quietJournal) SetMark(context.Context, journal.Mark) error          { return nil }
func (quietJournal) Wait(ctx context.Context) error                       { <-ctx.Done(); return ctx.Err() }

func TestATopologyHasOneSource(t *testing.T) {
	f := newFixtureOf(t, quietJournal{})
	r := f.post("/neutron/networks", mediaNetwork, networkBody).want(409)
	if !strings.Contains(string(r.body), "Networking API") {
		t.Errorf("the refusal does not say where to write instead: %s", r.body)
	}
	f.delete("/neutron/networks/" + net1).want(409)
	f.get("/neutron/networks", mediaNetworks).want(200)
}
