package worker

import (
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/agent/sim"
	"midonet.org/midonet/agent/view/viewtest"
	"midonet.org/midonet/id"
	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

func TestFoundNeighbours(t *testing.T) {
	table, host, now := newFoundTable(), id.New[topology.Host](), time.Now()
	r := sim.Resolved{Router: id.New[topology.Router](), Port: id.New[topology.Port](), Addr: netip.MustParseAddr("10.0.0.9"),
		MAC: mac.MustParse("02:00:00:00:00:09")}
	record := news(table, r, host, now)
	if record == nil || record.MAC != r.MAC || record.Host != host || !table.owns(record) {
		t.Fatalf("found %+v", record)
	}
	if again := news(table, r, host, now.Add(foundStale-time.Second)); again != nil {
		t.Error("the same neighbour is news")
	}
	if gone, stale := table.expire(now.Add(foundStale)); len(gone.Deletes)+len(stale) > 0 {
		t.Errorf("a neighbour that was seen since: %v, %v", gone, stale)
	}
	seen := now.Add(foundStale - time.Second)
	_, stale := table.expire(seen.Add(foundStale))
	if len(stale) != 1 || stale[0] != (sim.NeighbourWant{Router: r.Router, Port: r.Port, Addr: r.Addr}) {
		t.Errorf("to be asked: %v", stale)
	}
	r.MAC[5] = 0x0a
	if moved := news(table, r, host, seen); moved == nil || moved.MAC != r.MAC || moved.Key() != record.Key() {
		t.Errorf("a neighbour with another MAC: %+v", moved)
	}
	gone, _ := table.expire(seen.Add(foundLife))
	if len(gone.Deletes) != 1 || gone.Deletes[0] != record.Key() || len(table.ports) != 0 {
		t.Errorf("after its life: %v, %v", gone, table.ports)
	}
}

// unneeded are neighbours that nobody needs.
var unneeded = needs{
	hops:  func(topology.RouterID, topology.PortID) []netip.Addr { return nil },
	inUse: func(link) bool { return false },
}

// crowd is a link of which as many neighbours were found as are kept, the n-th with the address 10.1.n and the station that station names.
type crowd struct {
	*foundTable
	sim.Resolved
	host topology.HostID
}

func newCrowd(station func(n int) mac.Addr, now time.Time) *crowd {
	c := &crowd{newFoundTable(), sim.Resolved{Port: id.New[topology.Port]()}, id.New[topology.Host]()}
	for n := range maxFoundPerPort {
		if record, gone := c.tells(n, station(n), now.Add(time.Duration(n)), unneeded); record == nil || gone != nil {
			panic("there is no room for what there is to be room for")
		}
	}
	return c
}

func crowdAddr(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}) }

func (c *crowd) tells(n int, station mac.Addr, now time.Time, use needs) (record, gone *topology.RouterNeighbour) {
	c.Addr, c.MAC = crowdAddr(n), station
	return c.find(c.Resolved, c.host, now, use)
}

func sameStation(int) mac.Addr { return stationMAC(1) }

// TestNewNeighboursTakeThePlaceOfOld fills a link's table: what is told beyond that takes the place of another, and there are never more.
func TestNewNeighboursTakeThePlaceOfOld(t *testing.T) {
	now := time.Now()
	for name, of := range map[string]struct {
		station func(int) mac.Addr
		teller  mac.Addr
		after   time.Duration
		use     needs
		want    int // whose place it takes; -1: nobody's
	}{
		"a station that has all of them, again":  {sameStation, stationMAC(1), foundHold / 2, unneeded, -1},
		"… when its oldest has been for a while": {sameStation, stationMAC(1), foundHold, unneeded, 0},
		"another station":                        {sameStation, stationMAC(2), foundHold / 2, unneeded, 0},
		"each a station of its own":              {stationMAC, stationMAC(5000), foundHold / 2, unneeded, -1},
		"… when the oldest has been for a while": {stationMAC, stationMAC(5000), foundHold, unneeded, 0},
		"those that flows use, and next hops": {stationMAC, stationMAC(5000), 2 * foundHold, needs{
			hops:  func(topology.RouterID, topology.PortID) []netip.Addr { return []netip.Addr{crowdAddr(1)} },
			inUse: func(at link) bool { return at.Addr == crowdAddr(0) },
		}, 2},
		"all are used": {stationMAC, stationMAC(5000), 2 * foundHold, needs{unneeded.hops, func(link) bool { return true }}, 0},
		"a next hop": {stationMAC, stationMAC(5000), foundHold / 2, needs{
			hops:  func(topology.RouterID, topology.PortID) []netip.Addr { return []netip.Addr{crowdAddr(9999)} },
			inUse: func(link) bool { return true },
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(of.station, now)
			record, gone := c.tells(9999, of.teller, now.Add(of.after), of.use)
			switch {
			case of.want < 0 && (record != nil || gone != nil):
				t.Errorf("%v took the place of %v", record, gone)
			case of.want >= 0 && (record == nil || gone == nil || gone.Addr != crowdAddr(of.want)):
				t.Errorf("%v took the place of %v, want of %s", record, gone, crowdAddr(of.want))
			}
			if len(c.byLink) != maxFoundPerPort || len(c.ports[c.Port].byAddr) != maxFoundPerPort {
				t.Errorf("there are %d", len(c.byLink))
			}
		})
	}
}

// TestAFloodOfNeighboursStaysAmongItself has a station tell of a hundred thousand addresses in a second, while a few others tell of theirs: those
// are known, and stay.
func TestAFloodOfNeighboursStaysAmongItself(t *testing.T) {
	now, changes := time.Now(), 0
	c := newCrowd(sameStation, now)
	for n := range 100_000 {
		now = now.Add(10 * time.Microsecond)
		if record, _ := c.tells(2000+n%60_000, stationMAC(1), now, unneeded); record != nil {
			changes++
		}
		if n%10_000 == 0 {
			if record, _ := c.tells(n/10_000+65_000, stationMAC(100+n), now, unneeded); record == nil {
				t.Fatalf("another station is not heard after %d", n)
			}
		}
	}
	for n := range 10 {
		if c.byLink[link{c.Port, crowdAddr(n + 65_000)}] == nil {
			t.Errorf("station %d was forgotten", n)
		}
	}
	if changes > maxFoundPerPort {
		t.Errorf("the flood changed %d neighbours in a second", changes)
	}
}

// news returns what finding it says to those who ask for no room.
func news(t *foundTable, r sim.Resolved, host topology.HostID, now time.Time) *topology.RouterNeighbour {
	record, _ := t.find(r, host, now, unneeded)
	return record
}

// TestAMachineOutsideCannotHoldTheUplink has one at an uplink's link answer for more addresses than are kept, as a proxy of a whole /16 would. The
// next hop's address, which nothing but routes needs, stays known; what the machine says last is known too, and the view has what is reported.
func TestAMachineOutsideCannotHoldTheUplink(t *testing.T) {
	r := newTextRig(t, 64, `
router edge
rport up edge fa:16:3e:aa:00:02 172.16.0.1/16 key 22
bind up h1 tap0
active up h1
route edge 0.0.0.0/0 port up via 172.16.0.2
`)
	up := viewtest.ID[topology.Port]("up")
	tells := func(n int, station mac.Addr) netip.Addr {
		addr := netip.AddrFrom4([4]byte{172, 16, byte(n >> 8), byte(n)})
		reply := packet.ARP{Operation: packet.ARPReply, SenderMAC: station, SenderIP: addr, TargetMAC: mac.MustParse("fa:16:3e:aa:00:02"),
			TargetIP: netip.MustParseAddr("172.16.0.1")}
		r.miss(endpoint{port: up}, reply.Frame(station, reply.TargetMAC))
		return addr
	}
	gateway := tells(2, stationMAC(1))
	for n := range 3 * maxFoundPerPort {
		r.clock.advance(10 * time.Millisecond)
		tells(16+n, stationMAC(1))
	}
	r.clock.advance(foundHold)
	last := tells(5000, stationMAC(1))
	for _, addr := range []netip.Addr{gateway, last} {
		if _, known := r.view.RouterNeighbour(up, addr); !known {
			t.Errorf("%s is not known", addr)
		}
	}
	reported := r.Facts().Found
	if len(reported) != maxFoundPerPort {
		t.Errorf("%d neighbours are reported, want %d", len(reported), maxFoundPerPort)
	}
	for _, n := range reported {
		if r.view.Object(n.Key()) != topology.Object(n) {
			t.Errorf("%s is reported and not in the view", n.Addr)
		}
	}
	known := 0
	for o := range r.view.Objects() {
		if _, ok := o.(*topology.RouterNeighbour); ok {
			known++
		}
	}
	if known != len(reported) {
		t.Errorf("the view has %d neighbours", known)
	}
}
