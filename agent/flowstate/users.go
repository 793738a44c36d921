package flowstate

import (
	"iter"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/slot"
)

// users are the flows that use states.
type users struct {
	slots slot.Index
	flows slot.Pages[user]
}

type user struct {
	key    flow.PackedKey
	states []uint32 // slots of the table
}

func (u *users) len() int { return u.slots.Len() }

func (u *users) find(key *flow.PackedKey, hash uint64) (s uint32, ok bool) {
	return u.slots.Find(hash, func(s uint32) bool { return u.flows.At(s).key == *key })
}

// of returns the states that the flow uses, until the next change.
func (u *users) of(key *flow.PackedKey) []uint32 {
	if s, ok := u.find(key, key.Hash()); ok {
		return u.flows.At(s).states
	}
	return nil
}

// set notes the states that the flow uses, none or some, in place of those that it has used. It does not keep the slice.
func (u *users) set(key *flow.PackedKey, states []uint32) {
	hash := key.Hash()
	s, ok := u.find(key, hash)
	switch {
	case len(states) > 0 && !ok:
		s = u.flows.Take()
		u.flows.At(s).key = *key
		u.slots.Add(hash, s)
		fallthrough
	case len(states) > 0:
		f := u.flows.At(s)
		f.states = append(f.states[:0], states...)
	case ok:
		u.slots.Remove(hash, s)
		u.flows.Free(s)
	}
}

// all yields the flows and their states, in no order.
func (u *users) all() iter.Seq2[*flow.PackedKey, []uint32] {
	return func(yield func(*flow.PackedKey, []uint32) bool) {
		for s := range u.flows.Len() {
			if f := u.flows.At(s); len(f.states) > 0 && !yield(&f.key, f.states) {
				return
			}
		}
	}
}
