package sim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// The universe of the property: few enough things that a random change often touches what a random flow depends on.
var (
	hosts    = []string{"h1", "h2", "h3"}
	bridges  = []string{"blue", "red"}
	ports    = []string{"p1", "p2", "p3", "p4", "p5"}
	stations = []string{"fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:03", view.DHCPServerMAC.String()}
)

// line draws one object, as viewtest writes it.
func line(t *rapid.T) string {
	pick := func(label string, from []string) string { return rapid.SampledFrom(from).Draw(t, label) }
	down := func() string { return pick("down", []string{"", "", " down"}) }
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return "host " + pick("host", hosts) + " " + pick("endpoints", []string{"", "192.0.2.1", "192.0.2.2 2001:db8::2", "2001:db8::3", "192.0.2.1 metadata"})
	case 1:
		return "bridge " + pick("bridge", bridges) + down()
	case 2, 3:
		port, keys := pick("port", ports), []string{"", " key 11", " key 12"}
		if port == "p1" { // two ports with one key would be one client of the metadata service, which the cluster does not let happen
			keys = []string{"", " key 21", " key 21 source " + stations[0] + "@10.0.0.3"}
		}
		return "port " + port + " " + pick("bridge", bridges) + pick("key", keys) + down()
	case 4, 5:
		return "bind " + pick("port", ports) + " " + pick("host", []string{"h1", "h1", "h2", "h3"}) + " " + pick("tap", []string{"tap1", "tap2"})
	case 6:
		return "mac " + pick("bridge", bridges) + " " + pick("mac", stations) + " " + pick("port", ports)
	case 7:
		return "learned " + pick("bridge", bridges) + " " + pick("mac", stations) + " " + pick("port", ports) + " " + pick("host", hosts)
	case 8:
		return "dhcp s1 " + pick("bridge", bridges) + " 10.0.0.0/24 router=10.0.0.1 server=" +
			pick("server", []string{"10.0.0.1", "10.0.0.2"}) + pick("off", []string{"", " off"})
	default:
		return "neighbour " + pick("bridge", bridges) + " 10.0.0.2 " + pick("mac", stations) + " " + pick("port", ports)
	}
}

// start is a topology in which most questions have an answer; random steps lead away from it.
const start = `
host h1 192.0.2.1 metadata
host h2 192.0.2.2
bridge blue
bridge red
port p1 blue key 21
port p2 blue key 12
port p3 blue key 13
port p4 blue key 14
port p5 red key 15
bind p1 h1 tap1
bind p2 h1 tap2
bind p3 h2 tap3
bind p5 h1 tap5
mac blue fa:16:3e:00:00:01 p1
mac blue fa:16:3e:00:00:03 p3`

// change draws a delta: nearly always of one object, since each further one could hide that the first is not touched.
func change(t *rapid.T, v *view.View) (d view.Delta) {
	for range rapid.SampledFrom([]int{1, 1, 1, 1, 2}).Draw(t, "objects") {
		if rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
			o, err := viewtest.ParseObject(line(t))
			if err != nil {
				t.Fatal(err)
			}
			d.Puts = append(d.Puts, o)
			continue
		}
		there := slices.SortedFunc(v.Objects(), func(a, b topology.Object) int { return cmpKeys(a.Key(), b.Key()) })
		if len(there) > 0 {
			d.Deletes = append(d.Deletes, rapid.SampledFrom(there).Draw(t, "deleted").Key())
		}
	}
	return d
}

// flows are all the questions of the universe.
func flows() []sim.Input {
	var all []sim.Input
	for _, p := range ports {
		for _, src := range stations[:3] {
			for _, dst := range append(stations, "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:fb", "02:00:00:00:00:55") {
				h := packet.Header{SrcMAC: mac.MustParse(src), DstMAC: mac.MustParse(dst), EtherType: packet.EtherTypeIPv4,
					SrcIP: netip.MustParseAddr("10.0.0.3"), DstIP: netip.MustParseAddr("10.0.0.4"), Proto: packet.ProtoICMP, SrcPort: 8}
				all = append(all, sim.Input{InPort: viewtest.ID[topology.Port](p), Frame: h.Frame(nil)})
			}
			for _, service := range []string{"10.0.0.3", "169.254.169.254"} {
				all = append(all, tcp(viewtest.ID[topology.Port](p), src, view.MetadataMAC.String(), "10.0.0.3", service, 80))
			}
		}
	}
	answer := view.MetadataAddr(21, topology.MetadataIPv4).String()
	return append(all, tcp(view.MetadataPort, view.MetadataMAC.String(), view.MetadataMAC.String(), answer, "10.0.0.3", 1025))
}

// tcp returns a segment that comes in at the port.
func tcp(in topology.PortID, srcMAC, dstMAC, src, dst string, dstPort uint16) sim.Input {
	h := packet.Header{SrcMAC: mac.MustParse(srcMAC), DstMAC: mac.MustParse(dstMAC), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.MustParseAddr(src), DstIP: netip.MustParseAddr(dst), Proto: packet.ProtoTCP, SrcPort: 80, DstPort: dstPort}
	return sim.Input{InPort: in, Frame: h.Frame(nil)}
}

// TestChangedAnswersAreTouched is the promise that keeps the flow cache right: whenever a change of the topology makes a cached
// answer come out differently, Apply names one of the answer's tags. Without it a flow would outlive its reason.
func TestChangedAnswersAreTouched(t *testing.T) {
	questions := flows()
	first := viewtest.View(start)
	var changed, spared int
	rapid.Check(t, func(t *rapid.T) {
		old := first
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			d := change(t, old)
			now, touched := old.Apply(d)
			for _, in := range questions {
				before, after := sim.Simulate(old, in), sim.Simulate(now, in)
				if !before.Cache {
					if in.InPort != view.MetadataPort {
						t.Fatalf("the answer to an ICMP or TCP packet is for one packet only")
					}
					continue
				}
				hit := slices.ContainsFunc(before.Tags, func(tag flow.Tag) bool { return slices.Contains(touched, tag) })
				switch same := reflect.DeepEqual(answer(before), answer(after)); {
				case !same && !hit:
					t.Fatalf("from %s the answer changes, and none of its tags\n%v\nis among those touched\n%v\nbefore %+v\nafter  %+v\nby %s",
						in.InPort, before.Tags, touched, answer(before), answer(after), describeDelta(d))
				case !same:
					changed++
				case !hit:
					spared++
				}
			}
			old = now
		}
	})
	if changed == 0 || spared == 0 {
		t.Errorf("%d answers changed and %d were not touched: the property was not put to the test", changed, spared)
	}
}

func cmpKeys(a, b topology.Key) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

// answer is what of a result the datapath and the agent act on.
func answer(r sim.Result) sim.Result {
	r.Tags, r.Steps = nil, nil
	return r
}

func describeDelta(d view.Delta) string {
	text := ""
	for _, o := range d.Puts {
		text += fmt.Sprintf("put %T %+v\n", o, o)
	}
	for _, k := range d.Deletes {
		text += fmt.Sprintf("delete %s\n", k)
	}
	return text
}

// TestUnrelatedChangesTouchNothing is the other half: what is for people, and state that answers do not depend on, leaves all flows.
func TestUnrelatedChangesTouchNothing(t *testing.T) {
	v := viewtest.View("host h1 192.0.2.1\nbridge blue\nport p1 blue key 1\nbind p1 h1 tap1")
	bridge, port, host := *v.Bridge(viewtest.ID[topology.Bridge]("blue")).Bridge, *v.Port(viewtest.ID[topology.Port]("p1")), *v.Host(v.Self())
	bridge.Name, port.Name, host.Name = "renamed", "renamed", "renamed"
	bridge.MTU, port.ProjectID = 9000, "another"
	now, touched := v.Apply(view.Delta{Puts: []topology.Object{
		&bridge, &port, &host,
		&topology.PortState{Port: port.ID, Host: host.ID, Active: true},
		&topology.HostState{Host: host.ID, StartedUnix: 7},
		&topology.Binding{Port: port.ID, Host: host.ID, Interface: "tap1"}, // as it was
	}})
	if len(touched) != 0 {
		t.Errorf("touched %v", touched)
	}
	if now.Port(port.ID).Name != "renamed" {
		t.Error("the new name is not in the view")
	}
}

// TestTouchedIsNarrow changes one port of a busy bridge: flows between the others stay.
func TestTouchedIsNarrow(t *testing.T) {
	text := "host h1 192.0.2.1\nbridge blue\n"
	for i := range 4 {
		text += fmt.Sprintf("port p%d blue key %d\nbind p%d h1 tap%d\nmac blue fa:16:3e:00:00:0%d p%d\n", i, i+1, i, i, i, i)
	}
	v := viewtest.View(text)
	index := flow.NewTagIndex()
	flows := uint32(0)
	for src := range 4 {
		for dst := range 4 {
			h := packet.Header{SrcMAC: mac.Addr{0xfa, 0x16, 0x3e, 0, 0, byte(src)}, DstMAC: mac.Addr{0xfa, 0x16, 0x3e, 0, 0, byte(dst)}, EtherType: 0x88b5}
			r := sim.Simulate(v, sim.Input{InPort: viewtest.ID[topology.Port](fmt.Sprintf("p%d", src)), Frame: h.Frame(nil)})
			index.Add(flows, r.Tags)
			flows++
		}
	}
	_, touched := v.Apply(view.Delta{Puts: viewtest.MustParse("port p0 blue key 1 down")})
	if gone := index.Invalidate(touched, math.MaxInt); len(gone) != 7 {
		t.Errorf("%d flows are gone, want the 7 from or to the changed port", len(gone))
	}
}

// cloud returns the view of h1 in a cloud of bridges with ten ports each, half of them on h1, and questions to it.
func cloud(bridges int) (*view.View, []sim.Input) {
	var list []topology.Object
	var in []sim.Input
	list = append(list, viewtest.MustParse("host h1 192.0.2.1\nhost h2 192.0.2.2")...)
	for b := range bridges {
		list = append(list, viewtest.MustParse(fmt.Sprintf("bridge b%d", b))...)
		for p := range 10 {
			hw := mac.Addr{0xfa, 0x16, byte(b >> 16), byte(b >> 8), byte(b), byte(p)}
			list = append(list, viewtest.MustParse(fmt.Sprintf("port b%dp%d b%d key %d\nbind b%dp%d h%d tap%d\nmac b%d %s b%dp%d",
				b, p, b, b*10+p+1, b, p, p%2+1, b*10+p, b, hw, b, p))...)
			h := packet.Header{SrcMAC: mac.Addr{0xfa, 0x16, byte(b >> 16), byte(b >> 8), byte(b), 0}, DstMAC: hw, EtherType: packet.EtherTypeIPv4,
				SrcIP: netip.AddrFrom4([4]byte{10, 0, 0, 3}), DstIP: netip.AddrFrom4([4]byte{10, 0, 0, 4}), Proto: packet.ProtoTCP}
			if p > 0 {
				in = append(in, sim.Input{InPort: viewtest.ID[topology.Port](fmt.Sprintf("b%dp0", b)), Frame: h.Frame(nil)})
			}
		}
	}
	v := viewtest.To(view.New(viewtest.ID[topology.Host]("h1")), list)
	rand.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
	return v, in
}

func BenchmarkSimulate(b *testing.B) {
	for _, bridges := range []int{1, 1000} {
		b.Run(fmt.Sprintf("ports=%d", bridges*10), func(b *testing.B) {
			v, in := cloud(bridges)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if r := sim.Simulate(v, in[i%len(in)]); r.Verdict != sim.Forward {
					b.Fatalf("verdict %s", r.Verdict)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "simulations/s")
		})
	}
}
