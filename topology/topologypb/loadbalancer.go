package topologypb

import "midonet.org/midonet/topology"

func fromLoadBalancer(o *topology.LoadBalancer) *LoadBalancer {
	return &LoadBalancer{ByOperator: o.ByOperator, Id: idBytes(o.ID), AdminUp: o.AdminUp}
}

// Topology returns the load balancer's value.
func (x *LoadBalancer) Topology() (*topology.LoadBalancer, error) {
	d := decoder{kind: topology.KindLoadBalancer}
	return &topology.LoadBalancer{
		Made:    topology.Made{ByOperator: x.GetByOperator()},
		ID:      identity[topology.LoadBalancer](&d, "id", x.GetId()),
		AdminUp: x.GetAdminUp(),
	}, d.err
}

func fromPool(o *topology.Pool) *Pool {
	return &Pool{ByOperator: o.ByOperator, Id: idBytes(o.ID), LoadBalancer: idBytes(o.LoadBalancer), HealthMonitor: idBytes(o.HealthMonitor),
		AdminUp: o.AdminUp}
}

// Topology returns the pool's value.
func (x *Pool) Topology() (*topology.Pool, error) {
	d := decoder{kind: topology.KindPool}
	return &topology.Pool{
		Made:          topology.Made{ByOperator: x.GetByOperator()},
		ID:            identity[topology.Pool](&d, "id", x.GetId()),
		LoadBalancer:  reference[topology.LoadBalancer](&d, "load balancer", x.GetLoadBalancer()),
		HealthMonitor: reference[topology.HealthMonitor](&d, "health monitor", x.GetHealthMonitor()),
		AdminUp:       x.GetAdminUp(),
	}, d.err
}

func fromPoolMember(o *topology.PoolMember) *PoolMember {
	return &PoolMember{ByOperator: o.ByOperator, Id: idBytes(o.ID), Pool: idBytes(o.Pool), Addr: o.Addr.AsSlice(), Port: uint32(o.Port),
		Weight: int32(o.Weight), AdminUp: o.AdminUp}
}

// Topology returns the member's value.
func (x *PoolMember) Topology() (*topology.PoolMember, error) {
	d := decoder{kind: topology.KindPoolMember}
	return &topology.PoolMember{
		Made:    topology.Made{ByOperator: x.GetByOperator()},
		ID:      identity[topology.PoolMember](&d, "id", x.GetId()),
		Pool:    reference[topology.Pool](&d, "pool", x.GetPool()),
		Addr:    d.addr("addr", x.GetAddr()),
		Port:    d.port("port", x.GetPort()),
		Weight:  int(x.GetWeight()),
		AdminUp: x.GetAdminUp(),
	}, d.err
}

func fromVIP(o *topology.VIP) *VIP {
	return &VIP{ByOperator: o.ByOperator, Id: idBytes(o.ID), Pool: idBytes(o.Pool), Addr: o.Addr.AsSlice(), Port: uint32(o.Port), AdminUp: o.AdminUp,
		Sticky: o.Sticky}
}

// Topology returns the value of the virtual address.
func (x *VIP) Topology() (*topology.VIP, error) {
	d := decoder{kind: topology.KindVIP}
	return &topology.VIP{
		Made:    topology.Made{ByOperator: x.GetByOperator()},
		ID:      identity[topology.VIP](&d, "id", x.GetId()),
		Pool:    reference[topology.Pool](&d, "pool", x.GetPool()),
		Addr:    d.addr("addr", x.GetAddr()),
		Port:    d.port("port", x.GetPort()),
		AdminUp: x.GetAdminUp(),
		Sticky:  x.GetSticky(),
	}, d.err
}

func fromHealthMonitor(o *topology.HealthMonitor) *HealthMonitor {
	return &HealthMonitor{ByOperator: o.ByOperator, Id: idBytes(o.ID), AdminUp: o.AdminUp, Delay: int32(o.Delay), Timeout: int32(o.Timeout),
		MaxRetries: int32(o.MaxRetries)}
}

// Topology returns the monitor's value.
func (x *HealthMonitor) Topology() (*topology.HealthMonitor, error) {
	d := decoder{kind: topology.KindHealthMonitor}
	return &topology.HealthMonitor{
		Made:       topology.Made{ByOperator: x.GetByOperator()},
		ID:         identity[topology.HealthMonitor](&d, "id", x.GetId()),
		AdminUp:    x.GetAdminUp(),
		Delay:      int(x.GetDelay()),
		Timeout:    int(x.GetTimeout()),
		MaxRetries: int(x.GetMaxRetries()),
	}, d.err
}
