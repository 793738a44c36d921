package flowstate

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// Due is states that the peers are to be told again.
type Due struct {
	Peers  []netip.Addr
	States []flow.State
}

// Sweep looks at the next limit slots: it forgets what is due and returns what is to be told again, one Due for each set of peers.
// last says that it has come to the end and that the next call begins anew. Called with all slots every few seconds it keeps the
// life times, to within that time.
func (t *Table) Sweep(now time.Time, limit int) (due []Due, last bool) {
	at := now.Sub(t.base)
	end := min(t.used, int(t.sweep)+limit)
	told := map[peerSet][]flow.State{}
	for i := int(t.sweep); i < end; i++ {
		a := &t.about[i]
		p, ok := t.slots.get(i)
		switch {
		case !ok:
		case a.flows == 0 && at >= a.due:
			t.stats.Expired++
			t.forget(uint32(i))
		case a.flows > 0 && !a.peers.empty() && at >= a.refresh:
			a.refresh = at + Refresh
			told[a.peers] = append(told[a.peers], p.state())
		}
	}
	for peers, states := range told {
		due = append(due, Due{Peers: peers.addresses(), States: states})
	}
	t.sweep = uint32(end)
	if last = end >= t.used; last {
		t.sweep = 0
		t.forgetSilent(at)
		t.forgetOwners()
	}
	return due, last
}

// forgetSilent drops what is known of agents that have not been heard of for longer than what they told lives.
func (t *Table) forgetSilent(at time.Duration) {
	maps.DeleteFunc(t.heard, func(_ id.ID[run], l *listener) bool { return at-l.at > Learned })
}

// StatesOf returns what another host has to know of a port that moves there: what the flows that came in by it use, and what
// concerns connections from its addresses as they enter. It looks at every state.
func (t *Table) StatesOf(port topology.PortID, addresses []netip.Addr) []flow.State {
	wanted := map[uint32]struct{}{}
	for key, using := range t.uses {
		if key.InPort() == port {
			for _, i := range using {
				wanted[i] = struct{}{}
			}
		}
	}
	for i := range t.used {
		p, ok := t.slots.get(i)
		if ok && slices.Contains(addresses, address(p[20:36], p[2]&3)) {
			wanted[uint32(i)] = struct{}{}
		}
	}
	states := make([]flow.State, 0, len(wanted))
	for _, i := range slices.Sorted(maps.Keys(wanted)) {
		p, _ := t.slots.get(int(i))
		states = append(states, p.state())
	}
	return states
}
