package run

import (
	"slices"

	"midonet.org/midonet/neutron/api"
	"midonet.org/midonet/neutron/apidef"
	"midonet.org/midonet/neutron/config"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/neutron/quota"
	"midonet.org/midonet/neutron/service/autoallocate"
	"midonet.org/midonet/neutron/service/flavors"
	"midonet.org/midonet/neutron/service/ipavailability"
	"midonet.org/midonet/neutron/service/providers"
	"midonet.org/midonet/neutron/tag"
)

// Which extensions come from which plugin; every other one is the core plugin's.
var (
	l3Extensions = []string{"auto-allocated-topology", "ext-gw-mode", "extraroute", "extraroute-atomic", "fip-port-details", "fip64", "router",
		"router-interface-fip"}
	neutronL3Extensions  = []string{"dvr", "l3-ha", "router-admin-state-down-before-update"}
	forwardingExtensions = []string{"expose-port-forwarding-in-fip", "floating-ip-port-forwarding",
		"floating-ip-port-forwarding-description", "floating-ip-port-forwarding-detail", "floating-ip-port-forwarding-port-ranges"}

	// alwaysThere are what the API itself does, and what service plugins do that Neutron always loads.
	alwaysThere = []string{"empty-string-filtering", "filter-validation", "flavors", "ip-substring-filtering", "network-ip-availability", "pagination",
		"project-id", "quota-check-limit", "quota_details", "revision-if-match", "service-type", "sorting", "standard-attr-description",
		"standard-attr-revisions", "standard-attr-tag", "standard-attr-timestamp"}

	// oldCores are the extensions of the core plugins from before ML2 (supported_extension_aliases in midonet/neutron/plugin_v1.py and
	// plugin_v2.py of the original), as far as they are served.
	oldCores = map[string][]string{
		config.CoreMidoNetV2: {"agent", "allowed-address-pairs", "binding", "dhcp_agent_scheduler", "external-net", "extra_dhcp_opt", "port-security", "provider",
			"quotas", "security-group", "subnet_allocation"},
		config.CoreMidoNet: {"agent", "binding", "dhcp_agent_scheduler", "ext-gw-mode", "external-net", "extra_dhcp_opt", "quotas", "router", "security-group",
			"subnet_allocation"},
	}
)

// hereAlone are the extensions for which a MidoNet elsewhere has nothing.
var hereAlone = []string{"address-group", "rbac-address-group", "security-groups-remote-address-group", "stateful-security-group"}

// offers reports whether the plugins of the configuration have the extension.
func offers(o *config.Options, alias string) bool {
	old, isOld := oldCores[o.Core()]
	switch {
	case o.MidoNet.Elsewhere() && slices.Contains(hereAlone, alias):
		return false
	case o.Core() == config.CoreMidoNet:
		return slices.Contains(old, alias) || slices.Contains(alwaysThere, alias)
	case alias == "router_availability_zone": // which means nothing without the zones of the core plugin
		return o.Core() == config.CoreML2 && o.Serves(config.L3)
	case alias == "dns-integration": // which is about floating IPs as well
		return o.Core() == config.CoreML2 && o.Serves(config.L3) && (o.Extends("dns") || o.Extends("dns_domain_ports"))
	case alias == "dns-domain-ports":
		return o.Core() == config.CoreML2 && o.Serves(config.L3) && o.Extends("dns_domain_ports")
	case slices.Contains(neutronL3Extensions, alias):
		return o.Serves(config.NeutronL3) && (o.EnableDVR || alias == "l3-ha")
	case slices.Contains(l3Extensions, alias):
		return o.Serves(config.L3)
	case slices.Contains(forwardingExtensions, alias):
		return o.Serves(config.Forwarding)
	}
	return !isOld || slices.Contains(old, alias) || slices.Contains(alwaysThere, alias)
}

// extensions are what the API lists: all that the loaded plugins offer, and nothing else.
func (s *server) extensions() []apidef.Extension {
	return slices.DeleteFunc(apidef.Extensions(), func(e apidef.Extension) bool {
		return !offers(s.options, e.Alias)
	})
}

// serviceTypes are the types of the plugins that are loaded, for any of which there may be flavors (neutron-lib plugins/constants.py, and
// get_plugin_type of those that Neutron always loads).
func serviceTypes(o *config.Options) []string {
	types := []string{"CORE", "FLAVORS", "TAG", "timestamp", "revision_plugin", "network-ip-availability"}
	if o.Serves(config.L3) {
		types = append(types, "L3_ROUTER_NAT")
	}
	if offers(o, "auto-allocated-topology") {
		types = append(types, "auto-allocated-topology")
	}
	if o.Serves(config.Forwarding) {
		types = append(types, "PORTFORWARDING")
	}
	return types
}

// registerFlavors adds flavors, and the providers that they choose from: none, as long as no service has drivers to choose from.
func (s *server) registerFlavors(h *api.Server) {
	p := flavors.New(s.db, serviceTypes(s.options))
	api.Register(h, apidef.ServiceProviders(), providers.New())
	api.Register(h, apidef.Flavors(), p.Flavors())
	api.Register(h, apidef.ServiceProfiles(), p.ServiceProfiles())
	api.RegisterChild(h, apidef.Flavors(), apidef.FlavorProfiles(), p.ProfilesOf)
	api.RegisterChild(h, apidef.Flavors(), apidef.NextProviders(), p.NextProviderOf)
}

// defined returns a definition without the attributes of extensions that are not listed.
func (s *server) defined(def *apidef.Resource) *apidef.Resource {
	var absent []string
	switch {
	case !offers(s.options, "dns-integration"):
		absent = []string{"dns_name", "dns_domain", "dns_assignment"}
	case !offers(s.options, "dns-domain-ports") && def.Name == "port":
		absent = []string{"dns_domain"}
	}
	if !offers(s.options, "dvr") {
		absent = append(absent, "distributed")
	}
	if !offers(s.options, "l3-ha") {
		absent = append(absent, "ha")
	}
	return def.Without(absent...)
}

// register adds the collections of the loaded plugins.
func (s *server) register(h *api.Server) {
	api.Register(h, s.defined(apidef.Networks()), s.plugin.Networks())
	api.Register(h, apidef.Subnets(), s.plugin.Subnets())
	api.Register(h, s.defined(apidef.Ports()), s.plugin.Ports())
	if offers(s.options, "binding-extended") {
		api.RegisterChild(h, apidef.Ports(), apidef.PortBindings(), s.plugin.PortBindings)
		api.RegisterChildAction[model.PortBinding](h, apidef.Ports(), apidef.PortBindings(), "activate", s.plugin.ActivateBinding)
	}
	s.registerPools(h)
	s.registerSecurity(h)
	s.registerAgents(h)
	s.registerFlavors(h)
	api.Register(h, apidef.NetworkIPAvailabilities(), ipavailability.New(s.db))
	if s.options.Core() == config.CoreML2 {
		api.Register(h, apidef.RBACPolicies(), s.plugin.RBACPolicies())
	}
	if s.options.Serves(config.L3) {
		s.registerL3(h)
	}
	if offers(s.options, "auto-allocated-topology") {
		api.RegisterTopologies(h, autoallocate.New(s.plugin, s.l3, s.db, s.Log))
	}
	api.RegisterQuotas(h, quota.NewPlugin(s.db, s.options.Quotas.Limits()))
	api.RegisterTags(h, tag.New(s.db)) // of all of them
}
