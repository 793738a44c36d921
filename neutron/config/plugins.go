package config

import "slices"

// The names of the core plugins, and of the service plugins that add something to them.
const (
	CoreML2       = "ml2"
	CoreMidoNetV2 = "midonet_v2" // networks, subnets and ports as networking-midonet had them until ML2 took their place
	CoreMidoNet   = "midonet"    // the oldest: with routers and without what came later
	L3            = "midonet_l3"
	NeutronL3     = "router" // the same routers, with what Neutron's own plugin says of where they are
	Forwarding    = "port_forwarding"
)

// plugins are the plugins by every name and class path that a configuration may call them, each with the name that it has here. What is
// empty is a plugin of Neutron whose work is part of every core plugin here.
var (
	corePluginNames = map[string]string{
		"ml2":                                  CoreML2,
		"neutron.plugins.ml2.plugin.Ml2Plugin": CoreML2,
		"midonet_v2":                           CoreMidoNetV2,
		"midonet.neutron.plugin_v2.MidonetPluginV2": CoreMidoNetV2,
		"midonet": CoreMidoNet,
		"midonet.neutron.plugin_v1.MidonetPluginV2": CoreMidoNet,
	}
	servicePluginNames = map[string]string{
		"midonet_l3": L3,
		"midonet.neutron.services.l3.l3_midonet.MidonetL3ServicePlugin": L3,
		"router": NeutronL3,
		"neutron.services.l3_router.l3_router_plugin.L3RouterPlugin": NeutronL3,
		"port_forwarding": Forwarding,
		"neutron.services.portforwarding.pf_plugin.PortForwardingPlugin": Forwarding,
		"tag": "",
		"neutron.services.tag.tag_plugin.TagPlugin": "",
		"timestamp": "",
		"neutron.services.timestamp.timestamp_plugin.TimeStampPlugin": "",
		"revisions": "",
		"neutron.services.revisions.revision_plugin.RevisionPlugin": "",
		"auto_allocate": "",
		"neutron.services.auto_allocate.plugin.Plugin": "",
		"flavors": "",
		"neutron.services.flavors.flavors_plugin.FlavorsPlugin":                       "",
		"network_ip_availability":                                                     "",
		"neutron.services.network_ip_availability.plugin.NetworkIPAvailabilityPlugin": "",
	}
)

// Core returns which core plugin is loaded: one of the Core constants.
func (o *Options) Core() string { return corePluginNames[o.CorePlugin] }

// Serves reports whether a service plugin is loaded: L3, by either name, NeutronL3 by its own, or Forwarding. The oldest core plugin has
// routers of its own.
func (o *Options) Serves(plugin string) bool {
	if plugin == L3 && (o.Core() == CoreMidoNet || o.names(NeutronL3)) {
		return true
	}
	return o.names(plugin)
}

// names reports whether service_plugins has one of the names of a plugin.
func (o *Options) names(plugin string) bool {
	return slices.ContainsFunc(o.ServicePlugins, func(name string) bool { return servicePluginNames[name] == plugin })
}

// Extends reports whether an extension driver is loaded.
func (o *Options) Extends(driver string) bool { return slices.Contains(o.ExtensionDrivers, driver) }

// checkPlugins refuses plugins that do not go together.
func (o *Options) checkPlugins() []*refusal {
	const option = "DEFAULT/service_plugins"
	twice := o.Core() == CoreMidoNet && (o.names(L3) || o.names(NeutronL3))
	switch {
	case o.names(L3) && o.names(NeutronL3):
		return []*refusal{bad(option, ": %s and %s are two names of one plugin", L3, NeutronL3)}
	case twice:
		return []*refusal{bad(option, ": core_plugin = %s has routers of its own, and takes no %s", o.CorePlugin, L3)}
	case o.Serves(Forwarding) && !o.Serves(L3):
		return []*refusal{bad(option, ": %s forwards ports of floating IPs, and needs %s beside it", Forwarding, L3)}
	case o.Serves(Forwarding) && o.MidoNet.Elsewhere():
		return []*refusal{bad(option, ": no MidoNet elsewhere has %s; write service_plugins = %s", Forwarding, L3)}
	case o.Serves(Forwarding) && o.Core() == CoreMidoNet:
		return []*refusal{bad(option, ": core_plugin = %s has no %s", o.CorePlugin, Forwarding)}
	}
	return nil
}
