package run

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// ask sends a request and reads the answer; any status but the one that is wanted fails the test.
func ask(t *testing.T, status int, method, url, body string) (answer map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	check(t, err)
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: %s %s, %v", method, url, resp.Status, text, err)
	}
	json.Unmarshal(text, &answer) // an answer without a body leaves it nil
	return answer
}

// TestAHostInNeutron follows a host from its first report to what Neutron shows of it, and back: a network that is taken from it is not
// answered for there.
func TestAHostInNeutron(t *testing.T) {
	url, dir := startServer(t)
	client := NewAdminClient(dir)
	host := joinHost(t, client)
	eventually(t, "the host is listed as alive", func() bool {
		return len(ask(t, 200, "GET", url+"/v2.0/agents?alive=True", "")["agents"].([]any)) == 2
	})
	zones := attributes(ask(t, 200, "GET", url+"/v2.0/availability_zones?resource=network", ""), "availability_zones", "name")
	if len(zones) != 1 || zones[0] != "east" {
		t.Errorf("zones %v", zones)
	}
	network := post(t, url+"/v2.0/networks", `{"network": {"availability_zone_hints": ["east"]}}`)
	post(t, url+"/v2.0/subnets", `{"subnet": {"network_id": "`+network+`", "ip_version": 4, "cidr": "10.0.0.0/24"}}`)
	agent := attributes(ask(t, 200, "GET", url+"/v2.0/networks/"+network+"/dhcp-agents", ""), "agents", "id")[0]
	silent := func() bool {
		dump, err := client.Dump(t.Context())
		check(t, err)
		defer dump.Close()
		text, err := io.ReadAll(dump)
		check(t, err)
		return strings.Contains(string(text), `"Silent":["`+host.HostID().String()+`"]`)
	}
	awaitDrained(t, client)
	if silent() {
		t.Error("the host does not answer before anything is taken from it")
	}
	networks := url + "/v2.0/agents/" + agent + "/dhcp-networks"
	ask(t, http.StatusNoContent, "DELETE", networks+"/"+network, "")
	eventually(t, "the host does not answer for a network that was taken from it", silent)
	ask(t, http.StatusCreated, "POST", networks, `{"network_id": "`+network+`"}`)
	eventually(t, "it answers for one that was given back", func() bool { return !silent() })
	if report, err := client.Check(t.Context()); err != nil || len(report.Differences) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// TestAHostIsRevoked by the name that operators know, or by an identifier.
func TestAHostIsRevoked(t *testing.T) {
	_, dir := startServer(t)
	client := NewAdminClient(dir)
	host := joinHost(t, client)
	eventually(t, "it has reported", func() bool { return !host.Status().LastReport.IsZero() })
	for _, x := range []struct{ host, says string }{{"", "no host"}, {"nobody", "no host"}, {"00000000-0000-0000-0000-000000000000", "no host"}} {
		if _, err := client.Revoke(t.Context(), RevokeRequest{Host: x.host}); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("host %q: %v", x.host, err)
		}
	}
	var says strings.Builder
	check(t, RevokeHost(t.Context(), client, host.HostName, &says))
	if !strings.Contains(says.String(), host.HostID().String()) || !strings.Contains(says.String(), "midonet join-token") {
		t.Errorf("the operator is told: %s", says.String())
	}
	eventually(t, "it is out", func() bool { return strings.Contains(host.Status().LastError, "taken back") })
	gone := id.New[topology.Host]()
	if reply, err := client.Revoke(t.Context(), RevokeRequest{Host: gone.String()}); err != nil || reply != (RevokeReply{Host: gone}) {
		t.Errorf("a host that is not known: %+v, %v", reply, err)
	}
	eventually(t, "the status says that it is away", func() bool {
		status, err := client.Status(t.Context())
		check(t, err)
		return slices.Equal(status.Problems, []string{"1 of 1 hosts away, with their ports DOWN: one"})
	})
}
