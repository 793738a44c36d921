package run

import (
	"net/http"
	"slices"
	"testing"
)

// TestSharingWithOneProject: what an RBAC policy shares with a project is that project's to see and to use, and no one else's.
func TestSharingWithOneProject(t *testing.T) {
	w := newWorld(t)
	net := w.make(t, "red", "networks", `"name":"net"`)
	sub := w.make(t, "red", "subnets", `"network_id":"`+net+`","ip_version":4,"cidr":"10.9.0.0/24"`)
	port := w.make(t, "red", "ports", `"network_id":"`+net+`"`)
	status, answer := w.do("blue", "POST", "ports", `{"port":{"network_id":"`+net+`"}}`)
	if status != http.StatusNotFound {
		t.Fatalf("a port on a network that blue does not see: %d %v", status, answer)
	}

	policy := w.make(t, "red", "rbac-policies",
		`"object_type":"network","object_id":"`+net+`","action":"access_as_shared","target_tenant":"blue"`)
	shown := w.want(t, http.StatusOK, "GET", "networks/"+net, "")["network"].(map[string]any)
	if shown["shared"] != true {
		t.Errorf("blue sees shared: %v", shown["shared"])
	}
	if ids := w.lists(t, "subnets", "shared=True"); !slices.Equal(ids, []string{sub}) {
		t.Errorf("blue lists the subnets %v", ids)
	}
	w.want(t, http.StatusOK, "GET", "subnets/"+sub, "")
	w.want(t, http.StatusForbidden, "PUT", "networks/"+net, `{"network":{"name":"blue's"}}`)
	w.want(t, http.StatusForbidden, "POST", "subnets", `{"subnet":{"network_id":"`+net+`","ip_version":4,"cidr":"10.8.0.0/24"}}`)
	own := w.make(t, "blue", "ports", `"network_id":"`+net+`","fixed_ips":[{"subnet_id":"`+sub+`"}]`)
	w.want(t, http.StatusForbidden, "POST", "ports", `{"port":{"network_id":"`+net+`","fixed_ips":[{"ip_address":"10.9.0.9"}]}}`)
	w.want(t, http.StatusNotFound, "GET", "ports/"+port, "")
	for _, project := range []string{"green", "red"} {
		_, answer = w.do(project, "GET", "networks?shared=True", "")
		if list := answer["networks"].([]any); len(list) > 0 {
			t.Errorf("%s lists %v as shared", project, list)
		}
	}

	if status, _ := w.do("red", "DELETE", "rbac-policies/"+policy, ""); status != http.StatusConflict {
		t.Errorf("red takes the network away from blue's port: %d", status)
	}
	w.want(t, http.StatusNoContent, "DELETE", "ports/"+own, "")
	if status, answer := w.do("red", "DELETE", "rbac-policies/"+policy, ""); status != http.StatusNoContent {
		t.Errorf("red takes the network away: %d %v", status, answer)
	}
	w.want(t, http.StatusNotFound, "GET", "networks/"+net, "")
	w.want(t, http.StatusNotFound, "GET", "subnets/"+sub, "")
}

// TestOnlyAdministratorsShareWithEveryone: the wildcard needs a permission of its own.
func TestOnlyAdministratorsShareWithEveryone(t *testing.T) {
	w := newWorld(t)
	net := w.make(t, "blue", "networks", `"name":"net"`)
	attrs := `"object_type":"network","object_id":"` + net + `","action":"access_as_shared","target_tenant":`
	w.want(t, http.StatusForbidden, "POST", "rbac-policies", `{"rbac_policy":{`+attrs+`"*"}}`)
	policy := w.make(t, "blue", "rbac-policies", attrs+`"red"`)
	w.want(t, http.StatusForbidden, "PUT", "rbac-policies/"+policy, `{"rbac_policy":{"target_tenant":"*"}}`)
	w.make(t, "admin", "rbac-policies", attrs+`"*"`)
	if status, _ := w.do("green", "GET", "networks/"+net, ""); status != http.StatusOK {
		t.Errorf("green does not see what is everyone's: %d", status)
	}
}

// TestRoutersKeepTheirGateway: whoever's router has its gateway on a network keeps the use of it, by its own policy or by everyone's.
func TestRoutersKeepTheirGateway(t *testing.T) {
	w := newWorld(t)
	net := w.makeExternal(t)
	w.make(t, "blue", "routers", `"external_gateway_info":{"network_id":"`+net+`"}`)
	_, answer := w.do("admin", "GET", "rbac-policies?action=access_as_external&object_id="+net, "")
	policy := "rbac-policies/" + answer["rbac_policies"].([]any)[0].(map[string]any)["id"].(string)
	retarget := func(to string) (int, string) {
		status, answer := w.do("admin", "PUT", policy, `{"rbac_policy":{"target_tenant":"`+to+`"}}`)
		return status, messageOf(answer)
	}
	inUse := "RBAC policy on object " + net + " cannot be removed because other objects depend on it.\nDetails: "
	attached := inUse + "There are routers attached to this network that depend on this policy for access."
	if status, text := retarget("red"); status != http.StatusConflict || text != attached {
		t.Errorf("for red alone: %d %s", status, text)
	}
	if status, answer := w.do("admin", "DELETE", policy, ""); status != http.StatusConflict || messageOf(answer) != attached {
		t.Errorf("for nobody: %d %s", status, messageOf(answer))
	}
	if status, text := retarget("blue"); status != http.StatusOK {
		t.Errorf("for blue, whose routers are the only ones: %d %s", status, text)
	}
	if status, text := retarget("*"); status != http.StatusOK {
		t.Errorf("for everyone again: %d %s", status, text)
	}

	// The default one is everyone's, whoever uses it.
	w.do("admin", "PUT", "networks/"+net, `{"network":{"is_default":true}}`)
	everyone := inUse + "Default external networks must be shared to everyone."
	if status, text := retarget("blue"); status != http.StatusConflict || text != everyone {
		t.Errorf("the default one for blue alone: %d %s", status, text)
	}
	if status, answer := w.do("admin", "DELETE", policy, ""); status != http.StatusConflict || messageOf(answer) != everyone {
		t.Errorf("the default one for nobody: %d %s", status, messageOf(answer))
	}
}

// messageOf is what a fault says.
func messageOf(answer map[string]any) string {
	fault, _ := answer["NeutronError"].(map[string]any)
	text, _ := fault["message"].(string)
	return text
}
