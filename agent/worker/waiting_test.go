package worker

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"midonet.org/midonet/agent/datapath"
	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// neighbourWant is a want of the n-th address on the link of a port.
func neighbourWant(port topology.PortID, n int) sim.Want {
	return sim.Want{Neighbour: sim.NeighbourWant{Port: port, Addr: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})}}
}

func held(port topology.PortID, text string) datapath.Miss {
	return datapath.Miss{InPort: port, Frame: []byte(text)}
}

func TestPacketsWaitInOrderAndOnce(t *testing.T) {
	q, now := newWaiting(), time.Now()
	in, link := id.New[topology.Port](), id.New[topology.Port]()
	addr := netip.MustParseAddr("10.0.0.1")
	tag, change := flow.AddrTag(flow.TagNeighbour, link, addr), flow.HostTag(flow.TagNeighbour, link, addr)
	r := sim.Result{Wants: []sim.Want{neighbourWant(link, 1)}, Tags: []flow.Tag{tag, tag}}
	buffer := []byte("one")
	if first, kept := q.add(datapath.Miss{InPort: in, Frame: buffer}, &r, now); !first || !kept {
		t.Fatalf("the first packet: first %v, kept %v", first, kept)
	}
	copy(buffer, "xxx") // the datapath uses its buffer again
	if first, kept := q.add(held(in, "two"), &r, now); first || !kept {
		t.Fatalf("the second packet: first %v, kept %v", first, kept)
	}
	if got := q.touched([]flow.Tag{flow.HostTag(flow.TagNeighbour, link, addr.Next())}); got != nil {
		t.Errorf("another tag let %d packets go", len(got))
	}
	got := q.touched([]flow.Tag{change})
	if len(got) != 2 || string(got[0].Frame) != "one" || string(got[1].Frame) != "two" {
		t.Errorf("released %v", got)
	}
	if q.load != (load{}) || len(q.rooms) != 0 || len(q.lines) != 0 {
		t.Errorf("left behind: %v, %v, %v", q.load, q.rooms, q.lines)
	}
}

func TestBoundsOnWaiting(t *testing.T) {
	q, now := newWaiting(), time.Now()
	link := id.New[topology.Port]()
	greedy := id.New[topology.Port]()
	keeps := func(port topology.PortID, want sim.Want) bool {
		_, ok := q.add(held(port, "x"), &sim.Result{Wants: []sim.Want{want}}, now)
		return ok
	}
	for n := range maxWaitingPerRoom {
		if !keeps(greedy, neighbourWant(link, n)) {
			t.Fatalf("packet %d of a port was refused", n+1)
		}
	}
	if keeps(greedy, neighbourWant(link, 4000)) {
		t.Errorf("packet %d of a port was kept", maxWaitingPerRoom+1)
	}
	if !keeps(greedy, sim.Want{Router: id.New[topology.Router]()}) {
		t.Error("who scans a network keeps others behind its port from a router")
	}
	for n := range maxWaitingPerWant {
		if !keeps(id.New[topology.Port](), neighbourWant(link, 4001)) {
			t.Fatalf("packet %d for one address was refused", n+1)
		}
	}
	if keeps(id.New[topology.Port](), neighbourWant(link, 4001)) {
		t.Errorf("packet %d for one address was kept", maxWaitingPerWant+1)
	}
}

// TestRoomsShareWhatMayWait has one port after the other fill its room, with the smallest packets and with the largest: what all of them take is
// bounded, and after hundreds of them, which is more than a host has that flood, one that has nothing still finds room.
func TestRoomsShareWhatMayWait(t *testing.T) {
	for name, of := range map[string]struct {
		octets, alone, ports int
	}{
		"small": {64, maxWaitingPerRoom, 450},
		"large": {64<<10 - waitingOverhead, maxOctetsPerRoom / (64 << 10), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			q, now, link, asked := newWaiting(), time.Now(), id.New[topology.Port](), 0
			fill := func(octets int) (kept int) {
				port := id.New[topology.Port]()
				for range 2 * maxWaitingPerRoom {
					asked++
					r := sim.Result{Wants: []sim.Want{neighbourWant(link, asked)}}
					if _, ok := q.add(held(port, strings.Repeat("x", octets)), &r, now); ok {
						kept++
					}
				}
				return kept
			}
			if n := fill(of.octets); n != of.alone {
				t.Fatalf("one port has %d packets waiting, want %d", n, of.alone)
			}
			for range of.ports {
				fill(of.octets)
			}
			if used := q.load.octets; used > maxWaitingOctets || used < maxWaitingOctets*8/10 {
				t.Errorf("%d octets wait, of %d", used, maxWaitingOctets)
			}
			if n := fill(64); n < maxWaitingPerRoom/2 {
				t.Errorf("a port that had nothing waiting finds room for %d small packets", n)
			}
			for want := range q.lines {
				q.take(want)
			}
			if q.load != (load{}) || len(q.rooms) != 0 {
				t.Errorf("when all are gone there is %v left, and %d rooms", q.load, len(q.rooms))
			}
		})
	}
}

// TestKindsOfWantsHaveRoomsOfTheirOwn: what fills the room of one is in nobody's way that waits for something else.
func TestKindsOfWantsHaveRoomsOfTheirOwn(t *testing.T) {
	in := id.New[topology.Port]()
	rooms := map[room]bool{}
	for _, want := range []sim.Want{neighbourWant(in, 1), {Block: sim.BlockWant{Router: id.New[topology.Router]()}}, {Router: id.New[topology.Router]()},
		{First: sim.Datagram{InPort: in}}, {Arrival: in}} {
		rooms[room{in, want.Kind()}] = true
	}
	if len(rooms) != 5 {
		t.Errorf("%d rooms for 5 kinds", len(rooms))
	}
}

func TestAskingAgainAndGivingUp(t *testing.T) {
	q, now := newWaiting(), time.Now()
	in := id.New[topology.Port]()
	r := sim.Result{Wants: []sim.Want{neighbourWant(in, 1)}}
	q.add(held(in, "x"), &r, now)
	if again, givenUp := q.overdue(now.Add(wantInterval - 1)); again != nil || givenUp != nil {
		t.Errorf("too early: %v, %v", again, givenUp)
	}
	for ask := 2; ask <= maxAsks; ask++ {
		now = now.Add(wantInterval)
		if again, givenUp := q.overdue(now); len(again) != 1 || again[0] != r.Wants[0] || givenUp != nil {
			t.Fatalf("ask %d: %v, %v", ask, again, givenUp)
		}
	}
	now = now.Add(wantInterval)
	if again, givenUp := q.overdue(now); again != nil || len(givenUp) != 1 {
		t.Errorf("after %d asks: %v, %v", maxAsks, again, givenUp)
	}
	if q.load != (load{}) {
		t.Errorf("%v waits for what was given up", q.load)
	}
}

func TestABlockReleasesWhoWaitsForIt(t *testing.T) {
	q, now := newWaiting(), time.Now()
	in, router, addr := id.New[topology.Port](), id.New[topology.Router](), netip.MustParseAddr("203.0.113.5")
	r := sim.Result{Wants: []sim.Want{{Block: sim.BlockWant{Router: router, Addr: addr, First: 1024, Last: 65535}}}}
	q.add(held(in, "x"), &r, now)
	if got := q.blocked(topology.NewNATBlock(router, addr.Next(), 1024, topology.HostID{})); got != nil {
		t.Error("a block of another address released the packet")
	}
	if got := q.blocked(topology.NewNATBlock(router, addr, 1024, topology.HostID{})); len(got) != 1 {
		t.Errorf("released %d packets, want 1", len(got))
	}
}

// TestABlockIsAskedForAheadNowAndThen: where none comes, each connection asks for one more, and one in a second is heard.
func TestABlockIsAskedForAheadNowAndThen(t *testing.T) {
	w, now := newRig(t, 2).Worker, time.Now()
	want := sim.BlockWant{Router: id.New[topology.Router](), Addr: netip.MustParseAddr("203.0.113.5"), First: 1024, Last: 65535}
	asks := func(after time.Duration) bool {
		w.wantAhead(want, now.Add(after))
		select {
		case <-w.leases:
			delete(w.leasing, want) // as when no block came
			return true
		default:
			return false
		}
	}
	for _, at := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {0, false}, {wantInterval - 1, false}, {wantInterval, true}, {wantInterval + 1, false}} {
		if got := asks(at.after); got != at.want {
			t.Errorf("after %v: asked %v, want %v", at.after, got, at.want)
		}
	}
}
