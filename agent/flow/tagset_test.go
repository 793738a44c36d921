package flow

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/mac"
)

// TestTagSet adds tags of every kind, many of them again and more than are found by their sum, twice to one set: it has what the functions
// that make single tags say, each once, in the order in which they came.
func TestTagSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s TagSet
		for range 2 {
			s.Reset(s.List())
			var want []Tag
			most := rapid.SampledFrom([]int{3, maxMet, 4 * maxMet}).Draw(t, "kinds")
			for range rapid.IntRange(0, 3*maxMet).Draw(t, "adds") {
				n := rapid.IntRange(0, most).Draw(t, "n")
				id := [16]byte{byte(n), byte(n >> 8)}
				addr := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})
				if n%2 == 0 {
					addr = netip.AddrFrom16([16]byte{0xfd, 15: byte(n)})
				}
				var tag Tag
				switch rapid.IntRange(0, 4).Draw(t, "kind") {
				case 0:
					s.Add(TagPort, id)
					tag = Tag{Class: TagPort, ID: id}
				case 1:
					s.AddStation(id, mac.Addr{2, 5: byte(n)})
					tag = StationTag(id, mac.Addr{2, 5: byte(n)})
				case 2:
					s.AddAddr(TagRoute, id, addr, uint8(n%3))
					tag = AddrTag(TagRoute, id, addr)
					tag.Bits = uint8(n % 3)
				case 3:
					s.AddForwarding(id, addr, 6, uint16(n))
					tag = ForwardingTag(id, addr, 6, uint16(n))
				case 4:
					c := Conn{Proto: 6, Src: addr, Dst: addr, SrcPort: uint16(n)}
					s.AddState(&c)
					tag = StateTag(StateKey{Conn: c})
				}
				if !slices.Contains(want, tag) {
					want = append(want, tag)
				}
			}
			if !slices.Equal(s.List(), want) {
				t.Fatalf("%d tags %v, want %d, %v", len(s.List()), s.List(), len(want), want)
			}
		}
	})
}
