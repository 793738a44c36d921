package translate

import (
	"fmt"
	"net/netip"
	"reflect"
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
	if reflect.DeepEqual(full, s.stored) {
		return nil
	}
	if diff := cmp.Diff(full, s.stored, values, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("incremental differs from full (-full +incremental):\n%s", diff)
	}
	return nil
}

var values = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestIncrementalEqualsFull(t *testing.T) {
	rendered := map[topology.Kind]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := newSimulation()
		var changes []Change
		if rapid.Bool().Draw(t, "from a working cloud") {
			changes = rapid.Permutation(cloud()).Draw(t, "order of creation")
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			changes = append(changes, anyChange(t))
		}
		for _, c := range changes {
			if err := s.apply(c); err != nil {
				t.Fatalf("after %v: %v", c.Owner, err)
			}
			for key := range s.stored {
				rendered[key.Kind]++
			}
		}
		for _, o := range rapid.Permutation(s.set.Owners()).Draw(t, "order of deletion") {
			if err := s.apply(Deletion(o)); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.stored)+len(s.set.objects)+len(s.set.byLink) != 0 {
			t.Fatalf("after everything is deleted there remain %v of %v, links %v", s.stored, s.set.objects, s.set.byLink)
		}
	})
	for _, k := range []topology.Kind{topology.KindDHCPHost, topology.KindRoute, topology.KindFloatingIP, topology.KindPortForwarding,
		topology.KindGroupMember} {
		if rendered[k] < 100 {
			t.Errorf("%d times a %s in all steps: the world shows little of it", rendered[k], k)
		}
	}
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latest := map[Owner]Change{} // one state of each object; the journal keeps the order of one object's changes
		if rapid.Bool().Draw(t, "from a working cloud") {
			for _, c := range cloud() {
				latest[c.Owner] = c
			}
		}
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
