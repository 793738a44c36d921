package staging

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/id"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

const (
	// partObjects is how many objects a part has at most: the step that writes them also reads StagedMade and deletes the part.
	partObjects = nsdb.MaxObjects - 2
	// partBytes is the size at which a part is closed, octets of the objects' stored form.
	partBytes = 128 << 10
	// stepBytes is how much of parts one step stages, unless a single part is larger.
	stepBytes = 512 << 10
)

// UpdateLarge implements nsdb.Large.
func (s *Store) UpdateLarge(ctx context.Context, c nsdb.LargeChange) (nsdb.Revision, error) {
	pieces, err := s.cut(c.Writes)
	if err != nil {
		return 0, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	claim, err := s.claim(ctx, len(pieces))
	if err != nil {
		return 0, err
	}
	rev, err := s.prepareAndMake(ctx, claim, pieces, c)
	if err != nil {
		// Where the outcome of the making is not known, the claim tells: a change that is made has none.
		if claim, _ = s.claimed(ctx, claim.Change); claim != nil {
			_ = s.giveUp(ctx, claim) // what is left undone here is the next one's to do
		}
		return 0, err
	}
	_ = s.complete(ctx, claim) // likewise
	return rev, nil
}

func (s *Store) prepareAndMake(ctx context.Context, claim *topology.StagedChange, pieces []piece, c nsdb.LargeChange) (nsdb.Revision, error) {
	if err := s.stage(ctx, claim.Change, pieces, c.Prepared); err != nil {
		return 0, err
	}
	return s.engine.Update(ctx, func(tx nsdb.Tx) error {
		current, err := own(tx, claim.Change)
		if err != nil {
			return err
		}
		if c.Guard != nil {
			if err := c.Guard(tx); err != nil {
				return err
			}
		}
		tx.Delete(current.Key())
		tx.Put(&topology.StagedChange{Role: topology.StagedMade, Change: current.Change, Parts: current.Parts})
		return nil
	})
}

// piece is a part before it has a number.
type piece struct {
	puts    []topology.Object
	deletes []topology.Key
	bytes   int
}

func (p *piece) objects() int { return len(p.puts) + len(p.deletes) }

// cut returns the writes in pieces that fit one step each, in order of key. It refuses what could be staged and then not be written.
func (s *Store) cut(writes map[topology.Key]topology.Object) ([]piece, error) {
	var pieces []piece
	var p piece
	for _, key := range slices.SortedFunc(maps.Keys(writes), compareKeys) {
		o, size := writes[key], 0
		if o != nil {
			size = proto.Size(topologypb.ToProto(o))
		}
		switch {
		case size > nsdb.MaxObjectBytes:
			return nil, nsdb.ErrTooLarge
		case key.ID == [16]byte{} || !key.Kind.Known() || key.Kind.Leased():
			return nil, fmt.Errorf("network state database: %v cannot be part of a large change", key)
		case p.objects() == s.partObjects || p.objects() > 0 && p.bytes+size > partBytes:
			pieces, p = append(pieces, p), piece{}
		}
		if p.bytes += size; o != nil {
			p.puts = append(p.puts, o)
		} else {
			p.deletes = append(p.deletes, key)
		}
	}
	return append(pieces, p), nil
}

func compareKeys(a, b topology.Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.ID[:], b.ID[:]))
}

// claim makes this change the one that is prepared.
func (s *Store) claim(ctx context.Context, parts int) (*topology.StagedChange, error) {
	claim := &topology.StagedChange{Role: topology.StagedClaim, Change: id.New[topology.StagedChange](), Parts: uint32(parts)}
	for {
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
		taken := false
		_, err := s.engine.Update(ctx, func(tx nsdb.Tx) error {
			other, err := role(tx, topology.StagedClaim)
			if err != nil {
				return err
			}
			made, err := role(tx, topology.StagedMade)
			if err != nil {
				return err
			}
			if taken = other != nil || made != nil; !taken {
				tx.Put(claim)
			}
			return nil
		})
		if err != nil || !taken {
			return claim, err
		}
	}
}

// stage writes the parts, several in one step where they are small.
func (s *Store) stage(ctx context.Context, change topology.StagedID, pieces []piece, prepared func(done int) error) error {
	done := 0
	for first := 0; first < len(pieces); {
		end, size := first, 0
		for end < len(pieces) && end-first < nsdb.MaxObjects-1 && (end == first || size+pieces[end].bytes <= stepBytes) {
			size += pieces[end].bytes
			end++
		}
		if err := s.stageSome(ctx, change, pieces[first:end], uint32(first)); err != nil {
			return err
		}
		for _, p := range pieces[first:end] {
			done += p.objects()
		}
		if prepared != nil {
			if err := prepared(done); err != nil {
				return err
			}
		}
		first = end
	}
	return nil
}

func (s *Store) stageSome(ctx context.Context, change topology.StagedID, pieces []piece, first uint32) error {
	_, err := s.engine.Update(ctx, func(tx nsdb.Tx) error {
		claim, err := own(tx, change)
		if err != nil {
			return err
		}
		for n, p := range pieces {
			tx.Put(&topology.StagedPart{Change: change, Number: first + uint32(n), Puts: p.puts, Deletes: p.deletes})
		}
		further := *claim
		further.Staged = first + uint32(len(pieces))
		tx.Put(&further)
		return nil
	})
	return err
}

// own returns the claim of the change, or ErrSuperseded where it is given up or another's.
func own(tx nsdb.Tx, change topology.StagedID) (*topology.StagedChange, error) {
	claim, err := role(tx, topology.StagedClaim)
	if err != nil {
		return nil, err
	}
	if claim == nil || claim.Change != change || claim.GivenUp {
		return nil, nsdb.ErrSuperseded
	}
	return claim, nil
}
