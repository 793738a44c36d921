package run

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"midonet.org/midonet/neutron/apidef"
)

// promised is what a client may count on where an extension is listed: "ports.dns_name" is an attribute that the ports show,
// "routers/tags" a path below routers, "quotas" a collection or a path beside them, and "networks?tags=" a filter that is taken.
var promised = map[string][]string{
	"address-group":                 {"address-groups", "address-groups.addresses", "address-groups/add_addresses", "address-groups/remove_addresses"},
	"address-scope":                 {"address-scopes", "subnetpools.address_scope_id", "networks.ipv4_address_scope", "networks.ipv6_address_scope"},
	"agent":                         {"agents"},
	"allowed-address-pairs":         {"ports.allowed_address_pairs"},
	"auto-allocated-topology":       {"auto-allocated-topology", "networks?is_default=True"},
	"availability_zone":             {"availability_zones"},
	"availability_zone_filter":      {"availability_zones?name=x", "availability_zones?resource=network", "availability_zones?state=available"},
	"binding":                       {"ports.binding:vif_type", "ports.binding:vif_details", "ports.binding:vnic_type", "ports.binding:host_id", "ports.binding:profile"},
	"binding-extended":              {"ports/bindings"},
	"default-subnetpools":           {"subnetpools.is_default", "subnetpools?is_default=True"},
	"dhcp_agent_scheduler":          {"networks/dhcp-agents", "agents/dhcp-networks"},
	"dns-domain-ports":              {"ports.dns_domain"},
	"dns-integration":               {"ports.dns_name", "ports.dns_assignment", "networks.dns_domain", "floatingips.dns_name", "floatingips.dns_domain"},
	"dvr":                           {"routers.distributed"},
	"empty-string-filtering":        {"ports?device_owner="},
	"expose-port-forwarding-in-fip": {"floatingips.port_forwardings"},
	"ext-gw-mode":                   {"routers.external_gateway_info"},
	"external-net":                  {"networks.router:external", "networks?router:external=True"},
	"extra_dhcp_opt":                {"ports.extra_dhcp_opts"},
	"extraroute":                    {"routers.routes"},
	"extraroute-atomic":             {"routers/add_extraroutes", "routers/remove_extraroutes"},
	"filter-validation":             {"ports?name=x"},
	"fip-port-details":              {"floatingips.port_details"},
	"fip64":                         {"floatingips"},
	"flavors":                       {"flavors", "service_profiles", "flavors/service_profiles", "flavors/next_providers"},
	"floating-ip-port-forwarding":   {"floatingips/port_forwardings"},
	"floating-ip-port-forwarding-description": {"floatingips/port_forwardings"},
	"floating-ip-port-forwarding-detail":      {"floatingips.port_forwardings"},
	"floating-ip-port-forwarding-port-ranges": {"floatingips/port_forwardings"},
	"ip-substring-filtering":                  {"ports?fixed_ips=ip_address_substr%3D10.9"},
	"l3-ha":                                   {"routers.ha"},
	"multi-provider":                          {"networks.provider:network_type"},
	"net-mtu":                                 {"networks.mtu"},
	"net-mtu-writable":                        {"networks.mtu", "networks?mtu=1450"},
	"network-ip-availability":                 {"network-ip-availabilities", "network-ip-availabilities.total_ips", "network-ip-availabilities.subnet_ip_availability"},
	"network_availability_zone":               {"networks.availability_zones", "networks.availability_zone_hints"},
	"pagination":                              {"networks?limit=1", "networks?limit=1&page_reverse=True"},
	"port-mac-address-regenerate":             {"ports"},
	"port-security":                           {"networks.port_security_enabled", "ports.port_security_enabled"},
	"port-security-groups-filtering":          {"ports?security_groups=aaaaaaaa-0000-4000-8000-000000000001"},
	"project-id":                              {"networks.project_id", "networks?project_id=red"},
	"provider":                                {"networks.provider:network_type", "networks.provider:physical_network", "networks.provider:segmentation_id"},
	"quota-check-limit":                       {"quotas"},
	"quota_details":                           {"quotas"},
	"quotas":                                  {"quotas"},
	"rbac-address-group":                      {"rbac-policies?object_type=address_group"},
	"rbac-address-scope":                      {"rbac-policies?object_type=address_scope"},
	"rbac-policies":                           {"rbac-policies", "rbac-policies.target_tenant"},
	"rbac-security-groups":                    {"rbac-policies?object_type=security_group", "security-groups.shared"},
	"rbac-subnetpool":                         {"rbac-policies?object_type=subnetpool"},
	"revision-if-match":                       {"networks.revision_number"},
	"router":                                  {"routers", "floatingips", "routers/add_router_interface", "routers/remove_router_interface"},
	"router-admin-state-down-before-update":   {"routers.distributed"},
	"router-interface-fip":                    {"floatingips.router_id"},
	"router_availability_zone":                {"routers.availability_zones", "routers.availability_zone_hints"},
	"security-group":                          {"security-groups", "security-group-rules", "ports.security_groups"},
	"security-groups-normalized-cidr":         {"security-group-rules.normalized_cidr"},
	"security-groups-remote-address-group":    {"security-group-rules.remote_address_group_id"},
	"security-groups-shared-filtering":        {"security-groups?shared=True"},
	"service-type":                            {"service-providers"},
	"sorting":                                 {"networks?sort_key=name&sort_dir=desc"},
	"standard-attr-description":               {"networks.description", "security-group-rules.description", "ports?description="},
	"standard-attr-revisions":                 {"networks.revision_number", "subnets.revision_number", "ports.revision_number"},
	"standard-attr-tag":                       {"networks.tags", "subnets.tags", "ports.tags", "networks/tags", "networks?not-tags-any=a"},
	"standard-attr-timestamp":                 {"networks.created_at", "networks.updated_at", "subnets.created_at", "ports.updated_at"},
	"stateful-security-group":                 {"security-groups.stateful"},
	"subnet-service-types":                    {"subnets.service_types"},
	"subnet_allocation":                       {"subnetpools", "subnets.subnetpool_id"},
	"subnet_onboard":                          {"subnetpools/onboard_network_subnets"},
	"subnetpool-prefix-ops":                   {"subnetpools/add_prefixes", "subnetpools/remove_prefixes"},
	"tag-ports-during-bulk-creation":          {"ports.tags"},
}

// TestWhatIsListedIsThere asks of each core plugin that every extension that it lists keeps its promises, and that collections which are
// the matter of extensions are not served without one that is listed.
func TestWhatIsListedIsThere(t *testing.T) {
	for _, e := range apidef.Extensions() {
		if len(promised[e.Alias]) == 0 {
			t.Errorf("nothing says what %s promises", e.Alias)
		}
	}
	for _, text := range []string{"core_plugin = ml2\n", "core_plugin = ml2\nservice_plugins = router,port_forwarding\n",
		"core_plugin = midonet_v2\nservice_plugins = midonet_l3\n", "core_plugin = midonet\nservice_plugins =\n"} {
		t.Run(strings.Fields(text)[2], func(t *testing.T) {
			w := configured(t, text)
			shown := w.oneOfEach(t)
			kept := map[string]bool{"networks": true, "subnets": true, "ports": true} // which need no extension
			for _, alias := range w.aliases() {
				for _, what := range promised[alias] {
					kept[what] = true
					if !w.keeps(shown, what) {
						t.Errorf("%s is listed, and there is no %s", alias, what)
					}
				}
			}
			for _, path := range slices.Concat(w.collections(t), w.handler.Below()) {
				if name(path) != "tags" && !kept[path] {
					t.Errorf("%s is served, and no extension listed has it", path)
				}
			}
		})
	}
}

// oneOfEach makes one of each resource that the API serves, as the administrator, and returns what is shown of them, by collection.
func (w *world) oneOfEach(t *testing.T) map[string]map[string]any {
	t.Helper()
	network := w.make(t, "admin", "networks", `"name":"net"`)
	external := w.makeExternal(t)
	shown := map[string]map[string]any{}
	for _, collection := range w.collections(t) {
		row, in := isolation[collection], network
		switch {
		case slices.Contains(outside, collection):
			in = external
		case row.within != "":
			in = w.make(t, "admin", row.within, isolation[row.within].body(network))
		}
		if row.body != nil {
			w.make(t, "admin", collection, row.body(in))
		}
		_, listed := w.do("admin", "GET", collection, "")
		if items := listed[w.definition(collection).Collection].([]any); len(items) > 0 {
			shown[collection] = items[len(items)-1].(map[string]any)
		}
	}
	return shown
}

// keeps reports whether a promise is kept.
func (w *world) keeps(shown map[string]map[string]any, what string) bool {
	if path, _, isFilter := strings.Cut(what, "?"); isFilter {
		status, _ := w.do("admin", "GET", what, "")
		return status == http.StatusOK && w.serves(path)
	}
	collection, attr, isAttribute := strings.Cut(what, ".")
	if !isAttribute {
		return w.serves(what) || slices.Contains(w.handler.Below(), what)
	}
	_, has := shown[collection][attr]
	return has
}

// serves reports whether there is a collection of that path.
func (w *world) serves(path string) bool {
	return slices.ContainsFunc(w.handler.Collections(), func(def *apidef.Resource) bool { return def.Path == path })
}
