package ml2

import (
	"fmt"
	"strings"

	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/plugin"
)

// maxFQDN is the length of a name with its domain, in characters (FQDN_FIELD_SIZE).
const maxFQDN = 255

// nameNewPort checks the name and domain of a new port. Under the default domain, or none, ports have no names, and what a client says is
// passed over (process_create_port in neutron/plugins/ml2/extensions/dns_integration.py).
func (p *Plugin) nameNewPort(port *model.Port) error {
	if !model.TakesDNSNames(p.dnsDomain()) {
		port.DNSName, port.DNSDomain = "", ""
		return nil
	}
	return p.checkDNSName(port.DNSName)
}

// rename gives a port the name and domain that a request has (process_update_port).
func (p *Plugin) rename(port *model.Port, body plugin.Body[model.Port]) error {
	if !model.TakesDNSNames(p.dnsDomain()) {
		return nil
	}
	if err := p.checkDNSName(body.Value.DNSName); err != nil {
		return err
	}
	set(body.Has("dns_name"), &port.DNSName, body.Value.DNSName)
	set(body.Has("dns_domain"), &port.DNSDomain, body.Value.DNSDomain)
	return nil
}

// dnsDomain is the domain of the configuration, with a dot at its end.
func (p *Plugin) dnsDomain() string { return model.RootedDomain(p.cfg.DNSDomain) }

// checkDNSName asks that a name and the domain of the configuration go together (_validate_dns_name_with_dns_domain in neutron-lib
// api/validators/dns.py).
func (p *Plugin) checkDNSName(name string) error {
	domain := "." + p.dnsDomain()
	reason := ""
	switch {
	case name == "":
	case !strings.HasSuffix(name, "."):
		if len(name)+len(domain) > maxFQDN {
			reason = fmt.Sprintf("The dns_name passed is a PQDN and its size is '%d'. The dns_domain option in neutron.conf is set to %s, with "+
				"a length of '%d'. When the two are concatenated to form a FQDN (with a '.' at the end), the resulting length exceeds the "+
				"maximum size of '%d'", len(name), p.cfg.DNSDomain, len(domain), maxFQDN)
		}
	case len(name) <= len(domain) || !strings.HasSuffix(name, domain):
		reason = fmt.Sprintf("The dns_name passed is a FQDN. Its higher level labels must be equal to the dns_domain option in neutron.conf, "+
			"that has been set to '%[1]s'. It must also include one or more valid DNS labels to the left of '%[1]s'", p.cfg.DNSDomain)
	}
	if reason == "" {
		return nil
	}
	return apidef.BadRequest("Invalid input for dns_name. Reason: %s.", reason)
}
