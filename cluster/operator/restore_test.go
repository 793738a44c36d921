package operator

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"midonet.org/midonet/errs"
	"midonet.org/midonet/topology"
)

// TestRestore: what operators have made comes back whole, and alone, into a store that was lost; a store where they have made something refuses it.
func TestRestore(t *testing.T) {
	from, to := newBench(t), newBench(t)
	h, b, r := &topology.Host{ID: topology.HostID{1}, Name: "h"}, topology.BridgeID{2}, topology.RouterID{3}
	neutron := &topology.Bridge{ID: topology.BridgeID{4}, Name: "rendered"}
	taken := &topology.Bridge{ID: topology.BridgeID{5}, Name: "an operator's"}
	from.put(h, neutron, &topology.HostState{Host: h.ID, Interfaces: []topology.Interface{
		{Name: "eth0", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}})
	if _, err := from.Edit(t.Context(), func(e *Edit) error {
		for _, err := range []error{
			e.CreateBridge(&topology.Bridge{ID: b}, nothing), e.CreateBridge(taken, nothing), e.CreateRouter(&topology.Router{ID: r}, nothing),
			e.CreatePort(&topology.Port{ID: topology.PortID{6}, Bridge: b}, nothing), e.CreateChain(&topology.Chain{ID: topology.ChainID{7}}),
			e.UpdateBridge(neutron.ID, func(*topology.Bridge) {}, filters(topology.ChainID{7}, topology.ChainID{})),
			e.CreateZone(&topology.TunnelZone{ID: topology.TunnelZoneID{8}, Name: "z"}),
			e.JoinZone(topology.TunnelZoneID{8}, h.ID, netip.MustParseAddr("192.0.2.1")),
			e.Create(&topology.BGPPeer{ID: topology.BGPPeerID{9}, Router: r, ASNumber: 1}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	copied := slices.Collect(from.mirror.State().All())
	mine := &topology.Bridge{ID: taken.ID, Name: "Neutron's"}
	to.put(neutron, mine)
	n, err := to.Restore(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, o := range copied {
		want := o
		switch {
		case o.Key() == mine.Key():
			want = mine
		case o.Key().Kind == topology.KindHostState:
			want = nil
		case Kept(o):
			kept++
		}
		if got := to.mirror.State().Get(o.Key()); !cmp.Equal(got, want, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			t.Errorf("%v came back as %+v, want %+v", o.Key(), got, want)
		}
	}
	if n != kept || kept != 10 {
		t.Errorf("%d objects were put back, want %d", n, kept)
	}
	for _, task := range orphans(to.mirror.State()) {
		t.Errorf("something refers to %v, which is not there", task.gone)
	}
	if _, err := to.Restore(t.Context(), copied); !errs.Is(err, errs.Conflict) {
		t.Errorf("once more: %v, want a Conflict", err)
	}

	other := newBench(t)
	for o := range from.mirror.State().ByKind(topology.KindTunnelKey) {
		other.put(&topology.TunnelKey{Number: o.(*topology.TunnelKey).Number, Port: topology.PortID{99}})
	}
	if _, err := other.Restore(context.WithoutCancel(t.Context()), copied); !errs.Is(err, errs.Conflict) || other.mirror.State().Count(topology.KindRouter) != 0 {
		t.Errorf("where a tunnel key is another port's: %v, want a Conflict and nothing written", err)
	}
}
