package stream

import (
	"maps"
	"reflect"

	"midonet.org/midonet/topology"
)

// This file follows a step under way. Before and after each change of an index, what the watching hosts had of the objects that
// the change concerns is noted; takeDeltas compares that with what they need at the end.

// sees reports whether the watching host needs the object with key k as things are.
func (x *interest) sees(host topology.HostID, k topology.Key) bool {
	if k.Kind == topology.KindHost {
		return host == k.ID || x.former[host][k.ID] > 0 || x.meets(host, k.ID)
	}
	owner, at := x.place(k)
	_, reached := x.reached[host][at]
	return owner == host || reached
}

// meets reports whether the watching host reaches a node where the other one has a port.
func (x *interest) meets(host, other topology.HostID) bool {
	for n := range x.homes[other] {
		if _, ok := x.reached[host][n]; ok {
			return true
		}
	}
	return false
}

// place returns the owner and the node through which the object with key k is needed; the zero value where there is none.
func (x *interest) place(k topology.Key) (owner topology.HostID, at node) {
	switch k.Kind {
	case topology.KindBinding, topology.KindPortState:
		owner, _ = ownerOf(x.objects[bindingOf(k)])
		at, _ = nodeOf(x.objects[portOf(k)])
	default:
		owner, _ = ownerOf(x.objects[k])
		at, _ = nodeOf(x.objects[k])
	}
	return owner, at
}

// audience calls yield for each host that needs the object with key k as things are, for some more than once.
func (x *interest) audience(k topology.Key, yield func(topology.HostID)) {
	if k.Kind == topology.KindHost {
		yield(k.ID)
		for host := range x.later[k.ID] {
			yield(host)
		}
		for n := range x.homes[k.ID] {
			for host := range x.hearing[n] {
				yield(host)
			}
		}
		return
	}
	owner, at := x.place(k)
	yield(owner)
	for host := range x.hearing[at] {
		yield(host)
	}
}

// noteHad notes the keys for the hosts that need them before a change.
func (x *interest) noteHad(ks []topology.Key) {
	for _, k := range ks {
		x.audience(k, func(host topology.HostID) { x.note(host, k, x.shown(host, k)) })
	}
}

// noteGained notes the keys for the hosts that need them after a change. Those that needed them before are noted already, so
// that whoever is new here had nothing.
func (x *interest) noteGained(ks []topology.Key) {
	for _, k := range ks {
		x.audience(k, func(host topology.HostID) { x.note(host, k, nil) })
	}
}

// noteNode notes, before the host comes to the node or leaves it, everything that it needs because of it.
func (x *interest) noteNode(n node, host topology.HostID) {
	for k := range x.at(n) {
		if x.sees(host, k) {
			x.note(host, k, x.shown(host, k))
		} else {
			x.note(host, k, nil)
		}
	}
}

// note keeps what a watching host had of the object with key k when the step began: had, unless an earlier note of the step says
// otherwise. It must be made before the first change that matters to the host's need for the object.
func (x *interest) note(host topology.HostID, k topology.Key, had topology.Object) {
	if x.reached[host] == nil {
		return
	}
	if _, ok := x.noted[host][k]; ok {
		return
	}
	if x.noted[host] == nil {
		x.noted[host] = map[topology.Key]topology.Object{}
	}
	x.noted[host][k] = had
}

// noteLeaving notes a watching host whose port is bound to another one from now on.
func (x *interest) noteLeaving(old, now topology.Object) {
	was, ok := old.(*topology.Binding)
	is, stays := now.(*topology.Binding)
	if ok && stays && was.Host != is.Host && x.reached[was.Host] != nil {
		x.leaving[was.Host] = struct{}{}
	}
}

// takeDeltas ends a step, or a part of it: hosts come to the nodes that they reach now, and what they were noted to have is compared with what they
// need.
func (x *interest) takeDeltas() map[topology.HostID]delta {
	for host := range x.moved {
		x.follow(host)
	}
	clear(x.moved)
	deltas := map[topology.HostID]delta{}
	for host, noted := range x.noted {
		var d delta
		for k, had := range noted {
			now := x.shown(host, k)
			if !x.sees(host, k) {
				now = nil
			}
			switch {
			case now != nil && now != had && !(k.Kind == topology.KindPort && reflect.DeepEqual(now, had)): // as this host may see it
				d.puts = append(d.puts, now)
			case now == nil && had != nil:
				d.deletes = append(d.deletes, k)
			}
		}
		if len(d.puts)+len(d.deletes) > 0 {
			deltas[host] = d
		}
	}
	clear(x.noted)
	return deltas
}

// follow lets the host reach what it reaches as things are, and where a port is leaving it, in this part of the step, what it reached.
func (x *interest) follow(host topology.HostID) {
	now := x.closure(host)
	if _, leaving := x.leaving[host]; leaving {
		maps.Copy(now, x.reached[host])
	}
	for n := range x.reached[host] {
		if _, stays := now[n]; !stays {
			x.noteNode(n, host)
		}
	}
	for n := range now {
		if _, before := x.reached[host][n]; !before {
			x.noteNode(n, host)
		}
	}
	x.move(host, now)
}

// A port, its binding and its state have one identifier; these turn the key of one into that of another.
func portOf(k topology.Key) topology.Key { return topology.Key{Kind: topology.KindPort, ID: k.ID} }
func bindingOf(k topology.Key) topology.Key {
	return topology.Key{Kind: topology.KindBinding, ID: k.ID}
}
func stateOf(k topology.Key) topology.Key {
	return topology.Key{Kind: topology.KindPortState, ID: k.ID}
}

func add[T comparable](index map[T]keys, at T, k topology.Key) {
	if index[at] == nil {
		index[at] = keys{}
	}
	index[at][k] = struct{}{}
}

func remove[T comparable](index map[T]keys, at T, k topology.Key) {
	delete(index[at], k)
	if len(index[at]) == 0 {
		delete(index, at)
	}
}

// count adds by to the counter at [a][b] and leaves no zero behind.
func count[A, B comparable](counters map[A]map[B]int, a A, b B, by int) {
	if counters[a] == nil {
		counters[a] = map[B]int{}
	}
	if counters[a][b] += by; counters[a][b] == 0 {
		delete(counters[a], b)
	}
	if len(counters[a]) == 0 {
		delete(counters, a)
	}
}
