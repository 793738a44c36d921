package worker

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func TestRestartKeepsWhatIsStillRight(t *testing.T) {
	b := newRig(t, 4)
	b.Apply(b.network.snapshot())
	for _, to := range append(b.local[1:], b.remote) {
		b.miss(b.local[0], udp(b.local[0], to, 1000))
	}
	before := keySet(b.datapath.keys())

	second := b.restart()
	if diff := cmp.Diff(before, keySet(b.datapath.keys())); diff != "" {
		t.Fatalf("an agent without a topology changed the flows (-before +after):\n%s", diff)
	}
	if got := len(b.datapath.ports); got != 4 {
		t.Fatalf("an agent without a topology left %d of 4 ports plugged in", got)
	}
	// While no agent ran, tap1 was unbound and tap2's port was set down.
	down := *object[*topology.Port](b.network, topology.Key{Kind: topology.KindPort, ID: b.local[2].port})
	down.AdminUp = false
	second.Apply(view.Delta{Puts: append(b.network.snapshot().Puts, &down)})
	second.Apply(view.Delta{Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.local[1].port}}})
	if err := second.adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, k := range b.datapath.keys() {
		if k.DstMAC == b.local[3].mac || k.DstMAC == b.remote.mac {
			want[k.String()] = true
		}
	}
	if diff := cmp.Diff(want, keySet(b.datapath.keys())); diff != "" || len(want) != 2 {
		t.Errorf("flows after the restart: want those to tap3 and to the other host (-want +got):\n%s", diff)
	}
	checkFlows(t, second, b.datapath)
}

// TestAdoptedFlowsAreInvalidated shows that an adopted flow has its tags: a later change finds it.
func TestAdoptedFlowsAreInvalidated(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1), udp(b.local[0], b.local[2], 2))
	second := b.restart()
	second.Apply(b.network.snapshot())
	if err := second.adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.Apply(view.Delta{Deletes: []topology.Key{{Kind: topology.KindBinding, ID: b.local[1].port}}})
	if got := b.datapath.keys(); len(got) != 1 || got[0].DstMAC != b.local[2].mac {
		t.Errorf("flows are %v, want the one to tap2", got)
	}
}

// TestAdoptedFlowsExpire shows that an adopted flow's age counts from its last use, not from the restart.
func TestAdoptedFlowsExpire(t *testing.T) {
	b := newRig(t, 2)
	b.Apply(b.network.snapshot())
	b.miss(b.local[0], udp(b.local[0], b.local[1], 1))
	for k, e := range b.datapath.flows {
		e.Stats.LastUsed = sim.IdleForward
		b.datapath.flows[k] = e
	}
	second := b.restart()
	second.Apply(b.network.snapshot())
	if err := second.adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.sweep(); err != nil {
		t.Fatal(err)
	}
	if got := b.datapath.keys(); len(got) != 0 {
		t.Errorf("flows unused for a minute are left: %v", got)
	}
}

// TestWideFlowsAreAdopted where the answer still has nothing to do with ports.
func TestWideFlowsAreAdopted(t *testing.T) {
	for name, c := range map[string]struct {
		chain   string
		adopted bool
	}{
		"as before":               {"chain some accept ip4", true},
		"ports are now looked at": {"chain some drop dport=22; accept ip4", false},
		"source ports are":        {"chain some drop sport=22; accept ip4", false},
	} {
		t.Run(name, func(t *testing.T) {
			const text = "bridge blue\nport vm1 blue in some\nport vm2 blue\nbind vm1 h1 tap0\nbind vm2 h1 tap1\n" +
				"mac blue 02:01:00:00:00:00 vm1\nmac blue 02:02:00:00:00:00 vm2\n"
			b := newTextRig(t, 64, text+"chain some accept ip4\n")
			h := packet.Header{SrcMAC: mac.Addr{2, 1}, DstMAC: mac.Addr{2, 2}, EtherType: packet.EtherTypeIPv4, SrcIP: netip.MustParseAddr("10.0.0.1"),
				DstIP: netip.MustParseAddr("10.0.0.2"), Proto: packet.ProtoUDP, SrcPort: 1025, DstPort: 80, TTL: 64}
			b.serve([]datapath.Miss{{InPort: viewtest.ID[topology.Port]("vm1"), Frame: h.Frame(nil)}})
			if keys := b.datapath.keys(); len(keys) != 1 || keys[0].Any != flow.BothPorts {
				t.Fatalf("flows %v, want one for any ports", keys)
			}
			b.network = &network{objects: viewtest.MustParse(text + c.chain)}
			second := b.restart()
			second.Apply(b.network.snapshot())
			if err := second.adopt(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left := len(b.datapath.keys()); (left == 1) != c.adopted {
				t.Errorf("%d flows are left", left)
			}
			checkFlows(t, second, b.datapath)
		})
	}
}

func TestEqualActions(t *testing.T) {
	a, b := flow.Output{Port: id.New[topology.Port]()}, flow.Output{Port: id.New[topology.Port]()}
	far := flow.Output{Port: id.New[topology.Port](), Peer: netip.MustParseAddr("192.0.2.2"), TunnelKey: 7}
	nameless, otherKey := far, far
	nameless.Port, otherKey.TunnelKey = topology.PortID{}, 8
	for _, c := range []struct {
		name string
		x, y []flow.Output
		want bool
	}{
		{"order", []flow.Output{a, b, far}, []flow.Output{nameless, b, a}, true},
		{"one missing", []flow.Output{a, b}, []flow.Output{a}, false},
		{"one twice", []flow.Output{a, a, b}, []flow.Output{a, b, b}, false},
		{"other tunnel key", []flow.Output{far}, []flow.Output{otherKey}, false},
		{"other local port", []flow.Output{a}, []flow.Output{b}, false},
		{"drop", nil, []flow.Output{}, true},
	} {
		if got := equal(flow.Actions{Outputs: c.x}, flow.Actions{Outputs: c.y}); got != c.want {
			t.Errorf("%s: equal is %v", c.name, got)
		}
	}
}

func TestPortsOfAnEarlierAgentThatAreNotOursAreUnplugged(t *testing.T) {
	b := newRig(t, 3)
	b.Apply(b.network.snapshot())
	second := b.restart()
	moved := &topology.Binding{Port: b.local[0].port, Host: b.other, Interface: "tap9"}
	second.Apply(view.Delta{Puts: append(b.network.snapshot().Puts, moved)})
	if _, there := b.datapath.ports[b.local[0].port]; there || len(b.datapath.ports) != 2 {
		t.Errorf("ports are %v, want the two that are still this host's", b.datapath.ports)
	}
}
