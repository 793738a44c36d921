package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"midonet.org/midonet/cluster/nsdb"
)

const (
	// sweepInterval is how often a process looks for leases; once in trimEvery times it looks for steps to remove.
	sweepInterval = 500 * time.Millisecond
	trimEvery     = 10
	// keepSteps and keepOctets are how much of the log is kept for watchers that are behind. ZooKeeper has it all in memory.
	keepSteps  = 10000
	keepOctets = 64 << 20
	// trimBatch is how many steps are removed in one transaction.
	trimBatch = 500
)

// sweeper does what has to be done by some process, whichever. Several may do it at once: each deed is a transaction of which one
// succeeds.
type sweeper struct {
	store      *Store
	seen       map[int64]observation
	keepSteps  nsdb.Revision
	keepOctets uint64
}

// observation is what this process knows of a lease.
type observation struct {
	version int32 // of its node
	ttl     time.Duration
	since   time.Time // when this version was first seen
	last    time.Time // when it was last seen
}

func newSweeper(s *Store) *sweeper {
	return &sweeper{store: s, seen: map[int64]observation{}, keepSteps: keepSteps, keepOctets: keepOctets}
}

// run sweeps until ctx ends.
func (w *sweeper) run(ctx context.Context) {
	for n := 1; pause(ctx, sweepInterval) == nil; n++ {
		err := w.leases(ctx)
		if err != nil {
			clear(w.seen) // whoever could not reach ZooKeeper could not renew; all begin afresh
		} else if n%trimEvery == 0 {
			err = w.trim(ctx)
		}
		if err != nil && ctx.Err() == nil {
			w.store.log.Warn("the network state database is not swept; trying again", "error", err)
		}
	}
}

// leases looks at those leases whose time it is, and ends the ones that have run out.
func (w *sweeper) leases(ctx context.Context) error {
	names, err := do(ctx, w.store, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(w.store.tree.leases())
		return names, err
	})
	if err != nil {
		return err
	}
	alive := make(map[int64]observation, len(names))
	for _, name := range names {
		id, err := strconv.ParseInt(name, 16, 64)
		if err != nil {
			continue // not ours
		}
		o, ok := w.seen[id]
		if !ok || time.Since(o.last) >= o.ttl/4 {
			if o, ok, err = w.look(ctx, id, o); err != nil {
				return err
			}
		}
		if ok {
			alive[id] = o
		}
	}
	w.seen = alive
	return nil
}

// look reads a lease, and ends it if it has been seen unrenewed for its whole time. ok is false for a lease that is gone.
func (w *sweeper) look(ctx context.Context, id int64, before observation) (o observation, ok bool, err error) {
	asked := time.Now()
	data, stat, found, err := w.store.read(ctx, w.store.tree.lease(id))
	if err != nil || !found {
		return o, false, err
	}
	seconds, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return o, false, fmt.Errorf("network state database: %s is damaged: %q", w.store.tree.lease(id), data)
	}
	o = observation{version: stat.Version, ttl: time.Duration(seconds) * time.Second, since: before.since, last: time.Now()}
	unseen := o.last.Sub(before.last) > o.ttl/2+2*sweepInterval // this process slept, or ZooKeeper did
	if before.since.IsZero() || before.version != o.version || unseen {
		o.since = o.last
		return o, true, nil
	}
	if asked.Sub(o.since) < o.ttl {
		return o, true, nil
	}
	err = w.store.endLease(ctx, id, o.version)
	if errors.Is(err, nsdb.ErrLeaseLost) || errors.Is(err, errRenewed) { // another process was first, or the owner was
		err = nil
	}
	return o, false, err
}

// trim removes the oldest steps while there are too many, and the pieces of steps that are gone.
func (w *sweeper) trim(ctx context.Context) error {
	data, stat, found, err := w.store.read(ctx, w.store.tree.log())
	if err != nil {
		return err
	}
	oldest, err := parseRevision(data)
	if err != nil || !found {
		return fmt.Errorf("network state database: %s is damaged: %q", w.store.tree.log(), data)
	}
	newest, err := w.store.head(ctx)
	if err != nil {
		return err
	}
	keep, err := w.firstToKeep(ctx, oldest, newest)
	if err != nil || keep == oldest {
		return err
	}
	if err := w.cut(ctx, oldest, keep, stat.Version); err != nil {
		return err
	}
	return w.removePieces(ctx, keep)
}

// firstToKeep is the oldest step that is to stay; the newest always does. Other processes may be trimming as well.
func (w *sweeper) firstToKeep(ctx context.Context, oldest nsdb.Revision, newest head) (nsdb.Revision, error) {
	keep := oldest
	if newest.revision > oldest+w.keepSteps {
		keep = newest.revision - w.keepSteps
	}
	for limit := min(newest.revision, oldest+trimBatch); keep < limit; keep++ {
		e, found, err := w.store.entry(ctx, keep)
		if err != nil || !found || newest.octets-e.octets <= w.keepOctets {
			return min(keep, limit), err
		}
	}
	return min(keep, oldest+trimBatch), nil
}

// cut removes the steps from one revision to before another, unless another process has cut the log since.
func (w *sweeper) cut(ctx context.Context, from, to nsdb.Revision, version int32) error {
	tree := w.store.tree
	requests := []any{&zk.SetDataRequest{Path: tree.log(), Data: formatRevision(to), Version: version}}
	for rev := from; rev < to; rev++ {
		requests = append(requests, &zk.DeleteRequest{Path: tree.entry(rev), Version: -1})
	}
	_, err := do(ctx, w.store, func(c *zk.Conn) ([]zk.MultiResponse, error) { return c.Multi(requests...) })
	if errors.Is(err, zk.ErrBadVersion) {
		return nil
	}
	return err
}

// removePieces removes the pieces of steps before the revision, written or not.
func (w *sweeper) removePieces(ctx context.Context, before nsdb.Revision) error {
	names, err := do(ctx, w.store, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(w.store.tree.staged())
		return names, err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "-")
		if rev, err := parseRevision([]byte(number)); err != nil || rev >= before {
			continue
		}
		path := w.store.tree.staged() + "/" + name
		_, err := do(ctx, w.store, func(c *zk.Conn) (struct{}, error) { return struct{}{}, c.Delete(path, -1) })
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
	}
	return nil
}
