package flowstate

import (
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// listener is what has been heard of one run of another host's agent.
type listener struct{ at time.Duration }

// Heard is what another host's message says, which is one of the three.
type Heard struct {
	From topology.HostID
	// News are states that are new or have another value here.
	News []flow.State
	// Asked are the ports that have come to the host, which wants to know of their connections.
	Asked []topology.PortID
	// Told is the port of which the host has told all that it knows, now that this message has come too.
	Told topology.PortID
}

// Learn takes a message that another host made with Message, Question or an Account. A message is good whenever and however often it
// comes: it makes states live Learned from now on, but for those that a later message of the same agent has told already. What flows of
// this host use keeps its value. An account changes less: that of the host that had the port nothing that flows of this host have made or used
// since, and that of another host no value at all. The News are good until the next call of this or of Put. The error is for a frame that is no
// message; it is counted.
func (t *Table) Learn(frame []byte, now time.Time) (Heard, error) {
	m, err := readMessage(frame, t.read)
	if err != nil {
		t.stats.Malformed++
		return Heard{}, err
	}
	t.stats.Messages++
	h := Heard{From: m.host, Asked: m.ports}
	from := t.listen(m.run, now)
	h.News = t.news[:0]
	for i := range m.states {
		if p := &m.states[i]; t.learn(p, from, &m, now) {
			h.News = append(h.News, p.state())
		}
	}
	t.news = h.News
	if m.states != nil {
		t.read = m.states
	}
	if m.kind == kindAccount && t.accounts.add(&m, now.Sub(t.base)) {
		h.Told = m.account.port
	}
	return h, nil
}

// LearnOpened takes it that another host has begun a connection that the state is of, and reports whether that is new here.
// It is as good as a message of that host, which has no number.
func (t *Table) LearnOpened(s flow.State, now time.Time) bool {
	p := pack(s)
	return t.learn(&p, nil, &message{}, now)
}

func (t *Table) listen(to id.ID[run], now time.Time) *listener {
	l := t.heard[to]
	if l == nil {
		l = new(listener)
		t.heard[to] = l
	}
	l.at = now.Sub(t.base)
	return l
}

// claim takes a state that another host has told of as told just now: it is the host's, unless it was known whose it is. The zero host is one that is
// not known.
func (t *Table) claim(i uint32, host topology.HostID) {
	a := t.about.At(i)
	if a.flows == 0 {
		t.wake(i)
	}
	if a.owner.unknown {
		a.owner.states--
		a.owner = t.ownerOfHost(host)
		a.owner.states++
	}
	if a.flows == 0 {
		t.rest(i) // behind the others: it is of use
	}
}

// learn reports whether the state is new or has another value. Where from is nil it was told of by no message that others have an order with.
func (t *Table) learn(p *packed, from *listener, m *message, now time.Time) bool {
	key := p.key()
	i, known := t.find(&key)
	if !known {
		if t.index.Len() >= t.config.Size && !t.reclaim() {
			t.stats.Refused++
			return false
		}
		i = t.add(p, t.ownerOfHost(m.host))
		t.rest(i)
	}
	a := t.about.At(i)
	if m.kind == kindAccount && (m.account.flags&flagOwn == 0 || !a.owner.foreign) {
		if had, _ := t.slots.get(int(i)); had != *p {
			return false
		}
	}
	if from != nil {
		if a.teller == from && m.number < a.number {
			t.stats.Late++
			return false
		}
		a.teller, a.number = from, m.number
	}
	a.due = max(a.due, now.Add(Learned).Sub(t.base))
	t.claim(i, m.host)
	if had, _ := t.slots.get(int(i)); had == *p {
		return !known
	}
	if a.flows > 0 {
		return false
	}
	t.slots.set(int(i), p)
	return true
}
