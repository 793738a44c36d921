package translate

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/id"
	"midonet.org/midonet/neutron/model"
	"midonet.org/midonet/topology"
)

// The ports of a dynamic translation (cluster.translators.nat.dynamic_port_start and _end of MidoNet).
const (
	firstNATPort = 1024
	lastNATPort  = 65535
)

// translation is a router's translation of addresses: its chains, their rules and the order of both are those of MidoNet's RouterTranslator,
// RouterInterfaceTranslator and FloatingIpTranslator (scala), but that one rule looks up a floating address among all where the original has
// one for each. Those that have no rule cost a packet nothing (package view).
type translation struct {
	view   View
	router *model.Router
	ends   []routerEnd
	// pre is asked before routing, post after it, and forward in between, which the original's firewalls put rules into.
	pre, forward, post *topology.Chain
	// nat64 is where the original accepts what is on its way to the gateway that translates between the families. Here pre has done that.
	nat64 *topology.Chain
	// skip accepts what source translation leaves alone, exact and float translate the sources that have floating addresses.
	skip, exact, float *topology.Chain
}

// routerEnd is a router's port on a known network, with what the rules ask of it.
type routerEnd struct {
	*model.Port
	id       topology.PortID
	addr     netip.Addr // its first of IPv4, the zero Addr where there is none
	floating bool       // it is no gateway, and answers for floating addresses
}

func newTranslation(v View, r *model.Router, ports []*model.Port) *translation {
	t := &translation{view: v, router: r, ends: make([]routerEnd, 0, len(ports))}
	for _, p := range ports {
		if port, ok := routerPortID(v, p); ok {
			floating := p.DeviceOwner == model.OwnerRouterInterface && answersForFloating(v, r.ID, p)
			t.ends = append(t.ends, routerEnd{p, port, firstIPv4(p), floating})
		}
	}
	t.pre, t.forward, t.post = t.chain("PRE_ROUTING"), t.chain("FORWARD"), t.chain("POST_ROUTING")
	t.nat64, t.skip, t.exact, t.float = t.chain("FLOAT_NAT64"), t.chain("SKIP_SNAT"), t.chain("FLOAT_SNAT_EXACT"), t.chain("FLOAT_SNAT")
	t.exempt()
	t.exchange()
	t.masquerade()
	t.hairpin()
	return t
}

// chains returns all of the router's chains.
func (t *translation) chains() []topology.Object {
	return []topology.Object{t.pre, t.forward, t.post, t.nat64, t.skip, t.exact, t.float}
}

// chain returns an empty chain of the router; what it is for is part of its name, as in the original.
func (t *translation) chain(what string) *topology.Chain {
	name := "OS_" + what + "_" + t.router.ID.String()
	return &topology.Chain{ID: id.Derive[topology.Chain](t.router.ID, what), Name: name, ProjectID: t.router.ProjectID}
}

// add appends a rule, whose identifier is derived from its chain and role, which is unique in the chain.
func add(c *topology.Chain, role string, r topology.Rule) {
	r.ID = id.Derive[topology.Rule](c.ID, role)
	c.Rules = append(c.Rules, r)
}

// exempt fills the chain SKIP_SNAT: the source of what leaves by the gateway, or by a port with floating addresses, is subject to
// translation; of the rest only what was sent to an address that this router has translated, and did not come in by such a port.
func (t *translation) exempt() {
	ports := t.outside()
	if len(ports) > 0 {
		add(t.skip, "out", topology.Rule{When: topology.Condition{OutPorts: ports}, Action: topology.ActionReturn})
	}
	add(t.skip, "not rewritten", topology.Rule{
		When:   topology.Condition{DstRewritten: true, Not: topology.NotDstRewritten},
		Action: topology.ActionAccept,
	})
	if len(ports) > 0 {
		add(t.skip, "in", topology.Rule{When: topology.Condition{InPorts: ports}, Action: topology.ActionAccept})
	}
}

// outside returns the router's gateway, and its other ports that answer for floating addresses.
func (t *translation) outside() []topology.PortID {
	gateways := map[model.NetworkID]bool{} // the floating addresses of these networks are the gateway's
	for _, e := range t.ends {
		if e.DeviceOwner == model.OwnerRouterGateway {
			gateways[e.NetworkID] = true
		}
	}
	var ids []topology.PortID
	for _, e := range t.ends {
		if e.DeviceOwner == model.OwnerRouterGateway || e.floating && !gateways[e.NetworkID] {
			ids = append(ids, e.id)
		}
	}
	return ids
}

// exchange adds the translation of floating addresses and forwardings, and the jumps to the chains that do parts of it.
func (t *translation) exchange() {
	add(t.pre, "floating", topology.Rule{Action: topology.ActionFloatDNAT, After: topology.ActionAccept})
	add(t.pre, "forwarding", topology.Rule{Action: topology.ActionForwarding, After: topology.ActionAccept})
	add(t.post, "reverse forwarding", topology.Rule{Action: topology.ActionReverseDNAT, After: topology.ActionAccept})
	for _, c := range []*topology.Chain{t.nat64, t.skip, t.exact, t.float} {
		add(t.post, "jump to "+c.Name, topology.Rule{Action: topology.ActionJump, Jump: c.ID})
	}
	add(t.exact, "floating", topology.Rule{Action: topology.ActionFloatSNATExact, After: topology.ActionAccept})
	add(t.float, "floating", topology.Rule{Action: topology.ActionFloatSNAT, After: topology.ActionAccept})
}

// masquerade adds the translation of all other sources to the gateway's address, without a gateway to that of an interface with floating
// addresses: of what comes from inside and goes to a floating address inside, whose answer must come back by the router, and where the
// gateway has source NAT of what leaves by it. What cannot be translated, and what is sent to that address without having been asked for,
// goes no further then.
func (t *translation) masquerade() {
	gateway, addr := t.gateway()
	hasGateway := addr.IsValid() && t.router.Gateway != nil
	if !hasGateway {
		addr = t.floatingInterface()
	}
	if !addr.IsValid() {
		return
	}
	toGateway := topology.Condition{EtherType: etherTypeIPv4, Dst: single(addr)}
	add(t.pre, "reverse snat", topology.Rule{When: toGateway, Action: topology.ActionReverseSNAT, After: topology.ActionAccept})
	rewritten := dynamicSNAT(topology.Condition{EtherType: etherTypeIPv4, DstRewritten: true}, addr)
	if !hasGateway || !t.router.Gateway.EnableSNAT {
		add(t.post, "snat rewritten", rewritten)
		return
	}
	toGateway.Proto, toGateway.MatchProto, toGateway.Not = protoICMP, true, topology.NotProto
	add(t.pre, "drop unasked", topology.Rule{When: toGateway, Action: topology.ActionDrop})

	outward := topology.Condition{EtherType: etherTypeIPv4, OutPorts: []topology.PortID{gateway}, Src: single(addr), Not: topology.NotSrc}
	add(t.post, "snat", dynamicSNAT(outward, addr))
	add(t.post, "snat rewritten", rewritten)
	add(t.post, "drop untranslated", topology.Rule{When: outward, Action: topology.ActionDrop})
}

// gateway returns the router's port on the external network and its first IPv4 address, the zero Addr where there is none.
func (t *translation) gateway() (topology.PortID, netip.Addr) {
	for _, e := range t.ends {
		if e.DeviceOwner == model.OwnerRouterGateway && e.addr.IsValid() {
			return e.id, e.addr
		}
	}
	return topology.PortID{}, netip.Addr{}
}

// floatingInterface returns the first IPv4 address of the router's first interface that answers for floating addresses, the zero Addr where
// there is none.
func (t *translation) floatingInterface() netip.Addr {
	for _, e := range t.ends {
		if e.addr.IsValid() && e.floating {
			return e.addr
		}
	}
	return netip.Addr{}
}

// hairpin adds, for each interface on a virtual network, the translation of what the router sends back where it came from, so that the
// answers pass the router too.
func (t *translation) hairpin() {
	t.pre.Rules, t.post.Rules = slices.Grow(t.pre.Rules, len(t.ends)), slices.Grow(t.post.Rules, len(t.ends))
	for _, e := range t.ends {
		if e.DeviceOwner != model.OwnerRouterInterface || !e.addr.IsValid() || virtual(t.view, e.NetworkID) == nil {
			continue
		}
		role, ports := "hairpin "+e.id.String(), []topology.PortID{e.id}
		back := topology.Condition{EtherType: etherTypeIPv4, InPorts: ports, Dst: single(e.addr), ReturnFlow: true}
		add(t.pre, role, topology.Rule{When: back, Action: topology.ActionReverseSNAT, After: topology.ActionAccept})
		forth := topology.Condition{EtherType: etherTypeIPv4, InPorts: ports, OutPorts: ports, ForwardFlow: true,
			Dst: single(topology.MetadataIPv4), Not: topology.NotDst}
		add(t.post, role, dynamicSNAT(forth, e.addr))
	}
}

// dynamicSNAT returns the rule that gives the connections which meet the condition ports of the address.
func dynamicSNAT(when topology.Condition, addr netip.Addr) topology.Rule {
	target := topology.NATTarget{First: addr, Last: addr, FirstPort: firstNATPort, LastPort: lastNATPort}
	return topology.Rule{When: when, Action: topology.ActionSNAT, Targets: []topology.NATTarget{target}, After: topology.ActionAccept}
}

// firstIPv4 returns the port's first IPv4 address, the zero Addr where it has none.
func firstIPv4(p *model.Port) netip.Addr {
	for _, ip := range p.FixedIPs {
		if ip.IPAddress.Is4() {
			return ip.IPAddress
		}
	}
	return netip.Addr{}
}
