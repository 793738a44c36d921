// Package freeport finds TCP ports of loopback for servers that a test is about to start.
//
// A server listens a moment after its port was found free. The kernel gives a port to whoever asks for any, and twice within that moment
// the same one now and then; and to connections it gives those of ip_local_port_range. So the ports here are below that range, none
// comes twice in the life of a test program, and none is given by two test programs that run at a time, even while nobody listens on it: a
// program holds a Unix socket for each of its ports, in the abstract namespace, which goes with the program.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The range of the ports.
const first, last = 10000, 31999

var (
	mu   sync.Mutex
	next = first + rand.IntN(last-first+1) // test programs that run at a time begin at different ones
	held []net.Listener
)

// Address returns an address of loopback, host:port, on which nobody listens.
func Address(t testing.TB) string {
	t.Helper()
	return address(Port(t))
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Port returns a port of 127.0.0.1 on which nobody listens.
func Port(t testing.TB) int {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range last - first {
		port := next
		if next++; next > last {
			next = first
		}
		if hold(port) && free(port) {
			return port
		}
	}
	t.Fatalf("there are listeners on all ports from %d to %d", first, last)
	return 0
}

// hold takes the port for this program, for as long as it runs, unless another one has it.
func hold(port int) bool {
	l, err := net.Listen("unix", fmt.Sprintf("@midonet-test-port-%d", port))
	if err != nil {
		return false
	}
	held = append(held, l)
	return true
}

// free reports whether nobody listens on the port.
func free(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
