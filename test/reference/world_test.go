// Package reference holds the virtual network to a plain model of what Neutron's resources mean: for each packet, what should arrive
// where. The model (model_test.go) knows networks, routers, security groups and floating addresses as a user does, and nothing of
// bridges, chains, rules, flows or hosts. Random clouds (world_test.go) are rendered as the cluster renders them, and the agents of three
// hosts decide about the packets (lab_test.go).
package reference

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"pgregory.net/rapid"

	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/neutron/model"
)

// world is a cloud: what its users have made.
type world struct {
	networks    []network // the first one is external
	routers     []router
	machines    []machine // the first one is outside: on the external network, and nobody's
	groups      []group
	floating    []floating
	forwardings []forwarding
}

// network has an IPv4 subnet, and maybe one of IPv6.
type network struct{ dual bool }

type router struct {
	networks []int // that it has an interface on
	gateway  bool  // it has one on the external network
	snat     bool
	routes   []route
}

type route struct {
	to  netip.Prefix
	via netip.Addr
}

// machine is a workload with an address of each family that its network has.
type machine struct {
	network int
	host    int
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
	proto       string // tcp, udp, icmp or empty
	first, last int    // destination ports; 0: any
	remote      netip.Prefix
	remoteGroup int // -1: none
}

// floating is an address of the external network that stands for a machine, by a router.
type floating struct{ n, router, machine int }

// forwarding sends a port of an address of the external network to a machine's port.
type forwarding struct {
	n, router, machine int
	proto              string
	port, to           int
}

// String draws the cloud, a line for each thing.
func (w *world) String() string {
	var b strings.Builder
	for k, n := range w.networks {
		fmt.Fprintf(&b, "network %d: %s, IPv6 %t\n", k, prefix(k, false), n.dual)
	}
	for r, x := range w.routers {
		fmt.Fprintf(&b, "router %d: networks %v, gateway %t, source translation %t", r, x.networks, x.gateway, x.snat)
		for _, route := range x.routes {
			fmt.Fprintf(&b, ", %s via %s", route.to, route.via)
		}
		b.WriteString("\n")
	}
	for m, x := range w.machines {
		a, _ := w.address(m, false)
		fmt.Fprintf(&b, "machine %d: %s on host %d, secured %t, groups %v, pairs %v\n", m, a, x.host, x.secured, x.groups, x.pairs)
	}
	for g, x := range w.groups {
		fmt.Fprintf(&b, "group %d: stateful %t\n", g, x.stateful)
		for _, r := range x.rules {
			fmt.Fprintf(&b, "  ingress %t, IPv6 %t, protocol %q, ports %d-%d, remote %s, group %d\n", r.ingress, r.six, r.proto, r.first, r.last, r.remote, r.remoteGroup)
		}
	}
	for _, f := range w.floating {
		fmt.Fprintf(&b, "floating %s of router %d: machine %d\n", w.floatingAddress(f.n), f.router, f.machine)
	}
	for _, f := range w.forwardings {
		fmt.Fprintf(&b, "forwarding %s %s:%d of router %d: machine %d port %d\n", f.proto, w.floatingAddress(f.n), f.port, f.router, f.machine, f.to)
	}
	return b.String()
}

// prefix returns a network's subnet of the family.
func prefix(network int, six bool) netip.Prefix {
	switch {
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

// address returns a machine's address of the family, false where its network has none.
func (w *world) address(m int, six bool) (netip.Addr, bool) {
	n := w.machines[m].network
	return nth(n, six, 100+m), !six || w.networks[n].dual
}

// routerAddress returns a router's address on a network: the first router there is the subnets' gateway.
func (w *world) routerAddress(r, network int, six bool) (netip.Addr, bool) {
	if network == 0 {
		return nth(0, six, 10+r), w.routers[r].gateway && (!six || w.networks[0].dual)
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

func (w *world) floatingAddress(n int) netip.Addr { return nth(0, false, 50+n) }

func machineMAC(m int) mac.Addr         { return mac.Addr{2, 0xbb, 0, 0, 0, byte(m)} }
func routerMAC(r, network int) mac.Addr { return mac.Addr{2, 0xaa, 0, 0, byte(r), byte(network)} }

// anyWorld draws a cloud.
func anyWorld(t *rapid.T) *world {
	coin := func(label string) bool { return rapid.Bool().Draw(t, label) }
	upTo := func(label string, n int) int { return rapid.IntRange(0, n).Draw(t, label) }
	w := &world{networks: []network{{dual: true}}}
	for range 1 + upTo("networks", 2) {
		w.networks = append(w.networks, network{dual: coin("dual")})
	}
	for range 1 + upTo("routers", 1) {
		r := router{gateway: coin("gateway"), snat: coin("snat")}
		for k := 1; k < len(w.networks); k++ {
			if upTo("interface", 3) > 0 {
				r.networks = append(r.networks, k)
			}
		}
		w.routers = append(w.routers, r)
	}
	for range 1 + upTo("groups", 2) {
		w.groups = append(w.groups, group{stateful: upTo("stateless", 3) > 0})
	}
	w.machines = []machine{{host: upTo("host", 2)}}
	for range 3 + upTo("machines", 3) {
		m := machine{network: 1 + upTo("network", len(w.networks)-2), host: upTo("host", 2), secured: upTo("unsecured", 3) > 0}
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
	for g := range w.groups {
		if upTo("closed", 3) > 0 { // as Neutron makes them
			w.groups[g].rules = []rule{{remoteGroup: -1}, {six: true, remoteGroup: -1}}
		}
		for range 1 + upTo("rules", 4) {
			w.groups[g].rules = append(w.groups[g].rules, w.anyRule(t))
		}
	}
	w.addRoutes(t)
	w.addFloating(t)
	return w
}

func (w *world) anyRule(t *rapid.T) rule {
	r := rule{ingress: rapid.Bool().Draw(t, "ingress"), six: rapid.Bool().Draw(t, "six"), remoteGroup: -1}
	r.proto = rapid.SampledFrom([]string{"", "tcp", "udp", "icmp"}).Draw(t, "protocol")
	if (r.proto == "tcp" || r.proto == "udp") && rapid.Bool().Draw(t, "ports") {
		r.first = rapid.SampledFrom([]int{1, 80, 81}).Draw(t, "first")
		r.last = r.first + rapid.SampledFrom([]int{0, 1, 9000}).Draw(t, "more")
	}
	switch rapid.IntRange(0, 2).Draw(t, "remote") {
	case 0:
		r.remote = prefix(rapid.IntRange(0, len(w.networks)-1).Draw(t, "of network"), r.six)
	case 1:
		r.remoteGroup = rapid.IntRange(0, len(w.groups)-1).Draw(t, "of group")
	}
	return r
}

// addRoutes gives routers that meet on a network routes to what is behind each other, and one of them maybe a route by way of a machine.
func (w *world) addRoutes(t *rapid.T) {
	for r := range w.routers {
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
		m := rapid.IntRange(1, len(w.machines)-1).Draw(t, "by way of")
		if via, _ := w.address(m, false); w.routers[r].has(w.machines[m].network) && rapid.Bool().Draw(t, "route") {
			w.routers[r].routes = append(w.routers[r].routes, route{netip.MustParsePrefix("198.51.100.0/24"), via})
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

func (r router) has(network int) bool {
	for _, k := range r.networks {
		if k == network {
			return true
		}
	}
	return false
}

// addFloating gives machines behind routers with a gateway a floating address or a forwarding; Neutron lets no machine have both.
func (w *world) addFloating(t *rapid.T) {
	for m := 1; m < len(w.machines); m++ {
		r := rapid.IntRange(0, len(w.routers)-1).Draw(t, "by router")
		if !w.routers[r].gateway || !w.routers[r].has(w.machines[m].network) {
			continue
		}
		switch rapid.IntRange(0, 3).Draw(t, "floating") {
		case 0:
			w.floating = append(w.floating, floating{n: m, router: r, machine: m})
		case 1:
			w.forwardings = append(w.forwardings, forwarding{n: 100 + m, router: r, machine: m, proto: "tcp", port: 8080, to: 80})
		}
	}
}

// neutron returns the cloud's Neutron objects.
func (w *world) neutron(t *rapid.T) *translate.Set {
	set := translate.NewSet(translate.DefaultSettings())
	put := func(resource translate.Resource, i [16]byte, object any) {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		change, err := translate.Decode(translate.Owner{Resource: resource, ID: i}, text)
		if err != nil {
			t.Fatal(err)
		}
		set.Apply(change)
	}
	for k := range w.networks {
		put(translate.Network, networkID(k), model.Network{ID: networkID(k), AdminStateUp: true, MTU: 1450, NetworkType: "midonet", External: k == 0})
		for _, six := range w.families(k) {
			s := model.Subnet{ID: subnetID(k, six), NetworkID: networkID(k), IPVersion: 4, CIDR: prefix(k, six), GatewayIP: nth(k, six, 1)}
			if six {
				s.IPVersion = 6
			}
			put(translate.Subnet, s.ID, s)
		}
	}
	for g, group := range w.groups {
		put(translate.SecurityGroup, groupID(g), model.SecurityGroup{ID: groupID(g), Stateful: group.stateful})
		for i, r := range group.rules {
			rule := r.neutron(g, i)
			put(translate.SecurityGroupRule, rule.ID, rule)
		}
	}
	for r := range w.routers {
		put(translate.Router, routerID(r), w.neutronRouter(r))
		for _, p := range w.routerPorts(r) {
			put(translate.Port, p.ID, p)
		}
	}
	for m := range w.machines {
		put(translate.Port, machineID(m), w.neutronPort(m))
	}
	for _, f := range w.floating {
		fixed, _ := w.address(f.machine, false)
		put(translate.FloatingIP, floatingID(f.n), model.FloatingIP{ID: floatingID(f.n), FloatingNetworkID: networkID(0),
			FloatingIPAddress: w.floatingAddress(f.n), RouterID: routerID(f.router), PortID: machineID(f.machine), FixedIPAddress: fixed})
	}
	for _, f := range w.forwardings {
		put(translate.FloatingIP, floatingID(f.n), model.FloatingIP{ID: floatingID(f.n), FloatingNetworkID: networkID(0),
			FloatingIPAddress: w.floatingAddress(f.n), RouterID: routerID(f.router)})
		fixed, _ := w.address(f.machine, false)
		i := id.Derive[model.PortForwarding](model.PortForwardingID{}, fmt.Sprint("forwarding ", f.n))
		put(translate.PortForwarding, i, model.PortForwarding{ID: i, FloatingIPID: floatingID(f.n), InternalPortID: machineID(f.machine),
			InternalIPAddress: fixed, Protocol: f.proto, ExternalPort: model.PortNumber(f.port),
			ExternalPortRange: ports(f.port), InternalPort: model.PortNumber(f.to), InternalPortRange: ports(f.to)})
	}
	return set
}

func ports(n int) model.PortRange {
	return model.PortRange{First: model.PortNumber(n), Last: model.PortNumber(n)}
}

// families are IPv4, and IPv6 where the network has it.
func (w *world) families(network int) []bool {
	if w.networks[network].dual {
		return []bool{false, true}
	}
	return []bool{false}
}

func networkID(k int) model.NetworkID {
	return id.Derive[model.Network](model.NetworkID{}, fmt.Sprint("network ", k))
}

func subnetID(k int, six bool) model.SubnetID {
	return id.Derive[model.Subnet](model.SubnetID{}, fmt.Sprint("subnet ", k, six))
}

func groupID(g int) model.SecurityGroupID {
	return id.Derive[model.SecurityGroup](model.SecurityGroupID{}, fmt.Sprint("group ", g))
}

func routerID(r int) model.RouterID {
	return id.Derive[model.Router](model.RouterID{}, fmt.Sprint("router ", r))
}

func machineID(m int) model.PortID {
	return id.Derive[model.Port](model.PortID{}, fmt.Sprint("machine ", m))
}

func floatingID(n int) model.FloatingIPID {
	return id.Derive[model.FloatingIP](model.FloatingIPID{}, fmt.Sprint("floating ", n))
}

func (r rule) neutron(g, i int) model.SecurityGroupRule {
	n := model.SecurityGroupRule{ID: id.Derive[model.SecurityGroupRule](model.SecurityGroupRuleID{}, fmt.Sprint("rule ", g, i)),
		SecurityGroupID: groupID(g), Direction: model.Egress, EtherType: model.IPv4}
	if r.ingress {
		n.Direction = model.Ingress
	}
	if r.six {
		n.EtherType = model.IPv6
	}
	if r.proto != "" {
		n.Protocol = &r.proto
	}
	if r.first != 0 {
		n.PortRangeMin, n.PortRangeMax = &r.first, &r.last
	}
	if r.remote.IsValid() {
		text := r.remote.String()
		n.RemoteIPPrefix, n.NormalizedCIDR = &text, r.remote
	}
	if r.remoteGroup >= 0 {
		other := groupID(r.remoteGroup)
		n.RemoteGroupID = &other
	}
	return n
}

func (w *world) neutronRouter(r int) model.Router {
	n := model.Router{ID: routerID(r), AdminStateUp: true}
	if w.routers[r].gateway {
		n.Gateway = &model.GatewayInfo{NetworkID: networkID(0), EnableSNAT: w.routers[r].snat}
	}
	for _, x := range w.routers[r].routes {
		n.Routes = append(n.Routes, model.HostRoute{Destination: x.to, NextHop: x.via})
	}
	return n
}

func (w *world) routerPorts(r int) []model.Port {
	networks := w.routers[r].networks
	if w.routers[r].gateway {
		networks = append([]int{0}, networks...)
	}
	var ports []model.Port
	for _, k := range networks {
		p := model.Port{ID: id.Derive[model.Port](model.PortID{}, fmt.Sprint("router ", r, " on ", k)), NetworkID: networkID(k), AdminStateUp: true,
			MACAddress: routerMAC(r, k), DeviceID: routerID(r).String(), DeviceOwner: model.OwnerRouterInterface}
		if k == 0 {
			p.DeviceOwner = model.OwnerRouterGateway
		}
		for _, six := range w.families(k) {
			if a, ok := w.routerAddress(r, k, six); ok {
				p.FixedIPs = append(p.FixedIPs, model.FixedIP{SubnetID: subnetID(k, six), IPAddress: a})
			}
		}
		ports = append(ports, p)
	}
	return ports
}

func (w *world) neutronPort(m int) model.Port {
	x := w.machines[m]
	p := model.Port{ID: machineID(m), NetworkID: networkID(x.network), AdminStateUp: true, MACAddress: machineMAC(m), DeviceOwner: "compute:nova",
		DeviceID: fmt.Sprint("machine ", m), PortSecurityEnabled: x.secured}
	for _, six := range w.families(x.network) {
		a, _ := w.address(m, six)
		p.FixedIPs = append(p.FixedIPs, model.FixedIP{SubnetID: subnetID(x.network, six), IPAddress: a})
	}
	if !x.secured {
		return p
	}
	for _, g := range x.groups {
		p.SecurityGroups = append(p.SecurityGroups, groupID(g))
	}
	for _, pair := range x.pairs {
		p.AllowedAddressPairs = append(p.AllowedAddressPairs, model.AddressPair{IPAddress: pair, MACAddress: machineMAC(m)})
	}
	return p
}
