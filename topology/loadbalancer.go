package topology

import (
	"net/netip"

	"midonet.org/midonet/id"
)

// Identifiers of what load balancing is made of. All of it balances TCP, each member in its turn, and watches members by connecting.
type (
	LoadBalancerID  = id.ID[LoadBalancer]
	PoolID          = id.ID[Pool]
	PoolMemberID    = id.ID[PoolMember]
	VIPID           = id.ID[VIP]
	HealthMonitorID = id.ID[HealthMonitor]
)

// LoadBalancer is a set of pools; the router that has it names it in its Overlay.
type LoadBalancer struct {
	Made
	ID      LoadBalancerID
	AdminUp bool
}

// Pool is a set of members among which connections are shared.
type Pool struct {
	Made
	ID            PoolID
	LoadBalancer  LoadBalancerID
	HealthMonitor HealthMonitorID // zero: none
	AdminUp       bool
}

// PoolMember is a workload that takes a share of a pool's connections.
type PoolMember struct {
	Made
	ID      PoolMemberID
	Pool    PoolID
	Addr    netip.Addr
	Port    uint16
	Weight  int // its share, at least 1
	AdminUp bool
}

// VIP is an address and port at which a pool is reached.
type VIP struct {
	Made
	ID      VIPID
	Pool    PoolID
	Addr    netip.Addr
	Port    uint16
	AdminUp bool
	Sticky  bool // connections from one address go to one member
}

// HealthMonitor says how members of pools are watched. Delay and Timeout are in seconds.
type HealthMonitor struct {
	Made
	ID                         HealthMonitorID
	AdminUp                    bool
	Delay, Timeout, MaxRetries int
}

// Key returns the load balancer's key.
func (o *LoadBalancer) Key() Key { return Key{KindLoadBalancer, o.ID} }

// Key returns the pool's key.
func (o *Pool) Key() Key { return Key{KindPool, o.ID} }

// Key returns the member's key.
func (o *PoolMember) Key() Key { return Key{KindPoolMember, o.ID} }

// Key returns the key of the virtual address.
func (o *VIP) Key() Key { return Key{KindVIP, o.ID} }

// Key returns the monitor's key.
func (o *HealthMonitor) Key() Key { return Key{KindHealthMonitor, o.ID} }

// References implements Referrer.
func (o *Pool) References() []Reference {
	var r refs
	r.add(GoesToo, KindLoadBalancer, o.LoadBalancer)
	r.add(Forgets, KindHealthMonitor, o.HealthMonitor)
	return r
}

// Without implements Referrer.
func (o *Pool) Without(Key) Object {
	left := *o
	left.HealthMonitor = HealthMonitorID{}
	return &left
}

// References implements Referrer.
func (o *PoolMember) References() []Reference { return []Reference{{Key{KindPool, o.Pool}, GoesToo}} }

// Without implements Referrer.
func (o *PoolMember) Without(Key) Object { return o }

// References implements Referrer.
func (o *VIP) References() []Reference { return []Reference{{Key{KindPool, o.Pool}, GoesToo}} }

// Without implements Referrer.
func (o *VIP) Without(Key) Object { return o }
