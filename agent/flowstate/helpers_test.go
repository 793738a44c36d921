package flowstate

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/packet"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

var (
	start  = time.Unix(1_000_000, 0)
	port   = topology.PortID{1}
	router = topology.RouterID{2}
	public = netip.MustParseAddr("203.0.113.9")
	peerA  = netip.MustParseAddr("192.0.2.1")
	peerB  = netip.MustParseAddr("fd00::2")
)

func open(t testing.TB, c Config) *Table {
	t.Helper()
	table, err := Open(c, start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// userOf is the flow with the number, of a port.
func userOf(in topology.PortID, n int) User {
	return User{InPort: in, Flow: uint32(n)}
}

// conn is the n-th connection to a destination outside.
func conn(n int) flow.Conn {
	var dst [4]byte
	binary.BigEndian.PutUint32(dst[:], 0xc6336400+uint32(n>>16))
	return flow.Conn{
		Proto: packet.ProtoTCP, Src: netip.MustParseAddr("10.0.0.3"), Dst: netip.AddrFrom4(dst),
		SrcPort: uint16(n), DstPort: 443,
	}
}

// returns is the state by which answers to the n-th connection are known.
func returns(n int) flow.State {
	return flow.State{Key: flow.StateKey{Kind: flow.StateReturn, Device: [16]byte{3}, Conn: conn(n).Reverse()}}
}

// snat is the translation of c to a port of the public address, in both directions.
func snat(c flow.Conn, translated uint16) []flow.State {
	out := c
	out.Src, out.SrcPort = public, translated
	return []flow.State{
		{
			Key:   flow.StateKey{Kind: flow.StateSNAT, Device: router, Conn: c},
			Value: flow.StateValue{Addr: public, Port: translated},
		}, {
			Key:   flow.StateKey{Kind: flow.StateReverseSNAT, Device: router, Conn: out.Reverse()},
			Value: flow.StateValue{Addr: c.Src, Port: c.SrcPort},
		},
	}
}

func put(t testing.TB, table *Table, user User, now time.Time, states ...flow.State) {
	t.Helper()
	if _, err := table.Put(user, states, nil, now); err != nil {
		t.Fatal(err)
	}
}

// expectValues checks that the table has exactly these states.
func expectValues(t testing.TB, table *Table, states ...flow.State) {
	t.Helper()
	for _, s := range states {
		if v, ok := table.Value(s.Key); !ok || v != s.Value {
			t.Errorf("%+v has %+v, %v, want %+v", s.Key, v, ok, s.Value)
		}
	}
	if n := table.Stats().States; n != len(states) {
		t.Errorf("%d states, want %d", n, len(states))
	}
}

// sweepAll looks at every slot, some at a time, and returns what is to be told by the peers' addresses.
func sweepAll(table *Table, now time.Time) map[netip.Addr][]flow.State {
	told := map[netip.Addr][]flow.State{}
	for last := false; !last; {
		var due []Due
		due, last = table.Sweep(now, 3)
		for _, d := range due {
			for _, p := range d.Peers {
				told[p] = append(told[p], d.States...)
			}
		}
	}
	return told
}

// newHost is the table of another host.
func newHost(t testing.TB) *Table {
	return open(t, Config{Size: 1024, Host: id.New[topology.Host]()})
}

func learn(t testing.TB, table *Table, frame []byte, now time.Time) []flow.State {
	t.Helper()
	return hear(t, table, frame, now).News
}

func hear(t testing.TB, table *Table, frame []byte, now time.Time) Heard {
	t.Helper()
	heard, err := table.Learn(frame, now)
	if err != nil {
		t.Fatal(err)
	}
	return heard
}
