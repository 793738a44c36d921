package api

import (
	"net/http"
	"net/netip"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

var (
	mediaZone     = []string{"application/vnd.org.midonet.TunnelZone-v1+json", mediaJSON}
	mediaZones    = []string{"application/vnd.org.midonet.collection.TunnelZone-v1+json", mediaJSON}
	mediaZoneHost = []string{"application/vnd.org.midonet.TunnelZoneHost-v1+json", "application/vnd.org.midonet.GreTunnelZoneHost-v1+json", mediaJSON}

	mediaZoneHosts = []string{"application/vnd.org.midonet.collection.TunnelZoneHost-v1+json",
		"application/vnd.org.midonet.collection.GreTunnelZoneHost-v1+json", mediaJSON}
)

// The types of tunnel zone (models/TunnelZone.java): of hosts, which tunnel by VXLAN whatever the zone asks for, and of physical switches.
const (
	zoneVXLAN = "vxlan"
	zoneGRE   = "gre"
	zoneVTEP  = "vtep"
)

// tunnelZone is models/TunnelZone.java.
type tunnelZone struct {
	ID    topology.TunnelZoneID `json:"id"`
	Name  string                `json:"name"`
	Type  string                `json:"type"`
	URI   string                `json:"uri"`
	Hosts string                `json:"hosts"`
}

// tunnelZoneHost is models/TunnelZoneHost.java.
type tunnelZoneHost struct {
	TunnelZoneID topology.TunnelZoneID `json:"tunnelZoneId"`
	HostID       topology.HostID       `json:"hostId"`
	IPAddress    netip.Addr            `json:"ipAddress"`
	URI          string                `json:"uri"`
	Host         string                `json:"host"`
	TunnelZone   string                `json:"tunnelZone"`
}

func (a *API) tunnelZoneRoutes() {
	a.serve("/tunnel_zones",
		endpoint{http.MethodGet, nil, mediaZones, listZones},
		endpoint{http.MethodPost, mediaZone, nil, a.createZone},
	)
	a.serve("/tunnel_zones/{id}",
		endpoint{http.MethodGet, nil, mediaZone, getZone},
		endpoint{http.MethodPut, mediaZone, nil, a.updateZone},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindTunnelZone)},
	)
	a.serve("/tunnel_zones/{id}/hosts",
		endpoint{http.MethodGet, nil, mediaZoneHosts, listZoneHosts},
		endpoint{http.MethodPost, mediaZoneHost, nil, a.createZoneHost},
	)
	a.serve("/tunnel_zones/{id}/hosts/{host}",
		endpoint{http.MethodGet, nil, mediaZoneHost, getZoneHost},
		endpoint{http.MethodDelete, nil, nil, a.deleteZoneHost},
	)
}

func (c *call) zoneURI(z topology.TunnelZoneID) string { return c.base + "/tunnel_zones/" + z.String() }

// zone returns the tunnel zone that the path names.
func (c *call) zone() (*topology.TunnelZone, error) {
	return find[*topology.TunnelZone](c, topology.KindTunnelZone, "id")
}

func listZones(c *call) (reply, error) {
	zones := []tunnelZone{}
	for o := range c.state.ByKind(topology.KindTunnelZone) {
		zones = append(zones, c.showZone(o.(*topology.TunnelZone)))
	}
	return reply{body: zones}, nil
}

func getZone(c *call) (reply, error) {
	z, err := c.zone()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showZone(z)}, nil
}

func (c *call) showZone(z *topology.TunnelZone) tunnelZone {
	uri := c.zoneURI(z.ID)
	shown := tunnelZone{ID: z.ID, Name: z.Name, Type: zoneVXLAN, URI: uri, Hosts: uri + "/hosts"}
	switch {
	case z.VTEP:
		shown.Type = zoneVTEP
	case z.GRE:
		shown.Type = zoneGRE
	}
	return shown
}

func (c *call) readZone() (z topology.TunnelZone, err error) {
	var body struct {
		ID   *topology.TunnelZoneID `json:"id"`
		Name string                 `json:"name"`
		Type string                 `json:"type"`
	}
	if err = c.decode(&body); err != nil {
		return z, err
	}
	var v violations
	v.size("name", body.Name, 1, maxName)
	v.add(body.Type == "", "type", "may not be null")
	v.enum("type", &body.Type, zoneVXLAN, zoneGRE, zoneVTEP)
	return topology.TunnelZone{ID: chosen(body.ID), Name: body.Name, VTEP: body.Type == zoneVTEP, GRE: body.Type == zoneGRE}, v.err()
}

func (a *API) createZone(c *call) (reply, error) {
	z, err := c.readZone()
	if err != nil {
		return reply{}, err
	}
	answer, err := a.edit(c, c.zoneURI(z.ID), func(e *operator.Edit) error {
		made := z
		return e.CreateZone(&made)
	})
	if err == nil && z.GRE {
		a.unheeded(z.Key(), "type")
	}
	return answer, err
}

func (a *API) updateZone(c *call) (reply, error) {
	z, err := c.zone()
	if err != nil {
		return reply{}, err
	}
	body, err := c.readZone()
	if err != nil {
		return reply{}, err
	}
	if body.VTEP != z.VTEP || body.GRE != z.GRE {
		return reply{}, errs.New(errs.Invalid, "NotSettable", "The type of a tunnel zone cannot be changed.")
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.RenameZone(z.ID, body.Name) })
}

func (c *call) showZoneHost(m *topology.TunnelZoneHost) tunnelZoneHost {
	uri := c.zoneURI(m.Zone)
	return tunnelZoneHost{TunnelZoneID: m.Zone, HostID: m.Host, IPAddress: m.Addr, URI: uri + "/hosts/" + m.Host.String(), Host: c.hostURI(m.Host), TunnelZone: uri}
}

func listZoneHosts(c *call) (reply, error) {
	z, err := c.zone()
	if err != nil {
		return reply{}, err
	}
	hosts := []tunnelZoneHost{}
	for m := range c.state.TunnelZoneHosts(z.ID) {
		hosts = append(hosts, c.showZoneHost(m))
	}
	return reply{body: hosts}, nil
}

func getZoneHost(c *call) (reply, error) {
	z, err := c.zone()
	if err != nil {
		return reply{}, err
	}
	for m := range c.state.TunnelZoneHosts(z.ID) {
		if m.Host.String() == c.PathValue("host") {
			return reply{body: c.showZoneHost(m)}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "Resource not found")
}

func (a *API) createZoneHost(c *call) (reply, error) {
	z, err := c.zone()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		HostID    *topology.HostID `json:"hostId"`
		IPAddress *string          `json:"ipAddress"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.add(body.HostID == nil, "hostId", "may not be null")
	v.add(body.IPAddress == nil, "ipAddress", "may not be null")
	addr := netip.Addr{}
	if body.IPAddress != nil {
		addr = v.address("ipAddress", *body.IPAddress)
	}
	if err := v.err(); err != nil {
		return reply{}, err
	}
	return a.edit(c, c.zoneURI(z.ID)+"/hosts/"+body.HostID.String(), func(e *operator.Edit) error { return e.JoinZone(z.ID, *body.HostID, addr) })
}

func (a *API) deleteZoneHost(c *call) (reply, error) {
	z, err := c.zone()
	if err != nil {
		return reply{}, err
	}
	host, err := c.named("host")
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.LeaveZone(z.ID, topology.HostID(host)) })
}
