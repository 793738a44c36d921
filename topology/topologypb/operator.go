package topologypb

import "midonet.org/midonet/topology"

// What only operators make.

func fromOverlay(o *topology.Overlay) *Overlay {
	return &Overlay{Target: KeyToProto(o.Target), At: KeyToProto(o.At), InChain: idBytes(o.InChain), OutChain: idBytes(o.OutChain),
		Groups: idsBytes(o.Groups)}
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
	return &TunnelZone{Id: idBytes(o.ID), Name: o.Name}
}

// Topology returns the zone's value.
func (x *TunnelZone) Topology() (*topology.TunnelZone, error) {
	d := decoder{kind: topology.KindTunnelZone}
	return &topology.TunnelZone{ID: identity[topology.TunnelZone](&d, "id", x.GetId()), Name: x.GetName()}, d.err
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
