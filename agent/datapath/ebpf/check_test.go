package ebpf

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMissingCapabilities asks that who lacks them is told so, and not of a kernel that lacks everything.
func TestMissingCapabilities(t *testing.T) {
	for _, c := range []struct {
		held []int
		want []string
	}{
		{nil, []string{"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN"}},
		{[]int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_ADMIN}, nil},
		{[]int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF, unix.CAP_PERFMON}, nil},
		{[]int{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_BPF}, []string{"CAP_SYS_ADMIN"}},
		{[]int{unix.CAP_SYS_ADMIN, unix.CAP_NET_RAW}, []string{"CAP_NET_ADMIN"}},
	} {
		var held uint64
		for _, capability := range c.held {
			held |= 1 << capability
		}
		if got := missingCapabilities(held); !slices.Equal(got, c.want) {
			t.Errorf("with %v: missing are %v, want %v", c.held, got, c.want)
		}
	}
}
