package api

import (
	"net/http"
	"slices"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// Media types of bridges; clients ask for either version, which have the same form.
var (
	mediaBridge  = []string{"application/vnd.org.midonet.Bridge-v5+json", "application/vnd.org.midonet.Bridge-v4+json", mediaJSON}
	mediaBridges = []string{"application/vnd.org.midonet.collection.Bridge-v5+json",
		"application/vnd.org.midonet.collection.Bridge-v4+json", mediaJSON}
)

// bridge is models/Bridge.java. There is one MAC table, of no VLAN.
type bridge struct {
	ID           topology.BridgeID `json:"id"`
	TenantID     string            `json:"tenantId"`
	Name         string            `json:"name"`
	AdminStateUp bool              `json:"adminStateUp"`
	puts
	VxLANPortIDs         []topology.PortID     `json:"vxLanPortIds"`
	QoSPolicyID          *topology.QoSPolicyID `json:"qosPolicyId"`
	URI                  string                `json:"uri"`
	InboundFilter        *string               `json:"inboundFilter"`
	OutboundFilter       *string               `json:"outboundFilter"`
	Ports                string                `json:"ports"`
	PeerPorts            string                `json:"peerPorts"`
	VxLANPorts           string                `json:"vxLanPorts"`
	MACTable             string                `json:"macTable"`
	ARPTable             string                `json:"arpTable"`
	DHCPSubnets          string                `json:"dhcpSubnets"`
	DHCPSubnet6s         string                `json:"dhcpSubnet6s"`
	VLANMACTableTemplate string                `json:"vlanMacTableTemplate"`
	MACPortTemplate      string                `json:"macPortTemplate"`
	VLANMACPortTemplate  string                `json:"vlanMacPortTemplate"`
}

func (a *API) bridgeRoutes() {
	a.serve("/bridges",
		endpoint{http.MethodGet, nil, mediaBridges, listBridges},
		endpoint{http.MethodPost, mediaBridge, nil, a.createBridge},
	)
	a.serve("/bridges/{id}",
		endpoint{http.MethodGet, nil, mediaBridge, getBridge},
		endpoint{http.MethodPut, mediaBridge, nil, a.updateBridge},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindBridge)},
	)
	a.serve("/bridges/{id}/ports",
		endpoint{http.MethodGet, nil, mediaPortsV4, listBridgePorts},
		endpoint{http.MethodPost, mediaPortV4, nil, a.createBridgePort},
	)
	a.serve("/bridges/{id}/peer_ports", endpoint{http.MethodGet, nil, mediaPortsV4, listBridgePeers})
}

// bridge returns the bridge that the path names.
func (c *call) bridge() (*topology.Bridge, error) {
	return find[*topology.Bridge](c, topology.KindBridge, "id")
}

func (c *call) bridgeURI(b topology.BridgeID) string { return c.base + "/bridges/" + b.String() }

// listBridges answers all bridges, or those of ?tenant_id.
func listBridges(c *call) (reply, error) {
	bridges := ofTenant(c, topology.KindBridge, func(b *topology.Bridge) string { return b.ProjectID })
	return reply{body: show(bridges, c.showBridge)}, nil
}

func getBridge(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showBridge(b)}, nil
}

func (c *call) showBridge(b *topology.Bridge) bridge {
	uri, put := c.bridgeURI(b.ID), c.overlay(b.Key())
	return bridge{
		ID: b.ID, TenantID: b.ProjectID, Name: b.Name, AdminStateUp: b.AdminUp, puts: showPuts(put), VxLANPortIDs: c.vxlanPortIDs(b.ID),
		QoSPolicyID: present(put.QoSPolicy), URI: uri, InboundFilter: c.chainURI(put.InChain), OutboundFilter: c.chainURI(put.OutChain),
		Ports: uri + "/ports", PeerPorts: uri + "/peer_ports", VxLANPorts: uri + "/vxlan_ports", MACTable: uri + "/mac_table",
		ARPTable: uri + "/arp_table", DHCPSubnets: uri + "/dhcp", DHCPSubnet6s: uri + "/dhcpV6",
		VLANMACTableTemplate: uri + "/vlans/{vlanId}/mac_table", MACPortTemplate: uri + "/mac_table/{macAddress}_{portId}",
		VLANMACPortTemplate: uri + "/vlans/{vlanId}/mac_table/{macAddress}_{portId}",
	}
}

// writtenBridge is a bridge as clients write it.
type writtenBridge struct {
	ID           *topology.BridgeID `json:"id"`
	TenantID     string             `json:"tenantId"`
	Name         string             `json:"name"`
	AdminStateUp *bool              `json:"adminStateUp"`
	puts
	QoSPolicyID  *topology.QoSPolicyID `json:"qosPolicyId"`
	VxLANPortIDs []topology.PortID     `json:"vxLanPortIds"`
}

// readBridge reads a body for a bridge that has those ports to switches.
func (c *call) readBridge(vxlanPorts []topology.PortID) (body writtenBridge, err error) {
	if err = c.decode(&body); err != nil {
		return body, err
	}
	var v violations
	v.size("name", body.Name, 0, maxName)
	v.size("tenantId", body.TenantID, 0, maxTenant)
	if err = v.err(); err == nil && body.VxLANPortIDs != nil && !slices.Equal(body.VxLANPortIDs, vxlanPorts) {
		err = errs.New(errs.Invalid, "NotSettable", "VXLAN port ID cannot be set directly. The VXLAN port is created or deleted in response to "+
			"the creation or deletion of VTEP bindings.")
	}
	return body, err
}

func (b writtenBridge) put(o *topology.Overlay) {
	b.puts.put(o)
	o.QoSPolicy = given(b.QoSPolicyID)
}

func (b writtenBridge) apply(to *topology.Bridge) {
	to.Name, to.ProjectID, to.AdminUp = b.Name, b.TenantID, up(b.AdminStateUp)
}

func (a *API) createBridge(c *call) (reply, error) {
	body, err := c.readBridge(nil)
	if err != nil {
		return reply{}, err
	}
	b := topology.Bridge{ID: chosen(body.ID)}
	body.apply(&b)
	return a.editPut(c, c.bridgeURI(b.ID), b.Key(), body.put, func(e *operator.Edit) error {
		made := b
		return e.CreateBridge(&made, body.put)
	})
}

func (a *API) updateBridge(c *call) (reply, error) {
	b, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	body, err := c.readBridge(c.vxlanPortIDs(b.ID))
	if err != nil {
		return reply{}, err
	}
	return a.editPut(c, "", b.Key(), body.put, func(e *operator.Edit) error { return e.UpdateBridge(b.ID, body.apply, body.put) })
}
