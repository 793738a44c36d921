package ml2

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// smallPrefix draws a prefix of 10.0.0.0/24, whose addresses can be counted.
func smallPrefix(r *rapid.T) netip.Prefix {
	bits := rapid.IntRange(24, 32).Draw(r, "bits")
	last := byte(rapid.IntRange(0, 255).Draw(r, "last"))
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, last}), bits).Masked()
}

// addressesIn counts out what prefixes cover.
func addressesIn(prefixes []netip.Prefix) [256]bool {
	var in [256]bool
	for i := range in {
		a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		in[i] = slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return in
}

// TestSpansAreSets compares with sets of single addresses: nothing is lost, nothing added, and no fewer prefixes would do.
func TestSpansAreSets(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := rapid.SliceOfN(rapid.Custom(smallPrefix), 0, 8).Draw(r, "a")
		b := rapid.SliceOfN(rapid.Custom(smallPrefix), 0, 8).Draw(r, "b")
		both := compact(a)
		if addressesIn(both) != addressesIn(a) {
			r.Errorf("%v became %v", a, both)
		}
		wantFewest(r, both)
		left := prefixesOf(spansWithout(spansOf(a), spansOf(b)))
		inA, inB, inLeft := addressesIn(a), addressesIn(b), addressesIn(left)
		for i := range inA {
			if inLeft[i] != (inA[i] && !inB[i]) {
				r.Fatalf("%v without %v is %v: wrong at %d", a, b, left, i)
			}
		}
		wantFewest(r, left)
	})
}

// wantFewest checks that prefixes ascend and no two of them are the halves of one.
func wantFewest(r *rapid.T, prefixes []netip.Prefix) {
	for i := 1; i < len(prefixes); i++ {
		p, q := prefixes[i-1], prefixes[i]
		if !p.Addr().Less(q.Addr()) || p.Overlaps(q) {
			r.Fatalf("%v: out of order or overlapping", prefixes)
		}
		if wider := netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked(); p.Bits() == q.Bits() && wider.Contains(q.Addr()) {
			r.Fatalf("%v: %v and %v are one", prefixes, p, q)
		}
	}
}

// TestSpansAtTheEnds: where there is no next address.
func TestSpansAtTheEnds(t *testing.T) {
	for _, c := range []struct{ all, without, want string }{
		{"0.0.0.0/0", "255.0.0.0/8", "0.0.0.0/1"},
		{"::/0", "::/1", "8000::/1"},
		{"255.255.255.254/31", "255.255.255.255/32", "255.255.255.254/32"},
	} {
		all, without := netip.MustParsePrefix(c.all), netip.MustParsePrefix(c.without)
		left := prefixesOf(spansWithout(spansOf([]netip.Prefix{all}), spansOf([]netip.Prefix{without})))
		if len(left) == 0 || left[0] != netip.MustParsePrefix(c.want) {
			t.Errorf("%v without %v is %v", all, without, left)
		}
	}
	n := uint32(0)
	for _, p := range prefixesOf([]span{{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.6")}}) {
		n += binary.BigEndian.Uint32(lastAddress(p).AsSlice()) - binary.BigEndian.Uint32(p.Addr().AsSlice()) + 1
	}
	if n != 6 {
		t.Errorf("%d addresses of 6", n)
	}
}
