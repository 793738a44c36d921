package worker

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view"
	"midonet.org/midonet/id"
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
	if got := b.datapath.keys(); len(got) != 1 || got[0].SrcPort != 2 {
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
