package flowstate

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/topology"
)

func natBlock(first uint16) *topology.NATBlock {
	return topology.NewNATBlock(router, public, first, topology.HostID{1})
}

// TestFreePort gives out ports for random connections, some of which end: no two that live have the same way back.
func TestFreePort(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		table := open(t, Config{Size: 4096, Random: func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "start") }})
		table.SetBlocks([]*topology.NATBlock{natBlock(1024), natBlock(4096)}, start)
		type way struct {
			proto uint8
			dst   netip.AddrPort
			port  uint16
		}
		taken := map[way]bool{}
		for n := range rapid.IntRange(1, 200).Draw(r, "connections") {
			c := conn(n)
			c.Proto = rapid.SampledFrom([]uint8{packet.ProtoTCP, packet.ProtoUDP, packet.ProtoICMP}).Draw(r, "proto")
			c.DstPort = uint16(rapid.IntRange(1, 2).Draw(r, "destination port"))
			if c.Proto == packet.ProtoICMP {
				c.DstPort = c.SrcPort
			}
			port, ok := table.FreePort(router, public, 1024, 65535, c)
			if !ok {
				continue
			}
			if port < 1024 || port > 1087 && port < 4096 || port > 4159 {
				r.Fatalf("port %d is of no block", port)
			}
			w := way{c.Proto, netip.AddrPortFrom(c.Dst, c.DstPort), port}
			if c.Proto == packet.ProtoICMP {
				w.dst = netip.AddrPortFrom(c.Dst, port)
			}
			if taken[w] {
				r.Fatalf("%+v is taken", w)
			}
			taken[w] = true
			put(t, table, userOf(topology.PortID{1}, n), start, translated(c, port)...)
		}
	})
}

// translated is snat with the identifier of ICMP in both places.
func translated(c flow.Conn, port uint16) []flow.State {
	states := snat(c, port)
	if c.Proto == packet.ProtoICMP {
		states[1].Key.Conn.SrcPort = port
	}
	return states
}

// TestPortsRunOut uses every port of a block for one destination; another destination has them all again.
func TestPortsRunOut(t *testing.T) {
	table := open(t, Config{Size: 4096})
	table.SetBlocks([]*topology.NATBlock{natBlock(1024)}, start)
	for round := range 2 {
		for n := range topology.NATBlockSize {
			c := conn(round<<16 + n)
			port, ok := table.FreePort(router, public, 1024, 65535, c)
			if !ok {
				t.Fatalf("connection %d of round %d has no port", n, round)
			}
			put(t, table, userOf(topology.PortID{1}, round<<16+n), start, snat(c, port)...)
		}
		if port, ok := table.FreePort(router, public, 1024, 65535, conn(round<<16+99)); ok {
			t.Fatalf("port %d was given twice", port)
		}
	}
	table.Remove([]uint32{5}, start)
	sweepAll(table, start.Add(Idle+PortRest))
	if _, ok := table.FreePort(router, public, 1024, 65535, conn(99)); !ok {
		t.Error("the port of a connection that has ended is not free")
	}
}

func TestFreePortKeepsToItsRange(t *testing.T) {
	table := open(t, Config{Size: 16})
	c := conn(1)
	if port, ok := table.FreePort(router, public, 1, 65535, c); ok {
		t.Errorf("port %d without a block", port)
	}
	table.SetBlocks([]*topology.NATBlock{natBlock(1024)}, start)
	for range 20 {
		if port, ok := table.FreePort(router, public, 1030, 1031, c); !ok || port < 1030 || port > 1031 {
			t.Fatalf("port %d, %v, want 1030 or 1031", port, ok)
		}
	}
	if port, ok := table.FreePort(router, public, 2000, 3000, c); ok {
		t.Errorf("port %d is not of 2000 to 3000", port)
	}
	if port, ok := table.FreePort(topology.RouterID{9}, public, 1, 65535, c); ok {
		t.Errorf("port %d is of another router", port)
	}
}

// TestPortsAreNotInOrder looks at where the search for a port starts when nobody chooses it.
func TestPortsAreNotInOrder(t *testing.T) {
	table := open(t, Config{Size: 16})
	table.SetBlocks([]*topology.NATBlock{natBlock(1024), natBlock(2048)}, start)
	seen := map[uint16]bool{}
	for range 1000 {
		port, _ := table.FreePort(router, public, 1024, 65535, conn(1))
		seen[port] = true
	}
	if len(seen) < 100 { // of 128: fewer than 100 would come by chance once in more years than there were
		t.Errorf("%d different ports in 1000 tries, want nearly all of 128", len(seen))
	}
}

// TestIdleBlocks gives a block back when no connection has used it for long, and not sooner.
func TestIdleBlocks(t *testing.T) {
	table := open(t, Config{Size: 64})
	held := []*topology.NATBlock{natBlock(1024), natBlock(2048)}
	table.SetBlocks(held, start)
	key := userOf(topology.PortID{1}, 1)
	put(t, table, key, start, snat(conn(1), 1030)...)
	expectBlocks := func(now time.Time, want ...uint16) {
		t.Helper()
		kept := map[uint16]bool{}
		for _, b := range table.Blocks(now) {
			kept[b.First] = true
		}
		for _, first := range want {
			if !kept[first] {
				t.Errorf("block %d is given back", first)
			}
		}
		if len(kept) != len(want) {
			t.Errorf("blocks %v are kept, want %v", kept, want)
		}
	}
	expectBlocks(start.Add(BlockIdle-1), 1024, 2048)
	expectBlocks(start.Add(BlockIdle), 1024)
	table.SetBlocks(held, start.Add(BlockIdle)) // the cluster has not heard yet
	for range 100 {
		if port, ok := table.FreePort(router, public, 1024, 65535, conn(2)); !ok || port > 1087 {
			t.Fatalf("port %d, %v: the block was given back", port, ok)
		}
	}
	table.SetBlocks(held[:1], start.Add(BlockIdle))
	table.SetBlocks(held, start.Add(BlockIdle)) // and was leased once more
	expectBlocks(start.Add(BlockIdle), 1024, 2048)

	end := start.Add(time.Hour)
	expectBlocks(end, 1024)
	table.Remove([]uint32{key.Flow}, end)
	end = end.Add(Idle + PortRest)
	sweepAll(table, end)
	expectBlocks(end, 1024) // from now on it is idle
	expectBlocks(end.Add(BlockIdle-1), 1024)
	expectBlocks(end.Add(BlockIdle))
}

// TestAPortIsGivenAgainWhenNobodyRemembersWhoHadIt looks, at every sweep after a connection has ended, whether another one would get its port while
// the host of the answers would still send these to who had it.
func TestAPortIsGivenAgainWhenNobodyRemembersWhoHadIt(t *testing.T) {
	const port = 1030
	owner, other := newHost(t), newHost(t)
	owner.SetBlocks([]*topology.NATBlock{natBlock(1024)}, start)
	states := snat(conn(1), port)
	if _, err := owner.Put(userOf(topology.PortID{1}, 1), states, []netip.Addr{peerA}, start); err != nil {
		t.Fatal(err)
	}
	ended := start.Add(Refresh)
	for _, frame := range owner.Message(sweepAll(owner, ended)[peerA], 1500) {
		learn(t, other, frame, ended)
	}
	owner.Remove([]uint32{1}, ended)
	for at := ended; at.Before(ended.Add(BlockIdle)); at = at.Add(5 * time.Second) {
		sweepAll(owner, at)
		if _, free := owner.FreePort(router, public, port, port, conn(2)); free {
			if _, remembered := other.Value(states[1].Key); remembered {
				t.Errorf("%v after its connection the port is given again, and the other host remembers who had it", at.Sub(ended))
			}
			return
		}
		sweepAll(other, at)
	}
	t.Error("the port is not given again")
}

// TestABlockIsAskedForAhead: where a destination has less than a block left, another is to be had, which is said once; with two, only when
// the first of them is used up.
func TestABlockIsAskedForAhead(t *testing.T) {
	table := open(t, Config{Size: 4096})
	want := PortRange{router, public, 1024, 65535}
	used := 0
	use := func(count int) {
		t.Helper()
		for range count {
			port, ok := table.FreePort(router, public, 1024, 65535, conn(used))
			if !ok {
				t.Fatalf("connection %d has no port", used)
			}
			put(t, table, userOf(topology.PortID{1}, used), start, snat(conn(used), port)...)
			used++
		}
	}
	table.SetBlocks([]*topology.NATBlock{natBlock(1024)}, start)
	use(2)
	if got := table.Scarce(); len(got) != 1 || got[0] != want || table.Scarce() != nil {
		t.Errorf("with one block: %v, want %v once", got, want)
	}
	table.SetBlocks([]*topology.NATBlock{natBlock(1024), natBlock(4096)}, start)
	use(topology.NATBlockSize - 10)
	if got := table.Scarce(); got != nil {
		t.Errorf("with more than a block left: %v", got)
	}
	use(topology.NATBlockSize)
	if got := table.Scarce(); len(got) != 1 || got[0] != want {
		t.Errorf("with less than a block left: %v, want %v", got, want)
	}
}
