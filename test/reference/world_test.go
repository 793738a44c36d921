// Package reference holds the virtual network to a plain model of what Neutron's resources mean: for each packet, what should arrive
// where. The model (model_test.go) knows networks, routers, security groups and floating addresses as a user does, and nothing of
// bridges, chains, rules, flows or hosts. Random clouds (world_test.go) are rendered as the cluster renders them, and the agents of three
// hosts decide about the packets (lab_test.go).
package reference

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"midonet.org/midonet/mac"
)

// world is a cloud: what its users have made, and what its operator has switched off.
type world struct {
	networks    []network // the first one is external
	routers     []router  // the last one is the operator's, at the edge
	machines    []machine // the first one is on the external network, and nobody's
	groups      []group
	sets        [][]netip.Prefix // address groups
	floating    []floating
	forwardings []forwarding
	uplinks     []uplink // of the router at the edge
	virtual     virtual
}

// virtual is an address of each family that machines of a network take over from each other, and say so.
type virtual struct {
	network int   // 0: there is none
	could   []int // the machines that may have it
	holder  int   // the one that has it, or nobody
	kept    bool  // a port of Neutron's has it, which is plugged in nowhere
}

func (v virtual) address(six bool) netip.Addr { return nth(v.network, six, 200) }

// is reports whether the address is the virtual one.
func (v virtual) is(a netip.Addr) bool { return v.network > 0 && v.address(a.Is6()) == a }

// network has an IPv4 subnet, and maybe one of IPv6.
type network struct {
	dual, off bool
	dhcp      bool   // enable_dhcp
	mode      string // ipv6_ra_mode and ipv6_address_mode; empty: neither
}

type router struct {
	networks []int // that it has an interface on
	gateway  bool  // it has one on the external network
	outer    bool  // it has an interface there instead: floating addresses, and no way out
	snat     bool
	routes   []route
	off      bool
	offOn    []int // networks its interface on which is switched off
	edge     bool  // it has the uplinks, and is the external network's own gateway
}

type route struct {
	to  netip.Prefix
	via netip.Addr
}

// uplink is a way out by a host's interface.
type uplink struct {
	host int
	down bool // the interface is
}

// machine is a workload with an address of each family that its network has.
type machine struct {
	network int
	twice   bool // it has two of each
	host    int
	off     bool
	secured bool // port security; else it may send and receive everything
	groups  []int
	pairs   []netip.Prefix // allowed address pairs
}

type group struct {
	stateful bool
	rules    []rule
}

// rule accepts packets of a family in one direction. What it does not name it does not look at.
type rule struct {
	ingress     bool
	six         bool
	proto       string // tcp, udp, sctp, icmp or empty
	first, last int    // destination ports; 0: any
	remote      netip.Prefix
	remoteGroup int // -1: none
	remoteSet   int // likewise
}

// anyRemote is a rule that looks at the direction and the family alone.
func anyRemote(ingress, six bool) rule {
	return rule{ingress: ingress, six: six, remoteGroup: -1, remoteSet: -1}
}

// floating is an address of the external network that stands for a machine's IPv4 address, by a router.
type floating struct {
	six                bool // it is one of IPv6
	second             bool // it stands for the machine's second address
	virtual            bool // it stands for the virtual address, and for no machine
	n, router, machine int
}

// forwarding sends two ports of an address of the external network to two of a machine's.
type forwarding struct {
	n, router, machine int
	proto              string
	port, to           int // the first ones
}

// String draws the cloud, a line for each thing.
func (w *world) String() string {
	var b strings.Builder
	for k, n := range w.networks {
		fmt.Fprintf(&b, "network %d: %s, IPv6 %t, off %t, DHCP %t, mode %q\n", k, prefix(k, false), n.dual, n.off, n.dhcp, n.mode)
	}
	for r, x := range w.routers {
		fmt.Fprintf(&b, "router %d: edge %t, networks %v, gateway %t, interface there %t, source translation %t, off %t, off on %v", r, x.edge, x.networks, x.gateway,
			x.outer, x.snat, x.off, x.offOn)
		for _, route := range x.routes {
			fmt.Fprintf(&b, ", %s via %s", route.to, route.via)
		}
		b.WriteString("\n")
	}
	for m, x := range w.machines {
		fmt.Fprintf(&b, "machine %d: %v on host %d, off %t, secured %t, groups %v, pairs %v\n", m, w.addresses(m, false), x.host, x.off, x.secured, x.groups, x.pairs)
	}
	for g, x := range w.groups {
		fmt.Fprintf(&b, "group %d: stateful %t\n", g, x.stateful)
		for _, r := range x.rules {
			fmt.Fprintf(&b, "  ingress %t, IPv6 %t, protocol %q, ports %d-%d, remote %s, group %d, address group %d\n", r.ingress, r.six, r.proto, r.first, r.last, r.remote,
				r.remoteGroup, r.remoteSet)
		}
	}
	for i, set := range w.sets {
		fmt.Fprintf(&b, "address group %d: %v\n", i, set)
	}
	for _, f := range w.floating {
		fmt.Fprintf(&b, "floating %s of router %d: machine %d, %s\n", f.address(), f.router, f.machine, w.fixed(f))
	}
	for _, f := range w.forwardings {
		fmt.Fprintf(&b, "forwarding %s %s:%d of router %d: machine %d port %d\n", f.proto, f.address(), f.port, f.router, f.machine, f.to)
	}
	for u, x := range w.uplinks {
		fmt.Fprintf(&b, "uplink %d: %s on host %d, down %t\n", u, prefix(uplinkNetwork(u), false), x.host, x.down)
	}
	if v := w.virtual; v.network > 0 {
		fmt.Fprintf(&b, "virtual %s: machine %d of %v, kept %t\n", v.address(false), v.holder, v.could, v.kept)
	}
	return b.String()
}

// prefix returns a network's subnet of the family.
func prefix(network int, six bool) netip.Prefix {
	switch {
	case network < 0 && six:
		return netip.MustParsePrefix(fmt.Sprintf("fd00:f%d::/64", -network))
	case network < 0:
		return netip.MustParsePrefix(fmt.Sprintf("172.16.%d.0/24", -network))
	case network == 0 && six:
		return netip.MustParsePrefix("2001:db8:71::/64")
	case network == 0:
		return netip.MustParsePrefix("203.0.113.0/24")
	case six:
		return netip.MustParsePrefix(fmt.Sprintf("fd00:%d::/64", network))
	}
	return netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", network))
}

// nth returns an address of a network.
func nth(network int, six bool, n int) netip.Addr {
	base := prefix(network, six).Addr()
	b := base.AsSlice()
	b[len(b)-1] = byte(n)
	a, _ := netip.AddrFromSlice(b)
	return a
}

// uplinkNetwork is the number of an uplink's network, on which the outside has the second address and the router at the edge the first.
func uplinkNetwork(u int) int { return -1 - u }

// far is the machine outside, which is reached by any uplink, and sends by any.
const far = -2

// farAddress is an address of the machine outside. It has all others too that nobody in the cloud has.
func farAddress(six bool) netip.Addr {
	if six {
		return netip.MustParseAddr("2001:db8:99::77")
	}
	return netip.MustParseAddr("192.0.2.77")
}

// address returns a machine's address of the family, the first of two, false where its network has none.
func (w *world) address(m int, six bool) (netip.Addr, bool) {
	if m == far {
		return farAddress(six), true
	}
	n := w.machines[m].network
	return nth(n, six, 100+m), !six || w.networks[n].dual
}

// addresses returns all addresses of the family that the machine has.
func (w *world) addresses(m int, six bool) []netip.Addr {
	first, ok := w.address(m, six)
	switch {
	case !ok:
		return nil
	case m == far || !w.machines[m].twice:
		return []netip.Addr{first}
	}
	return []netip.Addr{first, nth(w.machines[m].network, six, 150+m)}
}

// has reports whether the address is the machine's.
func (w *world) has(m int, a netip.Addr) bool {
	return slices.Contains(w.addresses(m, a.Is6()), a) || m != far && m == w.virtual.holder && w.virtual.is(a)
}

// fixed returns the address that the floating one stands for.
func (w *world) fixed(f floating) netip.Addr {
	if f.virtual {
		return w.virtual.address(false)
	}
	all := w.addresses(f.machine, false)
	if f.second {
		return all[len(all)-1]
	}
	return all[0]
}

// routerAddress returns a router's address on a network: the first router there is the subnets' gateway.
func (w *world) routerAddress(r, network int, six bool) (netip.Addr, bool) {
	switch {
	case network < 0:
		return nth(network, six, 1), w.routers[r].edge
	case network == 0 && w.routers[r].edge:
		return nth(0, six, 1), true
	case network == 0:
		return nth(0, six, 10+r), w.routers[r].gateway || w.routers[r].outer
	}
	n := 1
	for i, other := range w.routers {
		for _, k := range other.networks {
			if k == network && i == r {
				return nth(network, six, n), !six || w.networks[network].dual
			}
			if k == network {
				n = 254
			}
		}
	}
	return netip.Addr{}, false
}

func (f floating) address() netip.Addr   { return nth(0, f.six, 50+f.n) }
func (f forwarding) address() netip.Addr { return nth(0, false, 50+f.n) }

func machineMAC(m int) mac.Addr         { return mac.Addr{2, 0xbb, 0, 0, 0, byte(m)} }
func routerMAC(r, network int) mac.Addr { return mac.Addr{2, 0xaa, 0, 0, byte(r), byte(network)} }

// anyWorld draws a cloud.
func anyWorld(t *rapid.T) *world {
	coin := func(label string) bool { return rapid.Bool().Draw(t, label) }
	upTo := func(label string, n int) int { return rapid.IntRange(0, n).Draw(t, label) }
	rarely := func(label string) bool { return upTo(label, 15) == 15 }
	w := &world{networks: []network{{dual: true, off: rarely("off")}}, virtual: virtual{holder: nobody}}
	for range 1 + upTo("networks", 2) {
		n := network{dual: coin("dual"), off: rarely("off"), dhcp: upTo("no DHCP", 3) > 0}
		if n.dual {
			n.mode = rapid.SampledFrom([]string{"", "slaac", "dhcpv6-stateful", "dhcpv6-stateless"}).Draw(t, "mode")
		}
		w.networks = append(w.networks, n)
	}
	for range 1 + upTo("routers", 1) {
		r := router{gateway: coin("gateway"), snat: coin("snat"), off: rarely("off")}
		r.outer = !r.gateway && coin("outer")
		for k := range w.networks {
			if k > 0 && upTo("interface", 3) > 0 {
				r.networks = append(r.networks, k)
			}
			if rarely("interface off") {
				r.offOn = append(r.offOn, k)
			}
		}
		w.routers = append(w.routers, r)
	}
	w.routers = append(w.routers, router{edge: true})
	for range 1 + upTo("groups", 2) {
		w.groups = append(w.groups, group{stateful: upTo("stateless", 3) > 0})
	}
	w.machines = []machine{{host: upTo("host", 2)}}
	for range 3 + upTo("machines", 3) {
		m := machine{network: 1 + upTo("network", len(w.networks)-2), host: upTo("host", 2), secured: upTo("unsecured", 3) > 0, off: rarely("off"),
			twice: upTo("twice", 3) == 3}
		for g := range w.groups {
			if upTo("member", 2) > 0 {
				m.groups = append(m.groups, g)
			}
		}
		if upTo("pair", 3) == 0 {
			m.pairs = append(m.pairs, netip.MustParsePrefix("198.51.100.0/24"), netip.PrefixFrom(nth(m.network, true, 77), 128))
		}
		w.machines = append(w.machines, m)
	}
	w.addVirtual(t)
	for range 2 {
		w.sets = append(w.sets, w.anySet(t))
	}
	for g := range w.groups {
		if upTo("closed", 3) > 0 { // as Neutron makes them
			w.groups[g].rules = []rule{anyRemote(false, false), anyRemote(false, true)}
		}
		if upTo("open", 2) == 2 {
			w.groups[g].rules = append(w.groups[g].rules, anyRemote(true, false), anyRemote(true, true))
		}
		if coin("by address group") {
			r := anyRemote(true, coin("six"))
			r.remoteSet = upTo("of address group", len(w.sets)-1)
			w.groups[g].rules = append(w.groups[g].rules, r)
		}
		for range 1 + upTo("rules", 4) {
			w.groups[g].rules = append(w.groups[g].rules, w.anyRule(t))
		}
	}
	for range upTo("uplinks", 2) {
		w.uplinks = append(w.uplinks, uplink{host: upTo("host", 2), down: upTo("down", 4) == 4})
	}
	w.addRoutes(t)
	w.addEdgeRoutes()
	w.addFloating(t)
	return w
}

func (w *world) anyRule(t *rapid.T) rule {
	r := anyRemote(rapid.Bool().Draw(t, "ingress"), rapid.Bool().Draw(t, "six"))
	r.proto = rapid.SampledFrom([]string{"", "tcp", "udp", "sctp", "icmp"}).Draw(t, "protocol")
	if r.proto != "" && r.proto != "icmp" && rapid.Bool().Draw(t, "ports") {
		r.first = rapid.SampledFrom([]int{1, 80, 81}).Draw(t, "first")
		r.last = r.first + rapid.SampledFrom([]int{0, 1, 9000}).Draw(t, "more")
	}
	switch rapid.IntRange(0, 4).Draw(t, "remote") {
	case 0:
		r.remote = prefix(rapid.IntRange(0, len(w.networks)-1).Draw(t, "of network"), r.six)
	case 1:
		r.remoteGroup = rapid.IntRange(0, len(w.groups)-1).Draw(t, "of group")
	case 2, 3:
		r.remoteSet = rapid.IntRange(0, len(w.sets)-1).Draw(t, "of address group")
	}
	return r
}

// anySet draws what is in an address group: networks, and addresses that machines may have.
func (w *world) anySet(t *rapid.T) []netip.Prefix {
	all := []netip.Prefix{netip.PrefixFrom(farAddress(false), 32), netip.MustParsePrefix("10.0.0.0/23")}
	for k := range w.networks {
		for _, six := range []bool{false, true} {
			all = append(all, prefix(k, six), netip.PrefixFrom(nth(k, six, 101), nth(k, six, 101).BitLen()), netip.PrefixFrom(nth(k, six, 152), 30).Masked())
		}
	}
	return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 4, rapid.ID[netip.Prefix]).Draw(t, "address group")
}

// addRoutes gives routers that meet on a network routes to what is behind each other, and maybe some by way of a machine, longer ones
// and equal ones, and of an address that nobody has.
func (w *world) addRoutes(t *rapid.T) {
	for r := range w.routers {
		if w.routers[r].edge {
			continue
		}
		for other := range w.routers {
			common := w.common(r, other)
			if other == r || common == 0 || !rapid.Bool().Draw(t, "route") {
				continue
			}
			for _, k := range w.routers[other].networks {
				for _, six := range []bool{false, true} {
					via, ok := w.routerAddress(other, common, six)
					if ok && !w.routers[r].has(k) && (!six || w.networks[k].dual) {
						w.routers[r].routes = append(w.routers[r].routes, route{prefix(k, six), via})
					}
				}
			}
		}
		for _, to := range []string{"198.51.100.0/24", "198.51.100.0/24", "198.51.100.0/28", "192.0.2.0/24"} {
			m := rapid.IntRange(1, len(w.machines)-1).Draw(t, "by way of")
			via, _ := w.address(m, false)
			if rapid.IntRange(0, 3).Draw(t, "nobody") == 3 {
				via = nth(w.machines[m].network, false, 66)
			}
			if x := (route{netip.MustParsePrefix(to), via}); w.routers[r].has(w.machines[m].network) && rapid.IntRange(0, 3).Draw(t, "route") == 0 &&
				!slices.Contains(w.routers[r].routes, x) {
				w.routers[r].routes = append(w.routers[r].routes, x)
			}
		}
	}
}

// addEdgeRoutes gives the router at the edge its routes: to the outside by each uplink, and to what has IPv6 by the first router with a
// gateway that is there.
func (w *world) addEdgeRoutes() {
	edge := &w.routers[len(w.routers)-1]
	for u := range w.uplinks {
		edge.routes = append(edge.routes, route{netip.MustParsePrefix("0.0.0.0/0"), nth(uplinkNetwork(u), false, 2)},
			route{netip.MustParsePrefix("::/0"), nth(uplinkNetwork(u), true, 2)})
	}
	for k := range w.networks {
		for r, x := range w.routers {
			if by, ok := w.routerAddress(r, 0, true); ok && x.has(k) && w.networks[k].dual {
				edge.routes = append(edge.routes, route{prefix(k, true), by})
				break
			}
		}
	}
}

// common returns a network that both routers are on, 0 for none.
func (w *world) common(a, b int) int {
	for _, k := range w.routers[a].networks {
		if w.routers[b].has(k) {
			return k
		}
	}
	return 0
}

func (r router) has(network int) bool { return slices.Contains(r.networks, network) }

// isOff reports whether the router's interface on the network is switched off.
func (r router) isOff(network int) bool { return slices.Contains(r.offOn, network) }

// addVirtual gives a network with several machines a virtual address. A port of Neutron's that keeps it is known to be in the way of none
// where somebody has it as an allowed address pair.
func (w *world) addVirtual(t *rapid.T) {
	v := virtual{network: rapid.IntRange(1, len(w.networks)-1).Draw(t, "virtual"), holder: nobody}
	for m := range w.machines {
		if w.machines[m].network != v.network {
			continue
		}
		v.could = append(v.could, m)
	}
	if len(v.could) < 2 {
		return
	}
	secured := false
	for _, m := range v.could {
		if x := &w.machines[m]; x.secured {
			x.pairs, secured = append(x.pairs, single(v.address(false)), single(v.address(true))), true
		}
	}
	v.kept = secured && rapid.Bool().Draw(t, "kept")
	v.holder = rapid.SampledFrom(append(v.could, nobody)).Draw(t, "holder")
	w.virtual = v
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// addFloating gives machines behind routers on the external network that have neither a floating address, or behind a gateway a forwarding;
// Neutron lets no machine have both.
func (w *world) addFloating(t *rapid.T) {
	for m := 1; m < len(w.machines); m++ {
		r := rapid.IntRange(0, len(w.routers)-2).Draw(t, "by router")
		if w.isExposed(m, false) || !w.routers[r].gateway && !w.routers[r].outer || !w.routers[r].has(w.machines[m].network) {
			continue
		}
		second := rapid.Bool().Draw(t, "second address")
		switch kind := rapid.IntRange(0, 5).Draw(t, "floating"); {
		case kind < 2:
			w.floating = append(w.floating, floating{n: m, router: r, machine: m, second: second})
		case kind == 2:
			w.floating = append(w.floating, floating{n: m, router: r, machine: m, six: true, second: second})
		case kind == 3 && w.routers[r].gateway:
			proto := rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol")
			w.forwardings = append(w.forwardings, forwarding{n: 100 + m, router: r, machine: m, proto: proto, port: 8080, to: 80})
		}
	}
	r := rapid.IntRange(0, len(w.routers)-2).Draw(t, "by router")
	if w.virtual.kept && !w.isExposed(0, true) && (w.routers[r].gateway || w.routers[r].outer) && w.routers[r].has(w.virtual.network) {
		w.floating = append(w.floating, floating{n: 30, router: r, virtual: true, six: rapid.IntRange(0, 3).Draw(t, "six") == 0})
	}
}

// isExposed reports whether the machine, or the virtual address, has a floating address or a forwarding.
func (w *world) isExposed(m int, virtual bool) bool {
	return slices.ContainsFunc(w.floating, func(f floating) bool { return f.machine == m && f.virtual == virtual }) ||
		slices.ContainsFunc(w.forwardings, func(f forwarding) bool { return f.machine == m })
}
