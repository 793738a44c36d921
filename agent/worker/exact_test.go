package worker

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

const (
	exactClients, exactServers, exactGroups = 10, 10, 5
	exactPorts                              = 40 // connections of each client with each server
)

// exactNetwork is clients on one network and servers on another, behind a router. Each server is in one of five security groups.
func exactNetwork() string {
	var b strings.Builder
	b.WriteString(`
bridge blue
bridge green
router r1
port r1b blue peer r1-blue device r1
rport r1-blue r1 fa:16:3e:aa:00:01 10.0.0.1/24 peer r1b
port r1g green peer r1-green device r1
rport r1-green r1 fa:16:3e:aa:00:02 10.0.1.1/24 peer r1g
mac blue fa:16:3e:aa:00:01 r1b
mac green fa:16:3e:aa:00:02 r1g
route r1 10.0.0.0/24 port r1-blue
route r1 10.0.1.0/24 port r1-green
chain all accept ip4
`)
	for g := range exactGroups {
		fmt.Fprintf(&b, "chain group%d accept tcp srcgroup=friends%d; accept tcp dport=80\n", g, g)
	}
	for i := range exactClients {
		fmt.Fprintf(&b, "port c%d blue key %d\nbind c%d h1 c%d\nmac blue 02:00:00:00:00:%02x c%d\n", i, 100+i, i, i, i, i)
	}
	for i := range exactServers {
		fmt.Fprintf(&b, "port s%d green key %d source 02:00:00:00:01:%02x@10.0.1.%d egress all ingress group%d\nbind s%d h1 s%d\n",
			i, 200+i, i, 10+i, i%exactGroups, i, i)
		fmt.Fprintf(&b, "mac green 02:00:00:00:01:%02x s%d\nneighbour green 10.0.1.%d 02:00:00:00:01:%02x s%d\n", i, i, 10+i, i, i)
	}
	return b.String()
}

// exactFlow is which connection a flow is of.
type exactFlow struct{ client, server, port int }

func exactFlowOf(k flow.Key) exactFlow {
	return exactFlow{int(k.SrcIP.As4()[3]) - 10, int(k.DstIP.As4()[3]) - 10, int(k.SrcPort) - 1025}
}

func exactMiss(f exactFlow) datapath.Miss {
	h := packet.Header{SrcMAC: mac.Addr{2, 0, 0, 0, 0, byte(f.client)}, DstMAC: mac.MustParse("fa:16:3e:aa:00:01"), EtherType: packet.EtherTypeIPv4,
		SrcIP: netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + f.client)}), DstIP: netip.AddrFrom4([4]byte{10, 0, 1, byte(10 + f.server)}),
		Proto: packet.ProtoTCP, SrcPort: uint16(1025 + f.port), DstPort: 80, TTL: 64}
	return datapath.Miss{InPort: viewtest.ID[topology.Port](fmt.Sprintf("c%d", f.client)), Frame: h.Frame(nil)}
}

// fill has a flow made for every connection that has none.
func (b *rig) fill() {
	for client := range exactClients {
		for server := range exactServers {
			var misses []datapath.Miss
			for port := range exactPorts {
				misses = append(misses, exactMiss(exactFlow{client, server, port}))
			}
			b.serve(misses)
		}
	}
}

// TestInvalidationIsExact makes changes amid thousands of flows: those that the change concerns are removed, and no other one.
func TestInvalidationIsExact(t *testing.T) {
	b := newTextRig(t, 1<<16, exactNetwork())
	var taps []Interface
	for i := range exactClients {
		for _, name := range []string{fmt.Sprintf("c%d", i), fmt.Sprintf("s%d", i)} {
			taps = append(taps, Interface{Index: len(taps) + 1, Interface: topology.Interface{Name: name, Up: true}})
		}
	}
	b.SetInterfaces(taps)
	const all = exactClients * exactServers * exactPorts
	for _, c := range []struct {
		what   string
		change string // an object as it becomes, or - and one that goes
		gone   func(f exactFlow) bool
		want   int
	}{
		{"a rule of one security group", "chain group1 accept tcp srcgroup=friends1; accept tcp dport=80; accept tcp dport=443",
			func(f exactFlow) bool { return f.server%exactGroups == 1 }, all / exactGroups},
		{"a member of the group of addresses that a rule names", "member friends2 10.0.0.13 c3",
			func(f exactFlow) bool { return f.server%exactGroups == 2 && f.client == 3 }, exactPorts * exactServers / exactGroups},
		{"a prefix in such a group", "member friends2 10.0.0.16/31 c6",
			func(f exactFlow) bool {
				return f.server%exactGroups == 2 && (f.client == 6 || f.client == 7)
			}, 2 * exactPorts * exactServers / exactGroups},
		{"a member that another rule names", "member friends9 10.0.0.13 c3", nil, 0},
		{"a route to one server", "route r1 10.0.1.14/32 port r1-green", func(f exactFlow) bool { return f.server == 4 }, exactClients * exactPorts},
		{"a route to elsewhere", "route r1 10.9.0.0/16 port r1-green", nil, 0},
		{"a shorter route", "route r1 10.0.0.0/8 port r1-green", nil, 0},
		{"who has a server's address", "neighbour green 10.0.1.15 02:00:00:00:01:06 s6", func(f exactFlow) bool { return f.server == 5 }, exactClients * exactPorts},
		{"a server's port", "port s7 green key 999 source 02:00:00:00:01:07@10.0.1.17 egress all ingress group2",
			func(f exactFlow) bool { return f.server == 7 }, exactClients * exactPorts},
		{"a client's port", "port c8 blue key 108 down", func(f exactFlow) bool { return f.client == 8 }, exactServers * exactPorts},
		{"the router", "router r1 in pre", func(exactFlow) bool { return true }, all},
		{"a host's name", "host h1 192.0.2.1", nil, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			b.fill()
			if n := len(b.datapath.keys()); n != all {
				t.Fatalf("%d flows, want %d", n, all)
			}
			before, was := b.counters.invalidations.Load(), b.view
			b.Apply(view.Delta{Puts: viewtest.MustParse(c.change)})
			removed := int(b.counters.invalidations.Load() - before)
			left := map[exactFlow]bool{}
			for _, k := range b.datapath.keys() {
				left[exactFlowOf(k)] = true
			}
			if removed != c.want || len(left) != all-c.want {
				t.Errorf("%d flows were removed and %d stay, want %d removed of %d", removed, len(left), c.want, all)
			}
			for f := range left {
				if c.gone != nil && c.gone(f) {
					t.Errorf("the flow of %+v stays", f)
				}
			}
			b.Apply(viewtest.Delta(b.view, objectsOf(was)))
		})
	}
}

func objectsOf(v *view.View) []topology.Object {
	var all []topology.Object
	for o := range v.Objects() {
		all = append(all, o)
	}
	return all
}
