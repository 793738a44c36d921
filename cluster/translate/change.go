package translate

import (
	"fmt"
	"iter"
	"slices"
)

// Change is what becomes of one Neutron object: what it will be, or that it goes.
type Change struct {
	Owner
	object any // a pointer to the type of package model; nil: it goes
}

// Deletion returns the change after which o is not there.
func Deletion(o Owner) Change { return Change{Owner: o} }

// Decode returns the change after which o is as its JSON form, package model's, says. It refuses a resource that is not rendered,
// and JSON that is malformed or of another object.
func Decode(o Owner, data []byte) (Change, error) {
	if !o.Resource.Known() {
		return Change{}, fmt.Errorf("%q is no resource that is rendered", o.Resource)
	}
	object, err := kinds[o.Resource].decode(o, data)
	if err != nil {
		return Change{}, err
	}
	return Change{Owner: o, object: object}, nil
}

// Needs returns the other Neutron objects that the object names, as it will be, none for a deletion.
func (c Change) Needs() []Owner {
	if c.object == nil {
		return nil
	}
	return kinds[c.Resource].needsOf(c.object)
}

// After returns the view as it will be once the change is made. It reads v, and holds as long as v stays as it is.
func After(v View, c Change) View {
	a := &after{View: v, change: c}
	if c.object != nil {
		a.links = kinds[c.Resource].linksOf(c.object)
	}
	return a
}

// after lays one change over a view.
type after struct {
	View
	change Change
	links  []link // of the object as it will be
}

func (a *after) object(id [16]byte) any {
	if id == a.change.ID {
		return a.change.object
	}
	return a.View.object(id)
}

func (a *after) has(l link, id [16]byte) bool {
	if id == a.change.ID {
		return slices.Contains(a.links, l)
	}
	return a.View.has(l, id)
}

func (a *after) count(l link) int {
	n := a.View.count(l)
	if a.View.has(l, a.change.ID) {
		n--
	}
	if slices.Contains(a.links, l) {
		n++
	}
	return n
}

func (a *after) linked(l link) iter.Seq2[[16]byte, any] {
	return func(yield func([16]byte, any) bool) {
		for i, o := range a.View.linked(l) {
			if i != a.change.ID && !yield(i, o) {
				return
			}
		}
		if slices.Contains(a.links, l) {
			yield(a.change.ID, a.change.object)
		}
	}
}
