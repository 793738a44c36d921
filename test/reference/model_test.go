package reference

import (
	"fmt"
	"net/netip"
	"slices"
)

// message is a packet as people speak of it. Of an echo both ports are the identifier.
type message struct {
	proto            string // tcp, udp, sctp or icmp
	src, dst         netip.Addr
	srcPort, dstPort uint16
	answer           bool // to one that arrived
	refusal          bool // an answer that is an ICMP error about that one; protocol and ports are an answer's
	fragments        bool // it comes in two
	by               int  // the uplink by which the machine outside sends it
}

func (m message) String() string {
	kind := m.proto
	switch {
	case m.refusal:
		kind = "refusal of " + kind
	case m.answer:
		kind = "answer, " + kind
	}
	if m.fragments {
		kind += " in fragments"
	}
	return fmt.Sprintf("%s %s > %s", kind, netip.AddrPortFrom(m.src, m.srcPort), netip.AddrPortFrom(m.dst, m.dstPort))
}

func (m message) six() bool { return m.dst.Is6() }

// reversed returns what an answer to the message has.
func (m message) reversed() message {
	return message{proto: m.proto, src: m.dst, dst: m.src, srcPort: m.dstPort, dstPort: m.srcPort, answer: true}
}

// anyPort stands for a port, or an identifier, that a router chooses.
const anyPort = 0xffff

// clients are the addresses by which IPv4 workloads see IPv6 clients. anyClient stands for one that a router chooses.
var (
	clients   = netip.MustParsePrefix("100.64.0.0/16")
	anyClient = clients.Addr()
)

// memory is what routers remember of the messages that they have translated, and which of several equal routes they take.
type memory struct {
	translated []translated
	tracked    bool // something that tells answers apart has seen the message: a security group, or a router that sends it back
	turned     bool // it was first seen so when it was answered
	bySet      bool // a rule that names an address group was the first to let the message through
	choices    uint // a bit for each choice between two
	path       []passage
	refused    refusal // why the last router on the path did not take the message on
}

// passage is a router that the message has come to.
type passage struct {
	router, in int
	came       message
}

// refusal is a reason of which a router tells the sender.
type refusal string

const (
	noRoute    refusal = "no route"
	noHost     refusal = "nobody has the address"
	prohibited refusal = "prohibited"
	noPort     refusal = "nothing listens"
)

// types are the type and code of the ICMP error that says so, of IPv4 and IPv6, and of the one that it becomes in the other family
// (RFC 7915).
var types = map[refusal]struct{ v4, v6, as6, as4 [2]uint16 }{
	noRoute:    {[2]uint16{3, 0}, [2]uint16{1, 0}, [2]uint16{1, 0}, [2]uint16{3, 1}},
	noHost:     {[2]uint16{3, 1}, [2]uint16{1, 3}, [2]uint16{1, 0}, [2]uint16{3, 1}},
	prohibited: {[2]uint16{3, 13}, [2]uint16{1, 1}, [2]uint16{1, 1}, [2]uint16{3, 10}},
	noPort:     {[2]uint16{3, 3}, [2]uint16{1, 4}, [2]uint16{1, 4}, [2]uint16{3, 3}},
}

// told returns type and code of the error that the sender of a message that arrived nowhere gets; zero for none.
func (m *memory) told(p message) [2]uint16 {
	if m.refused == "" {
		return [2]uint16{}
	}
	t := types[m.refused]
	switch at := m.path[len(m.path)-1].came; {
	case at.six() && p.six():
		return t.v6
	case at.six():
		return t.as4
	case p.six():
		return t.as6
	}
	return t.v4
}

// translated is a message as it came to a router, and as it left.
type translated struct {
	router     int
	came, left message
}

// original returns the message that the router has translated into the one that this answers.
func (m *memory) original(router int, answer message) (message, bool) {
	for _, t := range m.translated {
		if t.router == router && sameEnds(t.left.reversed(), answer) {
			return t.came, true
		}
	}
	return message{}, false
}

// choose returns one of so many, two at most.
func (m *memory) choose(of int) int {
	if of == 1 {
		return 0
	}
	one := m.choices & 1
	m.choices >>= 1
	return int(one)
}

// sameEnds compares messages, chosen ports and clients' addresses apart.
func sameEnds(a, b message) bool {
	same := func(x, y uint16) bool { return x == y || x == anyPort || y == anyPort }
	sameAddr := func(x, y netip.Addr) bool { return x == y || clients.Contains(x) && clients.Contains(y) }
	return a.proto == b.proto && sameAddr(a.src, b.src) && sameAddr(a.dst, b.dst) && same(a.srcPort, b.srcPort) && same(a.dstPort, b.dstPort)
}

// nobody is where a message that does not arrive is.
const nobody = -1

// sends returns which machine gets what the machine sends, and as what. SCTP's checksum is of all fragments together and not of a sum, so
// that it cannot follow a change of ports.
func (w *world) sends(from int, p message, m *memory) (to int, got message) {
	to, got = w.goes(from, p, m)
	if p.fragments && p.proto == "sctp" && (got.srcPort != p.srcPort || got.dstPort != p.dstPort) {
		return nobody, p
	}
	return to, got
}

func (w *world) goes(from int, p message, m *memory) (to int, got message) {
	if from == far {
		return w.routes(w.edge(), uplinkNetwork(p.by), p, m, 0)
	}
	x := w.machines[from]
	if w.has(from, p.dst) {
		return nobody, p // that is never on the wire
	}
	if x.off || w.networks[x.network].off || x.secured && (!w.owns(from, p.src) || !w.lets(x, false, p, m)) {
		return nobody, p
	}
	if w.onLink(x.network, p.dst) {
		return w.reaches(x.network, p.dst, p, m, 0)
	}
	gateway, ok := w.gatewayOf(from, p)
	if !ok || w.routers[gateway].isOff(x.network) {
		return nobody, p
	}
	return w.routes(gateway, x.network, p, m, 0)
}

// edge is the router that has the uplinks.
func (w *world) edge() int { return len(w.routers) - 1 }

// owns reports whether port security lets the machine use the address.
func (w *world) owns(machine int, a netip.Addr) bool {
	if w.has(machine, a) {
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
func (w *world) lets(x machine, ingress bool, p message, m *memory) bool {
	remote := p.dst
	if ingress {
		remote = p.src
	}
	stateful := slices.ContainsFunc(x.groups, func(g int) bool { return w.groups[g].stateful })
	if p.answer && m.tracked && stateful {
		return true
	}
	m.turned = m.turned || p.answer && stateful
	m.tracked = m.tracked || stateful
	for _, g := range x.groups {
		for _, r := range w.groups[g].rules {
			if r.ingress == ingress && r.six == p.six() && r.covers(p) && w.isRemote(r, remote) {
				m.bySet = m.bySet || r.remoteSet >= 0
				return true
			}
		}
	}
	return false
}

// covers reports whether the rule is for messages of the kind.
func (r rule) covers(p message) bool {
	if p.refusal {
		return r.proto == "" || r.proto == "icmp"
	}
	return (r.proto == "" || r.proto == p.proto) && (r.first == 0 || int(p.dstPort) >= r.first && int(p.dstPort) <= r.last)
}

func (w *world) isRemote(r rule, a netip.Addr) bool {
	if r.remoteSet >= 0 {
		return slices.ContainsFunc(w.sets[r.remoteSet], func(p netip.Prefix) bool { return p.Contains(a) })
	}
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
	return prefix(network, a.Is6()).Contains(a) && (a.Is4() || network < 0 || w.networks[network].dual)
}

// gatewayOf returns the router that a machine sends to what is elsewhere. The machine on the external network knows by which gateway
// tenants' networks are reached.
func (w *world) gatewayOf(machine int, p message) (router int, ok bool) {
	n := w.machines[machine].network
	for r := range w.routers {
		if n == 0 {
			for _, k := range w.routers[r].networks {
				if w.routers[r].gateway && prefix(k, p.six()).Contains(p.dst) {
					return r, true
				}
			}
			if w.routers[r].edge {
				return r, true
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
	switch {
	case network < 0:
		return far, p
	case w.networks[network].off:
		return nobody, p
	}
	for i, x := range w.machines {
		if x.network == network && w.has(i, a) {
			if x.off || x.secured && !w.lets(x, true, p, m) {
				return nobody, p
			}
			return i, p
		}
	}
	for r := range w.routers {
		if own, ok := w.routerAddress(r, network, a.Is6()); ok && own == a || network == 0 && w.answersFor(r, a) {
			if w.routers[r].isOff(network) {
				return nobody, p
			}
			return w.routes(r, network, p, m, hops)
		}
	}
	return nobody, p
}

// answersFor reports whether the router has the floating address.
func (w *world) answersFor(r int, a netip.Addr) bool {
	for _, f := range w.floating {
		if f.router == r && f.address() == a {
			return true
		}
	}
	for _, f := range w.forwardings {
		if f.router == r && f.address() == a {
			return true
		}
	}
	return false
}

// routes takes the message through a router: destinations are translated, then it is routed, then sources are translated.
func (w *world) routes(r, in int, p message, m *memory, hops int) (int, message) {
	if hops++; hops > 6 {
		return nobody, p
	}
	m.path = append(m.path, passage{r, in, p})
	if w.routers[r].off {
		m.refused = prohibited
		return nobody, p
	}
	came := p
	p, redirected, ok := w.inward(r, p, m)
	if !ok || w.isOwn(r, p.dst) {
		if w.isOwn(r, p.dst) && p.proto == "udp" && !w.onlyAnswers(r, p.dst) {
			m.refused = noPort
		}
		return nobody, p // the router answers itself, or nobody
	}
	out, hop, ok := w.lookUp(r, p.dst, m)
	if !ok {
		m.refused = noRoute
		return nobody, p
	}
	if out >= 0 && !w.hasSomebody(out, hop) {
		m.refused = noHost
		return nobody, p
	}
	switch {
	case came.six() != p.six() && p.fragments && p.proto == "icmp": // whose checksum would be of all fragments together
		return nobody, p
	case came.six() && !p.six():
		m.translated = append(m.translated, translated{r, came, p})
		ok = !w.masquerades(r, out)
	case !p.six():
		p, ok = w.outward(r, in, out, came, p, redirected, m)
	}
	if !ok {
		return nobody, p
	}
	return w.reaches(out, hop, p, m, hops)
}

// inward translates the destination, and between the families both ends. ok is false where the message goes no further.
func (w *world) inward(r int, p message, m *memory) (_ message, redirected, ok bool) {
	original, known := m.original(r, p)
	for _, f := range w.floating {
		fixed := w.fixed(f)
		switch {
		case f.router != r:
		case f.six && clients.Contains(p.dst) && fixed == p.src:
			p.src, p.dst = original.dst, original.src
			return p, true, known
		case f.address() != p.dst:
		case f.six:
			p.src, p.dst = anyClient, fixed
			return p, true, true
		default:
			p.dst = fixed
			return p, true, true
		}
	}
	if p.six() {
		return p, false, true
	}
	if f := w.forwarded(r, p); f != nil {
		p.dst, _ = w.address(f.machine, false)
		p.dstPort = uint16(f.to) + p.dstPort - uint16(f.port)
		return p, true, true
	}
	if known && w.isOwn(r, p.dst) {
		p.dst, p.dstPort = original.src, original.srcPort
		if p.proto == "icmp" {
			p.srcPort = p.dstPort
		}
		return p, true, true
	}
	return p, false, !w.isOwn(r, p.dst)
}

// networksOf returns the networks that the router is on.
func (w *world) networksOf(r int) []int {
	var all []int
	if w.routers[r].gateway || w.routers[r].outer || w.routers[r].edge {
		all = append(all, 0)
	}
	if w.routers[r].edge {
		for u := range w.uplinks {
			all = append(all, uplinkNetwork(u))
		}
	}
	return append(all, w.routers[r].networks...)
}

// isOwn reports whether the address is the router's.
func (w *world) isOwn(r int, a netip.Addr) bool {
	return slices.ContainsFunc(w.networksOf(r), func(k int) bool {
		own, ok := w.routerAddress(r, k, a.Is6())
		return ok && own == a
	})
}

// onlyAnswers reports whether nothing but answers, and pings, may be sent to the router's address, to which it translates sources.
func (w *world) onlyAnswers(r int, a netip.Addr) bool {
	own, ok := w.routerAddress(r, 0, false)
	return ok && own == a && w.routers[r].gateway && w.routers[r].snat
}

// hasSomebody reports whether anybody is known to have the address on the network.
func (w *world) hasSomebody(network int, a netip.Addr) bool {
	for i, x := range w.machines {
		if x.network == network && w.has(i, a) && (!w.virtual.is(a) || !x.off && !w.networks[network].off) { // which nobody answers for else
			return true
		}
	}
	for r := range w.routers {
		if own, ok := w.routerAddress(r, network, a.Is6()); slices.Contains(w.networksOf(r), network) && ok && own == a || network == 0 && w.answersFor(r, a) {
			return true
		}
	}
	return false
}

// hears reports whether it is known that the sender gets what routers tell it of the message: it has sent it as its own, whoever filters
// what it gets lets errors in that are about what it has sent, and the routers on the way back are those on the way here.
func (w *world) hears(from int, p message, m *memory) bool {
	if p.answer || p.fragments || !w.has(from, p.src) {
		return false
	}
	for _, x := range m.path[:max(0, len(m.path)-1)] {
		if x.in >= 0 && !w.onLink(x.in, x.came.src) || len(w.routers[x.router].offOn) > 0 {
			return false
		}
	}
	if from == far {
		return true
	}
	x := w.machines[from]
	return !x.secured || slices.ContainsFunc(x.groups, func(g int) bool { return w.groups[g].stateful })
}

// usable reports whether the router can send out of its interface on the network.
func (w *world) usable(r, network int) bool {
	return !w.routers[r].isOff(network) && (network >= 0 || !w.uplinks[-1-network].down)
}

// way is a way on, for as many bits of an address.
type way struct {
	bits    int
	network int
	hop     netip.Addr
}

// lookUp returns where the router sends what is for the address, by the longest of its routes: a link, an extra route, or the way out.
func (w *world) lookUp(r int, a netip.Addr, m *memory) (network int, hop netip.Addr, ok bool) {
	var ways []way
	add := func(to netip.Prefix, k int, hop netip.Addr) {
		if to.Contains(a) && w.usable(r, k) {
			ways = append(ways, way{to.Bits(), k, hop})
		}
	}
	for _, k := range w.networksOf(r) {
		if w.onLink(k, a) {
			add(prefix(k, a.Is6()), k, a)
		}
		for _, x := range w.routers[r].routes {
			if w.onLink(k, x.via) {
				add(x.to, k, x.via)
			}
		}
	}
	if w.routers[r].gateway {
		add(netip.PrefixFrom(a, 0).Masked(), 0, nth(0, a.Is6(), 1))
	}
	if len(ways) == 0 {
		return 0, a, false
	}
	longest := slices.MaxFunc(ways, func(a, b way) int { return a.bits - b.bits }).bits
	ways = slices.DeleteFunc(ways, func(x way) bool { return x.bits < longest })
	x := ways[m.choose(len(ways))]
	return x.network, x.hop, true
}

// outward translates the source: of what leaves the cloud, and of what comes from inside and goes to a floating address inside, whose
// answer must come back by the router. ok is false where the message goes no further.
func (w *world) outward(r, in, out int, came, p message, redirected bool, m *memory) (_ message, ok bool) {
	if original, known := m.original(r, came); known {
		if f := w.forwarded(r, original); f != nil { // an answer of a forwarded port comes from there
			p.src, p.srcPort = original.dst, original.dstPort
			return p, true
		}
	}
	if out != 0 && (!redirected || in == 0) {
		w.remember(r, came, p, m)
		return p, true
	}
	for _, f := range w.floating {
		if f.router == r && !f.six && w.fixed(f) == p.src {
			p.src = f.address()
			w.remember(r, came, p, m)
			return p, true
		}
	}
	if p.refusal {
		return p, !w.masquerades(r, out) // nothing new begins with it
	}
	own, _ := w.routerAddress(r, 0, false)
	back, _ := w.routerAddress(r, out, false)
	switch {
	case w.routers[r].gateway && (w.routers[r].snat || redirected), w.routers[r].outer && redirected:
		p.src, p.srcPort = own, anyPort
	case in == out && in != 0 && redirected && !(p.answer && m.tracked):
		m.tracked = true
		p.src, p.srcPort = back, anyPort
	}
	if p.proto == "icmp" && p.srcPort == anyPort {
		p.dstPort = anyPort
	}
	w.remember(r, came, p, m)
	return p, true
}

// masquerades reports whether the router lets nothing out to the network but under an address of its own.
func (w *world) masquerades(r, out int) bool {
	return out == 0 && w.routers[r].gateway && w.routers[r].snat
}

// remember notes a translation.
func (w *world) remember(r int, came, left message, m *memory) {
	if came != left && !came.answer {
		m.translated = append(m.translated, translated{r, came, left})
	}
}

// forwarded returns the forwarding by which the router sent the message on.
func (w *world) forwarded(r int, p message) *forwarding {
	for i, f := range w.forwardings {
		if f.router == r && f.address() == p.dst && f.proto == p.proto && (f.port == int(p.dstPort) || f.port+1 == int(p.dstPort)) {
			return &w.forwardings[i]
		}
	}
	return nil
}
