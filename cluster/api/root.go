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

// application is the root document (models/Application.java) with what is served. Clients find every other URI from here.
type application struct {
	URI                 string `json:"uri"`
	Version             string `json:"version"`
	Bridges             string `json:"bridges"`
	BridgeTemplate      string `json:"bridgeTemplate"`
	Chains              string `json:"chains"`
	ChainTemplate       string `json:"chainTemplate"`
	Hosts               string `json:"hosts"`
	HostTemplate        string `json:"hostTemplate"`
	IPAddrGroups        string `json:"ipAddrGroups"`
	IPAddrGroupTemplate string `json:"ipAddrGroupTemplate"`
	Neutron             string `json:"neutron"`
	PortGroups          string `json:"portGroups"`
	PortGroupTemplate   string `json:"portGroupTemplate"`
	Ports               string `json:"ports"`
	PortTemplate        string `json:"portTemplate"`
	RouteTemplate       string `json:"routeTemplate"`
	Routers             string `json:"routers"`
	RouterTemplate      string `json:"routerTemplate"`
	RuleTemplate        string `json:"ruleTemplate"`
	SystemState         string `json:"systemState"`
	Tenants             string `json:"tenants"`
	TenantTemplate      string `json:"tenantTemplate"`
	TunnelZones         string `json:"tunnelZones"`
	TunnelZoneTemplate  string `json:"tunnelZoneTemplate"`
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
}

func rootDocument(c *call) (reply, error) {
	return reply{body: application{
		URI: c.base + "/", Version: apiVersion,
		Bridges: c.base + "/bridges", BridgeTemplate: c.base + "/bridges/{id}",
		Chains: c.base + "/chains", ChainTemplate: c.base + "/chains/{id}",
		IPAddrGroups: c.base + "/ip_addr_groups", IPAddrGroupTemplate: c.base + "/ip_addr_groups/{id}",
		PortGroups: c.base + "/port_groups", PortGroupTemplate: c.base + "/port_groups/{id}",
		Routers: c.base + "/routers", RouterTemplate: c.base + "/routers/{id}",
		RouteTemplate: c.base + "/routes/{id}", RuleTemplate: c.base + "/rules/{id}",
		TunnelZones: c.base + "/tunnel_zones", TunnelZoneTemplate: c.base + "/tunnel_zones/{id}",
		Hosts: c.base + "/hosts", HostTemplate: c.base + "/hosts/{id}",
		Ports: c.base + "/ports", PortTemplate: c.base + "/ports/{id}",
		Neutron: c.base + "/neutron", SystemState: c.base + "/system_state",
		Tenants: c.base + "/tenants", TenantTemplate: c.base + "/tenants/{id}",
	}}, nil
}

func showSystemState(*call) (reply, error) {
	return reply{body: systemState{State: "ACTIVE", Availability: "READWRITE", Version: release}}, nil
}
