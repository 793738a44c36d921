package ml2

import (
	"net/netip"
	"slices"
)

// span is an inclusive range of addresses.
type span struct{ first, last netip.Addr }

// spansOf returns what prefixes cover: disjoint spans with something between them, in ascending order.
func spansOf(prefixes []netip.Prefix) []span {
	var spans []span
	for _, p := range prefixes {
		spans = append(spans, span{p.Masked().Addr(), lastAddress(p)})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.first.Compare(b.first) })
	var merged []span
	for _, s := range spans {
		if n := len(merged); n > 0 && touches(merged[n-1], s) {
			if merged[n-1].last.Less(s.last) {
				merged[n-1].last = s.last
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// touches reports whether b, which does not begin before a, begins in a or right behind it.
func touches(a, b span) bool {
	return !a.last.Less(b.first) || a.last.Next() == b.first
}

// spansWithout returns what is in the spans a and not in b, both as spansOf returns them.
func spansWithout(a, b []span) []span {
	var left []span
	for _, s := range a {
		for _, hole := range b {
			if hole.last.Less(s.first) || s.last.Less(hole.first) {
				continue
			}
			if s.first.Less(hole.first) {
				left = append(left, span{s.first, hole.first.Prev()})
			}
			s.first = hole.last.Next()
			if !s.first.IsValid() || s.last.Less(s.first) {
				s.first = netip.Addr{}
				break
			}
		}
		if s.first.IsValid() {
			left = append(left, s)
		}
	}
	return left
}

// prefixesOf returns the fewest prefixes that cover the spans, in ascending order.
func prefixesOf(spans []span) []netip.Prefix {
	prefixes := []netip.Prefix{}
	for _, s := range spans {
		for at := s.first; at.IsValid() && !s.last.Less(at); {
			p := largestFrom(at, s.last)
			prefixes = append(prefixes, p)
			at = lastAddress(p).Next()
		}
	}
	return prefixes
}

// largestFrom returns the largest prefix that begins at an address and does not go beyond last.
func largestFrom(first, last netip.Addr) netip.Prefix {
	bits := first.BitLen()
	for bits > 0 {
		wider := netip.PrefixFrom(first, bits-1)
		if wider.Masked().Addr() != first || last.Less(lastAddress(wider)) {
			break
		}
		bits--
	}
	return netip.PrefixFrom(first, bits)
}

// compact returns the fewest prefixes that cover what the given ones cover, in ascending order.
func compact(prefixes []netip.Prefix) []netip.Prefix { return prefixesOf(spansOf(prefixes)) }
