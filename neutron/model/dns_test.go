package model

import (
	"net/netip"
	"slices"
	"testing"
)

func TestNamesOfAPort(t *testing.T) {
	p := Port{FixedIPs: []FixedIP{{IPAddress: netip.MustParseAddr("10.0.0.5")}, {IPAddress: netip.MustParseAddr("2001:db8::5")}}}
	for _, c := range []struct {
		name, domain string
		hosts, full  []string
	}{
		{"", "", []string{"host-10-0-0-5", "host-2001-db8--5"}, []string{"host-10-0-0-5", "host-2001-db8--5"}},
		{"", DefaultDNSDomain, []string{"host-10-0-0-5", "host-2001-db8--5"},
			[]string{"host-10-0-0-5.openstacklocal.", "host-2001-db8--5.openstacklocal."}},
		{"web", DefaultDNSDomain, []string{"host-10-0-0-5", "host-2001-db8--5"},
			[]string{"host-10-0-0-5.openstacklocal.", "host-2001-db8--5.openstacklocal."}},
		{"web", "", []string{"host-10-0-0-5", "host-2001-db8--5"}, []string{"host-10-0-0-5", "host-2001-db8--5"}},
		{"web", "example.org.", []string{"web", "web"}, []string{"web.example.org.", "web.example.org."}},
		{"web.example.org.", "example.org.", []string{"web.example.org.", "web.example.org."}, []string{"web.example.org.", "web.example.org."}},
	} {
		p.DNSName = c.name
		var hosts, full []string
		for _, n := range p.NamesUnder(c.domain) {
			hosts, full = append(hosts, n.Hostname), append(full, n.FQDN)
		}
		if !slices.Equal(hosts, c.hosts) || !slices.Equal(full, c.full) {
			t.Errorf("%q under %q: %v, %v", c.name, c.domain, hosts, full)
		}
	}
}
