package run

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/journal"
)

// attributes returns the values of an attribute of the listed items, sorted.
func attributes(answer map[string]any, collection, attr string) []string {
	values := []string{}
	for _, item := range answer[collection].([]any) {
		values = append(values, fmt.Sprint(item.(map[string]any)[attr]))
	}
	slices.Sort(values)
	return values
}

// TestDHCPAgents takes a network from a host and gives it back.
func TestDHCPAgents(t *testing.T) {
	w := newWorld(t)
	one, other := "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
	_, err := w.agents.SetHosts(t.Context(), []journal.Host{{ID: one, Name: "one", Alive: true}, {ID: other, Name: "other"}})
	if err != nil {
		t.Fatal(err)
	}
	net := w.make(t, "blue", "networks", `"name":"net"`)
	uplink := w.make(t, "admin", "networks", `"provider:network_type":"uplink"`)
	_, listed := w.do("admin", "GET", "agents?agent_type=DHCP+agent&host=one", "")
	agent := attributes(listed, "agents", "id")[0]
	admin := func(status int, method, path, body string) map[string]any {
		t.Helper()
		got, answer := w.do("admin", method, path, body)
		if got != status {
			t.Errorf("%s %s: %d %v, want %d", method, path, got, answer, status)
		}
		return answer
	}
	hosts := func(want ...string) {
		t.Helper()
		if got := attributes(admin(200, "GET", "networks/"+net+"/dhcp-agents", ""), "agents", "host"); !slices.Equal(got, want) {
			t.Errorf("answered by %v, want %v", got, want)
		}
		has := slices.Contains(attributes(admin(200, "GET", "agents/"+agent+"/dhcp-networks", ""), "networks", "name"), "net")
		if has != slices.Contains(want, "one") {
			t.Errorf("the agent has the network: %v", has)
		}
	}
	hosts("one", "other")
	networks := "agents/" + agent + "/dhcp-networks"
	given := `{"network_id":"` + net + `"}`
	admin(http.StatusConflict, "POST", networks, given)
	admin(http.StatusNoContent, "DELETE", networks+"/"+net, "")
	hosts("other")
	admin(http.StatusConflict, "DELETE", networks+"/"+net, "")
	admin(http.StatusCreated, "POST", networks, given)
	hosts("one", "other")
	unknown := "aaaaaaaa-0000-4000-8000-00000000000f"
	admin(http.StatusNotFound, "GET", "agents/"+unknown+"/dhcp-networks", "")
	admin(http.StatusNotFound, "POST", "agents/"+unknown+"/dhcp-networks", given)
	admin(http.StatusNotFound, "POST", "agents/"+one+"/dhcp-networks", given)
	admin(http.StatusNotFound, "POST", networks, `{"network_id":"`+unknown+`"}`)
	admin(http.StatusConflict, "DELETE", networks+"/"+unknown, "")
	if answer := admin(http.StatusConflict, "POST", networks, `{"network_id":"`+uplink+`"}`); !strings.Contains(fmt.Sprint(answer), "of type uplink") {
		t.Errorf("a network of type uplink: %v", answer)
	}
	admin(http.StatusBadRequest, "POST", networks, `{}`)
	admin(http.StatusMethodNotAllowed, "PUT", networks, given)
	admin(http.StatusMethodNotAllowed, "POST", "networks/"+net+"/dhcp-agents", given)
	if got := admin(200, "GET", "agents/"+one+"/dhcp-networks", ""); len(got["networks"].([]any)) != 0 {
		t.Errorf("a host that is no DHCP agent has %v", got)
	}
	if got := admin(200, "GET", "networks/"+unknown+"/dhcp-agents", ""); len(got["agents"].([]any)) != 0 {
		t.Errorf("an unknown network has %v", got)
	}
	for _, c := range [][3]string{{"GET", networks, ""}, {"POST", networks, given}, {"DELETE", networks + "/" + net, ""},
		{"GET", "networks/" + net + "/dhcp-agents", ""}} {
		w.want(t, http.StatusForbidden, c[0], c[1], c[2])
	}
}
