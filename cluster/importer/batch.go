package importer

import (
	"context"
	"fmt"

	"midonet.org/midonet/cluster/nsdb"
	"midonet.org/midonet/neutron/journal"
	"midonet.org/midonet/topology"
)

const (
	// maxObjects is what a batch may touch beside the Progress.
	maxObjects = nsdb.MaxObjects - 1
	// maxBytes bounds the Neutron objects in a batch, and so the size of a transaction: engines take at least a megabyte.
	maxBytes = 512 << 10
)

// batch collects deltas until they fill one Update.
type batch struct {
	importer *Importer
	state    *state
	writes   delta
	bytes    int            // of the tasks' data
	tasks    []journal.Task // applied by writes
	done     []int64        // tasks committed by this batch and those before it
}

func newBatch(i *Importer, s *state) *batch {
	return &batch{importer: i, state: s, writes: delta{}}
}

// add puts the delta, which comes of the tasks, into the batch, and commits what was there before if it does not fit beside it.
func (b *batch) add(ctx context.Context, d delta, tasks []journal.Task) error {
	size := 0
	for _, t := range tasks {
		size += len(t.Data)
	}
	if b.count(d) > maxObjects || b.bytes+size > maxBytes {
		if err := b.commit(ctx); err != nil {
			return err
		}
	}
	for key, o := range d {
		b.writes[key] = o
	}
	b.bytes += size
	b.tasks = append(b.tasks, tasks...)
	return nil
}

// count returns how many objects the batch would touch with the delta.
func (b *batch) count(d delta) int {
	n := len(b.writes)
	for key := range d {
		if _, ok := b.writes[key]; !ok {
			n++
		}
	}
	return n
}

// commit writes the batch and empties it.
func (b *batch) commit(ctx context.Context) error {
	if len(b.writes) == 0 {
		return nil
	}
	s := b.state
	if err := b.importer.commit(ctx, s, b.writes, s.after(b.tasks)); err != nil {
		return err
	}
	s.freeKeys(b.writes)
	for _, t := range b.tasks {
		b.done = append(b.done, t.ID)
	}
	b.writes, b.bytes, b.tasks = delta{}, 0, nil
	return nil
}

// freeKeys gives back the tunnel keys of the ports whose reservation has been deleted, unless a later change has brought the port back.
func (s *state) freeKeys(committed delta) {
	for key, o := range committed {
		if p, ok := s.keys.holder(key); ok && o == nil && !s.exterior(p) {
			s.keys.release(p)
		}
	}
}

// after returns the progress once the tasks are applied.
func (s *state) after(tasks []journal.Task) *topology.Progress {
	next := topology.Progress{Journal: s.journal}
	if s.progress != nil {
		next = *s.progress
	}
	next.Applied += uint64(len(tasks))
	for _, t := range tasks {
		next.LastTaskID = max(next.LastTaskID, t.ID)
	}
	return &next
}

// commit writes the changes and then the progress: in one Update where they fit, as they nearly always do. A larger change, such as
// another MTU for a network of a hundred subnets, is cut. The sources and the progress come last. After a crash in between, the start's
// comparison with Neutron goes on from there.
func (i *Importer) commit(ctx context.Context, s *state, writes delta, progress *topology.Progress) error {
	pieces := cut(writes)
	for n, piece := range pieces {
		next := s.progress
		if n == len(pieces)-1 {
			next = progress
		}
		revision, err := i.store.Update(ctx, func(tx nsdb.Tx) error { return s.write(tx, piece, next) })
		if err != nil {
			return fmt.Errorf("writing to the network state database: %w", err)
		}
		s.revision, s.progress = revision, next
	}
	return nil
}

// cut returns the writes in pieces that fit one Update each, at least one, with the sources last.
func cut(writes delta) []delta {
	piece, bytes := delta{}, 0
	pieces := []delta{piece}
	add := func(key topology.Key, o topology.Object) {
		size := 0
		if source, ok := o.(*topology.Source); ok {
			size = len(source.JSON)
		}
		if len(piece) == maxObjects || bytes+size > maxBytes {
			piece, bytes = delta{}, 0
			pieces = append(pieces, piece)
		}
		piece[key] = o
		bytes += size
	}
	for _, sources := range []bool{false, true} {
		for key, o := range writes {
			if (key.Kind == topology.KindSource) == sources {
				add(key, o)
			}
		}
	}
	return pieces
}

// write is the body of an Update. It fails with errOvertaken if the progress is not what this importer wrote last, or a tunnel key
// that was free is not.
func (s *state) write(tx nsdb.Tx, writes delta, next *topology.Progress) error {
	if err := s.stillOurs(tx); err != nil {
		return err
	}
	for key, o := range writes {
		if o == nil {
			tx.Delete(key)
			continue
		}
		if err := stillFree(tx, o); err != nil {
			return err
		}
		tx.Put(o)
	}
	if next != nil {
		tx.Put(next)
	}
	return nil
}

func (s *state) stillOurs(tx nsdb.Tx) error {
	stored, err := tx.Get((&topology.Progress{Journal: s.journal}).Key())
	if err != nil {
		return err
	}
	if (stored == nil) != (s.progress == nil) || stored != nil && !same(stored, s.progress) {
		return errOvertaken
	}
	return nil
}

// stillFree makes sure that a tunnel key which is to be reserved is reserved by nobody else.
func stillFree(tx nsdb.Tx, o topology.Object) error {
	reservation, ok := o.(*topology.TunnelKey)
	if !ok {
		return nil
	}
	stored, err := tx.Get(reservation.Key())
	if err != nil {
		return err
	}
	if stored != nil && !same(stored, reservation) {
		return errOvertaken
	}
	return nil
}
