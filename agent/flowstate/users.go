package flowstate

import (
	"iter"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/slot"
)

// users are the flows that use states.
type users struct {
	slots  slot.Index
	flows  []user
	unused []uint32 // slots
}

type user struct {
	key    flow.PackedKey
	states []uint32 // slots of the table
}

func (u *users) len() int { return u.slots.Len() }

func (u *users) find(key *flow.PackedKey, hash uint64) (s uint32, ok bool) {
	return u.slots.Find(hash, func(s uint32) bool { return u.flows[s].key == *key })
}

// of returns the states that the flow uses, until the next change.
func (u *users) of(key *flow.PackedKey) []uint32 {
	if s, ok := u.find(key, key.Hash()); ok {
		return u.flows[s].states
	}
	return nil
}

// set notes the states that the flow uses, none or some, in place of those that it has used. It does not keep the slice.
func (u *users) set(key *flow.PackedKey, states []uint32) {
	hash := key.Hash()
	s, ok := u.find(key, hash)
	switch {
	case !ok && len(states) == 0:
		return
	case len(states) == 0:
		u.slots.Remove(hash, s)
		u.unused = append(u.unused, s)
	case !ok:
		s = u.add(key, hash)
	}
	u.flows[s].states = append(u.flows[s].states[:0], states...)
}

func (u *users) add(key *flow.PackedKey, hash uint64) (s uint32) {
	if last := len(u.unused) - 1; last >= 0 {
		s, u.unused = u.unused[last], u.unused[:last]
	} else {
		s = uint32(len(u.flows))
		u.flows = append(u.flows, user{})
	}
	u.flows[s].key = *key
	u.slots.Add(hash, s)
	return s
}

// all yields the flows and their states, in no order.
func (u *users) all() iter.Seq2[*flow.PackedKey, []uint32] {
	return func(yield func(*flow.PackedKey, []uint32) bool) {
		for i := range u.flows {
			if f := &u.flows[i]; len(f.states) > 0 && !yield(&f.key, f.states) {
				return
			}
		}
	}
}
