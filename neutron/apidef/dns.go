package apidef

import (
	"fmt"
	"regexp"
	"strings"
)

// fqdnSize is the length of a name with its domain, in characters (neutron-lib db/constants.py, FQDN_FIELD_SIZE).
const fqdnSize = 255

// portDNS is what a port has of names (neutron-lib api/definitions/dns.py and dns_domain_ports.py).
func portDNS() []Attribute {
	return []Attribute{
		{Name: "dns_name", Type: String, Help: "The name of its addresses under dns_domain of the configuration, where that is not the default.",
			Create: true, Update: true, Default: "", Convert: toLower, Validate: dnsName},
		dnsDomainOf("The domain in which an external DNS service is told of it."),
		{Name: "dns_assignment", Type: List, Help: "The names of its addresses: objects with ip_address, hostname and fqdn."},
	}
}

// dnsDomainOf is the attribute dns_domain of networks and ports.
func dnsDomainOf(help string) Attribute {
	return Attribute{Name: "dns_domain", Type: String, Help: help,
		Create: true, Update: true, Default: "", Convert: toLower, Validate: dnsDomain}
}

// floatingDNS is what a floating address takes for an external DNS service (neutron-lib api/definitions/dns.py).
func floatingDNS() []Attribute {
	return []Attribute{
		{Name: "dns_name", Type: String, Help: "A name for an external DNS service; empty where there is none.",
			Create: true, Default: "", Convert: toLower, Validate: floatingDNSName},
		{Name: "dns_domain", Type: String, Help: "Its domain; likewise.",
			Create: true, Default: "", Convert: toLower, Validate: dnsDomain},
	}
}

// toLower is convert_string_to_case_insensitive.
func toLower(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, InvalidInput("Input value %s must be string type", text(v))
	}
	return strings.ToLower(s), nil
}

var (
	// dnsLabel is DNS_LABEL_REGEX of neutron-lib's constants, with the words that an external DNS service would have replaced.
	dnsLabel = regexp.MustCompile(`^([a-z0-9-]{1,63}|<project_id>|<project_name>|<user_name>|<user_id>)$`)
	numeric  = regexp.MustCompile(`^[0-9]+$`)
)

// dnsName is validate_dns_name of a port, but for what depends on the domain of the configuration, which is for the plugin to say.
func dnsName(v any) string { return dnsFormat(v.(string)) }

// dnsFormat is _validate_dns_format (neutron-lib api/validators/dns.py): a name of RFC 1123, with or without a dot at its end.
func dnsFormat(name string) string {
	if name == "" {
		return ""
	}
	if reason := labels(strings.TrimSuffix(name, ".")); reason != "" {
		return fmt.Sprintf("'%s' not a valid PQDN or FQDN. Reason: %s", name, reason)
	}
	return ""
}

func labels(name string) string {
	if len([]rune(name)) > fqdnSize {
		return fmt.Sprintf("'%s' exceeds the %d character FQDN limit", name, fqdnSize)
	}
	all := strings.Split(name, ".")
	for _, label := range all {
		switch {
		case label == "":
			return "Encountered an empty component"
		case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
			return fmt.Sprintf("Name '%s' must not start or end with a hyphen", label)
		case !dnsLabel.MatchString(label):
			return fmt.Sprintf("Name '%s' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen", label)
		}
	}
	if top := all[len(all)-1]; len(all) > 1 && numeric.MatchString(top) {
		return fmt.Sprintf("TLD '%s' must not be all numeric", top)
	}
	return ""
}

// floatingDNSName is validate_fip_dns_name: a relative name that has room for a domain.
func floatingDNSName(v any) string {
	name := v.(string)
	if strings.HasSuffix(name, ".") {
		return fmt.Sprintf("'%s' is a FQDN. It should be a relative domain name", name)
	}
	if reason := dnsFormat(name); reason != "" {
		return reason
	}
	if len(name) > fqdnSize-len("a..") {
		return fmt.Sprintf("'%s' contains %d characters. Adding a domain name will cause it to exceed the maximum length of a FQDN of '%d'",
			name, len(name), fqdnSize)
	}
	return ""
}

// dnsDomain is validate_dns_domain: a name with a dot at its end that has room for another in front.
func dnsDomain(v any) string {
	name := v.(string)
	if name == "" {
		return ""
	}
	if !strings.HasSuffix(name, ".") {
		return fmt.Sprintf("'%s' is not a FQDN", name)
	}
	if reason := dnsFormat(name); reason != "" {
		return reason
	}
	if len(name) > fqdnSize-len("a.") {
		return fmt.Sprintf("'%s' contains %d characters. Adding a sub-domain will cause it to exceed the maximum length of a FQDN of '%d'",
			name, len(name), fqdnSize)
	}
	return ""
}
