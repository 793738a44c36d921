package portstatus

import (
	"slices"

	"midonet.org/midonet/cluster/nsdb/mirror"
	"midonet.org/midonet/topology"
)

// work is the set of ports whose status is to be written.
type work map[topology.PortID]struct{}

// addChanges adds the ports whose status the changes may alter.
func (w work) addChanges(changes []mirror.Change) {
	for _, c := range changes {
		for _, o := range c.Step.Puts {
			w.addChange(o.Key(), c)
		}
		for _, k := range c.Step.Deletes {
			w.addChange(k, c)
		}
	}
}

// addChange adds the port that the object with key k speaks of, or all ports of a host that came or went. A port without a
// binding, as Neutron has just made it, is DOWN already.
func (w work) addChange(k topology.Key, c mirror.Change) {
	switch k.Kind {
	case topology.KindPort:
		if exists(c.After, topology.KindBinding, k.ID) {
			w[k.ID] = struct{}{}
		}
	case topology.KindBinding, topology.KindPortState:
		w[k.ID] = struct{}{}
	case topology.KindHostState:
		if (c.Before.Get(k) == nil) == (c.After.Get(k) == nil) {
			return // as alive as it was
		}
		for b := range c.After.Bindings(k.ID) {
			w[b.Port] = struct{}{}
		}
	}
}

// batch returns some of the ports, which stay until they are done.
func (w work) batch() []topology.PortID {
	ports := make([]topology.PortID, 0, min(len(w), maxBatch))
	for p := range w {
		if ports = append(ports, p); len(ports) == maxBatch {
			break
		}
	}
	slices.SortFunc(ports, func(a, b topology.PortID) int { return slices.Compare(a[:], b[:]) })
	return ports
}

// done takes the ports out.
func (w work) done(ports []topology.PortID) {
	for _, p := range ports {
		delete(w, p)
	}
}
