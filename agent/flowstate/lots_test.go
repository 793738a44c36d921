package flowstate

import (
	"testing"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// TestAPortIsFreeForItsConnection, whose way back is remembered for longer than what led to it, and not for another one to the same destination.
func TestAPortIsFreeForItsConnection(t *testing.T) {
	table := open(t, Config{Size: 64})
	c := conn(1)
	back := flow.State{Key: flow.StateKey{Kind: flow.StateSNAT, Device: router, Conn: c}, Value: flow.StateValue{Addr: public, Port: 1026}}.WayBack()
	if _, err := table.Put(userOf(port, 1), []flow.State{back}, nil, start); err != nil {
		t.Fatal(err)
	}
	other := c
	other.SrcPort++
	for of, want := range map[flow.Conn]bool{c: true, other: false} {
		if free := table.IsFree(router, public, 1026, of); free != want {
			t.Errorf("the port is free for %v: %v, want %v", of, free, want)
		}
	}
	if !table.IsFree(router, public, 1027, other) {
		t.Error("the next port is not free")
	}
}

// TestLots takes and returns lots while connections begin and end: nobody else has a lot's ports for its destination, and in the end all are free.
func TestLots(t *testing.T) {
	lots, given := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		now := start
		table := open(t, Config{Size: 4096, Random: func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "start") }})
		table.SetBlocks([]*topology.NATBlock{natBlock(1024), natBlock(4096)}, now)
		held := map[*Lot]bool{}
		of := func(port uint16) (n int) {
			for l := range held {
				for _, p := range l.Ports {
					if p == port {
						n++
					}
				}
			}
			return n
		}
		used := map[uint16]int{} // by connections
		live := map[int]uint16{}
		for n := range rapid.IntRange(1, 150).Draw(r, "steps") {
			c := conn(n)
			c.DstPort = uint16(rapid.IntRange(1, 3).Draw(r, "destination port"))
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0:
				l := table.NewLot(PortRange{router, public, 1030, 65535}, c.Proto, c.Dst, rapid.IntRange(1, 64).Draw(r, "most"))
				if l == nil {
					continue
				}
				lots++
				for _, p := range l.Ports {
					if of(p) > 0 || used[p] > 0 || p < 1030 || p > 1087 && p < 4096 || p > 4159 {
						r.Fatalf("port %d of a lot has %d connections, and is in %d others", p, used[p], of(p))
					}
				}
				held[l] = true
			case 1:
				for l := range held {
					table.Return(l)
					delete(held, l)
					break
				}
			case 2:
				for i, p := range live {
					table.Remove([]uint32{uint32(i)}, now)
					now = now.Add(Idle + PortRest)
					sweepAll(table, now)
					used[p]--
					delete(live, i)
					break
				}
			default:
				port, ok := table.FreePort(router, public, 1024, 65535, c)
				if !ok {
					continue
				}
				if of(port) > 0 {
					r.Fatalf("port %d of a lot is given", port)
				}
				given++
				put(t, table, userOf(topology.PortID{1}, n), now, snat(c, port)...)
				live[n] = port
				used[port]++
			}
		}
		for l := range held {
			table.Return(l)
		}
		for i := range live {
			table.Remove([]uint32{uint32(i)}, now)
		}
		sweepAll(table, now.Add(Idle+PortRest))
		if b := &table.blocks; len(b.used)+len(b.taken)+len(b.ends) > 0 {
			r.Fatalf("when nothing is left these are: %v, %v, %v", b.used, b.taken, b.ends)
		}
	})
	if lots == 0 || given == 0 {
		t.Errorf("%d lots and %d ports were given", lots, given)
	}
}
