package topologypb

import "midonet.org/midonet/topology"

// The objects that the cluster renders.

func fromBridge(o *topology.Bridge) *Bridge {
	return &Bridge{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, ProjectId: o.ProjectID, AdminUp: o.AdminUp, Mtu: int32(o.MTU),
		External: o.External}
}

// Topology returns the bridge's value.
func (x *Bridge) Topology() (*topology.Bridge, error) {
	d := decoder{kind: topology.KindBridge}
	return &topology.Bridge{
		Made:      topology.Made{ByOperator: x.GetByOperator()},
		ID:        identity[topology.Bridge](&d, "id", x.GetId()),
		Name:      x.GetName(),
		ProjectID: x.GetProjectId(),
		AdminUp:   x.GetAdminUp(),
		MTU:       int(x.GetMtu()),
		External:  x.GetExternal(),
	}, d.err
}

func fromDHCP(o *topology.DHCP) *DHCP {
	return &DHCP{ByOperator: o.ByOperator, Id: idBytes(o.ID), Bridge: idBytes(o.Bridge), Prefix: fromPrefix(o.Prefix), Enabled: o.Enabled,
		Router: o.Router.AsSlice(), Server: o.Server.AsSlice(), Dns: addrsBytes(o.DNS), Routes: fromRoutes(o.Routes),
		Mtu: int32(o.MTU), LeaseSeconds: o.LeaseSeconds, Domain: o.Domain,
		AddressMode: uint32(o.AddressMode), Silent: idsBytes(o.Silent)}
}

// Topology returns the value of the DHCP subnet.
func (x *DHCP) Topology() (*topology.DHCP, error) {
	d := decoder{kind: topology.KindDHCP}
	return &topology.DHCP{
		Made:         topology.Made{ByOperator: x.GetByOperator()},
		ID:           identity[topology.DHCP](&d, "id", x.GetId()),
		Bridge:       reference[topology.Bridge](&d, "bridge", x.GetBridge()),
		Prefix:       d.prefix("prefix", x.GetPrefix()),
		Enabled:      x.GetEnabled(),
		Router:       d.addr("router", x.GetRouter()),
		Server:       d.addr("server", x.GetServer()),
		DNS:          d.addrs("dns", x.GetDns()),
		Routes:       d.routes(x.GetRoutes()),
		MTU:          int(x.GetMtu()),
		LeaseSeconds: x.GetLeaseSeconds(),
		Domain:       x.GetDomain(),
		AddressMode:  topology.AddressMode(d.small("address mode", x.GetAddressMode())),
		Silent:       references[topology.Host](&d, "silent", x.GetSilent()),
	}, d.err
}

func fromRoutes(rs []topology.ClasslessRoute) []*ClasslessRoute {
	var xs []*ClasslessRoute
	for _, r := range rs {
		xs = append(xs, &ClasslessRoute{Destination: fromPrefix(r.Destination), NextHop: r.NextHop.AsSlice()})
	}
	return xs
}

func (d *decoder) routes(xs []*ClasslessRoute) []topology.ClasslessRoute {
	var rs []topology.ClasslessRoute
	for _, x := range xs {
		rs = append(rs, topology.ClasslessRoute{
			Destination: d.prefix("route destination", x.GetDestination()),
			NextHop:     d.addr("route next hop", x.GetNextHop()),
		})
	}
	return rs
}

func fromDHCPHost(o *topology.DHCPHost) *DHCPHost {
	x := &DHCPHost{ByOperator: o.ByOperator, Id: idBytes(o.ID), Dhcp: idBytes(o.DHCP), Bridge: idBytes(o.Bridge), Port: idBytes(o.Port), Mac: macBytes(o.MAC),
		Addr: o.Addr.AsSlice(), Hostname: o.Hostname}
	for _, opt := range o.Options {
		x.Options = append(x.Options, &DHCPOption{Name: opt.Name, Value: opt.Value})
	}
	return x
}

// Topology returns the reservation's value.
func (x *DHCPHost) Topology() (*topology.DHCPHost, error) {
	d := decoder{kind: topology.KindDHCPHost}
	o := &topology.DHCPHost{
		Made:     topology.Made{ByOperator: x.GetByOperator()},
		ID:       identity[topology.DHCPHost](&d, "id", x.GetId()),
		DHCP:     reference[topology.DHCP](&d, "dhcp", x.GetDhcp()),
		Bridge:   reference[topology.Bridge](&d, "bridge", x.GetBridge()),
		Port:     reference[topology.Port](&d, "port", x.GetPort()),
		MAC:      d.mac("mac", x.GetMac()),
		Addr:     d.addr("addr", x.GetAddr()),
		Hostname: x.GetHostname(),
	}
	for _, opt := range x.GetOptions() {
		o.Options = append(o.Options, topology.DHCPOption{Name: opt.GetName(), Value: opt.GetValue()})
	}
	return o, d.err
}

func fromMACEntry(o *topology.MACEntry) *MACEntry {
	return &MACEntry{ByOperator: o.ByOperator, Id: idBytes(o.ID), Bridge: idBytes(o.Bridge), Mac: macBytes(o.MAC), Port: idBytes(o.Port),
		Vlan: uint32(o.VLAN)}
}

// Topology returns the entry's value.
func (x *MACEntry) Topology() (*topology.MACEntry, error) {
	d := decoder{kind: topology.KindMACEntry}
	return &topology.MACEntry{
		Made:   topology.Made{ByOperator: x.GetByOperator()},
		ID:     identity[topology.MACEntry](&d, "id", x.GetId()),
		Bridge: reference[topology.Bridge](&d, "bridge", x.GetBridge()),
		MAC:    d.mac("mac", x.GetMac()),
		Port:   reference[topology.Port](&d, "port", x.GetPort()),
		VLAN:   d.port("vlan", x.GetVlan()),
	}, d.err
}

func fromNeighbour(o *topology.Neighbour) *Neighbour {
	return &Neighbour{ByOperator: o.ByOperator, Id: idBytes(o.ID), Bridge: idBytes(o.Bridge), Addr: o.Addr.AsSlice(), Mac: macBytes(o.MAC), Port: idBytes(o.Port)}
}

// Topology returns the neighbour's value.
func (x *Neighbour) Topology() (*topology.Neighbour, error) {
	d := decoder{kind: topology.KindNeighbour}
	return &topology.Neighbour{
		Made:   topology.Made{ByOperator: x.GetByOperator()},
		ID:     identity[topology.Neighbour](&d, "id", x.GetId()),
		Bridge: reference[topology.Bridge](&d, "bridge", x.GetBridge()),
		Addr:   d.addr("addr", x.GetAddr()),
		MAC:    d.mac("mac", x.GetMac()),
		Port:   reference[topology.Port](&d, "port", x.GetPort()),
	}, d.err
}
