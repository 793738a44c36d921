// Package freeport finds TCP ports of loopback for servers that a test is about to start.
//
// A server listens a moment after its port was found free. The kernel gives a port to whoever asks for any, and twice within that moment
// the same one now and then; and to connections it gives those of ip_local_port_range. So the ports here are below that range, and none
// comes twice in the life of a test program.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Ports of the range; above it are those that package nsdbtest/servers takes for members of clusters.
const first, last = 10000, 19999

var (
	mu   sync.Mutex
	next = first + rand.IntN(last-first+1) // test programs that run at a time begin at different ones
)

// Address returns an address of loopback, host:port, on which nobody listens.
func Address(t testing.TB) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range last - first {
		address := fmt.Sprintf("127.0.0.1:%d", next)
		if next++; next > last {
			next = first
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue // somebody's
		}
		l.Close()
		return address
	}
	t.Fatalf("there are listeners on all ports from %d to %d", first, last)
	return ""
}
