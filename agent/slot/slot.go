// Package slot keeps things in numbered slots, and finds them.
//
// An agent remembers a hundred thousand flows and several states and tags of each. A Go map of such would hold each key once more, and each
// new one costs two searches, one to see that it is not there and one to add it. An Index holds eight octets of each, whatever its size.
package slot

// Index finds the slots of things by their hashes. Where the things are, and whether one is the one that is looked for, is known to the
// caller alone. The zero Index is empty. It is not safe for use by several goroutines.
//
// It is a hash table in parts, each with open addressing, so that no search waits for all of it to be copied when it grows.
type Index struct {
	parts [256]part
	len   int
}

// part is the entries whose hashes begin with the same octet: a power of two of them, a fourth of which at least is free.
type part struct {
	entries []entry
	used    int
}

// entry is one slot. The end of its hash says where it is to be: there, or behind without a gap.
type entry struct {
	hash uint32
	slot uint32 // and 1; 0: the entry is free
}

const smallest = 32

// Len returns how many slots there are.
func (x *Index) Len() int { return x.len }

// Find returns the slot with the hash for which is holds. Hashes are to be spread over all 64 bits.
func (x *Index) Find(hash uint64, is func(slot uint32) bool) (slot uint32, ok bool) {
	p := &x.parts[hash>>56]
	if len(p.entries) == 0 {
		return 0, false
	}
	last := uint32(len(p.entries) - 1)
	for at := uint32(hash) & last; ; at = (at + 1) & last {
		e := p.entries[at]
		if e.slot == 0 {
			return 0, false
		}
		if e.hash == uint32(hash) && is(e.slot-1) {
			return e.slot - 1, true
		}
	}
}

// Add adds a slot, which is not there.
func (x *Index) Add(hash uint64, slot uint32) {
	p := &x.parts[hash>>56]
	if p.used >= len(p.entries)/4*3 {
		p.grow()
	}
	p.put(entry{uint32(hash), slot + 1})
	p.used++
	x.len++
}

// Remove removes a slot, which is there with the hash.
func (x *Index) Remove(hash uint64, slot uint32) {
	p := &x.parts[hash>>56]
	last := uint32(len(p.entries) - 1)
	gap := uint32(hash) & last
	for p.entries[gap].slot != slot+1 {
		gap = (gap + 1) & last
	}
	for at := (gap + 1) & last; p.entries[at].slot != 0; at = (at + 1) & last {
		if home := p.entries[at].hash & last; (at-home)&last >= (at-gap)&last { // the gap is between where it is to be and where it is
			p.entries[gap] = p.entries[at]
			gap = at
		}
	}
	p.entries[gap] = entry{}
	p.used--
	x.len--
}

func (p *part) put(e entry) {
	last := uint32(len(p.entries) - 1)
	at := e.hash & last
	for p.entries[at].slot != 0 {
		at = (at + 1) & last
	}
	p.entries[at] = e
}

func (p *part) grow() {
	old := p.entries
	p.entries = make([]entry, max(smallest, 2*len(old)))
	for _, e := range old {
		if e.slot != 0 {
			p.put(e)
		}
	}
}
