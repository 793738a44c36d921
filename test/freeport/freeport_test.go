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
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	next = begun // as after all others of the range
	if address := Address(t); seen[address] {
		t.Errorf("%s is somebody's", address)
	}
}
