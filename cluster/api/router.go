package api

import (
	"cmp"
	"crypto/rand"
	"net/http"

	"midonet.org/midonet/cluster/operator"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

var (
	mediaRouterV3  = []string{"application/vnd.org.midonet.Router-v3+json", mediaJSON}
	mediaRoutersV3 = []string{"application/vnd.org.midonet.collection.Router-v3+json", mediaJSON}
)

// router is models/Router.java. The filters are what operators have put there, and where that is
// nothing the router's own chains.
type router struct {
	ID           topology.RouterID `json:"id"`
	TenantID     string            `json:"tenantId"`
	Name         string            `json:"name"`
	AdminStateUp bool              `json:"adminStateUp"`
	puts
	LoadBalancerID       *topology.LoadBalancerID `json:"loadBalancerId"`
	ASNumber             uint32                   `json:"asNumber"`
	LocalRedirectChainID *topology.ChainID        `json:"localRedirectChainId"`
	ForwardChainID       *topology.ChainID        `json:"forwardChainId"`
	URI                  string                   `json:"uri"`
	InboundFilter        *string                  `json:"inboundFilter"`
	OutboundFilter       *string                  `json:"outboundFilter"`
	Ports                string                   `json:"ports"`
	PeerPorts            string                   `json:"peerPorts"`
	Routes               string                   `json:"routes"`
	LoadBalancer         *string                  `json:"loadBalancer"`
	BGPNetworks          string                   `json:"bgpNetworks"`
	BGPPeers             string                   `json:"bgpPeers"`
	LocalRedirectChain   *string                  `json:"localRedirectChain"`
	ForwardChain         *string                  `json:"forwardChain"`
}

func (a *API) routerRoutes() {
	a.serve("/routers",
		endpoint{http.MethodGet, nil, mediaRoutersV3, listRouters},
		endpoint{http.MethodPost, mediaRouterV3, nil, a.createRouter},
	)
	a.serve("/routers/{id}",
		endpoint{http.MethodGet, nil, mediaRouterV3, getRouter},
		endpoint{http.MethodPut, mediaRouterV3, nil, a.updateRouter},
		endpoint{http.MethodDelete, nil, nil, a.delete(topology.KindRouter)},
	)
	a.serve("/routers/{id}/ports",
		endpoint{http.MethodGet, nil, mediaPortsV4, listRouterPorts},
		endpoint{http.MethodPost, mediaPortV4, nil, a.createRouterPort},
	)
	a.serve("/routers/{id}/peer_ports", endpoint{http.MethodGet, nil, mediaPortsV4, listRouterPeers})
}

func (c *call) routerURI(r topology.RouterID) string { return c.base + "/routers/" + r.String() }

// router returns the router that the path names.
func (c *call) router() (*topology.Router, error) {
	return find[*topology.Router](c, topology.KindRouter, "id")
}

func listRouters(c *call) (reply, error) {
	routers := ofTenant(c, topology.KindRouter, func(r *topology.Router) string { return r.ProjectID })
	return reply{body: show(routers, c.showRouter)}, nil
}

func getRouter(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	return reply{body: c.showRouter(r)}, nil
}

func (c *call) showRouter(r *topology.Router) router {
	uri, put := c.routerURI(r.ID), *c.overlay(r.Key())
	put.InChain, put.OutChain = cmp.Or(put.InChain, r.InChain), cmp.Or(put.OutChain, r.OutChain)
	return router{
		ID: r.ID, TenantID: r.ProjectID, Name: r.Name, AdminStateUp: r.AdminUp, puts: showPuts(&put), LoadBalancerID: present(put.LoadBalancer),
		ASNumber: put.ASNumber, LocalRedirectChainID: present(put.LocalRedirect), ForwardChainID: present(r.ForwardChain),
		URI: uri, InboundFilter: c.chainURI(put.InChain), OutboundFilter: c.chainURI(put.OutChain), Ports: uri + "/ports", PeerPorts: uri + "/peer_ports",
		Routes: uri + "/routes", LoadBalancer: c.link("/load_balancers", put.LoadBalancer), BGPNetworks: uri + "/bgp_networks",
		BGPPeers: uri + "/bgp_peers", LocalRedirectChain: c.chainURI(put.LocalRedirect), ForwardChain: c.chainURI(r.ForwardChain),
	}
}

// writtenRouter is a router as clients write it.
type writtenRouter struct {
	ID             *topology.RouterID `json:"id"`
	TenantID       string             `json:"tenantId"`
	Name           string             `json:"name"`
	AdminStateUp   *bool              `json:"adminStateUp"`
	ForwardChainID *topology.ChainID  `json:"forwardChainId"`
	puts
	LoadBalancerID       *topology.LoadBalancerID `json:"loadBalancerId"`
	ASNumber             *int                     `json:"asNumber"`
	LocalRedirectChainID *topology.ChainID        `json:"localRedirectChainId"`
}

func (c *call) readRouter() (body writtenRouter, err error) {
	if err = c.decode(&body); err != nil {
		return body, err
	}
	var v violations
	v.size("name", body.Name, 0, maxName)
	v.size("tenantId", body.TenantID, 0, maxTenant)
	v.within("asNumber", body.ASNumber, 0, maxAS)
	return body, v.err()
}

func (b writtenRouter) put(o *topology.Overlay) {
	b.puts.put(o)
	o.LoadBalancer, o.LocalRedirect, o.ASNumber = given(b.LoadBalancerID), given(b.LocalRedirectChainID), uint32(given(b.ASNumber))
}

func (b writtenRouter) apply(to *topology.Router) {
	to.Name, to.ProjectID, to.AdminUp, to.ForwardChain = b.Name, b.TenantID, up(b.AdminStateUp), given(b.ForwardChainID)
}

func (a *API) createRouter(c *call) (reply, error) {
	body, err := c.readRouter()
	if err != nil {
		return reply{}, err
	}
	r := topology.Router{ID: chosen(body.ID)}
	body.apply(&r)
	return a.editPut(c, c.routerURI(r.ID), r.Key(), body.put, func(e *operator.Edit) error {
		made := r
		return e.CreateRouter(&made, body.put)
	})
}

func (a *API) updateRouter(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	body, err := c.readRouter()
	if err != nil {
		return reply{}, err
	}
	return a.editPut(c, "", r.Key(), body.put, func(e *operator.Edit) error { return e.UpdateRouter(r.ID, body.apply, body.put) })
}

func listRouterPorts(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	return c.showPorts(c.state.RouterPorts(r.ID)), nil
}

func listRouterPeers(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	return c.showPorts(c.peers(c.state.RouterPorts(r.ID))), nil
}

func (a *API) createRouterPort(c *call) (reply, error) {
	r, err := c.router()
	if err != nil {
		return reply{}, err
	}
	body, err := c.readPort(topology.KindRouter, nil)
	if err != nil {
		return reply{}, err
	}
	addresses, err := body.addresses()
	if err != nil {
		return reply{}, err
	}
	p := topology.Port{Router: r.ID, Addresses: addresses, MAC: given(body.PortMAC)}
	if p.MAC.IsZero() {
		p.MAC = randomMAC()
	}
	return a.createPort(c, body, p)
}

// randomMAC returns an address with the prefix that MidoNet's have (MAC.java, MIDOKURA_OUI_MASK).
func randomMAC() mac.Addr {
	a := mac.Addr{0xac, 0xca, 0xba}
	rand.Read(a[3:]) // never fails: crypto/rand aborts the program instead
	return a
}
