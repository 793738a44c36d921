package translate

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"midonet.org/midonet/topology"
)

// simulation keeps what incremental rendering has come to, as an importer would.
type simulation struct {
	set    *Set
	stored map[topology.Key]topology.Object
}

func newSimulation() *simulation {
	return &simulation{set: NewSet(DefaultSettings()), stored: map[topology.Key]topology.Object{}}
}

// apply makes the change, renders the owners that it touches, and compares the whole with a full rendering.
func (s *simulation) apply(c Change) error {
	now := After(s.set, c)
	owners := Owners(s.set, now, c.Owner)
	for _, o := range owners {
		for _, object := range Render(s.set, o) {
			delete(s.stored, object.Key())
		}
	}
	for _, o := range owners {
		for _, object := range Render(now, o) {
			s.stored[object.Key()] = object
		}
	}
	s.set.Apply(c)
	return s.check()
}

// check says how the incremental state differs from a full rendering.
func (s *simulation) check() error {
	full := map[topology.Key]topology.Object{}
	for _, o := range All(s.set) {
		if full[o.Key()] != nil {
			return fmt.Errorf("two objects with the key %v", o.Key())
		}
		full[o.Key()] = o
	}
	if diff := cmp.Diff(full, s.stored, values, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("incremental differs from full (-full +incremental):\n%s", diff)
	}
	return nil
}

var values = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestIncrementalEqualsFull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSimulation()
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if err := s.apply(anyChange(t)); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range rapid.Permutation(s.set.Owners()).Draw(t, "order of deletion") {
			if err := s.apply(Deletion(o)); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.stored) != 0 || len(s.set.byLink) != 0 {
			t.Fatalf("after everything is deleted there remain %v, links %v", s.stored, s.set.byLink)
		}
	})
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latest := map[Owner]Change{} // one state of each object; the journal keeps the order of one object's changes
		for range rapid.IntRange(1, 20).Draw(t, "objects") {
			c := anyChange(t)
			latest[c.Owner] = c
		}
		var changes []Change
		for _, o := range owners {
			if c, ok := latest[o]; ok {
				changes = append(changes, c)
			}
		}
		forward, shuffled := newSimulation(), newSimulation()
		for _, c := range changes {
			forward.apply(c)
		}
		for _, c := range rapid.Permutation(changes).Draw(t, "order") {
			shuffled.apply(c)
		}
		if diff := cmp.Diff(forward.stored, shuffled.stored, values); diff != "" {
			t.Fatalf("another order gives another topology:\n%s", diff)
		}
	})
}
