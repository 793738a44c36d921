package etcd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// backoffLimit bounds the pause between two tries of an Update. Tries are not bounded: each conflict means that another Update went
// through.
const backoffLimit = 50 * time.Millisecond

// Update runs fn and writes its changes in one etcd transaction, whose conditions are that every object fn read is still as it was.
func (s *Store) Update(ctx context.Context, fn func(nsdb.Tx) error) (nsdb.Revision, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, backoffLimit) {
		rev, done, err := s.try(ctx, fn)
		if done || err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
			return rev, err
		}
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(pause)))):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// try runs fn once. done is false where the commit met a conflict.
func (s *Store) try(ctx context.Context, fn func(nsdb.Tx) error) (rev nsdb.Revision, done bool, err error) {
	t := &tx{ctx: ctx, store: s, reads: map[topology.Key]read{}, writes: map[topology.Key]write{}}
	if err := fn(t); err != nil {
		return 0, false, err
	}
	if t.err != nil { // fn may have passed over the failure of a Get
		return 0, false, t.err
	}
	if len(t.writes) == 0 {
		return t.newest(), true, nil
	}
	ops, err := t.ops()
	if err != nil {
		return 0, false, err
	}
	resp, err := ask(ctx, s, answerTimeout, func(ctx context.Context) (*clientv3.TxnResponse, error) {
		return s.client.Txn(ctx).If(t.conditions()...).Then(ops...).Commit()
	})
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return 0, false, nsdb.ErrLeaseLost
	}
	if err != nil {
		return 0, false, s.failure("write", err)
	}
	return nsdb.Revision(resp.Header.Revision), resp.Succeeded, nil
}

// tx collects what one run of fn reads and writes. All reads are of the revision of the first, so that fn sees one state.
type tx struct {
	ctx    context.Context
	store  *Store
	rev    int64 // of the reads; 0 before the first
	reads  map[topology.Key]read
	writes map[topology.Key]write
	err    error // of the first Get that failed
}

// read is what was found: modified is the revision at which the key was last written, 0 where there is none.
type read struct {
	object   topology.Object
	modified int64
}

// write is what to leave behind: nil deletes.
type write struct {
	object topology.Object
	lease  clientv3.LeaseID
}

func (t *tx) Get(key topology.Key) (topology.Object, error) {
	if w, ok := t.writes[key]; ok {
		return w.object, nil
	}
	if r, ok := t.reads[key]; ok {
		return r.object, nil
	}
	r, err := t.fetch(key)
	if err != nil {
		t.err = errors.Join(t.err, err)
		return nil, err
	}
	t.reads[key] = r
	return r.object, nil
}

func (t *tx) fetch(key topology.Key) (read, error) {
	resp, err := t.store.get(t.ctx, answerTimeout, t.store.root.path(key), clientv3.WithRev(t.rev))
	if err != nil {
		return read{}, err
	}
	if t.rev == 0 {
		t.rev = resp.Header.Revision
	}
	if len(resp.Kvs) == 0 {
		return read{}, nil
	}
	o, err := decode(key, resp.Kvs[0].Value)
	return read{object: o, modified: resp.Kvs[0].ModRevision}, err
}

func (t *tx) Put(o topology.Object) { t.writes[o.Key()] = write{object: o} }

func (t *tx) PutLeased(o topology.Object, l nsdb.Lease) {
	t.writes[o.Key()] = write{object: o, lease: clientv3.LeaseID(l.ID())}
}

func (t *tx) Delete(key topology.Key) { t.writes[key] = write{} }

// newest returns the step of the newest object that was read. The reads' own revision may be of a step of somebody else's who uses the cluster too,
// to which no watch of ours comes.
func (t *tx) newest() (rev nsdb.Revision) {
	for _, r := range t.reads {
		rev = max(rev, nsdb.Revision(r.modified))
	}
	return rev
}

// conditions hold while everything that was read is unchanged. A key that does not exist has the revision 0.
func (t *tx) conditions() []clientv3.Cmp {
	cs := make([]clientv3.Cmp, 0, len(t.reads))
	for key, r := range t.reads {
		cs = append(cs, clientv3.Compare(clientv3.ModRevision(t.store.root.path(key)), "=", r.modified))
	}
	return cs
}

// ops returns the writes. It refuses what is too large, and an object that names nothing, which no View could read again.
func (t *tx) ops() ([]clientv3.Op, error) {
	touched := len(t.writes)
	for key := range t.reads {
		if _, ok := t.writes[key]; !ok {
			touched++
		}
	}
	ops, size := make([]clientv3.Op, 0, len(t.writes)), 0
	for key, w := range t.writes {
		if w.object == nil {
			ops = append(ops, clientv3.OpDelete(t.store.root.path(key)))
			continue
		}
		if key.ID == ([16]byte{}) {
			return nil, fmt.Errorf("network state database: a %v without an identifier cannot be stored", key.Kind)
		}
		value := topologypb.Marshal(w.object)
		size += len(value)
		ops = append(ops, clientv3.OpPut(t.store.root.path(key), string(value), clientv3.WithLease(w.lease)))
	}
	if touched > nsdb.EngineObjects || size > nsdb.MaxBytes {
		return nil, nsdb.ErrTooLarge
	}
	return ops, nil
}
