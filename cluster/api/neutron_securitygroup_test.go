package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

const (
	group1 = "77777777-0000-4000-8000-000000000001"
	group2 = "77777777-0000-4000-8000-000000000002"
	rule1  = "88888888-0000-4000-8000-000000000001"
	rule2  = "88888888-0000-4000-8000-000000000002"
	rule3  = "88888888-0000-4000-8000-000000000003"

	mediaGroup  = "application/vnd.org.midonet.neutron.SecurityGroup-v1+json"
	mediaGroups = "application/vnd.org.midonet.neutron.SecurityGroups-v1+json"
	mediaRule   = "application/vnd.org.midonet.neutron.SecurityGroupRule-v1+json"
	mediaRules  = "application/vnd.org.midonet.neutron.SecurityGroupRules-v1+json"
)

// ruleBody is a rule as the plugin sends it.
func ruleBody(rule, group, remote string) string {
	return fmt.Sprintf(`{"id": %q, "security_group_id": %q, "tenant_id": "t1", "project_id": "t1", "direction": "ingress", "ethertype": "IPv4",
		"protocol": null, "port_range_min": null, "port_range_max": null, "remote_ip_prefix": null, "remote_group_id": %s,
		"remote_address_group_id": null, "normalized_cidr": null, "description": "", "revision_number": 0}`, rule, group, remote)
}

// groupBody is a new group as the plugin sends it, with the rules that Neutron makes for it.
func groupBody(group, rule string) string {
	return fmt.Sprintf(`{"id": %q, "name": "web", "description": "d", "tenant_id": "t1", "stateful": true, "security_group_rules": [%s]}`,
		group, strings.Replace(ruleBody(rule, group, "null"), "ingress", "egress", 1))
}

func TestSecurityGroups(t *testing.T) {
	f := newFixture(t)
	f.createAll()
	r := f.post("/neutron/security_groups", mediaGroup, groupBody(group1, rule1)).want(201)
	egress := map[string]any{"id": rule1, "security_group_id": group1, "remote_group_id": nil, "direction": "egress", "protocol": nil,
		"port_range_min": nil, "port_range_max": nil, "ethertype": "ipv4", "remote_ip_prefix": nil, "tenant_id": "t1"}
	want := map[string]any{"id": group1, "name": "web", "description": "d", "tenant_id": "t1", "security_group_rules": []any{egress}}
	if diff := cmp.Diff(want, r.object()); diff != "" {
		t.Errorf("created group (-want +got):\n%s", diff)
	}
	f.post("/neutron/security_groups", mediaGroups, "["+groupBody(group2, rule2)+"]").want(201)
	web := strings.NewReplacer(`"protocol": null`, `"protocol": "6"`, `"port_range_min": null`, `"port_range_min": 80`,
		`"port_range_max": null`, `"port_range_max": 81`).Replace(ruleBody(rule3, group1, `"`+group2+`"`))
	f.post("/neutron/security_group_rules", mediaRules, "["+web+"]").want(201)
	shown := map[string]any{"id": rule3, "security_group_id": group1, "remote_group_id": group2, "direction": "ingress", "protocol": "tcp",
		"port_range_min": 80.0, "port_range_max": 81.0, "ethertype": "ipv4", "remote_ip_prefix": nil, "tenant_id": "t1"}
	if diff := cmp.Diff(shown, f.get("/neutron/security_group_rules/"+rule3, mediaRule).want(200).object()); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
	want["security_group_rules"], want["name"] = []any{egress, shown}, "www"
	if diff := cmp.Diff(want, f.put("/neutron/security_groups/"+group1, mediaGroup,
		`{"id": "`+group1+`", "name": "www", "description": "d", "security_group_rules": []}`).want(200).object()); diff != "" {
		t.Errorf("updated group (-want +got):\n%s", diff)
	}

	member := strings.Replace(portBody, `"security_groups": []`, `"security_groups": ["`+group1+`", "`+group2+`"]`, 1)
	got := f.put("/neutron/ports/"+port1, mediaPort, member).want(200).object()
	if diff := cmp.Diff([]any{group1, group2}, got["security_groups"]); diff != "" {
		t.Errorf("the port's groups (-want +got):\n%s", diff)
	}
	f.wantSecured(group1, group2)
	f.wantStored(topology.KindGroupMember, 2)
	f.wantStored(topology.KindChain, 4)

	f.delete("/neutron/security_groups/" + group2).want(204)
	f.get("/neutron/security_group_rules/"+rule2, mediaRule).want(404)
	f.get("/neutron/security_group_rules/"+rule3, mediaRule).want(404) // it named the group that has gone
	if diff := cmp.Diff([]any{group1}, f.get("/neutron/ports/"+port1, mediaPort).object()["security_groups"]); diff != "" {
		t.Errorf("the port's groups after one has gone (-want +got):\n%s", diff)
	}
	f.wantSecured(group1)
	f.delete("/neutron/security_group_rules/" + rule1).want(204)
	f.delete("/neutron/security_group_rules/" + rule1).want(204)
	if n := len(f.get("/neutron/security_group_rules", mediaRules).want(200).objects()); n != 0 {
		t.Errorf("%d rules left", n)
	}
	f.put("/neutron/ports/"+port1, mediaPort, portBody).want(200)
	f.delete("/neutron/security_groups/" + group1).want(204)
	f.delete("/neutron/security_groups/" + group1).want(204)
	f.wantStored(topology.KindChain, 0)
	f.wantStored(topology.KindSource, 3)
}

// wantSecured fails unless the agents are told that port1 is in the groups, and that answers pass.
func (f *fixture) wantSecured(groups ...string) {
	f.Helper()
	snapshot, err := f.store.View(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	p := snapshot.Objects[topology.Key{Kind: topology.KindPort, ID: id.MustParse[topology.Port](port1)}].(*topology.Port)
	if p.Security == nil || !p.Security.Stateful || len(p.Security.Ingress) != len(groups) {
		f.Fatalf("the port's security is %+v", p.Security)
	}
	for n, group := range groups {
		if want := topology.IngressChain(id.MustParse[topology.AddrGroup](group)); p.Security.Ingress[n] != want {
			f.Errorf("chain %d is %s, want %s", n, p.Security.Ingress[n], want)
		}
	}
}

func TestSecurityGroupRefusals(t *testing.T) {
	f := newFixture(t)
	f.post("/neutron/security_groups", mediaGroup, groupBody(group1, rule1)).want(201)
	f.post("/neutron/security_groups", mediaGroup, groupBody(group1, rule2)).wantError(409, "A(n) SecurityGroup with ID "+group1+" already exists.")
	f.post("/neutron/security_groups", mediaGroup, groupBody(group2, rule1)).
		wantError(409, "A(n) SecurityGroupRule with ID "+rule1+" already exists.")
	f.put("/neutron/security_groups/"+group2, mediaGroup, groupBody(group2, rule2)).wantError(404, "There is no SecurityGroup with ID "+group2+".")
	rules := "/neutron/security_group_rules"
	f.post(rules, mediaRule, ruleBody(rule2, group2, "null")).wantError(404, "There is no SecurityGroup with ID "+group2+".")
	f.post(rules, mediaRule, ruleBody(rule2, group1, `"`+group2+`"`)).wantError(404, "There is no SecurityGroup with ID "+group2+".")
	f.put(rules+"/"+rule1, mediaRule, ruleBody(rule1, group1, "null")).want(405)
	f.post(rules, mediaRules, "["+ruleBody(rule2, group1, "null")+","+ruleBody(rule1, group1, "null")+"]").want(409)
	f.get(rules+"/"+rule2, mediaRule).wantError(404, "There is no SecurityGroupRule with ID "+rule2+".")
	good := strings.NewReplacer(`"protocol": null`, `"protocol": "tcp"`, `"port_range_min": null`, `"port_range_min": 80`,
		`"port_range_max": null`, `"port_range_max": 81`).Replace(ruleBody(rule2, group1, "null"))
	for what, change := range map[string][2]string{
		"a direction":         {`"ingress"`, `"sideways"`},
		"no direction":        {`"ingress"`, `null`},
		"a family":            {`"IPv4"`, `"arp"`},
		"no family":           {`"IPv4"`, `null`},
		"a protocol":          {`"tcp"`, `"teleport"`},
		"a protocol's number": {`"tcp"`, `"256"`},
		"a port":              {`"port_range_max": 81`, `"port_range_max": 65536`},
		"a negative port":     {`"port_range_min": 80`, `"port_range_min": -1`},
		"an order":            {`"port_range_max": 81`, `"port_range_max": 79`},
		"half a range":        {`"port_range_max": 81`, `"port_range_max": null`},
		"an ICMP type":        {`"protocol": "tcp", "port_range_min": 80`, `"protocol": "icmp", "port_range_min": 256`},
		"a prefix":            {`"remote_ip_prefix": null`, `"remote_ip_prefix": "10.0.0.0/33"`},
		"a prefix's family":   {`"remote_ip_prefix": null`, `"remote_ip_prefix": "2001:db8::/32"`},
	} {
		if !strings.Contains(good, change[0]) {
			t.Fatalf("%s: the body has no %s", what, change[0])
		}
		if r := f.post(rules, mediaRule, strings.Replace(good, change[0], change[1], 1)); r.StatusCode != 400 {
			t.Errorf("%s: %d %s", what, r.StatusCode, r.body)
		}
	}
	for _, change := range [][2]string{
		{`"tcp"`, `"ipv6_encap"`}, {`"tcp"`, `"ipv6-encap"`}, {`"tcp"`, `"SCTP"`}, {`"port_range_max": 81`, `"port_range_max": 65535`},
		{`"remote_ip_prefix": null`, `"remote_ip_prefix": "10.0.0.1"`}, {`"IPv4"`, `"ipv4"`},
		{`"protocol": "tcp", "port_range_min": 80, "port_range_max": 81`, `"protocol": "icmp", "port_range_min": 255, "port_range_max": null`},
	} {
		f.post(rules, mediaRule, strings.Replace(good, change[0], change[1], 1)).want(201)
		f.delete(rules + "/" + rule2).want(204)
	}
	f.wantStored(topology.KindSource, 2)
}

// TestBulkOfHundreds: ports of a group are created by hundreds, all or none, as one step of the store.
func TestBulkOfHundreds(t *testing.T) {
	f := newFixture(t)
	f.createAll()
	f.post("/neutron/security_groups", mediaGroup, groupBody(group1, rule1)).want(201)
	body := func(n int, group string) string {
		return fmt.Sprintf(`{"id": "cccccccc-0000-4000-8000-%012x", "network_id": %q, "mac_address": "fa:16:3e:01:%02x:%02x", "name": %q,
			"admin_state_up": true, "tenant_id": "t1", "device_owner": "compute:nova", "device_id": "vm", "port_security_enabled": true,
			"security_groups": [%q], "fixed_ips": [{"subnet_id": %q, "ip_address": "10.0.0.%d"}]}`,
			n+16, net1, n>>8, n&255, strings.Repeat("x", 255), group, sub1, n%256)
	}
	const many = 500
	var bodies []string
	for n := range many {
		bodies = append(bodies, body(n, group1))
	}
	f.post("/neutron/ports", mediaPorts, "["+strings.Join(bodies, ",")+","+body(many, group2)+"]").
		wantError(404, "There is no SecurityGroup with ID "+group2+".")
	f.wantStored(topology.KindPort, 1)
	if n := len(f.post("/neutron/ports", mediaPorts, "["+strings.Join(bodies, ",")+"]").want(201).objects()); n != many {
		t.Errorf("%d ports are answered", n)
	}
	f.wantStored(topology.KindPort, many+1)
	f.wantStored(topology.KindGroupMember, many)
	if n := len(f.get("/neutron/ports", mediaPorts).want(200).objects()); n != many+1 {
		t.Errorf("%d ports are listed", n)
	}

	f.delete("/neutron/security_groups/" + group1).want(204) // with hundreds of members
	f.wantStored(topology.KindGroupMember, 0)
	f.wantStored(topology.KindPort, many+1)
}
