package freeport

import (
	"net"
	"testing"
)

func TestNoPortComesTwiceOrIsTaken(t *testing.T) {
	seen, begun := map[string]bool{}, next
	for range 100 {
		address := Address(t)
		if seen[address] {
			t.Fatalf("%s comes twice", address)
		}
		seen[address] = true
	}
	next = begun // as another program may come to the same
	if address := Address(t); seen[address] {
		t.Errorf("%s is this program's", address)
	}
}

func TestAPortThatSomebodyListensOnIsNotGiven(t *testing.T) {
	taken := next
	l, err := net.Listen("tcp", address(taken))
	if err == nil { // else somebody does already
		defer l.Close()
	}
	if Port(t) == taken {
		t.Errorf("%d is taken for free", taken)
	}
}
