package sim_test

import (
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/topology"
)

// topologyOf returns the last topology of a script.
func topologyOf(t testing.TB, script string) string {
	t.Helper()
	data, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range txtar.Parse(data).Files {
		if f.Name == "topology" {
			text = string(f.Data)
		}
	}
	return text
}

// layer3Line draws one object of the routed universe, as viewtest writes it: something that is there in another form, or something new
// beside it.
func layer3Line(t *rapid.T) string {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	router := func() string { return pick("router port", "r1-blue", "r1-green", "r1-ext") }
	addr := func() string { return pick("address", "10.0.0.3", "10.0.0.4", "10.0.1.3", "10.0.1.4", "fd01::3") }
	switch rapid.IntRange(0, 21).Draw(t, "kind") {
	case 0:
		return "router r1 " + pick("chains", "in pre forward forward out post", "in pre forward forward out post", "in pre", "out post", "in pre forward all out post") + pick("down", "", " down")
	case 1:
		return "route r1 " + pick("to", "10.0.1.0/24", "10.0.1.2/31", "0.0.0.0/0", "203.0.113.0/24", "198.51.100.0/24", "fd01::/64", "::/0") +
			pick("from", "", "", " from 10.0.0.0/24", " from 10.0.0.4") + pick("how", " port r1-green", " port r1-ext via 203.0.113.1", " blackhole",
			" port r1-ext", " reject", " port r1-up via 198.18.0.1", " local r1-blue") + pick("weight", "", " weight 50", " weight 150")
	case 2:
		return "port " + pick("end", "r1b blue peer r1-blue", "r1g green peer r1-green", "r1e ext peer r1-ext", "r1e ext") + " device r1" + pick("down", "", " down")
	case 3:
		return "rport r1-green r1 fa:16:3e:aa:00:0" + pick("mac", "2", "4") + " 10.0.1.1/24,fd01::1/64 peer r1g" + pick("mtu", " mtu 1400", "", " mtu 60") +
			pick("down", "", " down") + pick("chain", "", "", " in all", " out web")
	case 4:
		return "rport r1-up r1 fa:16:3e:aa:00:05 198.18.0.2/30 key 31" + pick("down", "", " down") + pick("group", "", " group uplinks")
	case 5:
		return "bind r1-up " + pick("host", "h1", "h2") + " eth9"
	case 6:
		return "active r1-up " + pick("host", "h1", "h2")
	case 7:
		return "found r1 " + router() + " " + pick("hop", "203.0.113.1", "198.18.0.1", "10.0.1.9", "198.51.100.7") + " 02:00:00:00:00:0" + pick("mac", "1", "2") + " h2"
	case 8:
		return "neighbour " + pick("bridge", "blue", "green", "ext") + " " + addr() + " fa:16:3e:00:00:0" + pick("mac", "1", "3", "4") + " " + pick("port", "vm1", "vm3", "gone")
	case 9:
		return "floating f" + pick("n", "1", "2") + " r1 " + router() + " " + pick("floating", "203.0.113.9", "203.0.113.10", "2001:db8:71::9", "2001:db8:71::10") + " " + addr()
	case 10:
		return "forwarding w" + pick("n", "1", "2") + " r1 r1-ext " + pick("proto", "tcp", "udp") + " 203.0.113.5:" + pick("ports", "8080-8081", "8080", "8081-9000", "1024-1030") +
			" " + pick("to", "10.0.1.3:80", "10.0.0.4:443")
	case 11:
		return "chain web " + pick("rules", "accept tcp dport=80", "accept tcp dport=22 srcgroup=trusted; accept dstgroup=trusted", "jump skip; accept tcp returning",
			"drop src=10.0.0.3; accept", "accept sport=1024-1025", "jump web; accept ip4 forward")
	case 12:
		return "chain " + pick("of few rules", "skip", "nat64", "float", "forward") + " " + pick("rules", "return out=r1-ext; accept !rewritten; accept in=r1-ext",
			"accept", "drop out=r1-ext", "float_snat", "", "", "jump web", strings.Repeat("drop tos=1; ", 8)+"drop out=r1-ext")
	case 13:
		return "chain all " + pick("rules", "accept ip4; accept ip6", "accept ip4", "reject")
	case 14:
		return "member trusted " + pick("prefix", "10.0.0.4", "10.0.0.0/24", "10.0.0.3", "fd00::/16") + " " + pick("port", "vm1", "vm2")
	case 15:
		return "port vm3 green key 13 source fa:16:3e:00:00:03@10.0.1.3 egress all ingress " + pick("chain", "web", "all") + pick("state", "", " stateless") +
			pick("group", "", " group uplinks")
	case 16:
		return "portgroup uplinks" + pick("state", " stateful", "")
	case 17:
		return "port vm1 blue key 11 source fa:16:3e:00:00:01@10.0.0." + pick("address", "3", "0/24", "4") + " egress " + pick("chain", "all", "web")
	case 18:
		return pick("station", "mac green fa:16:3e:00:00:03 gone", "mac ext 02:00:00:00:00:01 up", "mac green fa:16:3e:00:00:09 vm3", "mac blue fa:16:3e:aa:00:01 vm2")
	case 19:
		return "overlay " + pick("target", "bridge blue", "bridge green", "router r1", "bridge blue port vm2", "router r1 port r1-green", "bridge green port r1g") +
			pick("in", "", " in all", " in web", " in skip", " in marks") + pick("out", "", " out all", " out marks") + pick("member", "", " group uplinks")
	case 20:
		return "chain marks " + pick("rules", "drop group=uplinks", "accept ingroup=uplinks; drop", "drop outgroup=uplinks", "drop traversed=r1", "drop !traversed=green",
			"drop dmac=fa:16:3e:00:00:00/ff:ff:ff:00:00:00 novlan", "drop tos=0", "snat target=10.0.9.1@1024-2047", "dnat target=10.0.1.4",
			"dnat target=10.0.1.3-10.0.1.4", "snat target=10.0.9.1-10.0.9.2@1024-1030", "drop sport=1025-1028")
	default:
		return pick("place", "bind vm3 h1 tap3", "bind vm3 h2 tap3", "bind up h1 eth1", "bind gone h2 tap4", "host h2 192.0.2.9", "bridge green down", "bridge green")
	}
}

// layer3Questions are packets that go through the router in every way.
func layer3Questions(t testing.TB) []sim.Input {
	var all []sim.Input
	for _, text := range []string{
		"vm1 tcp 10.0.0.3:1025 > 10.0.1.3:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"vm1 tcp 10.0.0.3:1025 > 10.0.1.3:22 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"vm2 tcp 10.0.0.4:1025 > 10.0.1.3:22 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm2 udp 10.0.0.4:1025 > 10.0.1.4:22 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm1 tcp 10.0.0.3:1025 > 198.51.100.7:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"vm2 tcp 10.0.0.4:1025 > 198.51.100.7:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm2 icmp 10.0.0.4 > 198.51.100.7 id 7 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm2 tcp 10.0.0.4:1025 > 203.0.113.9:80 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm1 tcp 10.0.0.3:1025 > 203.0.113.9:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"vm2 tcp 10.0.0.4:1025 > 203.0.113.5:8081 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm2 tcp 10.0.0.4:1025 > 203.0.113.5:9999 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm1 tcp [fd00::3]:1025 > [fd01::3]:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"vm1 tcp [fd00::3]:1025 > [2001:db8:71::9]:80 smac fa:16:3e:00:00:01 dmac fa:16:3e:aa:00:01",
		"up udp [2001:db8:99::1]:1025 > [2001:db8:71::9]:80 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03",
		"vm2 udp 10.0.0.4:80 > 100.64.4.0:1025 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm2 47 10.0.0.4 > 198.51.100.7 smac fa:16:3e:00:00:02 dmac fa:16:3e:aa:00:01",
		"vm2 tcp 10.0.0.4:80 > 10.0.0.3:4000 smac fa:16:3e:00:00:02 dmac fa:16:3e:00:00:01",
		"vm1 udp 10.0.0.3:80 > 10.0.0.9:4000 smac fa:16:3e:00:00:01 dmac fa:16:3e:00:00:77",
		"up tcp 198.51.100.7:1025 > 203.0.113.9:80 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03",
		"up tcp 198.51.100.7:80 > 203.0.113.5:1024 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03",
		"up tcp 198.51.100.7:1025 > 203.0.113.5:8080 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:03",
		"r1-up tcp 198.51.100.7:1025 > 203.0.113.9:80 smac 02:00:00:00:00:01 dmac fa:16:3e:aa:00:05",
	} {
		port, description, _ := strings.Cut(text, " ")
		d, err := packet.ParseDescription(description)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sim.Input{InPort: viewtest.ID[topology.Port](port), Frame: d.Frame(), State: oneConnection{}})
	}
	return all
}

// oneConnection is the State of a host that has source-NATed one connection and let one IPv6 client in, and gives ports as EmptyState does.
type oneConnection struct{ sim.EmptyState }

func (oneConnection) Value(k flow.StateKey) (flow.StateValue, bool) {
	back := flow.Conn{Proto: packet.ProtoTCP, Src: netip.MustParseAddr("198.51.100.7"), SrcPort: 80,
		Dst: netip.MustParseAddr("203.0.113.5"), DstPort: 1024}
	toClient := flow.Conn{Src: netip.MustParseAddr("10.0.0.4"), Dst: netip.MustParseAddr("100.64.0.0"), DstPort: 1024}
	switch {
	case k.Kind == flow.StateReverseSNAT && k.Conn == back:
		return flow.StateValue{Addr: netip.MustParseAddr("10.0.0.4"), Port: 1025}, true
	case k.Kind == flow.StateReverseSNAT && k.Conn == toClient:
		return flow.StateValue{Addr: netip.MustParseAddr("fd00::3")}, true
	case k.Kind == flow.StateReverseDNAT && k.Conn == toClient:
		return flow.StateValue{Addr: netip.MustParseAddr("2001:db8:71::9")}, true
	}
	return flow.StateValue{}, k.Kind == flow.StateReturn && k.Conn == back
}

// layer3Change draws a delta of the routed universe, nearly always of one object.
func layer3Change(t *rapid.T, v *view.View) (d view.Delta) {
	for range rapid.SampledFrom([]int{1, 1, 1, 1, 2}).Draw(t, "objects") {
		if rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
			o, err := viewtest.ParseObject(layer3Line(t))
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

// TestChangedAnswersAreTouchedBehindRouters is TestChangedAnswersAreTouched for routers, chains, groups, floating addresses and
// forwardings.
func TestChangedAnswersAreTouchedBehindRouters(t *testing.T) {
	questions := layer3Questions(t)
	first := viewtest.View(topologyOf(t, "testdata/nat.txtar"))
	var changed, spared int
	rapid.Check(t, func(t *rapid.T) {
		old := first
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			d := layer3Change(t, old)
			now, touched := old.Apply(d)
			for i, in := range questions {
				before, after := sim.Simulate(old, in), sim.Simulate(now, in)
				if !before.Cache {
					continue
				}
				hit := slices.ContainsFunc(before.Tags, func(tag flow.Tag) bool {
					return slices.ContainsFunc(touched, func(c flow.Tag) bool { return c.Touches(tag) })
				})
				switch same := reflect.DeepEqual(answer(before), answer(after)); {
				case !same && !hit:
					t.Fatalf("the answer to question %d changes, and none of its tags\n%v\nis touched by\n%v\nbefore %+v\nafter  %+v\nby %s",
						i, before.Tags, touched, answer(before), answer(after), describeDelta(d))
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
	t.Logf("%d answers changed, %d were not touched", changed, spared)
}
