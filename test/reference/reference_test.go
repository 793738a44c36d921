package reference

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPacketsArriveWhereTheModelSays sends messages through random clouds, and answers to those that arrive.
func TestPacketsArriveWhereTheModelSays(t *testing.T) {
	putToTheTest(t, []string{"lost", "arrived", "source translated", "destination translated", "IPv6", "answered", "out by an uplink",
		"in by an uplink", "to a virtual address", "of the other family", "answered by another uplink", "in fragments", "refused",
		"let through by an address group", "told: no route", "told: nobody has the address", "told: prohibited", "told: nothing listens", "by a seed",
	}, func(t *rapid.T, seen map[string]int) {
		w := anyWorld(t)
		l := newLab(t, w)
		defer l.close()
		for n := range uint16(40) {
			from, p := w.anyMessage(t, n)
			var m memory
			to, got := l.exchange(from, p, &m)
			if m.refused != "" && w.hears(from, p, &m) {
				seen["told: "+string(m.refused)]++
			}
			if to == nobody {
				seen["lost"]++
				continue
			}
			seen["arrived"]++
			if got.src != p.src {
				seen["source translated"]++
			}
			if got.dst != p.dst {
				seen["destination translated"]++
			}
			if m.bySet {
				seen["let through by an address group"]++
			}
			if p.six() {
				seen["IPv6"]++
			}
			if w.virtual.is(got.dst) {
				seen["to a virtual address"]++
			}
			if to == far {
				seen["out by an uplink"]++
			}
			if from == far {
				seen["in by an uplink"]++
			}
			if p.fragments {
				seen["in fragments"]++
			}
			if got.six() != p.six() {
				seen["of the other family"]++
			}
			answer := got.reversed()
			if to == far {
				answer.by = w.anyUplink(t)
			}
			if l.world.refuses(t, p) {
				answer.refusal = true
			} else {
				answer.fragments = w.fragments(t)
			}
			if back, is := l.exchange(to, answer, &m); back != nobody {
				if back == from && to != from && w.answersComeBack() && !sameEnds(is, p.reversed()) {
					t.Fatalf("%s, of machine %d, is answered by %s\n%s%s", p, from, is, l.walk, w)
				}
				if answer.refusal {
					seen["refused"]++
				}
				seen["answered"]++
				if from == far && answer.by != p.by || to == far && l.lastUplink != answer.by {
					seen["answered by another uplink"]++
				}
			}
		}
		for i := range l.hosts {
			seen["by the way of another"] += l.hosts[i].followed
			seen["by a seed"] += l.hosts[i].begun
		}
	})
}

// putToTheTest checks a property, which counts what it has seen, until it has seen everything that is to be seen. What comes seldom may not come
// in the first hundred clouds.
func putToTheTest(t *testing.T, kinds []string, property func(*rapid.T, map[string]int)) {
	seen := map[string]int{}
	unseen := func(kind string) bool { return seen[kind] == 0 }
	for range 10 {
		rapid.Check(t, func(t *rapid.T) { property(t, seen) })
		if !slices.ContainsFunc(kinds, unseen) {
			break
		}
	}
	t.Logf("%v", seen)
	for _, kind := range kinds {
		if unseen(kind) {
			t.Errorf("nothing %s: the property was not put to the test", kind)
		}
	}
}

// exchange has the machine send the message, and fails the test unless it arrives where the model says, by one of equal routes.
func (l *lab) exchange(from int, p message, m *memory) (to int, got message) {
	to, got = l.sends(from, p)
	var could []string
	for choices := range uint(8) {
		now := memory{translated: slices.Clone(m.translated), tracked: m.tracked, turned: m.turned, choices: choices}
		wantAt, want := l.world.sends(from, p, &now)
		if to == wantAt && (to == nobody || sameEnds(got, want)) && l.hears(from, p, &now) {
			*m = now
			return to, got
		}
		if text := fmt.Sprintf("at machine %d as %s (%s)", wantAt, want, now.refused); !slices.Contains(could, text) {
			could = append(could, text)
		}
	}
	l.t.Fatalf("%s, of machine %d, arrives at machine %d as %s, and %v is told;\nwant %s\n%s%s", p, from, to, got, l.told, strings.Join(could, " or "), l.walk, l.world)
	return to, got
}

// answersComeBack reports whether answers come back by the routers that the messages came by, whoever speaks to whom: there is one, beside
// that at the edge, and what it knows inside does not go outside.
func (w *world) answersComeBack() bool { return len(w.routers) == 2 && len(w.routers[0].offOn) == 0 }

// hears reports whether the sender is told by routers what the model says, and nobody else is told anything.
func (l *lab) hears(from int, p message, m *memory) bool {
	if !l.world.hears(from, p, m) {
		return true
	}
	want := m.told(p)
	if want == [2]uint16{} {
		return len(l.told) == 0
	}
	about := p
	about.answer, about.by = false, 0
	return len(l.told) == 1 && l.told[0] == telling{from, want, about}
}

// anyMessage draws the n-th message, which is of no connection of the others, to something that is there, or to an address where nobody is.
func (w *world) anyMessage(t *rapid.T, n uint16) (from int, p message) {
	p = message{proto: rapid.SampledFrom([]string{"tcp", "udp", "sctp", "icmp"}).Draw(t, "protocol"), srcPort: 1025 + n,
		dstPort: rapid.SampledFrom([]uint16{80, 81, 8080, 8081}).Draw(t, "port")}
	from = rapid.IntRange(0, len(w.machines)-1).Draw(t, "from")
	if p.by = w.anyUplink(t); p.by >= 0 && rapid.IntRange(0, 4).Draw(t, "far") == 0 {
		from = far
	}
	six := rapid.IntRange(0, 2).Draw(t, "six") == 0
	six = six && len(w.addresses(from, true)) > 0
	p.src = rapid.SampledFrom(w.addresses(from, six)).Draw(t, "own")
	if from >= 0 && len(w.machines[from].pairs) > 0 && !six {
		p.src = rapid.SampledFrom([]netip.Addr{p.src, p.src, netip.MustParseAddr("10.0.1.99"), netip.MustParseAddr("198.51.100.9")}).Draw(t, "source")
	}
	p.dst = rapid.SampledFrom(w.destinations(from, six)).Draw(t, "to")
	if p.proto == "icmp" {
		p.srcPort, p.dstPort = 77+n, 77+n
	}
	p.fragments = w.fragments(t)
	return from, p
}

func (w *world) fragments(t *rapid.T) bool { return rapid.IntRange(0, 4).Draw(t, "fragments") == 4 }

// refuses draws whether the message's receiver answers with an error.
func (w *world) refuses(t *rapid.T, p message) bool {
	return !p.fragments && rapid.IntRange(0, 2).Draw(t, "refused") == 2
}

// anyUplink draws one that is up, -1 where none is.
func (w *world) anyUplink(t *rapid.T) int {
	var up []int
	for u, x := range w.uplinks {
		if !x.down {
			up = append(up, u)
		}
	}
	if len(up) == 0 {
		return -1
	}
	return rapid.SampledFrom(up).Draw(t, "uplink")
}

// destinations are the addresses that a machine may send to. Those outside do not speak to private addresses.
func (w *world) destinations(from int, six bool) []netip.Addr {
	outside := from == 0 || from == far
	var all []netip.Addr
	if from != far {
		all = append(all, nth(w.machines[from].network, six, 99), nth(w.machines[from].network, six, 1), farAddress(six))
	}
	for m := range w.machines {
		if m != from && (!outside || six) {
			all = append(all, w.addresses(m, six)...)
		}
	}
	if w.virtual.network > 0 && (!outside || six) && (!six || w.networks[w.virtual.network].dual) {
		all = append(all, w.virtual.address(six), w.virtual.address(six))
	}
	for _, f := range w.floating {
		if f.six == six {
			all = append(all, f.address(), f.address())
		}
	}
	if six {
		return append(all, nth(0, true, 99))
	}
	for _, f := range w.forwardings {
		all = append(all, f.address())
	}
	for r, x := range w.routers {
		if x.gateway {
			all = append(all, nth(0, false, 10+r))
		}
	}
	if !outside {
		all = append(all, netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.200"))
	}
	return append(all, nth(0, false, 99))
}
