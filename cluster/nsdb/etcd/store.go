// Package etcd keeps the network state database in etcd: inside this process (OpenEmbedded, the default) or in a cluster that an
// operator runs (Dial). Both are one code over etcd's client; only where the client leads differs.
//
// Each object is one key, <root_key>/v1/<kind>/<uuid>, whose value is package topologypb's form. A step of the store is a revision of
// etcd in which such a key changed.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/topology"
	"midonet.org/midonet/topology/topologypb"
)

// pageSize is how many objects a View reads at once: few enough that an answer is some megabytes, and many, because etcd counts all
// that remain for each answer.
const pageSize = 10000

// Store is a network state database in etcd.
type Store struct {
	client *clientv3.Client
	root   root
	closed context.Context // ends with Close
	cancel context.CancelFunc
	stop   func() error // once

	remote  bool   // whether requests leave the process, and so may get lost
	members string // to whom they go then, for people
}

var _ nsdb.Store = (*Store)(nil)

func newStore(client *clientv3.Client, rootKey string, stop func() error) *Store {
	closed, cancel := context.WithCancel(context.Background())
	return &Store{client: client, root: rootOf(rootKey), closed: closed, cancel: cancel, stop: sync.OnceValue(stop)}
}

// Close ends all watches and releases the engine; it may be called again.
func (s *Store) Close() error {
	s.cancel()
	return s.stop()
}

// View returns every object, as of one revision.
func (s *Store) View(ctx context.Context) (*nsdb.Snapshot, error) {
	for {
		snapshot, err := s.view(ctx)
		if !errors.Is(err, rpctypes.ErrCompacted) {
			return snapshot, err
		}
	}
}

// view reads page after page at the first page's revision. It fails with etcd's ErrCompacted if that goes meanwhile.
func (s *Store) view(ctx context.Context) (*nsdb.Snapshot, error) {
	snapshot := &nsdb.Snapshot{Objects: map[topology.Key]topology.Object{}}
	end := clientv3.GetPrefixRangeEnd(string(s.root))
	opts := []clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(pageSize)}
	for from := string(s.root); ; {
		page, err := s.get(ctx, pageTimeout, from, opts...)
		if err != nil {
			return nil, err
		}
		if snapshot.Revision == 0 {
			snapshot.Revision = nsdb.Revision(page.Header.Revision)
			opts = append(opts, clientv3.WithRev(page.Header.Revision))
		}
		for _, kv := range page.Kvs {
			if err := s.root.addTo(snapshot.Objects, string(kv.Key), kv.Value); err != nil {
				return nil, err
			}
		}
		if !page.More {
			return snapshot, nil
		}
		from = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
}

func (r root) addTo(objects map[topology.Key]topology.Object, path string, value []byte) error {
	key, ok, err := r.parse(path)
	if !ok || err != nil {
		return err
	}
	o, err := decode(key, value)
	if err != nil {
		return err
	}
	objects[key] = o
	return nil
}

// decode reads a stored value and makes sure that it is the object that its path says.
func decode(key topology.Key, value []byte) (topology.Object, error) {
	o, err := topologypb.Unmarshal(value)
	if err != nil {
		return nil, fmt.Errorf("network state database: %v is damaged: %w", key, err)
	}
	if o.Key() != key {
		return nil, fmt.Errorf("network state database: %v is damaged: it holds %v", key, o.Key())
	}
	return o, nil
}

// failure says in which operation the engine failed, and which engine, where it gave no answer. The cause stays in the tree, so that callers can tell
// it apart.
func (s *Store) failure(operation string, err error) error {
	if errors.Is(err, rpctypes.ErrNoSpace) {
		return fmt.Errorf("network state database: %s: etcd has reached its quota and takes no more writes; compact and defragment it, give it a "+
			"larger --quota-backend-bytes, and disarm its alarm (docs/nsdb.md): %w", operation, err)
	}
	if s.remote && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("network state database: %s: etcd at %s does not answer: %w", operation, s.members, err)
	}
	return fmt.Errorf("network state database: %s: %w", operation, err)
}
