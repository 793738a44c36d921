package api

import (
	"fmt"
	"strings"
	"testing"
)

// TestLimits tries each limit of a body at its edge: the first is taken, the second refused.
func TestLimits(t *testing.T) {
	f := newFixture(t)
	bridge, router, chain := f.make("/bridges", `{"name": "b"}`), f.make("/routers", `{"name": "r"}`), f.make("/chains", `{"name": "c"}`)
	port := f.make(bridge.path+"/ports", `{"type": "Bridge"}`)
	subnet := f.make(bridge.path+"/dhcp", `{"subnetPrefix": "10.0.0.0", "subnetLength": 16}`)
	many := func(n int, format string) string {
		var items []string
		for i := range n {
			items = append(items, strings.ReplaceAll(format, "#", fmt.Sprint(i+1)))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	long := func(n int) string { return `"` + strings.Repeat("ä", n) + `"` }
	for _, c := range []struct{ path, body, taken, refused string }{
		{"/bridges", `{"name": %s}`, long(255), long(256)},
		{"/bridges", `{"tenantId": %s}`, long(255), long(256)},
		{"/routers", `{"name": %s}`, long(255), long(256)},
		{"/chains", `{"name": %s}`, long(255), long(256)},
		{"/port_groups", `{"name": %s}`, long(255), long(256)},
		{"/ip_addr_groups", `{"name": %s}`, long(255), long(256)},
		{"/ip_addr_groups", `{"name": %s}`, long(1), long(0)},
		{"/tunnel_zones", `{"type": "vxlan", "name": %s}`, long(255), long(256)},
		{router.path + "/ports", `{"type": "Router", "portSubnet": %s}`, many(16, `"10.0.#.1/24"`), many(17, `"10.0.#.1/24"`)},
		{router.path + "/ports", `{"type": "Router", "portSubnet": ["%s"]}`, "10.0.0.1/32", "10.0.0.1/33"},
		{router.path + "/ports", `{"type": "Router", "portSubnet": ["10.0.0.1/24", "%s"]}`, "10.0.0.2/24", "10.0.0.1/16"},
		{router.path + "/ports", `{"type": "Router", "portMac": "%s"}`, "02:00:00:00:00:01", "01:00:00:00:00:01"},
		{router.path + "/routes", `{"type": "Reject", "srcNetworkAddr": "0.0.0.0", "dstNetworkAddr": "10.0.0.0", "dstNetworkLength": %s}`, "32", "33"},
		{router.path + "/routes", `{"type": "Reject", "srcNetworkAddr": "0.0.0.0", "dstNetworkAddr": "10.0.0.0", "weight": %s}`, "2147483647", "2147483648"},
		{router.path + "/routes", `{"type": "Reject", "srcNetworkAddr": "%s", "dstNetworkAddr": "10.0.0.0"}`, "10.0.0.0", "fd00::"},
		{bridge.path + "/dhcp", `{"subnetPrefix": "10.1.0.0", "subnetLength": 16, "interfaceMTU": %s}`, "65535", "65536"},
		{bridge.path + "/dhcp", `{"subnetPrefix": "10.2.0.0", "subnetLength": 16, "dnsServerAddrs": %s}`, many(64, `"9.9.9.#"`), many(65, `"9.9.9.#"`)},
		{bridge.path + "/dhcp", `{"subnetPrefix": "10.3.0.0", "subnetLength": 16, "opt121Routes": %s}`,
			many(64, `{"destinationPrefix": "10.#.0.0", "destinationLength": 16, "gatewayAddr": "10.3.0.1"}`),
			many(65, `{"destinationPrefix": "10.#.0.0", "destinationLength": 16, "gatewayAddr": "10.3.0.1"}`)},
		{subnet.path + "/hosts", `{"macAddr": "02:00:00:00:00:01", "ipAddr": "10.0.0.1", "name": %s}`, long(255), long(256)},
		{subnet.path + "/hosts", `{"macAddr": "02:00:00:00:00:02", "ipAddr": "10.0.0.2", "name": "h", "extraDhcpOpts": %s}`,
			many(64, `{"optName": "#", "optValue": ""}`), many(65, `{"optName": "#", "optValue": ""}`)},
		{chain.path + "/rules", `{"type": "accept", "inPorts": %s}`, many(32, `"`+port.id()+`"`), many(33, `"`+port.id()+`"`)},
		{chain.path + "/rules", `{"type": "accept", "outPorts": %s}`, many(32, `"`+port.id()+`"`), many(33, `"`+port.id()+`"`)},
		{chain.path + "/rules", `{"type": "accept", "vlan": %s}`, "4094", "4095"},
		{chain.path + "/rules", `{"type": "accept", "dlType": %s}`, "1536", "1535"},
		{chain.path + "/rules", `{"type": "accept", "dlType": %s}`, "65535", "65536"},
		{chain.path + "/rules", `{"type": "accept", "nwTos": %s}`, "255", "256"},
		{chain.path + "/rules", `{"type": "accept", "nwProto": %s}`, "0", "-1"},
		{chain.path + "/rules", `{"type": "accept", "nwProto": %s}`, "255", "256"},
		{chain.path + "/rules", `{"type": "accept", "tpSrc": {"start": 0, "end": %s}}`, "65535", "65536"},
		{chain.path + "/rules", `{"type": "dnat", "flowAction": "accept", "natTargets": %s}`,
			many(32, `{"addressFrom": "10.0.0.#", "addressTo": "10.0.0.#"}`), many(33, `{"addressFrom": "10.0.0.#", "addressTo": "10.0.0.#"}`)},
		{chain.path + "/rules", `{"type": "snat", "flowAction": "accept", "natTargets": [{"addressFrom": "10.0.0.1", "addressTo": "10.0.0.1", "portFrom": 1024, "portTo": %s}]}`,
			"1087", "1086"},
		{chain.path + "/rules", `{"type": "dnat", "flowAction": "accept", "natTargets": [{"addressFrom": "10.0.0.5", "addressTo": "%s"}]}`, "10.0.0.5", "10.0.0.4"},
	} {
		f.post(c.path, mediaJSON, fmt.Sprintf(c.body, c.refused)).wantError(400, validationMessage)
		f.post(c.path, mediaJSON, fmt.Sprintf(c.body, c.taken)).want(201)
	}
}

// TestViolationsNameTheProperty has the body of the original's validation errors.
func TestViolationsNameTheProperty(t *testing.T) {
	f := newFixture(t)
	var body validationBody
	f.post("/ip_addr_groups", mediaJSON, `{"name": ""}`).want(400).decode(&body)
	if body.Code != 400 || len(body.Violations) != 1 || body.Violations[0] != (violation{"name", "size must be between 1 and 255"}) {
		t.Errorf("the body: %+v", body)
	}
}
