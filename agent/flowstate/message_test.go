package flowstate

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// drawState returns any state that there can be.
func drawState(r *rapid.T) flow.State {
	s := flow.State{Key: flow.StateKey{
		Kind:   flow.StateKind(rapid.IntRange(int(flow.StateReturn), int(flow.StateReverseDNAT)).Draw(r, "kind")),
		Device: [16]byte{rapid.ByteRange(0, 3).Draw(r, "device")},
		Conn: flow.Conn{
			Proto: rapid.Byte().Draw(r, "proto"), SrcPort: rapid.Uint16().Draw(r, "source port"), DstPort: rapid.Uint16().Draw(r, "destination port"),
		},
	}}
	long := rapid.Bool().Draw(r, "IPv6")
	s.Key.Conn.Src, s.Key.Conn.Dst = drawAddr(r, long), drawAddr(r, long)
	if s.Key.Kind != flow.StateReturn {
		s.Value = flow.StateValue{Addr: drawAddr(r, rapid.Bool().Draw(r, "value IPv6")), Port: rapid.Uint16().Draw(r, "value port")}
	}
	return s
}

func drawAddr(r *rapid.T, long bool) netip.Addr {
	b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "address")
	if long {
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.AddrFrom4([4]byte(b))
}

func statesOf(m *message) (states []flow.State) {
	for _, p := range m.states {
		states = append(states, p.state())
	}
	return states
}

// statesLen is what stands before the states of a message that has nothing else.
const statesLen = headLen + 1

// TestMessages reads what was written, whatever the states and the room, and packs and unpacks each.
func TestMessages(t *testing.T) {
	table := newHost(t)
	rapid.Check(t, func(r *rapid.T) {
		states := rapid.SliceOfN(rapid.Custom(drawState), 0, 40).Draw(r, "states")
		mtu := rapid.IntRange(100, 1500).Draw(r, "mtu")
		var got []flow.State
		var number uint64
		for _, frame := range table.Message(states, mtu) {
			if len(frame) > max(mtu+14, statesLen+longestState) {
				r.Fatalf("%d octets do not fit into %d", len(frame), mtu)
			}
			m, err := readMessage(frame, nil)
			if err != nil || m.host != table.config.Host || m.number <= number {
				r.Fatalf("host %s, number %d after %d, %v", m.host, m.number, number, err)
			}
			number = m.number
			got = append(got, statesOf(&m)...)
		}
		if len(got) != len(states) {
			r.Fatalf("%d states were read, want %d", len(got), len(states))
		}
		for i, s := range states {
			p := pack(s)
			if got[i] != s || p.state() != s || p.key() != packKey(s.Key) {
				r.Fatalf("read %+v, unpacked %+v, want %+v", got[i], p.state(), s)
			}
		}
	})
}

// TestManyStatesPerMessage counts octets: a connection's states share their device.
func TestManyStatesPerMessage(t *testing.T) {
	table := newHost(t)
	var states []flow.State
	for n := range 1000 {
		states = append(states, snat(conn(n), uint16(n))...)
	}
	if n := len(table.Message(states, 1430)); n > 36 {
		t.Errorf("%d messages for %d translations, want at most 36", n, 1000)
	}
	if frames := table.Message(make([]flow.State, 0), 1430); len(frames) != 0 {
		t.Errorf("%d messages of nothing", len(frames))
	}
}

// TestMalformedMessages shortens, lengthens and spoils a message.
func TestMalformedMessages(t *testing.T) {
	table, there := newHost(t), newHost(t)
	good := table.Message(append(snat(conn(1), 7), returns(2)), 1400)[0]
	for n := range good {
		if _, err := there.Learn(good[:n], start); err == nil {
			t.Errorf("%d of %d octets: no error", n, len(good))
		}
	}
	spoil := func(at int, value byte) []byte {
		b := bytes.Clone(good)
		b[at] = value
		return b
	}
	for what, frame := range map[string][]byte{
		"an octet more": append(bytes.Clone(good), 0), "a sender": spoil(6, 2), "another EtherType": spoil(12, 8),
		"another kind": spoil(14, 9), "no states": spoil(statesLen-1, 0), "a state more": spoil(statesLen-1, 4),
		"kind 0": spoil(statesLen, 0), "kind 9": spoil(statesLen, 9), "an unknown flag": spoil(statesLen+1, 0x82),
		"a translation to nothing": spoil(statesLen+1, 0), "two values": spoil(statesLen+1, flagValueIPv4|flagValueIPv6),
		"a first device that is missing": spoil(statesLen+1, flagValueIPv4|flagSameDevice),
	} {
		if _, err := there.Learn(frame, start); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if s := there.Stats(); s.States != 0 || s.Malformed != uint64(len(good)+12) {
		t.Errorf("%+v, want no states", s)
	}
}

// FuzzLearn reads anything: it does not fail, and what can be read is written in the same way.
func FuzzLearn(f *testing.F) {
	table := newHost(f)
	six := flow.State{Key: flow.StateKey{Kind: flow.StateReverseDNAT, Conn: flow.Conn{Src: peerB, Dst: peerB}}, Value: flow.StateValue{Addr: peerA}}
	f.Add(table.Message(append(snat(conn(1), 7), returns(2), six), 1400)[0])
	f.Add(table.Message([]flow.State{six, six}, 1400)[0])
	f.Add(table.Question([]topology.PortID{port, {9}}))
	f.Add(table.Next(NewAccount(port, snat(conn(1), 7), true), 1, 1400)[0])
	f.Add(table.Next(NewAccount(port, nil, false), 1, 1400)[0])
	f.Add(table.Next(NewAccount(port, append(snat(conn(1), 7), six), false), 2, 100)[1])
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := readMessage(frame, nil)
		if err != nil {
			return
		}
		writer := newHost(t)
		writer.sender = sender{host: m.host, run: m.run, sent: m.number - 1}
		var again []byte
		switch m.kind {
		case kindStates:
			again = writer.Message(statesOf(&m), len(frame))[0]
		case kindQuestion:
			again = writer.Question(m.ports)
		case kindAccount:
			a := NewAccount(m.account.port, statesOf(&m), m.account.flags&flagOwn != 0)
			a.first, a.part = m.account.first, m.account.part
			if m.account.flags&flagLast == 0 {
				a.states = append(a.states, six) // for another message
			}
			again = writer.Next(a, 1, len(frame)-ethernetLen)[0]
		}
		if !bytes.Equal(again, frame) {
			t.Fatalf("%x is written as %x", frame, again)
		}
		learn(t, writer, frame, start)
	})
}

// TestAnyOrder delivers one host's messages in a random order, some of them more than once: what is known in the end is what the
// host said last of each state.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from, to := newHost(t), newHost(t)
		last := map[flow.StateKey]flow.StateValue{}
		var frames [][]byte
		for range rapid.IntRange(1, 6).Draw(r, "messages") {
			states := drawStates(r)
			for _, s := range states {
				last[s.Key] = s.Value
			}
			frames = append(frames, from.Message(states, 1400)...)
		}
		order := rapid.Permutation(append(frames, frames...)).Draw(r, "order")
		for i, frame := range order {
			learn(t, to, frame, start.Add(time.Duration(i)*time.Second))
		}
		for k, v := range last {
			if got, ok := to.Value(k); !ok || got != v {
				r.Fatalf("%+v has %+v, %v, want %+v", k, got, ok, v)
			}
		}
	})
}

// TestAgentRestarts numbers messages from the beginning: they are not taken for late ones.
func TestAgentRestarts(t *testing.T) {
	host, to := id.New[topology.Host](), newHost(t)
	first, second := open(t, Config{Size: 8, Host: host}), open(t, Config{Size: 8, Host: host})
	for range 10 {
		learn(t, to, first.Message(snat(conn(1), 1), 1400)[0], start)
	}
	learn(t, to, second.Message(snat(conn(1), 2), 1400)[0], start)
	if v, _ := to.Value(snat(conn(1), 2)[0].Key); v.Port != 2 {
		t.Errorf("port %d, want that of the new agent", v.Port)
	}
	if s := to.Stats(); s.Late != 0 || s.Messages != 11 {
		t.Errorf("%+v, want 11 messages in order", s)
	}
}

// TestLearnedLife keeps what another host tells as long as it tells it again, and what flows here use for as long as they do.
func TestLearnedLife(t *testing.T) {
	from, to := newHost(t), newHost(t)
	s := returns(1)
	now := start
	for range 5 {
		learn(t, to, from.Message([]flow.State{s}, 1400)[0], now)
		now = now.Add(Learned - 1)
		sweepAll(to, now)
		expectValues(t, to, s)
	}
	sweepAll(to, now.Add(1))
	expectValues(t, to)

	translation := snat(conn(1), 1)[0]
	learn(t, to, from.Message([]flow.State{translation}, 1400)[0], now)
	put(t, to, userOf(port, 1), now, translation)
	if news := learn(t, to, from.Message(snat(conn(1), 2)[:1], 1400)[0], now); len(news) > 0 {
		t.Errorf("a value that a flow uses was changed: %v", news)
	}
	sweepAll(to, now.Add(time.Hour))
	expectValues(t, to, translation)
	if n := binary.BigEndian.Uint64(from.Message([]flow.State{s}, 1400)[0][47:]); n != 8 {
		t.Errorf("message %d, want the 8th", n)
	}
}

// TestLearnOpened learns of a connection by its first packet: as by a message, whose order with others it does not disturb.
func TestLearnOpened(t *testing.T) {
	from, to := newHost(t), newHost(t)
	s := returns(1)
	old := from.Message([]flow.State{s}, 1400)[0]
	now := start
	for i, isNew := range []bool{true, false} {
		if got := to.LearnOpened(s, now); got != isNew {
			t.Errorf("the state is new the %d. time: %v", i+1, got)
		}
	}
	learn(t, to, from.Message([]flow.State{s}, 1400)[0], now)
	to.LearnOpened(s, now)
	learn(t, to, old, now)
	if got := to.Stats(); got.Late != 1 {
		t.Errorf("%d messages were late, want the old one", got.Late)
	}
	for range 2 {
		now = now.Add(Learned - 1)
		sweepAll(to, now)
		expectValues(t, to, s)
		to.LearnOpened(s, now)
	}
	sweepAll(to, now.Add(Learned))
	expectValues(t, to)
}
