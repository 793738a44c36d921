package flowstate

import "midonet.org/midonet/topology"

// owner is a port, for the states that its flows made, or another host, for what others alone have told and it has told first. The states
// that no flow uses stand in a list, the one that has not been used for the longest time first.
type owner struct {
	foreign        bool // another host
	unknown        bool // and nobody has said which
	states, idle   int
	oldest, newest uint32 // of the list; nobody where it is empty
}

// nobody is no slot.
const nobody = ^uint32(0)

// ownerOf returns that of a port's states.
func (t *Table) ownerOf(port topology.PortID) *owner { return t.owner(port, false) }

// ownerOfHost returns that of what another host has told; the zero host is one that is not known.
func (t *Table) ownerOfHost(host topology.HostID) *owner { return t.owner(host, true) }

func (t *Table) owner(id [16]byte, foreign bool) *owner {
	o := t.owners[id]
	if o == nil {
		o = &owner{foreign: foreign, unknown: foreign && id == [16]byte{}, oldest: nobody, newest: nobody}
		t.owners[id] = o
	}
	return o
}

// rest puts a state that no flow uses at the end of its owner's list.
func (t *Table) rest(i uint32) {
	a := t.about.At(i)
	o := a.owner
	a.before, a.after = o.newest, nobody
	if o.newest != nobody {
		t.about.At(o.newest).after = i
	} else {
		o.oldest = i
	}
	o.newest = i
	o.idle++
}

// wake takes a state out of its owner's list.
func (t *Table) wake(i uint32) {
	a := t.about.At(i)
	o := a.owner
	if a.before != nobody {
		t.about.At(a.before).after = a.after
	} else {
		o.oldest = a.after
	}
	if a.after != nobody {
		t.about.At(a.after).before = a.before
	} else {
		o.newest = a.before
	}
	o.idle--
}

// reclaim forgets some states of the owner that has the most that no flow uses, the oldest of them, and reports whether there were
// any. So who makes too many loses them first, and others keep theirs.
func (t *Table) reclaim() bool {
	var most *owner
	for _, o := range t.owners {
		if most == nil || o.idle > most.idle {
			most = o
		}
	}
	if most == nil || most.idle == 0 {
		return false
	}
	for range min(most.idle, max(1, t.config.Size/reclaimParts)) {
		t.stats.Evicted++
		t.forget(most.oldest)
	}
	return true
}

// reclaimParts is the part of the table that is reclaimed at once, so that owners are not compared for each state.
const reclaimParts = 4096

// forget drops a state that no flow uses.
func (t *Table) forget(i uint32) {
	p, _ := t.slots.get(int(i))
	t.wake(i)
	t.about.At(i).owner.states--
	key := p.key()
	t.index.Remove(key.hash(), i)
	t.slots.clear(int(i))
	t.about.Free(i)
	t.blocks.use(&p, -1)
	t.answers.note(&p, -1)
}

// forgetOwners drops those that have no states.
func (t *Table) forgetOwners() {
	for id, o := range t.owners {
		if o.states == 0 {
			delete(t.owners, id)
		}
	}
}
