package sim

import (
	"net/netip"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// enterRouter lets the packet into the router from its port p.
func (w *walk) enterRouter(p *topology.Port) {
	w.tag(flow.TagRouter, p.Router)
	r := w.view.Router(p.Router)
	if r == nil {
		w.stop(Error, device{kind: "router", id: topology.BridgeID(p.Router)}, "is not known here")
		return
	}
	if !w.pass(topology.BridgeID(r.ID)) {
		w.circles(routerDevice(r))
		return
	}
	dst := w.packet.DstMAC
	switch {
	case w.packet.Tagged():
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: a router takes no VLAN tags")
	case w.speaksToPort(r, p):
	case dst.IsMulticast():
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: routers do not forward what is sent to a group")
	case dst != p.MAC:
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: it is for %s and not for the router, %s", dst, p.MAC)
	case !w.packet.IsIP():
		w.stop(Drop, w.portDevice(p.ID), "drops the packet: a router takes nothing but IP")
	default:
		w.routeIn(r, p)
	}
}

// routeIn takes the packet from the port to the routes.
func (w *walk) routeIn(r *view.Router, p *topology.Port) {
	if !r.AdminUp {
		w.refuse(p, prohibited, routerDevice(r), "is administratively down")
		return
	}
	if isMartian(w.packet.SrcIP) {
		w.stop(Drop, routerDevice(r), "drops the packet: no station has the address %s", w.packet.SrcIP)
		return
	}
	if hasAddress(p, w.packet.SrcIP) {
		w.stop(Drop, routerDevice(r), "drops the packet: its source %s is the router's own", w.packet.SrcIP)
		return
	}
	if staysOnLink(&w.packet) {
		w.stop(Drop, routerDevice(r), "drops the packet: what is said of a link stays on it")
		return
	}
	at := place{device: r.ID, router: r, in: p.ID}
	if !w.lets(r, p, w.view.Named(r.Overlay.InChain), &at) || !w.lets(r, p, r.In, &at) {
		return
	}
	dst := w.packet.DstIP
	switch {
	case isMartian(dst):
		w.stop(Drop, routerDevice(r), "drops the packet: %s is not forwarded", dst)
	case dst.Is6() && dst.IsLinkLocalUnicast():
		w.linkLocal(r, p)
	default:
		w.route(r, p, &at)
	}
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// isMartian reports whether the address is none that a router forwards from or to: a group's, that of all, of nobody, of one's own machine (RFC 1812
// section 5.3.7, RFC 4291 section 2.5), or of IPv4 where IPv6 stands.
func isMartian(a netip.Addr) bool {
	const thisNetwork, loopback, multicast = 0, 127, 224 // their first octets; of multicast the first four bits
	if a.Is4() {
		first := a.As4()[0]
		return first == thisNetwork || first == loopback || first&0xf0 == multicast || a == limitedBroadcast
	}
	return a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || a.Is4In6()
}

// staysOnLink reports whether the packet is of those by which stations of one link speak of it, and which no rule of theirs is asked about or that
// would turn their routes: neighbour and listener discovery, router advertisements, redirects. None means anything beyond its link
// (RFC 792, RFC 2710, RFC 4861).
func staysOnLink(p *packet.Packet) bool {
	redirect := p.EtherType == packet.EtherTypeIPv4 && p.Proto == packet.ProtoICMP && p.Fragment != packet.FragmentLater && p.SrcPort == packet.ICMPRedirect
	return redirect || isLinkMessage(p) || isCutDiscovery(p)
}

// linkLocal takes what is for a link-local address, which no router forwards (RFC 4291 section 2.5.6).
func (w *walk) linkLocal(r *view.Router, p *topology.Port) {
	if w.packet.DstIP == packet.LinkLocal(p.MAC) || hasAddress(p, w.packet.DstIP) {
		w.local(r, p)
		return
	}
	w.stop(Drop, routerDevice(r), "drops the packet: %s stays on its link", w.packet.DstIP)
}

// lets runs one of the router's chains, where there is one, and reports whether the packet goes on.
func (w *walk) lets(r *view.Router, in *topology.Port, c *view.Chain, at *place) bool {
	return c == nil || w.routerChain(r, in, c, at)
}

func (w *walk) routerChain(r *view.Router, in *topology.Port, c *view.Chain, at *place) bool {
	switch w.filter(c, at) {
	case dropped:
		w.stop(Drop, routerDevice(r), "drops the packet, as its rules say")
		return false
	case rejected:
		w.refuse(in, prohibited, routerDevice(r), "refuses the packet, as its rules say")
		return false
	case waiting:
		return false
	}
	return true
}

// route sends the packet where the router's routes say.
func (w *walk) route(r *view.Router, in *topology.Port, at *place) {
	dst := w.packet.DstIP
	t := w.chooseRoute(r)
	if t == nil {
		w.refuse(in, noRoute, routerDevice(r), "has no route to %s", dst)
		return
	}
	switch t.Kind {
	case topology.RouteLocal:
		w.local(r, in)
	case topology.RouteForward:
		out := w.view.Port(t.Port)
		if out == nil || out.Router != r.ID {
			w.stop(Error, routerDevice(r), "has a route out of port %s, which is not its own", t.Port.Short())
			return
		}
		w.forwardBy(r, in, out, t, at)
	case topology.RouteReject:
		w.refuse(in, prohibited, routerDevice(r), "refuses the packet: its route to %s says so", t.Destination)
	default:
		w.stop(Drop, routerDevice(r), "drops the packet: %s is a blackhole", t.Destination)
	}
}

// forwardBy sends the packet out of a port of the router by a route.
func (w *walk) forwardBy(r *view.Router, in, out *topology.Port, t *topology.Route, at *place) {
	if w.in.Trace {
		w.tellRoute(r, out, t)
	}
	if !w.lives(r, in) || !w.fits(in, out) {
		return
	}
	at.out = out.ID
	if !w.lets(r, in, r.Forward, at) {
		return
	}
	hop := t.NextHop
	if !hop.IsValid() || hop.IsUnspecified() {
		hop = w.packet.DstIP
	}
	hw, ok := w.resolve(r, in, out, hop)
	if !ok || !w.lets(r, in, r.Out, at) || !w.lets(r, in, w.view.Named(r.Overlay.OutChain), at) {
		return
	}
	w.packet.SrcMAC, w.packet.DstMAC = out.MAC, hw
	w.leave(out)
}

func (w *walk) tellRoute(r *view.Router, out *topology.Port, t *topology.Route) {
	w.step(routerDevice(r), "sends it out of %s by route %s %s", w.portDevice(out.ID), t.ID.Short(), describeRoute(t))
}

// lives takes one from the TTL and reports whether any is left. Link-local sources are not forwarded.
func (w *walk) lives(r *view.Router, in *topology.Port) bool {
	if src := w.packet.SrcIP; src.Is6() && src.IsLinkLocalUnicast() {
		w.stop(Drop, routerDevice(r), "drops the packet: its source %s is of another link", src)
		return false
	}
	if w.packet.TTL <= 1 {
		w.result.Cache = false // the next one's TTL may be another, and so may a size
		w.refuse(in, expired, routerDevice(r), "drops the packet: its TTL is %d", w.packet.TTL)
		return false
	}
	w.packet.TTL--
	w.hops++
	return true
}

// fits reports whether the packet can go out of the port: it is small enough, or may be cut. What may not be cut is refused, so that
// its sender makes smaller ones (RFC 1191, RFC 8201).
func (w *walk) fits(in, out *topology.Port) bool {
	if out.MTU == 0 {
		return true
	}
	limit := out.MTU - w.growth
	if w.mtu == 0 || limit < w.mtu {
		w.mtu = limit
	}
	if w.size() <= limit || w.mayCut() {
		return true
	}
	w.result.Cache = false
	e := tooBig
	e.value = uint32(w.toldMTU(limit))
	w.refuse(in, e, w.portDevice(out.ID), "cannot carry %d octets: its MTU is %d", w.size()+w.growth, out.MTU)
	return false
}

// toldMTU returns what the sender of a packet that is larger than limit, counted as it came in, is told where the packet came into the
// present router. Of IPv6 no router tells less than every link's: what is no larger may be cut as IPv4.
func (w *walk) toldMTU(limit int) int {
	told := limit + w.arrivedGrowth
	if w.crossed() && w.arrived.EtherType == packet.EtherTypeIPv6 {
		return max(told, packet.MinIPv6MTU)
	}
	return told
}

// size returns the octets of the largest IP packet that the frame stands for, as it came in.
func (w *walk) size() int {
	if w.in.Segment > 0 && !w.made {
		return w.in.Segment
	}
	return w.packet.Length()
}

// mayCut reports whether the packet may be cut into fragments on its way.
func (w *walk) mayCut() bool {
	was := w.asEntered()
	switch {
	case w.in.Segment > 0 && !w.made:
		return false
	case w.crossed() && was.EtherType == packet.EtherTypeIPv6:
		return was.Fragment != packet.Unfragmented || was.Length()+w.growth <= packet.MaxCutIPv4
	}
	return !was.DontFragment()
}

// local takes what is for the router itself.
func (w *walk) local(r *view.Router, in *topology.Port) {
	p := &w.packet
	switch {
	case p.IsEchoRequest() && p.Fragment == packet.Unfragmented:
		w.consume()
		w.step(routerDevice(r), "answers the echo request")
		w.sendBack(in, w.echoReply())
	case p.Proto == packet.ProtoUDP && p.Fragment != packet.FragmentLater:
		w.refuse(in, portUnreachable, routerDevice(r), "has nothing that listens to UDP port %d", p.DstPort)
	default:
		w.stop(Drop, routerDevice(r), "drops the packet: %s is its own, and it answers nothing but echo requests", p.DstIP)
	}
}

// echoReply returns the answer to the echo request as it is here.
func (w *walk) echoReply() []byte {
	var request packet.Packet
	if packet.Parse(w.frame(), &request) != nil {
		return nil // it is the packet that was parsed before
	}
	return request.EchoReply()
}

// frame returns the packet as it is here.
func (w *walk) frame() []byte { return w.frameAs(w.packet.Header) }

// frameAs returns the packet with the header.
func (w *walk) frameAs(h packet.Header) []byte {
	p := w.asEntered()
	h = w.onWire(h)
	if w.quote.changed {
		return p.WithQuote(h, w.quote.Quote)
	}
	return p.With(h)
}

// sendBack sends a frame that the router made out of one of its ports, to follow the network from there on.
func (w *walk) sendBack(p *topology.Port, frame []byte) {
	s := newWalk(w.view, Input{InPort: w.in.InPort, Trace: w.in.Trace, State: w.in.State})
	s.made, s.maker, s.source, s.answer = true, w, w.source, answerYes
	if packet.Parse(frame, &s.packet) != nil {
		return // it is our own
	}
	s.in.Frame, s.entered, s.at = frame, s.packet.Header, p
	s.result.Cache = false
	s.leave(p)
	w.result.Emit = append(w.result.Emit, s.result.Emit...)
	w.result.Steps = append(w.result.Steps, s.result.Steps...)
	if s.result.Verdict == Forward && len(s.result.Actions.Outputs) > 0 {
		w.result.Emit = append(w.result.Emit, Emit{Outputs: s.result.Actions.Outputs, Frame: s.frame()})
	}
}

// hasAddress reports whether the address is one of the router port's own.
func hasAddress(p *topology.Port, a netip.Addr) bool {
	for _, own := range p.Addresses {
		if own.Addr() == a {
			return true
		}
	}
	return false
}

// addressFor returns the address that the router port speaks to another with: the one of its subnet, else any of its family; the zero
// Addr where there is none.
func addressFor(p *topology.Port, to netip.Addr) netip.Addr {
	var any netip.Addr
	for _, own := range p.Addresses {
		switch {
		case own.Addr().Is4() != to.Is4():
		case own.Contains(to):
			return own.Addr()
		case !any.IsValid():
			any = own.Addr()
		}
	}
	if to.Is6() && (to.IsLinkLocalUnicast() || !any.IsValid()) {
		return packet.LinkLocal(p.MAC)
	}
	return any
}

// resolve returns the MAC to which the port, whose tag is there, sends what goes to the address next; false with the result set where
// nobody knows (yet).
func (w *walk) resolve(r *view.Router, in, out *topology.Port, hop netip.Addr) (mac.Addr, bool) {
	if out.Interior() {
		if hw, ok := w.resolveOnWire(out, hop); ok {
			return hw, true
		}
	}
	w.tagAddr(flow.TagNeighbour, out.ID, hop)
	if hw, ok := w.view.RouterNeighbour(out.ID, hop); ok {
		return hw, true
	}
	src := addressFor(out, hop)
	switch {
	case w.in.GiveUp || !src.IsValid():
		w.refuse(in, noHost, w.portDevice(out.ID), "finds nobody who has %s", hop)
	case w.made:
		w.stop(Drop, w.portDevice(out.ID), "drops the packet: it does not know who has %s", hop)
	default:
		w.wait(Want{Neighbour: NeighbourWant{Router: r.ID, Port: out.ID, Addr: hop}})
		w.step(w.portDevice(out.ID), "asks who has %s: the packet waits for the answer", hop)
		w.ask(out, src, hop)
	}
	return mac.Addr{}, false
}

// resolveOnWire looks at the other end of the port's wire.
func (w *walk) resolveOnWire(out *topology.Port, hop netip.Addr) (mac.Addr, bool) {
	w.tag(flow.TagPort, out.Peer)
	peer := w.view.Port(out.Peer)
	switch {
	case peer == nil:
		return mac.Addr{}, false
	case !peer.Router.IsZero():
		return peer.MAC, true
	}
	if hw, ok := packet.FromLinkLocal(hop); ok {
		w.tagStation(peer.Bridge, hw)
		if _, known := w.view.Station(peer.Bridge, hw); known {
			return hw, true
		}
	}
	w.tagAddr(flow.TagNeighbour, peer.Bridge, hop)
	n, ok := w.view.Neighbour(peer.Bridge, hop)
	return n.MAC, ok
}

// ask sends the question who has the address out of the router's port.
func (w *walk) ask(out *topology.Port, src, hop netip.Addr) {
	if hop.Is4() {
		question := packet.ARP{Operation: packet.ARPRequest, SenderMAC: out.MAC, SenderIP: src, TargetIP: hop}
		w.sendBack(out, question.Frame(out.MAC, mac.Broadcast))
		return
	}
	w.sendBack(out, packet.Solicitation(out.MAC, src, hop))
}
