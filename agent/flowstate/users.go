package flowstate

import (
	"iter"

	"midonet.org/midonet/agent/flow"
	"midonet.org/midonet/agent/slot"
)

// users are the flows that use states. There is no pointer in them, and none is made for a new one: there are a hundred thousand.
type users struct {
	slots slot.Index
	flows slot.Pages[user]
	uses  slot.Pages[use]
}

type user struct {
	key   flow.PackedKey
	first uint32 // of its uses; 0: none, which a flow has only while they are exchanged
}

// use is one state of a flow. Use 0 is never used.
type use struct {
	state uint32 // slot of the table
	next  uint32 // use; 0: this is the last
}

func newUsers() (u users) {
	u.uses.Take()
	return u
}

func (u *users) len() int { return u.slots.Len() }

func (u *users) find(key *flow.PackedKey, hash uint64) (s uint32, ok bool) {
	return u.slots.Find(hash, func(s uint32) bool { return u.flows.At(s).key == *key })
}

// slot returns the slot of the flow, a new one where it has none.
func (u *users) slot(key *flow.PackedKey) uint32 {
	hash := key.Hash()
	s, ok := u.find(key, hash)
	if !ok {
		s = u.flows.Take()
		u.flows.At(s).key = *key
		u.slots.Add(hash, s)
	}
	return s
}

// add notes that the flow in the slot uses the state.
func (u *users) add(s, state uint32) {
	f, n := u.flows.At(s), u.uses.Take()
	*u.uses.At(n) = use{state: state, next: f.first}
	f.first = n
}

// clear forgets what the flow in the slot uses, and calls gone with each of it.
func (u *users) clear(s uint32, gone func(state uint32)) {
	f := u.flows.At(s)
	for n := f.first; n != 0; {
		was := *u.uses.At(n)
		u.uses.Free(n)
		gone(was.state)
		n = was.next
	}
	f.first = 0
}

// remove forgets the flow in the slot, which uses nothing.
func (u *users) remove(s uint32, hash uint64) {
	u.slots.Remove(hash, s)
	u.flows.Free(s)
}

// all yields the flows with each state that they use, in no order.
func (u *users) all() iter.Seq2[*flow.PackedKey, uint32] {
	return func(yield func(*flow.PackedKey, uint32) bool) {
		for s := range u.flows.Len() {
			f := u.flows.At(s)
			for n := f.first; n != 0; n = u.uses.At(n).next {
				if !yield(&f.key, u.uses.At(n).state) {
					return
				}
			}
		}
	}
}
