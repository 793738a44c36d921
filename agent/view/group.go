package view

import (
	"bytes"
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/prefix"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// group is the objects that claim the same thing, nearly always one, in order of key: so that which of them holds does not depend
// on which came first. A group is never changed in place.
type group[O topology.Object] []O

func compareKeys[O topology.Object](o O, k topology.Key) int {
	own := o.Key()
	return bytes.Compare(own.ID[:], k.ID[:])
}

// with returns the group with o in it. No object with its key is there already.
func (g group[O]) with(o O) group[O] {
	i, _ := slices.BinarySearchFunc(g, o.Key(), compareKeys[O])
	return slices.Insert(slices.Clone(g), i, o)
}

// without returns the group that lacks the object with the key.
func (g group[O]) without(k topology.Key) group[O] {
	return slices.DeleteFunc(slices.Clone(g), func(o O) bool { return o.Key() == k })
}

// enter and leave are with and without for a group that is a table's value; an empty group is none.
func enter[O topology.Object](t table[group[O]], key key, o O) table[group[O]] {
	g, _ := t.get(key)
	return t.with(key, g.with(o))
}

func leave[O topology.Object](t table[group[O]], key key, o O) table[group[O]] {
	g, _ := t.get(key)
	if g = g.without(o.Key()); len(g) == 0 {
		return t.without(key)
	}
	return t.with(key, g)
}

// leavePrefix is leave for a group that is a prefix's value.
func leavePrefix[O topology.Object](m prefix.Map[group[O]], p netip.Prefix, o O) prefix.Map[group[O]] {
	g, _ := m.Get(p)
	if g = g.without(o.Key()); len(g) == 0 {
		return m.Without(p)
	}
	return m.With(p, g)
}

// first returns the object that holds, the zero O where there is none.
func (g group[O]) first() (o O) {
	if len(g) > 0 {
		o = g[0]
	}
	return o
}

func sortIDs[T any](ids []id.ID[T]) {
	slices.SortFunc(ids, func(a, b id.ID[T]) int { return bytes.Compare(a[:], b[:]) })
}
