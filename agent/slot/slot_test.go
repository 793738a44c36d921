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

// TestPages takes and frees slots in random order.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Pages[uint32]
		used, most := map[uint32]*uint32{}, 0
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			for range rapid.SampledFrom([]int{1, 3, page}).Draw(t, "taken") {
				s := p.Take()
				if used[s] != nil || *p.At(s) != 0 {
					t.Fatalf("slot %d has %d, and is in use: %v", s, *p.At(s), used[s] != nil)
				}
				*p.At(s), used[s] = s+1, p.At(s)
			}
			most = max(most, len(used))
			for s, at := range used {
				if p.At(s) != at || *at != s+1 {
					t.Fatalf("slot %d has moved, or has %d", s, *at)
				}
				if rapid.IntRange(0, 2*page).Draw(t, "free") > page {
					p.Free(s)
					delete(used, s)
				}
				if len(used) < most-20 {
					break
				}
			}
		}
		if int(p.Len()) != most {
			t.Errorf("%d slots for %d in use at most", p.Len(), most)
		}
	})
}

// TestPagesReach looks at slots of others' numbers, in any order.
func TestPagesReach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Pages[uint32]
		want := map[uint32]uint32{}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			s := rapid.Uint32Range(0, 5*page).Draw(t, "slot")
			if got := *p.Reach(s); got != want[s] {
				t.Fatalf("slot %d has %d, want %d", s, got, want[s])
			}
			*p.Reach(s) += s
			want[s] += s
		}
	})
}
