package staging

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

const (
	// patience is how long the claim of a change may stay the same before its owner counts as dead.
	patience = 2 * time.Second
	// poll is how often a claim that is in the way is looked at.
	poll = 20 * time.Millisecond
	// writers is how many parts are completed at a time.
	writers = 8
)

// Settle implements nsdb.Large: it returns when no change is made and incomplete, and none is claimed.
func (s *Store) Settle(ctx context.Context) error {
	var last topology.StagedChange // the claim, when it was last seen to move
	var moved time.Time
	for {
		claim, made, err := s.roles(ctx)
		switch {
		case err != nil:
			return err
		case made != nil:
			err = s.complete(ctx, made)
		case claim == nil:
			return nil
		case claim.GivenUp:
			err = s.remove(ctx, claim)
		case *claim != last:
			last, moved = *claim, time.Now()
			err = pause(ctx)
		case time.Since(moved) < s.patience:
			err = pause(ctx)
		default:
			err = s.giveUp(ctx, claim)
		}
		if err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(poll):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// roles returns the two objects as they are at one time, nil where one names no change.
func (s *Store) roles(ctx context.Context) (claim, made *topology.StagedChange, err error) {
	_, err = s.engine.Update(ctx, func(tx nsdb.Tx) (err error) {
		if claim, err = role(tx, topology.StagedClaim); err != nil {
			return err
		}
		made, err = role(tx, topology.StagedMade)
		return err
	})
	return claim, made, err
}

// claimed returns the claim of the change, nil where it has none.
func (s *Store) claimed(ctx context.Context, change topology.StagedID) (*topology.StagedChange, error) {
	claim, _, err := s.roles(ctx)
	if err != nil || claim == nil || claim.Change != change {
		return nil, err
	}
	return claim, nil
}

// complete writes what is left of a change that is made. Others may do the same meanwhile.
func (s *Store) complete(ctx context.Context, made *topology.StagedChange) error {
	if err := s.writeParts(ctx, made); err != nil {
		return err
	}
	err := s.whileMade(ctx, made.Change, func(tx nsdb.Tx) error {
		tx.Put(&topology.StagedChange{Role: topology.StagedMade})
		return nil
	})
	if err == nil {
		s.forget()
	}
	return err
}

// writeParts writes the parts, several at a time: most of a step is waiting for a disk.
func (s *Store) writeParts(ctx context.Context, made *topology.StagedChange) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Uint32
	var writing sync.WaitGroup
	for range min(s.writers, int(made.Parts)) {
		writing.Go(func() {
			for n := next.Add(1) - 1; n < made.Parts && ctx.Err() == nil; n = next.Add(1) - 1 {
				part := topology.StagedPartKey(made.Change, n)
				if err := s.whileMade(ctx, made.Change, func(tx nsdb.Tx) error { return write(tx, part) }); err != nil {
					cancel(err)
				}
			}
		})
	}
	writing.Wait()
	return context.Cause(ctx)
}

// whileMade runs fn in an Update, provided that the change is made and incomplete.
func (s *Store) whileMade(ctx context.Context, change topology.StagedID, fn func(nsdb.Tx) error) error {
	_, err := s.engine.Update(ctx, func(tx nsdb.Tx) error {
		made, err := role(tx, topology.StagedMade)
		if err != nil || made == nil || made.Change != change {
			return err
		}
		return fn(tx)
	})
	return err
}

// write does what the part says, and deletes it; nothing where it has been done.
func write(tx nsdb.Tx, part topology.Key) error {
	o, err := tx.Get(part)
	p, ok := o.(*topology.StagedPart)
	if err != nil || !ok {
		return err
	}
	for _, put := range p.Puts {
		tx.Put(put)
	}
	for _, key := range p.Deletes {
		tx.Delete(key)
	}
	tx.Delete(part)
	return nil
}

// giveUp ends a claim that is still as it was, and removes its parts.
func (s *Store) giveUp(ctx context.Context, claim *topology.StagedChange) error {
	ended := *claim
	ended.GivenUp = true
	still := false
	_, err := s.engine.Update(ctx, func(tx nsdb.Tx) error {
		current, err := role(tx, topology.StagedClaim)
		if err != nil {
			return err
		}
		if still = current != nil && *current == *claim; still {
			tx.Put(&ended)
		}
		return nil
	})
	if err != nil || !still {
		return err
	}
	return s.remove(ctx, &ended)
}

// remove deletes the parts of a claim that is given up, and then the claim.
func (s *Store) remove(ctx context.Context, claim *topology.StagedChange) error {
	const some = nsdb.MaxObjects - 1
	for first := uint32(0); first < claim.Staged; first += some {
		err := s.whileGivenUp(ctx, claim.Change, func(tx nsdb.Tx) {
			for n := first; n < min(first+some, claim.Staged); n++ {
				tx.Delete(topology.StagedPartKey(claim.Change, n))
			}
		})
		if err != nil {
			return err
		}
	}
	return s.whileGivenUp(ctx, claim.Change, func(tx nsdb.Tx) { tx.Delete(claim.Key()) })
}

// whileGivenUp runs fn in an Update, provided that the claim is the change's and given up.
func (s *Store) whileGivenUp(ctx context.Context, change topology.StagedID, fn func(nsdb.Tx)) error {
	_, err := s.engine.Update(ctx, func(tx nsdb.Tx) error {
		claim, err := role(tx, topology.StagedClaim)
		if err != nil || claim == nil || claim.Change != change || !claim.GivenUp {
			return err
		}
		fn(tx)
		return nil
	})
	return err
}
