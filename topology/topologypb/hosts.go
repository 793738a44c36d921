package topologypb

import "midonet.org/midonet/topology"

// What hosts desire and what they say of themselves.

func fromHost(o *topology.Host) *Host {
	return &Host{Id: idBytes(o.ID), Name: o.Name, Endpoints: addrsBytes(o.Endpoints), Zone: o.Zone, Metadata: o.Metadata, Openings: o.Openings, Origins: o.Origins}
}

// Topology returns the host's value.
func (x *Host) Topology() (*topology.Host, error) {
	d := decoder{kind: topology.KindHost}
	return &topology.Host{
		ID:        identity[topology.Host](&d, "id", x.GetId()),
		Name:      x.GetName(),
		Endpoints: d.addrs("endpoints", x.GetEndpoints()),
		Zone:      x.GetZone(),
		Metadata:  x.GetMetadata(),
		Openings:  x.GetOpenings(),
		Origins:   x.GetOrigins(),
	}, d.err
}

func fromBinding(o *topology.Binding) *Binding {
	x := &Binding{Port: idBytes(o.Port), Host: idBytes(o.Host), Interface: o.Interface}
	for _, h := range o.Former {
		if !h.IsZero() {
			x.Former = append(x.Former, idBytes(h))
		}
	}
	return x
}

// Topology returns the binding's value.
func (x *Binding) Topology() (*topology.Binding, error) {
	d := decoder{kind: topology.KindBinding}
	o := &topology.Binding{
		Port:      identity[topology.Port](&d, "port", x.GetPort()),
		Host:      reference[topology.Host](&d, "host", x.GetHost()),
		Interface: x.GetInterface(),
	}
	copy(o.Former[:], references[topology.Host](&d, "former", x.GetFormer()))
	return o, d.err
}

func fromHostState(o *topology.HostState) *HostState {
	x := &HostState{Host: idBytes(o.Host), Version: o.Version, StartedUnix: o.StartedUnix}
	for _, i := range o.Interfaces {
		x.Interfaces = append(x.Interfaces, &Interface{Name: i.Name, Mac: macBytes(i.MAC), Mtu: int32(i.MTU), Up: i.Up,
			Addrs: addrsBytes(i.Addrs)})
	}
	return x
}

// Topology returns the value of the host's state.
func (x *HostState) Topology() (*topology.HostState, error) {
	d := decoder{kind: topology.KindHostState}
	o := &topology.HostState{
		Host:        identity[topology.Host](&d, "host", x.GetHost()),
		Version:     x.GetVersion(),
		StartedUnix: x.GetStartedUnix(),
	}
	for _, i := range x.GetInterfaces() {
		o.Interfaces = append(o.Interfaces, topology.Interface{
			Name:  i.GetName(),
			MAC:   d.mac("interface mac", i.GetMac()),
			MTU:   int(i.GetMtu()),
			Up:    i.GetUp(),
			Addrs: d.addrs("interface addrs", i.GetAddrs()),
		})
	}
	return o, d.err
}

// FromCounts returns the wire form.
func FromCounts(c topology.Counts) *Counts {
	x := &Counts{Flows: int64(c.Flows), States: int64(c.States), Peers: int64(c.Peers), Misses: c.Misses, MissesLost: c.MissesLost,
		Begun: c.Begun, Opened: c.Opened, Blocks: int64(c.Blocks), Lent: int64(c.Lent)}
	for _, d := range c.Drops {
		x.Drops = append(x.Drops, &Drop{Reason: d.Reason, Packets: d.Packets})
	}
	return x
}

// Topology returns the value.
func (x *Counts) Topology() topology.Counts {
	c := topology.Counts{Flows: int(x.GetFlows()), States: int(x.GetStates()), Peers: int(x.GetPeers()), Misses: x.GetMisses(), MissesLost: x.GetMissesLost(),
		Begun: x.GetBegun(), Opened: x.GetOpened(), Blocks: int(x.GetBlocks()), Lent: int(x.GetLent())}
	for _, d := range x.GetDrops() {
		c.Drops = append(c.Drops, topology.Drop{Reason: d.GetReason(), Packets: d.GetPackets()})
	}
	return c
}

func fromPortState(o *topology.PortState) *PortState {
	return &PortState{Port: idBytes(o.Port), Host: idBytes(o.Host), Active: o.Active}
}

// Topology returns the value of the port's state.
func (x *PortState) Topology() (*topology.PortState, error) {
	d := decoder{kind: topology.KindPortState}
	return &topology.PortState{
		Port:   identity[topology.Port](&d, "port", x.GetPort()),
		Host:   reference[topology.Host](&d, "host", x.GetHost()),
		Active: x.GetActive(),
	}, d.err
}

func fromLearnedMAC(o *topology.LearnedMAC) *LearnedMAC {
	return &LearnedMAC{Id: idBytes(o.ID), Bridge: idBytes(o.Bridge), Mac: macBytes(o.MAC), Port: idBytes(o.Port), Host: idBytes(o.Host)}
}

// Topology returns the record's value.
func (x *LearnedMAC) Topology() (*topology.LearnedMAC, error) {
	d := decoder{kind: topology.KindLearnedMAC}
	return &topology.LearnedMAC{
		ID:     identity[topology.LearnedMAC](&d, "id", x.GetId()),
		Bridge: reference[topology.Bridge](&d, "bridge", x.GetBridge()),
		MAC:    d.mac("mac", x.GetMac()),
		Port:   reference[topology.Port](&d, "port", x.GetPort()),
		Host:   reference[topology.Host](&d, "host", x.GetHost()),
	}, d.err
}

func fromRevocation(o *topology.Revocation) *Revocation {
	return &Revocation{Host: idBytes(o.Host), Unix: o.Unix}
}

// Topology returns the revocation's value.
func (x *Revocation) Topology() (*topology.Revocation, error) {
	d := decoder{kind: topology.KindRevocation}
	return &topology.Revocation{Host: identity[topology.Host](&d, "host", x.GetHost()), Unix: x.GetUnix()}, d.err
}
