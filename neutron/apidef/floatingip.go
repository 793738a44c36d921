package apidef

import (
	"fmt"
	"strconv"
	"strings"
)

// FloatingIPs is the definition of /v2.0/floatingips: neutron-lib api/definitions/l3.py with fip_port_details.py,
// expose_port_forwarding_in_fip.py and dns.py.
func FloatingIPs() *Resource {
	core := []Attribute{
		{Name: "floating_ip_address", Type: Address, Help: "The address on the external network; a free one where not given.",
			Create: true, NullByDefault: true, Validate: orNull(isAddress), Filter: true, Sort: true, Policy: true},
		{Name: "subnet_id", Type: UUID, Help: "The subnet of the external network that the address is to come from.",
			Create: true, Validate: orNull(isUUID), Hidden: true},
		{Name: "floating_network_id", Type: UUID, Help: "The external network.",
			Create: true, Required: true, Validate: isUUID, Filter: true, Sort: true},
		{Name: "router_id", Type: UUID, Help: "The router that translates, where a port is associated.", Filter: true, Sort: true},
		{Name: "port_id", Type: UUID, Help: "The port that the address stands for, or null.",
			Create: true, Update: true, Validate: orNull(isUUID), Filter: true},
		{Name: "fixed_ip_address", Type: Address, Help: "Which of the port's addresses; needed where it has several.",
			Create: true, Update: true, Validate: orNull(isAddress), Filter: true, Sort: true},
		{Name: "status", Type: String, Help: "ACTIVE where it is in use, else DOWN.", Filter: true, Sort: true},
		{Name: "port_details", Type: Object, Help: "What the port is."},
		{Name: "port_forwardings", Type: List, Help: "Its forwardings."},
	}
	return New("floatingip", "floatingips", identifier(), core, floatingDNS(), standard(), tagged())
}

// forwardedProtocols are those whose ports can be forwarded.
var forwardedProtocols = []any{"tcp", "udp"}

// PortForwardings is the definition of /v2.0/floatingips/<id>/port_forwardings: neutron-lib
// api/definitions/floating_ip_port_forwarding.py with fip_pf_description.py and fip_pf_port_range.py.
func PortForwardings() *Resource {
	core := []Attribute{
		{Name: "external_port", Type: Integer, Help: "Port of the floating address; null where a range of several is forwarded.",
			Create: true, Update: true, Convert: toIntegerIfAny, Validate: orNull(isPort), Filter: true, Sort: true},
		{Name: "internal_port", Type: Integer, Help: "Port of the fixed address; null where a range of several is forwarded.",
			Create: true, Update: true, Convert: toIntegerIfAny, Validate: orNull(isPort)},
		{Name: "internal_ip_address", Type: Address, Help: "The fixed address.",
			Create: true, Required: true, Update: true, Validate: isAddress},
		{Name: "protocol", Type: String, Help: "tcp or udp.",
			Create: true, Required: true, Update: true, Convert: toProtocol, Validate: oneOfTexts(forwardedProtocols), Filter: true, Sort: true},
		{Name: "internal_port_id", Type: UUID, Help: "The port that has the fixed address.",
			Create: true, Required: true, Update: true, Validate: isUUID, Filter: true, Sort: true},
		{Name: "external_port_range", Type: String, Help: "Ports of the floating address, first:last.",
			Create: true, Update: true, Convert: toTextOfPorts, Validate: orNull(isPortRange), Filter: true, Sort: true},
		{Name: "internal_port_range", Type: String, Help: "Ports of the fixed address, first:last: as many, or one.",
			Create: true, Update: true, Convert: toTextOfPorts, Validate: orNull(isPortRange)},
		{Name: "floatingip_id", Type: UUID, Help: "The floating address, as the path says.", Hidden: true, Internal: true},
		{Name: "description", Type: String, Help: "Description for people.",
			Create: true, Update: true, Default: "", Validate: stringUpTo(descriptionSize), Filter: true},
	}
	return New("port_forwarding", "port_forwardings", identifier(), core, hiddenStandard()).Under(FloatingIPs())
}

// hiddenStandard is what standard has, for a resource that shows nothing of it.
func hiddenStandard() []Attribute {
	var hidden []Attribute
	for _, a := range standard() {
		if a.Name != "description" && !a.FilterOnly {
			a.Hidden, a.Filter, a.Sort = true, false, false
			a.Internal = !a.Create
			hidden = append(hidden, a)
		}
	}
	return projectFirst(hidden)
}

// toIntegerIfAny makes a number of what is one, and leaves the rest to the validator.
func toIntegerIfAny(v any) (any, error) {
	if n, ok := integer(v); ok {
		return n, nil
	}
	return v, nil
}

// toTextOfPorts makes a text of a port that came as a number.
func toTextOfPorts(v any) (any, error) {
	switch v.(type) {
	case nil, []any, map[string]any:
		return v, nil
	}
	return text(v), nil
}

// toProtocol is convert_to_protocol: a name that Neutron knows, or a number; the validator says which of them can be forwarded.
func toProtocol(v any) (any, error) {
	s, ok := v.(string)
	switch {
	case v == nil:
		return nil, nil
	case !ok:
		return nil, InvalidInput("Input value %s must be string type", text(v))
	}
	switch strings.ToLower(s) {
	case "dccp", "icmp", "ipv6-icmp", "sctp", "tcp", "udp":
		return s, nil
	}
	if n, ok := integer(v); ok && n >= 0 && n <= 255 {
		return s, nil
	}
	return nil, InvalidInput("IP protocol '%s' is not supported. Only protocol names and their integer representation (0 to 255) "+
		"are supported", text(v))
}

const maxPort = 65535

// isPort is validate_range from 1 to the highest port.
func isPort(v any) string {
	n, ok := integer(v)
	switch {
	case !ok:
		return fmt.Sprintf("'%s' is not an integer", text(v))
	case n < 1:
		return fmt.Sprintf("'%d' is too small - must be at least '1'", n)
	case n > maxPort:
		return fmt.Sprintf("'%d' is too large - must be no larger than '%d'", n, maxPort)
	}
	return ""
}

// isPortRange is validate_port_range_or_none from 1 to the highest port.
func isPortRange(v any) string {
	ends := strings.Split(text(v), ":")
	if len(ends) > 2 {
		return "Port range must be two integers separated by a colon"
	}
	var last uint64
	for _, end := range ends {
		if end == "" {
			return "Port range must be two integers separated by a colon"
		}
		n, err := strconv.ParseUint(end, 10, 16)
		if err != nil {
			return "Invalid port: " + end
		}
		if n < 1 {
			return fmt.Sprintf("Invalid port: %s, the port must be in the range [1, %d]", end, maxPort)
		}
		if n < last {
			return "First port in a port range must be lower than the second port"
		}
		last = n
	}
	return ""
}
