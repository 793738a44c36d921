package staging

import (
	"context"
	"errors"
	"sync"
	"time"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
)

// Store is an engine in which changes of any size are one step.
type Store struct {
	engine nsdb.Store
	turn   chan struct{} // has room for the one large change that this process prepares

	partObjects int           // how many objects a part has at most
	patience    time.Duration // how long the claim of a change may stay the same before its owner counts as dead
	writers     int           // how many parts are completed at a time

	mu      sync.Mutex
	overlay *overlay // of the incomplete change that was met last
}

var _ nsdb.Large = (*Store)(nil)

// Over returns the store over an engine, which all who use the engine's data must go through. Closing it closes the engine.
func Over(engine nsdb.Store) *Store {
	return &Store{engine: engine, turn: make(chan struct{}, 1), partObjects: partObjects, patience: patience, writers: writers}
}

// Grant is the engine's.
func (s *Store) Grant(ctx context.Context, ttl time.Duration) (nsdb.Lease, error) {
	return s.engine.Grant(ctx, ttl)
}

// Close closes the engine.
func (s *Store) Close() error { return s.engine.Close() }

// View returns every object as readers are to see it.
func (s *Store) View(ctx context.Context) (*nsdb.Snapshot, error) {
	snapshot, err := s.engine.View(ctx)
	if err != nil {
		return nil, err
	}
	objects := snapshot.Objects
	for _, role := range []topology.StagedRole{topology.StagedClaim, topology.StagedMade} {
		c, _ := objects[topology.StagedKey(role)].(*topology.StagedChange)
		delete(objects, topology.StagedKey(role))
		for number := range parts(c) {
			key := topology.StagedPartKey(c.Change, number)
			if p, ok := objects[key].(*topology.StagedPart); ok && role == topology.StagedMade {
				layOver(objects, p)
			}
			delete(objects, key)
		}
	}
	return snapshot, nil
}

func layOver(objects map[topology.Key]topology.Object, p *topology.StagedPart) {
	for _, o := range p.Puts {
		objects[o.Key()] = o
	}
	for _, key := range p.Deletes {
		delete(objects, key)
	}
}

// parts yields the numbers of the change's parts; none of nil.
func parts(c *topology.StagedChange) func(func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for n := uint32(0); c != nil && n < c.Parts && yield(n); n++ {
		}
	}
}

// The reasons for which a try of an Update ends without a result.
var (
	errUnseen = errors.New("what an incomplete change is to write has not been read")
	errStaged = errors.New("the Update writes what an incomplete change is to write")
)

// Update runs fn on what readers see.
func (s *Store) Update(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	var above *overlay // of the incomplete change that the last try met
	for {
		var met *topology.StagedChange
		rev, err := s.engine.Update(ctx, func(tx nsdb.Tx) (err error) {
			if met, err = role(tx, topology.StagedMade); err != nil {
				return err
			}
			if met == nil {
				return fn(tx)
			}
			if above == nil || above.change != met.Change {
				return errUnseen
			}
			return above.run(tx, fn)
		})
		switch {
		case errors.Is(err, errUnseen):
			above, err = s.overlayOf(ctx, met)
		case errors.Is(err, errStaged):
			err = s.complete(ctx, met)
		default:
			if met == nil {
				s.forget()
			}
			return rev, err
		}
		if err != nil {
			return 0, err
		}
	}
}

// role returns the object with the role as the transaction sees it, nil where it names no change.
func role(tx nsdb.Tx, r topology.StagedRole) (*topology.StagedChange, error) {
	o, err := tx.Get(topology.StagedKey(r))
	if c, ok := o.(*topology.StagedChange); ok && !c.Change.IsZero() {
		return c, err
	}
	return nil, err
}
