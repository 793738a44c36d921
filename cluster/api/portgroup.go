package api

import (
	"net/http"
	"slices"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

var (
	mediaPortGroup  = []string{"application/vnd.org.midonet.PortGroup-v1+json", mediaJSON}
	mediaPortGroups = []string{"application/vnd.org.midonet.collection.PortGroup-v1+json", mediaJSON}
	mediaGroupPort  = []string{"application/vnd.org.midonet.PortGroupPort-v1+json", mediaJSON}
	mediaGroupPorts = []string{"application/vnd.org.midonet.collection.PortGroupPort-v1+json", mediaJSON}
)

// portGroup is models/PortGroup.java.
type portGroup struct {
	ID       topology.PortGroupID `json:"id"`
	TenantID string               `json:"tenantId"`
	Name     string               `json:"name"`
	Stateful bool                 `json:"stateful"`
	URI      string               `json:"uri"`
	Ports    string               `json:"ports"`
}

// portGroupPort is models/PortGroupPort.java.
type portGroupPort struct {
	PortGroupID topology.PortGroupID `json:"portGroupId"`
	PortID      topology.PortID      `json:"portId"`
	URI         string               `json:"uri"`
	Port        string               `json:"port"`
	PortGroup   string               `json:"portGroup"`
}

func (a *API) portGroupRoutes() {
	a.serve("/port_groups",
		endpoint{http.MethodGet, nil, mediaPortGroups, listPortGroups},
		endpoint{http.MethodPost, mediaPortGroup, nil, a.createPortGroup},
	)
	a.serve("/port_groups/{id}",
		endpoint{http.MethodGet, nil, mediaPortGroup, getPortGroup},
		endpoint{http.MethodPut, mediaPortGroup, nil, a.updatePortGroup},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindPortGroup)},
	)
	a.serve("/port_groups/{id}/ports",
		endpoint{http.MethodGet, nil, mediaGroupPorts, listGroupPorts},
		endpoint{http.MethodPost, mediaGroupPort, nil, a.createGroupPort},
	)
	a.serve("/port_groups/{id}/ports/{port}",
		endpoint{http.MethodGet, nil, mediaGroupPort, getGroupPort},
		endpoint{http.MethodDelete, nil, nil, a.deleteGroupPort},
	)
}

func (c *call) portGroupURI(g topology.PortGroupID) string {
	return c.base + "/port_groups/" + g.String()
}

// portGroup returns the port group that the path names.
func (c *call) portGroup() (*topology.PortGroup, error) {
	return find[*topology.PortGroup](c, topology.KindPortGroup, "id")
}

// groupsOf returns the port groups that the port is in: its own, and those that operators have put it in.
func (c *call) groupsOf(p *topology.Port) []topology.PortGroupID {
	if o := mirror.Lookup[*topology.Overlay](c.state, topology.KindOverlay, p.ID); o != nil {
		return slices.Concat(p.Groups, o.Groups)
	}
	return p.Groups
}

// members returns the ports that are in the port group, in order of identifier.
func (c *call) members(g topology.PortGroupID) []topology.PortID {
	members := []topology.PortID{}
	for o := range c.state.ByKind(topology.KindPort) {
		if p := o.(*topology.Port); slices.Contains(c.groupsOf(p), g) {
			members = append(members, p.ID)
		}
	}
	return members
}

// listPortGroups answers all port groups, or those of ?tenant_id, and of those the ones that ?port_id is in.
func listPortGroups(c *call) (reply, error) {
	groups := ofTenant(c, topology.KindPortGroup, func(g *topology.PortGroup) string { return g.ProjectID })
	if port := c.URL.Query().Get("port_id"); port != "" {
		groups = slices.DeleteFunc(groups, func(g *topology.PortGroup) bool {
			return !slices.ContainsFunc(c.members(g.ID), func(p topology.PortID) bool { return p.String() == port })
		})
	}
	return reply{body: show(groups, c.showPortGroup)}, nil
}

func getPortGroup(c *call) (reply, error) {
	g, err := c.portGroup()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showPortGroup(g)}, nil
}

func (c *call) showPortGroup(g *topology.PortGroup) portGroup {
	uri := c.portGroupURI(g.ID)
	return portGroup{ID: g.ID, TenantID: g.ProjectID, Name: g.Name, Stateful: g.Stateful, URI: uri, Ports: uri + "/ports"}
}

// writtenPortGroup is a port group as clients write it.
type writtenPortGroup struct {
	ID       *topology.PortGroupID `json:"id"`
	TenantID string                `json:"tenantId"`
	Name     string                `json:"name"`
	Stateful bool                  `json:"stateful"`
}

func (c *call) readPortGroup() (body writtenPortGroup, err error) {
	if err = c.decode(&body); err != nil {
		return body, err
	}
	var v violations
	v.size("name", body.Name, 0, maxName)
	v.size("tenantId", body.TenantID, 0, maxTenant)
	return body, v.err()
}

func (b writtenPortGroup) apply(to *topology.PortGroup) {
	to.Name, to.ProjectID, to.Stateful = b.Name, b.TenantID, b.Stateful
}

func (a *API) createPortGroup(c *call) (reply, error) {
	body, err := c.readPortGroup()
	if err != nil {
		return reply{}, err
	}
	id := chosen(body.ID)
	return a.edit(c, c.portGroupURI(id), func(e *operator.Edit) error {
		g := &topology.PortGroup{ID: id}
		body.apply(g)
		return e.CreatePortGroup(g)
	})
}

func (a *API) updatePortGroup(c *call) (reply, error) {
	g, err := c.portGroup()
	if err != nil {
		return reply{}, err
	}
	body, err := c.readPortGroup()
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.UpdatePortGroup(g.ID, body.apply) })
}

func (c *call) showGroupPort(g topology.PortGroupID, p topology.PortID) portGroupPort {
	uri := c.portGroupURI(g)
	return portGroupPort{PortGroupID: g, PortID: p, URI: uri + "/ports/" + p.String(), Port: c.portURI(p), PortGroup: uri}
}

func listGroupPorts(c *call) (reply, error) {
	g, err := c.portGroup()
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(c.members(g.ID), func(p topology.PortID) portGroupPort { return c.showGroupPort(g.ID, p) })}, nil
}

func listGroupsOfPort(c *call) (reply, error) {
	p, err := c.port()
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(c.groupsOf(p), func(g topology.PortGroupID) portGroupPort { return c.showGroupPort(g, p.ID) })}, nil
}

func getGroupPort(c *call) (reply, error) {
	g, err := c.portGroup()
	if err != nil {
		return reply{}, err
	}
	p, err := find[*topology.Port](c, topology.KindPort, "port")
	if err != nil {
		return reply{}, err
	}
	if !slices.Contains(c.groupsOf(p), g.ID) {
		return reply{}, errs.New(errs.NotFound, "NotFound", "Resource not found")
	}
	return reply{body: c.showGroupPort(g.ID, p.ID)}, nil
}

func (a *API) createGroupPort(c *call) (reply, error) {
	g, err := c.portGroup()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		PortID *topology.PortID `json:"portId"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.add(body.PortID == nil, "portId", "may not be null")
	if err := v.err(); err != nil {
		return reply{}, err
	}
	return a.edit(c, c.showGroupPort(g.ID, *body.PortID).URI, func(e *operator.Edit) error { return e.Join(g.ID, *body.PortID) })
}

func (a *API) deleteGroupPort(c *call) (reply, error) {
	g, err := c.portGroup()
	if err != nil {
		return reply{}, err
	}
	p, err := find[*topology.Port](c, topology.KindPort, "port")
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.Leave(g.ID, p.ID) })
}
