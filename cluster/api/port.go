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

// port is models/Port.java. Links to what is not served are null.
type port struct {
	ID                    topology.PortID   `json:"id"`
	Type                  string            `json:"type"`
	AdminStateUp          bool              `json:"adminStateUp"`
	InboundFilterID       *topology.ChainID `json:"inboundFilterId"`
	OutboundFilterID      *topology.ChainID `json:"outboundFilterId"`
	TunnelKey             uint32            `json:"tunnelKey"`
	VIFID                 *string           `json:"vifId"`
	HostID                *topology.HostID  `json:"hostId"`
	InterfaceName         *string           `json:"interfaceName"`
	PeerID                *topology.PortID  `json:"peerId"`
	InboundMirrorIDs      []string          `json:"inboundMirrorIds"`
	OutboundMirrorIDs     []string          `json:"outboundMirrorIds"`
	PostInFilterMirrorIDs []string          `json:"postInFilterMirrorIds"`
	PreOutFilterMirrorIDs []string          `json:"preOutFilterMirrorIds"`
	InsertionIDs          []string          `json:"insertionIds"`
	QoSPolicyID           *string           `json:"qosPolicyId"`
	Active                bool              `json:"active"`
	DeviceID              topology.DeviceID `json:"deviceId"`
	URI                   string            `json:"uri"`
	Device                string            `json:"device"`
	Host                  *string           `json:"host"`
	Peer                  *string           `json:"peer"`
	Link                  string            `json:"link"`
	PortGroups            string            `json:"portGroups"`
	HostInterfacePort     *string           `json:"hostInterfacePort"`
	InboundFilter         *string           `json:"inboundFilter"`
	OutboundFilter        *string           `json:"outboundFilter"`
}

// bridgePort is models/BridgePort.java.
type bridgePort struct {
	port
	VLANID int `json:"vlanId"`
}

// routerPort is models/RouterPort.java. The first IPv4 address stands in fields of its own.
type routerPort struct {
	port
	NetworkAddress     *netip.Addr    `json:"networkAddress"`
	NetworkLength      int            `json:"networkLength"`
	PortSubnet         []netip.Prefix `json:"portSubnet"`
	PortAddress        *netip.Addr    `json:"portAddress"`
	PortMAC            mac.Addr       `json:"portMac"`
	RouterPortVNI      *int           `json:"rtrPortVni"`
	OffRampVXLAN       *bool          `json:"offRampVxlan"`
	ServiceContainerID *string        `json:"serviceContainerId"`
	BGPStatus          *string        `json:"bgpStatus"`
	PeeringTable       *string        `json:"peeringTable"`
	ServiceContainer   *string        `json:"serviceContainer"`
}

func (a *API) portRoutes() {
	a.serve("/ports", endpoint{http.MethodGet, nil, mediaPortsV4, listPorts})
	a.serve("/ports/{id}",
		endpoint{http.MethodGet, nil, mediaPortV4, getPort},
		endpoint{http.MethodPut, mediaPortV4, nil, a.updatePort},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindPort)},
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
	return c.showPorts(c.state.Ports(b.ID)), nil
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

func (c *call) showPort(p *topology.Port) any {
	none, uri, f := []string{}, c.portURI(p.ID), c.filtersOf(p.Key())
	shown := port{
		ID: p.ID, Type: "Bridge", AdminStateUp: p.AdminUp, TunnelKey: p.TunnelKey, PeerID: present(p.Peer),
		InboundFilterID: present(f.In), OutboundFilterID: present(f.Out),
		InboundMirrorIDs: none, OutboundMirrorIDs: none, PostInFilterMirrorIDs: none, PreOutFilterMirrorIDs: none, InsertionIDs: none,
		DeviceID: topology.DeviceID(p.Bridge), URI: uri, Device: c.bridgeURI(p.Bridge), Link: uri + "/link", PortGroups: uri + "/port_groups",
		InboundFilter: c.chainURI(f.In), OutboundFilter: c.chainURI(f.Out),
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
	if p.Router.IsZero() {
		return bridgePort{port: shown}
	}
	shown.Type, shown.DeviceID, shown.Device = "Router", topology.DeviceID(p.Router), c.routerURI(p.Router)
	r := routerPort{port: shown, PortSubnet: list(p.Addresses), PortMAC: p.MAC}
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
	filters
	extras
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
	if err := body.extras.err(); err != nil {
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
	p.ID, p.AdminUp = chosen(body.ID), body.AdminStateUp == nil || *body.AdminStateUp
	return a.edit(c, c.portURI(p.ID), func(e *operator.Edit) error {
		made := p
		return e.CreatePort(&made, body.chains())
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
	return a.edit(c, "", func(e *operator.Edit) error {
		return e.UpdatePort(p.ID, func(to *topology.Port) {
			to.AdminUp = body.AdminStateUp == nil || *body.AdminStateUp
			if !to.Router.IsZero() {
				to.Addresses = addresses
				if body.PortMAC != nil {
					to.MAC = *body.PortMAC
				}
			}
		}, body.chains())
	})
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
	return a.edit(c, c.portURI(p.ID)+"/link", func(e *operator.Edit) error { return e.Link(p.ID, *body.PeerID) })
}

func (a *API) unlinkPort(c *call) (reply, error) {
	p, err := c.port()
	if err != nil {
		return reply{}, err
	}
	return a.edit(c, "", func(e *operator.Edit) error { return e.Unlink(p.ID) })
}
