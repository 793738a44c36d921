package session

import (
	"maps"
	"testing"

	"midonet.org/midonet/topology"
)

// A port is not called inactive because a new agent has not found its interface yet; one whose interface was there and went is.
func TestStartupKeepsWhatIsNotFoundYet(t *testing.T) {
	a, b, c := topology.PortID{1}, topology.PortID{2}, topology.PortID{3}
	before := []topology.PortID{a, b}
	var u startup
	for i, step := range []struct{ now, want map[topology.PortID]bool }{
		{map[topology.PortID]bool{}, map[topology.PortID]bool{a: true, b: true}},
		{map[topology.PortID]bool{a: true, b: false, c: false}, map[topology.PortID]bool{a: true, b: true, c: false}},
		{map[topology.PortID]bool{a: false, b: false, c: true}, map[topology.PortID]bool{a: false, b: true, c: true}},
		{map[topology.PortID]bool{b: true, c: false}, map[topology.PortID]bool{b: true, c: false}},
		{map[topology.PortID]bool{b: false}, map[topology.PortID]bool{b: false}},
	} {
		if got := u.ports(step.now, before); !maps.Equal(got, step.want) {
			t.Errorf("report %d: %v, want %v", i, got, step.want)
		}
	}
}
