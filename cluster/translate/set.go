package translate

import (
	"bytes"
	"iter"
	"slices"
)

// Set is the Neutron objects, in memory. It is a View; it is not safe for use while it is changed.
type Set struct {
	settings Settings
	objects  map[[16]byte]entry // Neutron's identifiers are unique over all resources
	byLink   map[link]map[[16]byte]any
}

type entry struct {
	resource Resource
	object   any
}

// NewSet returns an empty set.
func NewSet(settings Settings) *Set {
	return &Set{settings: settings, objects: map[[16]byte]entry{}, byLink: map[link]map[[16]byte]any{}}
}

// Settings returns what NewSet was given.
func (s *Set) Settings() Settings { return s.settings }

// Owners returns every object of the set, in order of resource and identifier.
func (s *Set) Owners() []Owner {
	owners := make([]Owner, 0, len(s.objects))
	for i, e := range s.objects {
		owners = append(owners, Owner{e.resource, i})
	}
	slices.SortFunc(owners, func(a, b Owner) int {
		if a.Resource != b.Resource {
			return slices.Index(resources, a.Resource) - slices.Index(resources, b.Resource)
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	return owners
}

// ResourceOf returns which resource has the identifier, "" where none has.
func (s *Set) ResourceOf(id [16]byte) Resource { return s.objects[id].resource }

// Apply makes the change.
func (s *Set) Apply(c Change) {
	s.remove(c.ID)
	if c.object == nil {
		return
	}
	s.objects[c.ID] = entry{c.Resource, c.object}
	for _, l := range kinds[c.Resource].linksOf(c.object) {
		if s.byLink[l] == nil {
			s.byLink[l] = map[[16]byte]any{}
		}
		s.byLink[l][c.ID] = c.object
	}
}

// Undo returns the change that makes the object again what it is now.
func (s *Set) Undo(o Owner) Change {
	now, ok := s.objects[o.ID]
	if !ok {
		return Deletion(o)
	}
	return Change{Owner{now.resource, o.ID}, now.object}
}

// remove forgets the object. It leaves no empty links behind, so that a set does not grow with what has been.
func (s *Set) remove(id [16]byte) {
	old, ok := s.objects[id]
	if !ok {
		return
	}
	delete(s.objects, id)
	for _, l := range kinds[old.resource].linksOf(old.object) {
		delete(s.byLink[l], id)
		if len(s.byLink[l]) == 0 {
			delete(s.byLink, l)
		}
	}
}

func (s *Set) object(id [16]byte) any { return s.objects[id].object }

func (s *Set) count(l link) int { return len(s.byLink[l]) }

func (s *Set) has(l link, id [16]byte) bool {
	_, ok := s.byLink[l][id]
	return ok
}

func (s *Set) linked(l link) iter.Seq2[[16]byte, any] {
	return func(yield func([16]byte, any) bool) {
		for i, o := range s.byLink[l] {
			if !yield(i, o) {
				return
			}
		}
	}
}
