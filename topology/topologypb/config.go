package topologypb

import "midonet.org/midonet/topology"

func fromConfigDocument(o *topology.ConfigDocument) *ConfigDocument {
	return &ConfigDocument{ByOperator: o.ByOperator, Id: idBytes(o.ID), Scope: uint32(o.Scope), Name: o.Name, Text: o.Text}
}

// Topology returns the document's value.
func (x *ConfigDocument) Topology() (*topology.ConfigDocument, error) {
	d := decoder{kind: topology.KindConfigDocument}
	return &topology.ConfigDocument{
		Made:  topology.Made{ByOperator: x.GetByOperator()},
		ID:    identity[topology.ConfigDocument](&d, "id", x.GetId()),
		Scope: topology.ConfigScope(d.small("scope", x.GetScope())),
		Name:  x.GetName(),
		Text:  x.GetText(),
	}, d.err
}
