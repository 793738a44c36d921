package hostif

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

func fixture(name string, mtu int, addrs ...string) Interface {
	i := Interface{Interface: topology.Interface{Name: name, MTU: mtu, Up: true}}
	for _, a := range addrs {
		i.Addrs = append(i.Addrs, netip.MustParseAddr(a))
	}
	return i
}

func TestEndpoints(t *testing.T) {
	interfaces := []Interface{
		fixture("lo", 65536, "127.0.0.1", "::1"),
		fixture("mgmt", 1500, "192.0.2.10", "fe80::1", "2001:db8:a::10"),
		fixture("data", 9000, "169.254.7.7", "203.0.113.5", "203.0.113.6", "2001:db8:b::5"),
	}
	for _, c := range []struct {
		name                 string
		configured, defaults []string
		want                 []string
		mtu                  int
		missing              bool
	}{
		{name: "default route's interface", defaults: []string{"mgmt"}, want: []string{"192.0.2.10", "2001:db8:a::10"}, mtu: 1500},
		{name: "no default route", want: nil},
		{name: "interface, link-local skipped, first of each family", configured: []string{"data"}, defaults: []string{"mgmt"},
			want: []string{"203.0.113.5", "2001:db8:b::5"}, mtu: 9000},
		{name: "one address", configured: []string{"203.0.113.6"}, want: []string{"203.0.113.6"}, mtu: 9000},
		{name: "addresses of two interfaces: the lower MTU", configured: []string{"2001:db8:a::10", "203.0.113.6"},
			want: []string{"203.0.113.6", "2001:db8:a::10"}, mtu: 1500},
		{name: "first entry wins in its family", configured: []string{"192.0.2.10", "data"},
			want: []string{"192.0.2.10", "2001:db8:b::5"}, mtu: 1500},
		{name: "absent address", configured: []string{"192.0.2.99"}, missing: true},
		{name: "absent beside present", configured: []string{"eth9", "mgmt"}, want: []string{"192.0.2.10", "2001:db8:a::10"},
			mtu: 1500, missing: true},
		{name: "link-local is refused", configured: []string{"fe80::1"}, missing: true},
		{name: "loopback is refused", configured: []string{"lo"}, missing: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Endpoints(interfaces, c.configured, c.defaults)
			if errs.Is(err, errs.NotFound) != c.missing {
				t.Errorf("error %v, want one: %v", err, c.missing)
			}
			want := Underlay{MTU: c.mtu}
			for _, a := range c.want {
				want.Endpoints = append(want.Endpoints, netip.MustParseAddr(a))
			}
			if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
