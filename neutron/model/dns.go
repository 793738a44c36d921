package model

import (
	"net/netip"
	"strings"
)

// DefaultDNSDomain is the domain under which ports have no names of their own (DNS_DOMAIN_DEFAULT in neutron-lib's constants): an operator
// who gives none of its own has no DNS in mind.
const DefaultDNSDomain = "openstacklocal."

// DNSAssignment is the name that one address of a port has (extension dns-integration).
type DNSAssignment struct {
	IPAddress netip.Addr `json:"ip_address"`
	Hostname  string     `json:"hostname"`
	FQDN      string     `json:"fqdn"`
}

// RootedDomain returns a domain as it is compared: with a dot at its end; the empty text is none.
func RootedDomain(domain string) string {
	if domain == "" || strings.HasSuffix(domain, ".") {
		return domain
	}
	return domain + "."
}

// TakesDNSNames reports whether ports have names of their own under the domain, which has a dot at its end.
func TakesDNSNames(domain string) bool { return domain != "" && domain != DefaultDNSDomain }

// dashed makes a label of an address.
var dashed = strings.NewReplacer(".", "-", ":", "-")

// NamesUnder returns the names of the port's addresses, in their order, under a domain with a dot at its end (_get_dns_names_for_port in
// neutron/plugins/ml2/extensions/dns_integration.py): the port's own name, or one that is made of each address.
func (p *Port) NamesUnder(domain string) []DNSAssignment {
	names := make([]DNSAssignment, len(p.FixedIPs))
	for i, ip := range p.FixedIPs {
		n := DNSAssignment{IPAddress: ip.IPAddress, Hostname: p.DNSName}
		if n.Hostname == "" || !TakesDNSNames(domain) {
			n.Hostname = "host-" + dashed.Replace(ip.IPAddress.String())
		}
		if n.FQDN = n.Hostname; domain != "" && !strings.HasSuffix(n.Hostname, ".") {
			n.FQDN += "." + domain
		}
		names[i] = n
	}
	return names
}
