package zookeeper

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/cluster/nsdb/zookeeper/record"
	"midonet.org/midonet/topology"
)

// readers is how many reads of a list are under way at once.
const readers = 64

// cell is what the store has under a key: the zero cell is nothing.
type cell struct {
	object   topology.Object // nil for a kind that this program does not know
	revision nsdb.Revision   // of the step that wrote it
	lease    int64           // that holds it, 0 for none
}

func (c cell) exists() bool { return c.revision != 0 }

// cell reads what is under a key now.
func (s *Store) cell(ctx context.Context, key string) (cell, error) {
	data, _, found, err := s.read(ctx, s.tree.object(key))
	if err != nil || !found {
		return cell{}, err
	}
	var stored record.Cell
	if err := proto.Unmarshal(data, &stored); err != nil || stored.GetRevision() == 0 {
		return cell{}, fmt.Errorf("network state database: %s is damaged: it has no revision (%v)", key, err)
	}
	o, err := decode(key, stored.GetObject())
	return cell{object: o, revision: nsdb.Revision(stored.GetRevision()), lease: stored.GetLease()}, err
}

// cells reads what is under several keys, each at a moment of its own.
func (s *Store) cells(ctx context.Context, keys []string) ([]cell, error) {
	found := make([]cell, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, key := range keys {
		group.Go(func() (err error) {
			found[i], err = s.cell(ctx, key)
			return err
		})
	}
	return found, group.Wait()
}
