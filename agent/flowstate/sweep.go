package flowstate

import (
	"maps"
	"net/netip"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
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
	end := min(t.used(), int(t.sweep)+limit)
	told := map[peerSet][]flow.State{}
	for i := int(t.sweep); i < end; i++ {
		a := t.about.At(uint32(i))
		p, ok := t.slots.get(i)
		switch {
		case !ok:
		case a.flows == 0 && at >= a.due && at >= a.due+t.blocks.portRest(&p):
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
	if last = end >= t.used(); last {
		t.sweep = 0
		t.forgetSilent(at)
		t.forgetOwners()
	}
	return due, last
}

// forgetSilent drops what is known of agents that have not been heard of for longer than what they told lives.
func (t *Table) forgetSilent(at time.Duration) {
	t.accounts.forget(at)
	maps.DeleteFunc(t.heard, func(_ id.ID[run], l *listener) bool { return at-l.at > Learned })
}
