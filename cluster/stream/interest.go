package stream

import (
	"reflect"

	"midonet.org/midonet/topology"
)

// interest knows the topology and which host needs what of it. It is pure: a step goes in, and what each watching host must be
// told comes out. The work for a step grows with the number of objects and hosts that the step concerns, not with the cloud.
//
// A host needs what it would have to know to forward for the ports that are bound to it:
//
//   - its own Host, its Bindings, and the PortStates of those;
//   - every bridge that one of its bound ports is on, with all that names the bridge (ports, DHCP subnets and reservations,
//     addresses), the Bindings and PortStates of all the bridge's ports, and the Hosts that those bindings name.
//
// So an object is needed through at most two things, its owner (a host) and its bridge; a Host is needed through itself and
// through each bridge that it has a port on.
type interest struct {
	objects  map[topology.Key]topology.Object
	onBridge map[topology.BridgeID]keys                           // objects that name the bridge
	bound    map[topology.HostID]keys                             // Bindings that name the host
	hosts    map[topology.BridgeID]map[topology.HostID]int        // how many ports of the bridge are bound to the host
	bridges  map[topology.HostID]map[topology.BridgeID]int        // the same the other way round
	watching map[topology.HostID]struct{}                         // hosts whose deltas are computed
	noted    map[topology.HostID]map[topology.Key]topology.Object // by watching host: see note
}

type keys map[topology.Key]struct{}

// delta is what one step changes for one host.
type delta struct {
	puts    []topology.Object
	deletes []topology.Key
}

func newInterest() *interest {
	return &interest{
		objects:  map[topology.Key]topology.Object{},
		onBridge: map[topology.BridgeID]keys{},
		bound:    map[topology.HostID]keys{},
		hosts:    map[topology.BridgeID]map[topology.HostID]int{},
		bridges:  map[topology.HostID]map[topology.BridgeID]int{},
		watching: map[topology.HostID]struct{}{},
		noted:    map[topology.HostID]map[topology.Key]topology.Object{},
	}
}

// known reports whether objects of the kind are kept: those that hosts need, and HostStates, which tell who is alive.
func known(k topology.Kind) bool {
	switch k {
	case topology.KindTunnelKey, topology.KindSource, topology.KindProgress:
		return false
	}
	return true
}

// apply takes one step and returns what it changes for each watching host that it concerns.
func (x *interest) apply(puts []topology.Object, deletes []topology.Key) map[topology.HostID]delta {
	for _, k := range deletes {
		if x.objects[k] != nil {
			x.replace(k, nil)
		}
	}
	for _, o := range puts {
		if k := o.Key(); known(k.Kind) && !reflect.DeepEqual(o, x.objects[k]) {
			x.replace(k, o)
		}
	}
	return x.takeDeltas()
}

// snapshot returns everything that the host needs now.
func (x *interest) snapshot(host topology.HostID) []topology.Object {
	need := keys{topology.Key{Kind: topology.KindHost, ID: host}: {}}
	for k := range x.bound[host] {
		need[k] = struct{}{}
		need[stateOf(k)] = struct{}{}
	}
	for b := range x.bridges[host] {
		for k := range x.reach(b) {
			need[k] = struct{}{}
		}
	}
	objects := make([]topology.Object, 0, len(need))
	for k := range need {
		if o := x.objects[k]; o != nil {
			objects = append(objects, o)
		}
	}
	return objects
}

// replace puts o (nil: nothing) in the place of the object with key k. What is needed through it changes hands with it.
func (x *interest) replace(k topology.Key, o topology.Object) {
	moving := x.moving(k, o)
	x.noteHad(moving)
	x.unplug(k)
	x.unindex(x.objects[k])
	if o == nil {
		delete(x.objects, k)
	} else {
		x.objects[k] = o
	}
	x.index(o)
	x.noteGained(moving)
	x.plug(k)
	x.noteGained(moving)
}

// moving returns the keys whose audience the replacement may change, whole bridges that a host joins or leaves aside.
func (x *interest) moving(k topology.Key, o topology.Object) []topology.Key {
	moving := []topology.Key{k}
	switch k.Kind {
	case topology.KindPort:
		moving = append(moving, bindingOf(k), stateOf(k))
		moving = x.appendHost(moving, x.objects[bindingOf(k)])
	case topology.KindBinding:
		moving = append(moving, stateOf(k))
		moving = x.appendHost(moving, x.objects[k])
		moving = x.appendHost(moving, o)
	}
	return moving
}

func (x *interest) appendHost(ks []topology.Key, binding topology.Object) []topology.Key {
	if b, ok := binding.(*topology.Binding); ok {
		return append(ks, topology.Key{Kind: topology.KindHost, ID: b.Host})
	}
	return ks
}

// index enters o under the bridge and the host that it names; unindex takes it out.
func (x *interest) index(o topology.Object) {
	if bridge, ok := bridgeNamed(o); ok {
		add(x.onBridge, bridge, o.Key())
	}
	if b, ok := o.(*topology.Binding); ok {
		add(x.bound, b.Host, o.Key())
	}
}

func (x *interest) unindex(o topology.Object) {
	if bridge, ok := bridgeNamed(o); ok {
		remove(x.onBridge, bridge, o.Key())
	}
	if b, ok := o.(*topology.Binding); ok {
		remove(x.bound, b.Host, o.Key())
	}
}

// plug counts the port that k is, or binds, as plugged in on its host, if both the port and its binding are there. With the first
// such port the host comes to need the whole bridge.
func (x *interest) plug(k topology.Key) {
	bridge, host, ok := x.plugged(k)
	if !ok {
		return
	}
	if x.hosts[bridge][host] == 0 {
		x.noteBridge(bridge, host)
	}
	count(x.hosts, bridge, host, +1)
	count(x.bridges, host, bridge, +1)
}

// unplug is the reverse of plug.
func (x *interest) unplug(k topology.Key) {
	bridge, host, ok := x.plugged(k)
	if !ok {
		return
	}
	if x.hosts[bridge][host] == 1 {
		x.noteBridge(bridge, host)
	}
	count(x.hosts, bridge, host, -1)
	count(x.bridges, host, bridge, -1)
}

// plugged returns the bridge and the host that a port and its binding join, if k is either of them and both are there.
func (x *interest) plugged(k topology.Key) (topology.BridgeID, topology.HostID, bool) {
	if k.Kind != topology.KindPort && k.Kind != topology.KindBinding {
		return topology.BridgeID{}, topology.HostID{}, false
	}
	bridge, onBridge := bridgeNamed(x.objects[portOf(k)])
	binding, isBound := x.objects[bindingOf(k)].(*topology.Binding)
	if !onBridge || !isBound {
		return topology.BridgeID{}, topology.HostID{}, false
	}
	return bridge, binding.Host, true
}

// reach returns the keys of everything that a host on the bridge needs because of it. Some may have no object.
func (x *interest) reach(bridge topology.BridgeID) keys {
	ks := keys{topology.Key{Kind: topology.KindBridge, ID: bridge}: {}}
	for k := range x.onBridge[bridge] {
		ks[k] = struct{}{}
		if k.Kind == topology.KindPort {
			ks[bindingOf(k)] = struct{}{}
			ks[stateOf(k)] = struct{}{}
		}
	}
	for host := range x.hosts[bridge] {
		ks[topology.Key{Kind: topology.KindHost, ID: host}] = struct{}{}
	}
	return ks
}
