package api

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

const host1 = "eeeeeeee-0000-4000-8000-000000000001"

// newCloud is a fixture with one network, subnet and port, and one live host, which the API shows already.
func newCloud(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.createAll()
	h := id.MustParse[topology.Host](host1)
	f.report(
		&topology.Host{ID: h, Name: "compute1", Endpoints: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
		&topology.HostState{Host: h, Version: "v1", Interfaces: []topology.Interface{
			{Name: "eth0", MAC: mac.MustParse("02:00:00:00:00:01"), MTU: 1500, Up: true, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
			{Name: "lo", MTU: 65536},
		}},
	)
	f.eventually("the host is listed, alive", func() bool {
		return strings.Contains(string(f.get("/hosts", mediaHosts).body), `"alive":true`)
	})
	return f
}

func TestHosts(t *testing.T) {
	f := newCloud(t)
	uri := f.uri + "/hosts/" + host1
	eth0 := map[string]any{"hostId": host1, "name": "eth0", "mac": "02:00:00:00:00:01", "mtu": 1500.0, "type": "Unknown",
		"endpoint": "UNKNOWN", "portType": nil, "addresses": []any{"192.0.2.1"}, "status": 3.0, "uri": uri + "/interfaces/eth0"}
	lo := map[string]any{"hostId": host1, "name": "lo", "mac": nil, "mtu": 65536.0, "type": "Unknown",
		"endpoint": "UNKNOWN", "portType": nil, "addresses": []any{}, "status": 0.0, "uri": uri + "/interfaces/lo"}
	want := map[string]any{"id": host1, "name": "compute1", "addresses": []any{"192.0.2.1"}, "hostInterfaces": []any{eth0, lo}, "alive": true,
		"floodingProxyWeight": 1.0, "containerWeight": 1.0, "containerLimit": -1.0, "enforceContainerLimit": false,
		"uri": uri, "interfaces": uri + "/interfaces", "ports": uri + "/ports"}
	if diff := cmp.Diff(want, f.get("/hosts/"+host1, mediaHost).want(200).object()); diff != "" {
		t.Errorf("host (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(eth0, f.get("/hosts/"+host1+"/interfaces/eth0", mediaInterface).want(200).object()); diff != "" {
		t.Errorf("interface (-want +got):\n%s", diff)
	}
	f.get("/hosts/"+host1+"/interfaces/eth9", mediaInterface).wantError(404, "Interface not found")
	f.get("/hosts/"+net1, mediaHost).wantError(404, "There is no Host with ID "+net1+".")
	f.delete("/hosts/"+host1).wantError(403, "Cannot delete host "+host1+" because it is active.")
}

func TestBindings(t *testing.T) {
	f := newCloud(t)
	ports := "/hosts/" + host1 + "/ports"
	body := `{"portId": "` + port1 + `", "interfaceName": "tap0"}`
	r := f.post(ports, mediaInterfacePort, body).want(201)
	if r.Header.Get("Location") != f.uri+ports+"/"+port1 {
		t.Errorf("Location: %s", r.Header.Get("Location"))
	}
	want := map[string]any{"portId": port1, "hostId": host1, "interfaceName": "tap0", "uri": f.uri + ports + "/" + port1,
		"host": f.uri + "/hosts/" + host1, "port": f.uri + "/ports/" + port1}
	if diff := cmp.Diff(want, f.get(ports+"/"+port1, mediaInterfacePort).want(200).object()); diff != "" {
		t.Errorf("binding (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]map[string]any{want}, f.get(ports, mediaInterfacePorts).want(200).objects()); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
	shown := f.get("/ports/"+port1, mediaPortV4[0]).want(200).object()
	if shown["hostId"] != host1 || shown["interfaceName"] != "tap0" || shown["hostInterfacePort"] != want["uri"] {
		t.Errorf("the bound port: %v", shown)
	}

	const port2 = "cccccccc-0000-4000-8000-000000000002"
	f.post("/neutron/ports", mediaPort, strings.Replace(portBody, port1, port2, 1)).want(201)
	f.post(ports, mediaInterfacePort, body).wantError(409, "Port "+port1+" is already bound to an interface")
	f.post(ports, mediaInterfacePort, strings.Replace(body, port1, port2, 1)).want(409)
	f.post(ports, mediaInterfacePort, strings.Replace(body, port1, net1, 1)).want(404)
	f.post(ports, mediaInterfacePort, strings.Replace(body, "tap0", "a/b", 1)).want(400)
	f.post(ports, mediaInterfacePort, `{}`).want(400)
	f.post("/hosts/"+net1+"/ports", mediaInterfacePort, body).want(404)

	f.delete(ports + "/" + port2).want(404)
	f.delete(ports + "/" + port1).want(204)
	f.get(ports+"/"+port1, mediaInterfacePort).want(404)
	f.post(ports, mediaInterfacePort, strings.Replace(body, port1, port2, 1)).want(201)
}

func TestBridgesAndPorts(t *testing.T) {
	f := newCloud(t)
	uri := f.uri + "/bridges/" + net1
	want := map[string]any{"id": net1, "tenantId": "t1", "name": "blue", "adminStateUp": true, "inboundFilterId": nil,
		"outboundFilterId": nil, "vxLanPortIds": []any{}, "inboundMirrorIds": []any{}, "outboundMirrorIds": []any{}, "qosPolicyId": nil,
		"uri": uri, "inboundFilter": nil, "outboundFilter": nil, "ports": uri + "/ports", "peerPorts": uri + "/peer_ports", "vxLanPorts": uri + "/vxlan_ports",
		"macTable": uri + "/mac_table", "arpTable": uri + "/arp_table", "dhcpSubnets": uri + "/dhcp", "dhcpSubnet6s": uri + "/dhcpV6",
		"vlanMacTableTemplate": uri + "/vlans/{vlanId}/mac_table", "macPortTemplate": uri + "/mac_table/{macAddress}_{portId}",
		"vlanMacPortTemplate": uri + "/vlans/{vlanId}/mac_table/{macAddress}_{portId}"}
	for _, mediaType := range mediaBridge {
		r := f.get("/bridges/"+net1, mediaType).want(200)
		if diff := cmp.Diff(want, r.object()); diff != "" || r.Header.Get("Content-Type") != mediaType {
			t.Errorf("bridge as %s (-want +got):\n%s", r.Header.Get("Content-Type"), diff)
		}
	}
	for query, n := range map[string]int{"": 1, "?tenant_id=t1": 1, "?tenant_id=t2": 0, "?tenant_id=": 0} {
		if bridges := f.get("/bridges"+query, mediaBridges[0]).want(200).objects(); len(bridges) != n {
			t.Errorf("%q: %d bridges, want %d", query, len(bridges), n)
		}
	}
	port := f.get("/ports/"+port1, mediaPortV4[1]).want(200).object()
	if port["type"] != "Bridge" || port["deviceId"] != net1 || port["device"] != uri || port["tunnelKey"] == 0.0 || port["active"] != false {
		t.Errorf("port: %v", port)
	}
	f.report(&topology.PortState{Port: id.MustParse[topology.Port](port1), Host: id.MustParse[topology.Host](host1), Active: true})
	f.eventually("the port is active", func() bool { return f.get("/ports/"+port1, mediaJSON).object()["active"] == true })
	for _, path := range []string{"/ports", "/bridges/" + net1 + "/ports"} {
		if ports := f.get(path, mediaPortsV4[0]).want(200).objects(); len(ports) != 1 || ports[0]["id"] != port1 {
			t.Errorf("%s: %v", path, ports)
		}
	}
	f.get("/bridges/"+port1+"/ports", mediaPortsV4[0]).wantError(404, "There is no Network with ID "+port1+".")
	f.get("/ports/"+net1, mediaPortV4[0]).wantError(404, "There is no Port with ID "+net1+".")
}

func TestTables(t *testing.T) {
	f := newCloud(t)
	bridge, p := id.MustParse[topology.Bridge](net1), id.MustParse[topology.Port](port1)
	f.report(topology.NewLearnedMAC(bridge, mac.MustParse("02:00:00:00:00:99"), p, id.MustParse[topology.Host](host1)))
	table := "/bridges/" + net1 + "/mac_table"
	var entries []map[string]any
	f.eventually("the learned MAC is listed", func() bool {
		entries = f.get(table, mediaMACPorts).want(200).objects()
		return len(entries) == 2
	})
	entry := map[string]any{"macAddr": "fa:16:3e:00:00:01", "portId": port1, "vlanId": 0.0, "uri": f.uri + table + "/fa-16-3e-00-00-01_" + port1}
	if diff := cmp.Diff(entry, entries[1]); diff != "" || entries[0]["macAddr"] != "02:00:00:00:00:99" {
		t.Errorf("MAC table %v (-want +got of Neutron's):\n%s", entries, diff)
	}
	if diff := cmp.Diff(entry, f.get(table+"/fa-16-3e-00-00-01_"+port1, mediaMACPort).want(200).object()); diff != "" {
		t.Errorf("MAC entry (-want +got):\n%s", diff)
	}
	f.get(table+"/fa-16-3e-00-00-02_"+port1, mediaMACPort).want(404)
	f.get(table+"/nonsense", mediaMACPort).want(400)

	arp := "/bridges/" + net1 + "/arp_table"
	entry = map[string]any{"ip": "10.0.0.5", "mac": "fa:16:3e:00:00:01", "uri": f.uri + arp + "/10.0.0.5_fa-16-3e-00-00-01"}
	if diff := cmp.Diff([]map[string]any{entry}, f.get(arp, mediaIP4MACs).want(200).objects()); diff != "" {
		t.Errorf("ARP table (-want +got):\n%s", diff)
	}
	f.get(arp+"/10.0.0.5_fa-16-3e-00-00-01", mediaIP4MAC).want(200)
	f.get(arp+"/10.0.0.6_fa-16-3e-00-00-01", mediaIP4MAC).want(404)
}

func TestDHCP(t *testing.T) {
	f := newCloud(t)
	subnets := "/bridges/" + net1 + "/dhcp"
	uri := f.uri + subnets + "/10.0.0.0_24"
	want := map[string]any{"subnetPrefix": "10.0.0.0", "subnetLength": 24.0, "defaultGateway": "10.0.0.1", "serverAddr": "10.0.0.1",
		"dnsServerAddrs": []any{"9.9.9.9"}, "interfaceMTU": 1450.0, "opt121Routes": []any{map[string]any{
			"destinationPrefix": "192.168.0.0", "destinationLength": 16.0, "gatewayAddr": "10.0.0.9"}},
		"enabled": true, "uri": uri, "hosts": uri + "/hosts"}
	if diff := cmp.Diff([]map[string]any{want}, f.get(subnets, mediaDHCPSubnets).want(200).objects()); diff != "" {
		t.Errorf("subnets (-want +got):\n%s", diff)
	}
	f.get(subnets+"/10.0.0.0_24", mediaDHCPSubnet).want(200)
	f.get(subnets+"/10.0.1.0_24", mediaDHCPSubnet).wantError(404, "Network "+net1+" does not have a subnet with address 10.0.1.0/24.")
	host := map[string]any{"macAddr": "fa:16:3e:00:00:01", "ipAddr": "10.0.0.5", "name": "host-10-0-0-5",
		"extraDhcpOpts": []any{map[string]any{"optName": "tftp-server", "optValue": "10.0.0.9"}}, "uri": uri + "/hosts/fa:16:3e:00:00:01"}
	if diff := cmp.Diff([]map[string]any{host}, f.get(subnets+"/10.0.0.0_24/hosts", mediaDHCPHosts).want(200).objects()); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	f.get(subnets+"/10.0.0.0_24/hosts/fa:16:3e:00:00:01", mediaDHCPHost).want(200)
	f.get(subnets+"/10.0.0.0_24/hosts/fa:16:3e:00:00:02", mediaDHCPHost).want(404)
}
