package api

import (
	"fmt"
	"strings"
	"testing"
)

// TestChainsOfPorts: what a port's security asks is shown in the original's chains, which are nobody's to change.
func TestChainsOfPorts(t *testing.T) {
	f := newCloud(t)
	f.post("/neutron/security_groups", mediaGroup, groupBody(group1, rule1)).want(201)
	f.put("/neutron/ports/"+port1, mediaPort, strings.Replace(portBody, `"security_groups": []`, `"security_groups": ["`+group1+`"],
		"port_security_enabled": true, "allowed_address_pairs": [{"ip_address": "fd00::/64", "mac_address": "fa:16:3e:00:00:02"}]`, 1)).want(200)
	port := made{f, "/ports/" + port1, nil}
	named := map[string]string{} // names by identifier
	for _, c := range f.get("/chains?tenant_id=t1", mediaChains[0]).want(200).objects() {
		named[c["id"].(string)] = c["name"].(string)
	}
	rules := func(chain string) (text string) {
		for _, r := range f.get("/chains/"+chain+"/rules", mediaRulesV2[0]).want(200).objects() {
			text += "\n" + r["type"].(string)
			for _, p := range []string{"jumpChainName", "matchReturnFlow", "dlType", "invDlType", "dlSrc", "nwSrcAddress", "nwSrcLength", "tpSrc", "tpDst"} {
				if v := r[p]; v != nil && v != false && v != 0.0 {
					text += fmt.Sprint(" ", p, " ", v)
				}
			}
			wantParts(t, f.get("/rules/"+r["id"].(string), mediaRuleV2[0]).want(200).object(), r)
			f.delete("/rules/" + r["id"].(string)).want(409)
		}
		return strings.ReplaceAll(strings.TrimSpace(text), port1, "ID")
	}
	want := map[string]string{
		"INBOUND": "jump jumpChainName OS_PORT_ID_ANTI_SPOOF\naccept matchReturnFlow true\njump jumpChainName OS_SG_" + group1 + "_EGRESS\n" +
			"drop dlType 2054 invDlType true",
		"OUTBOUND": "accept matchReturnFlow true\njump jumpChainName OS_SG_" + group1 + "_INGRESS\ndrop dlType 2054 invDlType true",
		"ANTI_SPOOF": "return tpSrc map[end:68 start:68] tpDst map[end:67 start:67]\nreturn dlType 2054 nwSrcAddress 10.0.0.5 nwSrcLength 32\n" +
			"return dlSrc fa:16:3e:00:00:01 nwSrcAddress 10.0.0.5 nwSrcLength 32\nreturn dlSrc fa:16:3e:00:00:02 nwSrcAddress fd00:: nwSrcLength 64\n" +
			"return dlSrc fa:16:3e:00:00:02 nwSrcAddress fe80::f816:3eff:fe00:2 nwSrcLength 128\ndrop",
	}
	for id, name := range named {
		what, ofPort := strings.CutPrefix(name, "OS_PORT_"+port1+"_")
		if !ofPort {
			continue
		}
		if got := rules(id); got != want[what] {
			t.Errorf("%s: %s\nwant %s", name, got, want[what])
		}
		delete(want, what)
		f.get("/chains/"+id, mediaChain[0]).want(200)
		f.delete("/chains/"+id).wantError(409, "Chain "+id+" is made from an object of Neutron, and can be changed only there.")
		f.post("/chains/"+id+"/rules", mediaRuleV2[0], `{"type": "drop"}`).want(409)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	shown := port.again()
	if in, out := named[shown["inboundFilterId"].(string)], named[shown["outboundFilterId"].(string)]; in != "OS_PORT_"+port1+"_INBOUND" || out != "OS_PORT_"+port1+"_OUTBOUND" {
		t.Errorf("the port's filters are %q and %q", in, out)
	}
	port.change(map[string]any{"vifId": nil}).want(204) // a client writes what it has read
	wantParts(t, port.again(), map[string]any{"inboundFilterId": shown["inboundFilterId"], "outboundFilterId": shown["outboundFilterId"]})
	if o := f.stored(); len(o) > 0 {
		t.Errorf("stored: %v", o)
	}
}
