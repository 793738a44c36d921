package reference

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestPacketsArriveWhereTheModelSays sends messages through random clouds, and answers to those that arrive.
func TestPacketsArriveWhereTheModelSays(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		l := newLab(t, w)
		for range 16 {
			from, p := w.anyMessage(t)
			var m memory
			to, got := l.exchange(from, p, &m)
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
			if p.six() {
				seen["IPv6"]++
			}
			if back, _ := l.exchange(to, got.reversed(), &m); back != nobody {
				seen["answered"]++
			}
		}
	})
	t.Logf("%v", seen)
	for _, kind := range []string{"lost", "arrived", "source translated", "destination translated", "IPv6", "answered"} {
		if seen[kind] == 0 {
			t.Errorf("no message was %s: the property was not put to the test", kind)
		}
	}
}

// exchange has the machine send the message, and fails the test unless it arrives where the model says.
func (l *lab) exchange(from int, p message, m *memory) (to int, got message) {
	wantAt, want := l.world.sends(from, p, m)
	to, got = l.sends(from, p)
	if to != wantAt || to != nobody && !sameEnds(got, want) {
		l.t.Fatalf("%s, of machine %d, arrives at machine %d as %s;\nwant at machine %d as %s\n%s", p, from, to, got, wantAt, want, l.world)
	}
	return to, got
}

// anyMessage draws a message to something that is there, or to an address where nobody is.
func (w *world) anyMessage(t *rapid.T) (from int, p message) {
	from = rapid.IntRange(0, len(w.machines)-1).Draw(t, "from")
	six := w.networks[w.machines[from].network].dual && rapid.IntRange(0, 2).Draw(t, "six") == 0
	p = message{proto: rapid.SampledFrom([]string{"tcp", "udp", "icmp"}).Draw(t, "protocol"), srcPort: 1025,
		dstPort: rapid.SampledFrom([]uint16{80, 81, 8080}).Draw(t, "port")}
	p.src, _ = w.address(from, six)
	if pairs := w.machines[from].pairs; len(pairs) > 0 && !six && rapid.IntRange(0, 5).Draw(t, "another's") == 0 {
		p.src = netip.MustParseAddr("10.0.1.99")
	}
	p.dst = rapid.SampledFrom(w.destinations(from, six)).Draw(t, "to")
	if p.proto == "icmp" {
		p.srcPort, p.dstPort = 77, 77
	}
	return from, p
}

// destinations are the addresses that a machine may send to. The one outside does not speak to private addresses.
func (w *world) destinations(from int, six bool) []netip.Addr {
	all := []netip.Addr{nth(w.machines[from].network, six, 99)}
	for m := range w.machines {
		if a, ok := w.address(m, six); ok && m != from && (from != 0 || six) {
			all = append(all, a)
		}
	}
	if six {
		return all
	}
	for _, f := range w.floating {
		all = append(all, w.floatingAddress(f.n))
	}
	for _, f := range w.forwardings {
		all = append(all, w.floatingAddress(f.n))
	}
	if from != 0 {
		all = append(all, netip.MustParseAddr("198.51.100.7"))
	}
	return all
}
