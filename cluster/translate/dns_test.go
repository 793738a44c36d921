package translate

import (
	"strings"
	"testing"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestNamesThatDHCPTells renders a port with each name under each domain of the configuration.
func TestNamesThatDHCPTells(t *testing.T) {
	const network, port = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	for _, c := range []struct{ domain, name, want string }{
		{"openstacklocal", "", "host-10-0-0-5"},
		{"openstacklocal", "web", "host-10-0-0-5"},
		{"", "web", "host-10-0-0-5"},
		{"example.org", "", "host-10-0-0-5"},
		{"example.org", "web", "web"},
		{"example.org", "web.blue", "web.blue"},
		{"example.org", "web.example.org.", "web"},
	} {
		s := NewSet(Settings{DNSDomain: c.domain})
		for _, made := range []struct {
			resource Resource
			id, text string
		}{
			{Network, network, `{"id": "` + network + `", "provider:network_type": "midonet"}`},
			{Port, port, `{"id": "` + port + `", "network_id": "` + network + `", "mac_address": "02:00:00:00:00:01", "dns_name": "` + c.name + `",
				"fixed_ips": [{"subnet_id": "00000000-0000-4000-8000-000000000003", "ip_address": "10.0.0.5"}]}`},
		} {
			change, err := Decode(Owner{made.resource, id.MustParse[Owner](made.id)}, []byte(made.text))
			if err != nil {
				t.Fatal(err)
			}
			s.Apply(change)
		}
		var told []string
		for _, o := range All(s) {
			if h, ok := o.(*topology.DHCPHost); ok {
				told = append(told, h.Hostname)
			}
		}
		if strings.Join(told, " ") != c.want {
			t.Errorf("%q under %q: %v, want %s", c.name, c.domain, told, c.want)
		}
	}
}
