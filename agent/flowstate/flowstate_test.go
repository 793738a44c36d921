package flowstate

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/errs"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

var addrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestStateLivesWithItsFlows(t *testing.T) {
	table := open(t, Config{Size: 16})
	s, a, b := returns(1), userOf(port, 1), userOf(port, 2)
	put(t, table, a, start, s)
	put(t, table, b, start, s)
	later := start.Add(24 * time.Hour)
	table.Remove([]uint32{a.Flow, 9}, later)
	sweepAll(table, later.Add(24*time.Hour))
	expectValues(t, table, s)
	end := later.Add(48 * time.Hour)
	table.Remove([]uint32{b.Flow, b.Flow}, end)
	sweepAll(table, end.Add(Idle-time.Nanosecond))
	expectValues(t, table, s)
	sweepAll(table, end.Add(Idle))
	expectValues(t, table)
}

// TestPutAgain installs a flow anew with other states: the ones that it used before are let go of.
func TestPutAgain(t *testing.T) {
	table := open(t, Config{Size: 16})
	key := userOf(port, 1)
	put(t, table, key, start, returns(1), returns(2))
	put(t, table, key, start, returns(2), returns(3), returns(3))
	sweepAll(table, start.Add(Idle))
	expectValues(t, table, returns(2), returns(3))
	put(t, table, key, start)
	if n := table.Stats().Flows; n != 0 {
		t.Errorf("%d flows use states, want none", n)
	}
}

// TestModel compares the table with a plain map over random histories.
func TestModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := model{table: open(t, Config{Size: 64}), states: map[flow.StateKey]*modelState{}, now: start}
		other := open(t, Config{Size: 1})
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			m.now = m.now.Add(time.Duration(rapid.IntRange(0, 40).Draw(r, "seconds")) * time.Second)
			key := userOf(port, rapid.IntRange(0, 4).Draw(r, "flow"))
			states := drawStates(r)
			switch rapid.SampledFrom([]string{"put", "put", "remove", "learn", "sweep"}).Draw(r, "step") {
			case "put":
				put(t, m.table, key, m.now, states...)
				m.put(key, states)
			case "remove":
				m.table.Remove([]uint32{key.Flow}, m.now)
				m.remove(key)
			case "learn":
				if len(states) > 0 {
					learn(t, m.table, other.Message(states, 1400)[0], m.now)
					m.learn(states)
				}
			case "sweep":
				sweepAll(m.table, m.now)
				m.sweep()
			}
			m.compare(r)
		}
	})
}

// drawStates returns some of a few keys, each once, with one of a few values.
func drawStates(r *rapid.T) []flow.State {
	some := rapid.SliceOfNDistinct(rapid.IntRange(0, 7), 0, 4, rapid.ID[int]).Draw(r, "states")
	states := make([]flow.State, len(some))
	for i, n := range some {
		states[i] = snat(conn(n), uint16(rapid.IntRange(1, 2).Draw(r, "port")))[0]
	}
	return states
}

type model struct {
	table  *Table
	states map[flow.StateKey]*modelState
	now    time.Time
}

type modelState struct {
	value flow.StateValue
	flows []User
	due   time.Time
}

func (m *model) put(key User, states []flow.State) {
	for _, s := range states {
		if m.states[s.Key] == nil {
			m.states[s.Key] = &modelState{}
		}
		m.states[s.Key].value = s.Value
	}
	m.remove(key)
	for _, s := range states {
		m.states[s.Key].flows = append(m.states[s.Key].flows, key)
	}
}

func (m *model) remove(key User) {
	for _, s := range m.states {
		if i := slices.Index(s.flows, key); i >= 0 {
			s.flows = slices.Delete(s.flows, i, i+1)
			s.live(m.now.Add(Idle))
		}
	}
}

func (s *modelState) live(until time.Time) {
	if until.After(s.due) {
		s.due = until
	}
}

func (m *model) learn(states []flow.State) {
	for _, s := range states {
		known := m.states[s.Key]
		if known == nil {
			known = &modelState{}
			m.states[s.Key] = known
		}
		if len(known.flows) == 0 {
			known.value = s.Value
		}
		known.live(m.now.Add(Learned))
	}
}

func (m *model) sweep() {
	for k, s := range m.states {
		if len(s.flows) == 0 && !s.due.After(m.now) {
			delete(m.states, k)
		}
	}
}

func (m *model) compare(r *rapid.T) {
	if n := m.table.Stats().States; n != len(m.states) {
		r.Fatalf("%d states, want %d", n, len(m.states))
	}
	for k, s := range m.states {
		if v, ok := m.table.Value(k); !ok || v != s.value {
			r.Fatalf("%+v has %+v, %v, want %+v", k, v, ok, s.value)
		}
	}
}

// TestPeersAreTold follows who is told of a state, and when.
func TestPeersAreTold(t *testing.T) {
	table := open(t, Config{Size: 16})
	key, states := userOf(port, 1), []flow.State{returns(1), returns(2)}
	expectNews := func(what string, now time.Time, key User, peers []netip.Addr, states, want []flow.State) {
		t.Helper()
		news, err := table.Put(key, states, peers, now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, news, addrs, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	both := []netip.Addr{peerA, peerB}
	expectNews("new", start, key, both, states, states)
	expectNews("the same, and peers in another order", start, userOf(port, 2), []netip.Addr{peerB, peerA, peerB}, states, nil)
	expectNews("one more", start, key, both, append(slices.Clone(states), returns(3)), []flow.State{returns(3)})
	expectNews("no peers", start, userOf(port, 3), nil, []flow.State{returns(4)}, nil)

	if told := sweepAll(table, start.Add(Refresh-1)); len(told) > 0 {
		t.Errorf("too early, told %v", told)
	}
	told := sweepAll(table, start.Add(Refresh))
	if len(told[peerA]) != 3 || len(told[peerB]) != 3 {
		t.Errorf("told %v, want three states to each peer", told)
	}
	if told := sweepAll(table, start.Add(2*Refresh-1)); len(told) > 0 {
		t.Errorf("again too early, told %v", told)
	}
	other := []netip.Addr{netip.MustParseAddr("192.0.2.7")}
	expectNews("other peers", start.Add(Refresh), key, other, states[:1], states[:1])
	table.Remove([]uint32{1, 2}, start.Add(Refresh))
	expectNews("a flow again", start.Add(Refresh), key, other, states[:1], nil)
	told = sweepAll(table, start.Add(2*Refresh))
	if len(told) != 1 || !cmp.Equal(told[other[0]], states[:1], addrs) {
		t.Errorf("told %v, want %v to %v alone: the others have no flow", told, states[:1], other)
	}
	table.Remove([]uint32{1}, start.Add(2*Refresh))
	expectNews("a flow again, when the last word is old", start.Add(3*Refresh), key, other, states[:1], states[:1])
	expectNews("another one", start.Add(3*Refresh), userOf(port, 2), other, states[:1], nil)
}

// TestRoom fills the table: room is made of the oldest states that no flow uses, of who has the most of them.
func TestRoom(t *testing.T) {
	table := open(t, Config{Size: 8})
	quiet, loud := topology.PortID{7}, topology.PortID{8}
	used := func(in topology.PortID, n int) { put(t, table, userOf(in, n), start, returns(n)) }
	let := func(in topology.PortID, n int) { table.Remove([]uint32{uint32(n)}, start) }
	used(quiet, 0)
	used(quiet, 1)
	let(quiet, 1) // the oldest that no flow uses
	for n := 10; n < 15; n++ {
		used(loud, n)
	}
	for _, n := range []int{12, 10, 13, 11} {
		let(loud, n)
	}
	foreign := newHost(t).Message([]flow.State{returns(20), returns(21)}, 1400)[0]
	learn(t, table, foreign, start)
	expectValues(t, table, returns(0), returns(1), returns(10), returns(11), returns(13), returns(14), returns(20), returns(21))
	used(quiet, 2)
	expectValues(t, table, returns(0), returns(1), returns(2), returns(11), returns(13), returns(14), returns(20), returns(21))
	if s := table.Stats(); s.Evicted != 2 || s.Foreign != 2 || s.Refused != 0 || s.Expired != 0 {
		t.Errorf("%+v, want 2 evicted", s)
	}
}

// TestRoomOfOtherHosts: a host that tells of too many connections loses those, and others' stay, older as they are.
func TestRoomOfOtherHosts(t *testing.T) {
	table, quiet, loud := open(t, Config{Size: 8}), newHost(t), newHost(t)
	table.LearnOpened(returns(2), start) // before its host has told who it is
	learn(t, table, quiet.Message([]flow.State{returns(1), returns(2)}, 1400)[0], start)
	if n := table.ownerOfHost(topology.HostID{}).states; n != 0 {
		t.Errorf("%d states are nobody's when their host has told of them", n)
	}
	for n := 10; n < 20; n++ {
		learn(t, table, loud.Message([]flow.State{returns(n)}, 1400)[0], start)
	}
	expectValues(t, table, returns(1), returns(2), returns(14), returns(15), returns(16), returns(17), returns(18), returns(19))
	if s := table.Stats(); s.Evicted != 4 || s.Foreign != 8 {
		t.Errorf("%+v, want 4 evicted and 8 of other hosts", s)
	}
}

// TestFull has flows use everything: what is new is refused whole, and what is there stays.
func TestFull(t *testing.T) {
	table := open(t, Config{Size: 4})
	put(t, table, userOf(port, 1), start, returns(1), returns(2), returns(3))
	_, err := table.Put(userOf(port, 2), []flow.State{returns(3), returns(4), returns(5)}, nil, start)
	if !errs.Is(err, errs.Unavailable) {
		t.Errorf("%v, want an errs.Unavailable", err)
	}
	expectValues(t, table, returns(1), returns(2), returns(3))
	put(t, table, userOf(port, 2), start, returns(3), returns(4))
	if news := learn(t, table, newHost(t).Message([]flow.State{returns(6)}, 1400)[0], start); len(news) > 0 {
		t.Errorf("learned %v where there is no room", news)
	}
	expectValues(t, table, returns(1), returns(2), returns(3), returns(4))
	if s := table.Stats(); s.Refused != 3 || s.Flows != 2 {
		t.Errorf("%+v, want 3 states refused and 2 flows", s)
	}
	table.Remove([]uint32{1}, start)
	put(t, table, userOf(port, 3), start, returns(5), returns(1)) // the oldest one that is let go of is 1 itself
	expectValues(t, table, returns(1), returns(3), returns(4), returns(5))
}

// TestStatesOf hands a port over to another host.
func TestStatesOf(t *testing.T) {
	table := open(t, Config{Size: 64})
	mine, other := netip.MustParseAddr("10.0.0.3"), topology.PortID{7}
	used := append(snat(conn(1), 5000), returns(1))
	put(t, table, userOf(port, 1), start, used...)
	learned := flow.State{Key: flow.StateKey{Kind: flow.StateReturn, Device: [16]byte{4}, Conn: conn(2)}} // answers that come by the port
	put(t, table, userOf(other, 11), start, learned)
	put(t, table, userOf(other, 12), start, returns(3))
	// Two answers of others that were never seen here: of one the port is the only way. A router behind the bridge has translated it.
	bridge, behind, another := topology.BridgeID{5}, conn(4), conn(5)
	behind.Src, another.Src = netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("10.0.0.9")
	forwarded := []flow.State{
		{Key: flow.StateKey{Kind: flow.StateReturn, Device: bridge, Conn: behind}},
		{Key: flow.StateKey{Kind: flow.StateReverseSNAT, Device: router, Conn: behind}, Value: flow.StateValue{Addr: mine, Port: 7}},
	}
	put(t, table, userOf(other, 13), start, append(slices.Clone(forwarded),
		flow.State{Key: flow.StateKey{Kind: flow.StateReturn, Device: bridge, Conn: another}})...)
	moving := Moving{Port: port, Bridge: bridge, Addresses: []netip.Addr{mine}, Forwards: func(a netip.Addr) bool { return a == behind.Src }}
	there := newHost(t)
	for _, frame := range table.Message(table.StatesOf(moving), 1400) {
		learn(t, there, frame, start)
	}
	expectValues(t, there, slices.Concat(used, []flow.State{learned}, forwarded)...)
	if _, told := there.Value(flow.StateKey{Kind: flow.StateReturn, Device: bridge, Conn: another}); told {
		t.Error("an answer of somebody else on the bridge is handed over as well")
	}
	moving.Port, moving.Addresses, moving.Bridge = topology.PortID{8}, nil, topology.BridgeID{8}
	if states := table.StatesOf(moving); len(states) > 0 {
		t.Errorf("of a port without connections: %v", states)
	}
}

func TestStats(t *testing.T) {
	table := open(t, Config{Size: 16})
	put(t, table, userOf(port, 1), start, returns(1), returns(2))
	table.SetBlocks([]*topology.NATBlock{topology.NewNATBlock(router, public, 64, id.New[topology.Host]())}, start)
	if _, err := table.Learn([]byte("what"), start); err == nil {
		t.Error("Learn of nonsense: no error")
	}
	table.Remove([]uint32{1}, start)
	put(t, table, userOf(port, 2), start, returns(2))
	sweepAll(table, start.Add(Idle))
	want := Stats{States: 1, Size: 16, Flows: 1, Blocks: 1, Malformed: 1, Expired: 1}
	if got := table.Stats(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
