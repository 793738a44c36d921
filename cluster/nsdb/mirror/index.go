package mirror

import (
	"bytes"
	"fmt"
	"maps"

	"github.com/google/btree"

	"midonet.org/midonet/topology"
)

// index is by what objects of a kind are found, beside their own identifiers.
type index string

// The indexes.
const (
	indexID     index = "" // the identifiers themselves
	indexBridge index = "bridge"
	indexHost   index = "host"
	indexRouter index = "router"
	indexGroup  index = "group"
	indexZone   index = "zone"
	indexMade   index = "made"  // those that operators made, under one value
	indexNamed  index = "named" // all that a topology.Referrer names
)

// secondary are the indexes of each kind beside its identifier.
var secondary = map[topology.Kind][]index{
	topology.KindPort:       {indexBridge, indexRouter},
	topology.KindRouter:     {indexMade},
	topology.KindChain:      {indexMade},
	topology.KindDHCP:       {indexBridge},
	topology.KindDHCPHost:   {indexBridge},
	topology.KindMACEntry:   {indexBridge, indexMade},
	topology.KindNeighbour:  {indexBridge, indexMade},
	topology.KindLearnedMAC: {indexBridge},
	topology.KindBinding:    {indexHost},
	topology.KindPortState:  {indexHost},

	topology.KindRoute:           {indexRouter, indexMade},
	topology.KindFloatingIP:      {indexRouter},
	topology.KindPortForwarding:  {indexRouter},
	topology.KindRouterNeighbour: {indexRouter},
	topology.KindNATBlock:        {indexRouter},
	topology.KindGroupMember:     {indexGroup},
	topology.KindTunnelZoneHost:  {indexHost, indexZone},
}

// byOperators is the one value of indexMade.
var byOperators = [16]byte{1}

// of returns what the object names under the index; zero: nothing.
func (i index) of(o topology.Object) [16]byte {
	if i == indexMade {
		if topology.ByOperator(o) {
			return byOperators
		}
		return [16]byte{}
	}
	switch o := o.(type) {
	case *topology.Port:
		if i == indexRouter {
			return o.Router
		}
		return o.Bridge
	case *topology.Route:
		return o.Router
	case *topology.FloatingIP:
		return o.Router
	case *topology.PortForwarding:
		return o.Router
	case *topology.RouterNeighbour:
		return o.Router
	case *topology.NATBlock:
		return o.Router
	case *topology.GroupMember:
		return o.Group
	case *topology.TunnelZoneHost:
		if i == indexZone {
			return o.Zone
		}
		return o.Host
	case *topology.DHCP:
		return o.Bridge
	case *topology.DHCPHost:
		return o.Bridge
	case *topology.MACEntry:
		return o.Bridge
	case *topology.Neighbour:
		return o.Bridge
	case *topology.LearnedMAC:
		return o.Bridge
	case *topology.Binding:
		return o.Host
	case *topology.PortState:
		return o.Host
	}
	panic(fmt.Sprintf("mirror: %T has no index %s", o, string(i)))
}

// entry is an object at its place in an index: first by what it names there, which is zero in the index of identifiers, then by its own
// identifier.
type entry struct {
	named, id [16]byte
	object    topology.Object
}

func before(a, b entry) bool {
	if c := bytes.Compare(a.named[:], b.named[:]); c != 0 {
		return c < 0
	}
	return bytes.Compare(a.id[:], b.id[:]) < 0
}

// degree of the trees: nodes of up to 31 entries, which is 1.5 KB to copy for each level that a change passes.
const degree = 16

// table names the index of a kind.
type table struct {
	kind topology.Kind
	by   index
}

// tables are the indexes of a state. Trees are shared between states and copied where one is written.
type tables map[table]*btree.BTreeG[entry]

func newTables() tables {
	t := tables{}
	for _, kind := range topology.Kinds() {
		for _, by := range append([]index{indexID}, secondary[kind]...) {
			t[table{kind, by}] = btree.NewG(degree, before)
		}
	}
	for _, kind := range topology.Referrers() {
		t[table{kind, indexNamed}] = btree.NewG(degree, before)
	}
	return t
}

// writer makes the tables of the next state.
type writer struct {
	tables
	own map[table]bool // those that are not the earlier state's any more
}

func (t tables) writer() writer { return writer{tables: maps.Clone(t), own: map[table]bool{}} }

// tree returns the tree to be written.
func (w writer) tree(kind topology.Kind, by index) *btree.BTreeG[entry] {
	t := table{kind, by}
	if !w.own[t] {
		w.own[t], w.tables[t] = true, w.tables[t].Clone()
	}
	return w.tables[t]
}

func (w writer) put(o topology.Object) {
	key := o.Key()
	old, replaced := w.tree(key.Kind, indexID).ReplaceOrInsert(entry{id: key.ID, object: o})
	for _, by := range secondary[key.Kind] {
		named := by.of(o)
		if replaced && by.of(old.object) != named {
			w.unlist(old, key.Kind, by)
		}
		if named != [16]byte{} {
			w.tree(key.Kind, by).ReplaceOrInsert(entry{named: named, id: key.ID, object: o})
		}
	}
	w.forget(old.object)
	if r, ok := o.(topology.Referrer); ok {
		for _, to := range r.References() {
			w.tree(key.Kind, indexNamed).ReplaceOrInsert(entry{named: to.To.ID, id: key.ID, object: o})
		}
	}
}

// forget takes what the object, nil for none, names out of the index.
func (w writer) forget(old topology.Object) {
	r, ok := old.(topology.Referrer)
	if !ok {
		return
	}
	for _, to := range r.References() {
		w.tree(r.Key().Kind, indexNamed).Delete(entry{named: to.To.ID, id: r.Key().ID})
	}
}

func (w writer) remove(key topology.Key) {
	old, found := w.tree(key.Kind, indexID).Delete(entry{id: key.ID})
	if !found {
		return
	}
	for _, by := range secondary[key.Kind] {
		w.unlist(old, key.Kind, by)
	}
	w.forget(old.object)
}

// unlist takes an entry of the identifiers out of another index.
func (w writer) unlist(old entry, kind topology.Kind, by index) {
	if named := by.of(old.object); named != [16]byte{} {
		w.tree(kind, by).Delete(entry{named: named, id: old.id})
	}
}
