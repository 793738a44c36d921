package view_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// states are named topologies that the tests walk between. They share names, so that going from one to the other changes, adds and
// removes; some refer to things that are not there.
var states = map[string]string{
	"empty": "",
	"one bridge": `
		host h1 192.0.2.1
		bridge blue
		port p1 blue key 11
		port p2 blue key 12
		bind p1 h1 tap1
		bind p2 h1 tap2
		mac blue fa:16:3e:00:00:01 p1
		neighbour blue 10.0.0.3 fa:16:3e:00:00:01 p1
		dhcp s1 blue 10.0.0.0/24 router=10.0.0.1 server=10.0.0.2
		reserve s1 blue p1 fa:16:3e:00:00:01 10.0.0.3`,
	"two hosts": `
		host h1 192.0.2.1
		host h2 192.0.2.2
		bridge blue
		port p1 blue key 11
		port p2 blue key 12
		bind p1 h1 tap1
		bind p2 h2 tap2
		active p2 h2
		mac blue fa:16:3e:00:00:01 p1
		learned blue fa:16:3e:00:00:09 p2 h2`,
	"ports moved": `
		host h1 192.0.2.1 2001:db8::1
		bridge blue down
		bridge red
		port p1 red key 11 down
		port p2 red key 13
		bind p1 h2 tap1
		bind p2 h1 tap9
		mac red fa:16:3e:00:00:01 p1
		neighbour red 10.0.0.3 fa:16:3e:00:00:02 p2
		dhcp s1 red 10.0.0.0/24 router=10.0.0.1 server=10.0.0.2 off
		reserve s1 red p2 fa:16:3e:00:00:02 10.0.0.3`,
	"nothing that is referred to": `
		port p1 blue key 11
		bind p3 h3 tap3
		bind p4 h1 tap4
		mac blue fa:16:3e:00:00:01 p7
		learned green fa:16:3e:00:00:09 p8 h8
		neighbour green 10.0.0.3 fa:16:3e:00:00:01 p1
		reserve s9 blue p1 fa:16:3e:00:00:01 10.0.0.3
		active p5 h5`,
	"an operator's": `
		host h1 192.0.2.1
		bridge blue
		port p1 blue key 11 group own
		port p2 blue key 12
		bind p1 h1 tap1
		overlay bridge blue port p1 in c1 out c2 group extra
		overlay bridge blue port p9 in c1
		overlay bridge blue out c3
		portgroup extra
		router r1 in c1 forward c2 out c3
		chain c1 accept
		chain c2
		chain c3 jump c4; drop
		chain c4 return`,
	"another operator's": `
		host h1 192.0.2.1
		bridge blue
		port p1 blue key 11
		overlay bridge blue port p1 in c2
		overlay bridge blue port p2 group extra
		overlay bridge blue in c3
		router r1 in c1 forward c2
		overlay router r1 in c4 out c9
		chain c2 drop; drop; drop; drop; drop; drop; drop; drop; drop
		chain c3 jump c4
		chain c4 accept; drop`,
	"rivals": `
		host h1 192.0.2.1
		bridge blue
		port p1 blue key 11
		port p2 blue key 12
		bind p1 h1 tap1
		bind p2 h1 tap2
		mac blue fa:16:3e:00:00:01 p1
		mac blue fa:16:3e:00:00:01 p2
		learned blue fa:16:3e:00:00:01 p2 h1
		neighbour blue 10.0.0.3 fa:16:3e:00:00:01 p1
		neighbour blue 10.0.0.3 fa:16:3e:00:00:02 p2`,
}

var (
	self     = viewtest.ID[topology.Host]("h1")
	bridges  = []string{"blue", "red", "green"}
	ports    = []string{"p1", "p2", "p3", "p4", "p5", "p7", "p8"}
	stations = []string{"fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:09"}
	addrs    = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}
)

// facts is everything that a view answers, for comparison.
type facts struct {
	Objects  map[string]topology.Object
	Local    []view.LocalPort
	Answers  map[string]any
	Subnets  map[string][]*topology.DHCP
	Reserved map[string][]*topology.DHCPHost
}

func factsOf(v *view.View) facts {
	f := facts{Objects: map[string]topology.Object{}, Local: v.LocalPorts(), Answers: map[string]any{},
		Subnets: map[string][]*topology.DHCP{}, Reserved: map[string][]*topology.DHCPHost{}}
	for o := range v.Objects() {
		f.Objects[o.Key().String()] = o
	}
	for _, name := range ports {
		id := viewtest.ID[topology.Port](name)
		f.Answers["port "+name] = v.Port(id)
		if at, ok := v.Location(id); ok {
			f.Answers["location "+name] = at
		}
	}
	for _, name := range bridges {
		id := viewtest.ID[topology.Bridge](name)
		if b := v.Bridge(id); b != nil {
			f.Answers["bridge "+name] = []any{b.Bridge, b.Overlay}
		}
		f.Answers["flood "+name] = v.Flood(id)
		f.Answers["serves "+name] = v.ServesDHCP(id)
		f.Subnets[name] = v.DHCP(id)
		for _, s := range stations {
			if at, ok := v.Station(id, mac.MustParse(s)); ok {
				f.Answers["station "+name+" "+s] = at
			}
			f.Reserved[name+" "+s] = v.DHCPHosts(id, mac.MustParse(s))
		}
		for _, a := range addrs {
			if n, ok := v.Neighbour(id, netip.MustParseAddr(a)); ok {
				f.Answers["neighbour "+name+" "+a] = n
			}
		}
	}
	if r := v.Router(viewtest.ID[topology.Router]("r1")); r != nil {
		f.Answers["router r1"] = []any{r.Router, r.Overlay, walked(r.In), walked(r.Forward), walked(r.Out)}
	}
	for _, name := range []string{"c1", "c2", "c3", "c4"} {
		f.Answers["chain "+name] = walked(v.Named(viewtest.ID[topology.Chain](name)))
	}
	for _, name := range []string{"own", "extra"} {
		object, members := v.PortGroup(viewtest.ID[topology.PortGroup](name))
		f.Answers["group "+name] = []any{object, members}
	}
	return f
}

// walked returns the rules of a chain in words, with those of short chains that are parts of it.
func walked(c *view.Chain) string {
	switch {
	case c == nil:
		return "none"
	case c.Missing:
		return c.ID.Short() + " is not here"
	}
	text := c.ID.Short() + " " + c.Name
	for _, r := range c.Rules {
		text += fmt.Sprintf("; %s %d", r.ID.Short(), r.Action)
		if r.Short != nil {
			text += " (" + walked(r.Short) + ")"
		}
	}
	return text
}

func diff(a, b *view.View) string {
	return cmp.Diff(factsOf(a), factsOf(b), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty())
}

func fresh(objects []topology.Object) *view.View {
	v, _ := view.New(self).Apply(view.Delta{Puts: objects})
	return v
}

// shuffles returns the objects in several orders.
func shuffles(objects []topology.Object) map[string][]topology.Object {
	orders := map[string][]topology.Object{"forward": objects}
	reversed := slices.Clone(objects)
	slices.Reverse(reversed)
	orders["reversed"] = reversed
	for i := range 5 {
		s := slices.Clone(objects)
		rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		orders[fmt.Sprintf("shuffled %d", i)] = s
	}
	orders["doubled"] = slices.Concat(objects, objects)
	return orders
}

// TestOrderOfArrivalDoesNotMatter gives each state in one delta and object by object, in many orders, on top of each other state.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	for name, text := range states {
		want := fresh(viewtest.MustParse(text))
		for before, textBefore := range states {
			for order, objects := range shuffles(viewtest.MustParse(text)) {
				base := fresh(viewtest.MustParse(textBefore))
				unchanged := factsOf(base)
				whole := viewtest.To(base, objects)
				if d := diff(want, whole); d != "" {
					t.Errorf("%s on top of %s, %s, in one delta (-want +got):\n%s", name, before, order, d)
				}
				single := stepwise(base, objects)
				if d := diff(want, single); d != "" {
					t.Errorf("%s on top of %s, %s, object by object (-want +got):\n%s", name, before, order, d)
				}
				if d := cmp.Diff(unchanged, factsOf(base), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("the old view changed (-before +after):\n%s", d)
				}
			}
		}
	}
}

// stepwise goes from the view to exactly the objects, one at a time: first what is new, then what is over.
func stepwise(v *view.View, objects []topology.Object) *view.View {
	stay := map[topology.Key]bool{}
	for _, o := range objects {
		stay[o.Key()] = true
		v, _ = v.Apply(view.Delta{Puts: []topology.Object{o}})
	}
	for o := range v.Objects() {
		if k := o.Key(); !stay[k] {
			v, _ = v.Apply(view.Delta{Deletes: []topology.Key{k, k}})
		}
	}
	return v
}

func TestTheSameAgainTouchesNothing(t *testing.T) {
	for name, text := range states {
		v := fresh(viewtest.MustParse(text))
		if _, touched := v.Apply(viewtest.Delta(v, viewtest.MustParse(text))); len(touched) != 0 {
			t.Errorf("%s: touched %v", name, touched)
		}
	}
}

func TestEverythingDeletedLeavesNothing(t *testing.T) {
	for name, text := range states {
		v := viewtest.To(fresh(viewtest.MustParse(text)), nil)
		if d := diff(view.New(self), v); d != "" {
			t.Errorf("%s: something is left (-want +got):\n%s", name, d)
		}
	}
}

func TestAnswers(t *testing.T) {
	v := fresh(viewtest.MustParse(states["two hosts"]))
	blue, p2 := viewtest.ID[topology.Bridge]("blue"), viewtest.ID[topology.Port]("p2")
	at, ok := v.Location(p2)
	want := view.Location{Host: viewtest.ID[topology.Host]("h2"), Interface: "tap2", Active: true, Endpoints: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}
	if d := cmp.Diff(want, at, cmpopts.EquateComparable(netip.Addr{})); !ok || d != "" {
		t.Errorf("Location(p2) (-want +got):\n%s", d)
	}
	if s, _ := v.Station(blue, mac.MustParse("fa:16:3e:00:00:09")); s != (view.Station{Port: p2, Learned: true}) {
		t.Errorf("Station() = %+v, want a learned one behind p2", s)
	}
	if local := v.LocalPorts(); len(local) != 1 || local[0].Interface != "tap1" || local[0].Port.TunnelKey != 11 {
		t.Errorf("LocalPorts() = %+v, want p1 alone", local)
	}
	if f := v.Flood(blue); len(f) != 2 {
		t.Errorf("Flood() = %v, want both ports", f)
	}
}

// TestTouched names the tags of one change of each kind.
func TestTouched(t *testing.T) {
	tag := func(class flow.TagClass, id [16]byte) flow.Tag { return flow.Tag{Class: class, ID: id} }
	blue, p1 := viewtest.ID[topology.Bridge]("blue"), viewtest.ID[topology.Port]("p1")
	station := func(hw string) flow.Tag { return flow.StationTag(blue, mac.MustParse(hw)) }
	for line, want := range map[string][]flow.Tag{
		"bridge blue down":                     {tag(flow.TagBridge, blue)},
		"port p1 blue key 99":                  {tag(flow.TagPort, p1), tag(flow.TagFlood, blue)},
		"port p1 red key 11":                   {tag(flow.TagPort, p1), tag(flow.TagFlood, blue), tag(flow.TagFlood, viewtest.ID[topology.Bridge]("red"))},
		"bind p1 h2 tap1":                      {tag(flow.TagPort, p1), tag(flow.TagFlood, blue)},
		"host h2 192.0.2.9":                    {tag(flow.TagHost, viewtest.ID[topology.Host]("h2"))},
		"host h1 192.0.2.9":                    {tag(flow.TagHost, self), {Class: flow.TagTunnel}},
		"mac blue fa:16:3e:00:00:07 p1":        {station("fa:16:3e:00:00:07"), tag(flow.TagPort, p1)},
		"learned blue fa:16:3e:00:00:09 p1 h1": {station("fa:16:3e:00:00:09")},
		"active p1 h1":                         nil,
		"overlay bridge blue in c":             {tag(flow.TagBridge, blue)},
		"overlay bridge blue port p1 group g":  {tag(flow.TagPort, p1), tag(flow.TagFlood, blue), tag(flow.TagPortGroup, viewtest.ID[topology.PortGroup]("g"))},
	} {
		v := fresh(viewtest.MustParse(states["two hosts"]))
		if _, touched := v.Apply(view.Delta{Puts: viewtest.MustParse(line)}); !slices.Equal(touched, want) {
			t.Errorf("%s touches %v, want %v", line, touched, want)
		}
	}
}

func TestPutWinsOverDelete(t *testing.T) {
	v := fresh(viewtest.MustParse(states["one bridge"]))
	b := v.Bridge(viewtest.ID[topology.Bridge]("blue"))
	now, _ := v.Apply(view.Delta{Puts: []topology.Object{b.Bridge}, Deletes: []topology.Key{b.Key()}})
	if now.Bridge(b.ID) == nil {
		t.Error("the bridge is gone")
	}
}

// BenchmarkApply changes one port of a bridge with many: the cost must not follow their number.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("ports=%d", n), func(b *testing.B) {
			text := "host h1 192.0.2.1\nbridge blue\n"
			for i := range n {
				text += fmt.Sprintf("port p%d blue key %d\nbind p%d h1 tap%d\n", i, i+1, i, i)
			}
			v := fresh(viewtest.MustParse(text))
			up, down := viewtest.MustParse("port p0 blue key 1"), viewtest.MustParse("port p0 blue key 1 down")
			b.ReportAllocs()
			for b.Loop() {
				v, _ = v.Apply(view.Delta{Puts: down})
				v, _ = v.Apply(view.Delta{Puts: up})
			}
		})
	}
}
