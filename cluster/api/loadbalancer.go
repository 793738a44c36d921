package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// A load balancer balances TCP by turns, and its monitors connect: the only words that the original has for these.
const (
	protocolTCP = "TCP"
	roundRobin  = "ROUND_ROBIN"
	sourceIP    = "SOURCE_IP"
	lbActive    = "ACTIVE"
	maxLBPort   = 65535
	maxInt      = 1<<31 - 1
)

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// loadBalancer is models/LoadBalancer.java. The router says which load balancer it has.
type loadBalancer struct {
	entity[topology.LoadBalancer]
	RouterID     *topology.RouterID `json:"routerId"`
	AdminStateUp *bool              `json:"adminStateUp"`
	Router       *string            `json:"router"`
	Pools        *string            `json:"pools"`
	VIPs         *string            `json:"vips"`
}

var loadBalancers = stored[*topology.LoadBalancer, loadBalancer]{
	kind: topology.KindLoadBalancer, path: "/load_balancers", media: "LoadBalancer-v1", can: canList | canCreate | canUpdate,
	show: func(c *call, o *topology.LoadBalancer) loadBalancer {
		uri, router := c.link("/load_balancers", o.ID), c.routerOf(o.ID)
		return loadBalancer{entity: entity[topology.LoadBalancer]{&o.ID, uri}, RouterID: present(router), AdminStateUp: &o.AdminUp,
			Router: c.link("/routers", router), Pools: new(*uri + "/pools"), VIPs: new(*uri + "/vips")}
	},
	read: func(c *call, _ *violations, d *loadBalancer, have *topology.LoadBalancer) (*topology.LoadBalancer, error) {
		if have == nil && d.RouterID != nil {
			return nil, errs.New(errs.Invalid, "RouterSet", "A load balancer's router ID must be null at creation. To associate a router with a load "+
				"balancer, first create the load balancer with null router ID and then update the router's load balancer ID.")
		}
		if have != nil && given(d.RouterID) != c.routerOf(have.ID) {
			return nil, errs.New(errs.Invalid, "RouterSet", "Router cannot be modified")
		}
		return &topology.LoadBalancer{ID: *d.ID, AdminUp: up(d.AdminStateUp)}, nil
	},
}

// routerOf returns the router that has the load balancer; zero: none.
func (c *call) routerOf(lb topology.LoadBalancerID) topology.RouterID {
	for o := range c.state.Referring(topology.KindOverlay, topology.Key{Kind: topology.KindLoadBalancer, ID: lb}) {
		return topology.RouterID(o.(*topology.Overlay).Target.ID)
	}
	return topology.RouterID{}
}

// pool is models/Pool.java.
type pool struct {
	entity[topology.Pool]
	AdminStateUp    *bool                     `json:"adminStateUp"`
	HealthMonitorID *topology.HealthMonitorID `json:"healthMonitorId"`
	LoadBalancerID  *topology.LoadBalancerID  `json:"loadBalancerId"`
	Protocol        *string                   `json:"protocol"`
	LBMethod        *string                   `json:"lbMethod"`
	Status          *string                   `json:"status"`
	HealthMonitor   *string                   `json:"healthMonitor"`
	LoadBalancer    *string                   `json:"loadBalancer"`
	VIPs            *string                   `json:"vips"`
	PoolMembers     *string                   `json:"poolMembers"`
}

// pools can be changed at any time: how far a health monitor has come with a pool nobody waits for.
var pools = stored[*topology.Pool, pool]{
	kind: topology.KindPool, path: "/pools", media: "Pool-v1", can: canList | canCreate | canUpdate | forgives,
	in: []within[pool]{
		{"/load_balancers/{id}/pools", topology.KindLoadBalancer, func(d *pool, to [16]byte) { d.LoadBalancerID = new(topology.LoadBalancerID(to)) }},
		{"/health_monitors/{id}/pools", topology.KindHealthMonitor, nil},
	},
	show: func(c *call, o *topology.Pool) pool {
		uri := c.link("/pools", o.ID)
		return pool{entity: entity[topology.Pool]{&o.ID, uri}, AdminStateUp: &o.AdminUp, HealthMonitorID: present(o.HealthMonitor),
			LoadBalancerID: present(o.LoadBalancer), Protocol: new(protocolTCP), LBMethod: new(roundRobin), Status: new(lbActive),
			HealthMonitor: c.link("/health_monitors", o.HealthMonitor), LoadBalancer: c.link("/load_balancers", o.LoadBalancer),
			VIPs: new(*uri + "/vips"), PoolMembers: new(*uri + "/pool_members")}
	},
	read: func(_ *call, v *violations, d *pool, _ *topology.Pool) (*topology.Pool, error) {
		v.enum("lbMethod", new(required(v, "lbMethod", d.LBMethod)), roundRobin)
		v.enum("protocol", d.Protocol, protocolTCP)
		return &topology.Pool{ID: *d.ID, LoadBalancer: given(d.LoadBalancerID), HealthMonitor: given(d.HealthMonitorID), AdminUp: up(d.AdminStateUp)}, nil
	},
	has: func(c *call, o *topology.Pool) bool {
		return !c.URL.Query().Has("hm_id") || o.HealthMonitor.String() == c.URL.Query().Get("hm_id")
	},
}

// poolMember is models/PoolMember.java.
type poolMember struct {
	entity[topology.PoolMember]
	AdminStateUp *bool            `json:"adminStateUp"`
	Status       *string          `json:"status"`
	PoolID       *topology.PoolID `json:"poolId"`
	Address      *string          `json:"address"`
	ProtocolPort *int             `json:"protocolPort"`
	Weight       *int             `json:"weight"`
	Pool         *string          `json:"pool"`
}

var poolMembers = stored[*topology.PoolMember, poolMember]{
	kind: topology.KindPoolMember, path: "/pool_members", media: "PoolMember-v1", can: canList | canCreate | canUpdate | forgives,
	in: []within[poolMember]{{"/pools/{id}/pool_members", topology.KindPool, func(d *poolMember, to [16]byte) { d.PoolID = new(topology.PoolID(to)) }}},
	show: func(c *call, o *topology.PoolMember) poolMember {
		return poolMember{entity: entity[topology.PoolMember]{&o.ID, c.link("/pool_members", o.ID)}, AdminStateUp: &o.AdminUp, Status: new(lbActive),
			PoolID: &o.Pool, Address: new(o.Addr.String()), ProtocolPort: new(int(o.Port)), Weight: &o.Weight, Pool: c.link("/pools", o.Pool)}
	},
	read: func(_ *call, v *violations, d *poolMember, have *topology.PoolMember) (*topology.PoolMember, error) {
		o := &topology.PoolMember{ID: *d.ID, Pool: required(v, "poolId", d.PoolID), Weight: 1, AdminUp: up(d.AdminStateUp),
			Addr: v.needed("address", d.Address), Port: uint16(v.within("protocolPort", d.ProtocolPort, 0, maxLBPort))}
		if d.Weight != nil {
			o.Weight = v.within("weight", d.Weight, 1, maxInt)
		}
		if have != nil { // where a member is does not change
			o.Addr, o.Port = have.Addr, have.Port
		}
		return o, nil
	},
}

// vip is models/Vip.java.
type vip struct {
	entity[topology.VIP]
	AdminStateUp       *bool                    `json:"adminStateUp"`
	LoadBalancerID     *topology.LoadBalancerID `json:"loadBalancerId"`
	PoolID             *topology.PoolID         `json:"poolId"`
	Address            *string                  `json:"address"`
	ProtocolPort       *int                     `json:"protocolPort"`
	SessionPersistence *string                  `json:"sessionPersistence"`
	LoadBalancer       *string                  `json:"loadBalancer"`
	Pool               *string                  `json:"pool"`
}

var vips = stored[*topology.VIP, vip]{
	kind: topology.KindVIP, path: "/vips", media: "VIP-v1", can: canList | canCreate | canUpdate | forgives,
	in: []within[vip]{{"/pools/{id}/vips", topology.KindPool, func(d *vip, to [16]byte) { d.PoolID = new(topology.PoolID(to)) }}},
	show: func(c *call, o *topology.VIP) vip {
		shown := vip{entity: entity[topology.VIP]{&o.ID, c.link("/vips", o.ID)}, AdminStateUp: &o.AdminUp, PoolID: &o.Pool, Address: new(o.Addr.String()),
			ProtocolPort: new(int(o.Port)), Pool: c.link("/pools", o.Pool)}
		if p, ok := c.state.Get(topology.Key{Kind: topology.KindPool, ID: o.Pool}).(*topology.Pool); ok {
			shown.LoadBalancerID, shown.LoadBalancer = present(p.LoadBalancer), c.link("/load_balancers", p.LoadBalancer)
		}
		if o.Sticky {
			shown.SessionPersistence = new(sourceIP)
		}
		return shown
	},
	read: func(_ *call, v *violations, d *vip, _ *topology.VIP) (*topology.VIP, error) {
		o := &topology.VIP{ID: *d.ID, Pool: required(v, "poolId", d.PoolID), AdminUp: up(d.AdminStateUp), Addr: v.needed("address", d.Address),
			Port: uint16(v.within("protocolPort", d.ProtocolPort, 0, maxLBPort))}
		o.Sticky = v.enum("sessionPersistence", d.SessionPersistence, "", sourceIP) != ""
		return o, nil
	},
}

// vipRoutes serves the virtual addresses of a load balancer, which are those of its pools.
func (a *API) vipRoutes() {
	vips.routes(a)
	a.serve("/load_balancers/{id}/vips", endpoint{http.MethodGet, nil, vips.many(), func(c *call) (reply, error) {
		lb, err := find[*topology.LoadBalancer](c, topology.KindLoadBalancer, "id")
		if err != nil {
			return reply{}, err
		}
		all := []vip{}
		for _, p := range pools.naming(c, lb.Key()) {
			for _, o := range vips.naming(c, p.Key()) {
				all = append(all, vips.show(c, o))
			}
		}
		return reply{body: all}, nil
	}})
}

// healthMonitor is models/HealthMonitor.java.
type healthMonitor struct {
	entity[topology.HealthMonitor]
	AdminStateUp *bool   `json:"adminStateUp"`
	Type         *string `json:"type"`
	Delay        *int    `json:"delay"`
	Timeout      *int    `json:"timeout"`
	MaxRetries   *int    `json:"maxRetries"`
	Pools        *string `json:"pools"`
}

var healthMonitors = stored[*topology.HealthMonitor, healthMonitor]{
	kind: topology.KindHealthMonitor, path: "/health_monitors", media: "HealthMonitor-v1", can: canList | canCreate | canUpdate | forgives,
	show: func(c *call, o *topology.HealthMonitor) healthMonitor {
		uri := c.link("/health_monitors", o.ID)
		return healthMonitor{entity: entity[topology.HealthMonitor]{&o.ID, uri}, AdminStateUp: &o.AdminUp, Type: new(protocolTCP), Delay: &o.Delay,
			Timeout: &o.Timeout, MaxRetries: &o.MaxRetries, Pools: new(*uri + "/pools")}
	},
	read: func(_ *call, v *violations, d *healthMonitor, _ *topology.HealthMonitor) (*topology.HealthMonitor, error) {
		v.enum("type", new(required(v, "type", d.Type)), protocolTCP)
		return &topology.HealthMonitor{ID: *d.ID, AdminUp: up(d.AdminStateUp), Delay: v.within("delay", d.Delay, 0, maxInt),
			Timeout: v.within("timeout", d.Timeout, 0, maxInt), MaxRetries: v.within("maxRetries", d.MaxRetries, 0, maxInt)}, nil
	},
}
