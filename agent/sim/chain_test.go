package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

// chainLine draws a chain whose rules are for all packets or for those to port 1 or 2.
func chainLine(t *rapid.T) string {
	name := rapid.SampledFrom([]string{"c0", "c1", "c1", "c2", "c2", "c3", "c3"}).Draw(t, "chain")
	var rules []string
	for range rapid.SampledFrom([]int{0, 1, 1, 2, 3, 9}).Draw(t, "rules") {
		rules = append(rules, rapid.SampledFrom([]string{"accept", "drop", "drop", "return", "continue", "jump c1", "jump c2", "jump c3", "jump nowhere"}).
			Draw(t, "action")+rapid.SampledFrom([]string{"", " tcp dport=1", " tcp dport=2", " fragments=later"}).Draw(t, "which"))
	}
	return "chain " + name + " " + strings.Join(rules, "; ")
}

// saysOf is what a chain says of a packet to the port, as its rules read: ActionContinue where it does not decide.
func saysOf(chains map[topology.ChainID]*topology.Chain, id topology.ChainID, port uint16, asked *[]topology.ChainID) topology.RuleAction {
	c := chains[id]
	if c == nil || slices.Contains(*asked, id) {
		return topology.ActionContinue
	}
	*asked = append(*asked, id)
	for _, r := range c.Rules {
		says := r.Action
		switch {
		case r.When.DstPorts.Set && !r.When.DstPorts.Contains(port), r.When.Fragments == topology.FragmentsLater:
			continue
		case says == topology.ActionJump:
			if says = saysOf(chains, r.Jump, port, asked); says == topology.ActionReturn {
				continue
			}
		}
		if says != topology.ActionContinue {
			return says
		}
	}
	return topology.ActionContinue
}

// TestChainsMeanWhatTheirRulesSay: chains that come, change and go in any order, short and long, empty or not there at all, decide as their
// rules read one after the other, whatever the view has found out about them before.
func TestChainsMeanWhatTheirRulesSay(t *testing.T) {
	verdicts := map[sim.Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		v := viewtest.View(`
host h1 192.0.2.1
bridge blue
port vm1 blue key 11
port vm2 blue key 12
bind vm1 h1 tap1
bind vm2 h1 tap2
mac blue fa:16:3e:00:00:02 vm2
overlay bridge blue port vm2 out c0
chain c0 jump c1; jump c2; jump c3`)
		c0 := v.Object((&topology.Chain{ID: viewtest.ID[topology.Chain]("c0")}).Key()).(*topology.Chain)
		chains := map[topology.ChainID]*topology.Chain{c0.ID: c0}
		for range rapid.IntRange(5, 30).Draw(t, "steps") {
			o, err := viewtest.ParseObject(chainLine(t))
			if err != nil {
				t.Fatal(err)
			}
			c, delta := o.(*topology.Chain), view.Delta{Puts: []topology.Object{o}}
			chains[c.ID] = c
			if rapid.IntRange(0, 4).Draw(t, "goes") == 0 {
				delta = view.Delta{Deletes: []topology.Key{o.Key()}}
				delete(chains, c.ID)
			}
			v, _ = v.Apply(delta)
			for port := range uint16(3) {
				want := sim.Forward
				if says := saysOf(chains, c0.ID, port, new([]topology.ChainID)); says == topology.ActionDrop {
					want = sim.Drop
				}
				in := tcp(viewtest.ID[topology.Port]("vm1"), "fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "10.0.0.1", "10.0.0.2", port)
				if got := sim.Simulate(v, in); got.Verdict != want {
					in.Trace = true
					t.Fatalf("to port %d: %s, want %s, by\n%s\n%v", port, got.Verdict, want, describeChains(chains), sim.Simulate(v, in).Steps)
				}
				verdicts[want]++
			}
		}
	})
	if verdicts[sim.Forward] == 0 || verdicts[sim.Drop] == 0 {
		t.Errorf("%v: the property was not put to the test", verdicts)
	}
}

func describeChains(chains map[topology.ChainID]*topology.Chain) (text string) {
	for _, c := range chains {
		text += fmt.Sprintf("%s %+v\n", c.Name, c.Rules)
	}
	return text
}

// TestChainsWithoutRulesAreNotAsked: they cost a packet nothing, and it learns of it when they get a rule.
func TestChainsWithoutRulesAreNotAsked(t *testing.T) {
	v := viewtest.View(topologyOf(t, "testdata/nat.txtar"))
	in := tcp(viewtest.ID[topology.Port]("vm2"), "fa:16:3e:00:00:02", "fa:16:3e:aa:00:01", "10.0.0.4", "10.0.1.3", 80)
	in.Trace, in.State = true, sim.EmptyState{}
	for _, chain := range []string{"forward", "nat64"} {
		before := sim.Simulate(v, in)
		for _, s := range before.Steps {
			if strings.Contains(s.Device+s.Text, "chain "+chain) {
				t.Errorf("%s %s", s.Device, s.Text)
			}
		}
		now, touched := v.Apply(view.Delta{Puts: viewtest.MustParse("chain " + chain + " drop")})
		if after := sim.Simulate(now, in); before.Verdict != sim.Forward || after.Verdict != sim.Drop {
			t.Errorf("%s before there is a rule in %s, %s when it drops", before.Verdict, chain, after.Verdict)
		}
		if !slices.ContainsFunc(before.Tags, func(tag flow.Tag) bool { return slices.Contains(touched, tag) }) {
			t.Errorf("a rule in %s touches %v, none of which is a tag of %v", chain, touched, before.Tags)
		}
	}
}
