package run

import (
	"encoding/json"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/apidef"
)

// FuzzAttributes asks of every resource that is served that no body and no filter makes its checks panic, that every refusal is the
// client's fault, and that a filter's canonical text is its own canonical text.
func FuzzAttributes(f *testing.F) {
	f.Add(`{"name":"x","mtu":1e3,"admin_state_up":"yes"}`, "shared", "1")
	f.Add(`{"fixed_ips":[{"ip_address":"fd00::1","subnet_id":null}],"allowed_address_pairs":[{"ip_address":"10.0.0.0/8"}]}`, "fixed_ips", "ip_address=::1")
	f.Add(`{"external_gateway_info":{"network_id":1,"external_fixed_ips":[{}]},"routes":[{"destination":"::/0"}]}`, "mac_address", "FA-16-3E-0-0-1")
	f.Add(`{"protocol":"-1","port_range_min":"x","ethertype":4,"remote_ip_prefix":"10.0.0.1/33"}`, "protocol", "6")
	f.Add(`{"prefixes":["10.0.0.0/8","::/0"],"default_prefixlen":"24","ip_version":6}`, "cidr", "10.0.0.1/24")
	f.Add(`{"extra_dhcp_opts":[{"opt_name":1,"ip_version":"4"}],"binding:profile":"x","tags":[0]}`, "provider:segmentation_id", "0x10")
	f.Add(`{"segments":[{"provider:segmentation_id":"7"},{"provider:network_type":[]}],"availability_zone_hints":["\ud83d\ude00","a"]}`, "tags", ",")
	f.Add(`{"dns_name":"A-1.example.org.","dns_domain":"<project_id>."}`, "changed_since", "2026-01-01")
	served := append(newWorld(f).handler.Collections(), apidef.PortForwardings(), apidef.FlavorProfiles())
	f.Fuzz(func(t *testing.T, text, attribute, value string) {
		for _, def := range served {
			checkBody(t, def, text)
			checkFilter(t, def, attribute, value)
		}
	})
}

func checkBody(t *testing.T, def *apidef.Resource, text string) {
	create, ok := object(text)
	update, _ := object(text)
	if !ok {
		return
	}
	owner := apidef.Owner{ProjectID: "blue", Admin: true}
	if _, _, err := def.CheckCreate(create, owner); err != nil && !errs.Is(err, errs.Invalid) {
		t.Errorf("create %s %s: %v", def.Name, text, err)
	}
	if _, _, err := def.CheckUpdate(update, owner); err != nil && !errs.Is(err, errs.Invalid) {
		t.Errorf("update %s %s: %v", def.Name, text, err)
	}
}

// object reads a body as the API does, which keeps numbers as they are written.
func object(text string) (body map[string]any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return body, d.Decode(&body) == nil
}

func checkFilter(t *testing.T, def *apidef.Resource, attribute, value string) {
	a := def.Attribute(attribute)
	if a == nil || !a.Filter {
		return
	}
	once, err := a.FilterText(value)
	if err != nil {
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s?%s=%q: %v", def.Collection, attribute, value, err)
		}
		return
	}
	if twice, err := a.FilterText(once); err != nil || twice != once {
		t.Errorf("%s?%s=%q is %q, and that is %q, %v", def.Collection, attribute, value, once, twice, err)
	}
}
