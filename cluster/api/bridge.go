package api

import (
	"net/http"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// Media types of bridges and ports; clients ask for either version, which have the same form.
var (
	mediaBridge  = []string{"application/vnd.org.midonet.Bridge-v5+json", "application/vnd.org.midonet.Bridge-v4+json", mediaJSON}
	mediaBridges = []string{"application/vnd.org.midonet.collection.Bridge-v5+json",
		"application/vnd.org.midonet.collection.Bridge-v4+json", mediaJSON}
	mediaBridgePort  = []string{"application/vnd.org.midonet.Port-v4+json", "application/vnd.org.midonet.Port-v3+json", mediaJSON}
	mediaBridgePorts = []string{"application/vnd.org.midonet.collection.Port-v4+json",
		"application/vnd.org.midonet.collection.Port-v3+json", mediaJSON}
)

// bridge is models/Bridge.java. Links to what is not served are null.
type bridge struct {
	ID                   topology.BridgeID `json:"id"`
	TenantID             string            `json:"tenantId"`
	Name                 string            `json:"name"`
	AdminStateUp         bool              `json:"adminStateUp"`
	InboundFilterID      *string           `json:"inboundFilterId"`
	OutboundFilterID     *string           `json:"outboundFilterId"`
	VxLANPortIDs         []string          `json:"vxLanPortIds"`
	InboundMirrorIDs     []string          `json:"inboundMirrorIds"`
	OutboundMirrorIDs    []string          `json:"outboundMirrorIds"`
	QoSPolicyID          *string           `json:"qosPolicyId"`
	URI                  string            `json:"uri"`
	InboundFilter        *string           `json:"inboundFilter"`
	OutboundFilter       *string           `json:"outboundFilter"`
	Ports                string            `json:"ports"`
	PeerPorts            *string           `json:"peerPorts"`
	VxLANPorts           *string           `json:"vxLanPorts"`
	MACTable             string            `json:"macTable"`
	ARPTable             string            `json:"arpTable"`
	DHCPSubnets          string            `json:"dhcpSubnets"`
	DHCPSubnet6s         *string           `json:"dhcpSubnet6s"`
	VLANMACTableTemplate *string           `json:"vlanMacTableTemplate"`
	MACPortTemplate      string            `json:"macPortTemplate"`
	VLANMACPortTemplate  *string           `json:"vlanMacPortTemplate"`
}

// bridgePort is models/BridgePort.java with what it has of Port.java. Links to what is not served are null.
type bridgePort struct {
	ID                    topology.PortID   `json:"id"`
	Type                  string            `json:"type"`
	AdminStateUp          bool              `json:"adminStateUp"`
	InboundFilterID       *string           `json:"inboundFilterId"`
	OutboundFilterID      *string           `json:"outboundFilterId"`
	TunnelKey             uint32            `json:"tunnelKey"`
	VIFID                 *string           `json:"vifId"`
	HostID                *string           `json:"hostId"`
	InterfaceName         *string           `json:"interfaceName"`
	PeerID                *string           `json:"peerId"`
	InboundMirrorIDs      []string          `json:"inboundMirrorIds"`
	OutboundMirrorIDs     []string          `json:"outboundMirrorIds"`
	PostInFilterMirrorIDs []string          `json:"postInFilterMirrorIds"`
	PreOutFilterMirrorIDs []string          `json:"preOutFilterMirrorIds"`
	InsertionIDs          []string          `json:"insertionIds"`
	QoSPolicyID           *string           `json:"qosPolicyId"`
	Active                bool              `json:"active"`
	VLANID                int               `json:"vlanId"`
	DeviceID              topology.BridgeID `json:"deviceId"`
	URI                   string            `json:"uri"`
	Device                string            `json:"device"`
	Host                  *string           `json:"host"`
	Peer                  *string           `json:"peer"`
	Link                  *string           `json:"link"`
	PortGroups            *string           `json:"portGroups"`
	HostInterfacePort     *string           `json:"hostInterfacePort"`
	InboundFilter         *string           `json:"inboundFilter"`
	OutboundFilter        *string           `json:"outboundFilter"`
}

func (a *API) bridgeRoutes() {
	a.serve("/bridges", endpoint{http.MethodGet, nil, mediaBridges, listBridges})
	a.serve("/bridges/{id}", endpoint{http.MethodGet, nil, mediaBridge, getBridge})
	a.serve("/bridges/{id}/ports", endpoint{http.MethodGet, nil, mediaBridgePorts, listBridgePorts})
	a.serve("/ports", endpoint{http.MethodGet, nil, mediaBridgePorts, listPorts})
	a.serve("/ports/{id}", endpoint{http.MethodGet, nil, mediaBridgePort, getPort})
}

// bridge returns the bridge that the path names.
func (c *call) bridge() (*topology.Bridge, error) {
	named, err := c.named("id")
	if err != nil {
		return nil, err
	}
	b := mirror.Lookup[*topology.Bridge](c.state, topology.KindBridge, named)
	if b == nil {
		return nil, noSuch("Network", named)
	}
	return b, nil
}

func (c *call) bridgeURI(b topology.BridgeID) string { return c.base + "/bridges/" + b.String() }
func (c *call) portURI(p topology.PortID) string     { return c.base + "/ports/" + p.String() }

// listBridges answers all bridges, or those of ?tenant_id.
func listBridges(c *call) (reply, error) {
	bridges, query := []bridge{}, c.URL.Query()
	for o := range c.state.ByKind(topology.KindBridge) {
		b := o.(*topology.Bridge)
		if !query.Has("tenant_id") || b.ProjectID == query.Get("tenant_id") {
			bridges = append(bridges, c.showBridge(b))
		}
	}
	return reply{body: bridges}, nil
}

func getBridge(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showBridge(b)}, nil
}

func (c *call) showBridge(b *topology.Bridge) bridge {
	uri, none := c.bridgeURI(b.ID), []string{}
	return bridge{
		ID: b.ID, TenantID: b.ProjectID, Name: b.Name, AdminStateUp: b.AdminUp,
		VxLANPortIDs: none, InboundMirrorIDs: none, OutboundMirrorIDs: none,
		URI: uri, Ports: uri + "/ports", MACTable: uri + "/mac_table", ARPTable: uri + "/arp_table", DHCPSubnets: uri + "/dhcp",
		MACPortTemplate: uri + "/mac_table/{macAddress}_{portId}",
	}
}

func listPorts(c *call) (reply, error) {
	ports := []bridgePort{}
	for o := range c.state.ByKind(topology.KindPort) {
		ports = append(ports, c.showPort(o.(*topology.Port)))
	}
	return reply{body: ports}, nil
}

func listBridgePorts(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	ports := []bridgePort{}
	for p := range c.state.Ports(b.ID) {
		ports = append(ports, c.showPort(p))
	}
	return reply{body: ports}, nil
}

func getPort(c *call) (reply, error) {
	named, err := c.named("id")
	if err != nil {
		return reply{}, err
	}
	p := mirror.Lookup[*topology.Port](c.state, topology.KindPort, named)
	if p == nil {
		return reply{}, noSuch("Port", named)
	}
	return reply{body: c.showPort(p)}, nil
}

func (c *call) showPort(p *topology.Port) bridgePort {
	none := []string{}
	shown := bridgePort{
		ID: p.ID, Type: "Bridge", AdminStateUp: p.AdminUp, TunnelKey: p.TunnelKey,
		InboundMirrorIDs: none, OutboundMirrorIDs: none, PostInFilterMirrorIDs: none, PreOutFilterMirrorIDs: none, InsertionIDs: none,
		DeviceID: p.Bridge, URI: c.portURI(p.ID), Device: c.bridgeURI(p.Bridge),
	}
	if b := mirror.Lookup[*topology.Binding](c.state, topology.KindBinding, p.ID); b != nil {
		shown.HostID, shown.InterfaceName = present(b.Host.String()), present(b.Interface)
		shown.Host, shown.HostInterfacePort = present(c.hostURI(b.Host)), present(c.bindingURI(b.Host, p.ID))
	}
	if s := mirror.Lookup[*topology.PortState](c.state, topology.KindPortState, p.ID); s != nil {
		shown.Active = s.Active
	}
	return shown
}
