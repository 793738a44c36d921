package topologypb

import "midonet.org/midonet/topology"

func fromBGPNetwork(o *topology.BGPNetwork) *BGPNetwork {
	return &BGPNetwork{ByOperator: o.ByOperator, Id: idBytes(o.ID), Router: idBytes(o.Router), Subnet: fromPrefix(o.Subnet)}
}

// Topology returns the network's value.
func (x *BGPNetwork) Topology() (*topology.BGPNetwork, error) {
	d := decoder{kind: topology.KindBGPNetwork}
	return &topology.BGPNetwork{
		Made:   topology.Made{ByOperator: x.GetByOperator()},
		ID:     identity[topology.BGPNetwork](&d, "id", x.GetId()),
		Router: reference[topology.Router](&d, "router", x.GetRouter()),
		Subnet: d.prefix("subnet", x.GetSubnet()),
	}, d.err
}

func fromBGPPeer(o *topology.BGPPeer) *BGPPeer {
	return &BGPPeer{ByOperator: o.ByOperator, Id: idBytes(o.ID), Router: idBytes(o.Router), AsNumber: o.ASNumber, Addr: o.Addr.AsSlice(),
		KeepAlive: int32(o.KeepAlive), HoldTime: int32(o.HoldTime), ConnectRetry: int32(o.ConnectRetry), Password: o.Password}
}

// Topology returns the peer's value.
func (x *BGPPeer) Topology() (*topology.BGPPeer, error) {
	d := decoder{kind: topology.KindBGPPeer}
	return &topology.BGPPeer{
		Made:         topology.Made{ByOperator: x.GetByOperator()},
		ID:           identity[topology.BGPPeer](&d, "id", x.GetId()),
		Router:       reference[topology.Router](&d, "router", x.GetRouter()),
		ASNumber:     x.GetAsNumber(),
		Addr:         d.addr("addr", x.GetAddr()),
		KeepAlive:    int(x.GetKeepAlive()),
		HoldTime:     int(x.GetHoldTime()),
		ConnectRetry: int(x.GetConnectRetry()),
		Password:     x.GetPassword(),
	}, d.err
}
