package prefix

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyPrefix draws from few enough bits that prefixes often contain each other.
func anyPrefix(t *rapid.T, label string) netip.Prefix {
	low := rapid.Uint8().Draw(t, label)
	if rapid.Bool().Draw(t, label+" family") {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, low & 3, 0, low}), rapid.IntRange(0, 32).Draw(t, label+" bits"))
	}
	a := netip.AddrFrom16([16]byte{0xfd, low & 1, 7: low & 3, 8: low, 15: low})
	return netip.PrefixFrom(a, rapid.IntRange(0, 128).Draw(t, label+" bits"))
}

// TestMapIsALinearSearch compares a Map with a list of prefixes over random histories, and checks that older maps stay as they were.
func TestMapIsALinearSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			got  Map[netip.Prefix]
			want map[netip.Prefix]bool
		}
		now := version{want: map[netip.Prefix]bool{}}
		history := []version{now}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			p := anyPrefix(t, "prefix")
			now.want = maps.Clone(now.want)
			if rapid.IntRange(0, 2).Draw(t, "put") > 0 {
				now.got, now.want[p.Masked()] = now.got.With(p, p.Masked()), true
			} else {
				now.got = now.got.Without(p)
				delete(now.want, p.Masked())
			}
			history = append(history, now)
		}
		question := anyPrefix(t, "question")
		for _, v := range history {
			compare(t, v.got, v.want, question)
		}
	})
}

func compare(t *rapid.T, m Map[netip.Prefix], want map[netip.Prefix]bool, question netip.Prefix) {
	if m.Len() != len(want) {
		t.Fatalf("Len() = %d, want %d", m.Len(), len(want))
	}
	var covering, within []netip.Prefix
	for p := range want {
		if got, ok := m.Get(p); !ok || got != p {
			t.Fatalf("Get(%s) = %s, %v", p, got, ok)
		}
		if p.Contains(question.Addr()) {
			covering = append(covering, p)
		}
		if question.Bits() <= p.Bits() && question.Overlaps(p) {
			within = append(within, p)
		}
	}
	slices.SortFunc(covering, func(a, b netip.Prefix) int { return a.Bits() - b.Bits() })
	if got := m.Covering(question.Addr(), nil); !slices.Equal(got, covering) {
		t.Fatalf("Covering(%s) = %v, want %v", question.Addr(), got, covering)
	}
	if got := m.Contains(question.Addr()); got != (len(covering) > 0) {
		t.Fatalf("Contains(%s) = %v, covered by %v", question.Addr(), got, covering)
	}
	found := map[netip.Prefix]bool{}
	m.Within(question, func(p netip.Prefix) bool { found[p] = true; return true })
	if len(found) != len(within) || slices.ContainsFunc(within, func(p netip.Prefix) bool { return !found[p] }) {
		t.Fatalf("Within(%s) = %v, want %v", question, found, within)
	}
}
