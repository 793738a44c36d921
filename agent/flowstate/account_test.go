package flowstate

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/topology"
)

// partLen is what says which part of which account a message is.
const partLen = 16 + 8 + 4 + 1

// accountOf returns all messages of an account.
func accountOf(table *Table, states []flow.State, own bool, mtu int) [][]byte {
	var frames [][]byte
	for a := NewAccount(port, states, own); !a.Done(); {
		frames = append(frames, table.Next(a, 3, mtu)...)
	}
	return frames
}

// TestAccountsInAnyOrder: of an account the messages come in any order, some more than once and among others. It is whole with the last of
// them, no sooner, and everything in it is known then.
func TestAccountsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from, to := newHost(t), newHost(t)
		var states []flow.State
		for n := range rapid.IntRange(0, 40).Draw(r, "connections") {
			states = append(states, snat(conn(n), uint16(1024+n))...)
		}
		own := rapid.Bool().Draw(r, "own")
		earlier := accountOf(from, states[:len(states)/2], own, 150) // whose messages are late
		frames := accountOf(from, states, own, rapid.IntRange(150, 1500).Draw(r, "mtu"))
		late := rapid.SliceOfNDistinct(rapid.SampledFrom(earlier), 0, len(earlier), func(b []byte) string { return string(b) }).Draw(r, "late")
		order := rapid.Permutation(slices.Concat(frames, frames, late, from.Message(states, 1400))).Draw(r, "order")
		left := map[string]bool{}
		for _, f := range frames {
			left[string(f)] = true
		}
		told := 0
		for _, frame := range order {
			heard := hear(t, to, frame, start)
			before := len(left)
			delete(left, string(frame))
			if whole := before > 0 && len(left) == 0; whole != (heard.Told == port) && len(late) == 0 {
				r.Fatalf("with %d messages to come the account is whole: %v", len(left), heard.Told == port)
			}
			if heard.Told == port {
				told++
			}
			if heard.From != from.config.Host || heard.Asked != nil {
				r.Fatalf("%+v", heard)
			}
		}
		if told == 0 || !to.HasTold(from.config.Host, port) || to.HasTold(to.config.Host, port) || to.HasTold(from.config.Host, topology.PortID{9}) {
			r.Fatalf("the account was whole %d times", told)
		}
		expectValues(t, to, states...)
	})
}

// TestHearsay: who has not had the port itself adds what nobody has told, and changes nothing.
func TestHearsay(t *testing.T) {
	owner, peer, to := newHost(t), newHost(t), newHost(t)
	old, now := snat(conn(1), 1024)[0], snat(conn(1), 2048)[0]
	other := snat(conn(2), 1030)[0]
	learn(t, to, accountOf(peer, []flow.State{old}, false, 1400)[0], start)
	expectValues(t, to, old)
	learn(t, to, accountOf(owner, []flow.State{now}, true, 1400)[0], start)
	expectValues(t, to, now)
	if news := learn(t, to, accountOf(peer, []flow.State{old, other}, false, 1400)[0], start); len(news) != 1 || news[0] != other {
		t.Errorf("news of hearsay are %v, want the connection that nobody had told of", news)
	}
	expectValues(t, to, now, other)

	since := snat(conn(1), 3000)[0] // the connection has begun anew on this host
	put(t, to, userOf(topology.PortID{7}, 1), start, since)
	to.Remove([]uint32{1}, start)
	learn(t, to, accountOf(owner, []flow.State{now}, true, 1400)[0], start) // by an agent that was away
	expectValues(t, to, since, other)
	learn(t, to, peer.Message([]flow.State{now}, 1400)[0], start) // by a host that uses it
	expectValues(t, to, now, other)
}

// TestAccountsAreForgotten after a while, and no more of them are kept than there is room for.
func TestAccountsAreForgotten(t *testing.T) {
	from, to := newHost(t), newHost(t)
	learn(t, to, accountOf(from, nil, true, 1400)[0], start)
	sweepAll(to, start.Add(accountLife))
	if !to.HasTold(from.config.Host, port) {
		t.Error("an account is forgotten too soon")
	}
	sweepAll(to, start.Add(accountLife+1))
	if to.HasTold(from.config.Host, port) {
		t.Error("an account is not forgotten")
	}
	for n := range maxAccounts + 1 {
		p := topology.PortID{1, byte(n), byte(n >> 8)}
		learn(t, to, from.Next(NewAccount(p, nil, true), 1, 1400)[0], start)
		if told := to.HasTold(from.config.Host, p); told != (n < maxAccounts) {
			t.Fatalf("account %d is kept: %v", n, told)
		}
	}
}

func TestMalformedQuestionsAndAccounts(t *testing.T) {
	table, there := newHost(t), newHost(t)
	many := make([]topology.PortID, MaxPorts+1)
	question, full, tooMany := table.Question(many[:2]), table.Question(many[:MaxPorts]), table.Question(many)
	if heard := hear(t, there, full, start); len(heard.Asked) != MaxPorts || len(full) > 1280+ethernetLen {
		t.Errorf("%d ports in %d octets", len(heard.Asked), len(full))
	}
	parts := accountOf(table, append(snat(conn(1), 7), returns(2)), true, 100)
	spoil := func(b []byte, at int, value byte) []byte {
		b = bytes.Clone(b)
		b[at] = value
		return b
	}
	for what, frame := range map[string][]byte{
		"too many ports": tooMany, "no ports": spoil(question[:headLen+1], headLen, 0), "a port more": spoil(question, headLen, 3),
		"a port less": spoil(question, headLen, 1), "an unknown flag": spoil(parts[0], headLen+28, 4),
		"no states, and more to come": spoil(parts[0][:headLen+partLen+1], headLen+partLen, 0),
		"an account from later on":    spoil(parts[0], headLen+16, 1), "a first part with another first": spoil(parts[0], headLen+16+7, 1),
		"more parts than messages": spoil(parts[1], headLen+27, 9), "too many parts": spoil(parts[1], headLen+25, 1),
	} {
		if _, err := there.Learn(frame, start); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for n := range parts[1] {
		if _, err := there.Learn(parts[1][:n], start); err == nil {
			t.Errorf("%d of %d octets: no error", n, len(parts[1]))
		}
	}
	if there.Stats().States != 0 {
		t.Error("something was learned of what cannot be read")
	}
}

// TestSearchFollowsTranslations: a connection that three routers translate one after the other is found at a host that was only told of it,
// whatever order its states are in and however few are looked at at a time; others are not.
func TestSearchFollowsTranslations(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		table := open(t, Config{Size: 64})
		first := snat(conn(1), 5000)
		out, _ := first[0].Behind()
		second := snat(out, 6000)
		second[0].Key.Device, second[1].Key.Device = [16]byte{8}, [16]byte{8}
		outer, _ := second[0].Behind()
		third := flow.State{Key: flow.StateKey{Kind: flow.StateDNAT, Device: [16]byte{9}, Conn: outer}, Value: flow.StateValue{Addr: peerA, Port: 1}}
		others := snat(conn(2), 5001)
		for i := range others {
			others[i].Key.Conn.Src = peerA
		}
		all := rapid.Permutation(slices.Concat(first, second, others, []flow.State{third})).Draw(r, "order")
		for _, frame := range newHost(t).Message(all, 1400) {
			learn(t, table, frame, start)
		}
		s := NewSearch([]Moving{{Port: port, Forwards: no}, {Port: topology.PortID{7}, Addresses: []netip.Addr{conn(1).Src}, Forwards: no}})
		for !table.Continue(s, rapid.IntRange(1, 9).Draw(r, "limit")) {
		}
		want := []flow.State{first[0], second[0], third}
		if got := s.States(1); len(s.States(0)) != 0 || len(got) != len(want) || slices.ContainsFunc(want, func(s flow.State) bool { return !slices.Contains(got, s) }) {
			r.Errorf("found %v and %v, want nothing and %v", s.States(0), got, want)
		}
	})
}

func no(netip.Addr) bool { return false }

// TestOldAccountsOfAPortThatComesBack are not taken for new ones.
func TestOldAccountsOfAPortThatComesBack(t *testing.T) {
	from, to := newHost(t), newHost(t)
	learn(t, to, accountOf(from, nil, true, 1400)[0], start)
	to.ForgetAccounts(port)
	if to.HasTold(from.config.Host, port) {
		t.Error("an account of before counts")
	}
	learn(t, to, accountOf(from, nil, true, 1400)[0], start.Add(time.Second))
	if !to.HasTold(from.config.Host, port) {
		t.Error("a new account does not count")
	}
}
