package topology

import (
	"testing"

	"midonet.org/midonet/id"
)

// TestFormerHosts follows a port from host to host, back to one of them, and to more of them than are kept.
func TestFormerHosts(t *testing.T) {
	hosts := make([]HostID, MaxFormer+3)
	for i := range hosts {
		hosts[i] = id.New[Host]()
	}
	var at *Binding
	for _, move := range []struct {
		to     int
		former []int
	}{
		{0, nil}, {0, nil}, {1, []int{0}}, {2, []int{1, 0}}, {0, []int{2, 1}}, {3, []int{0, 2, 1}}, {4, []int{3, 0, 2, 1}}, {5, []int{4, 3, 0, 2}},
		{6, []int{5, 4, 3, 0}}, {4, []int{6, 5, 3, 0}},
	} {
		next := &Binding{Port: PortID{1}, Host: hosts[move.to], Interface: "tap0"}
		next.Follow(at)
		at = next
		var want [MaxFormer]HostID
		for i, h := range move.former {
			want[i] = hosts[h]
		}
		if at.Former != want {
			t.Errorf("on host %d: former hosts %v, want %v", move.to, at.Former, want)
		}
	}
}
