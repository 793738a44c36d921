package ml2

import (
	"net/netip"
	"strings"
	"testing"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// naming is a request for a port with a name and a domain.
func naming(n *model.Network, name string) plugin.Body[model.Port] {
	b := portBody(n)
	b.Value.DNSName, b.Value.DNSDomain = name, "blue.example."
	b.Given["dns_name"], b.Given["dns_domain"] = true, true
	return b
}

// wantNames checks a port's name and domain, and the full name of its one address.
func (f *fixture) wantNames(p *model.Port, name, domain, full string) {
	f.t.Helper()
	found, err := f.Ports().Get(f.t.Context(), admin, p.ID.String())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range []*model.Port{p, found} {
		if p.DNSName != name || p.DNSDomain != domain || len(p.DNSAssignment) != 1 || p.DNSAssignment[0].FQDN != full {
			f.t.Errorf("named %q in %q, with %+v; want %q in %q, with %s", p.DNSName, p.DNSDomain, p.DNSAssignment, name, domain, full)
		}
	}
}

func TestPortsHaveNames(t *testing.T) {
	f := newFixture(t)
	n := f.network(alice)
	f.subnet(alice, n, "10.0.0.0/24")
	at := model.FixedIP{IPAddress: netip.MustParseAddr("10.0.0.5")}
	rename := func(p *model.Port, b model.Port, given ...string) *model.Port {
		t.Helper()
		changed, err := f.Ports().Update(t.Context(), alice, p.ID.String(), body(b, given...))
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	for _, domain := range []string{"openstacklocal", "openstacklocal.", ""} {
		f.cfg.DNSDomain = domain
		b := naming(n, "web")
		b.Value.FixedIPs, b.Given["fixed_ips"] = []model.FixedIP{at}, true
		p := one(t, f.Ports(), alice, b)
		full := strings.TrimSuffix("host-10-0-0-5."+strings.TrimSuffix(domain, "."), ".")
		if domain != "" {
			full += "."
		}
		f.wantNames(p, "", "", full)
		p = rename(p, model.Port{DNSName: "web"}, "dns_name")
		f.wantNames(p, "", "", full)
		if err := f.Ports().Delete(t.Context(), alice, p.ID.String()); err != nil {
			t.Fatal(err)
		}
	}
	f.cfg.DNSDomain = "example.org"
	p := one(t, f.Ports(), alice, naming(n, "web"))
	f.wantNames(p, "web", "blue.example.", "web.example.org.")
	p = rename(p, model.Port{Name: "x"}, "name")
	f.wantNames(p, "web", "blue.example.", "web.example.org.")
	p = rename(p, model.Port{DNSName: "db.example.org."}, "dns_name")
	f.wantNames(p, "db.example.org.", "blue.example.", "db.example.org.")
	p = rename(p, model.Port{FixedIPs: []model.FixedIP{at}}, "fixed_ips", "dns_name", "dns_domain")
	f.wantNames(p, "", "", "host-10-0-0-5.example.org.")
}

// TestNamesAndTheDomain: a name must have room for the domain, or be of the domain.
func TestNamesAndTheDomain(t *testing.T) {
	f := newFixture(t)
	f.cfg.DNSDomain = "example.org"
	n := f.network(alice)
	for _, c := range []struct{ name, want string }{
		{strings.Repeat("a.", 121) + "b", ""}, // 243 and .example.org. are 256
		{strings.Repeat("a.", 120) + "b", "ok"},
		{"web.example.com.", "The dns_name passed is a FQDN. Its higher level labels must be equal to the dns_domain option in neutron.conf, that " +
			"has been set to 'example.org'. It must also include one or more valid DNS labels to the left of 'example.org'"},
		{"example.org.", "The dns_name passed is a FQDN. Its higher level labels must be equal to the dns_domain option in neutron.conf, that " +
			"has been set to 'example.org'. It must also include one or more valid DNS labels to the left of 'example.org'"},
		{"a.example.org.", "ok"},
	} {
		want := c.want
		if want == "" {
			want = "The dns_name passed is a PQDN and its size is '243'. The dns_domain option in neutron.conf is set to example.org, with a length " +
				"of '13'. When the two are concatenated to form a FQDN (with a '.' at the end), the resulting length exceeds the maximum size of '255'"
		}
		_, err := f.Ports().Create(t.Context(), alice, []plugin.Body[model.Port]{naming(n, c.name)})
		if want == "ok" {
			if err != nil {
				t.Errorf("%q: %v", c.name, err)
			}
			continue
		}
		wantFault(t, err, errs.Invalid, "HTTPBadRequest", "Invalid input for dns_name. Reason: "+want+".")
	}
}

func TestDomainsOfNetworks(t *testing.T) {
	f := newFixture(t)
	n := one(t, f.Networks(), alice, body(model.Network{DNSDomain: "blue.example."}, "dns_domain"))
	if n.DNSDomain != "blue.example." {
		t.Errorf("made %q", n.DNSDomain)
	}
	for _, c := range []struct {
		b    plugin.Body[model.Network]
		want string
	}{
		{body(model.Network{Name: "x"}, "name"), "blue.example."},
		{body(model.Network{DNSDomain: "red.example."}, "dns_domain"), "red.example."},
		{body(model.Network{}, "dns_domain"), ""},
	} {
		changed, err := f.Networks().Update(t.Context(), alice, n.ID.String(), c.b)
		if err != nil || changed.DNSDomain != c.want {
			t.Errorf("changed to %v, %v; want %q", changed, err, c.want)
		}
	}
}
