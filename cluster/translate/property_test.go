package translate

import (
	"fmt"
	"iter"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"midonet.org/midonet/mac"
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
	var was, is []topology.Object
	for _, o := range Owners(s.set, now, c.Owner) {
		w, i := Differing(s.set, now, o, c.Owner)
		was, is = append(was, w...), append(is, i...)
	}
	for _, object := range was {
		delete(s.stored, object.Key())
	}
	for _, object := range is {
		s.stored[object.Key()] = object
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
	for _, k := range []topology.Kind{topology.KindBridge, topology.KindPort, topology.KindDHCP, topology.KindDHCPHost, topology.KindMACEntry,
		topology.KindNeighbour, topology.KindRouter, topology.KindRoute, topology.KindFloatingIP, topology.KindPortForwarding,
		topology.KindChain, topology.KindAddrGroup, topology.KindGroupMember, topology.KindPortGroup} {
		if rendered[k] < 100 {
			t.Errorf("%d times a %s in all steps: the world shows little of it", rendered[k], k)
		}
	}
}

// TestTheWorldShowsEverything: what the changes of the properties are drawn from has each of the things on which a rendering turns.
func TestTheWorldShowsEverything(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		s := newSimulation()
		look := func(changes []Change) {
			for _, c := range changes {
				if err := s.apply(c); err != nil {
					t.Fatal(err)
				}
			}
			for _, o := range s.stored {
				for what := range features(o) {
					seen[what]++
				}
			}
		}
		changes := cloud()
		for range 25 {
			changes = append(changes, anyChange(t))
		}
		look(changes)
		changes = nil
		for _, o := range owners { // all of them, since few at a time may have some of it by luck alone
			changes = append(changes, Change{Owner: o, object: anyObject(t, o)})
		}
		look(changes)
	})
	for _, what := range []string{"uplink plug", "security", "no security", "pair of another MAC", "advertisement", "metadata route",
		"extra route", "default route", "IPv6 route", "reservation with options", "rule with ports", "rule with a prefix",
		"rule naming a group", "rule naming addresses", "stateless port", "source translation", "forwarding of a range"} {
		if seen[what] == 0 {
			t.Errorf("never seen: %s", what)
		}
	}
}

// features yields what is noteworthy of an object.
func features(o topology.Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		has := func(what string, is bool) {
			if is {
				yield(what)
			}
		}
		switch o := o.(type) {
		case *topology.Port:
			has("uplink plug", o.Plug != nil)
			has("security", o.Security != nil)
			has("no security", o.Security == nil && o.Bridge != topology.BridgeID{} && o.Peer.IsZero())
			has("stateless port", o.Security != nil && !o.Security.Stateful)
			has("pair of another MAC", o.Security != nil && slices.ContainsFunc(o.Security.Sources, func(a topology.AddressPair) bool {
				return a.MAC == mac.Addr{2, 0, 0, 0, 0, 9}
			}))
			has("advertisement", o.Advertise != nil)
		case *topology.Route:
			has("metadata route", o.Destination == single(topology.MetadataIPv4))
			has("extra route", o.Destination == netip.MustParsePrefix("192.168.0.0/16"))
			has("default route", o.Destination.Bits() == 0)
			has("IPv6 route", o.Destination.Addr().Is6())
		case *topology.DHCPHost:
			has("reservation with options", len(o.Options) > 0)
		case *topology.Chain:
			for _, r := range o.Rules {
				has("rule with ports", r.When.DstPorts.Set)
				has("rule with a prefix", r.When.Src.IsValid() && strings.HasPrefix(o.Name, "OS_SG"))
				has("rule naming a group", r.When.SrcGroup == topology.AddrGroupID{4, 0} || r.When.SrcGroup == topology.AddrGroupID{4, 1})
				has("rule naming addresses", r.When.SrcGroup == topology.AddrGroupID{3, 0})
				has("source translation", r.Action == topology.ActionSNAT)
			}
		case *topology.PortForwarding:
			has("forwarding of a range", o.Ports.Last > o.Ports.First)
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
