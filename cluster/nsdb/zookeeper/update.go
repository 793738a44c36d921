package zookeeper

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"midonet.org/midonet/cluster/nsdb"
)

// backoffLimit bounds the pause between two tries of an Update. Tries are not bounded: each conflict means that another step went
// through.
const backoffLimit = 50 * time.Millisecond

// Update runs fn and writes its changes in one ZooKeeper transaction.
func (s *Store) Update(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	for wait := time.Millisecond; ; wait = min(2*wait, backoffLimit) {
		rev, err := s.try(ctx, fn)
		if !errors.Is(err, errOvertaken) {
			return rev, err
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(wait)))); err != nil {
			return 0, err
		}
	}
}

// try runs fn once. It fails with errOvertaken where the commit met a conflict.
func (s *Store) try(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	t := s.begin(ctx)
	err := fn(t)
	if errors.Is(t.err, errOvertaken) { // whatever fn made of it
		return 0, errOvertaken
	}
	if err != nil {
		return 0, err
	}
	if t.err != nil { // fn may have passed over the failure of a Get
		return 0, t.err
	}
	changes, err := t.changes()
	if err != nil {
		return 0, err
	}
	if len(changes) == 0 {
		return t.at.revision, nil
	}
	guards, err := t.guards(changes)
	if err != nil {
		return 0, err
	}
	return t.commit(changes, guards, nil)
}
