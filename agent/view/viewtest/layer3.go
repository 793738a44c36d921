package viewtest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func (w *words) layer3(kind string) topology.Object {
	switch kind {
	case "rport":
		return w.routerPort()
	case "router":
		return w.router()
	case "route":
		return w.route()
	case "floating":
		return &topology.FloatingIP{ID: ID[topology.FloatingIP](w.next()), Router: ID[topology.Router](w.next()),
			Port: ID[topology.Port](w.next()), Addr: w.addr(w.next()), Fixed: w.addr(w.next())}
	case "forwarding":
		return w.forwarding()
	case "found":
		router, port, addr := ID[topology.Router](w.next()), ID[topology.Port](w.next()), w.addr(w.next())
		return topology.NewRouterNeighbour(router, port, addr, w.mac(), ID[topology.Host](w.next()))
	case "block":
		router, addr, first := ID[topology.Router](w.next()), w.addr(w.next()), w.number(w.next())
		return topology.NewNATBlock(router, addr, uint16(first), ID[topology.Host](w.next()))
	case "chain":
		return w.chain()
	case "addrgroup":
		name := w.next()
		return &topology.AddrGroup{ID: ID[topology.AddrGroup](name), Name: name}
	case "member":
		group, prefix := ID[topology.AddrGroup](w.next()), w.prefix(w.next())
		var port topology.PortID
		if len(w.list) > 0 {
			port = ID[topology.Port](w.next())
		}
		return topology.NewGroupMember(group, prefix, port)
	case "portgroup":
		name := w.next()
		return &topology.PortGroup{ID: ID[topology.PortGroup](name), Name: name, Stateful: slices.Contains(w.list, "stateful")}
	}
	return nil
}

// prefix reads a prefix, or an address for the prefix of that address alone. Host bits stay.
func (w *words) prefix(s string) netip.Prefix {
	if !strings.Contains(s, "/") {
		a := w.addr(s)
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	w.fail(err)
	return p
}

func (w *words) routerPort() *topology.Port {
	name := w.next()
	p := &topology.Port{ID: ID[topology.Port](name), Name: name, Router: ID[topology.Router](w.next()), MAC: w.mac(), AdminUp: true}
	for a := range strings.SplitSeq(w.next(), ",") {
		p.Addresses = append(p.Addresses, w.prefix(a))
	}
	w.portOptions(p)
	return p
}

// advertisement reads how hosts get addresses, for all IPv6 prefixes of the port.
func (w *words) advertisement(p *topology.Port) *topology.Advertisement {
	mode := w.next()
	a := &topology.Advertisement{Managed: mode == "stateful", Other: mode != "slaac", MTU: p.MTU}
	for _, addr := range p.Addresses {
		if addr.Addr().Is6() {
			a.Prefixes = append(a.Prefixes, topology.AdvertisedPrefix{Prefix: addr.Masked(), Autonomous: mode != "stateful"})
		}
	}
	return a
}

func (w *words) security(p *topology.Port, option string) {
	if p.Security == nil {
		p.Security = &topology.Security{Stateful: true}
	}
	switch option {
	case "source":
		hw, prefix, _ := strings.Cut(w.next(), "@")
		a, err := mac.Parse(hw)
		w.fail(err)
		p.Security.Sources = append(p.Security.Sources, topology.AddressPair{MAC: a, Prefix: w.prefix(prefix)})
	case "egress":
		p.Security.Egress = append(p.Security.Egress, ID[topology.Chain](w.next()))
	case "ingress":
		p.Security.Ingress = append(p.Security.Ingress, ID[topology.Chain](w.next()))
	case "stateless":
		p.Security.Stateful = false
	}
}

func (w *words) router() *topology.Router {
	name := w.next()
	r := &topology.Router{ID: ID[topology.Router](name), Name: name, AdminUp: true}
	for len(w.list) > 0 && w.err == nil {
		switch option := w.next(); option {
		case "down":
			r.AdminUp = false
		case "in":
			r.InChain = ID[topology.Chain](w.next())
		case "out":
			r.OutChain = ID[topology.Chain](w.next())
		case "forward":
			r.ForwardChain = ID[topology.Chain](w.next())
		default:
			w.err = fmt.Errorf("%q is not known of a router", option)
		}
	}
	return r
}

// route derives the identifier from the router, the destination and the next hop.
func (w *words) route() *topology.Route {
	router, destination := w.next(), w.next()
	r := &topology.Route{Router: ID[topology.Router](router), Destination: w.prefix(destination), Kind: topology.RouteForward, Weight: 100}
	r.ID = id.Derive[topology.Route](r.Router, destination+" "+strings.Join(w.list, " "))
	for len(w.list) > 0 && w.err == nil {
		switch option := w.next(); option {
		case "port":
			r.Port = ID[topology.Port](w.next())
		case "local":
			r.Kind, r.Port = topology.RouteLocal, ID[topology.Port](w.next())
		case "blackhole":
			r.Kind = topology.RouteBlackhole
		case "reject":
			r.Kind = topology.RouteReject
		case "via":
			r.NextHop = w.addr(w.next())
		case "weight":
			r.Weight = uint32(w.number(w.next()))
		case "from":
			r.Source = w.prefix(w.next())
		default:
			w.err = fmt.Errorf("%q is not known of a route", option)
		}
	}
	return r
}

// overlay reads what is put on "bridge NAME", "router NAME" or, of a port, "bridge NAME port NAME" or "router NAME port NAME".
func (w *words) overlay() *topology.Overlay {
	o := &topology.Overlay{}
	for len(w.list) > 0 && w.err == nil {
		switch option := w.next(); option {
		case "bridge":
			o.At = topology.Key{Kind: topology.KindBridge, ID: ID[topology.Bridge](w.next())}
			o.Target = o.At
		case "router":
			o.At = topology.Key{Kind: topology.KindRouter, ID: ID[topology.Router](w.next())}
			o.Target = o.At
		case "port":
			o.Target = topology.Key{Kind: topology.KindPort, ID: ID[topology.Port](w.next())}
		case "in":
			o.InChain = ID[topology.Chain](w.next())
		case "out":
			o.OutChain = ID[topology.Chain](w.next())
		case "group":
			o.Groups = append(o.Groups, ID[topology.PortGroup](w.next()))
		default:
			w.err = fmt.Errorf("%q is not known of an overlay", option)
		}
	}
	return o
}

func (w *words) forwarding() *topology.PortForwarding {
	f := &topology.PortForwarding{ID: ID[topology.PortForwarding](w.next()), Router: ID[topology.Router](w.next()),
		Port: ID[topology.Port](w.next()), Proto: w.proto(w.next())}
	at := w.next()
	colon := max(strings.LastIndexByte(at, ':'), 0)
	f.Addr, f.Ports = w.addr(strings.Trim(at[:colon], "[]")), w.portRange(at[min(colon+1, len(at)):])
	to, err := netip.ParseAddrPort(w.next())
	w.fail(err)
	f.Fixed, f.FixedPort = to.Addr(), to.Port()
	return f
}
