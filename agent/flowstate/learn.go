package flowstate

import (
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// listener is what has been heard of one run of another host's agent.
type listener struct{ at time.Duration }

// Learn takes a message that another host made with Message, and returns the states that are new or have another value here. A
// message is good whenever and however often it comes: it makes states live Learned from now on, but for those that a later message
// of the same agent has told already. What flows of this host use keeps its value. The error is for a frame that is no message; it
// is counted.
func (t *Table) Learn(frame []byte, now time.Time) ([]flow.State, error) {
	m, err := readMessage(frame)
	if err != nil {
		t.stats.Malformed++
		return nil, err
	}
	t.stats.Messages++
	from := t.listen(m.run, now)
	var news []flow.State
	for _, s := range m.states {
		if t.learn(s, from, m.number, now) {
			news = append(news, s)
		}
	}
	return news, nil
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

// learn reports whether the state is new or has another value.
func (t *Table) learn(s flow.State, from *listener, number uint64, now time.Time) bool {
	p := pack(s)
	key := p.key()
	i, known := t.find(&key)
	if !known {
		if t.index.Len() >= t.config.Size && !t.reclaim() {
			t.stats.Refused++
			return false
		}
		i = t.add(p, t.ownerOf(topology.PortID{}))
		t.rest(i)
	}
	a := t.about.At(i)
	if a.teller == from && number < a.number {
		t.stats.Late++
		return false
	}
	a.teller, a.number = from, number
	a.due = max(a.due, now.Add(Learned).Sub(t.base))
	if a.flows == 0 {
		t.wake(i)
		t.rest(i) // behind the others: it is of use
	}
	if had, _ := t.slots.get(int(i)); had == p {
		return !known
	}
	if a.flows > 0 {
		return false
	}
	t.slots.set(int(i), p)
	return true
}
