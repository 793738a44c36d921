package topologypb

import "midonet.org/midonet/topology"

func fromTraceRequest(o *topology.TraceRequest) *TraceRequest {
	return &TraceRequest{ByOperator: o.ByOperator, Id: idBytes(o.ID), Name: o.Name, Device: KeyToProto(o.Device), When: fromCondition(&o.When),
		CreatedMillis: o.CreatedMillis, Limit: o.Limit, Enabled: o.Enabled}
}

// Topology returns the request's value.
func (x *TraceRequest) Topology() (*topology.TraceRequest, error) {
	d := decoder{kind: topology.KindTraceRequest}
	return &topology.TraceRequest{
		Made:          topology.Made{ByOperator: x.GetByOperator()},
		ID:            identity[topology.TraceRequest](&d, "id", x.GetId()),
		Name:          x.GetName(),
		Device:        d.key("device", x.GetDevice()),
		When:          d.condition(x.GetWhen()),
		CreatedMillis: x.GetCreatedMillis(),
		Limit:         x.GetLimit(),
		Enabled:       x.GetEnabled(),
	}, d.err
}
