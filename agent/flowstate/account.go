package flowstate

import (
	"encoding/binary"
	"maps"
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// Bounds on accounts that come from other hosts.
const (
	// maxParts is how many messages one may have: enough for two million states.
	maxParts = 1 << 16
	// maxAccounts is how many are kept; what comes of others then is learned, and nobody is told when they are whole.
	maxAccounts = 4096
	// accountLife is how long one is kept after its last message.
	accountLife = 10 * time.Second
)

// Account is all that is known of a port of another host, on its way there.
type Account struct {
	port   topology.PortID
	states []flow.State
	own    bool
	first  uint64 // the number of the first message; 0 before it
	part   uint32
	done   bool
}

// NewAccount returns an account of the states. Own says that the port was this host's own until now.
func NewAccount(port topology.PortID, states []flow.State, own bool) *Account {
	return &Account{port: port, states: states, own: own}
}

// Done reports whether there is no message left.
func (a *Account) Done() bool { return a.done }

// Next returns the next messages of the account, so many at most, each with a packet of at most mtu octets behind the Ethernet header.
// There is one at least, which says that nothing is known, if nothing is.
func (t *Table) Next(a *Account, limit, mtu int) (frames [][]byte) {
	for ; len(frames) < limit && !a.done; a.part++ {
		frame := t.sender.begin(kindAccount, mtu+ethernetLen)
		if a.part == 0 {
			a.first = t.sender.sent
		}
		frame = append(frame, a.port[:]...)
		frame = binary.BigEndian.AppendUint64(frame, a.first)
		frame = binary.BigEndian.AppendUint32(frame, a.part)
		flags := len(frame)
		frame = append(frame, 0)
		frame, n := appendStates(frame, a.states, mtu+ethernetLen)
		a.states = a.states[n:]
		a.done = len(a.states) == 0 || a.part == maxParts-1
		if a.done {
			frame[flags] |= flagLast
		}
		if a.own {
			frame[flags] |= flagOwn
		}
		frames = append(frames, frame)
	}
	return frames
}

// Question returns the message that asks another host what it knows of ports, MaxPorts at most, that have come to this one.
func (t *Table) Question(ports []topology.PortID) []byte {
	frame := t.sender.begin(kindQuestion, headLen+1+len(ports)*len(topology.PortID{}))
	frame = append(frame, uint8(len(ports)))
	for _, p := range ports {
		frame = append(frame, p[:]...)
	}
	return frame
}

// HasTold reports whether the host has given an account of the port lately, and all of it has come.
func (t *Table) HasTold(host topology.HostID, port topology.PortID) bool {
	a := t.accounts[accountKey{host, port}]
	return a != nil && a.whole()
}

// ForgetAccounts drops what other hosts have told of the port: it leaves this one, and what they tell when it comes back is another matter.
func (t *Table) ForgetAccounts(port topology.PortID) {
	maps.DeleteFunc(t.accounts, func(k accountKey, _ *accountGiven) bool { return k.port == port })
}

// accounts are those that other hosts are giving, or have given.
type accounts map[accountKey]*accountGiven

type accountKey struct {
	host topology.HostID
	port topology.PortID
}

// accountGiven is what has come of an account.
type accountGiven struct {
	run   id.ID[run]
	first uint64
	parts []uint64 // a bit for each that has come
	count uint32   // how many have
	total uint32   // how many there are; 0: not known yet
	at    time.Duration
}

func (g *accountGiven) whole() bool { return g.total > 0 && g.count == g.total }

// add notes a message of an account, and reports whether the account has become whole with it. A later account of a host takes the place
// of an earlier one.
func (all accounts) add(m *message, at time.Duration) bool {
	key, p := accountKey{m.host, m.account.port}, &m.account
	g := all[key]
	switch {
	case g == nil && len(all) >= maxAccounts:
		return false
	case g == nil || g.run != m.run || g.first < p.first:
		g = &accountGiven{run: m.run, first: p.first}
		all[key] = g
	case g.first > p.first:
		return false
	}
	g.at = at
	word, bit := int(p.part/64), uint64(1)<<(p.part%64)
	if grow := word + 1 - len(g.parts); grow > 0 {
		g.parts = append(g.parts, make([]uint64, grow)...)
	}
	if g.parts[word]&bit != 0 {
		return false
	}
	g.parts[word] |= bit
	g.count++
	if p.flags&flagLast != 0 {
		g.total = p.part + 1
	}
	return g.whole()
}

// forget drops those of which nothing has come for a while.
func (all accounts) forget(at time.Duration) {
	maps.DeleteFunc(all, func(_ accountKey, g *accountGiven) bool { return at-g.at > accountLife })
}
