package api

import (
	"testing"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/topology"
)

// TestRulesThatAreKept makes a rule of every type that nothing obeys, and one with a meter.
func TestRulesThatAreKept(t *testing.T) {
	f := newFixture(t)
	bridge := f.make("/bridges", `{"name": "b"}`)
	p := f.make(bridge.path+"/ports", `{"type": "Bridge"}`)
	request := f.make("/traces", `{"name": "t", "deviceType": "PORT", "deviceId": "`+p.id()+`", "condition": {}, "enabled": true}`)
	chain := f.make("/chains", `{"name": "c"}`)
	rules := chain.path + "/rules"

	trace := f.make(rules, `{"type": "trace", "requestId": "`+request.id()+`", "limit": 5, "nwProto": 6}`)
	wantParts(t, trace.body, map[string]any{"type": "trace", "requestId": request.id(), "limit": 5.0, "nwProto": 6.0, "meterName": nil})
	transform := f.make(rules, `{"type": "l2_transform", "flowAction": "redirect", "popVlan": true, "pushVlan": 65535, "targetPortId": "`+p.id()+`", "ingress": true,
		"failOpen": true, "meterName": "m"}`)
	wantParts(t, transform.body, map[string]any{"type": "l2_transform", "flowAction": "redirect", "popVlan": true, "pushVlan": 65535.0, "targetPortId": p.id(),
		"ingress": true, "failOpen": true, "meterName": "m"})
	plain := f.make(rules, `{"type": "l2_transform", "flowAction": "accept"}`)
	wantParts(t, plain.body, map[string]any{"flowAction": "accept", "popVlan": false, "pushVlan": 0.0, "targetPortId": nil, "ingress": false, "failOpen": false})
	metered := f.make(rules, `{"type": "accept", "meterName": "m"}`)
	wantParts(t, metered.body, map[string]any{"type": "accept", "meterName": "m"})
	about := f.make(rules, `{"type": "drop", "icmpDataSrcIpAddress": "10.0.0.9", "icmpDataSrcIpLength": 24, "icmpDataDstIpAddress": "fd00::9",
		"icmpDataDstIpLength": "64", "invIcmpDataDstIp": true}`)
	wantParts(t, about.body, map[string]any{"icmpDataSrcIpAddress": "10.0.0.0", "icmpDataSrcIpLength": 24.0, "invIcmpDataSrcIp": false,
		"icmpDataDstIpAddress": "fd00::", "icmpDataDstIpLength": 64.0, "invIcmpDataDstIp": true, "meterName": nil})

	f.post(rules, mediaRuleV2[0], `{"type": "trace", "requestId": "`+net1+`"}`).wantError(404, "There is no TraceRequest with ID "+net1+".")
	f.post(rules, mediaRuleV2[0], `{"type": "l2_transform", "flowAction": "accept", "targetPortId": "`+net1+`"}`).
		wantError(404, "There is no Port with ID "+net1+".")

	f.wantUnheeded(map[string]int{"rule of type trace": 1, "rule of type l2_transform": 2, "meterName": 1})
	f.delete(request.path).want(204)
	f.get(trace.path, mediaRuleV2[0]).want(404)
	wantParts(t, transform.again(), map[string]any{"targetPortId": p.id(), "position": 4.0})
	f.delete(bridge.path).want(204)
	f.delete(chain.path).want(204)
	f.wantNothingLeft()
}

// wantUnheeded fails unless the operator is told of exactly these.
func (f *fixture) wantUnheeded(want map[string]int) {
	f.Helper()
	got := operator.Unheeded(f.mirror.State())
	for _, of := range got {
		if want[of.What] != of.Number {
			f.Errorf("%d %s, want %d", of.Number, of.What, want[of.What])
		}
	}
	if len(got) != len(want) {
		f.Errorf("the operator is told of %v, want %v", got, want)
	}
}

// TestOperatorsAreToldWhatIsKept makes one of each of the rest that nothing obeys.
func TestOperatorsAreToldWhatIsKept(t *testing.T) {
	f := newFixture(t)
	f.wantUnheeded(map[string]int{})
	b, c := f.make("/bridges", `{"name": "b"}`), f.make("/bridges", `{"name": "c"}`)
	router := f.make("/routers", `{"name": "r", "asNumber": 65001}`)
	trunk := f.make(b.path+"/ports", `{"type": "Bridge", "vlanId": 5}`)
	inner := f.make(c.path+"/ports", `{"type": "Bridge"}`)
	f.post(trunk.path+"/link", mediaLink[0], `{"peerId": "`+inner.id()+`"}`).want(201)
	wired, way := f.make(b.path+"/ports", `{"type": "Bridge"}`), f.make(router.path+"/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24"]}`)
	f.post(wired.path+"/link", mediaLink[0], `{"peerId": "`+way.id()+`"}`).want(201)
	f.make(b.path+"/vlans/5/mac_table", `{"macAddr": "02:00:00:00:00:01", "portId": "`+trunk.id()+`"}`)
	f.make(b.path+"/mac_table", `{"macAddr": "02:00:00:00:00:01", "portId": "`+wired.id()+`"}`)
	f.make(router.path+"/routes", `{"type": "Fip64", "srcNetworkAddr": "::", "dstNetworkAddr": "fd00::", "dstNetworkLength": 64, "nextHopPort": "`+way.id()+`"}`)
	f.wantUnheeded(map[string]int{"asNumber": 1, "vlanId": 1, "link between bridges": 1, "mac_entry of a VLAN": 1, "route of type Fip64": 1})
	trunk.change(map[string]any{"vlanId": 0}).want(204)
	f.wantUnheeded(map[string]int{"asNumber": 1, "link between bridges": 1, "mac_entry of a VLAN": 1, "route of type Fip64": 1})
	f.delete(trunk.path).want(204)
	wantParts(t, inner.again(), map[string]any{"peerId": nil})
	if n := f.mirror.State().Count(topology.KindMACEntry); n != 2 {
		t.Errorf("%d entries are left of the MAC tables", n)
	}
	f.delete(router.path).want(204)
	f.wantUnheeded(map[string]int{})
}

// TestHostsMadeByHand makes a host known before its agent has been here.
func TestHostsMadeByHand(t *testing.T) {
	f := newFixture(t)
	host := f.make("/hosts", `{"id": "`+host1+`", "name": "compute1", "alive": true, "containerWeight": 7}`)
	wantParts(t, host.body, map[string]any{"id": host1, "name": "compute1", "alive": false, "addresses": []any{}, "hostInterfaces": []any{}, "containerWeight": 7.0,
		"floodingProxyWeight": 1.0, "containerLimit": -1.0})
	f.post("/hosts", mediaHost, `{"id": "`+host1+`", "name": "compute2"}`).wantError(409, "A(n) Host with ID "+host1+" already exists.")
	f.post("/hosts", mediaHost, `{"name": "compute1"}`).wantError(409, "Host "+host1+" has the name compute1 already.")
	f.post("/hosts", mediaHost, `{"name": "compute2", "floodingProxyWeight": 65536}`).wantError(400, validationMessage)
	f.post("/hosts", "application/vnd.org.midonet.Host-v2+json", `{"name": "compute2"}`).want(406)
	f.make("/hosts", `{}`)
	f.make("/hosts", `{}`)

	f.hostNamed("compute1") // its agent comes
	wantParts(t, host.again(), map[string]any{"name": "compute1", "alive": true, "containerWeight": 7.0, "addresses": []any{"192.0.2.1"}})
	f.delete(host.path).want(403)
	for _, h := range f.get("/hosts", mediaHosts).objects() {
		if h["id"] != host1 {
			f.delete("/hosts/" + h["id"].(string)).want(200)
		}
	}
}
