package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// made is a resource that a test has made.
type made struct {
	*fixture
	path string
	body map[string]any
}

// make creates a resource and reads it where the answer says that it is, as midonetclient/resource_base.py does.
func (f *fixture) make(path, body string) made {
	f.Helper()
	r := f.post(path, mediaJSON, body).want(http.StatusCreated)
	at := strings.TrimPrefix(r.Header.Get("Location"), f.uri)
	return made{f, at, f.get(at, mediaJSON).want(http.StatusOK).object()}
}

func (m made) id() string { return m.body["id"].(string) }

// again reads the resource.
func (m made) again() map[string]any {
	m.Helper()
	return m.get(m.path, mediaJSON).want(http.StatusOK).object()
}

// change writes the resource back as it is, but for some properties.
func (m made) change(properties map[string]any) *response {
	m.Helper()
	body := m.again()
	for k, v := range properties {
		body[k] = v
	}
	text, err := json.Marshal(body)
	if err != nil {
		m.Fatal(err)
	}
	return m.put(m.path, mediaJSON, string(text))
}

// wantParts fails unless the object has the properties.
func wantParts(t *testing.T, object, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if diff := cmp.Diff(v, object[k]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", k, diff)
		}
	}
}

// stored counts what is stored of operators' objects, by kind.
func (f *fixture) stored() map[topology.Kind]int {
	f.Helper()
	snapshot, err := f.store.View(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	n := map[topology.Kind]int{}
	for k, o := range snapshot.Objects {
		switch o.(type) {
		case *topology.Overlay, *topology.TunnelZone, *topology.TunnelZoneHost, *topology.Binding:
			n[k.Kind]++
		default:
			if topology.ByOperator(o) {
				n[k.Kind]++
			}
		}
	}
	return n
}

func TestBridgeAndRouterByHand(t *testing.T) {
	f := newFixture(t)
	bridge := f.make("/bridges", `{"name": "b", "tenantId": "t"}`)
	wantParts(t, bridge.body, map[string]any{"name": "b", "tenantId": "t", "adminStateUp": true, "inboundFilterId": nil})
	router := f.make("/routers", `{"id": "aaaaaaaa-0000-4000-8000-00000000000a", "name": "r", "tenantId": "t", "adminStateUp": false}`)
	wantParts(t, router.body, map[string]any{"id": "aaaaaaaa-0000-4000-8000-00000000000a", "name": "r", "adminStateUp": false, "asNumber": 0.0})
	f.post("/routers", mediaJSON, `{"id": "aaaaaaaa-0000-4000-8000-00000000000a"}`).
		wantError(409, "A(n) Router with ID aaaaaaaa-0000-4000-8000-00000000000a already exists.")
	router.change(map[string]any{"name": "renamed", "adminStateUp": true}).want(204)
	wantParts(t, router.again(), map[string]any{"name": "renamed", "adminStateUp": true})

	bp := f.make(bridge.path+"/ports", `{"type": "Bridge"}`)
	wantParts(t, bp.body, map[string]any{"type": "Bridge", "deviceId": bridge.id(), "peerId": nil, "adminStateUp": true})
	if key := bp.body["tunnelKey"].(float64); key < 1<<19 {
		t.Errorf("tunnel key %v", key)
	}
	rp := f.make(router.path+"/ports", `{"type": "Router", "networkAddress": "10.0.0.0", "networkLength": 24, "portAddress": "10.0.0.1"}`)
	wantParts(t, rp.body, map[string]any{"type": "Router", "deviceId": router.id(), "portAddress": "10.0.0.1", "networkAddress": "10.0.0.0",
		"networkLength": 24.0, "portSubnet": []any{"10.0.0.1/24"}})
	if hw := rp.body["portMac"].(string); !strings.HasPrefix(hw, "ac:ca:ba:") {
		t.Errorf("MAC address %s", hw)
	}
	f.post(bridge.path+"/ports", mediaJSON, `{"type": "Router"}`).wantError(400, "Not a bridge port.")
	f.post(router.path+"/ports", mediaJSON, `{"type": "Bridge"}`).wantError(400, "Not a router port.")
	for vlan, status := range map[int]int{-1: 400, 0: 201, 4094: 201, 4095: 400} {
		f.post(bridge.path+"/ports", mediaJSON, fmt.Sprintf(`{"type": "Bridge", "vlanId": %d}`, vlan)).want(status)
	}
	wantParts(t, f.make(bridge.path+"/ports", `{"type": "Bridge", "vlanId": 7, "vifId": "`+net1+`"}`).body, map[string]any{"vlanId": 7.0, "vifId": net1})
	f.post(bridge.path+"/ports", mediaJSON, `{"type": "Bridge", "vifId": "vif"}`).want(400)

	// The router's own address is a route from the beginning.
	routes := f.get(router.path+"/routes", mediaRoutes[0]).want(200).objects()
	if len(routes) != 1 {
		t.Fatalf("routes: %v", routes)
	}
	wantParts(t, routes[0], map[string]any{"type": "Local", "dstNetworkAddr": "10.0.0.1", "dstNetworkLength": 32.0, "srcNetworkAddr": "0.0.0.0",
		"srcNetworkLength": 0.0, "weight": 0.0, "nextHopPort": rp.id(), "routerId": router.id(), "learned": false})

	// A wire.
	f.post(bp.path+"/link", mediaLink[0], `{"peerId": "`+rp.id()+`"}`).want(201)
	wantParts(t, bp.again(), map[string]any{"peerId": rp.id(), "tunnelKey": 0.0, "peer": f.uri + rp.path})
	wantParts(t, rp.again(), map[string]any{"peerId": bp.id(), "tunnelKey": 0.0})
	f.post(bp.path+"/link", mediaLink[0], `{"peerId": "`+rp.id()+`"}`).wantError(409, "Ports are not linkable.")
	peers := f.get(bridge.path+"/peer_ports", mediaPortsV4[1]).want(200).objects()
	if len(peers) != 1 || peers[0]["id"] != rp.id() {
		t.Errorf("peer ports: %v", peers)
	}
	arp := f.get(bridge.path+"/arp_table", mediaIP4MACs).want(200).objects()
	if len(arp) != 1 || arp[0]["ip"] != "10.0.0.1" || arp[0]["mac"] != rp.body["portMac"] {
		t.Errorf("ARP table: %v", arp)
	}
	f.delete(strings.TrimPrefix(arp[0]["uri"].(string), f.uri)).want(409)
	rp.change(map[string]any{"portSubnet": []string{"10.0.0.254/24", "fd00::1/64"}}).want(204)
	wantParts(t, rp.again(), map[string]any{"portAddress": "10.0.0.254", "peerId": bp.id()})
	if arp := f.get(bridge.path+"/arp_table", mediaIP4MACs).objects(); len(arp) != 1 || arp[0]["ip"] != "10.0.0.254" {
		t.Errorf("ARP table: %v", arp)
	}
	f.delete(bp.path + "/link").want(204)
	f.delete(bp.path + "/link").want(204)
	wantParts(t, rp.again(), map[string]any{"peerId": nil})
	if routes := f.get(router.path+"/routes", mediaRoutes[0]).objects(); len(routes) != 2 {
		t.Errorf("after the link is cut: %v", routes)
	}
	if arp := f.get(bridge.path+"/arp_table", mediaIP4MACs).objects(); len(arp) != 0 {
		t.Errorf("ARP table: %v", arp)
	}

	// Two bridges are joined, and nothing is derived from that.
	other := f.make("/bridges", `{"name": "other"}`)
	op := f.make(other.path+"/ports", `{"type": "Bridge"}`)
	f.post(bp.path+"/link", mediaLink[0], `{"peerId": "`+op.id()+`"}`).want(201)
	wantParts(t, op.again(), map[string]any{"peerId": bp.id(), "tunnelKey": 0.0})
	if arp := f.get(bridge.path+"/arp_table", mediaIP4MACs).objects(); len(arp) != 0 {
		t.Errorf("ARP table: %v", arp)
	}
	f.delete(op.path + "/link").want(204)
	wantParts(t, bp.again(), map[string]any{"peerId": nil})
	f.post(bp.path+"/link", mediaLink[0], `{}`).want(400)

	// A device goes with what is its own, and its wires are cut.
	f.post(bp.path+"/link", mediaLink[0], `{"peerId": "`+rp.id()+`"}`).want(201)
	f.delete(router.path).want(204)
	f.get(rp.path, mediaJSON).want(404)
	wantParts(t, bp.again(), map[string]any{"peerId": nil})
	f.delete(router.path).wantError(404, "There is no Router with ID "+router.id()+".")
	f.delete(bridge.path).want(204)
	f.delete(other.path).want(204)
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRoutesByHand(t *testing.T) {
	f := newFixture(t)
	router := f.make("/routers", `{"name": "r"}`)
	rp := f.make(router.path+"/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24"], "portMac": "02:00:00:00:00:01"}`)
	body := `{"type": "%s", "srcNetworkAddr": "0.0.0.0", "srcNetworkLength": 0, "dstNetworkAddr": "10.9.0.0", "dstNetworkLength": "16", "weight": 100%s}`
	normal := f.make(router.path+"/routes", fmt.Sprintf(body, "Normal", `, "nextHopPort": "`+rp.id()+`", "nextHopGateway": "10.0.0.9"`))
	wantParts(t, normal.body, map[string]any{"type": "Normal", "dstNetworkAddr": "10.9.0.0", "dstNetworkLength": 16.0, "nextHopGateway": "10.0.0.9",
		"nextHopPort": rp.id(), "weight": 100.0, "attributes": nil, "router": f.uri + router.path})
	f.make(router.path+"/routes", fmt.Sprintf(body, "BlackHole", ""))
	f.make(router.path+"/routes", fmt.Sprintf(body, "Reject", ""))
	other := f.make("/routers", `{"name": "other"}`)
	const noPort = "This type of route requires a next hop port that is a port on the same router."
	f.post(router.path+"/routes", mediaRoute[0], fmt.Sprintf(body, "Normal", "")).wantError(400, noPort)
	f.post(other.path+"/routes", mediaRoute[0], fmt.Sprintf(body, "Normal", `, "nextHopPort": "`+rp.id()+`"`)).wantError(400, noPort)
	wantParts(t, f.make(router.path+"/routes", fmt.Sprintf(body, "Fip64", `, "attributes": "x"`)).body, map[string]any{"type": "Fip64", "attributes": "x"})
	for _, bad := range []string{fmt.Sprintf(body, "Fip46", ""), fmt.Sprintf(body, "Reject", `, "nextHopGateway": "x"`),
		strings.Replace(fmt.Sprintf(body, "Reject", ""), `"16"`, "33", 1), strings.Replace(fmt.Sprintf(body, "Reject", ""), "100", "-1", 1), `{"type": "Reject"}`} {
		f.post(router.path+"/routes", mediaRoute[0], bad).wantError(400, validationMessage)
	}
	for n, status := range map[int]int{maxAttributes: 201, maxAttributes + 1: 400} {
		f.post(router.path+"/routes", mediaRoute[0], fmt.Sprintf(body, "Reject", `, "attributes": "`+strings.Repeat("é", n)+`"`)).want(status)
	}
	f.delete(normal.path).want(204)
	f.get(normal.path, mediaRoute[0]).want(404)
	f.delete(rp.path).want(204)
	if routes := f.get(router.path+"/routes", mediaRoutes[0]).objects(); len(routes) != 4 {
		t.Errorf("after the port: %v", routes)
	}
}

func TestChainsAndRules(t *testing.T) {
	f := newFixture(t)
	chain := f.make("/chains", `{"name": "c", "tenantId": "t"}`)
	jumped := f.make("/chains", `{"name": "jumped", "tenantId": "t"}`)
	rules := chain.path + "/rules"
	first := f.make(rules, `{"type": "accept", "nwProto": 6, "tpDst": {"start": 80, "end": 90}, "dlType": 2048, "nwSrcAddress": "10.0.0.0", "nwSrcLength": 8,
		"invNwSrc": true, "dlSrc": "02:00:00:00:00:01", "dlSrcMask": "ffff.0000.0000", "nwTos": 16, "noVlan": true}`)
	wantParts(t, first.body, map[string]any{"type": "accept", "position": 1.0, "chainId": chain.id(), "nwProto": 6.0, "fragmentPolicy": "header",
		"tpDst": map[string]any{"start": 80.0, "end": 90.0}, "tpSrc": nil, "dlType": 2048.0, "nwSrcAddress": "10.0.0.0", "nwSrcLength": 8.0, "invNwSrc": true,
		"dlSrc": "02:00:00:00:00:01", "dlSrcMask": "ffff.0000.0000", "nwTos": 16.0, "noVlan": true, "vlan": nil, "condInvert": false, "nwDstAddress": nil})
	jump := f.make(rules, `{"type": "jump", "jumpChainId": "`+jumped.id()+`", "position": 1}`)
	wantParts(t, jump.body, map[string]any{"type": "jump", "jumpChainId": jumped.id(), "jumpChainName": "jumped", "position": 1.0})
	wantParts(t, first.again(), map[string]any{"position": 2.0})
	snat := f.make(rules, `{"type": "snat", "flowAction": "accept", "position": 3, "natTargets": [
		{"addressFrom": "10.0.0.5", "addressTo": "10.0.0.9", "portFrom": 1024, "portTo": 2047}]}`)
	wantParts(t, snat.body, map[string]any{"flowAction": "accept", "fragmentPolicy": "unfragmented", "natTargets": []any{
		map[string]any{"addressFrom": "10.0.0.5", "addressTo": "10.0.0.9", "portFrom": 1024.0, "portTo": 2047.0}}})
	f.make(rules, `{"type": "dnat", "flowAction": "return", "natTargets": [{"addressFrom": "10.0.0.5", "addressTo": "10.0.0.5", "portFrom": 0, "portTo": 0}]}`)
	for _, kind := range []string{"drop", "reject", "return"} {
		f.make(rules, `{"type": "`+kind+`"}`)
	}
	for _, kind := range []string{"rev_snat", "rev_dnat"} {
		f.make(rules, `{"type": "`+kind+`", "flowAction": "continue"}`)
	}
	listed := f.get(rules, mediaRulesV2[0]).want(200).objects()
	if len(listed) != 9 || listed[0]["type"] != "rev_dnat" || listed[8]["position"] != 9.0 {
		t.Errorf("rules: %v", listed)
	}

	for body, message := range map[string]string{
		`{"type": "accept", "position": 11}`:                                                "Position exceeds number of rules in chain",
		`{"type": "other"}`:                                                                 `Rules of type "other" are not supported.`,
		`{"type": "trace"}`:                                                                 validationMessage,
		`{"type": "l2_transform", "flowAction": "return"}`:                                  validationMessage,
		`{"type": "l2_transform", "flowAction": "accept", "pushVlan": 65536}`:               validationMessage,
		`{"type": "jump"}`:                                                                  validationMessage,
		`{"type": "snat", "natTargets": []}`:                                                validationMessage,
		`{"type": "rev_snat", "flowAction": "drop"}`:                                        validationMessage,
		`{"type": "accept", "meterName": "` + strings.Repeat("m", 256) + `"}`:               validationMessage,
		`{"type": "accept", "icmpDataSrcIpAddress": "10.0.0.1", "icmpDataSrcIpLength": 33}`: validationMessage,
		`{"type": "accept", "matchForwardFlow": true, "matchReturnFlow": true}`:             validationMessage,
		`{"type": "accept", "dlSrcMask": "ffff"}`:                                           validationMessage,
		`{"type": "accept", "dlType": 5}`:                                                   validationMessage,
		`{"type": "accept", "tpDst": {"start": 9, "end": 8}}`:                               validationMessage,
		`{"type": "accept", "tpDst": {"start": 9, "end": 9}, "fragmentPolicy": "any"}`:      "For a rule with tpDst or tpSrc constraints, the fragmentPolicy must be 'header' or 'unfragmented'.",
		`{"type": "accept", "fragmentPolicy": "some"}`:                                      "The valid options for fragmentPolicy are: 'any', 'header', 'nonheader', and 'unfragmented'.",
		`{"type": "accept", "nwDstAddress": "10.0.0.0", "nwDstLength": 33}`:                 validationMessage,
		`{"type": "snat", "flowAction": "accept", "natTargets": [{"addressFrom": "10.0.0.5", "addressTo": "10.0.0.5", "portFrom": 1025, "portTo": 1080}]}`: validationMessage,
	} {
		f.post(rules, mediaRuleV2[0], body).wantError(400, message)
	}
	const missing = "bbbbbbbb-0000-4000-8000-00000000000b"
	for property, class := range map[string]string{"jumpChainId": "Chain", "ipAddrGroupSrc": "IPAddrGroup", "portGroup": "PortGroup", "traversedDevice": "Router"} {
		kind := map[bool]string{true: "jump", false: "accept"}[property == "jumpChainId"]
		f.post(rules, mediaRuleV2[0], `{"type": "`+kind+`", "`+property+`": "`+missing+`"}`).wantError(404, "There is no "+class+" with ID "+missing+".")
	}
	f.post(rules, mediaRuleV2[0], `{"type": "accept", "inPorts": ["`+missing+`"]}`).wantError(404, "There is no Port with ID "+missing+".")
	f.post(rules, mediaRuleV2[0], `{"type": "accept", "id": "`+first.id()+`"}`).want(409)

	f.delete(first.path).want(204)
	f.get(first.path, mediaRuleV2[0]).want(404)
	f.delete(jumped.path).want(204)
	f.get(jump.path, mediaRuleV2[0]).want(404)
	f.delete(chain.path).want(204)
	f.get(snat.path, mediaRuleV2[0]).want(404)
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestChainIsFullAtItsLimit(t *testing.T) {
	f := newFixture(t)
	chain := &topology.Chain{Made: topology.Operators, ID: id.New[topology.Chain](), Rules: make([]topology.Rule, operator.MaxRules-1)}
	for i := range chain.Rules {
		chain.Rules[i] = topology.Rule{ID: id.New[topology.Rule](), Action: topology.ActionAccept}
	}
	f.report(chain)
	rules := "/chains/" + chain.ID.String() + "/rules"
	f.eventually("the chain is there", func() bool { return f.get(rules, mediaJSON).StatusCode == 200 })
	f.make(rules, `{"type": "drop"}`)
	f.post(rules, mediaJSON, `{"type": "drop"}`).want(409)
}

func TestGroups(t *testing.T) {
	f := newFixture(t)
	bridge := f.make("/bridges", `{"name": "b"}`)
	p, q := f.make(bridge.path+"/ports", `{"type": "Bridge"}`), f.make(bridge.path+"/ports", `{"type": "Bridge"}`)
	group := f.make("/port_groups", `{"name": "g", "tenantId": "t", "stateful": true}`)
	wantParts(t, group.body, map[string]any{"name": "g", "tenantId": "t", "stateful": true})
	member := f.make(group.path+"/ports", `{"portId": "`+p.id()+`"}`)
	wantParts(t, member.body, map[string]any{"portId": p.id(), "portGroupId": group.id(), "port": f.uri + p.path})
	f.post(group.path+"/ports", mediaGroupPort[0], `{"portId": "`+p.id()+`"}`).want(409)
	f.make(group.path+"/ports", `{"portId": "`+q.id()+`"}`)
	if members := f.get(group.path+"/ports", mediaGroupPorts[0]).objects(); len(members) != 2 {
		t.Errorf("members: %v", members)
	}
	if groups := f.get(p.path+"/port_groups", mediaGroupPorts[0]).objects(); len(groups) != 1 || groups[0]["portGroupId"] != group.id() {
		t.Errorf("groups of the port: %v", groups)
	}
	for query, n := range map[string]int{"?port_id=" + p.id(): 1, "?port_id=" + group.id(): 0, "?tenant_id=x": 0} {
		if groups := f.get("/port_groups"+query, mediaPortGroups[0]).objects(); len(groups) != n {
			t.Errorf("%s: %v", query, groups)
		}
	}
	f.delete(q.path).want(204)
	if members := f.get(group.path+"/ports", mediaGroupPorts[0]).objects(); len(members) != 1 {
		t.Errorf("members: %v", members)
	}
	group.change(map[string]any{"stateful": false}).want(204)
	wantParts(t, group.again(), map[string]any{"stateful": false})
	f.delete(group.path + "/ports/" + p.id()).want(204)
	f.delete(group.path + "/ports/" + p.id()).want(404)
	f.make(group.path+"/ports", `{"portId": "`+p.id()+`"}`)
	f.delete(group.path).want(204)
	if groups := f.get(p.path+"/port_groups", mediaGroupPorts[0]).objects(); len(groups) != 0 {
		t.Errorf("groups of the port: %v", groups)
	}

	addrs := f.make("/ip_addr_groups", `{"name": "a"}`)
	f.post("/ip_addr_groups", mediaAddrGroup[0], `{"name": ""}`).wantError(400, validationMessage)
	v4 := f.make(addrs.path+"/ip_addrs", `{"addr": "10.0.0.1", "version": 4}`)
	wantParts(t, v4.body, map[string]any{"addr": "10.0.0.1", "version": 4.0, "ipAddrGroupId": addrs.id()})
	v6 := f.make(addrs.path+"/ip_addrs", `{"addr": "fd00::1", "version": 6}`)
	wantParts(t, v6.body, map[string]any{"addr": "fd00::1", "version": 6.0})
	f.post(addrs.path+"/ip_addrs", mediaGroupAddr[0], `{"addr": "10.0.0.1"}`).wantError(409, "IP address group already contains IP 10.0.0.1.")
	f.post(addrs.path+"/ip_addrs", mediaGroupAddr[0], `{"addr": "nonsense"}`).want(400)
	f.get(addrs.path+"/versions/5/ip_addrs/10.0.0.1", mediaGroupAddr[0]).wantError(400, "Invalid IP version: 5")
	f.delete(v4.path).want(204)
	f.get(v4.path, mediaGroupAddr[0]).want(404)
	f.delete(addrs.path).want(204)
	f.delete(bridge.path).want(204)
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestDHCPByHand(t *testing.T) {
	f := newFixture(t)
	bridge := f.make("/bridges", `{"name": "b"}`)
	subnet := f.make(bridge.path+"/dhcp", `{"subnetPrefix": "10.0.0.0", "subnetLength": "24", "defaultGateway": "10.0.0.1", "dnsServerAddrs": ["9.9.9.9"],
		"interfaceMTU": 1400, "opt121Routes": [{"destinationPrefix": "10.9.0.0", "destinationLength": "16", "gatewayAddr": "10.0.0.9"}]}`)
	wantParts(t, subnet.body, map[string]any{"subnetPrefix": "10.0.0.0", "subnetLength": 24.0, "defaultGateway": "10.0.0.1", "serverAddr": "10.0.0.1",
		"dnsServerAddrs": []any{"9.9.9.9"}, "interfaceMTU": 1400.0, "enabled": true,
		"opt121Routes": []any{map[string]any{"destinationPrefix": "10.9.0.0", "destinationLength": 16.0, "gatewayAddr": "10.0.0.9"}}})
	if subnet.path != bridge.path+"/dhcp/10.0.0.0_24" {
		t.Errorf("Location: %s", subnet.path)
	}
	f.post(bridge.path+"/dhcp", mediaDHCPSubnet, `{"subnetPrefix": "10.0.0.0", "subnetLength": 24}`).
		wantError(409, "The specified DHCP subnet(10.0.0.0/24) already exists on this bridge.")
	f.post(bridge.path+"/dhcp", mediaDHCPSubnet, `{"subnetPrefix": "10.0.0.1", "subnetLength": 24}`).wantError(400, validationMessage)
	subnet.change(map[string]any{"serverAddr": "10.0.0.2", "enabled": false}).want(204)
	wantParts(t, subnet.again(), map[string]any{"serverAddr": "10.0.0.2", "enabled": false, "defaultGateway": "10.0.0.1"})
	host := f.make(subnet.path+"/hosts", `{"macAddr": "02:00:00:00:00:01", "ipAddr": "10.0.0.5", "name": "h", "extraDhcpOpts": [{"optName": "67", "optValue": "boot"}]}`)
	wantParts(t, host.body, map[string]any{"macAddr": "02:00:00:00:00:01", "ipAddr": "10.0.0.5", "name": "h",
		"extraDhcpOpts": []any{map[string]any{"optName": "67", "optValue": "boot"}}})
	f.post(subnet.path+"/hosts", mediaDHCPHost, `{"macAddr": "02:00:00:00:00:01", "ipAddr": "10.0.0.6", "name": "h"}`).want(409)
	f.post(subnet.path+"/hosts", mediaDHCPHost, `{"macAddr": "02:00:00:00:00:02", "ipAddr": "10.0.0.5", "name": "h"}`).want(409)
	f.post(subnet.path+"/hosts", mediaDHCPHost, `{"macAddr": "02:00:00:00:00:02", "ipAddr": "10.0.1.5", "name": "h"}`).wantError(400, validationMessage)
	host.change(map[string]any{"ipAddr": "10.0.0.7"}).want(204)
	wantParts(t, host.again(), map[string]any{"ipAddr": "10.0.0.7"})
	f.put(subnet.path+"/hosts/02:00:00:00:00:09", mediaDHCPHost, `{"macAddr": "02:00:00:00:00:09", "ipAddr": "10.0.0.9", "name": "h"}`).want(404)
	f.delete(host.path).want(204)
	f.delete(host.path).want(404)
	f.make(subnet.path+"/hosts", `{"macAddr": "02:00:00:00:00:01", "ipAddr": "10.0.0.5", "name": "h"}`)
	f.delete(subnet.path).want(204)

	v6 := f.make(bridge.path+"/dhcpV6", `{"prefix": "fd00::", "prefixLength": 64}`)
	wantParts(t, v6.body, map[string]any{"prefix": "fd00::", "prefixLength": 64.0})
	six := f.make(v6.path+"/hostsV6", `{"clientId": "00:01:00:01:11:22:33:44:02:00:00:00:00:01", "fixedAddress": "fd00::5", "name": "h"}`)
	wantParts(t, six.body, map[string]any{"clientId": "00:03:00:01:02:00:00:00:00:01", "fixedAddress": "fd00::5"})
	f.post(v6.path+"/hostsV6", mediaDHCP6Host, `{"clientId": "00:02", "fixedAddress": "fd00::6", "name": "h"}`).wantError(400, validationMessage)
	six.change(map[string]any{"fixedAddress": "fd00::6"}).want(204)
	wantParts(t, six.again(), map[string]any{"fixedAddress": "fd00::6"})
	f.delete(six.path).want(204)
	f.get(six.path, mediaDHCP6Host).want(404)
	f.delete(bridge.path).want(204)
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestTablesByHand(t *testing.T) {
	f := newFixture(t)
	bridge, other := f.make("/bridges", `{"name": "b"}`), f.make("/bridges", `{"name": "c"}`)
	p, q := f.make(bridge.path+"/ports", `{"type": "Bridge"}`), f.make(other.path+"/ports", `{"type": "Bridge"}`)
	table := bridge.path + "/mac_table"
	entry := f.make(table, `{"macAddr": "02:00:00:00:00:01", "portId": "`+p.id()+`", "vlanId": 0}`)
	wantParts(t, entry.body, map[string]any{"macAddr": "02:00:00:00:00:01", "portId": p.id(), "vlanId": 0.0})
	f.post(table, mediaMACPort, `{"macAddr": "02:00:00:00:00:01", "portId": "`+q.id()+`"}`).
		wantError(400, "The port must belong to the bridge that owns the MAC table.")
	f.get(bridge.path+"/vlans/5/mac_table", mediaMACPorts).wantError(404, "The specified bridge has no ports assigned to VLAN 5.")
	f.get(bridge.path+"/vlans/x/mac_table", mediaMACPorts).want(404)
	tagged := f.make(bridge.path+"/ports", `{"type": "Bridge", "vlanId": 5}`)
	if got := f.get(bridge.path+"/vlans/5/mac_table", mediaMACPorts).want(200).objects(); len(got) != 0 {
		t.Errorf("of VLAN 5: %v", got)
	}
	f.post(table, mediaMACPort, `{"macAddr": "02:00:00:00:00:02", "portId": "`+tagged.id()+`"}`).
		wantError(400, "The specified port handles traffic only for VLAN 5.")
	of5 := f.make(bridge.path+"/vlans/5/mac_table", `{"macAddr": "02:00:00:00:00:01", "portId": "`+tagged.id()+`"}`)
	wantParts(t, of5.body, map[string]any{"vlanId": 5.0, "portId": tagged.id(), "uri": f.uri + of5.path})
	if of6 := f.make(table, `{"macAddr": "02:00:00:00:00:01", "portId": "`+p.id()+`", "vlanId": 6}`); of6.path != bridge.path+"/vlans/6/mac_table/02-00-00-00-00-01_"+p.id() {
		t.Errorf("the entry of VLAN 6 is at %s", of6.path)
	}
	f.post(bridge.path+"/vlans/4095/mac_table", mediaMACPort, `{"macAddr": "02:00:00:00:00:01", "portId": "`+p.id()+`"}`).wantError(400, validationMessage)
	for path, n := range map[string]int{table: 3, bridge.path + "/vlans/0/mac_table": 1, bridge.path + "/vlans/5/mac_table": 1} {
		if got := f.get(path, mediaMACPorts).objects(); len(got) != n {
			t.Errorf("%s: %v", path, got)
		}
	}
	f.delete(of5.path).want(204)
	f.delete(of5.path).want(404)
	f.post(table, mediaMACPort, `{"portId": "`+p.id()+`"}`).wantError(400, validationMessage)
	f.delete(entry.path).want(204)
	f.delete(entry.path).want(404)
	arp := f.make(bridge.path+"/arp_table", `{"ip": "10.0.0.1", "mac": "02:00:00:00:00:01"}`)
	wantParts(t, arp.body, map[string]any{"ip": "10.0.0.1", "mac": "02:00:00:00:00:01"})
	f.post(bridge.path+"/arp_table", mediaIP4MAC, `{"ip": "10.0.0.1", "mac": "02:00:00:00:00:02"}`).want(409)
	f.post(bridge.path+"/arp_table", mediaIP4MAC, `{"ip": "10.0.0.1", "mac": "02:00:00:00:00:01"}`).want(201)
	f.delete(arp.path).want(204)
	f.delete(arp.path).wantError(404, "The specified bridge does not have the specified ARP table entry.")
}

func TestTunnelZones(t *testing.T) {
	f := newCloud(t)
	zone := f.make("/tunnel_zones", `{"name": "tz", "type": "vxlan"}`)
	wantParts(t, zone.body, map[string]any{"name": "tz", "type": "vxlan"})
	f.post("/tunnel_zones", mediaZone[0], `{"name": "tz", "type": "vxlan"}`).wantError(409, "Tunnel zone name already exists.")
	gre := f.make("/tunnel_zones", `{"name": "g", "type": "gre"}`)
	wantParts(t, gre.body, map[string]any{"type": "gre"})
	f.wantUnheeded(map[string]int{"tunnel_zone of type gre": 1})
	gre.change(map[string]any{"type": "vxlan"}).wantError(400, "The type of a tunnel zone cannot be changed.")
	f.delete(gre.path).want(204)
	f.post("/tunnel_zones", mediaZone[0], `{"name": "h", "type": "capwap"}`).wantError(400, validationMessage)
	f.post("/tunnel_zones", mediaZone[0], `{"name": "h"}`).wantError(400, validationMessage)
	zone.change(map[string]any{"name": "renamed"}).want(204)
	wantParts(t, zone.again(), map[string]any{"name": "renamed"})
	f.post(zone.path+"/hosts", mediaZoneHost[0], `{"hostId": "`+host1+`", "ipAddress": "192.0.2.9"}`).
		wantError(409, "Host "+host1+" has no interface with the address 192.0.2.9.")
	f.post(zone.path+"/hosts", mediaZoneHost[0], `{"hostId": "`+net1+`", "ipAddress": "192.0.2.1"}`).want(404)
	member := f.make(zone.path+"/hosts", `{"hostId": "`+host1+`", "ipAddress": "192.0.2.1"}`)
	wantParts(t, member.body, map[string]any{"hostId": host1, "ipAddress": "192.0.2.1", "tunnelZoneId": zone.id()})
	f.post(zone.path+"/hosts", mediaZoneHost[1], `{"hostId": "`+host1+`", "ipAddress": "192.0.2.1"}`).wantError(409, "Tunnel zone membership already exists.")
	f.delete(member.path).want(204)
	f.delete(member.path).want(404)
	f.make(zone.path+"/hosts", `{"hostId": "`+host1+`", "ipAddress": "192.0.2.1"}`)
	f.delete(zone.path).want(204)
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestBesideNeutron is about what an operator does with what is made from Neutron's objects.
func TestBesideNeutron(t *testing.T) {
	f := newCloud(t)
	chain := f.make("/chains", `{"name": "c"}`)
	bridge := made{f, "/bridges/" + net1, nil}
	port := made{f, "/ports/" + port1, nil}
	inbound, outbound := port.again()["inboundFilterId"], port.again()["outboundFilterId"]
	const ofNeutron = " is made from an object of Neutron, and can be changed only there."
	bridge.change(map[string]any{"name": "mine"}).wantError(409, "Network "+net1+ofNeutron)
	port.change(map[string]any{"adminStateUp": false}).wantError(409, "Port "+port1+ofNeutron)
	f.delete(bridge.path).wantError(409, "Network "+net1+ofNeutron)
	f.delete(port.path).wantError(409, "Port "+port1+ofNeutron)
	f.delete(bridge.path + "/dhcp/10.0.0.0_24").want(409)
	f.delete(bridge.path + "/mac_table/fa-16-3e-00-00-01_" + port1).want(409)

	bridge.change(map[string]any{"inboundFilterId": chain.id()}).want(204)
	port.change(map[string]any{"outboundFilterId": chain.id()}).want(204)
	wantParts(t, bridge.again(), map[string]any{"name": "blue", "inboundFilterId": chain.id(), "inboundFilter": f.uri + chain.path})
	wantParts(t, port.again(), map[string]any{"inboundFilterId": inbound, "outboundFilterId": chain.id()})
	port.change(map[string]any{"outboundFilterId": net1}).wantError(404, "There is no Chain with ID "+net1+".")
	own := f.make(bridge.path+"/ports", `{"type": "Bridge"}`)
	f.make(bridge.path+"/mac_table", `{"macAddr": "02:00:00:00:00:01", "portId": "`+port1+`"}`)
	f.make(bridge.path+"/arp_table", `{"ip": "10.0.0.77", "mac": "02:00:00:00:00:01"}`)
	f.make(bridge.path+"/dhcp", `{"subnetPrefix": "10.7.0.0", "subnetLength": 24}`)
	group := f.make("/port_groups", `{"name": "g"}`)
	f.make(group.path+"/ports", `{"portId": "`+port1+`"}`)
	f.post(own.path+"/link", mediaLink[0], `{"peerId": "`+port1+`"}`).wantError(409, "Port "+port1+ofNeutron)

	report, err := f.importer.Check(t.Context())
	if err != nil || len(report.Differences) > 0 {
		t.Errorf("differences: %v, %v", report.Differences, err)
	}
	f.delete(chain.path).want(204)
	wantParts(t, bridge.again(), map[string]any{"inboundFilterId": nil})
	wantParts(t, port.again(), map[string]any{"outboundFilterId": outbound})

	// What was put on Neutron's objects goes with them.
	f.delete("/neutron/ports/" + port1).want(204)
	f.eventually("nothing is in the group", func() bool { return len(f.get(group.path+"/ports", mediaGroupPorts[0]).objects()) == 0 })
	f.delete("/neutron/networks/" + net1).want(204)
	f.delete(group.path).want(204)
	f.eventually("nothing is left", func() bool { return len(f.stored()) == 0 })
}

// TestLargeDeletion is of more objects than one step takes.
func TestLargeDeletion(t *testing.T) {
	f := newFixture(t)
	router := f.make("/routers", `{"name": "r"}`)
	rp := f.make(router.path+"/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24"]}`)
	for i := range 3 {
		var routes []topology.Object
		for j := range 90 {
			routes = append(routes, &topology.Route{Made: topology.Operators, ID: id.Derive[topology.Route](id.ID[int]{}, fmt.Sprint(i, j)),
				Router: id.MustParse[topology.Router](router.id()), Port: id.MustParse[topology.Port](rp.id()), Kind: topology.RouteForward})
		}
		f.report(routes...)
	}
	f.eventually("the mirror has them", func() bool { return f.mirror.State().Count(topology.KindRoute) == 271 })
	f.delete(router.path).want(204)
	if left := f.stored(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
