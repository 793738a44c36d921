package flowstate

import (
	"maps"
	"net/netip"
	"slices"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// Moving is a port that moves to another host.
type Moving struct {
	Port      topology.PortID
	Bridge    topology.BridgeID
	Addresses []netip.Addr // of its workload
	// Forwards says whether the workload may send what comes from an address of neither its own nor anybody else's on the bridge, as a
	// router, a tunnel's end or a host of containers does.
	Forwards func(netip.Addr) bool
}

// StatesOf returns what another host has to know of a port that moves there: what the flows that came in by it use, what concerns
// connections from its addresses as they enter, and connections of which it may send answers on behalf of others. It looks at every state.
func (t *Table) StatesOf(m Moving) []flow.State {
	wanted := map[uint32]struct{}{}
	for key, using := range t.users.all() {
		if key.InPort() == m.Port {
			for _, i := range using {
				wanted[i] = struct{}{}
			}
		}
	}
	forwarded := map[packedConn]struct{}{}
	for i := range t.used() {
		p, ok := t.slots.get(i)
		if !ok {
			continue
		}
		switch src := address(p[20:36], p[2]&3); {
		case slices.Contains(m.Addresses, src):
			wanted[uint32(i)] = struct{}{}
		case flow.StateKind(p[0]) == flow.StateReturn && [16]byte(p[4:20]) == m.Bridge && m.Forwards(src):
			forwarded[p.conn()] = struct{}{}
		}
	}
	for i := 0; i < t.used() && len(forwarded) > 0; i++ { // by routers behind the bridge they may have been translated
		if p, ok := t.slots.get(i); ok {
			if _, is := forwarded[p.conn()]; is {
				wanted[uint32(i)] = struct{}{}
			}
		}
	}
	states := make([]flow.State, 0, len(wanted))
	for _, i := range slices.Sorted(maps.Keys(wanted)) {
		p, _ := t.slots.get(int(i))
		states = append(states, p.state())
	}
	return states
}
