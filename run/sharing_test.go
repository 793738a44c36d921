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
