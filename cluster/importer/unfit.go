package importer

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// An object that is larger than a store takes (a chain with the rules of thousands of a router's interfaces) is not written: what is stored of
// it stays as it was, everything else goes on, and Status and Check say so until it is smaller. A request by which one would become so
// is refused.

// takeUnfit takes what is larger than so many octets out of the delta, and returns how many each has.
func (d delta) takeUnfit(largest int) map[topology.Key]int {
	var unfit map[topology.Key]int
	for key, o := range d {
		if o == nil {
			continue
		}
		if size := proto.Size(topologypb.ToProto(o)); size > largest {
			if unfit == nil {
				unfit = map[topology.Key]int{}
			}
			unfit[key] = size
			delete(d, key)
		}
	}
	return unfit
}

// note keeps in mind which objects are unfit, and forgets those among the writes that no longer are.
func (s *state) note(unfit map[topology.Key]int, writes delta) {
	for key := range writes {
		delete(s.unfit, key)
	}
	maps.Copy(s.unfit, unfit)
}

// problems says in words what is not stored as it should be, in order of key.
func (s *state) problems() []string {
	var words []string
	for key, size := range s.unfit {
		words = append(words, s.tooLarge(key, size))
	}
	slices.Sort(words)
	return words
}

func (s *state) tooLarge(key topology.Key, size int) string {
	return fmt.Sprintf("%v would have %d octets, more than the %d that one object may have; it stays as it is", key, size, s.largest)
}
