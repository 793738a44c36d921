package run

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

func TestAHostIsAnAgent(t *testing.T) {
	host := &topology.Host{ID: id.MustParse[topology.Host]("aaaaaaaa-0000-4000-8000-000000000001"), Name: "compute1",
		Endpoints: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	now := time.Date(2026, 11, 23, 9, 0, 5, 0, time.UTC)
	for _, c := range []struct {
		state *topology.HostState
		want  string
	}{
		{nil, `{"id":"aaaaaaaa-0000-4000-8000-000000000001","agent_type":"Midonet Agent","binary":"midolman","topic":"","host":"compute1",` +
			`"admin_state_up":true,"created_at":null,"started_at":null,"heartbeat_timestamp":null,"alive":false,` +
			`"configurations":{"tunnel_endpoints":["192.0.2.1"]},"description":null}`},
		{&topology.HostState{Host: host.ID, Version: "7", StartedUnix: now.Unix() - 3605},
			`{"id":"aaaaaaaa-0000-4000-8000-000000000001","agent_type":"Midonet Agent","binary":"midolman","topic":"","host":"compute1",` +
				`"admin_state_up":true,"created_at":null,"started_at":"2026-11-23 08:00:00","heartbeat_timestamp":"2026-11-23 09:00:05",` +
				`"alive":true,"configurations":{"version":"7","tunnel_endpoints":["192.0.2.1"]},"description":null}`},
	} {
		all := model.NewEncoder[model.Agent](func(string) bool { return true })
		if diff := cmp.Diff(c.want, string(all.Append(nil, agentOf(host, c.state, now)))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestWhatNoProjectOwns: everyone may look where the rules let them, and no one changes anything.
func TestWhatNoProjectOwns(t *testing.T) {
	w := newWorld(t)
	for _, collection := range unowned {
		def := w.definition(collection)
		for _, project := range []string{"blue", "admin"} {
			if status, answer := w.do(project, "GET", collection, ""); status != 200 || answer[def.Collection] == nil {
				t.Errorf("%s lists the %s: %d %v", project, collection, status, answer)
			}
			for target, body := range map[string]string{"POST": `{"` + def.Name + `":{}}`, "PUT": `{"` + def.Name + `":{}}`, "DELETE": ""} {
				path := collection
				if target != "POST" {
					path += "/none"
				}
				if status, answer := w.do(project, target, path, body); status < 400 || status >= 500 {
					t.Errorf("%s: %s %s: %d %v", project, target, path, status, answer)
				}
			}
		}
	}
}
