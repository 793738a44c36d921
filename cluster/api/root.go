package api

import "net/http"

const (
	mediaApplication = "application/vnd.org.midonet.Application-v5+json"
	mediaSystemState = "application/vnd.org.midonet.SystemState-v2+json"
	// apiVersion is what the original calls itself (version/Version.java).
	apiVersion = "v5.0"
	// release is the MidoNet that this one is like. Every MidoNet 5 of the original says 5.0.0 in its system state.
	release = "5.6.0"
)

// rootCollections are the collections that the root document names (models/Application.java), by the names of their paths.
var rootCollections = map[string]string{
	"bridges": "bridges", "chains": "chains", "healthMonitors": "health_monitors", "hosts": "hosts", "ipAddrGroups": "ip_addr_groups",
	"l2insertions": "l2insertions", "loadBalancers": "load_balancers", "mirrors": "mirrors", "neutron": "neutron", "poolMembers": "pool_members",
	"pools": "pools", "portGroups": "port_groups", "ports": "ports", "qosPolicies": "qos_policies", "routers": "routers",
	"serviceContainerGroups": "service_container_groups", "serviceContainers": "service_containers", "systemState": "system_state",
	"tenants": "tenants", "traceRequests": "traces", "tunnelZones": "tunnel_zones", "vips": "vips", "vteps": "vteps",
}

// rootTemplates are the resources that it names one by one.
var rootTemplates = map[string]string{
	"bgpNetworkTemplate": "bgp_networks", "bgpPeerTemplate": "bgp_peers", "bridgeTemplate": "bridges", "chainTemplate": "chains",
	"healthMonitorTemplate": "health_monitors", "hostTemplate": "hosts", "ipAddrGroupTemplate": "ip_addr_groups",
	"l2InsertionTemplate": "l2insertions", "loadBalancerTemplate": "load_balancers", "mirrorTemplate": "mirrors",
	"poolMemberTemplate": "pool_members", "poolTemplate": "pools", "portGroupTemplate": "port_groups", "portTemplate": "ports",
	"qosBwLimitRuleTemplate": "qos_bw_limit_rules", "qosDscpRuleTemplate": "qos_dscp_rules", "qosPolicyTemplate": "qos_policies",
	"routeTemplate": "routes", "routerTemplate": "routers", "ruleTemplate": "rules",
	"serviceContainerGroupTemplate": "service_container_groups", "serviceContainerTemplate": "service_containers",
	"tenantTemplate": "tenants", "traceRequestTemplate": "traces", "tunnelZoneTemplate": "tunnel_zones", "vipTemplate": "vips",
	"vtepTemplate": "vteps",
}

// systemState is models/SystemState.java.
type systemState struct {
	State        string  `json:"state"`
	Availability string  `json:"availability"`
	Version      string  `json:"version"`
	Information  *string `json:"information"`
}

// routes registers every path.
func (a *API) routes() {
	a.serve("", endpoint{method: http.MethodGet, produces: []string{mediaJSON, mediaApplication}, handle: rootDocument})
	a.serve("/system_state", endpoint{method: http.MethodGet, produces: []string{mediaSystemState, mediaJSON}, handle: showSystemState})
	a.neutronRoutes()
	a.hostRoutes()
	a.bridgeRoutes()
	a.routerRoutes()
	a.portRoutes()
	a.routeRoutes()
	a.chainRoutes()
	a.portGroupRoutes()
	a.addrGroupRoutes()
	a.tunnelZoneRoutes()
	a.tableRoutes()
	a.dhcpRoutes()
	a.tenantRoutes()
	bgpNetworks.routes(a)
	bgpPeers.routes(a)
	loadBalancers.routes(a)
	pools.routes(a)
	poolMembers.routes(a)
	a.vipRoutes()
	healthMonitors.routes(a)
	mirrors.routes(a)
	l2Insertions.routes(a)
	qosPolicies.routes(a)
	qosBandwidthRules.routes(a)
	qosDSCPRules.routes(a)
	serviceContainers.routes(a)
	serviceContainerGroups.routes(a)
	traceRequests.routes(a)
	a.vtepRoutes()
	a.confRoutes()
}

// rootDocument names what is served. Clients find every other URI from here.
func rootDocument(c *call) (reply, error) {
	document := map[string]string{"uri": c.base + "/", "version": apiVersion}
	for name, path := range rootCollections {
		document[name] = c.base + "/" + path
	}
	for name, path := range rootTemplates {
		document[name] = c.base + "/" + path + "/{id}"
	}
	return reply{body: document}, nil
}

func showSystemState(*call) (reply, error) {
	return reply{body: systemState{State: "ACTIVE", Availability: "READWRITE", Version: release}}, nil
}
