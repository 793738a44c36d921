package topologypb

import (
	"net/netip"

	"midonet.org/midonet/topology"
)

func fromPort(o *topology.Port) *Port {
	return &Port{ByOperator: o.ByOperator,
		Id: idBytes(o.ID), Bridge: idBytes(o.Bridge), Router: idBytes(o.Router), Peer: idBytes(o.Peer), Name: o.Name,
		ProjectId: o.ProjectID, Device: o.Device, AdminUp: o.AdminUp, TunnelKey: o.TunnelKey, Security: fromSecurity(o.Security),
		Mac: macBytes(o.MAC), Addresses: fromPrefixes(o.Addresses), Mtu: int32(o.MTU), Advertise: fromAdvertisement(o.Advertise),
		Plug: fromPlug(o.Plug), InChain: idBytes(o.InChain), OutChain: idBytes(o.OutChain), Groups: idsBytes(o.Groups),
	}
}

// Topology returns the port's value.
func (x *Port) Topology() (*topology.Port, error) {
	d := decoder{kind: topology.KindPort}
	return &topology.Port{
		Made:      topology.Made{ByOperator: x.GetByOperator()},
		ID:        identity[topology.Port](&d, "id", x.GetId()),
		Bridge:    reference[topology.Bridge](&d, "bridge", x.GetBridge()),
		Router:    reference[topology.Router](&d, "router", x.GetRouter()),
		Peer:      reference[topology.Port](&d, "peer", x.GetPeer()),
		Name:      x.GetName(),
		ProjectID: x.GetProjectId(),
		Device:    x.GetDevice(),
		AdminUp:   x.GetAdminUp(),
		TunnelKey: x.GetTunnelKey(),
		Security:  d.security(x.GetSecurity()),
		MAC:       d.mac("mac", x.GetMac()),
		Addresses: d.prefixes("address", x.GetAddresses()),
		MTU:       int(x.GetMtu()),
		Advertise: d.advertisement(x.GetAdvertise()),
		Plug:      x.GetPlug().value(),
		InChain:   reference[topology.Chain](&d, "in chain", x.GetInChain()),
		OutChain:  reference[topology.Chain](&d, "out chain", x.GetOutChain()),
		Groups:    references[topology.PortGroup](&d, "group", x.GetGroups()),
	}, d.err
}

func fromPlug(p *topology.Plug) *Plug {
	if p == nil {
		return nil
	}
	return &Plug{HostName: p.HostName, Interface: p.Interface}
}

func (x *Plug) value() *topology.Plug {
	if x == nil {
		return nil
	}
	return &topology.Plug{HostName: x.GetHostName(), Interface: x.GetInterface()}
}

func fromSecurity(s *topology.Security) *Security {
	if s == nil {
		return nil
	}
	x := &Security{Egress: idsBytes(s.Egress), Ingress: idsBytes(s.Ingress), Stateful: s.Stateful}
	for _, p := range s.Sources {
		x.Sources = append(x.Sources, &AddressPair{Mac: macBytes(p.MAC), Prefix: fromPrefix(p.Prefix)})
	}
	return x
}

func (d *decoder) security(x *Security) *topology.Security {
	if x == nil {
		return nil
	}
	s := &topology.Security{
		Egress:   references[topology.Chain](d, "egress chain", x.GetEgress()),
		Ingress:  references[topology.Chain](d, "ingress chain", x.GetIngress()),
		Stateful: x.GetStateful(),
	}
	for _, p := range x.GetSources() {
		s.Sources = append(s.Sources, topology.AddressPair{MAC: d.mac("source mac", p.GetMac()), Prefix: d.prefix("source", p.GetPrefix())})
	}
	return s
}

func fromAdvertisement(a *topology.Advertisement) *Advertisement {
	if a == nil {
		return nil
	}
	x := &Advertisement{Managed: a.Managed, Other: a.Other, Mtu: int32(a.MTU), Dns: addrsBytes(a.DNS)}
	for _, p := range a.Prefixes {
		x.Prefixes = append(x.Prefixes, &AdvertisedPrefix{Prefix: fromPrefix(p.Prefix), Autonomous: p.Autonomous})
	}
	return x
}

func (d *decoder) advertisement(x *Advertisement) *topology.Advertisement {
	if x == nil {
		return nil
	}
	a := &topology.Advertisement{Managed: x.GetManaged(), Other: x.GetOther(), MTU: int(x.GetMtu()), DNS: d.addrs("dns", x.GetDns())}
	for _, p := range x.GetPrefixes() {
		a.Prefixes = append(a.Prefixes,
			topology.AdvertisedPrefix{Prefix: d.prefix("advertised prefix", p.GetPrefix()), Autonomous: p.GetAutonomous()})
	}
	return a
}

func fromPrefixes(ps []netip.Prefix) []*Prefix {
	var xs []*Prefix
	for _, p := range ps {
		xs = append(xs, fromPrefix(p))
	}
	return xs
}

func (d *decoder) prefixes(field string, xs []*Prefix) []netip.Prefix {
	var ps []netip.Prefix
	for _, x := range xs {
		ps = append(ps, d.prefix(field, x))
	}
	return ps
}
