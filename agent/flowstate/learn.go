package flowstate

import (
	"time"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
)

// listener is what has been heard of another host.
type listener struct {
	run     id.ID[run]
	highest uint64 // number of a message
	at      time.Duration
}

// Learn takes a message that another host made with Message, and returns the states that are new or have another value here. A
// message is good whenever and however often it comes: it makes states live Learned from now on. One that was overtaken by a later
// one of the same host changes nothing that is known already. What flows of this host use keeps its value. The error is for a frame
// that is no message; it is counted.
func (t *Table) Learn(frame []byte, now time.Time) ([]flow.State, error) {
	m, err := readMessage(frame)
	if err != nil {
		t.stats.Malformed++
		return nil, err
	}
	t.stats.Messages++
	late := t.late(&m, now)
	var news []flow.State
	for _, s := range m.states {
		if t.learn(s, late, now) {
			news = append(news, s)
		}
	}
	return news, nil
}

// late reports whether the message was overtaken, and notes it where not. A run of the host's agent that is not the last one heard
// is a new one: an old one says no more than what was on its way when it ended.
func (t *Table) late(m *message, now time.Time) bool {
	l := t.heard[m.host]
	if l == nil {
		l = &listener{run: m.run}
		t.heard[m.host] = l
	}
	l.at = now.Sub(t.base)
	if l.run == m.run && m.number < l.highest {
		t.stats.Late++
		return true
	}
	l.run, l.highest = m.run, m.number
	return false
}

// learn reports whether the state is new or has another value.
func (t *Table) learn(s flow.State, late bool, now time.Time) bool {
	p := pack(s)
	i, known := t.index[p.key()]
	if !known {
		if len(t.index) >= t.config.Size || t.stats.Foreign >= t.config.Foreign {
			t.stats.RefusedForeign++
			return false
		}
		i = t.add(p, topology.PortID{})
	} else if late {
		return false
	}
	a := &t.about[i]
	a.due = max(a.due, now.Add(Learned).Sub(t.base))
	if had, _ := t.slots.get(int(i)); had == p {
		return !known
	}
	if a.flows > 0 {
		return false
	}
	t.slots.set(int(i), p)
	return true
}
