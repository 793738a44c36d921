package translate

import (
	"slices"
	"testing"

	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// TestAGroupOfManyRules: a group has each rule once, however many parts its chain has, and a rule more or less changes one part.
func TestAGroupOfManyRules(t *testing.T) {
	for _, rules := range []int{wholeRules, 2 * wholeRules, 4 * wholeRules} {
		c := newCrowd(1)
		for n := 1; n < rules; n++ {
			c.apply(c.rule(n))
		}
		sim := &simulation{set: c.set, stored: map[topology.Key]topology.Object{}}
		for _, o := range All(c.set) {
			sim.stored[o.Key()] = o
		}
		sim.wantRules(t, c, rules)
		for n := range 3 {
			if err := sim.apply(c.rule(rules + n)); err != nil {
				t.Fatal(err)
			}
		}
		sim.wantRules(t, c, rules+3)
		for n := range 4 {
			if err := sim.apply(Deletion(c.rule(rules + 2 - n).Owner)); err != nil {
				t.Fatal(err)
			}
		}
		sim.wantRules(t, c, rules-1)
		// A rule that turns around leaves one chain and comes into the other.
		if err := sim.apply(c.turned(rules - 2)); err != nil {
			t.Fatal(err)
		}
		sim.wantRules(t, c, rules-2)
	}
}

// TestARuleRendersItsPart: beside thousands of others a rule renders one chain before and after it, however many it has.
func TestARuleRendersItsPart(t *testing.T) {
	c := newCrowd(1)
	for n := 1; n < 3*wholeRules; n++ {
		c.apply(c.rule(n))
	}
	for _, change := range []Change{c.rule(3 * wholeRules), Deletion(c.rule(7).Owner)} {
		now := After(c.set, change)
		was, is := Differing(c.set, now, Owner{SecurityGroup, c.group}, change.Owner)
		if len(was) != 1 || len(is) != 1 || was[0].Key() != is[0].Key() {
			t.Errorf("%d objects before, %d after", len(was), len(is))
		}
	}
}

// wantRules checks that the group's chain for what enters has so many rules, each once, in chains of a bounded size.
func (s *simulation) wantRules(t *testing.T, c *crowd, want int) {
	t.Helper()
	var ids []topology.RuleID
	var walk func(chain topology.ChainID)
	walk = func(chain topology.ChainID) {
		found, _ := s.stored[topology.Key{Kind: topology.KindChain, ID: chain}].(*topology.Chain)
		if found == nil || len(found.Rules) > wholeRules*5/4 {
			t.Fatalf("chain %s is %v", chain, found)
		}
		for _, r := range found.Rules {
			if r.Action == topology.ActionJump {
				walk(r.Jump)
			} else {
				ids = append(ids, r.ID)
			}
		}
	}
	walk(topology.IngressChain(id.As[topology.AddrGroup](c.group)))
	n := len(ids)
	slices.SortFunc(ids, func(a, b topology.RuleID) int { return slices.Compare(a[:], b[:]) })
	if unique := len(slices.Compact(ids)); n != want || unique != want {
		t.Errorf("%d rules, %d of them different; want %d", n, unique, want)
	}
}
