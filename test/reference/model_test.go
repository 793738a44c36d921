package reference

import (
	"fmt"
	"net/netip"
)

// message is a packet as people speak of it. Of an echo both ports are the identifier.
type message struct {
	proto            string // tcp, udp or icmp
	src, dst         netip.Addr
	srcPort, dstPort uint16
	answer           bool // to one that arrived
}

func (m message) String() string {
	kind := m.proto
	if m.answer {
		kind = "answer, " + kind
	}
	return fmt.Sprintf("%s %s > %s", kind, netip.AddrPortFrom(m.src, m.srcPort), netip.AddrPortFrom(m.dst, m.dstPort))
}

func (m message) six() bool { return m.dst.Is6() }

// reversed returns what an answer to the message has.
func (m message) reversed() message {
	return message{m.proto, m.dst, m.src, m.dstPort, m.srcPort, true}
}

// anyPort stands for a port, or an identifier, that a router chooses.
const anyPort = 0xffff

// memory is what routers remember of the messages that they have translated: as they came, and as they left.
type memory struct{ translated map[int][][2]message }

func (m *memory) note(router int, came, left message) {
	if m.translated == nil {
		m.translated = map[int][][2]message{}
	}
	m.translated[router] = append(m.translated[router], [2]message{came, left})
}

// original returns the message that the router has translated into the one that this answers.
func (m *memory) original(router int, answer message) (message, bool) {
	for _, t := range m.translated[router] {
		if sameEnds(t[1].reversed(), answer) {
			return t[0], true
		}
	}
	return message{}, false
}

// sameEnds compares messages, chosen ports apart.
func sameEnds(a, b message) bool {
	same := func(x, y uint16) bool { return x == y || x == anyPort || y == anyPort }
	return a.proto == b.proto && a.src == b.src && a.dst == b.dst && same(a.srcPort, b.srcPort) && same(a.dstPort, b.dstPort)
}

// nobody is where a message that does not arrive is.
const nobody = -1

// sends returns which machine gets what the machine sends, and as what.
func (w *world) sends(from int, p message, m *memory) (to int, got message) {
	x := w.machines[from]
	if own, _ := w.address(from, p.six()); own == p.dst {
		return nobody, p // that is never on the wire
	}
	if x.secured && (!w.owns(from, p.src) || !w.lets(x, false, p)) {
		return nobody, p
	}
	if w.onLink(x.network, p.dst) {
		return w.reaches(x.network, p.dst, p, m, 0)
	}
	gateway, ok := w.gatewayOf(from, p)
	if !ok {
		return nobody, p
	}
	return w.routes(gateway, x.network, p, m, 0)
}

// owns reports whether port security lets the machine use the address.
func (w *world) owns(machine int, a netip.Addr) bool {
	if own, ok := w.address(machine, a.Is6()); ok && own == a {
		return true
	}
	for _, p := range w.machines[machine].pairs {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// lets reports whether the machine's security groups accept what it sends, or gets.
func (w *world) lets(x machine, ingress bool, p message) bool {
	remote := p.dst
	if ingress {
		remote = p.src
	}
	for _, g := range x.groups {
		if p.answer && w.groups[g].stateful {
			return true
		}
		for _, r := range w.groups[g].rules {
			if r.ingress == ingress && r.six == p.six() && (r.proto == "" || r.proto == p.proto) && w.inRange(r, p) && w.isRemote(r, remote) {
				return true
			}
		}
	}
	return false
}

func (w *world) inRange(r rule, p message) bool {
	return r.first == 0 || int(p.dstPort) >= r.first && int(p.dstPort) <= r.last
}

func (w *world) isRemote(r rule, a netip.Addr) bool {
	if r.remoteGroup < 0 {
		return !r.remote.IsValid() || r.remote.Contains(a)
	}
	for m, x := range w.machines {
		for _, g := range x.groups {
			if g == r.remoteGroup && x.secured && w.owns(m, a) {
				return true
			}
		}
	}
	return false
}

// onLink reports whether the address is of the network.
func (w *world) onLink(network int, a netip.Addr) bool {
	return prefix(network, a.Is6()).Contains(a) && (a.Is4() || w.networks[network].dual)
}

// gatewayOf returns the router that a machine sends to what is elsewhere. The machine outside knows by which gateway tenants' networks
// are reached.
func (w *world) gatewayOf(machine int, p message) (router int, ok bool) {
	n := w.machines[machine].network
	for r := range w.routers {
		if n == 0 {
			for _, k := range w.routers[r].networks {
				if w.routers[r].gateway && prefix(k, p.six()).Contains(p.dst) {
					return r, true
				}
			}
			continue
		}
		if a, has := w.routerAddress(r, n, p.six()); has && a == nth(n, p.six(), 1) {
			return r, true
		}
	}
	return 0, false
}

// reaches takes the message to whoever has the address on the network.
func (w *world) reaches(network int, a netip.Addr, p message, m *memory, hops int) (int, message) {
	for i, x := range w.machines {
		if own, ok := w.address(i, a.Is6()); x.network == network && ok && own == a {
			if x.secured && !w.lets(x, true, p) {
				return nobody, p
			}
			return i, p
		}
	}
	for r := range w.routers {
		if own, ok := w.routerAddress(r, network, a.Is6()); ok && own == a || network == 0 && w.answersFor(r, a) {
			return w.routes(r, network, p, m, hops)
		}
	}
	return nobody, p
}

// answersFor reports whether the router has the floating address.
func (w *world) answersFor(r int, a netip.Addr) bool {
	for _, f := range w.floating {
		if f.router == r && w.floatingAddress(f.n) == a {
			return true
		}
	}
	for _, f := range w.forwardings {
		if f.router == r && w.floatingAddress(f.n) == a {
			return true
		}
	}
	return false
}

// routes takes the message through a router: destinations are translated, then it is routed, then sources are translated.
func (w *world) routes(r, in int, p message, m *memory, hops int) (int, message) {
	if hops++; hops > 8 {
		return nobody, p
	}
	came := p
	p, redirected, ok := w.inward(r, p, m)
	if !ok || w.isOwn(r, p.dst) {
		return nobody, p // the router answers itself, or nobody
	}
	out, hop, ok := w.lookUp(r, p.dst)
	if !ok {
		return nobody, p
	}
	if !p.six() {
		p = w.outward(r, in, out, came, p, redirected, m)
	}
	return w.reaches(out, hop, p, m, hops)
}

// inward translates the destination. ok is false where the message goes no further.
func (w *world) inward(r int, p message, m *memory) (_ message, redirected, ok bool) {
	if p.six() {
		return p, false, true
	}
	for _, f := range w.floating {
		if f.router == r && w.floatingAddress(f.n) == p.dst {
			p.dst, _ = w.address(f.machine, false)
			return p, true, true
		}
	}
	for _, f := range w.forwardings {
		if f.router == r && w.floatingAddress(f.n) == p.dst && f.proto == p.proto && f.port == int(p.dstPort) {
			p.dst, _ = w.address(f.machine, false)
			p.dstPort = uint16(f.to)
			return p, true, true
		}
	}
	if original, known := m.original(r, p); known && w.isOwn(r, p.dst) {
		p.dst, p.dstPort = original.src, original.srcPort
		if p.proto == "icmp" {
			p.srcPort = p.dstPort
		}
		return p, true, true
	}
	return p, false, !w.isOwn(r, p.dst)
}

// isOwn reports whether the address is the router's.
func (w *world) isOwn(r int, a netip.Addr) bool {
	for k := range w.networks {
		if own, ok := w.routerAddress(r, k, a.Is6()); ok && own == a {
			return true
		}
	}
	return false
}

// lookUp returns where the router sends what is for the address: a link, a route, or the way out, where nobody is.
func (w *world) lookUp(r int, a netip.Addr) (network int, hop netip.Addr, ok bool) {
	for k := range w.networks {
		if _, there := w.routerAddress(r, k, a.Is6()); there && w.onLink(k, a) {
			return k, a, true
		}
	}
	for _, x := range w.routers[r].routes {
		if !x.to.Contains(a) {
			continue
		}
		for k := range w.networks {
			if _, there := w.routerAddress(r, k, a.Is6()); there && w.onLink(k, x.via) {
				return k, x.via, true
			}
		}
	}
	return 0, a, false
}

// outward translates the source: of what leaves the cloud, and of what comes from inside and goes to a floating address inside, whose
// answer must come back by the router.
func (w *world) outward(r, in, out int, came, p message, redirected bool, m *memory) message {
	if original, known := m.original(r, came); known && original.dst != p.src {
		if f := w.forwarded(r, original); f != nil { // an answer of a forwarded port comes from there
			p.src, p.srcPort = original.dst, original.dstPort
			return p
		}
	}
	if out != 0 && (!redirected || in == 0) {
		w.remember(r, came, p, m)
		return p
	}
	for _, f := range w.floating {
		if fixed, _ := w.address(f.machine, false); f.router == r && fixed == p.src {
			p.src = w.floatingAddress(f.n)
			w.remember(r, came, p, m)
			return p
		}
	}
	own, _ := w.routerAddress(r, 0, false)
	back, _ := w.routerAddress(r, out, false)
	switch {
	case w.routers[r].gateway && w.routers[r].snat:
		p.src, p.srcPort = own, anyPort
	case in == out && redirected:
		p.src, p.srcPort = back, anyPort
	}
	if p.proto == "icmp" && p.srcPort == anyPort {
		p.dstPort = anyPort
	}
	w.remember(r, came, p, m)
	return p
}

// remember notes a translation.
func (w *world) remember(r int, came, left message, m *memory) {
	if came != left && !came.answer {
		m.note(r, came, left)
	}
}

// forwarded returns the forwarding by which the router sent the message on.
func (w *world) forwarded(r int, p message) *forwarding {
	for i, f := range w.forwardings {
		if f.router == r && w.floatingAddress(f.n) == p.dst && f.proto == p.proto && f.port == int(p.dstPort) {
			return &w.forwardings[i]
		}
	}
	return nil
}
