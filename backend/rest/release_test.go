package rest

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// releases are the documents of MidoNet's releases, as far as they differ (midonet-cluster's Application.java, Neutron.java and SystemState.java
// of the branches stable/v2015.06.3 to stable/v5.6.0), and those of this program.
var releases = map[string]struct {
	documents documents
	want      Release
}{
	"2015.06": {documents{document("version", "v1.10"), document("networks", "x"), ""}, Release{1, 10, 0}},
	"5.0":     {documents{document("version", "v5.0"), document("firewalls", "x"), "5.0.0"}, Release{5, 0, 4}},
	"5.1":     {documents{document("version", "v5.0"), document("vpn_services", "x", "gateway_devices", "x"), "5.0.0"}, Release{5, 1, 2}},
	"5.2":     {documents{document("version", "v5.0"), document("vpn_services", "x", "bgp_speakers", "x"), "5.0.0"}, Release{5, 2, 2}},
	"5.4": {documents{document("version", "v5.0", "qosPolicies", "x"), document("vpn_services", "x", "load_balancers_v2", "x"), "5.0.0"},
		Release{5, 4, 6}},
	"ours":    {documents{document("version", "v5.0"), document("networks", "x"), "5.6.0"}, Release{5, 6, 0}},
	"nothing": {documents{document("version", 5), nil, ""}, Release{5, 0, 4}},
}

func document(pairs ...any) map[string]any {
	d := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		d[pairs[i].(string)] = pairs[i+1]
	}
	return d
}

func TestReleases(t *testing.T) {
	for name, c := range releases {
		if got := releaseOf(c.documents); got != c.want {
			t.Errorf("%s is taken for %v", name, got)
		}
	}
}

// TestFeatures: each extension is refused by the release before the one that has it, and by none after.
func TestFeatures(t *testing.T) {
	const groupID, portID = `"aaaaaaaa-0000-4000-8000-000000000001"`, `"aaaaaaaa-0000-4000-8000-000000000002"`
	for _, c := range []struct {
		dataType  journal.DataType
		data      string
		extension string
		before    Release // that lacks it; zero: none lacks it
	}{
		{journal.Network, `{"port_security_enabled": true}`, "", Release{}},
		{journal.Network, `{"port_security_enabled": true, "provider:network_type": "uplink"}`, "provider", Release{1, 10, 0}},
		{journal.Network, `{"port_security_enabled": false}`, "port-security", Release{1, 10, 0}},
		{journal.Port, `{"port_security_enabled": true}`, "", Release{}},
		{journal.Port, `{"port_security_enabled": false, "device_owner": "network:dhcp"}`, "", Release{}},
		{journal.Port, `{"port_security_enabled": false}`, "port-security", Release{1, 10, 0}},
		{journal.Port, `{"port_security_enabled": true, "allowed_address_pairs": [{"ip_address": "10.0.0.0/24", "mac_address": "fa:16:3e:00:00:01"}]}`,
			"allowed-address-pairs", Release{1, 10, 0}},
		{journal.Port, `{"port_security_enabled": true, "extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}]}`,
			"extra_dhcp_opt", Release{5, 2, 0}},
		{journal.Router, `{"routes": [{"destination": "10.0.0.0/24", "nexthop": "10.1.0.1"}]}`, "extraroute", Release{1, 10, 0}},
		{journal.FloatingIP, `{"floating_ip_address": "2001:db8::1"}`, "fip64", Release{5, 2, 2}},
		{journal.SecurityGroup, `{"stateful": false}`, "stateful-security-group", Release{9, 9, 9}},
		{journal.SecurityGroupRule, `{"remote_address_group_id": ` + groupID + `}`, "security-groups-remote-address-group", Release{9, 9, 9}},
		{journal.AddressGroup, `{}`, "address-group", Release{9, 9, 9}},
		{journal.PortForwarding, `{"internal_port_id": ` + portID + `}`, "floating-ip-port-forwarding", Release{9, 9, 9}},
	} {
		task := journal.Task{Type: journal.Create, DataType: c.dataType, Data: json.RawMessage(c.data)}
		if c.extension != "" {
			err := admit(c.before, task)
			if !errs.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), c.extension) {
				t.Errorf("%v and %s %s: %v", c.before, c.dataType, c.data, err)
			}
		}
		after := since[c.extension]
		if c.before.Major == 9 {
			continue
		}
		if err := admit(after, task); err != nil {
			t.Errorf("%v refuses %s %s: %v", after, c.dataType, c.data, err)
		}
		if err := admit(Release{}, journal.Task{Type: journal.Delete, DataType: c.dataType}); err != nil {
			t.Errorf("a deletion is refused: %v", err)
		}
	}
	if lacking(Release{5, 1, 0}, "router-interface-fip") == nil || lacking(Release{5, 1, 1}, "router-interface-fip") != nil {
		t.Error("router-interface-fip came with 5.1.1")
	}
}

// TestOldMidoNets: what they lack is refused before anything is written, and the rest works.
func TestOldMidoNets(t *testing.T) {
	for _, name := range []string{"2015.06", "5.0", "5.1"} {
		t.Run(name, func(t *testing.T) {
			midonet := newFakeMidoNet(t)
			d := releases[name].documents
			midonet.root, midonet.system = d.application, d.system
			midonet.neutron = maps.Clone(d.neutron)
			if name == "2015.06" {
				midonet.media = mediaNeutronOld
			}
			s := newServer(t, midonet.uri())
			blue := s.network(alice, "blue")
			before := len(midonet.told())
			_, err := s.core.Ports().Create(ctx, alice, []plugin.Body[model.Port]{body(model.Port{NetworkID: blue.ID,
				ExtraDHCP: []model.ExtraDHCPOpt{{Name: "mtu", Value: "1400", IPVersion: 4}}}, "extra_dhcp_opts")})
			if !errs.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "5.2.1") {
				t.Errorf("refused with %v", err)
			}
			if count(t, s.core.Ports()) != 0 || len(midonet.told()) != before {
				t.Errorf("something was written: %v", midonet.told()[before:])
			}
			s.port(alice, blue)
		})
	}
}

// TestFloatingIPsByInterface: a router that reaches the network of a floating address by an interface needs 5.1.1.
func TestFloatingIPsByInterface(t *testing.T) {
	for name, works := range map[string]bool{"5.0": false, "5.1": true} {
		midonet := newFakeMidoNet(t)
		midonet.root, midonet.neutron = releases[name].documents.application, releases[name].documents.neutron
		s := newServer(t, midonet.uri())
		outside := create(s, s.core.Networks(), admin, body(model.Network{External: true, PortSecurityEnabled: true}, "router:external"))
		there := s.subnet(admin, outside, "198.51.100.0/24")
		blue := s.network(alice, "blue")
		here := s.subnet(alice, blue, "10.0.0.0/24")
		vm := s.port(alice, blue)
		router := create(s, s.l3.Routers(), alice, body(model.Router{AdminStateUp: true}))
		for _, subnet := range []*model.Subnet{there, here} {
			_, err := s.l3.AddInterface(ctx, admin, router.ID.String(), json.RawMessage(`{"subnet_id": "`+subnet.ID.String()+`"}`))
			check(t, err)
		}
		_, err := s.l3.FloatingIPs().Create(ctx, alice, []plugin.Body[model.FloatingIP]{body(model.FloatingIP{FloatingNetworkID: outside.ID,
			PortID: vm.ID}, "port_id")})
		var e *errs.Error
		if errors.As(err, &e); (err == nil) != works || err != nil && (e.Kind != errs.Unsupported || !strings.Contains(e.Message, "router-interface-fip")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
