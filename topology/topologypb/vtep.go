package topologypb

import "midonet.org/midonet/topology"

func fromVTEP(o *topology.VTEP) *VTEP {
	x := &VTEP{ByOperator: o.ByOperator, Id: idBytes(o.ID), Addr: o.Addr.AsSlice(), Port: uint32(o.Port), Zone: idBytes(o.Zone)}
	for _, b := range o.Bindings {
		x.Bindings = append(x.Bindings, &VTEPBinding{Port: b.Port, Vlan: uint32(b.VLAN), Bridge: idBytes(b.Bridge)})
	}
	return x
}

// Topology returns the switch's value.
func (x *VTEP) Topology() (*topology.VTEP, error) {
	d := decoder{kind: topology.KindVTEP}
	o := &topology.VTEP{
		Made: topology.Made{ByOperator: x.GetByOperator()},
		ID:   identity[topology.VTEP](&d, "id", x.GetId()),
		Addr: d.addr("addr", x.GetAddr()),
		Port: d.port("port", x.GetPort()),
		Zone: reference[topology.TunnelZone](&d, "zone", x.GetZone()),
	}
	for _, b := range x.GetBindings() {
		o.Bindings = append(o.Bindings, topology.VTEPBinding{Port: b.GetPort(), VLAN: d.port("binding vlan", b.GetVlan()),
			Bridge: reference[topology.Bridge](&d, "binding bridge", b.GetBridge())})
	}
	return o, d.err
}

func fromPeeringEntry(o *topology.PeeringEntry) *PeeringEntry {
	return &PeeringEntry{ByOperator: o.ByOperator, Id: idBytes(o.ID), Port: idBytes(o.Port), Mac: macBytes(o.MAC), Addr: o.Addr.AsSlice()}
}

// Topology returns the entry's value.
func (x *PeeringEntry) Topology() (*topology.PeeringEntry, error) {
	d := decoder{kind: topology.KindPeeringEntry}
	return &topology.PeeringEntry{
		Made: topology.Made{ByOperator: x.GetByOperator()},
		ID:   identity[topology.PeeringEntry](&d, "id", x.GetId()),
		Port: reference[topology.Port](&d, "port", x.GetPort()),
		MAC:  d.mac("mac", x.GetMac()),
		Addr: d.addr("addr", x.GetAddr()),
	}, d.err
}
