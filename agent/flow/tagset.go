package flow

import (
	"net/netip"
	"slices"

	"midonet.org/midonet/mac"
	"midonet.org/midonet/topology"
)

// TagSet is the tags of one answer, each once, in the order in which they were first added: a packet meets the same things again and again.
// The zero TagSet is empty. Tags are made where they are kept, since an answer through two routers adds some fifty.
type TagSet struct {
	list []Tag
	met  [256]uint8 // by a tag's sum or just behind: where in list it is, from 1 on
}

// maxMet is how many tags are found by their sum: enough for all but floods, and few enough that there are gaps in met.
const maxMet = 192

// List returns the tags, which hold until the next Reset.
func (s *TagSet) List() []Tag { return s.list }

// Reset empties the set, which is to keep its tags in room from now on.
func (s *TagSet) Reset(room []Tag) {
	if len(s.list) > 0 {
		s.met = [256]uint8{}
	}
	s.list = room[:0]
}

// Append adds tags that are known not to be there, and are not added by one of the methods below.
func (s *TagSet) Append(tags []Tag) { s.list = append(s.list, tags...) }

// Add adds the tag of an object.
func (s *TagSet) Add(class TagClass, id [16]byte) {
	t := s.next()
	t.ID, t.narrow = id, words{}
	t.Class, t.Bits, t.form = class, 0, formNone
	s.settle(t)
}

// AddStation adds a StationTag.
func (s *TagSet) AddStation(bridge topology.BridgeID, hw mac.Addr) {
	t := s.next()
	t.ID, t.narrow = bridge, wordsOf(hw)
	t.Class, t.Bits, t.form = TagMAC, 0, formMAC
	s.settle(t)
}

// AddAddr adds an AddrTag with the Bits.
func (s *TagSet) AddAddr(class TagClass, id [16]byte, addr netip.Addr, bits uint8) {
	t := s.next()
	t.ID = id
	t.Class, t.Bits = class, bits
	t.setAddr(addr)
	s.settle(t)
}

// AddForwarding adds a ForwardingTag.
func (s *TagSet) AddForwarding(router topology.RouterID, addr netip.Addr, proto uint8, port uint16) {
	s.AddAddr(TagForwarding, router, portAddr(addr, proto, port), 0)
}

// AddState adds the StateTag of a connection's states.
func (s *TagSet) AddState(c *Conn) {
	t := s.next()
	*t = stateTag(connSum(c))
	s.settle(t)
}

// next returns the place behind the last tag.
func (s *TagSet) next() *Tag {
	if len(s.list) == cap(s.list) {
		s.list = slices.Grow(s.list, 1)
	}
	return &s.list[:len(s.list)+1][len(s.list)]
}

// settle keeps the tag that is behind the last, where it is not there already.
func (s *TagSet) settle(t *Tag) {
	at := t.Sum()
	for ; s.met[at] != 0; at++ {
		if s.list[s.met[at]-1].is(t) {
			return
		}
	}
	n := len(s.list)
	if n < maxMet {
		s.met[at] = uint8(n + 1)
	} else if slices.ContainsFunc(s.list[maxMet:], func(have Tag) bool { return have.is(t) }) {
		return
	}
	s.list = s.list[:n+1]
}
