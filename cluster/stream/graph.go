package stream

import (
	"midonet.org/midonet/topology"
)

// node is the key of a bridge, router, chain, address group or port group, whether or not there is such an object.
type node = topology.Key

// graph is the objects, indexed by where they are and what leads where, and how far each watching host reaches in it.
type graph struct {
	objects map[topology.Key]topology.Object
	onNode  map[node]keys                               // objects at the node
	owned   map[topology.HostID]keys                    // Bindings and NATBlocks of the host
	located map[node]map[topology.HostID]int            // how many ports of the node are bound to the host
	homes   map[topology.HostID]map[node]int            // the same the other way round
	former  map[topology.HostID]map[topology.HostID]int // of a host's bindings: how many had the other host before
	later   map[topology.HostID]map[topology.HostID]int // the same the other way round
	leads   map[node]map[node]int                       // how many objects lead from one node to the other
	wanted  map[topology.HostID]map[node]struct{}       // of watching hosts
	reached map[topology.HostID]map[node]struct{}       // of watching hosts: as of the last step
	hearing map[node]map[topology.HostID]struct{}       // the same the other way round
	moved   map[topology.HostID]struct{}                // watching hosts that may reach other nodes after this step
	leaving map[topology.HostID]struct{}                // of those, hosts from which a port has moved to another
}

func newGraph() graph {
	return graph{
		objects: map[topology.Key]topology.Object{},
		onNode:  map[node]keys{},
		owned:   map[topology.HostID]keys{},
		located: map[node]map[topology.HostID]int{},
		homes:   map[topology.HostID]map[node]int{},
		former:  map[topology.HostID]map[topology.HostID]int{},
		later:   map[topology.HostID]map[topology.HostID]int{},
		leads:   map[node]map[node]int{},
		wanted:  map[topology.HostID]map[node]struct{}{},
		reached: map[topology.HostID]map[node]struct{}{},
		hearing: map[node]map[topology.HostID]struct{}{},
		moved:   map[topology.HostID]struct{}{},
		leaving: map[topology.HostID]struct{}{},
	}
}

// exchange puts o, nil for nothing, in the place of the object with key k.
func (g *graph) exchange(k topology.Key, o topology.Object) {
	old := g.objects[k]
	wires := g.wiresOf(k, old, o)
	g.plug(k, -1)
	g.lead(old, -1)
	g.wire(wires, -1)
	g.unindex(old)
	if o == nil {
		delete(g.objects, k)
	} else {
		g.objects[k] = o
	}
	g.index(o)
	g.wire(wires, +1)
	g.lead(o, +1)
	g.plug(k, +1)
	if k.Kind == topology.KindBridge && external(old) != external(o) {
		g.stir(k)
	}
}

// index enters o under the node that it is at and the host that owns it; unindex takes it out.
func (g *graph) index(o topology.Object) {
	if n, ok := nodeOf(o); ok {
		add(g.onNode, n, o.Key())
	}
	if host, ok := ownerOf(o); ok {
		add(g.owned, host, o.Key())
	}
	g.recall(o, +1)
}

func (g *graph) unindex(o topology.Object) {
	if n, ok := nodeOf(o); ok {
		remove(g.onNode, n, o.Key())
	}
	if host, ok := ownerOf(o); ok {
		remove(g.owned, host, o.Key())
	}
	g.recall(o, -1)
}

// recall counts the hosts that a port was bound to before.
func (g *graph) recall(o topology.Object, by int) {
	b, ok := o.(*topology.Binding)
	if !ok {
		return
	}
	for _, h := range b.Former {
		if !h.IsZero() {
			count(g.former, b.Host, h, by)
			count(g.later, h, b.Host, by)
		}
	}
}

// plug counts the port that k is, or binds, as plugged in on its host, by one more or one less, if both the port and its binding
// are there.
func (g *graph) plug(k topology.Key, by int) {
	if k.Kind != topology.KindPort && k.Kind != topology.KindBinding {
		return
	}
	at, known := nodeOf(g.objects[portOf(k)])
	binding, bound := g.objects[bindingOf(k)].(*topology.Binding)
	if !known || !bound {
		return
	}
	before := g.homes[binding.Host][at]
	count(g.located, at, binding.Host, by)
	count(g.homes, binding.Host, at, by)
	if (before == 0 || before+by == 0) && g.reached[binding.Host] != nil {
		g.moved[binding.Host] = struct{}{}
	}
}

// lead counts where the object leads by itself.
func (g *graph) lead(o topology.Object, by int) {
	from, ok := nodeOf(o)
	if !ok {
		return
	}
	for _, to := range references(o) {
		g.join(from, to, by)
	}
}

// wiresOf returns the ports that are ends of a wire which the replacement makes or cuts.
func (g *graph) wiresOf(k topology.Key, old, now topology.Object) keys {
	if k.Kind != topology.KindPort {
		return nil
	}
	ends := keys{k: {}}
	for _, o := range []topology.Object{old, now} {
		if p, ok := o.(*topology.Port); ok && p.Interior() {
			ends[topology.Key{Kind: topology.KindPort, ID: p.Peer}] = struct{}{}
		}
	}
	return ends
}

// wire counts, for each of the ports, where its wire leads. Both ends must name each other.
func (g *graph) wire(ends keys, by int) {
	for k := range ends {
		p, ok := g.objects[k].(*topology.Port)
		if !ok || !p.Interior() {
			continue
		}
		peer, ok := g.objects[topology.Key{Kind: topology.KindPort, ID: p.Peer}].(*topology.Port)
		if !ok || peer.Peer != p.ID {
			continue
		}
		from, here := nodeOf(p)
		to, there := nodeOf(peer)
		if here && there {
			g.join(from, to, by)
		}
	}
}

// join counts one object more or less that leads from one node to the other.
func (g *graph) join(from, to node, by int) {
	before := g.leads[from][to]
	count(g.leads, from, to, by)
	if (before == 0) != (before+by == 0) {
		g.stir(from)
	}
}

// stir says that whoever reaches the node may reach others now.
func (g *graph) stir(n node) {
	for host := range g.hearing[n] {
		g.moved[host] = struct{}{}
	}
}

// closure returns the nodes that the host reaches as things are.
func (g *graph) closure(host topology.HostID) map[node]struct{} {
	found := map[node]struct{}{}
	var next []node
	visit := func(n node) {
		if _, ok := found[n]; !ok {
			found[n] = struct{}{}
			next = append(next, n)
		}
	}
	for n := range g.homes[host] {
		visit(n)
	}
	for n := range g.wanted[host] {
		visit(n)
	}
	for len(next) > 0 {
		n := next[len(next)-1]
		next = next[:len(next)-1]
		edge := external(g.objects[n])
		for to := range g.leads[n] {
			if !edge || to.Kind != topology.KindRouter {
				visit(to)
			}
		}
	}
	return found
}

// move makes the nodes those that the watching host reaches.
func (g *graph) move(host topology.HostID, to map[node]struct{}) {
	for n := range g.reached[host] {
		if _, stays := to[n]; !stays {
			delete(g.hearing[n], host)
			if len(g.hearing[n]) == 0 {
				delete(g.hearing, n)
			}
		}
	}
	for n := range to {
		if g.hearing[n] == nil {
			g.hearing[n] = map[topology.HostID]struct{}{}
		}
		g.hearing[n][host] = struct{}{}
	}
	if g.reached[host] != nil {
		g.reached[host] = to
	}
}

// at returns the keys of everything that a host which reaches the node needs because of it. Some may have no object.
func (g *graph) at(n node) keys {
	ks := keys{}
	for k := range g.onNode[n] {
		ks[k] = struct{}{}
		if k.Kind == topology.KindPort {
			ks[bindingOf(k)] = struct{}{}
			ks[stateOf(k)] = struct{}{}
		}
	}
	for host := range g.located[n] {
		ks[topology.Key{Kind: topology.KindHost, ID: host}] = struct{}{}
	}
	return ks
}

func external(o topology.Object) bool {
	b, ok := o.(*topology.Bridge)
	return ok && b.External
}

// ownerOf returns the host that needs the object whatever it reaches.
func ownerOf(o topology.Object) (topology.HostID, bool) {
	switch o := o.(type) {
	case *topology.Binding:
		return o.Host, true
	case *topology.NATBlock:
		return o.Host, true
	}
	return topology.HostID{}, false
}

// nodeOf returns the node that an object (or nil) is at.
func nodeOf(o topology.Object) (node, bool) {
	n := node{}
	switch o := o.(type) {
	case *topology.Bridge, *topology.Router, *topology.Chain, *topology.AddrGroup, *topology.PortGroup:
		return o.Key(), true
	case *topology.Port:
		n = node{Kind: topology.KindBridge, ID: o.Bridge}
		if o.Bridge.IsZero() {
			n = node{Kind: topology.KindRouter, ID: o.Router}
		}
	case *topology.DHCP:
		n = node{Kind: topology.KindBridge, ID: o.Bridge}
	case *topology.DHCPHost:
		n = node{Kind: topology.KindBridge, ID: o.Bridge}
	case *topology.MACEntry:
		n = node{Kind: topology.KindBridge, ID: o.Bridge}
	case *topology.Neighbour:
		n = node{Kind: topology.KindBridge, ID: o.Bridge}
	case *topology.LearnedMAC:
		n = node{Kind: topology.KindBridge, ID: o.Bridge}
	case *topology.Route:
		n = node{Kind: topology.KindRouter, ID: o.Router}
	case *topology.FloatingIP:
		n = node{Kind: topology.KindRouter, ID: o.Router}
	case *topology.PortForwarding:
		n = node{Kind: topology.KindRouter, ID: o.Router}
	case *topology.RouterNeighbour:
		n = node{Kind: topology.KindRouter, ID: o.Router}
	case *topology.GroupMember:
		n = node{Kind: topology.KindAddrGroup, ID: o.Group}
	case *topology.Overlay:
		n = o.At
	}
	return n, n.ID != [16]byte{}
}

// references returns the nodes that the object leads to from its own: the chains that it goes through and the groups that it names.
func references(o topology.Object) []node {
	var to []node
	name := func(kind topology.Kind, id [16]byte) {
		if id != [16]byte{} {
			to = append(to, node{Kind: kind, ID: id})
		}
	}
	switch o := o.(type) {
	case *topology.Port:
		name(topology.KindChain, o.InChain)
		name(topology.KindChain, o.OutChain)
		for _, g := range o.Groups {
			name(topology.KindPortGroup, g)
		}
		if o.Security != nil {
			for _, chains := range [][]topology.ChainID{o.Security.Egress, o.Security.Ingress} {
				for _, c := range chains {
					name(topology.KindChain, c)
				}
			}
		}
	case *topology.Overlay:
		name(topology.KindChain, o.InChain)
		name(topology.KindChain, o.OutChain)
		for _, g := range o.Groups {
			name(topology.KindPortGroup, g)
		}
	case *topology.Router:
		name(topology.KindChain, o.InChain)
		name(topology.KindChain, o.OutChain)
		name(topology.KindChain, o.ForwardChain)
	case *topology.Chain:
		for i := range o.Rules {
			name(topology.KindChain, o.Rules[i].Jump)
			name(topology.KindAddrGroup, o.Rules[i].When.SrcGroup)
			name(topology.KindAddrGroup, o.Rules[i].When.DstGroup)
		}
	}
	return to
}
