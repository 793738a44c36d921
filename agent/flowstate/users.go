package flowstate

import (
	"iter"

	"midonet.org/midonet/agent/slot"
	"midonet.org/midonet/topology"
)

// User is a flow that uses states.
type User struct {
	InPort topology.PortID
	Flow   uint32 // its number: no other flow has it meanwhile
}

// users are the flows that use states, by their numbers. There is no pointer in them, and none is made for a new one: there are a hundred thousand.
type users struct {
	flows slot.Pages[user]
	uses  slot.Pages[use]
	len   int // how many flows there are
}

type user struct {
	in    topology.PortID
	first uint32 // of its uses; 0: none, and it is no user
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

// set notes that the flow uses the states, one at least. It uses nothing so far.
func (u *users) set(f User, states []uint32) {
	at := u.flows.Reach(f.Flow)
	at.in = f.InPort
	for _, state := range states {
		n := u.uses.Take()
		*u.uses.At(n) = use{state: state, next: at.first}
		at.first = n
	}
	u.len++
}

// clear forgets what the flow uses, and calls gone with each of it.
func (u *users) clear(flow uint32, gone func(state uint32)) {
	at := u.flows.Reach(flow)
	if at.first == 0 {
		return
	}
	for n := at.first; n != 0; {
		was := *u.uses.At(n)
		u.uses.Free(n)
		gone(was.state)
		n = was.next
	}
	at.first = 0
	u.len--
}

// of yields the states that flows use which came in by the port, in no order.
func (u *users) of(in topology.PortID) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for s := range u.flows.Len() {
			f := u.flows.At(s)
			for n := f.first; n != 0 && f.in == in; n = u.uses.At(n).next {
				if !yield(u.uses.At(n).state) {
					return
				}
			}
		}
	}
}
