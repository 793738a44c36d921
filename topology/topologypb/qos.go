package topologypb

import "midonet.org/midonet/topology"

func fromQoSPolicy(o *topology.QoSPolicy) *QoSPolicy {
	return &QoSPolicy{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, Description: o.Description, ProjectId: o.ProjectID, Shared: o.Shared}
}

// Topology returns the policy's value.
func (x *QoSPolicy) Topology() (*topology.QoSPolicy, error) {
	d := decoder{kind: topology.KindQoSPolicy}
	return &topology.QoSPolicy{
		Made:        topology.Made{ByOperator: x.GetByOperator()},
		ID:          identity[topology.QoSPolicy](&d, "id", x.GetId()),
		Name:        x.GetName(),
		Description: x.GetDescription(),
		ProjectID:   x.GetProjectId(),
		Shared:      x.GetShared(),
	}, d.err
}

func fromQoSBandwidthRule(o *topology.QoSBandwidthRule) *QoSBandwidthRule {
	x := &QoSBandwidthRule{ByOperator: o.ByOperator, Id: idBytes(o.ID), Policy: idBytes(o.Policy), MaxKbps: int32(o.MaxKbps)}
	if o.HasBurst {
		x.MaxBurstKb = new(int32(o.MaxBurstKb))
	}
	return x
}

// Topology returns the rule's value.
func (x *QoSBandwidthRule) Topology() (*topology.QoSBandwidthRule, error) {
	d := decoder{kind: topology.KindQoSBandwidthRule}
	return &topology.QoSBandwidthRule{
		Made:       topology.Made{ByOperator: x.GetByOperator()},
		ID:         identity[topology.QoSBandwidthRule](&d, "id", x.GetId()),
		Policy:     reference[topology.QoSPolicy](&d, "policy", x.GetPolicy()),
		MaxKbps:    int(x.GetMaxKbps()),
		MaxBurstKb: int(x.GetMaxBurstKb()),
		HasBurst:   x != nil && x.MaxBurstKb != nil,
	}, d.err
}

func fromQoSDSCPRule(o *topology.QoSDSCPRule) *QoSDSCPRule {
	return &QoSDSCPRule{ByOperator: o.ByOperator, Id: idBytes(o.ID), Policy: idBytes(o.Policy), Mark: int32(o.Mark)}
}

// Topology returns the rule's value.
func (x *QoSDSCPRule) Topology() (*topology.QoSDSCPRule, error) {
	d := decoder{kind: topology.KindQoSDSCPRule}
	return &topology.QoSDSCPRule{
		Made:   topology.Made{ByOperator: x.GetByOperator()},
		ID:     identity[topology.QoSDSCPRule](&d, "id", x.GetId()),
		Policy: reference[topology.QoSPolicy](&d, "policy", x.GetPolicy()),
		Mark:   int(x.GetMark()),
	}, d.err
}
