package api

import (
	"encoding/json"
	"net/netip"

	"midonet.org/midonet/topology"
)

// bgpNetwork is models/BgpNetwork.java.
type bgpNetwork struct {
	entity[topology.BGPNetwork]
	SubnetAddress *string     `json:"subnetAddress"`
	SubnetLength  json.Number `json:"subnetLength"`
	Router        *string     `json:"router"`
	router        topology.RouterID
}

var bgpNetworks = stored[*topology.BGPNetwork, bgpNetwork]{
	kind: topology.KindBGPNetwork, path: "/bgp_networks", media: "BgpNetwork-v1",
	in: []within[bgpNetwork]{{"/routers/{id}/bgp_networks", topology.KindRouter, func(d *bgpNetwork, to [16]byte) { d.router = to }}},
	show: func(c *call, o *topology.BGPNetwork) bgpNetwork {
		return bgpNetwork{entity: entity[topology.BGPNetwork]{&o.ID, c.link("/bgp_networks", o.ID)}, SubnetAddress: new(o.Subnet.Addr().String()),
			SubnetLength: number(o.Subnet.Bits()), Router: c.link("/routers", o.Router)}
	},
	read: func(_ *call, v *violations, d *bgpNetwork, _ *topology.BGPNetwork) (*topology.BGPNetwork, error) {
		subnet := v.prefix("subnetAddress", d.SubnetAddress, "subnetLength", d.SubnetLength)
		return &topology.BGPNetwork{ID: *d.ID, Router: d.router, Subnet: subnet.Masked()}, nil
	},
}

// bgpPeer is models/BgpPeer.java.
type bgpPeer struct {
	entity[topology.BGPPeer]
	ASNumber     *int    `json:"asNumber"`
	Address      *string `json:"address"`
	KeepAlive    *int    `json:"keepAlive"`
	HoldTime     *int    `json:"holdTime"`
	ConnectRetry *int    `json:"connectRetry"`
	Password     *string `json:"password"`
	Router       *string `json:"router"`
	router       topology.RouterID
}

// maxAS is the largest number of an autonomous system (RFC 6793), and maxPassword how long a password may be (RFC 2385 recommends 80).
const (
	maxAS       = 1<<32 - 1
	maxPassword = 80
)

var bgpPeers = stored[*topology.BGPPeer, bgpPeer]{
	kind: topology.KindBGPPeer, path: "/bgp_peers", media: "BgpPeer-v1", can: canUpdate,
	in: []within[bgpPeer]{{"/routers/{id}/bgp_peers", topology.KindRouter, func(d *bgpPeer, to [16]byte) { d.router = to }}},
	show: func(c *call, o *topology.BGPPeer) bgpPeer {
		return bgpPeer{entity: entity[topology.BGPPeer]{&o.ID, c.link("/bgp_peers", o.ID)}, ASNumber: new(int(o.ASNumber)), Address: new(o.Addr.String()),
			KeepAlive: present(o.KeepAlive), HoldTime: present(o.HoldTime), ConnectRetry: present(o.ConnectRetry), Password: present(o.Password),
			Router: c.link("/routers", o.Router)}
	},
	read: func(_ *call, v *violations, d *bgpPeer, have *topology.BGPPeer) (*topology.BGPPeer, error) {
		if have != nil {
			d.router = have.Router
		}
		v.add(d.ASNumber == nil, "asNumber", "must be greater than or equal to 1")
		o := &topology.BGPPeer{ID: *d.ID, Router: d.router, ASNumber: uint32(v.within("asNumber", d.ASNumber, 1, maxAS)), Addr: v.needed("address", d.Address),
			KeepAlive: v.within("keepAlive", d.KeepAlive, 5, 3600), HoldTime: v.within("holdTime", d.HoldTime, 5, 7200),
			ConnectRetry: v.within("connectRetry", d.ConnectRetry, 5, 3600), Password: given(d.Password)}
		v.size("password", o.Password, 0, maxPassword)
		return o, nil
	},
}

// needed reads an IP address that must be there.
func (v *violations) needed(property string, text *string) netip.Addr {
	if text == nil {
		v.add(true, property, "may not be null")
		return netip.Addr{}
	}
	return v.address(property, *text)
}
