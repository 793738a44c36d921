package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"slices"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// Media types of ports; clients ask for either version, which have the same form.
var (
	mediaPortV4  = []string{"application/vnd.org.midonet.Port-v4+json", "application/vnd.org.midonet.Port-v3+json", mediaJSON}
	mediaPortsV4 = []string{"application/vnd.org.midonet.collection.Port-v4+json", "application/vnd.org.midonet.collection.Port-v3+json", mediaJSON}
	mediaLink    = []string{"application/vnd.org.midonet.PortLink-v1+json", mediaJSON}
)

// maxPortAddresses is how many addresses a router's port has at most.
const maxPortAddresses = 16

// port is models/Port.java.
type port struct {
	ID           topology.PortID `json:"id"`
	Type         string          `json:"type"`
	AdminStateUp bool            `json:"adminStateUp"`
	puts
	TunnelKey     uint32           `json:"tunnelKey"`
	VIFID         *topology.VIFID  `json:"vifId"`
	HostID        *topology.HostID `json:"hostId"`
	InterfaceName *string          `json:"interfaceName"`
	PeerID        *topology.PortID `json:"peerId"`
	portPuts
	InsertionIDs      []topology.L2InsertionID `json:"insertionIds"`
	Active            bool                     `json:"active"`
	DeviceID          topology.DeviceID        `json:"deviceId"`
	URI               string                   `json:"uri"`
	Device            string                   `json:"device"`
	Host              *string                  `json:"host"`
	Peer              *string                  `json:"peer"`
	Link              string                   `json:"link"`
	PortGroups        string                   `json:"portGroups"`
	HostInterfacePort *string                  `json:"hostInterfacePort"`
	InboundFilter     *string                  `json:"inboundFilter"`
	OutboundFilter    *string                  `json:"outboundFilter"`
}

// portPuts are what bodies put on ports beside puts.
type portPuts struct {
	PostInFilterMirrorIDs []topology.MirrorID   `json:"postInFilterMirrorIds"`
	PreOutFilterMirrorIDs []topology.MirrorID   `json:"preOutFilterMirrorIds"`
	QoSPolicyID           *topology.QoSPolicyID `json:"qosPolicyId"`
}

// joinPuts are what bodies put on a router's port that is joined to another site.
type joinPuts struct {
	RouterPortVNI *int  `json:"rtrPortVni"`
	OffRampVXLAN  *bool `json:"offRampVxlan"`
}

// bridgePort is models/BridgePort.java.
type bridgePort struct {
	port
	VLANID int `json:"vlanId"`
}

// routerPort is models/RouterPort.java. The first IPv4 address stands in fields of its own.
type routerPort struct {
	port
	NetworkAddress *netip.Addr    `json:"networkAddress"`
	NetworkLength  int            `json:"networkLength"`
	PortSubnet     []netip.Prefix `json:"portSubnet"`
	PortAddress    *netip.Addr    `json:"portAddress"`
	PortMAC        mac.Addr       `json:"portMac"`
	joinPuts
	ServiceContainerID *topology.ServiceContainerID `json:"serviceContainerId"`
	BGPStatus          *string                      `json:"bgpStatus"`
	PeeringTable       *string                      `json:"peeringTable"`
	ServiceContainer   *string                      `json:"serviceContainer"`
}

func (a *API) portRoutes() {
	a.serve("/ports", endpoint{http.MethodGet, nil, mediaPortsV4, listPorts})
	a.serve("/ports/{id}",
		endpoint{http.MethodGet, nil, mediaPortV4, getPort},
		endpoint{http.MethodPut, mediaPortV4, nil, a.updatePort},
		endpoint{http.MethodDelete, nil, nil, a.deletePort},
	)
	a.serve("/ports/{id}/link",
		endpoint{http.MethodPost, mediaLink, nil, a.linkPort},
		endpoint{http.MethodDelete, nil, nil, a.unlinkPort},
	)
	a.serve("/ports/{id}/port_groups", endpoint{http.MethodGet, nil, mediaGroupPorts, listGroupsOfPort})
}

func (c *call) portURI(p topology.PortID) string { return c.base + "/ports/" + p.String() }

func listPorts(c *call) (reply, error) {
	ports := []any{}
	for o := range c.state.ByKind(topology.KindPort) {
		ports = append(ports, c.showPort(o.(*topology.Port)))
	}
	for _, p := range c.vxlanPorts(topology.BridgeID{}) {
		ports = append(ports, c.showVXLANPort(p))
	}
	return reply{body: ports}, nil
}

func (c *call) showPorts(all iter.Seq[*topology.Port]) reply {
	return reply{body: show(slices.Collect(all), c.showPort)}
}

func listBridgePorts(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	ports := show(slices.Collect(c.state.Ports(b.ID)), c.showPort)
	return reply{body: append(ports, show(c.vxlanPorts(b.ID), c.showVXLANPort)...)}, nil
}

func listBridgePeers(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	return c.showPorts(c.peers(c.state.Ports(b.ID))), nil
}

// peers yields the other ends of the ports' wires.
func (c *call) peers(ports iter.Seq[*topology.Port]) iter.Seq[*topology.Port] {
	return func(yield func(*topology.Port) bool) {
		for p := range ports {
			if peer := mirror.Lookup[*topology.Port](c.state, topology.KindPort, p.Peer); peer != nil && !yield(peer) {
				return
			}
		}
	}
}

func getPort(c *call) (reply, error) {
	if named, err := c.named("id"); err == nil {
		if p, ok := c.vxlanPort(topology.PortID(named)); ok {
			return reply{body: c.showVXLANPort(p)}, nil
		}
	}
	p, err := c.port()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showPort(p)}, nil
}

// port returns the port that the path names.
func (c *call) port() (*topology.Port, error) {
	return find[*topology.Port](c, topology.KindPort, "id")
}

// portDocument is what the documents of all ports have.
func (c *call) portDocument(p *topology.Port) port {
	uri, put := c.portURI(p.ID), *c.overlay(p.Key())
	if p.Security != nil {
		put.InChain = cmp.Or(put.InChain, topology.InboundChain(p.ID))
		put.OutChain = cmp.Or(put.OutChain, topology.OutboundChain(p.ID))
	}
	shown := port{
		ID: p.ID, Type: "Bridge", AdminStateUp: p.AdminUp, TunnelKey: p.TunnelKey, PeerID: present(p.Peer), puts: showPuts(&put), VIFID: present(put.VIF),
		portPuts:     portPuts{list(put.PostInMirrors), list(put.PreOutMirrors), present(put.QoSPolicy)},
		InsertionIDs: show(l2Insertions.naming(c, p.Key()), func(i *topology.L2Insertion) topology.L2InsertionID { return i.ID }),
		DeviceID:     topology.DeviceID(p.Bridge), URI: uri, Device: c.bridgeURI(p.Bridge), Link: uri + "/link", PortGroups: uri + "/port_groups",
		InboundFilter: c.chainURI(put.InChain), OutboundFilter: c.chainURI(put.OutChain),
	}
	if p.Interior() {
		shown.Peer = present(c.portURI(p.Peer))
	}
	if b := mirror.Lookup[*topology.Binding](c.state, topology.KindBinding, p.ID); b != nil {
		shown.HostID, shown.InterfaceName = present(b.Host), present(b.Interface)
		shown.Host, shown.HostInterfacePort = present(c.hostURI(b.Host)), present(c.bindingURI(b.Host, p.ID))
	}
	if s := mirror.Lookup[*topology.PortState](c.state, topology.KindPortState, p.ID); s != nil {
		shown.Active = s.Active
	}
	return shown
}

func (c *call) showPort(p *topology.Port) any {
	shown := c.portDocument(p)
	if p.Router.IsZero() {
		return bridgePort{port: shown, VLANID: int(c.overlay(p.Key()).VLAN)}
	}
	shown.Type, shown.DeviceID, shown.Device = "Router", topology.DeviceID(p.Router), c.routerURI(p.Router)
	put := c.overlay(p.Key())
	r := routerPort{port: shown, PortSubnet: list(p.Addresses), PortMAC: p.MAC, PeeringTable: c.peeringTable(p),
		joinPuts: joinPuts{present(int(put.VNI)), present(put.OffRampVXLAN)}}
	for _, o := range serviceContainers.naming(c, p.Key()) {
		r.ServiceContainerID, r.ServiceContainer = &o.ID, c.link("/service_containers", o.ID)
	}
	for _, own := range p.Addresses {
		if own.Addr().Is4() {
			r.PortAddress, r.NetworkAddress, r.NetworkLength = present(own.Addr()), present(own.Masked().Addr()), own.Bits()
			break
		}
	}
	return r
}

// writtenPort is a port of either kind as clients write it.
type writtenPort struct {
	ID             *topology.PortID `json:"id"`
	Type           string           `json:"type"`
	AdminStateUp   *bool            `json:"adminStateUp"`
	HostID         *topology.HostID `json:"hostId"`
	InterfaceName  *string          `json:"interfaceName"`
	PeerID         *topology.PortID `json:"peerId"`
	NetworkAddress *string          `json:"networkAddress"`
	NetworkLength  json.Number      `json:"networkLength"`
	PortSubnet     []string         `json:"portSubnet"`
	PortAddress    *string          `json:"portAddress"`
	PortMAC        *mac.Addr        `json:"portMac"`
	puts
	portPuts
	joinPuts
	VLANID *int            `json:"vlanId"`
	VIFID  *topology.VIFID `json:"vifId"`
}

const (
	// maxVNI is the largest network identifier of VXLAN (RFC 7348).
	maxVNI = 0xffffff
	// maxVLAN is the largest identifier of a VLAN (IEEE 802.1Q table 9-2).
	maxVLAN = 4094
)

func (b writtenPort) put(o *topology.Overlay) {
	b.puts.put(o)
	o.QoSPolicy, o.PostInMirrors, o.PreOutMirrors = given(b.QoSPolicyID), some(b.PostInFilterMirrorIDs), some(b.PreOutFilterMirrorIDs)
	o.VIF = given(b.VIFID)
	if slices.Contains(portKinds[topology.KindBridge], b.Type) {
		o.VLAN = uint16(given(b.VLANID))
	} else {
		o.VNI, o.OffRampVXLAN = uint32(given(b.RouterPortVNI)), given(b.OffRampVXLAN)
	}
}

// portKinds are the types that a body may have (models/PortType.java), by whose port it is.
var portKinds = map[topology.Kind][]string{
	topology.KindBridge: {"Bridge", "ExteriorBridge", "InteriorBridge"},
	topology.KindRouter: {"Router", "ExteriorRouter", "InteriorRouter"},
}

// readPort reads a body for a port of a bridge or router; have is what the port is at present, nil for a new one.
func (c *call) readPort(device topology.Kind, have *topology.Port) (body writtenPort, err error) {
	if err = c.decode(&body); err != nil {
		return body, err
	}
	if !slices.Contains(portKinds[device], body.Type) {
		return body, errs.New(errs.Invalid, "BadPortType", "Not a %s port.", map[bool]string{true: "bridge", false: "router"}[device == topology.KindBridge])
	}
	var v violations
	v.within("rtrPortVni", body.RouterPortVNI, 0, maxVNI)
	v.within("vlanId", body.VLANID, 0, maxVLAN)
	if err := v.err(); err != nil {
		return body, err
	}
	if have == nil {
		have = &topology.Port{}
	}
	bound := mirror.Lookup[*topology.Binding](c.state, topology.KindBinding, have.ID)
	switch {
	case body.PeerID != nil && *body.PeerID != have.Peer:
		return body, errs.New(errs.Invalid, "NotSettable", "peerId is set by linking the port.")
	case body.HostID != nil && (bound == nil || bound.Host != *body.HostID),
		body.InterfaceName != nil && (bound == nil || bound.Interface != *body.InterfaceName):
		return body, errs.New(errs.Invalid, "NotSettable", "hostId and interfaceName are set by the ports of the host.")
	}
	return body, nil
}

// addresses reads the addresses of a router's port: portSubnet, or else portAddress and networkLength.
func (b writtenPort) addresses() ([]netip.Prefix, error) {
	var v violations
	texts := b.PortSubnet
	if len(texts) == 0 && given(b.PortAddress) != "" {
		texts = []string{fmt.Sprintf("%s/%s", *b.PortAddress, cmp.Or(b.NetworkLength.String(), "0"))}
	}
	v.add(len(texts) > maxPortAddresses, "portSubnet", "size must be between 0 and %d", maxPortAddresses)
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		bad := err != nil || p.Addr().Is4In6() || p.Addr().IsUnspecified() || p.Addr().IsMulticast()
		v.add(bad, "portSubnet", "%s is not a valid IP address", text)
		v.add(!bad && slices.ContainsFunc(all, func(q netip.Prefix) bool { return q.Addr() == p.Addr() }), "portSubnet", "%s is there twice", text)
		all = append(all, p)
	}
	if b.PortMAC != nil {
		v.add(b.PortMAC.IsZero() || b.PortMAC.IsMulticast(), "portMac", "is not the MAC address of a station")
	}
	return all, v.err()
}

func (a *API) createBridgePort(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	body, err := c.readPort(topology.KindBridge, nil)
	if err != nil {
		return reply{}, err
	}
	return a.createPort(c, body, topology.Port{Bridge: b.ID})
}

func (a *API) createPort(c *call, body writtenPort, p topology.Port) (reply, error) {
	p.ID, p.AdminUp = chosen(body.ID), up(body.AdminStateUp)
	return a.editPut(c, c.portURI(p.ID), p.Key(), body.put, func(e *operator.Edit) error {
		made := p
		return e.CreatePort(&made, body.put)
	})
}

func (a *API) updatePort(c *call) (reply, error) {
	p, err := c.port()
	if err != nil {
		return reply{}, err
	}
	kind := topology.KindBridge
	if !p.Router.IsZero() {
		kind = topology.KindRouter
	}
	body, err := c.readPort(kind, p)
	if err != nil {
		return reply{}, err
	}
	addresses, err := body.addresses()
	if err != nil {
		return reply{}, err
	}
	return a.editPut(c, "", p.Key(), body.put, func(e *operator.Edit) error {
		return e.UpdatePort(p.ID, func(to *topology.Port) {
			to.AdminUp = up(body.AdminStateUp)
			if !to.Router.IsZero() {
				to.Addresses = addresses
				if body.PortMAC != nil {
					to.MAC = *body.PortMAC
				}
			}
		}, body.put)
	})
}

func (a *API) deletePort(c *call) (reply, error) {
	if named, err := c.named("id"); err == nil {
		if p, ok := c.vxlanPort(topology.PortID(named)); ok {
			return reply{}, errs.New(errs.Conflict, "OfBindings", "This port type doesn't allow  deletions as it binds network %s to VTEP %s. Please "+
				"remove the bindings instead.", p.bridge, p.vtep.ID)
		}
	}
	return a.delete(topology.KindPort)(c)
}

// linkPort joins two ports. Clients send the whole port, whose peerId is the other.
func (a *API) linkPort(c *call) (reply, error) {
	p, err := c.port()
	if err != nil {
		return reply{}, err
	}
	var body struct {
		PeerID *topology.PortID `json:"peerId"`
	}
	if err := c.decode(&body); err != nil {
		return reply{}, err
	}
	var v violations
	v.add(body.PeerID == nil, "peerId", "may not be null")
	if err := v.err(); err != nil {
		return reply{}, err
	}
	answer, err := a.edit(c, c.portURI(p.ID)+"/link", func(e *operator.Edit) error { return e.Link(p.ID, *body.PeerID) })
	if peer := mirror.Lookup[*topology.Port](c.state, topology.KindPort, *body.PeerID); err == nil && p.Router.IsZero() && peer != nil && peer.Router.IsZero() {
		a.unheeded(p.Key(), "link between bridges")
	}
	return answer, err
}

func (a *API) unlinkPort(c *call) (reply, error) {
	p, err := c.port()
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.Unlink(p.ID) })
}
