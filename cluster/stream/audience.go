package stream

import (
	"midonet.org/midonet/topology"
)

// This file follows a step under way. Before and after each change of an index, what the watching hosts had of the objects that
// the change concerns is noted; takeDeltas compares that with what they need at the end.

// sees reports whether the host needs the object with key k as things are.
func (x *interest) sees(host topology.HostID, k topology.Key) bool {
	if k.Kind == topology.KindHost {
		return host == k.ID || x.share(host, k.ID)
	}
	owner, bridge := x.place(k)
	return owner == host || x.hosts[bridge][host] > 0
}

// share reports whether two hosts have ports on one bridge.
func (x *interest) share(a, b topology.HostID) bool {
	if len(x.bridges[a]) > len(x.bridges[b]) {
		a, b = b, a
	}
	for bridge := range x.bridges[a] {
		if x.bridges[b][bridge] > 0 {
			return true
		}
	}
	return false
}

// place returns the owner and the bridge through which the object with key k is needed; the zero ID where there is none.
func (x *interest) place(k topology.Key) (owner topology.HostID, bridge topology.BridgeID) {
	switch k.Kind {
	case topology.KindBridge:
		return owner, k.ID
	case topology.KindBinding, topology.KindPortState:
		if b, ok := x.objects[bindingOf(k)].(*topology.Binding); ok {
			owner = b.Host
		}
		bridge, _ = bridgeNamed(x.objects[portOf(k)])
	default:
		bridge, _ = bridgeNamed(x.objects[k])
	}
	return owner, bridge
}

// audience calls yield for each host that needs the object with key k as things are, for some more than once.
func (x *interest) audience(k topology.Key, yield func(topology.HostID)) {
	if k.Kind == topology.KindHost {
		yield(k.ID)
		for bridge := range x.bridges[k.ID] {
			for host := range x.hosts[bridge] {
				yield(host)
			}
		}
		return
	}
	owner, bridge := x.place(k)
	yield(owner)
	for host := range x.hosts[bridge] {
		yield(host)
	}
}

// noteHad notes the keys for the hosts that need them before a change.
func (x *interest) noteHad(ks []topology.Key) {
	for _, k := range ks {
		x.audience(k, func(host topology.HostID) { x.note(host, k, x.objects[k]) })
	}
}

// noteGained notes the keys for the hosts that need them after a change. Those that needed them before are noted already, so
// that whoever is new here had nothing.
func (x *interest) noteGained(ks []topology.Key) {
	for _, k := range ks {
		x.audience(k, func(host topology.HostID) { x.note(host, k, nil) })
	}
}

// noteBridge notes, before the host joins or leaves the bridge, everything that it needs because of it.
func (x *interest) noteBridge(bridge topology.BridgeID, host topology.HostID) {
	if _, ok := x.watching[host]; !ok {
		return
	}
	for k := range x.reach(bridge) {
		if x.sees(host, k) {
			x.note(host, k, x.objects[k])
		} else {
			x.note(host, k, nil)
		}
	}
}

// note keeps what a watching host had of the object with key k when the step began: had, unless an earlier note of the step says
// otherwise. It must be made before the first change that matters to the host's need for the object.
func (x *interest) note(host topology.HostID, k topology.Key, had topology.Object) {
	if _, ok := x.watching[host]; !ok {
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

// takeDeltas ends a step.
func (x *interest) takeDeltas() map[topology.HostID]delta {
	deltas := map[topology.HostID]delta{}
	for host, noted := range x.noted {
		var d delta
		for k, had := range noted {
			now := x.objects[k]
			if !x.sees(host, k) {
				now = nil
			}
			switch {
			case now != nil && now != had:
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

// bridgeNamed returns the bridge that an object (or nil) names as the one it is on.
func bridgeNamed(o topology.Object) (bridge topology.BridgeID, ok bool) {
	switch o := o.(type) {
	case *topology.Port:
		bridge = o.Bridge
	case *topology.DHCP:
		bridge = o.Bridge
	case *topology.DHCPHost:
		bridge = o.Bridge
	case *topology.MACEntry:
		bridge = o.Bridge
	case *topology.Neighbour:
		bridge = o.Bridge
	case *topology.LearnedMAC:
		bridge = o.Bridge
	}
	return bridge, !bridge.IsZero()
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
