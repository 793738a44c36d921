package api

import (
	"net/http"
	"net/url"

	"midonet.org/midonet/errs"
)

const (
	mediaTenant  = "application/vnd.org.midonet.Tenant-v2+json"
	mediaTenants = "application/vnd.org.midonet.collection.Tenant-v2+json"
)

// Tenant is a project, as whoever says who may use the API knows it.
type Tenant struct {
	ID, Name, Description string
	Enabled               bool
}

// tenant is models/Tenant.java.
type tenant struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
	URI         string `json:"uri"`
	Routers     string `json:"routers"`
	Bridges     string `json:"bridges"`
	Chains      string `json:"chains"`
	PortGroups  string `json:"portGroups"`
}

// tenantRoutes adds the tenants, which can be read alone (resources/TenantResource.scala).
func (a *API) tenantRoutes() {
	a.serve("/tenants",
		endpoint{http.MethodGet, nil, []string{mediaTenants, mediaJSON}, a.listTenants},
		endpoint{http.MethodPost, []string{mediaTenant, mediaJSON}, nil, tenantsAreRead},
	)
	a.serve("/tenants/{id}",
		endpoint{http.MethodGet, nil, []string{mediaTenant, mediaJSON}, a.getTenant},
		endpoint{http.MethodPut, []string{mediaTenant, mediaJSON}, nil, tenantsAreRead},
		endpoint{http.MethodDelete, nil, nil, tenantsAreRead},
	)
}

func tenantsAreRead(*call) (reply, error) {
	return reply{}, errs.New(errs.Unsupported, "TenantsAreRead", "Tenants cannot be created, updated or deleted via the REST API.")
}

func (a *API) listTenants(c *call) (reply, error) {
	known, err := a.Identity.Tenants(c.Request)
	all := []tenant{}
	for _, t := range known {
		all = append(all, c.showTenant(t))
	}
	return reply{body: all}, err
}

func (a *API) getTenant(c *call) (reply, error) {
	t, err := a.Identity.Tenant(c.Request, c.PathValue("id"))
	return reply{body: c.showTenant(t)}, err
}

func (c *call) showTenant(t Tenant) tenant {
	of := "?" + url.Values{"tenant_id": {t.ID}}.Encode()
	return tenant{
		ID: t.ID, Name: t.Name, Description: t.Description, Enabled: t.Enabled, URI: c.base + "/tenants/" + url.PathEscape(t.ID),
		Routers: c.base + "/routers" + of, Bridges: c.base + "/bridges" + of, Chains: c.base + "/chains" + of,
		PortGroups: c.base + "/port_groups" + of,
	}
}
