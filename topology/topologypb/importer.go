package topologypb

import "midonet.org/midonet/topology"

// What the importer keeps beside the topology.

func fromTunnelKey(o *topology.TunnelKey) *TunnelKey {
	return &TunnelKey{ByOperator: o.ByOperator, Number: o.Number, Port: idBytes(o.Port)}
}

// Topology returns the reservation's value.
func (x *TunnelKey) Topology() (*topology.TunnelKey, error) {
	d := decoder{kind: topology.KindTunnelKey}
	return &topology.TunnelKey{Made: topology.Made{ByOperator: x.GetByOperator()}, Number: x.GetNumber(), Port: reference[topology.Port](&d, "port", x.GetPort())}, d.err
}

func fromSource(o *topology.Source) *Source {
	return &Source{Resource: o.Resource, Id: o.ID[:], Json: o.JSON}
}

// Topology returns the value of the Neutron object's copy.
func (x *Source) Topology() (*topology.Source, error) {
	d := decoder{kind: topology.KindSource}
	return &topology.Source{
		Resource: x.GetResource(),
		ID:       identity[topology.Source](&d, "id", x.GetId()),
		JSON:     x.GetJson(),
	}, d.err
}

func fromProgress(o *topology.Progress) *Progress {
	return &Progress{Journal: o.Journal, LastTaskId: o.LastTaskID, Applied: o.Applied, Repairs: o.Repairs,
		Store: o.Store, Turns: o.Turns}
}

// Topology returns the progress's value.
func (x *Progress) Topology() (*topology.Progress, error) {
	return &topology.Progress{Journal: x.GetJournal(), LastTaskID: x.GetLastTaskId(), Applied: x.GetApplied(), Repairs: x.GetRepairs(),
		Store: x.GetStore(), Turns: x.GetTurns()}, nil
}
