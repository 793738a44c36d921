package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

const (
	router1  = "dddddddd-0000-4000-8000-000000000001"
	outside  = "aaaaaaaa-0000-4000-8000-0000000000ee"
	outside4 = "bbbbbbbb-0000-4000-8000-0000000000ee"
	gateway1 = "cccccccc-0000-4000-8000-0000000000ee"
	inside1  = "cccccccc-0000-4000-8000-0000000000aa"
	float1   = "eeeeeeee-0000-4000-8000-000000000001"
	nowhere  = "ffffffff-0000-4000-8000-000000000001"

	mediaRouter     = "application/vnd.org.midonet.neutron.Router-v1+json"
	mediaRouters    = "application/vnd.org.midonet.neutron.Routers-v1+json"
	mediaAttach     = "application/vnd.org.midonet.neutron.RouterInterface-v1+json"
	mediaFloatingIP = "application/vnd.org.midonet.neutron.FloatingIp-v1+json"
)

// What the plugin sends when a router joins the network of createAll and an external one.
const (
	outsideBody  = `{"id": "` + outside + `", "name": "public", "admin_state_up": true, "tenant_id": "adm", "router:external": true}`
	outside4Body = `{"id": "` + outside4 + `", "network_id": "` + outside + `", "ip_version": 4, "cidr": "203.0.113.0/24",
		"gateway_ip": "203.0.113.1", "enable_dhcp": false, "tenant_id": "adm"}`
	gatewayBody = `{"id": "` + gateway1 + `", "network_id": "` + outside + `", "mac_address": "fa:16:3e:00:00:ee", "admin_state_up": true,
		"fixed_ips": [{"subnet_id": "` + outside4 + `", "ip_address": "203.0.113.7"}], "device_id": "` + router1 + `",
		"device_owner": "network:router_gateway", "tenant_id": "", "security_groups": [], "port_security_enabled": false}`
	insideBody = `{"id": "` + inside1 + `", "network_id": "` + net1 + `", "mac_address": "fa:16:3e:00:00:aa", "admin_state_up": true,
		"fixed_ips": [{"subnet_id": "` + sub1 + `", "ip_address": "10.0.0.1"}], "device_id": "` + router1 + `",
		"device_owner": "network:router_interface", "tenant_id": "t1", "security_groups": [], "port_security_enabled": false}`
	routerBody = `{"id": "` + router1 + `", "name": "r", "tenant_id": "t1", "project_id": "t1", "admin_state_up": true, "status": "ACTIVE",
		"gw_port_id": "` + gateway1 + `", "external_gateway_info": {"network_id": "` + outside + `", "enable_snat": true,
		"external_fixed_ips": [{"subnet_id": "` + outside4 + `", "ip_address": "203.0.113.7"}]}, "routes": [], "ha": false,
		"distributed": false, "availability_zones": []}`
	interfaceBody = `{"id": "` + router1 + `", "tenant_id": "t1", "port_id": "` + inside1 + `", "network_id": "` + net1 + `",
		"subnet_id": "` + sub1 + `", "subnet_ids": ["` + sub1 + `"]}`
	floatBody = `{"id": "` + float1 + `", "tenant_id": "t1", "floating_ip_address": "203.0.113.50", "floating_network_id": "` + outside + `",
		"router_id": "` + router1 + `", "port_id": "` + port1 + `", "fixed_ip_address": "10.0.0.5", "status": "DOWN"}`
)

// createRouter makes the router with everything about it, in the plugin's order.
func (f *fixture) createRouter() {
	f.Helper()
	f.createAll()
	f.post("/neutron/networks", mediaNetwork, outsideBody).want(201)
	f.post("/neutron/subnets", mediaSubnet, outside4Body).want(201)
	f.post("/neutron/ports", mediaPort, gatewayBody).want(201)
	f.post("/neutron/routers", mediaRouter, routerBody).want(201)
	f.post("/neutron/ports", mediaPort, insideBody).want(201)
	f.put("/neutron/routers/"+router1+"/add_router_interface", mediaAttach, interfaceBody).want(204)
}

func TestRouters(t *testing.T) {
	f := newFixture(t)
	f.createRouter()
	want := map[string]any{"id": router1, "name": "r", "status": "ACTIVE", "tenant_id": "t1", "admin_state_up": true, "gw_port_id": gateway1,
		"external_gateway_info": map[string]any{"network_id": outside, "enable_snat": true}, "routes": []any{}}
	if diff := cmp.Diff(want, f.get("/neutron/routers/"+router1, mediaRouter).want(200).object()); diff != "" {
		t.Errorf("router (-want +got):\n%s", diff)
	}
	f.wantStored(topology.KindRouter, 1)
	f.wantStored(topology.KindPort, 5) // of the network: the workload's, and two with a peer on the router each
	routed := strings.Replace(routerBody, `"routes": []`, `"routes": [{"destination": "192.168.0.0/16", "nexthop": "10.0.0.9"}]`, 1)
	shown := f.put("/neutron/routers/"+router1, mediaRouter, strings.Replace(routed, `"name": "r"`, `"name": "s"`, 1)).want(200).object()
	if diff := cmp.Diff([]any{map[string]any{"destination": "192.168.0.0/16", "nexthop": "10.0.0.9"}}, shown["routes"]); diff != "" || shown["name"] != "s" {
		t.Errorf("updated router (-want +got):\n%s", diff)
	}
	if routes := f.countRoutes("192.168.0.0/16"); routes != 1 {
		t.Errorf("%d extra routes are rendered", routes)
	}
	f.put("/neutron/routers/"+router1, mediaRouter, strings.Replace(routed, "10.0.0.9", "10.9.0.9", 1)).
		wantError(400, "No valid port was found to add route: 192.168.0.0/16 via 10.9.0.9")
	f.put("/neutron/routers/"+router1, mediaRouter, strings.Replace(routerBody, gateway1, nowhere, 1)).
		wantError(404, "There is no NeutronPort with ID "+nowhere+".")
	if n := len(f.get("/neutron/routers", mediaRouters).want(200).objects()); n != 1 {
		t.Errorf("%d routers listed", n)
	}

	f.delete("/neutron/ports/" + inside1).want(204)
	f.put("/neutron/routers/"+router1+"/remove_router_interface", mediaAttach, interfaceBody).want(204)
	f.delete("/neutron/ports/" + gateway1).want(204)
	bare := strings.NewReplacer(`"`+gateway1+`"`, "null", `"external_gateway_info": {"network_id": "`+outside+`", "enable_snat": true,
		"external_fixed_ips": [{"subnet_id": "`+outside4+`", "ip_address": "203.0.113.7"}]}`, `"external_gateway_info": null`).Replace(routerBody)
	shown = f.put("/neutron/routers/"+router1, mediaRouter, bare).want(200).object()
	if shown["gw_port_id"] != nil || shown["external_gateway_info"] != nil {
		t.Errorf("without a gateway: %v", shown)
	}
	f.delete("/neutron/routers/" + router1).want(204)
	f.delete("/neutron/routers/" + router1).want(204)
	f.get("/neutron/routers/"+router1, mediaRouter).wantError(404, "There is no NeutronRouter with ID "+router1+".")
	f.wantStored(topology.KindRouter, 0)
	f.wantStored(topology.KindRoute, 0)
	f.wantStored(topology.KindPort, 1)
}

// countRoutes counts the stored routes to the prefix.
func (f *fixture) countRoutes(to string) (n int) {
	f.Helper()
	snapshot, err := f.store.View(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	for _, o := range snapshot.Objects {
		if r, ok := o.(*topology.Route); ok && r.Destination.String() == to {
			n++
		}
	}
	return n
}

// TestAPortBecomesAnInterface is how Neutron before Mitaka and clients of their own tell of interfaces and gateways.
func TestAPortBecomesAnInterface(t *testing.T) {
	f := newFixture(t)
	f.createAll()
	f.post("/neutron/networks", mediaNetwork, outsideBody).want(201)
	f.post("/neutron/subnets", mediaSubnet, outside4Body).want(201)
	unowned := strings.NewReplacer(`"device_id": "`+router1+`"`, `"device_id": ""`, "network:router_gateway", "", "network:router_interface", "")
	f.post("/neutron/ports", mediaPort, unowned.Replace(gatewayBody)).want(201)
	bare := strings.Replace(routerBody, `"gw_port_id": "`+gateway1+`"`, `"gw_port_id": null`, 1)
	f.post("/neutron/routers", mediaRouter, bare).want(201)
	outward := `"routes": [{"destination": "192.168.0.0/16", "nexthop": "203.0.113.9"}]`
	f.put("/neutron/routers/"+router1, mediaRouter, strings.Replace(bare, `"routes": []`, outward, 1)).want(400)
	f.put("/neutron/routers/"+router1, mediaRouter, strings.Replace(routerBody, `"routes": []`, outward, 1)).want(200)
	if got := f.get("/neutron/routers/"+router1, mediaRouter).object()["gw_port_id"]; got != gateway1 {
		t.Errorf("gw_port_id is %v", got)
	}
	unaddressed := strings.Replace(unowned.Replace(insideBody), `[{"subnet_id": "`+sub1+`", "ip_address": "10.0.0.1"}]`, "[]", 1)
	f.post("/neutron/ports", mediaPort, unaddressed).want(201)
	add, remove := "/neutron/routers/"+router1+"/add_router_interface", "/neutron/routers/"+router1+"/remove_router_interface"
	f.put(remove, mediaAttach, interfaceBody).wantError(409, "Port "+inside1+" is no interface of router "+router1)
	for range 2 {
		f.put(add, mediaAttach, interfaceBody).want(204)
	}
	var p struct {
		DeviceOwner string              `json:"device_owner"`
		DeviceID    string              `json:"device_id"`
		FixedIPs    []map[string]string `json:"fixed_ips"`
	}
	f.get("/neutron/ports/"+inside1, mediaPort).want(200).decode(&p)
	if p.DeviceOwner != "network:router_interface" || p.DeviceID != router1 || len(p.FixedIPs) != 1 || p.FixedIPs[0]["ip_address"] != "10.0.0.1" {
		t.Errorf("the port is %+v", p)
	}
	if n := f.countRoutes("10.0.0.0/24"); n != 1 {
		t.Errorf("%d routes to the subnet", n)
	}
	f.put(remove, mediaAttach, interfaceBody).want(204)
	if n := f.countRoutes("10.0.0.0/24"); n != 0 {
		t.Errorf("%d routes to the subnet after its removal", n)
	}
	f.wantStored(topology.KindRouter, 1)
}

func TestRouterInterfaceRefusals(t *testing.T) {
	f := newFixture(t)
	f.createRouter()
	add := "/neutron/routers/" + router1 + "/add_router_interface"
	f.put(add, mediaAttach, `{"subnet_id": "`+sub1+`"}`).wantError(400, "A NeutronRouterInterface has no port_id.")
	f.put(add, mediaAttach, strings.Replace(interfaceBody, inside1, nowhere, 1)).wantError(404, "There is no NeutronPort with ID "+nowhere+".")
	f.put("/neutron/routers/"+nowhere+"/add_router_interface", mediaAttach, interfaceBody).
		wantError(404, "There is no NeutronRouter with ID "+nowhere+".")
	f.put(add, mediaRouter, interfaceBody).want(415)
	f.get(add, mediaAttach).want(405)
	two := strings.Replace(insideBody, `"fixed_ips": [`, `"fixed_ips": [{"subnet_id": "`+sub1+`", "ip_address": "10.0.0.2"}, `, 1)
	f.put("/neutron/ports/"+inside1, mediaPort, two).want(200)
	f.put(add, mediaAttach, interfaceBody).wantError(400, "Cannot create router interface for router "+router1+" to multiple IPv4 subnets")
	f.put("/neutron/ports/"+inside1, mediaPort, strings.Replace(insideBody, "10.0.0.1", "10.1.0.1", 1)).want(200)
	f.put(add, mediaAttach, interfaceBody).
		wantError(400, "Port address 10.1.0.1 does not belong to subnet "+sub1+" with CIDR 10.0.0.0/24")
	closed := strings.Replace(subnetBody, `"gateway_ip": "10.0.0.1"`, `"gateway_ip": null`, 1)
	f.put("/neutron/subnets/"+sub1, mediaSubnet, closed).want(200)
	f.put("/neutron/ports/"+inside1, mediaPort, strings.Replace(insideBody, `[{"subnet_id": "`+sub1+`", "ip_address": "10.0.0.1"}]`, "[]", 1)).want(200)
	f.put(add, mediaAttach, interfaceBody).wantError(400, "Cannot create router interface because port "+inside1+
		" has no fixed IPs and subnet "+sub1+" has no gateway IP")
	f.put(add, mediaAttach, strings.ReplaceAll(interfaceBody, sub1, nowhere)).wantError(404, "There is no NeutronSubnet with ID "+nowhere+".")
	f.wantStored(topology.KindRouter, 1)
}

func TestFloatingIPs(t *testing.T) {
	f := newFixture(t)
	f.createRouter()
	r := f.post("/neutron/floating_ips", mediaFloatingIP, floatBody).want(201)
	want := map[string]any{"id": float1, "floating_ip_address": "203.0.113.50", "floating_network_id": outside, "router_id": router1,
		"port_id": port1, "fixed_ip_address": "10.0.0.5", "tenant_id": "t1"}
	if diff := cmp.Diff(want, r.object()); diff != "" || r.Header.Get("Location") != f.uri+"/neutron/floating_ips/"+float1 {
		t.Errorf("floating address at %s (-want +got):\n%s", r.Header.Get("Location"), diff)
	}
	f.wantStored(topology.KindFloatingIP, 1)

	f.delete("/neutron/ports/" + port1).want(204)
	free := map[string]any{"id": float1, "floating_ip_address": "203.0.113.50", "floating_network_id": outside, "router_id": nil,
		"port_id": nil, "fixed_ip_address": nil, "tenant_id": "t1"}
	if diff := cmp.Diff(free, f.get("/neutron/floating_ips/"+float1, mediaFloatingIP).want(200).object()); diff != "" {
		t.Errorf("after its port has gone (-want +got):\n%s", diff)
	}
	f.wantStored(topology.KindFloatingIP, 0)
	f.post("/neutron/ports", mediaPort, portBody).want(201)
	f.wantStored(topology.KindFloatingIP, 0) // a port that comes back is another

	f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, floatBody).want(200)
	f.wantStored(topology.KindFloatingIP, 1)
	unassociated, err := json.Marshal(free)
	if err != nil {
		t.Fatal(err)
	}
	f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, string(unassociated)).want(200)
	f.wantStored(topology.KindFloatingIP, 0)

	f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, strings.Replace(floatBody, router1, nowhere, 1)).
		wantError(404, "There is no NeutronRouter with ID "+nowhere+".")
	f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, strings.Replace(floatBody, `"`+router1+`"`, "null", 1)).
		wantError(400, "Router ID must be provided")
	fip64 := f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, strings.Replace(floatBody, "203.0.113.50", "2001:db8::5", 1)).want(200)
	if got := fip64.object()["floating_ip_address"]; got != "2001:db8::5" {
		t.Errorf("an IPv6 floating address is shown as %v", got)
	}
	f.wantStored(topology.KindFloatingIP, 1)
	f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, strings.Replace(floatBody, "10.0.0.5", "2001:db8::5", 1)).
		wantError(400, "Only IPv4 fixed-addresses are supported")
	f.delete("/neutron/ports/" + gateway1).want(204)
	f.put("/neutron/floating_ips/"+float1, mediaFloatingIP, floatBody).
		wantError(409, "Router "+router1+" has no port whose subnet contains 203.0.113.50")
	f.delete("/neutron/floating_ips/" + float1).want(204)
	f.delete("/neutron/floating_ips/" + float1).want(204)
	f.get("/neutron/floating_ips/"+float1, mediaFloatingIP).wantError(404, "There is no FloatingIp with ID "+float1+".")
}

// TestAFloatingAddressOfAnInterface is the extension router-interface-fip: the floating network is not the gateway's.
func TestAFloatingAddressOfAnInterface(t *testing.T) {
	f := newFixture(t)
	f.createRouter()
	f.post("/neutron/floating_ips", mediaFloatingIP, strings.NewReplacer("203.0.113.50", "10.0.0.60", outside, net1).Replace(floatBody)).want(201)
	snapshot, err := f.store.View(f.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored := snapshot.Objects[topology.Key{Kind: topology.KindFloatingIP, ID: id.MustParse[topology.FloatingIP](float1)}]
	if stored == nil {
		t.Fatal("it is not rendered")
	}
	want := id.Derive[topology.Port](id.MustParse[topology.Port](inside1), "router")
	if got := stored.(*topology.FloatingIP).Port; got != want {
		t.Errorf("it is at port %s, want the interface's %s", got, want)
	}
}
