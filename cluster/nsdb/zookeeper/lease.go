package zookeeper

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/go-zookeeper/zk"

	"midonet.org/midonet/cluster/nsdb"
)

// errRenewed says that a lease which was to end has been renewed.
var errRenewed = errors.New("the lease has been renewed")

// Grant makes a lease's node. A process that sweeps ends the lease when it has not seen a renewal for ttl, within some two seconds
// more.
func (s *Store) Grant(ctx context.Context, ttl time.Duration) (nsdb.Lease, error) {
	var random [8]byte
	rand.Read(random[:])
	l := &lease{store: s, id: int64(binary.BigEndian.Uint64(random[:])>>1 | 1), ttl: int64((ttl + time.Second - 1) / time.Second)}
	err := s.create(ctx, s.tree.lease(l.id), l.data())
	if err != nil && !errors.Is(err, zk.ErrNodeExists) { // no other lease has this number
		return nil, failure("grant a lease", err)
	}
	return l, nil
}

type lease struct {
	store *Store
	id    int64 // above 0
	ttl   int64 // seconds
}

func (l *lease) ID() int64 { return l.id }

func (l *lease) data() []byte { return strconv.AppendInt(nil, l.ttl, 10) }

func (l *lease) Renew(ctx context.Context) error {
	_, err := do(ctx, l.store, func(c *zk.Conn) (*zk.Stat, error) { return c.Set(l.store.tree.lease(l.id), l.data(), -1) })
	if errors.Is(err, zk.ErrNoNode) {
		return nsdb.ErrLeaseLost
	}
	if err != nil {
		return failure("renew a lease", err)
	}
	return nil
}

func (l *lease) Revoke(ctx context.Context) error { return l.store.endLease(ctx, l.id, -1) }

// endLease deletes the lease and what it holds in one step, provided that the lease's node still has the version; -1 is any.
func (s *Store) endLease(ctx context.Context, id int64, version int32) error {
	for {
		err := s.tryEndLease(ctx, id, version)
		if !errors.Is(err, errOvertaken) {
			return err
		}
	}
}

// tryEndLease fails with errOvertaken if any step comes in between: it may have changed what the lease holds.
func (s *Store) tryEndLease(ctx context.Context, id int64, version int32) error {
	t := s.begin(ctx)
	t.fixed = true
	if err := t.start(); err != nil {
		return err
	}
	names, err := do(ctx, s, func(c *zk.Conn) ([]string, error) {
		names, _, err := c.Children(s.tree.lease(id))
		return names, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nsdb.ErrLeaseLost
	}
	if err != nil {
		return failure("read what a lease holds", err)
	}
	if _, err := t.advance(); err != nil {
		return err
	}
	if len(names) == 0 {
		return s.deleteLease(ctx, id, version)
	}
	changes := make([]change, len(names))
	for i, name := range names {
		changes[i] = change{key: keyOfHeld(name), was: cell{revision: t.at.revision, lease: id}}
	}
	_, err = t.commit(changes, nil, []operation{{&zk.DeleteRequest{Path: s.tree.lease(id), Version: version}, errRenewed}})
	return err
}

// deleteLease deletes a lease that holds nothing, which is no step.
func (s *Store) deleteLease(ctx context.Context, id int64, version int32) error {
	_, err := do(ctx, s, func(c *zk.Conn) (struct{}, error) { return struct{}{}, c.Delete(s.tree.lease(id), version) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, zk.ErrNoNode): // or a try whose answer was lost has deleted it
		return nsdb.ErrLeaseLost
	case errors.Is(err, zk.ErrBadVersion):
		return errRenewed
	case errors.Is(err, zk.ErrNotEmpty):
		return errOvertaken
	default:
		return failure("end a lease", err)
	}
}

// maxHeld is how many objects a lease may hold, so that one transaction can delete them and their nodes below the lease; ErrTooLarge
// refuses more. With a root key of usual length it is some 4,000.
func (t tree) maxHeld() int {
	key := "a kind's name and the/00000000-0000-4000-8000-000000000000"
	return packet * 15 / 16 / (len(t.object(key)) + len(t.held(0, key)) + 2*operationSize)
}

// guards makes sure that the leases of a transaction are there, and returns the operations that demand it.
func (t *tx) guards(changes []change) ([]operation, error) {
	added := map[int64]int{}
	for _, c := range changes {
		if c.lease != 0 && c.lease != c.was.lease {
			added[c.lease]++
		} else if c.lease != 0 {
			added[c.lease] += 0
		}
	}
	var guards []operation
	for id, n := range added {
		path := t.store.tree.lease(id)
		_, stat, found, err := t.store.read(t.ctx, path)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, nsdb.ErrLeaseLost
		}
		if int(stat.NumChildren)+n > t.store.tree.maxHeld() {
			return nil, nsdb.ErrTooLarge
		}
		guards = append(guards, operation{&zk.CheckVersionRequest{Path: path, Version: -1}, nsdb.ErrLeaseLost})
	}
	return guards, nil
}
