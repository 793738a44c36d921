package model

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
)

func fullPort() *Port {
	return &Port{
		ID: id.MustParse[Port]("aaaaaaaa-0000-4000-8000-000000000001"),
		Standard: Standard{
			ProjectID: "blue", Description: `a "quoted" <name>`, RevisionNumber: 7,
			CreatedAt: At(time.Date(2026, 11, 23, 6, 30, 1, 5, time.UTC)), UpdatedAt: At(time.Date(2026, 11, 23, 6, 31, 0, 0, time.UTC)),
		},
		Name: "Übung", NetworkID: id.MustParse[Network]("bbbbbbbb-0000-4000-8000-000000000001"),
		AdminStateUp: true, Status: StatusDown, MACAddress: mac.MustParse("fa:16:3e:00:00:01"),
		FixedIPs: []FixedIP{
			{SubnetID: id.MustParse[Subnet]("cccccccc-0000-4000-8000-000000000001"), IPAddress: netip.MustParseAddr("10.0.0.5")},
			{SubnetID: id.MustParse[Subnet]("cccccccc-0000-4000-8000-000000000002"), IPAddress: netip.MustParseAddr("fd00::5")},
		},
		DeviceID: "vm", DeviceOwner: "compute:nova", HostID: "host1", Profile: json.RawMessage(`{"interface_name":"eth0"}`),
		VIFType: "midonet", VIFDetails: json.RawMessage(`{"port_filter":true}`), VNICType: "normal",
		ExtraDHCP: []ExtraDHCPOpt{{Name: "tftp-server", Value: "10.0.0.9", IPVersion: 4}},
		DNSName:   "web", DNSDomain: "blue.example.",
		DNSAssignment:       []DNSAssignment{{IPAddress: netip.MustParseAddr("10.0.0.5"), Hostname: "web", FQDN: "web.example.org."}},
		PortSecurityEnabled: true, SecurityGroups: []SecurityGroupID{id.MustParse[SecurityGroup]("dddddddd-0000-4000-8000-000000000001")},
		AllowedAddressPairs: []AddressPair{
			{IPAddress: netip.MustParsePrefix("10.0.0.7/32"), MACAddress: mac.MustParse("fa:16:3e:00:00:02")},
			{IPAddress: netip.MustParsePrefix("10.0.0.8/32"), MACAddress: mac.MustParse("fa:16:3e:00:00:02"), Written: "10.0.0.8/32"},
			{IPAddress: netip.MustParsePrefix("fd00::/64"), MACAddress: mac.MustParse("fa:16:3e:00:00:02")},
		},
	}
}

const fullPortJSON = `{"id":"aaaaaaaa-0000-4000-8000-000000000001","project_id":"blue","tenant_id":"blue",` +
	`"description":"a \"quoted\" \u003cname\u003e","created_at":"2026-11-23T06:30:01Z","updated_at":"2026-11-23T06:31:00Z",` +
	`"revision_number":7,"tags":[],"name":"Übung","network_id":"bbbbbbbb-0000-4000-8000-000000000001","admin_state_up":true,"status":"DOWN",` +
	`"mac_address":"fa:16:3e:00:00:01","fixed_ips":[{"subnet_id":"cccccccc-0000-4000-8000-000000000001","ip_address":"10.0.0.5"},` +
	`{"subnet_id":"cccccccc-0000-4000-8000-000000000002","ip_address":"fd00::5"}],"device_id":"vm","device_owner":"compute:nova",` +
	`"binding:host_id":"host1","binding:profile":{"interface_name":"eth0"},"binding:vif_type":"midonet",` +
	`"binding:vif_details":{"port_filter":true},"binding:vnic_type":"normal",` +
	`"extra_dhcp_opts":[{"opt_name":"tftp-server","opt_value":"10.0.0.9","ip_version":4}],"dns_name":"web","dns_domain":"blue.example.",` +
	`"dns_assignment":[{"ip_address":"10.0.0.5","hostname":"web","fqdn":"web.example.org."}],"port_security_enabled":true,` +
	`"security_groups":["dddddddd-0000-4000-8000-000000000001"],` +
	`"allowed_address_pairs":[{"ip_address":"10.0.0.7","mac_address":"fa:16:3e:00:00:02"},` +
	`{"ip_address":"10.0.0.8/32","mac_address":"fa:16:3e:00:00:02"},{"ip_address":"fd00::/64","mac_address":"fa:16:3e:00:00:02"}]}`

func TestPortForm(t *testing.T) {
	b, err := json.Marshal(fullPort())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullPortJSON, string(b)); diff != "" {
		t.Errorf("the form of a port (-want +got):\n%s", diff)
	}
}

// TestRoundTrip reads back what was written, for values with every field set and for zero values.
func TestRoundTrip(t *testing.T) {
	text, number := "x", 7
	roundTrip(t, &Port{})
	roundTrip(t, fullPort())
	roundTrip(t, &Network{})
	roundTrip(t, &Network{
		ID: id.New[Network](), Standard: fullPort().Standard, Name: "n", AdminStateUp: true, Status: StatusActive, Shared: true,
		Subnets: []SubnetID{id.New[Subnet](), id.New[Subnet]()}, MTU: 1450, External: true, NetworkType: "midonet",
		PhysicalNetwork: &text, SegmentationID: &number,
	})
	roundTrip(t, &Subnet{})
	roundTrip(t, &Subnet{
		ID: id.New[Subnet](), Standard: fullPort().Standard, Name: "s", NetworkID: id.New[Network](), IPVersion: 6,
		CIDR: netip.MustParsePrefix("fd00::/64"), GatewayIP: netip.MustParseAddr("fd00::1"), EnableDHCP: true,
		AllocationPools: []AllocationPool{{Start: netip.MustParseAddr("fd00::2"), End: netip.MustParseAddr("fd00::ff")}},
		DNSNameservers:  []netip.Addr{netip.MustParseAddr("9.9.9.9")},
		HostRoutes:      []HostRoute{{Destination: netip.MustParsePrefix("fd01::/64"), NextHop: netip.MustParseAddr("fd00::9")}},
		IPv6RAMode:      &text, IPv6AddressMode: &text, SubnetPoolID: id.MustParse[SubnetPool]("dddddddd-0000-4000-8000-000000000001"),
		ServiceTypes: []string{"compute:nova"},
	})
}

func roundTrip[T any](t *testing.T, v *T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got T
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%T: %v\n%s", v, err, b)
	}
	opts := cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Transformer("object", func(m json.RawMessage) string {
			if len(m) == 0 {
				return "{}" // the absent object is written so
			}
			return string(m)
		})}
	if diff := cmp.Diff(v, &got, opts); diff != "" {
		t.Errorf("%T (-written +read):\n%s", v, diff)
	}
}

func TestAbsentValues(t *testing.T) {
	b, err := json.Marshal(Subnet{})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for attr, want := range map[string]any{
		"gateway_ip": nil, "cidr": nil, "ipv6_ra_mode": nil, "subnetpool_id": nil, "allocation_pools": []any{},
		"dns_nameservers": []any{}, "host_routes": []any{}, "name": "", "created_at": nil,
	} {
		if !reflect.DeepEqual(got[attr], want) {
			t.Errorf("absent %s is written as %v, want %v", attr, got[attr], want)
		}
	}
}

func TestReadingLeavesAbsentAttributesAndClearsNull(t *testing.T) {
	p := fullPort()
	if err := json.Unmarshal([]byte(`{"name":"new","binding:host_id":null,"fixed_ips":null,"colour":"blue"}`), p); err != nil {
		t.Fatal(err)
	}
	if p.Name != "new" || p.HostID != "" || p.FixedIPs != nil {
		t.Errorf("read %q, host %q, addresses %v", p.Name, p.HostID, p.FixedIPs)
	}
	if p.DeviceID != "vm" {
		t.Error("an attribute that the text does not have was changed")
	}
}

func TestReadingNamesTheBadAttribute(t *testing.T) {
	err := json.Unmarshal([]byte(`{"fixed_ips":[{"ip_address":"10.0.0.300"}]}`), &Port{})
	if err == nil || err.Error()[:10] != "fixed_ips:" {
		t.Errorf("error %v does not name fixed_ips", err)
	}
}

func TestNullOptionValueIsARemoval(t *testing.T) {
	var o []ExtraDHCPOpt
	if err := json.Unmarshal([]byte(`[{"opt_name":"a","opt_value":null},{"opt_name":"b","opt_value":""}]`), &o); err != nil {
		t.Fatal(err)
	}
	want := []ExtraDHCPOpt{{Name: "a", Remove: true}, {Name: "b"}}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}

func TestEncoderWritesTheChoice(t *testing.T) {
	e := NewEncoder[Port](func(attr string) bool { return attr == "tenant_id" || attr == "name" })
	if got := string(e.Append(nil, fullPort())); got != `{"tenant_id":"blue","name":"Übung"}` {
		t.Errorf("wrote %s", got)
	}
}

// TestEncodingIsCheap holds the encoder to a handful of allocations for each port, so that a list of a thousand is no burden.
func TestEncodingIsCheap(t *testing.T) {
	e, p := NewEncoder[Port](func(string) bool { return true }), fullPort()
	p.Name, p.Description = "plain", "plain"
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = e.Append(buf[:0], p) }); n > 30 {
		t.Errorf("%.0f allocations for one port", n)
	}
}

func BenchmarkEncodePort(b *testing.B) {
	e, p := NewEncoder[Port](func(string) bool { return true }), fullPort()
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.Append(buf[:0], p)
	}
}
