package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// vtep is models/Vtep.java. Nobody speaks to the switch, so that it is disconnected, and what it would say of itself is not known.
type vtep struct {
	entity[topology.VTEP]
	ManagementIP        *string                `json:"managementIp"`
	ManagementPort      *int                   `json:"managementPort"`
	TunnelZoneID        *topology.TunnelZoneID `json:"tunnelZoneId"`
	Name                *string                `json:"name"`
	Description         *string                `json:"description"`
	ConnectionState     *string                `json:"connectionState"`
	TunnelIPAddrs       []string               `json:"tunnelIpAddrs"`
	Bindings            *string                `json:"bindings"`
	Ports               *string                `json:"ports"`
	VTEPBindingTemplate *string                `json:"vtepBindingTemplate"`
}

var vteps = stored[*topology.VTEP, vtep]{
	kind: topology.KindVTEP, path: "/vteps", media: "VTEP-v2", can: canList | canCreate,
	show: func(c *call, o *topology.VTEP) vtep {
		uri := c.link("/vteps", o.ID)
		return vtep{entity: entity[topology.VTEP]{&o.ID, uri}, ManagementIP: new(o.Addr.String()), ManagementPort: new(int(o.Port)),
			TunnelZoneID: present(o.Zone), Name: new(""), Description: new(""), ConnectionState: new("disconnected"), TunnelIPAddrs: []string{},
			Bindings: new(*uri + "/bindings"), Ports: new(*uri + "/ports"), VTEPBindingTemplate: new(*uri + "/{portName}/{vlanId}")}
	},
	read: func(_ *call, v *violations, d *vtep, _ *topology.VTEP) (*topology.VTEP, error) {
		v.add(d.ManagementPort == nil, "managementPort", "must be greater than or equal to 1")
		return &topology.VTEP{ID: *d.ID, Addr: v.needed("managementIp", d.ManagementIP), Zone: given(d.TunnelZoneID),
			Port: uint16(v.within("managementPort", d.ManagementPort, 1, 65535))}, nil
	},
}

const (
	mediaVTEPBinding  = "application/vnd.org.midonet.VTEPBinding-v2+json"
	mediaVTEPBindings = "application/vnd.org.midonet.collection.VTEPBinding-v2+json"
	mediaVTEPPort     = "application/vnd.org.midonet.VTEPPort-v1+json"
	mediaVTEPPorts    = "application/vnd.org.midonet.collection.VTEPPort-v1+json"
	// mediaMACIP is the type of one entry and of the list (MidonetMediaTypes.scala).
	mediaMACIP = "application/vnd.org.midonet.MacIp-v1+json"
	// maxBindingVLAN is the largest VLAN of a binding (VtepBinding.java).
	maxBindingVLAN = 4095
	// maxBindings is how many bindings a switch has at most. A switch is one object.
	maxBindings = 4096
)

// vtepBinding is models/VtepBinding.java.
type vtepBinding struct {
	VTEPID    *topology.VTEPID   `json:"vtepId"`
	PortName  *string            `json:"portName"`
	VLANID    *int               `json:"vlanId"`
	NetworkID *topology.BridgeID `json:"networkId"`
	URI       *string            `json:"uri"`
}

func (a *API) vtepRoutes() {
	vteps.routes(a)
	a.serve("/vteps/{id}/ports", endpoint{http.MethodGet, nil, []string{mediaVTEPPorts}, noVTEPPorts})
	a.serve("/vteps/{id}/ports/{name}", endpoint{http.MethodGet, nil, []string{mediaVTEPPort}, noVTEPPorts})
	a.serve("/vteps/{id}/bindings",
		endpoint{http.MethodGet, nil, []string{mediaVTEPBindings, mediaJSON}, listVTEPBindings},
		endpoint{http.MethodPost, []string{mediaVTEPBinding, mediaJSON}, nil, a.createVTEPBinding},
	)
	a.serve("/vteps/{id}/bindings/{port}/{vlan}",
		endpoint{http.MethodGet, nil, []string{mediaVTEPBinding, mediaJSON}, getVTEPBinding},
		endpoint{http.MethodDelete, nil, nil, a.deleteVTEPBinding},
	)
	a.serve("/bridges/{id}/vxlan_ports", endpoint{http.MethodGet, nil, mediaPortsV4, listVXLANPorts})
	a.serve("/bridges/{id}/ports/{port}/vtep_bindings", endpoint{http.MethodGet, nil, []string{mediaJSON}, listBindingsOfPort})
	a.serve("/bridges/{id}/ports/{port}/vtep_bindings/{name}/{vlan}", endpoint{http.MethodGet, nil, []string{mediaJSON}, listBindingsOfPort})
	a.serve("/routers/{id}/ports/{port}/peering_table",
		endpoint{http.MethodGet, nil, []string{mediaMACIP, mediaJSON}, listPeering},
		endpoint{http.MethodPost, []string{mediaMACIP, mediaJSON}, nil, a.createPeering},
	)
	a.serve("/routers/{id}/ports/{port}/peering_table/{entry}",
		endpoint{http.MethodGet, nil, []string{mediaMACIP, mediaJSON}, getPeering},
		endpoint{http.MethodDelete, nil, nil, a.deletePeering},
	)
}

// vtep returns the switch that the path names.
func (c *call) vtep() (*topology.VTEP, error) {
	return find[*topology.VTEP](c, topology.KindVTEP, "id")
}

// noVTEPPorts answers for a switch that nobody can ask what ports it has.
func noVTEPPorts(c *call) (reply, error) {
	o, err := c.vtep()
	if err != nil {
		return reply{}, err
	}
	return reply{}, errs.New(errs.Unavailable, "VTEPInaccessible", "The VTEP at %s:%d could not be accessed.", o.Addr, o.Port)
}

func (c *call) showVTEPBinding(of topology.VTEPID, b topology.VTEPBinding) vtepBinding {
	return vtepBinding{VTEPID: &of, PortName: &b.Port, VLANID: new(int(b.VLAN)), NetworkID: &b.Bridge,
		URI: new(*c.link("/vteps", of) + "/bindings/" + b.Port + "/" + strconv.Itoa(int(b.VLAN)))}
}

func listVTEPBindings(c *call) (reply, error) {
	o, err := c.vtep()
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(o.Bindings, func(b topology.VTEPBinding) vtepBinding { return c.showVTEPBinding(o.ID, b) })}, nil
}

func getVTEPBinding(c *call) (reply, error) {
	o, err := c.vtep()
	if err != nil {
		return reply{}, err
	}
	for _, b := range o.Bindings {
		if b.Port == c.PathValue("port") && strconv.Itoa(int(b.VLAN)) == c.PathValue("vlan") {
			return reply{body: c.showVTEPBinding(o.ID, b)}, nil
		}
	}
	return reply{}, errs.New(errs.NotFound, "NotFound", "The VTEP at %s does not have a binding to a Midonet network for VLAN %s at port %s.",
		o.Addr, c.PathValue("vlan"), c.PathValue("port"))
}

// createVTEPBinding cannot know whether the switch has such a port.
func (a *API) createVTEPBinding(c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	var body vtepBinding
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	b := topology.VTEPBinding{Port: required(&v, "portName", body.PortName), VLAN: uint16(v.within("vlanId", body.VLANID, 0, maxBindingVLAN)),
		Bridge: required(&v, "networkId", body.NetworkID)}
	v.size("portName", b.Port, 1, maxName)
	if err := v.err(); err != nil {
		return reply{}, err
	}
	of := topology.VTEPID(named)
	answer, err := a.edit(c, *c.showVTEPBinding(of, b).URI, func(e *operator.Edit) error { return e.Bind(of, b, maxBindings) })
	if err == nil {
		a.unheeded(topology.Key{Kind: topology.KindVTEP, ID: of}, "bindings")
	}
	return answer, err
}

func (a *API) deleteVTEPBinding(c *call) (reply, error) {
	o, err := c.vtep()
	if err != nil {
		return reply{}, err
	}
	vlan, err := strconv.ParseUint(c.PathValue("vlan"), 10, 16)
	if err != nil {
		return reply{}, nil
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.Unbind(o.ID, c.PathValue("port"), uint16(vlan)) })
}

// vxlanPort is a bridge's port to a switch: there is one where the switch has a binding to the bridge (VtepBindingResource.scala).
type vxlanPort struct {
	vtep   *topology.VTEP
	bridge topology.BridgeID
}

// id is the switch's and the bridge's, one over the other.
func (p vxlanPort) id() (port topology.PortID) {
	for i := range port {
		port[i] = p.vtep.ID[i] ^ p.bridge[i]
	}
	return port
}

// vxlanPorts returns those of all bridges, or of one.
func (c *call) vxlanPorts(of topology.BridgeID) []vxlanPort {
	var all []vxlanPort
	for o := range c.state.ByKind(topology.KindVTEP) {
		v := o.(*topology.VTEP)
		for _, b := range v.Bindings {
			if p := (vxlanPort{v, b.Bridge}); (of.IsZero() || b.Bridge == of) && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// vxlanPort returns the one with the identifier.
func (c *call) vxlanPort(named topology.PortID) (vxlanPort, bool) {
	all := c.vxlanPorts(topology.BridgeID{})
	i := slices.IndexFunc(all, func(p vxlanPort) bool { return p.id() == named })
	if i < 0 {
		return vxlanPort{}, false
	}
	return all[i], true
}

// shownVXLANPort is models/VxLanPort.java.
type shownVXLANPort struct {
	port
	VTEPID topology.VTEPID `json:"vtepId"`
}

func (c *call) showVXLANPort(p vxlanPort) any {
	shown := c.portDocument(&topology.Port{ID: p.id(), Bridge: p.bridge, AdminUp: true})
	shown.Type = "Vxlan"
	return shownVXLANPort{shown, p.vtep.ID}
}

func listVXLANPorts(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	return reply{body: show(c.vxlanPorts(b.ID), c.showVXLANPort)}, nil
}

// listBindingsOfPort answers the bindings to the bridge of the switch to which the port leads.
func listBindingsOfPort(c *call) (reply, error) {
	named, err := c.named("port")
	if err != nil {
		return reply{}, err
	}
	p, ok := c.vxlanPort(topology.PortID(named))
	if !ok {
		if c.state.Get(topology.Key{Kind: topology.KindPort, ID: named}) == nil {
			return reply{}, noSuch("Port", named)
		}
		return reply{}, errs.New(errs.Invalid, "NotVXLAN", "Port %s is not a VXLAN port.", named)
	}
	all := []vtepBinding{}
	for _, b := range p.vtep.Bindings {
		name, vlan := c.PathValue("name"), c.PathValue("vlan")
		if b.Bridge == p.bridge && (name == "" || b.Port == name && strconv.Itoa(int(b.VLAN)) == vlan) {
			all = append(all, c.showVTEPBinding(p.vtep.ID, b))
		}
	}
	return reply{body: all}, nil
}

// macIP is models/MacIpPair.java: behind which tunnel endpoint of another site a MAC is.
type macIP struct {
	IP  *string `json:"ip"`
	MAC *string `json:"mac"`
	URI *string `json:"uri"`
}

// peered returns the router's port that the path names.
func (c *call) peered() (*topology.Port, error) {
	r, err := c.router()
	if err != nil {
		return nil, err
	}
	p, err := find[*topology.Port](c, topology.KindPort, "port")
	if err == nil && p.Router != r.ID {
		err = operator.Missing(topology.KindPort, p.ID)
	}
	return p, err
}

func (c *call) showPeering(p *topology.Port, e *topology.PeeringEntry) macIP {
	return macIP{IP: new(e.Addr.String()), MAC: new(e.MAC.String()),
		URI: new(*c.peeringTable(p) + "/" + e.Addr.String() + "_" + uriMAC(e.MAC.String()))}
}

func (c *call) peeringTable(p *topology.Port) *string {
	return new(c.routerURI(p.Router) + "/ports/" + p.ID.String() + "/peering_table")
}

func listPeering(c *call) (reply, error) {
	p, err := c.peered()
	if err != nil {
		return reply{}, err
	}
	all := []macIP{}
	for o := range c.state.Referring(topology.KindPeeringEntry, p.Key()) {
		all = append(all, c.showPeering(p, o.(*topology.PeeringEntry)))
	}
	return reply{body: all}, nil
}

// peeringEntry reads the entry that the path names.
func (c *call) peeringEntry() (*topology.Port, *topology.PeeringEntry, error) {
	p, err := c.peered()
	if err != nil {
		return nil, nil, err
	}
	text, hwText, _ := strings.Cut(c.PathValue("entry"), "_")
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return nil, nil, errs.New(errs.Invalid, "BadAddress", "is not a valid IP address")
	}
	hw, err := mac.Parse(strings.ReplaceAll(hwText, "-", ":"))
	if err != nil {
		return nil, nil, errs.New(errs.Invalid, "BadMAC", "MAC address string must be 6 words of 1 or 2 hex digits joined with 5 ':'")
	}
	return p, topology.NewPeeringEntry(p.ID, hw, addr), nil
}

func getPeering(c *call) (reply, error) {
	p, e, err := c.peeringEntry()
	if err != nil {
		return reply{}, err
	}
	if c.state.Get(e.Key()) == nil {
		return reply{}, errs.New(errs.NotFound, "NotFound", "The specified port does not have the specified peering table entry.")
	}
	return reply{body: c.showPeering(p, e)}, nil
}

func (a *API) createPeering(c *call) (reply, error) {
	p, err := c.peered()
	if err != nil {
		return reply{}, err
	}
	var body macIP
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	addr := v.needed("ip", body.IP)
	hw := v.mac("mac", new(required(&v, "mac", body.MAC)))
	if err := v.err(); err != nil {
		return reply{}, err
	}
	entry := topology.NewPeeringEntry(p.ID, hw, addr)
	answer, err := a.edit(c, *c.showPeering(p, entry).URI, func(e *operator.Edit) error { return e.Set(entry) })
	if err == nil {
		a.unheeded(entry.Key())
	}
	return answer, err
}

func (a *API) deletePeering(c *call) (reply, error) {
	_, entry, err := c.peeringEntry()
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error {
		e.Remove(entry)
		return nil
	})
}

// vxlanPortIDs are the identifiers of a bridge's ports to switches.
func (c *call) vxlanPortIDs(of topology.BridgeID) []topology.PortID {
	return show(c.vxlanPorts(of), vxlanPort.id)
}
