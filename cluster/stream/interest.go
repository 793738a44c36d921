package stream

import (
	"reflect"

	"midonet.org/midonet/topology"
)

// interest knows the topology and which host needs what of it. It is pure: a step goes in, and what each watching host must be
// told comes out. The work for a step grows with the number of objects and hosts that the step concerns, not with the cloud.
//
// The topology is a graph (graph.go): bridges, routers, chains, address groups and port groups are its nodes, every other object is
// at the node that it names, and a node leads to the nodes that a packet or a rule goes on to from there. A host needs
//
//   - its own Host, its Bindings with their PortStates and the Hosts that had these ports before, and its NATBlocks;
//   - everything at the nodes that can be reached from where its bound ports are and from the routers that it wants, with the
//     Bindings and PortStates of the ports there, and the Hosts that those bindings name.
//
// A host from which a port moves to another one is told that first, with where it goes, and in a second delta what it has no need of any
// more: so it can tell the other host of the port's connections.
//
// From an external bridge nothing leads on to the routers that meet there: a host wants those one by one. Whose workload is behind a
// bridge's port (Device and ProjectID, which the metadata service tells Nova) is the host's alone that the port is bound to.
type interest struct {
	graph
	others map[topology.Key]*topology.Port                      // ports as other hosts see them, those that any has seen
	noted  map[topology.HostID]map[topology.Key]topology.Object // by watching host: see note
}

type keys map[topology.Key]struct{}

// delta is what one step changes for one host.
type delta struct {
	puts    []topology.Object
	deletes []topology.Key
}

func newInterest() *interest {
	return &interest{graph: newGraph(), others: map[topology.Key]*topology.Port{}, noted: map[topology.HostID]map[topology.Key]topology.Object{}}
}

// known reports whether objects of the kind are kept: those that hosts need, and HostStates, which tell who is alive.
func known(k topology.Kind) bool {
	switch k {
	case topology.KindTunnelKey, topology.KindSource, topology.KindProgress, topology.KindTunnelZone, topology.KindTunnelZoneHost:
		return false
	}
	return k.Heeded()
}

// apply takes one step and returns what it changes for each watching host that it concerns, in one or two parts.
func (x *interest) apply(puts []topology.Object, deletes []topology.Key) (parts []map[topology.HostID]delta) {
	for _, k := range deletes {
		if x.objects[k] != nil {
			x.replace(k, nil)
		}
	}
	for _, o := range puts {
		switch k := o.Key(); {
		case !known(k.Kind):
		case !topology.Heeded(o):
			if x.objects[k] != nil {
				x.replace(k, nil)
			}
		case !reflect.DeepEqual(o, x.objects[k]):
			x.replace(k, o)
		}
	}
	parts = append(parts, x.takeDeltas())
	if len(x.leaving) > 0 {
		x.moved, x.leaving = x.leaving, x.moved
		parts = append(parts, x.takeDeltas())
	}
	return parts
}

// watch begins to compute deltas for the host, which wants the routers, and returns everything that it needs now.
func (x *interest) watch(host topology.HostID, routers []topology.RouterID) []topology.Object {
	x.unwatch(host)
	x.wanted[host] = wantedNodes(routers)
	x.reached[host] = map[node]struct{}{}
	x.move(host, x.closure(host))
	need := keys{topology.Key{Kind: topology.KindHost, ID: host}: {}}
	for k := range x.owned[host] {
		need[k] = struct{}{}
		need[stateOf(k)] = struct{}{}
	}
	for former := range x.former[host] {
		need[topology.Key{Kind: topology.KindHost, ID: former}] = struct{}{}
	}
	for n := range x.reached[host] {
		for k := range x.at(n) {
			need[k] = struct{}{}
		}
	}
	objects := make([]topology.Object, 0, len(need))
	for k := range need {
		if o := x.shown(host, k); o != nil {
			objects = append(objects, o)
		}
	}
	return objects
}

// unwatch ends what watch began.
func (x *interest) unwatch(host topology.HostID) {
	x.move(host, nil)
	delete(x.reached, host)
	delete(x.wanted, host)
	delete(x.moved, host)
	delete(x.leaving, host)
	delete(x.noted, host)
}

// want replaces the routers that a watching host wants, and returns what that changes for it.
func (x *interest) want(host topology.HostID, routers []topology.RouterID) delta {
	x.wanted[host] = wantedNodes(routers)
	x.moved[host] = struct{}{}
	return x.takeDeltas()[host]
}

func wantedNodes(routers []topology.RouterID) map[node]struct{} {
	wanted := map[node]struct{}{}
	for _, r := range routers {
		wanted[node{Kind: topology.KindRouter, ID: r}] = struct{}{}
	}
	return wanted
}

// replace puts o (nil: nothing) in the place of the object with key k. What is needed through it changes hands with it.
func (x *interest) replace(k topology.Key, o topology.Object) {
	moving := x.moving(k, o)
	x.noteLeaving(x.objects[k], o)
	x.noteHad(moving)
	x.exchange(k, o)
	delete(x.others, k)
	x.noteGained(moving)
}

// shown returns the object with key k, nil for none, as the host may see it.
func (x *interest) shown(host topology.HostID, k topology.Key) topology.Object {
	o := x.objects[k]
	p, ok := o.(*topology.Port)
	if !ok || anonymous(p) == p {
		return o
	}
	if owner, bound := ownerOf(x.objects[bindingOf(k)]); bound && owner == host {
		return o
	}
	if x.others[k] == nil {
		x.others[k] = anonymous(p)
	}
	return x.others[k]
}

// anonymous returns the port without whose it is; the port itself where it does not say or is a router's, which needs to be known.
func anonymous(p *topology.Port) *topology.Port {
	if !p.Router.IsZero() || p.Interior() || p.Device == "" && p.ProjectID == "" {
		return p
	}
	anonymous := *p
	anonymous.Device, anonymous.ProjectID = "", ""
	return &anonymous
}

// moving returns the keys whose audience the replacement may change, whole nodes that a host comes to or leaves aside.
func (x *interest) moving(k topology.Key, o topology.Object) []topology.Key {
	moving := []topology.Key{k}
	switch k.Kind {
	case topology.KindPort:
		moving = append(moving, bindingOf(k), stateOf(k))
		moving = x.appendHost(moving, x.objects[bindingOf(k)])
	case topology.KindBinding:
		moving = append(moving, stateOf(k), portOf(k))
		moving = x.appendHost(moving, x.objects[k])
		moving = x.appendHost(moving, o)
	}
	return moving
}

func (x *interest) appendHost(ks []topology.Key, binding topology.Object) []topology.Key {
	if b, ok := binding.(*topology.Binding); ok {
		ks = append(ks, topology.Key{Kind: topology.KindHost, ID: b.Host})
		for _, h := range b.Former {
			if !h.IsZero() {
				ks = append(ks, topology.Key{Kind: topology.KindHost, ID: h})
			}
		}
	}
	return ks
}
