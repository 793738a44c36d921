package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/oslo"
)

// The drivers that exist, by the names that a configuration may call them.
var (
	typeDrivers      = []string{"midonet", "uplink"}
	tenantTypes      = []string{"midonet"}
	mechanismDrivers = []string{"midonet"}
	extensionDrivers = []string{"port_security", "dns", "dns_domain_ports"} // the first is always there
	authTypes        = []string{"password", "v3password"}
	authStrategies   = []string{"keystone", "noauth"}
)

// refusal is a value that can be read and cannot be served.
type refusal struct {
	option string // group/name
	err    *errs.Error
}

func (r *refusal) Error() string { return r.err.Error() }

// Unwrap shows the kind.
func (r *refusal) Unwrap() error { return r.err }

// bad returns the refusal of an option, given as group/name; the text goes on after the name.
func bad(option, format string, args ...any) *refusal {
	group, name, _ := strings.Cut(option, "/")
	return &refusal{option, errs.New(errs.Invalid, "BadOption", "[%s] %s%s", group, name, fmt.Sprintf(format, args...))}
}

// Check refuses values that can be read and cannot be served, all of them at once. An unknown plugin or driver is refused with the list of
// known ones: leaving it out would serve less than the operator asked for.
func (o *Options) Check() error { return joined(o.refusals()) }

// checkAt is Check with the places of what was written.
func (o *Options) checkAt(entries []oslo.Entry) error {
	refusals := o.refusals()
	for _, r := range refusals {
		if where := oslo.Where(entries, r.option); where != "" {
			r.err.Message = where + ": " + r.err.Message
		}
	}
	return joined(refusals)
}

func joined(refusals []*refusal) error {
	all := make([]error, len(refusals))
	for i, r := range refusals {
		all[i] = r
	}
	return errors.Join(all...)
}

func (o *Options) refusals() []*refusal {
	unknown := slices.Concat(
		refuseUnknown("DEFAULT/core_plugin", []string{o.CorePlugin}, slices.Sorted(maps.Keys(corePluginNames))),
		refuseUnknown("DEFAULT/service_plugins", o.ServicePlugins, slices.Sorted(maps.Keys(servicePluginNames))),
		refuseUnknown("DEFAULT/auth_strategy", []string{o.AuthStrategy}, authStrategies),
		refuseUnknown("keystone_authtoken/auth_type", []string{o.Keystone.AuthType}, authTypes),
		refuseUnknown("nova/auth_type", []string{o.Nova.AuthType}, authTypes),
		refuseUnknown("nova/endpoint_type", []string{o.Nova.EndpointType}, []string{"public", "admin", "internal"}),
		refuseUnknown("quotas/quota_driver", []string{o.Quotas.Driver}, quotaDrivers),
		refuseUnknown("ml2/type_drivers", o.TypeDrivers, typeDrivers),
		refuseUnknown("ml2/tenant_network_types", o.TenantNetworkTypes, tenantTypes),
		refuseUnknown("ml2/mechanism_drivers", o.MechanismDrivers, mechanismDrivers),
		refuseUnknown("ml2/extension_drivers", o.ExtensionDrivers, extensionDrivers),
	)
	return slices.Concat(unknown, o.checkPlugins(), o.checkValues(), o.MidoNet.check(), o.NSDB.check())
}

// refuseUnknown refuses the names that are not among the known ones, and says which those are.
func refuseUnknown(option string, names, known []string) []*refusal {
	var unknown []string
	for _, name := range names {
		if !slices.Contains(known, name) {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if unknown == nil {
		return nil
	}
	is := "is"
	if len(unknown) > 1 {
		is = "are"
	}
	return []*refusal{bad(option, ": %s %s not known; known are: %s", strings.Join(unknown, ", "), is, strings.Join(short(known), ", "))}
}

// short leaves out the paths of classes where there are names beside them.
func short(names []string) []string {
	plain := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.Contains(name, ".") })
	if len(plain) == 0 {
		return names
	}
	return plain
}

// checkValues looks at what is no name.
func (o *Options) checkValues() (refusals []*refusal) {
	refuse := func(option, format string, args ...any) { refusals = append(refusals, bad(option, format, args...)) }
	if o.BindPort < 0 || o.BindPort > 65535 {
		refuse("DEFAULT/bind_port", " = %d is no port", o.BindPort)
	}
	if _, err := mac.Parse(o.BaseMAC); err != nil {
		refuse("DEFAULT/base_mac", ": %v", err)
	}
	if o.OverlayIPVersion != 4 && o.OverlayIPVersion != 6 {
		refuse("ml2/overlay_ip_version", " = %d: write 4 or 6", o.OverlayIPVersion)
	}
	if d := o.DHCPLeaseDuration; d < -1 || d == 0 || d >= math.MaxUint32 {
		refuse("DEFAULT/dhcp_lease_duration", " = %d: write seconds from 1 to 4294967294, or -1 for ever", d)
	}
	if len(o.DNSDomain) > 255 { // a DHCP option's length
		refuse("DEFAULT/dns_domain", " has %d characters; 255 are the most", len(o.DNSDomain))
	}
	if o.ExternalDNSDriver != "" {
		refuse("DEFAULT/external_dns_driver", " = %s: no DNS service is told of names by this server; leave it empty", o.ExternalDNSDriver)
	}
	if o.AgentDownTime <= 0 {
		refuse("DEFAULT/agent_down_time", " = %d: write a number above 0", o.AgentDownTime)
	}
	if o.MaxRequestBodySize <= 0 {
		refuse("oslo_middleware/max_request_body_size", " = %d: write a number above 0", o.MaxRequestBodySize)
	}
	if o.UseSSL {
		refuse("DEFAULT/use_ssl", " = true: the Networking API speaks plain HTTP; put a proxy that ends TLS in front")
	}
	if _, err := maxPage(o.PaginationMaxLimit); err != nil {
		refuse("DEFAULT/pagination_max_limit", " = %s: %v", o.PaginationMaxLimit, err)
	}
	return refusals
}
