// Package viewtest writes topologies as text, for tests. One line is one object; names stand for identifiers, which are derived
// from them:
//
//	host h1 192.0.2.1 2001:db8::1
//	host h2 192.0.2.2 metadata openings origins
//	bridge blue
//	bridge red down
//	port p1 blue key 11
//	port p2 blue key 12 down
//	bind p1 h1 tap1
//	active p1 h1
//	mac blue fa:16:3e:00:00:01 p1
//	learned blue fa:16:3e:00:00:09 p2 h2
//	neighbour blue 10.0.0.3 fa:16:3e:00:00:01 p1
//	dhcp s1 blue 10.0.0.0/24 router=10.0.0.1 server=10.0.0.2 dns=9.9.9.9,1.1.1.1 route=10.9.0.0/16>10.0.0.7 mtu=1450 domain=cloud
//	reserve s1 blue p1 fa:16:3e:00:00:01 10.0.0.3 name=vm1 option:67=boot.img
//
// A port of a bridge or a router may have more (a secured port lets out what comes from one of its sources, and then by its chains):
//
//	port p1 blue key 11 peer r1a device r1 in c1 out c2 group g1
//	port p1 blue key 11 instance vm1 project alpha
//	port p1 blue key 11 source fa:16:3e:00:00:01@10.0.0.3 source fa:16:3e:00:00:01@fd00::3 egress all ingress web stateless
//	rport r1a r1 fa:16:3e:aa:00:01 10.0.0.1/24,fd00::1/64 peer p1 mtu 1450 key 12 advertise slaac
//
// What routers do, with the words of topology's fields:
//
//	router r1 in pre out post forward fw
//	route r1 10.0.0.0/24 port r1a
//	route r1 0.0.0.0/0 port r1g via 203.0.113.1 weight 50 from 10.0.0.0/8
//	route r1 10.0.0.1/32 local r1a
//	route r1 10.9.0.0/16 blackhole
//	floating f1 r1 r1g 203.0.113.9 10.0.0.3
//	forwarding w1 r1 r1g tcp 203.0.113.8:8080-8090 10.0.0.3:80
//	found r1 r1g 203.0.113.1 02:00:00:00:00:01 h2
//	block r1 203.0.113.8 1024 h1
//
// What operators have put on a bridge, a router or a port of either:
//
//	overlay bridge blue in c1 out c2
//	overlay router r1 port r1a in c1 group g1
//
// Rules are parted by semicolons; see ParseRule:
//
//	chain web accept tcp dport=80; accept icmp src=10.0.0.0/24; jump more
//	member g1 10.0.0.3 p1
//	portgroup uplinks stateful
package viewtest

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// ID returns the identifier that a name stands for.
func ID[T any](name string) id.ID[T] { return id.Derive[T](id.ID[T]{}, name) }

// Parse reads a topology. Empty lines and lines that begin with # are skipped.
func Parse(text string) ([]topology.Object, error) {
	var objects []topology.Object
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		o, err := ParseObject(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// MustParse is Parse for constants; it panics on a malformed text.
func MustParse(text string) []topology.Object {
	objects, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return objects
}

// View returns the view that the host h1 has of the topology.
func View(text string) *view.View { return To(view.New(ID[topology.Host]("h1")), MustParse(text)) }

// To returns the view that holds exactly the objects, made from v.
func To(v *view.View, objects []topology.Object) *view.View {
	next, _ := v.Apply(Delta(v, objects))
	return next
}

// Delta returns the change that leads from v to exactly the objects.
func Delta(v *view.View, objects []topology.Object) view.Delta {
	stay := make(map[topology.Key]bool, len(objects))
	for _, o := range objects {
		stay[o.Key()] = true
	}
	d := view.Delta{Puts: objects}
	for o := range v.Objects() {
		if k := o.Key(); !stay[k] {
			d.Deletes = append(d.Deletes, k)
		}
	}
	return d
}

// words are the rest of a line; the first error sticks.
type words struct {
	list []string
	err  error
}

// ParseObject reads one line.
func ParseObject(line string) (topology.Object, error) {
	w := &words{list: strings.Fields(line)}
	kind := w.next()
	o := w.object(kind)
	switch {
	case w.err != nil:
		return nil, fmt.Errorf("%s: %w", line, w.err)
	case o == nil:
		return nil, fmt.Errorf("%s: %q is not a kind of object", line, kind)
	}
	return o, nil
}

// binding is "bind PORT HOST INTERFACE from HOST …", the last of the hosts before first.
func (w *words) binding() topology.Object {
	b := &topology.Binding{Port: ID[topology.Port](w.next()), Host: ID[topology.Host](w.next()), Interface: w.next()}
	if former := slices.Index(w.list, "from"); former >= 0 {
		for i, name := range w.list[former+1:] {
			b.Former[i] = ID[topology.Host](name)
		}
		w.list = w.list[:former]
	}
	return b
}

func (w *words) object(kind string) topology.Object {
	switch kind {
	case "host":
		return w.host()
	case "bridge":
		name := w.next()
		return &topology.Bridge{ID: ID[topology.Bridge](name), Name: name, AdminUp: !slices.Contains(w.list, "down"),
			External: slices.Contains(w.list, "external")}
	case "port":
		return w.port()
	case "bind":
		return w.binding()
	case "active":
		return &topology.PortState{Port: ID[topology.Port](w.next()), Host: ID[topology.Host](w.next()), Active: true}
	case "mac":
		return topology.NewMACEntry(ID[topology.Bridge](w.next()), w.mac(), ID[topology.Port](w.next()))
	case "learned":
		return topology.NewLearnedMAC(ID[topology.Bridge](w.next()), w.mac(), ID[topology.Port](w.next()), ID[topology.Host](w.next()))
	case "neighbour":
		return topology.NewNeighbour(ID[topology.Bridge](w.next()), w.addr(w.next()), w.mac(), ID[topology.Port](w.next()))
	case "dhcp":
		return w.dhcp()
	case "reserve":
		return w.reservation()
	case "overlay":
		return w.overlay()
	}
	return w.layer3(kind)
}

func (w *words) host() *topology.Host {
	name := w.next()
	h := &topology.Host{ID: ID[topology.Host](name), Name: name}
	for _, a := range w.list {
		switch a {
		case "metadata":
			h.Metadata = true
		case "openings":
			h.Openings = true
		case "origins":
			h.Origins = true
		default:
			h.Endpoints = append(h.Endpoints, w.addr(a))
		}
	}
	return h
}

func (w *words) port() *topology.Port {
	name := w.next()
	p := &topology.Port{ID: ID[topology.Port](name), Name: name, Bridge: ID[topology.Bridge](w.next()), AdminUp: true}
	w.portOptions(p)
	return p
}

func (w *words) portOptions(p *topology.Port) {
	for len(w.list) > 0 && w.err == nil {
		switch option := w.next(); option {
		case "key":
			p.TunnelKey = uint32(w.number(w.next()))
		case "down":
			p.AdminUp = false
		case "peer":
			p.Peer = ID[topology.Port](w.next())
		case "device":
			p.Device = ID[topology.Router](w.next()).String()
		case "instance":
			p.Device = w.next()
		case "project":
			p.ProjectID = w.next()
		case "in":
			p.InChain = ID[topology.Chain](w.next())
		case "out":
			p.OutChain = ID[topology.Chain](w.next())
		case "group":
			p.Groups = append(p.Groups, ID[topology.PortGroup](w.next()))
		case "mtu":
			p.MTU = w.number(w.next())
		case "advertise":
			p.Advertise = w.advertisement(p)
		case "source", "egress", "ingress", "stateless", "secure":
			w.security(p, option)
		default:
			w.err = fmt.Errorf("%q is not known of a port", option)
		}
	}
}

func (w *words) dhcp() *topology.DHCP {
	d := &topology.DHCP{ID: ID[topology.DHCP](w.next()), Bridge: ID[topology.Bridge](w.next()), Enabled: true, LeaseSeconds: 86400}
	d.Prefix, w.err = netip.ParsePrefix(w.next())
	for _, option := range w.list {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "router":
			d.Router = w.addr(value)
		case "server":
			d.Server = w.addr(value)
		case "dns":
			for a := range strings.SplitSeq(value, ",") {
				d.DNS = append(d.DNS, w.addr(a))
			}
		case "route":
			to, via, _ := strings.Cut(value, ">")
			d.Routes = append(d.Routes, topology.ClasslessRoute{Destination: netip.MustParsePrefix(to), NextHop: w.addr(via)})
		case "mtu":
			d.MTU = w.number(value)
		case "lease":
			d.LeaseSeconds = uint32(w.number(value))
		case "domain":
			d.Domain = value
		case "mode":
			d.AddressMode = addressModes[value]
		case "off":
			d.Enabled = false
		case "silent":
			d.Silent = append(d.Silent, ID[topology.Host](value))
		default:
			w.err = fmt.Errorf("%q is not known of dhcp", option)
		}
	}
	return d
}

func (w *words) reservation() *topology.DHCPHost {
	h := &topology.DHCPHost{
		DHCP: ID[topology.DHCP](w.next()), Bridge: ID[topology.Bridge](w.next()), Port: ID[topology.Port](w.next()),
		MAC: w.mac(), Addr: w.addr(w.next()),
	}
	h.ID = id.Derive[topology.DHCPHost](h.Port, "dhcp "+h.Addr.String())
	for _, option := range w.list {
		name, value, _ := strings.Cut(option, "=")
		if n, ok := strings.CutPrefix(name, "option:"); ok {
			h.Options = append(h.Options, topology.DHCPOption{Name: n, Value: value})
		} else if name == "name" {
			h.Hostname = value
		} else {
			w.err = fmt.Errorf("%q is not known of a reservation", option)
		}
	}
	return h
}

func (w *words) next() string {
	if len(w.list) == 0 {
		w.fail(fmt.Errorf("the line is too short"))
		return ""
	}
	word := w.list[0]
	w.list = w.list[1:]
	return word
}

func (w *words) mac() mac.Addr {
	a, err := mac.Parse(w.next())
	w.fail(err)
	return a
}

func (w *words) addr(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	w.fail(err)
	return a
}

func (w *words) number(s string) int {
	n, err := strconv.ParseUint(s, 0, 32)
	w.fail(err)
	return int(n)
}

func (w *words) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// addressModes are the words for a subnet's address mode.
var addressModes = map[string]topology.AddressMode{
	"slaac": topology.SLAAC, "stateful": topology.DHCPv6Stateful, "stateless": topology.DHCPv6Stateless,
}
