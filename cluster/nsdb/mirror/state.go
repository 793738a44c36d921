package mirror

import (
	"iter"
	"reflect"
	"slices"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// State is the whole store as of one revision. It is safe for use by several goroutines. Objects are shared: they must not be
// changed.
type State struct {
	Revision nsdb.Revision // 0 before the first view
	tables   tables
}

// Get returns the object with the key, nil where there is none.
func (s *State) Get(key topology.Key) topology.Object {
	tree := s.tables[table{key.Kind, indexID}]
	if tree == nil { // no reader's kind
		return nil
	}
	found, _ := tree.Get(entry{id: key.ID})
	return found.object
}

// Lookup returns the T with the identifier, nil where there is none. T is the pointer type of the kind.
func Lookup[T topology.Object](s *State, kind topology.Kind, id [16]byte) T {
	o, _ := s.Get(topology.Key{Kind: kind, ID: id}).(T)
	return o
}

// ByKind returns every object of the kind in order of identifier.
func (s *State) ByKind(kind topology.Kind) iter.Seq[topology.Object] {
	return s.query(kind, indexID, [16]byte{})
}

// Count returns how many objects of the kind there are, at no cost.
func (s *State) Count(kind topology.Kind) int { return s.tables[table{kind, indexID}].Len() }

// All returns every object, kind by kind.
func (s *State) All() iter.Seq[topology.Object] {
	return func(yield func(topology.Object) bool) {
		for _, kind := range topology.Kinds() {
			for o := range s.ByKind(kind) {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// MadeByOperators returns the objects of the kind that operators made, of which there are few beside those that are rendered. T is the pointer type
// of the kind: a router, chain, route, MAC entry or neighbour.
func MadeByOperators[T topology.Object](s *State, kind topology.Kind) iter.Seq[T] {
	return typed[T](s.query(kind, indexMade, byOperators))
}

// Ports returns the ports of a bridge. Like all of the indexed lists it is ordered by identifier.
func (s *State) Ports(b topology.BridgeID) iter.Seq[*topology.Port] {
	return typed[*topology.Port](s.query(topology.KindPort, indexBridge, b))
}

// DHCPs returns the DHCP subnets of a bridge.
func (s *State) DHCPs(b topology.BridgeID) iter.Seq[*topology.DHCP] {
	return typed[*topology.DHCP](s.query(topology.KindDHCP, indexBridge, b))
}

// DHCPHosts returns the reservations on the subnets of a bridge.
func (s *State) DHCPHosts(b topology.BridgeID) iter.Seq[*topology.DHCPHost] {
	return typed[*topology.DHCPHost](s.query(topology.KindDHCPHost, indexBridge, b))
}

// MACEntries returns what is known of the stations of a bridge.
func (s *State) MACEntries(b topology.BridgeID) iter.Seq[*topology.MACEntry] {
	return typed[*topology.MACEntry](s.query(topology.KindMACEntry, indexBridge, b))
}

// Neighbours returns what is known of the addresses on a bridge.
func (s *State) Neighbours(b topology.BridgeID) iter.Seq[*topology.Neighbour] {
	return typed[*topology.Neighbour](s.query(topology.KindNeighbour, indexBridge, b))
}

// LearnedMACs returns the stations that hosts have seen on a bridge.
func (s *State) LearnedMACs(b topology.BridgeID) iter.Seq[*topology.LearnedMAC] {
	return typed[*topology.LearnedMAC](s.query(topology.KindLearnedMAC, indexBridge, b))
}

// RouterPorts returns the ports of a router.
func (s *State) RouterPorts(r topology.RouterID) iter.Seq[*topology.Port] {
	return typed[*topology.Port](s.query(topology.KindPort, indexRouter, r))
}

// Routes returns the routes of a router.
func (s *State) Routes(r topology.RouterID) iter.Seq[*topology.Route] {
	return typed[*topology.Route](s.query(topology.KindRoute, indexRouter, r))
}

// FloatingIPs returns the floating addresses of a router.
func (s *State) FloatingIPs(r topology.RouterID) iter.Seq[*topology.FloatingIP] {
	return typed[*topology.FloatingIP](s.query(topology.KindFloatingIP, indexRouter, r))
}

// PortForwardings returns the forwardings of a router.
func (s *State) PortForwardings(r topology.RouterID) iter.Seq[*topology.PortForwarding] {
	return typed[*topology.PortForwarding](s.query(topology.KindPortForwarding, indexRouter, r))
}

// RouterNeighbours returns what hosts have found out of the neighbours of a router.
func (s *State) RouterNeighbours(r topology.RouterID) iter.Seq[*topology.RouterNeighbour] {
	return typed[*topology.RouterNeighbour](s.query(topology.KindRouterNeighbour, indexRouter, r))
}

// NATBlocks returns the blocks of a router that hosts hold.
func (s *State) NATBlocks(r topology.RouterID) iter.Seq[*topology.NATBlock] {
	return typed[*topology.NATBlock](s.query(topology.KindNATBlock, indexRouter, r))
}

// GroupMembers returns the members of an address group.
func (s *State) GroupMembers(g topology.AddrGroupID) iter.Seq[*topology.GroupMember] {
	return typed[*topology.GroupMember](s.query(topology.KindGroupMember, indexGroup, g))
}

// Bindings returns the bindings of a host.
func (s *State) Bindings(h topology.HostID) iter.Seq[*topology.Binding] {
	return typed[*topology.Binding](s.query(topology.KindBinding, indexHost, h))
}

// PortStates returns what a host says of its ports.
func (s *State) PortStates(h topology.HostID) iter.Seq[*topology.PortState] {
	return typed[*topology.PortState](s.query(topology.KindPortState, indexHost, h))
}

// TunnelZoneHosts returns the members of a tunnel zone.
func (s *State) TunnelZoneHosts(z topology.TunnelZoneID) iter.Seq[*topology.TunnelZoneHost] {
	return typed[*topology.TunnelZoneHost](s.query(topology.KindTunnelZoneHost, indexZone, z))
}

// Memberships returns the tunnel zones that a host is in.
func (s *State) Memberships(h topology.HostID) iter.Seq[*topology.TunnelZoneHost] {
	return typed[*topology.TunnelZoneHost](s.query(topology.KindTunnelZoneHost, indexHost, h))
}

// Referring returns the objects of the kind that name the key.
func (s *State) Referring(kind topology.Kind, to topology.Key) iter.Seq[topology.Referrer] {
	return func(yield func(topology.Referrer) bool) {
		if s.Count(kind) == 0 {
			return
		}
		for o := range s.query(kind, indexNamed, to.ID) {
			r := o.(topology.Referrer)
			names := slices.ContainsFunc(r.References(), func(x topology.Reference) bool { return x.To == to })
			if names && !yield(r) { // an identifier may be that of two objects of different kinds
				return
			}
		}
	}
}

// Referrers returns the objects of all kinds that name the key.
func (s *State) Referrers(to topology.Key) iter.Seq[topology.Referrer] {
	return func(yield func(topology.Referrer) bool) {
		for _, kind := range topology.Referrers() {
			for r := range s.Referring(kind, to) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// query returns the objects that name something under the index, in order of their identifiers.
func (s *State) query(kind topology.Kind, by index, named [16]byte) iter.Seq[topology.Object] {
	return func(yield func(topology.Object) bool) {
		s.tables[table{kind, by}].AscendGreaterOrEqual(entry{named: named}, func(e entry) bool {
			return e.named == named && yield(e.object)
		})
	}
}

func typed[T topology.Object](all iter.Seq[topology.Object]) iter.Seq[T] {
	return func(yield func(T) bool) {
		for o := range all {
			if !yield(o.(T)) {
				return
			}
		}
	}
}

// stepTo returns the step that leads from s to the snapshot.
func (s *State) stepTo(snapshot *nsdb.Snapshot) nsdb.Step {
	step := nsdb.Step{Revision: snapshot.Revision}
	for o := range s.All() {
		if snapshot.Objects[o.Key()] == nil {
			step.Deletes = append(step.Deletes, o.Key())
		}
	}
	for key, o := range snapshot.Objects {
		if !reflect.DeepEqual(s.Get(key), o) {
			step.Puts = append(step.Puts, o)
		}
	}
	return step
}
