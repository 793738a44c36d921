package sim

import (
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/topology"
)

// Router configuration variables (RFC 4861 section 6.2.1, RFC 8106 section 5.1), at their defaults. MinAdvertise and MaxAdvertise are
// between which a router waits at random before it advertises unasked.
const (
	MaxAdvertise = 600 * time.Second
	MinAdvertise = 200 * time.Second

	hopLimit          = 64
	routerLifetime    = 3 * MaxAdvertise
	dnsLifetime       = 3 * MaxAdvertise
	validLifetime     = 2592000 * time.Second
	preferredLifetime = 604800 * time.Second
)

// Advertise returns what routers tell all hosts behind an exterior port of this host unasked: of each router on the port's bridge that
// advertises, or of the port's own router, one frame out of the port.
func Advertise(v *view.View, id topology.PortID) []Emit {
	port := v.Port(id)
	if port == nil || port.Interior() || !port.AdminUp {
		return nil
	}
	if !port.Router.IsZero() {
		return advertisement(v, port, id)
	}
	if b := v.Bridge(port.Bridge); b == nil || !b.AdminUp {
		return nil
	}
	var frames []Emit
	for _, wired := range v.Interior(port.Bridge) {
		if peer := v.Port(v.Port(wired).Peer); peer != nil && v.Port(wired).AdminUp {
			frames = append(frames, advertisement(v, peer, id)...)
		}
	}
	return frames
}

// advertisement returns what the router's port p tells all behind the exterior port; nothing where it does not advertise.
func advertisement(v *view.View, p *topology.Port, exterior topology.PortID) []Emit {
	r := v.Router(p.Router)
	if r == nil || !r.AdminUp || !p.AdminUp || p.Advertise == nil {
		return nil
	}
	return []Emit{{Outputs: []flow.Output{{Port: exterior}}, Frame: advertised(p).ToAll(p.MAC)}}
}

func advertised(p *topology.Port) packet.RouterAdvertisement {
	a := packet.RouterAdvertisement{
		HopLimit: hopLimit, Managed: p.Advertise.Managed, Other: p.Advertise.Other, Lifetime: routerLifetime,
		MTU: p.Advertise.MTU, DNSLifetime: dnsLifetime,
	}
	for _, prefix := range p.Advertise.Prefixes {
		a.Prefixes = append(a.Prefixes, packet.AdvertisedPrefix{Prefix: prefix.Prefix, Autonomous: prefix.Autonomous,
			Valid: validLifetime, Preferred: preferredLifetime})
	}
	for _, server := range p.Advertise.DNS {
		if server.Is6() {
			a.DNS = append(a.DNS, server)
		}
	}
	return a
}

// advertiseTo answers a router solicitation: to its sender alone, which the RFC permits in place of all, and to all where it has no
// address yet.
func (w *walk) advertiseTo(p *topology.Port) {
	r := w.view.Router(p.Router)
	if p.Advertise == nil || r == nil || !r.AdminUp {
		return
	}
	w.step(w.portDevice(p.ID), "advertises itself")
	to := w.packet.SrcIP
	if to.IsUnspecified() {
		w.emit(advertised(p).ToAll(p.MAC))
		return
	}
	w.emit(advertised(p).Frame(p.MAC, w.packet.SrcMAC, to))
}
