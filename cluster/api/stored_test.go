package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"midonet.org/midonet/topology"
)

func TestBGP(t *testing.T) {
	f := newFixture(t)
	router := f.make("/routers", `{"name": "r", "asNumber": 65001}`)
	wantParts(t, router.body, map[string]any{"asNumber": 65001.0, "bgpPeers": f.uri + router.path + "/bgp_peers"})
	network := f.make(router.path+"/bgp_networks", `{"subnetAddress": "198.51.100.7", "subnetLength": 24}`)
	wantParts(t, network.body, map[string]any{"subnetAddress": "198.51.100.0", "subnetLength": 24.0, "router": f.uri + router.path})
	peer := f.make(router.path+"/bgp_peers", `{"asNumber": 65000, "address": "192.0.2.9"}`)
	wantParts(t, peer.body, map[string]any{"asNumber": 65000.0, "address": "192.0.2.9", "keepAlive": nil, "holdTime": nil, "connectRetry": nil, "password": nil})
	f.post(router.path+"/bgp_peers", mediaJSON, `{"asNumber": 65000, "address": "192.0.2.9"}`).
		wantError(400, "A BGP peer with address 192.0.2.9 and AS number 65000 already exists.")
	f.make(router.path+"/bgp_peers", `{"asNumber": 65002, "address": "192.0.2.9"}`)
	for property, edges := range map[string][2]int{"keepAlive": {5, 3600}, "holdTime": {5, 7200}, "connectRetry": {5, 3600}, "asNumber": {1, 1<<32 - 1}} {
		for value, status := range map[int]int{edges[0] - 1: 400, edges[0]: 204, edges[1]: 204, edges[1] + 1: 400} {
			if r := peer.change(map[string]any{property: value}); r.StatusCode != status {
				t.Errorf("%s %d: %d, want %d", property, value, r.StatusCode, status)
			}
		}
	}
	f.post(router.path+"/bgp_peers", mediaJSON, `{"asNumber": 1}`).wantError(400, validationMessage)
	f.post(router.path+"/bgp_networks", mediaJSON, `{"subnetAddress": "x"}`).wantError(400, validationMessage)
	f.post("/routers/"+net1+"/bgp_peers", mediaJSON, `{"asNumber": 1, "address": "192.0.2.9"}`).wantError(404, "There is no Router with ID "+net1+".")
	f.post("/bgp_peers", mediaJSON, `{}`).want(404)
	f.delete(network.path).want(204)
	f.delete(network.path).wantError(404, "There is no BgpNetwork with ID "+network.id()+".")
	f.delete(router.path).want(204)
	f.get(peer.path, mediaJSON).want(404)
	f.wantNothingLeft()
}

// wantNothingLeft fails if operators have objects.
func (f *fixture) wantNothingLeft() {
	f.Helper()
	if left := f.stored(); len(left) > 0 {
		f.Errorf("left: %v", left)
	}
}

func TestLoadBalancing(t *testing.T) {
	f := newFixture(t)
	router, other := f.make("/routers", `{"name": "r"}`), f.make("/routers", `{"name": "o"}`)
	f.post("/load_balancers", mediaJSON, `{"routerId": "`+router.id()+`"}`).wantError(400, "A load balancer's router ID must be null at creation. To associate "+
		"a router with a load balancer, first create the load balancer with null router ID and then update the router's load balancer ID.")
	lb := f.make("/load_balancers", `{"adminStateUp": false}`)
	wantParts(t, lb.body, map[string]any{"adminStateUp": false, "routerId": nil, "router": nil})
	lb.change(map[string]any{"adminStateUp": true}).want(204)
	lb.change(map[string]any{"routerId": router.id()}).wantError(400, "Router cannot be modified")
	router.change(map[string]any{"loadBalancerId": lb.id()}).want(204)
	wantParts(t, lb.again(), map[string]any{"adminStateUp": true, "routerId": router.id(), "router": f.uri + router.path})
	wantParts(t, router.again(), map[string]any{"loadBalancerId": lb.id(), "loadBalancer": f.uri + lb.path})
	other.change(map[string]any{"loadBalancerId": lb.id()}).wantError(409, "Operation failed because the LoadBalancer with ID "+lb.id()+
		" already references the Router with ID "+router.id()+" via the field router_id. This field can accommodate only one reference.")
	other.change(map[string]any{"loadBalancerId": net1}).wantError(404, "There is no LoadBalancer with ID "+net1+".")
	f.delete(router.path).wantError(409, "Cannot delete the Router with ID "+router.id()+" because it is still referenced by the LoadBalancer with ID "+lb.id()+".")

	monitor := f.make("/health_monitors", `{"type": "TCP", "delay": 1, "timeout": 2, "maxRetries": 3}`)
	f.post("/health_monitors", mediaJSON, `{"delay": 1}`).wantError(400, validationMessage)
	f.post("/health_monitors", mediaJSON, `{"type": "HTTP"}`).wantError(400, validationMessage)
	pool := f.make("/pools", `{"lbMethod": "ROUND_ROBIN", "loadBalancerId": "`+lb.id()+`", "healthMonitorId": "`+monitor.id()+`"}`)
	wantParts(t, pool.body, map[string]any{"protocol": "TCP", "status": "ACTIVE", "healthMonitor": f.uri + monitor.path, "loadBalancer": f.uri + lb.path})
	f.post("/pools", mediaJSON, `{}`).wantError(400, validationMessage)
	f.post("/pools", mediaJSON, `{"lbMethod": "LEAST"}`).wantError(400, validationMessage)
	f.post("/pools", mediaJSON, `{"lbMethod": "ROUND_ROBIN", "loadBalancerId": "`+net1+`"}`).want(404)
	f.make("/pools", `{"lbMethod": "ROUND_ROBIN"}`)
	for path, n := range map[string]int{"/pools": 2, "/pools?hm_id=" + monitor.id(): 1, "/pools?hm_id=" + net1: 0, lb.path + "/pools": 1, monitor.path + "/pools": 1} {
		if got := f.get(path, mediaJSON).objects(); len(got) != n {
			t.Errorf("%s: %d, want %d", path, len(got), n)
		}
	}
	member := f.make("/pool_members", `{"poolId": "`+pool.id()+`", "address": "10.0.0.5", "protocolPort": 80}`)
	wantParts(t, member.body, map[string]any{"weight": 1.0, "adminStateUp": true, "status": "ACTIVE"})
	member.change(map[string]any{"weight": 0}).wantError(400, validationMessage)
	member.change(map[string]any{"weight": 9, "address": "10.0.0.6", "protocolPort": 81}).want(204)
	wantParts(t, member.again(), map[string]any{"weight": 9.0, "address": "10.0.0.5", "protocolPort": 80.0})
	for port, status := range map[int]int{-1: 400, 65536: 400} {
		f.post(pool.path+"/pool_members", mediaJSON, fmt.Sprintf(`{"address": "10.0.0.7", "protocolPort": %d}`, port)).want(status)
	}
	vip := f.make("/vips", `{"poolId": "`+pool.id()+`", "address": "fd00::6", "protocolPort": 65535}`)
	wantParts(t, vip.body, map[string]any{"loadBalancerId": lb.id(), "sessionPersistence": nil, "address": "fd00::6", "loadBalancer": f.uri + lb.path})
	vip.change(map[string]any{"sessionPersistence": "SOURCE_IP"}).want(204)
	vip.change(map[string]any{"sessionPersistence": "HTTP_COOKIE"}).wantError(400, validationMessage)
	vip.change(map[string]any{"poolId": net1}).wantError(400, "There is no Pool with ID "+net1+".")
	if got := f.get(lb.path+"/vips", mediaJSON).objects(); len(got) != 1 || got[0]["sessionPersistence"] != "SOURCE_IP" {
		t.Errorf("virtual addresses of the load balancer: %v", got)
	}

	f.delete(monitor.path).want(204)
	wantParts(t, pool.again(), map[string]any{"healthMonitorId": nil})
	for _, path := range []string{"/pools/", "/pool_members/", "/vips/", "/health_monitors/"} {
		f.delete(path + net1).want(204)
	}
	f.delete("/load_balancers/" + net1).want(404)
	f.delete(lb.path).want(204)
	wantParts(t, router.again(), map[string]any{"loadBalancerId": nil})
	for _, m := range []made{pool, member, vip} {
		f.get(m.path, mediaJSON).want(404)
	}
	f.delete(router.path).want(204)
}

func TestMirrorsAndInsertions(t *testing.T) {
	f := newCloud(t) // whose port Neutron has made
	bridge := f.make("/bridges", `{"name": "b"}`)
	port, service := f.make(bridge.path+"/ports", `{"type": "Bridge"}`), f.make(bridge.path+"/ports", `{"type": "Bridge"}`)
	m := f.make("/mirrors", `{"toPortId": "`+service.id()+`", "conditions": [{"nwProto": 6, "tpDst": {"start": 80, "end": 80}}]}`)
	condition := m.body["conditions"].([]any)[0].(map[string]any)
	wantParts(t, condition, map[string]any{"nwProto": 6.0, "fragmentPolicy": "header"})
	f.post("/mirrors", mediaJSON, `{}`).wantError(400, validationMessage)
	f.post("/mirrors", mediaJSON, `{"toPortId": "`+net1+`"}`).wantError(404, "There is no Port with ID "+net1+".")
	f.post("/mirrors", mediaJSON, `{"toPortId": "`+service.id()+`", "conditions": [{"dlType": 1}]}`).wantError(400, validationMessage)

	// On whatever Neutron has made too.
	neutron := made{f, "/ports/" + port1, nil}
	neutron.change(map[string]any{"inboundMirrorIds": []string{m.id()}, "preOutFilterMirrorIds": []string{m.id()}}).want(204)
	wantParts(t, neutron.again(), map[string]any{"inboundMirrorIds": []any{m.id()}, "preOutFilterMirrorIds": []any{m.id()}, "outboundMirrorIds": []any{}})
	bridge.change(map[string]any{"outboundMirrorIds": []string{m.id()}}).want(204)
	bridge.change(map[string]any{"outboundMirrorIds": []string{net1}}).wantError(404, "There is no Mirror with ID "+net1+".")

	insertion := f.make("/l2insertions", `{"portId": "`+port.id()+`", "srvPortId": "`+service.id()+`", "mac": "02:00:00:00:00:01", "failOpen": true}`)
	wantParts(t, port.again(), map[string]any{"insertionIds": []any{insertion.id()}})
	body := `{"portId": "%s", "srvPortId": "%s", "mac": "02:00:00:00:00:01"}`
	post := func(a, b string) *response { return f.post("/l2insertions", mediaJSON, fmt.Sprintf(body, a, b)) }
	post(port.id(), service.id()).wantError(400, "Insertion for same port/srvPort pair already exists")
	post(service.id(), port1).wantError(400, "Protected port "+service.id()+" can't have a service")
	post(port1, port.id()).wantError(400, "Service port "+port.id()+" can't have an insertion")
	insertion.change(map[string]any{"srvPortId": port1}).wantError(400, "Port/SrvPort can't be changed for an insertion")
	insertion.change(map[string]any{"position": 3, "vlan": 4094}).want(204)
	insertion.change(map[string]any{"vlan": 4095}).wantError(400, validationMessage)
	for query, n := range map[string]int{"?port=" + port.id(): 1, "?port=" + service.id(): 0, "?srv_port=" + service.id(): 1} {
		if got := f.get("/l2insertions"+query, mediaJSON).objects(); len(got) != n {
			t.Errorf("%s: %d, want %d", query, len(got), n)
		}
	}

	// The service's port takes the mirror and the insertion along, and the mirror what names it.
	f.delete(service.path).want(204)
	f.get(m.path, mediaJSON).want(404)
	f.get(insertion.path, mediaJSON).want(404)
	wantParts(t, neutron.again(), map[string]any{"inboundMirrorIds": []any{}, "preOutFilterMirrorIds": []any{}})
	f.delete(bridge.path).want(204)
	f.wantNothingLeft()
}

func TestQoS(t *testing.T) {
	f := newCloud(t)
	policy := f.make("/qos_policies", `{"name": "gold", "tenant_id": "t", "rules": [
		{"type": "bandwidth_limit", "max_kbps": 10, "max_burst_kbps": 5}, {"type": "dscp_marking", "dscp_mark": 26}]}`)
	wantParts(t, policy.body, map[string]any{"name": "gold", "tenant_id": "t", "shared": false, "rules": nil})
	bandwidth := f.get(policy.path+"/qos_bw_limit_rules", mediaJSON).objects()
	if len(bandwidth) != 1 || bandwidth[0]["maxKbps"] != 10.0 || bandwidth[0]["maxBurstKb"] != 5.0 || bandwidth[0]["policyId"] != policy.id() {
		t.Fatalf("bandwidth rules: %v", bandwidth)
	}
	policy.change(map[string]any{"name": "silver"}).want(204) // without rules they stay
	if got := f.get(policy.path+"/qos_dscp_rules", mediaJSON).objects(); len(got) != 1 || got[0]["dscpMark"] != 26.0 {
		t.Errorf("DSCP rules: %v", got)
	}
	kept := bandwidth[0]["id"]
	policy.change(map[string]any{"rules": []any{map[string]any{"id": kept, "type": "bandwidth_limit", "max_kbps": 20}}}).want(204)
	if got := f.get(fmt.Sprint("/qos_bw_limit_rules/", kept), mediaJSON).object(); got["maxKbps"] != 20.0 || got["maxBurstKb"] != nil {
		t.Errorf("the rule that stayed: %v", got)
	}
	if got := f.get(policy.path+"/qos_dscp_rules", mediaJSON).objects(); len(got) != 0 {
		t.Errorf("DSCP rules: %v", got)
	}
	f.post("/qos_policies", mediaJSON, `{"rules": [{"type": "x"}]}`).wantError(400, validationMessage)
	dscp := f.make(policy.path+"/qos_dscp_rules", `{"dscpMark": 63}`)
	dscp.change(map[string]any{"dscpMark": 64}).wantError(400, validationMessage)
	for _, path := range []string{"/ports/" + port1, "/bridges/" + net1} {
		made{f, path, nil}.change(map[string]any{"qosPolicyId": policy.id()}).want(204)
		wantParts(t, made{f, path, nil}.again(), map[string]any{"qosPolicyId": policy.id()})
	}
	f.delete(policy.path).want(204)
	wantParts(t, made{f, "/ports/" + port1, nil}.again(), map[string]any{"qosPolicyId": nil})
	f.get(dscp.path, mediaJSON).want(404)
	f.wantNothingLeft()
}

func TestServiceContainers(t *testing.T) {
	f := newCloud(t)
	group := f.make("/service_container_groups", `{}`)
	wantParts(t, group.body, map[string]any{"policy": "WEIGHTED", "hostGroupId": nil, "portGroupId": nil})
	f.post("/service_container_groups", mediaJSON, `{"hostGroupId": "`+net1+`"}`).wantError(404, "There is no HostGroup with ID "+net1+".")
	f.post("/service_container_groups", mediaJSON, `{"policy": "x"}`).wantError(400, validationMessage)
	router := f.make("/routers", `{"name": "r"}`)
	port := f.make(router.path+"/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24"]}`)
	loose := f.make("/service_containers", `{"serviceType": "IPSEC", "serviceGroupId": "`+group.id()+`"}`)
	wantParts(t, loose.body, map[string]any{"statusCode": nil, "hostId": nil})
	loose.change(nil).wantError(406, "Container "+loose.id()+" scheduling cannot be changed because it is not connected to a port.")
	c := f.make(group.path+"/service_containers", `{"serviceType": "IPSEC", "portId": "`+port.id()+`"}`)
	wantParts(t, c.body, map[string]any{"statusCode": "STOPPED", "hostId": nil, "serviceGroupId": group.id()})
	wantParts(t, port.again(), map[string]any{"serviceContainerId": c.id(), "serviceContainer": f.uri + c.path})
	c.change(nil).want(204)
	c.change(map[string]any{"hostId": host1}).wantError(400, "hostId follows from the binding of port "+port.id()+".")
	f.post("/hosts/"+host1+"/ports", mediaJSON, `{"portId": "`+port.id()+`", "interfaceName": "tap0"}`).want(201)
	wantParts(t, c.again(), map[string]any{"hostId": host1})
	f.delete(port.path).want(204)
	f.get(c.path, mediaJSON).want(404)
	f.delete(group.path).want(204)
	f.get(loose.path, mediaJSON).want(404)

	host := made{f, "/hosts/" + host1, nil}
	host.change(nil).want(200)
	host.change(map[string]any{"floodingProxyWeight": 65536}).wantError(400, validationMessage)
	host.change(map[string]any{"floodingProxyWeight": nil}).wantError(400, "Flooding proxy weight must not be null.")
	host.change(map[string]any{"floodingProxyWeight": 65535, "containerLimit": 0, "enforceContainerLimit": true}).want(200)
	wantParts(t, host.again(), map[string]any{"floodingProxyWeight": 65535.0, "containerWeight": 1.0, "containerLimit": 0.0, "enforceContainerLimit": true})
}

func TestTraceRequests(t *testing.T) {
	f := newCloud(t)
	trace := f.make("/traces", `{"name": "t", "deviceType": "BRIDGE", "deviceId": "`+net1+`", "condition": {"nwProto": 17}}`)
	wantParts(t, trace.body, map[string]any{"enabled": false, "limit": float64(1<<63 - 1), "deviceType": "BRIDGE", "deviceId": net1})
	if trace.body["creationTimestampMs"].(float64) == 0 {
		t.Error("it was never made")
	}
	trace.change(map[string]any{"enabled": true, "limit": 5}).want(204)
	wantParts(t, trace.again(), map[string]any{"enabled": true, "limit": 5.0, "creationTimestampMs": trace.body["creationTimestampMs"]})
	f.make("/traces", `{"name": "p", "deviceType": "PORT", "deviceId": "`+port1+`", "condition": {}}`)
	for query, n := range map[string]int{"": 2, "?tenant_id=t1": 2, "?tenant_id=t2": 0} {
		if got := f.get("/traces"+query, mediaJSON).objects(); len(got) != n {
			t.Errorf("%q: %d, want %d", query, len(got), n)
		}
	}
	for _, bad := range []string{`{"name": "t", "deviceType": "HOST", "deviceId": "` + net1 + `", "condition": {}}`, `{"name": "t"}`} {
		f.post("/traces", mediaJSON, bad).wantError(400, validationMessage)
	}
	f.post("/traces", mediaJSON, `{"name": "t", "deviceType": "ROUTER", "deviceId": "`+net1+`", "condition": {}}`).wantError(404, "There is no Router with ID "+net1+".")
	// What Neutron removes takes along what was asked of it.
	f.delete("/neutron/ports/" + port1).want(204)
	f.eventually("the request of the port is gone", func() bool { return len(f.get("/traces", mediaJSON).objects()) == 1 })
}

func TestSwitches(t *testing.T) {
	f := newCloud(t)
	hosts, zone := f.make("/tunnel_zones", `{"name": "h", "type": "vxlan"}`), f.make("/tunnel_zones", `{"name": "v", "type": "vtep"}`)
	body := `{"managementIp": "%s", "managementPort": 6632, "tunnelZoneId": "%s"}`
	post := func(addr, zone string) *response { return f.post("/vteps", mediaJSON, fmt.Sprintf(body, addr, zone)) }
	post("192.0.2.50", net1).wantError(400, "Tunnel zone ID is not valid.")
	post("192.0.2.50", hosts.id()).wantError(400, "Tunnel zone is not of type VTEP.")
	post("192.0.2.1", zone.id()).wantError(409, "VTEP conflicts with an existing host with IP address 192.0.2.1.")
	post("x", zone.id()).wantError(400, validationMessage)
	f.post("/vteps", mediaJSON, `{"managementIp": "192.0.2.50", "tunnelZoneId": "`+zone.id()+`"}`).wantError(400, validationMessage)
	v := f.make("/vteps", fmt.Sprintf(body, "192.0.2.50", zone.id()))
	wantParts(t, v.body, map[string]any{"connectionState": "disconnected", "tunnelIpAddrs": []any{}, "vtepBindingTemplate": f.uri + v.path + "/{portName}/{vlanId}"})
	post("192.0.2.50", zone.id()).wantError(409, "A VTEP with IP address 192.0.2.50 already exists.")
	f.get(v.path+"/ports", mediaVTEPPorts).wantError(503, "The VTEP at 192.0.2.50:6632 could not be accessed.")
	f.delete(zone.path).wantError(409, "Tunnel Zone is used by VTEP(s), please delete the following VTEPs before deleting this tunnel zone: List("+v.id()+")")

	bridge := f.make("/bridges", `{"name": "b"}`)
	bindings := v.path + "/bindings"
	f.make(bindings, `{"portName": "eth1", "vlanId": 4095, "networkId": "`+bridge.id()+`"}`)
	f.make(bindings, `{"portName": "eth2", "networkId": "`+net1+`"}`)
	f.post(bindings, mediaJSON, `{"portName": "eth1", "vlanId": 4095, "networkId": "`+net1+`"}`).
		wantError(409, "The VTEP at 192.0.2.50:6632 already has a binding for port eth1 on vlan 4095 to network "+bridge.id())
	f.post(bindings, mediaJSON, `{"portName": "eth1", "vlanId": 1, "networkId": "`+host1+`"}`).wantError(400, "There is no Network with ID "+host1+".")
	f.post(bindings, mediaJSON, `{"portName": "eth1", "vlanId": 4096, "networkId": "`+net1+`"}`).wantError(400, validationMessage)
	f.post("/vteps/"+net1+"/bindings", mediaJSON, `{"portName": "eth1", "vlanId": 1, "networkId": "`+net1+`"}`).wantError(400, "There is no Vtep with ID "+net1+".")
	f.get(bindings+"/eth3/1", mediaVTEPBinding).wantError(404, "The VTEP at 192.0.2.50 does not have a binding to a Midonet network for VLAN 1 at port eth3.")

	// A bridge with bindings has a port to the switch.
	id := bridge.again()["vxLanPortIds"].([]any)[0].(string)
	port := made{f, "/ports/" + id, nil}
	wantParts(t, port.again(), map[string]any{"type": "Vxlan", "deviceId": bridge.id(), "vtepId": v.id(), "id": id})
	for _, path := range []string{bridge.path + "/ports", bridge.path + "/vxlan_ports"} {
		if got := f.get(path, mediaPortsV4[0]).objects(); len(got) != 1 || got[0]["id"] != id {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := f.get(bridge.path+"/ports/"+id+"/vtep_bindings", mediaJSON).objects(); len(got) != 1 || got[0]["portName"] != "eth1" {
		t.Errorf("bindings of the port: %v", got)
	}
	f.get("/bridges/"+net1+"/ports/"+port1+"/vtep_bindings", mediaJSON).wantError(400, "Port "+port1+" is not a VXLAN port.")
	f.delete(port.path).wantError(409, "This port type doesn't allow  deletions as it binds network "+bridge.id()+" to VTEP "+v.id()+
		". Please remove the bindings instead.")
	bridge.change(map[string]any{"name": "renamed"}).want(204)
	bridge.change(map[string]any{"vxLanPortIds": []string{net1}}).want(400)
	f.delete(bridge.path).wantError(409, "The bridge still has VTEP bindings, please remove them before deleting the bridge")
	f.delete(v.path).wantError(400, "The VTEP with IP address 192.0.2.50 cannot be deleted because it still has bindings. To delete the VTEP, please delete "+
		"its bindings and then resubmit this request.")
	f.delete(bindings + "/eth1/4095").want(204)
	f.delete(bindings + "/eth1/4095").want(204)
	f.delete(bridge.path).want(204)

	// What Neutron removes is bound no longer.
	f.delete("/neutron/ports/" + port1).want(204)
	f.delete("/neutron/subnets/" + sub1).want(204)
	f.delete("/neutron/networks/" + net1).want(204)
	f.eventually("the binding is gone", func() bool { return len(f.get(bindings, mediaVTEPBindings).objects()) == 0 })
	f.delete(v.path).want(204)
	f.delete(zone.path).want(204)
	f.delete(hosts.path).want(204)

	router := f.make("/routers", `{"name": "r"}`)
	rp := f.make(router.path+"/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24"], "rtrPortVni": 16777215, "offRampVxlan": true}`)
	wantParts(t, rp.body, map[string]any{"rtrPortVni": 16777215.0, "offRampVxlan": true})
	rp.change(map[string]any{"rtrPortVni": 16777216}).wantError(400, validationMessage)
	table := strings.TrimPrefix(rp.body["peeringTable"].(string), f.uri)
	entry := f.make(table, `{"ip": "192.0.2.9", "mac": "02:00:00:00:00:07"}`)
	if !strings.HasSuffix(entry.path, "/192.0.2.9_02-00-00-00-00-07") {
		t.Errorf("the entry is at %s", entry.path)
	}
	f.post(table, mediaJSON, `{"ip": "192.0.2.9"}`).wantError(400, validationMessage)
	f.get("/routers/"+router.id()+"/ports/"+net1+"/peering_table", mediaMACIP).want(404)
	f.delete(entry.path).want(204)
	f.get(entry.path, mediaMACIP).want(404)
	f.make(table, `{"ip": "192.0.2.9", "mac": "02:00:00:00:00:07"}`)
	f.delete(router.path).want(204)
	f.wantNothingLeft()
}

func TestForwardChain(t *testing.T) {
	f := newFixture(t)
	chain := f.make("/chains", `{"name": "c"}`)
	router := f.make("/routers", `{"name": "r", "forwardChainId": "`+chain.id()+`", "localRedirectChainId": "`+chain.id()+`"}`)
	wantParts(t, router.body, map[string]any{"forwardChainId": chain.id(), "forwardChain": f.uri + chain.path, "localRedirectChainId": chain.id()})
	router.change(map[string]any{"forwardChainId": net1}).wantError(404, "There is no Chain with ID "+net1+".")
	f.delete(chain.path).want(204)
	wantParts(t, router.again(), map[string]any{"forwardChainId": nil, "localRedirectChainId": nil})
	if n := f.stored()[topology.KindOverlay]; n != 0 {
		t.Errorf("%d overlays", n)
	}
	for _, path := range []string{"/tenants", "/tenants/admin"} {
		method := map[string]string{"/tenants": http.MethodPost, "/tenants/admin": http.MethodDelete}[path]
		f.do(method, path, header{"Content-Type": mediaTenant}, "{}").wantError(405, "Tenants cannot be created, updated or deleted via the REST API.")
	}
}
