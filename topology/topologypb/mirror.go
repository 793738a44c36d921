package topologypb

import "midonet.org/midonet/topology"

func fromMirror(o *topology.Mirror) *Mirror {
	x := &Mirror{ByOperator: o.ByOperator, Id: idBytes(o.ID), To: idBytes(o.To)}
	for i := range o.Conditions {
		x.Conditions = append(x.Conditions, fromCondition(&o.Conditions[i]))
	}
	return x
}

// Topology returns the mirror's value.
func (x *Mirror) Topology() (*topology.Mirror, error) {
	d := decoder{kind: topology.KindMirror}
	o := &topology.Mirror{
		Made: topology.Made{ByOperator: x.GetByOperator()},
		ID:   identity[topology.Mirror](&d, "id", x.GetId()),
		To:   reference[topology.Port](&d, "to", x.GetTo()),
	}
	for _, c := range x.GetConditions() {
		o.Conditions = append(o.Conditions, d.condition(c))
	}
	return o, d.err
}

func fromL2Insertion(o *topology.L2Insertion) *L2Insertion {
	return &L2Insertion{ByOperator: o.ByOperator, Id: idBytes(o.ID), Port: idBytes(o.Port), Service: idBytes(o.Service), Vlan: uint32(o.VLAN),
		Position: int32(o.Position), FailOpen: o.FailOpen, Mac: macBytes(o.MAC)}
}

// Topology returns the insertion's value.
func (x *L2Insertion) Topology() (*topology.L2Insertion, error) {
	d := decoder{kind: topology.KindL2Insertion}
	return &topology.L2Insertion{
		Made:     topology.Made{ByOperator: x.GetByOperator()},
		ID:       identity[topology.L2Insertion](&d, "id", x.GetId()),
		Port:     reference[topology.Port](&d, "port", x.GetPort()),
		Service:  reference[topology.Port](&d, "service", x.GetService()),
		VLAN:     d.port("vlan", x.GetVlan()),
		Position: int(x.GetPosition()),
		FailOpen: x.GetFailOpen(),
		MAC:      d.mac("mac", x.GetMac()),
	}, d.err
}
