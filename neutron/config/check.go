package config

import (
	"maps"
	"math"
	"slices"
	"strings"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
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

// Check refuses values that can be read and cannot be served. An unknown plugin or driver is refused with the list of known ones:
// leaving it out would serve less than the operator asked for.
func (o *Options) Check() error {
	for _, c := range []struct {
		option string
		names  []string
		known  []string
	}{
		{"[DEFAULT] core_plugin", []string{o.CorePlugin}, slices.Sorted(maps.Keys(corePluginNames))},
		{"[DEFAULT] service_plugins", o.ServicePlugins, slices.Sorted(maps.Keys(servicePluginNames))},
		{"[DEFAULT] auth_strategy", []string{o.AuthStrategy}, authStrategies},
		{"[keystone_authtoken] auth_type", []string{o.Keystone.AuthType}, authTypes},
		{"[nova] auth_type", []string{o.Nova.AuthType}, authTypes},
		{"[nova] endpoint_type", []string{o.Nova.EndpointType}, []string{"public", "admin", "internal"}},
		{"[quotas] quota_driver", []string{o.Quotas.Driver}, quotaDrivers},
		{"[ml2] type_drivers", o.TypeDrivers, typeDrivers},
		{"[ml2] tenant_network_types", o.TenantNetworkTypes, tenantTypes},
		{"[ml2] mechanism_drivers", o.MechanismDrivers, mechanismDrivers},
		{"[ml2] extension_drivers", o.ExtensionDrivers, extensionDrivers},
	} {
		if err := RefuseUnknown(c.option, c.names, c.known); err != nil {
			return err
		}
	}
	if err := o.checkPlugins(); err != nil {
		return err
	}
	return o.checkValues()
}

// RefuseUnknown returns an error that names the first of names which is not among the known ones, and those.
func RefuseUnknown(option string, names, known []string) error {
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		list := strings.Join(known, ", ")
		if list == "" {
			list = "none so far"
		}
		return errs.New(errs.Invalid, "UnknownPlugin", "%s: %q is not known; known are: %s", option, name, list)
	}
	return nil
}

// checkValues looks at what is no name.
func (o *Options) checkValues() error {
	if o.BindPort < 0 || o.BindPort > 65535 {
		return errs.New(errs.Invalid, "BadOption", "bind_port = %d is no port", o.BindPort)
	}
	if _, err := mac.Parse(o.BaseMAC); err != nil {
		return errs.New(errs.Invalid, "BadOption", "base_mac: %v", err)
	}
	if o.OverlayIPVersion != 4 && o.OverlayIPVersion != 6 {
		return errs.New(errs.Invalid, "BadOption", "overlay_ip_version = %d: write 4 or 6", o.OverlayIPVersion)
	}
	if d := o.DHCPLeaseDuration; d < -1 || d == 0 || d >= math.MaxUint32 {
		return errs.New(errs.Invalid, "BadOption", "dhcp_lease_duration = %d: write seconds from 1 to 4294967294, or -1 for ever", d)
	}
	if len(o.DNSDomain) > 255 { // a DHCP option's length
		return errs.New(errs.Invalid, "BadOption", "dns_domain has %d characters; 255 are the most", len(o.DNSDomain))
	}
	if o.ExternalDNSDriver != "" {
		return errs.New(errs.Unsupported, "BadOption",
			"external_dns_driver = %s: no DNS service is told of names by this server; leave it empty", o.ExternalDNSDriver)
	}
	if o.AgentDownTime <= 0 {
		return errs.New(errs.Invalid, "BadOption", "agent_down_time = %d: write a number above 0", o.AgentDownTime)
	}
	if o.MaxRequestBodySize <= 0 {
		return errs.New(errs.Invalid, "BadOption", "max_request_body_size = %d: write a number above 0", o.MaxRequestBodySize)
	}
	if o.UseSSL {
		return errs.New(errs.Unsupported, "BadOption",
			"use_ssl = true: the Networking API speaks plain HTTP; put a proxy that ends TLS in front")
	}
	if _, err := maxPage(o.PaginationMaxLimit); err != nil {
		return err
	}
	if err := o.MidoNet.check(); err != nil {
		return err
	}
	return o.NSDB.check()
}
