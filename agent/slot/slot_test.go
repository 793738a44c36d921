package slot

import (
	"testing"

	"pgregory.net/rapid"
)

// TestIndex compares the index with a map over random histories, with hashes that often are the same in part or whole.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x Index
		hashes := map[uint32]uint64{} // by slot
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			s := rapid.Uint32Range(0, 60).Draw(t, "slot")
			hash, there := hashes[s]
			switch {
			case there && rapid.Bool().Draw(t, "remove"):
				x.Remove(hash, s)
				delete(hashes, s)
			case !there:
				hash = rapid.SampledFrom([]uint64{0, 1 << 56, 1 << 40}).Draw(t, "begin") | rapid.SampledFrom([]uint64{0, 1, 6, 7, 15, 31, 62, 63}).Draw(t, "end")
				x.Add(hash, s)
				hashes[s] = hash
			}
			if x.Len() != len(hashes) {
				t.Fatalf("%d slots, want %d", x.Len(), len(hashes))
			}
			for s := range uint32(61) {
				hash, want := hashes[s]
				if got, ok := x.Find(hash, func(of uint32) bool { return of == s }); ok != want || ok && got != s {
					t.Fatalf("slot %d: found %d, %v, want %v", s, got, ok, want)
				}
			}
		}
	})
}
