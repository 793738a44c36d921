package topologypb

import "midonet.org/midonet/topology"

// What only operators make.

func fromOverlay(o *topology.Overlay) *Overlay {
	return &Overlay{Target: KeyToProto(o.Target), At: KeyToProto(o.At), InChain: idBytes(o.InChain), OutChain: idBytes(o.OutChain),
		Groups: idsBytes(o.Groups), QosPolicy: idBytes(o.QoSPolicy), InMirrors: idsBytes(o.InMirrors), OutMirrors: idsBytes(o.OutMirrors),
		PostInMirrors: idsBytes(o.PostInMirrors), PreOutMirrors: idsBytes(o.PreOutMirrors), LoadBalancer: idBytes(o.LoadBalancer),
		LocalRedirect: idBytes(o.LocalRedirect), AsNumber: o.ASNumber, Vni: o.VNI, OffRampVxlan: o.OffRampVXLAN, Vlan: uint32(o.VLAN),
		Vif: idBytes(o.VIF)}
}

// Topology returns the overlay's value.
func (x *Overlay) Topology() (*topology.Overlay, error) {
	d := decoder{kind: topology.KindOverlay}
	return &topology.Overlay{
		Target:   d.key("target", x.GetTarget()),
		At:       d.key("at", x.GetAt()),
		InChain:  reference[topology.Chain](&d, "in chain", x.GetInChain()),
		OutChain: reference[topology.Chain](&d, "out chain", x.GetOutChain()),
		Groups:   references[topology.PortGroup](&d, "group", x.GetGroups()),

		QoSPolicy:     reference[topology.QoSPolicy](&d, "qos policy", x.GetQosPolicy()),
		InMirrors:     references[topology.Mirror](&d, "in mirror", x.GetInMirrors()),
		OutMirrors:    references[topology.Mirror](&d, "out mirror", x.GetOutMirrors()),
		PostInMirrors: references[topology.Mirror](&d, "post in mirror", x.GetPostInMirrors()),
		PreOutMirrors: references[topology.Mirror](&d, "pre out mirror", x.GetPreOutMirrors()),
		LoadBalancer:  reference[topology.LoadBalancer](&d, "load balancer", x.GetLoadBalancer()),
		LocalRedirect: reference[topology.Chain](&d, "local redirect", x.GetLocalRedirect()),
		ASNumber:      x.GetAsNumber(),
		VNI:           x.GetVni(),
		OffRampVXLAN:  x.GetOffRampVxlan(),
		VLAN:          d.port("vlan", x.GetVlan()),
		VIF:           reference[topology.VIF](&d, "vif", x.GetVif()),
	}, d.err
}

func (d *decoder) key(field string, x *Key) topology.Key {
	k, err := KeyFromProto(x)
	if err != nil {
		d.fail(field, "is no key: %v", err)
	}
	return k
}

func fromTunnelZone(o *topology.TunnelZone) *TunnelZone {
	return &TunnelZone{Id: idBytes(o.ID), Name: o.Name, Vtep: o.VTEP, Gre: o.GRE}
}

// Topology returns the zone's value.
func (x *TunnelZone) Topology() (*topology.TunnelZone, error) {
	d := decoder{kind: topology.KindTunnelZone}
	return &topology.TunnelZone{ID: identity[topology.TunnelZone](&d, "id", x.GetId()), Name: x.GetName(), VTEP: x.GetVtep(), GRE: x.GetGre()}, d.err
}

func fromTunnelZoneHost(o *topology.TunnelZoneHost) *TunnelZoneHost {
	return &TunnelZoneHost{Id: idBytes(o.ID), Zone: idBytes(o.Zone), Host: idBytes(o.Host), Addr: o.Addr.AsSlice()}
}

// Topology returns the value of the membership.
func (x *TunnelZoneHost) Topology() (*topology.TunnelZoneHost, error) {
	d := decoder{kind: topology.KindTunnelZoneHost}
	return &topology.TunnelZoneHost{
		ID:   identity[topology.TunnelZoneHost](&d, "id", x.GetId()),
		Zone: reference[topology.TunnelZone](&d, "zone", x.GetZone()),
		Host: reference[topology.Host](&d, "host", x.GetHost()),
		Addr: d.addr("addr", x.GetAddr()),
	}, d.err
}
