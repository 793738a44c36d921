package sim

import (
	"net/netip"
	"slices"
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
func Advertise(v *view.View, id topology.PortID) (frames []Emit) {
	for _, p := range advertisers(v, id) {
		frames = append(frames, tellAll(p, advertised(p), id))
	}
	return frames
}

// Retract returns what the routers that advertised behind an exterior port of this host in the view was tell all hosts there when they do not in now:
// that they route nothing any more, or that addresses of some prefixes are not for new connections (RFC 4861 section 6.2.5; RFC 9096 section 3.3
// for prefixes).
func Retract(was, now *view.View, id topology.PortID) (frames []Emit) {
	if !hears(now, id) {
		return nil
	}
	present := advertisers(now, id)
	for _, p := range advertisers(was, id) {
		i := slices.IndexFunc(present, func(q *topology.Port) bool { return q.ID == p.ID })
		if i >= 0 && present[i] == p {
			continue
		}
		a := advertised(p)
		gone := slices.DeleteFunc(a.Prefixes, func(old packet.AdvertisedPrefix) bool { return advertises(present, old.Prefix) })
		for i := range gone {
			gone[i].Valid, gone[i].Preferred = 0, 0
		}
		if i < 0 {
			a.Prefixes, a.Lifetime, a.DNSLifetime = gone, 0, 0
			frames = append(frames, tellAll(p, a, id))
		} else if len(gone) > 0 {
			a = advertised(present[i])
			a.Prefixes = append(a.Prefixes, gone...)
			frames = append(frames, tellAll(p, a, id))
		}
	}
	return frames
}

func advertises(ports []*topology.Port, prefix netip.Prefix) bool {
	return slices.ContainsFunc(ports, func(p *topology.Port) bool {
		return slices.ContainsFunc(p.Advertise.Prefixes, func(a topology.AdvertisedPrefix) bool { return a.Prefix == prefix })
	})
}

// hears reports whether anything is sent out of the port unasked: it is exterior and neither it nor its bridge is down.
func hears(v *view.View, id topology.PortID) bool {
	port := v.Port(id)
	if port == nil || port.Interior() || !port.AdminUp {
		return false
	}
	b := v.Bridge(port.Bridge)
	return !port.Router.IsZero() || b != nil && b.AdminUp
}

// advertisers returns the routers' ports that advertise to all hosts behind the exterior port.
func advertisers(v *view.View, id topology.PortID) (ports []*topology.Port) {
	if !hears(v, id) {
		return nil
	}
	candidates := []topology.PortID{id}
	if port := v.Port(id); port.Router.IsZero() {
		candidates = candidates[:0]
		for _, wired := range v.Interior(port.Bridge) {
			if w := v.Port(wired); w.AdminUp {
				candidates = append(candidates, w.Peer)
			}
		}
	}
	for _, c := range candidates {
		p := v.Port(c)
		if p == nil || !p.AdminUp || p.Advertise == nil {
			continue
		}
		if r := v.Router(p.Router); r != nil && r.AdminUp {
			ports = append(ports, p)
		}
	}
	return ports
}

// tellAll is the advertisement of the router's port p out of the exterior port.
func tellAll(p *topology.Port, a packet.RouterAdvertisement, exterior topology.PortID) Emit {
	return Emit{Outputs: []flow.Output{{Port: exterior}}, Frame: a.ToAll(p.MAC)}
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
