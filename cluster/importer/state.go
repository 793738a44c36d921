package importer

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/translate"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// state is what the importer has in memory: the Neutron objects and the tunnel keys that the store has, or will have when what has
// been applied is committed.
type state struct {
	set      *translate.Set
	keys     *tunnelKeys
	journal  string             // the identity of the journal
	revision nsdb.Revision      // of the last step that it has
	viewed   nsdb.Revision      // of the view that it was made of
	progress *topology.Progress // as stored, nil before the first task
	failed   map[int64]Failure  // by task

	largest  int                              // the most octets of an object
	unfit    map[topology.Key]int             // the octets of what should be stored and is larger than a store takes
	own      map[nsdb.Revision]bool           // the steps that it has made, while they are still to be seen; nil: nobody looks
	mistaken map[topology.Key]topology.Object // stored reservations that name a wrong port, until they are repaired
}

func newState(settings translate.Settings, largest int) *state {
	return &state{set: translate.NewSet(settings), keys: newTunnelKeys(), failed: map[int64]Failure{}, largest: largest,
		unfit: map[topology.Key]int{}, mistaken: map[topology.Key]topology.Object{}}
}

// delta is what a change does to the store: the object to put under each key, nil to delete.
type delta map[topology.Key]topology.Object

// apply makes the change in memory and returns what it does to the store, the source, which is nil for a deletion, included. After
// an error nothing has changed.
func (s *state) apply(c translate.Change, source *topology.Source) (delta, error) {
	if r := s.set.ResourceOf(c.ID); r != "" && r != c.Resource {
		return nil, fmt.Errorf("%v: the identifier is that of a %s", c.Owner, r)
	}
	now := translate.After(s.set, c)
	was, is := differing(s.set, now, c.Owner)
	before, err := s.complete(was)
	if err != nil {
		return nil, err
	}
	after, err := s.complete(is)
	if err != nil {
		return nil, err
	}
	s.set.Apply(c)
	d := diff(before, after)
	d.source(c, source)
	return d, nil
}

// differing returns what the change makes different, as it was and as it is.
func differing(before, after translate.View, changed translate.Owner) (was, is []topology.Object) {
	for _, o := range translate.Owners(before, after, changed) {
		w, i := translate.Differing(before, after, o, changed)
		was, is = append(was, w...), append(is, i...)
	}
	return was, is
}

// applyAll makes the changes in memory, one after the other, and returns what they do to the store together. What several of them touch is
// rendered once. undo makes the state what it was. After an error nothing has changed; TooLarge is the error of changes by which an object
// becomes larger than a store takes.
func (s *state) applyAll(changes []planned) (_ delta, undo func(), err error) {
	before, d := map[topology.Key]topology.Object{}, delta{}
	var were []translate.Change
	takeBack := func() { s.takeBack(were, d) }
	defer func() {
		if err != nil {
			takeBack()
		}
	}()
	var is []topology.Object
	var touched []translate.Owner
	seen := map[translate.Owner]bool{}
	for _, c := range changes {
		now := translate.After(s.set, c.change)
		var was []topology.Object
		if len(changes) == 1 {
			was, is = differing(s.set, now, c.change.Owner)
		} else { // a change that touches an owner is the first to change what it renders to
			fresh := slices.DeleteFunc(translate.Owners(s.set, now, c.change.Owner), func(o translate.Owner) bool { return seen[o] })
			for _, o := range fresh {
				seen[o] = true
			}
			was, touched = renderAll(s.set, fresh), append(touched, fresh...)
		}
		rendered, err := s.complete(was)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(before, rendered)
		were = append(were, s.set.Undo(c.change.Owner))
		s.set.Apply(c.change)
		d.source(c.change, c.source)
	}
	after, err := s.complete(append(is, renderAll(s.set, touched)...))
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(d, diff(before, after))
	unfit := d.takeUnfit(s.largest)
	for key, size := range unfit {
		if s.unfit[key] == 0 {
			return nil, nil, errs.New(errs.TooLarge, "ObjectTooLarge", "%s", s.tooLarge(key, size))
		}
	}
	s.note(unfit, d)
	return d, takeBack, nil
}

// takeBack makes the set what it was, and frees the tunnel keys that were assigned for what does not come.
func (s *state) takeBack(were []translate.Change, d delta) {
	for _, c := range slices.Backward(were) {
		s.set.Apply(c)
	}
	for key := range d {
		if p, ok := s.keys.holder(key); ok && !s.exterior(p) {
			s.keys.release(p)
		}
	}
}

// source adds what becomes of the Neutron object itself, which is nil for a deletion. A binding does not outlive its port.
func (d delta) source(c translate.Change, source *topology.Source) {
	key := topology.Key{Kind: topology.KindSource, ID: c.ID}
	d[key] = nil
	if source != nil {
		d[key] = source
	} else if c.Resource == translate.Port {
		d[topology.Key{Kind: topology.KindBinding, ID: c.ID}] = nil
	}
}

func renderAll(v translate.View, owners []translate.Owner) []topology.Object {
	var objects []topology.Object
	for _, o := range owners {
		objects = append(objects, translate.Render(v, o)...)
	}
	return objects
}

// complete gives every exterior port among the objects its tunnel key, a new one if need be, and adds the reservations. After an error no key
// has been assigned.
func (s *state) complete(objects []topology.Object) (map[topology.Key]topology.Object, error) {
	all := make(map[topology.Key]topology.Object, len(objects))
	var fresh []topology.PortID
	for _, o := range objects {
		if port, ok := o.(*topology.Port); ok && !port.Interior() {
			number, isNew, err := s.keys.assign(port.ID)
			if err != nil {
				for _, p := range fresh {
					s.keys.release(p)
				}
				return nil, err
			}
			if isNew {
				fresh = append(fresh, port.ID)
			}
			reservation := &topology.TunnelKey{Number: number, Port: port.ID}
			all[reservation.Key()] = reservation
			o = numbered(port, number)
		}
		all[o.Key()] = o
	}
	return all, nil
}

func numbered(p *topology.Port, number uint32) *topology.Port {
	q := *p
	q.TunnelKey = number
	return &q
}

// exterior reports whether the port is rendered at present, as one that has a tunnel key. Such a port has the Neutron port's identifier.
func (s *state) exterior(p topology.PortID) bool {
	for _, o := range translate.Render(s.set, translate.Owner{Resource: translate.Port, ID: p}) {
		if port, ok := o.(*topology.Port); ok && port.ID == p {
			return !port.Interior()
		}
	}
	return false
}

// diff returns what makes before into after.
func diff(before, after map[topology.Key]topology.Object) delta {
	d := delta{}
	for key := range before {
		if after[key] == nil {
			d[key] = nil
		}
	}
	for key, o := range after {
		if old := before[key]; old == nil || !same(old, o) {
			d[key] = o
		}
	}
	return d
}

// same reports whether two objects have the same stored form. Chains of hundreds of rules that have one more or less need not be packed for it.
func same(a, b topology.Object) bool {
	x, isChain := a.(*topology.Chain)
	if y, ok := b.(*topology.Chain); ok && isChain && len(x.Rules) != len(y.Rules) {
		return false
	}
	return bytes.Equal(topologypb.Marshal(a), topologypb.Marshal(b))
}
